//! A run that is open: everything that its steps read and change.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::tensor::Device;
use scst_files::{FileAction, FileError, remove_stale_temporaries, write_bytes_atomically};
use scst_group::Group;
use scst_model::Captioner;

use super::{
    closing,
    foreign::Foreign,
    lock::RunLock,
    material::{Findings, Material, Means, gather, goes_on},
    opening::Length,
    options::{Longer, RunOptions, Summary},
    prepared::Prepared,
    record::StartRecord,
    validation_examples::validation_examples,
};
use crate::{
    TrainError,
    alike::{check_alike, weights_hash},
    captioner::parameters,
    checkpoint::Checkpoint,
    config::{Config, ScheduleConfig},
    corpus::Corpus,
    diagnosis::examination::Examination,
    events::{
        EventWriter, METRICS_FILE, ResumePoint, SAMPLES_FILE, curve, read_log, read_records,
        read_samples,
    },
    objective::sequence::SelfCritic,
    observer::{Event, Observer, Position},
    optimise::optimiser::Optimiser,
    registry::Registry,
    run::progress::Progress,
    warning::Warning,
};

/// A run that is open.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    /// The same, with every path where the file is.
    pub(super) located: &'a Config,
    pub(super) prepared: &'a Prepared,
    pub(super) registry: &'a Registry,
    pub(super) directory: PathBuf,
    pub(super) corpus: Corpus,
    pub(super) device: Device,
    /// The ranks of the run; the first of them writes.
    pub(super) group: &'a dyn Group,
    pub(super) hash_every: Option<u64>,
    /// How long this rank had waited for each of them at the last record, seconds.
    pub(super) waited: Vec<f64>,
    pub(super) captioner: Captioner,
    pub(super) foreign: Foreign,
    pub(super) optimiser: Option<Optimiser>,
    pub(super) progress: Progress,
    /// Of every stage.
    pub(super) lengths: Vec<Length>,
    /// The rewards of the stage that the run begins with, until it begins.
    pub(super) critic: Option<(usize, SelfCritic)>,
    /// When the time of the stage was last added to `progress`.
    pub(super) since: Instant,
    pub(super) events: EventWriter,
    /// Of all that was logged.
    pub(super) examination: Examination,
    pub(super) observer: &'a mut dyn Observer,
    /// What the observer has been warned of.
    pub(super) warned: BTreeSet<String>,
    /// The lock of a new run. The last field: it is let go of when all else is.
    _lock: Option<RunLock>,
}

impl<'a> Run<'a> {
    pub(super) fn open(
        prepared: &'a Prepared,
        [config, located]: [&'a Config; 2],
        options: &RunOptions<'a>,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let directory = options.directory.clone();
        let captioners = &options.registry.captioners;
        let stored = prepared.newest.as_deref();
        let stored = stored.map(|path| Checkpoint::load(path, captioners));
        let stored = stored.transpose()?;
        let means = Means {
            located,
            prepared,
            registry: options.registry,
            verify_features: options.verify_features,
            with_test: false,
            group: options.group,
        };
        let mut findings = Findings::default();
        let material = gather(config, stored.as_ref(), means, &mut findings, observer);
        let Material {
            device,
            corpus,
            captions,
            captioner,
            foreign,
            progress,
            lengths,
            critic,
            warnings,
        } = material.map_err(first_of)?;
        let optimiser = stored.as_ref().and_then(|stored| {
            let stage = config.stages.get(progress.stage)?;
            Some(stored.optimiser(&stage.optimiser, &device))
        });
        observer.observe(&Event::Ready {
            data: &corpus.describe(),
            val_sources: validation_examples(config, &corpus)?.len(),
            parameters: parameters(&captioner),
        });
        if options.group.size() > 1 {
            let alike = [
                ("training captions", captions.clone()),
                ("weights to begin with", weights_hash(&captioner)?),
                (
                    "position",
                    format!("stage {}, step {}", progress.stage, progress.global_step),
                ),
                (
                    "checkpoints of other runs",
                    format!("{:?}", progress.foreign),
                ),
            ];
            check_alike(options.group, &alike)?;
        }
        // Only now, with everything read and checked, does the run leave its first trace.
        let (lock, events, examination) = if options.group.rank() == 0 {
            let begun = Begun {
                configs: [config, located],
                captions,
                progress: &progress,
            };
            begun.leave_trace(prepared, options, observer)?
        } else {
            (None, EventWriter::nowhere(), Examination::new(config))
        };
        let mut run = Self {
            config,
            located,
            prepared,
            registry: options.registry,
            directory,
            corpus,
            device,
            group: options.group,
            hash_every: options.hash_every,
            waited: Vec::new(),
            captioner,
            foreign,
            optimiser,
            progress,
            lengths,
            critic,
            since: Instant::now(),
            events,
            examination,
            observer,
            warned: BTreeSet::new(),
            _lock: lock,
        };
        for warning in &warnings {
            run.warn(warning)?;
        }
        run.tell_findings()?;
        Ok(run)
    }

    /// Whether nothing is left to be done of a run that goes on.
    pub(super) fn is_finished(&self) -> bool {
        let progress = &self.progress;
        let stage = self.config.stages.get(progress.stage);
        let goes_on = goes_on(&self.lengths, progress);
        self.prepared.newest.is_some()
            && stage.is_some()
            && progress.stage + 1 == self.config.stages.len()
            && !goes_on
            && !progress.validation_due
            && self.directory.join("summary.json").is_file()
    }

    /// What has to be larger for the last stage to go on where it has ended.
    pub(super) fn longer(&self) -> Option<Longer> {
        let k = self.config.stages.len().checked_sub(1)?;
        let stage = &self.config.stages[k];
        let depends_on_end = matches!(stage.schedule, ScheduleConfig::Cosine { .. });
        if depends_on_end || self.progress.stage_ended {
            return None;
        }
        let (key, now) = match (stage.steps, stage.epochs) {
            (Some(steps), _) => ("steps", steps),
            (None, epochs) => ("epochs", epochs?),
        };
        let key = format!("stages.{k}.{key}");
        Some(Longer { key, now })
    }

    /// Tells the observer, and notes it in the records of the run.
    pub(super) fn warn(&mut self, warning: &Warning) -> Result<(), TrainError> {
        let stage = self.config.stages.get(self.progress.stage);
        let stage = stage.map_or("", |stage| stage.name.as_str());
        let step = self.progress.global_step;
        let message = warning.to_string();
        self.events.warn(step, stage, &message)?;
        self.examination.warning(&message);
        if self.warned.insert(warning.to_string()) {
            self.observer.observe(&Event::Warning(warning));
        }
        Ok(())
    }

    /// Tells what was found in what was logged, unless the log holds it: before the run was resumed, that is.
    pub(super) fn tell_findings(&mut self) -> Result<(), TrainError> {
        for finding in self.examination.take_findings() {
            let (step, stage) = (finding.step, finding.stage.clone());
            let warning = Warning::Fault(finding);
            if self.events.warn(step, &stage, &warning.to_string())? {
                self.observer.observe(&Event::Warning(&warning));
            }
        }
        Ok(())
    }

    /// Where the run is.
    pub(super) fn position(&self) -> Position {
        let progress = &self.progress;
        let length = self.lengths.get(progress.stage);
        let stage_secs = progress.stage_secs + self.since.elapsed().as_secs_f64();
        let before: f64 = progress.summaries.iter().map(|stage| stage.seconds).sum();
        Position {
            stage: progress.stage,
            stages: self.config.stages.len(),
            step: progress.step,
            steps: length.map_or(0, |length| length.steps),
            steps_per_epoch: length.map_or(0, |length| length.steps_per_epoch),
            run_step: progress.global_step,
            run_steps: self.lengths.iter().map(|length| length.steps).sum(),
            stage_secs,
            run_secs: before + stage_secs,
        }
    }

    pub(super) fn finish(&mut self) -> Result<Summary, TrainError> {
        self.events.flush()?;
        let summary = Summary {
            stages: self.progress.summaries.clone(),
            best: self.progress.best.clone(),
            signature: self.progress.signature.clone(),
            warnings: closing::warnings(self.config.validation.metric, &self.progress)
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        if self.group.rank() == 0 {
            self.write_summary(&summary)?;
        }
        Ok(summary)
    }

    /// Whether this process writes the files of the run.
    pub(super) fn writes(&self) -> bool {
        self.group.rank() == 0
    }

    fn write_summary(&self, summary: &Summary) -> Result<(), TrainError> {
        let records = read_records(&self.directory.join(METRICS_FILE))?;
        let metric = self.config.validation.metric;
        let spec = curve::CurveSpec {
            title: self.config.name.clone(),
            metric: metric.name().to_owned(),
            metric_label: metric.label().to_owned(),
            smaller_is_better: metric.smaller_is_better(),
        };
        curve::write_curve(&self.directory.join(curve::CURVE_FILE), &spec, &records)?;
        let path = self.directory.join("summary.json");
        let bytes = serde_json::to_vec_pretty(summary)
            .map_err(|error| FileError::on(FileAction::Write, &path)(error.into()))?;
        write_bytes_atomically(&path, &bytes)?;
        Ok(())
    }
}

/// What a run begins with, or goes on with.
struct Begun<'a> {
    /// To be recorded, and with every path where the file is.
    configs: [&'a Config; 2],
    /// Fingerprint of the captions.
    captions: String,
    progress: &'a Progress,
}

impl Begun<'_> {
    /// Makes the directory and the files of a run, or goes on with them; the lock, if the run is new.
    fn leave_trace(
        self,
        prepared: &Prepared,
        options: &RunOptions<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(Option<RunLock>, EventWriter, Examination), TrainError> {
        let [config, located] = self.configs;
        let directory = options.directory.as_path();
        create_directory(&directory.join("checkpoints"))?;
        let lock = prepared.lock_of_new(directory, observer)?;
        remove_stale_temporaries(directory)?;
        write_bytes_atomically(&directory.join("config.toml"), config.to_toml()?.as_bytes())?;
        let mut record = prepared.record.clone();
        record.captions.get_or_insert(self.captions);
        let is_new = lock.is_some();
        let from = (options.program, options.group.size());
        let step = self.progress.global_step;
        let start = StartRecord::now(step, is_new, directory, located, from)?;
        record.starts.push(start);
        record.write(directory)?;
        if is_new {
            let events = EventWriter::create(directory)?;
            return Ok((lock, events, Examination::new(config)));
        }
        let events = EventWriter::resume(directory, &resume_point(config, self.progress))?;
        let entries = read_log(&directory.join(METRICS_FILE))?;
        let samples = read_samples(&directory.join(SAMPLES_FILE))?;
        let examination = Examination::of_log(config, &entries, &samples);
        Ok((lock, events, examination))
    }
}

/// Where a run goes on: what it had written of later steps and stages is forgotten.
fn resume_point<'a>(config: &'a Config, progress: &Progress) -> ResumePoint<'a> {
    let stage = config.stages.get(progress.stage);
    let starts_anew = progress.step == 0 && progress.start.is_none();
    ResumePoint {
        step: progress.global_step,
        stage: stage.map_or("", |stage| stage.name.as_str()),
        is_validated: !(progress.validation_due || starts_anew),
        later_stages: config
            .stages
            .iter()
            .skip(progress.stage + 1)
            .map(|stage| stage.name.as_str())
            .collect(),
    }
}

/// The problem that a run ends with.
fn first_of(problems: Vec<TrainError>) -> TrainError {
    let first = problems.into_iter().next();
    first.unwrap_or_else(|| unreachable!("what cannot be read has a problem"))
}

fn create_directory(path: &Path) -> Result<(), FileError> {
    let create: io::Result<()> = fs::create_dir_all(path);
    create.map_err(FileError::on(FileAction::Create, path))
}
