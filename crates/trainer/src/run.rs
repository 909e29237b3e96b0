//! A training run: opening its directory, its stages one after the other, and what is left behind.

mod outset;
mod stage;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use burn::tensor::Device;
use scst_data::Split;
use scst_model::{Captioner, Dimensions};
use scst_reward::RewardRegistry;
use serde::Serialize;

use crate::{
    TrainError,
    checkpoint::{self, Checkpoint},
    config::{Config, ScheduleConfig, StartFrom, ValidConfig, bounds},
    corpus::Corpus,
    draws::{Purpose, generator},
    events::{EventWriter, METRICS_FILE, curve, read_records},
    files::{FileAction, FileError, remove_stale_temporaries, write_bytes_atomically},
    observer::{Event, Observer},
    optimiser::Optimiser,
    progress::{Best, Progress, StageSummary},
    scst::SelfCritic,
    search::Search,
    warning::Warning,
    xe::Xe,
};
use outset::{metric_warning, vocabulary_warning};

/// How a run is begun.
#[derive(Debug)]
pub struct RunOptions<'a> {
    /// The run directory.
    pub directory: PathBuf,
    /// Whether to go on with the run that the directory holds.
    pub resume: bool,
    /// Whether a run that goes on reads all features again and compares their checksum, even where they look as they
    /// did.
    pub verify_features: bool,
    /// Becomes true when the run should end after the current step, with a checkpoint.
    pub stop: &'a AtomicBool,
    /// Rewards beside the built-in ones, for entries with `custom = { name = "..." }`.
    pub rewards: &'a RewardRegistry,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// All stages are done.
    Finished(Box<Summary>),
    /// It was asked to stop, and wrote a checkpoint.
    Stopped {
        /// The checkpoint.
        checkpoint: PathBuf,
    },
}

/// What `summary.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Every stage.
    pub stages: Vec<StageSummary>,
    /// The best validation of the run.
    pub best: Option<Best>,
    /// Every choice that changes the scores.
    pub signature: String,
}

/// Trains a captioner as `config` says, and leaves everything in the run directory.
///
/// # Errors
/// [`TrainError`]; a checkpoint that was written before stays intact.
pub fn train(
    config: &ValidConfig,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let mut run = Run::open(config, options, observer)?;
    while run.progress.stage < config.stages.len() {
        if let Some(checkpoint) = run.stage(options.stop)? {
            return Ok(Outcome::Stopped { checkpoint });
        }
    }
    let summary = run.finish()?;
    Ok(Outcome::Finished(Box::new(summary)))
}

struct Run<'a> {
    config: &'a Config,
    rewards: &'a RewardRegistry,
    directory: PathBuf,
    corpus: Corpus,
    device: Device,
    captioner: Captioner,
    optimiser: Option<Optimiser>,
    progress: Progress,
    events: EventWriter,
    observer: &'a mut dyn Observer,
}

impl<'a> Run<'a> {
    fn open(
        config: &'a Config,
        options: &RunOptions<'a>,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let device = config.backend.device()?;
        let directory = options.directory.clone();
        let checkpoints = directory.join("checkpoints");
        let exists = directory.join("config.toml").is_file();
        if exists && !options.resume {
            return Err(TrainError::RunExists { path: directory });
        }
        let mut newest = None;
        if exists {
            check_unchanged(config, &directory)?;
            if checkpoints.is_dir() {
                remove_stale_temporaries(&checkpoints)?;
                newest = checkpoint::newest(&checkpoints)?;
            }
        }
        let stored = newest.as_deref().map(Checkpoint::load).transpose()?;
        let corpus = match &stored {
            None => Corpus::build(&config.data, &config.model, observer)?,
            Some(stored) => {
                let verify = options.verify_features;
                Corpus::resume(&config.data, &config.model, stored, verify, observer)?
            }
        };
        check_batches(config, &corpus)?;
        let mut warnings = Vec::new();
        warnings.extend(corpus.notices().iter().cloned().map(Warning::Data));
        warnings.extend(vocabulary_warning(config, &corpus)?);
        let validation = corpus.split(Split::Val)?.iter();
        let references: Vec<&[String]> = validation.map(|e| e.references.as_slice()).collect();
        warnings.extend(metric_warning(config.validation.metric, &references));
        check_rewards(config, &corpus, options.rewards)?;
        for stage in &config.stages {
            if let StartFrom::Checkpoint(path) = &stage.start_from {
                starting_weights(path, config, &corpus, &device)?;
            }
        }
        check_teachers(config, &corpus, &device)?;
        Search::new(
            &config.validation.decoder,
            config,
            corpus.vocabulary(),
            Some(&corpus),
        )?;
        let captioner = match &stored {
            Some(stored) => stored.captioner(&config.model, &device)?,
            None => {
                let dimensions = Dimensions {
                    feature: corpus.feature_dimension(),
                    vocab: corpus.vocabulary().len(),
                };
                if let Some(message) = bounds::oversize(&config.model, dimensions) {
                    let captioner = config.model.name();
                    return Err(TrainError::CaptionerTooLarge { captioner, message });
                }
                let mut rng = generator(config.seed, Purpose::Weights, 0, 0);
                Captioner::init(&config.model, dimensions, &device, &mut rng)
            }
        };
        let progress = stored
            .as_ref()
            .map(|s| s.progress.clone())
            .unwrap_or_default();
        let optimiser = stored.as_ref().and_then(|stored| {
            let stage = config.stages.get(progress.stage)?;
            Some(stored.optimiser(&stage.optimiser, &device))
        });
        observer.observe(&Event::Ready {
            train_images: corpus.split(Split::Train)?.len(),
            val_images: corpus.split(Split::Val)?.len(),
            vocab: corpus.vocabulary().len(),
            parameters: captioner
                .parameters()
                .iter()
                .map(|p| p.values.dims()[0])
                .sum(),
            wordless: corpus.wordless(),
        });
        // Only now, with everything read and checked, does the run leave its first trace.
        create_directory(&checkpoints)?;
        remove_stale_temporaries(&directory)?;
        write_bytes_atomically(&directory.join("config.toml"), config.to_toml()?.as_bytes())?;
        let events = if directory.join(METRICS_FILE).is_file() {
            EventWriter::resume(&directory, progress.global_step, true)?
        } else {
            EventWriter::create(&directory)?
        };
        let mut run = Self {
            config,
            rewards: options.rewards,
            directory,
            corpus,
            device,
            captioner,
            optimiser,
            progress,
            events,
            observer,
        };
        for warning in &warnings {
            run.warn(warning)?;
        }
        Ok(run)
    }

    /// Tells the observer, and notes it in the records of the run.
    fn warn(&mut self, warning: &Warning) -> Result<(), TrainError> {
        let stage = self.config.stages.get(self.progress.stage);
        let stage = stage.map_or("", |stage| stage.name.as_str());
        let step = self.progress.global_step;
        self.events.warn(step, stage, &warning.to_string())?;
        self.observer.observe(&Event::Warning(warning));
        Ok(())
    }

    fn finish(&mut self) -> Result<Summary, TrainError> {
        self.events.flush()?;
        let records = read_records(&self.directory.join(METRICS_FILE))?;
        let metric = self.config.validation.metric;
        let spec = curve::CurveSpec {
            title: self.config.name.clone(),
            metric: metric.name().to_owned(),
            metric_label: metric.label().to_owned(),
        };
        curve::write_curve(&self.directory.join(curve::CURVE_FILE), &spec, &records)?;
        let summary = Summary {
            stages: self.progress.summaries.clone(),
            best: self.progress.best.clone(),
            signature: self.progress.signature.clone(),
        };
        let path = self.directory.join("summary.json");
        let bytes = serde_json::to_vec_pretty(&summary)
            .map_err(|error| FileError::on(FileAction::Write, &path)(error.into()))?;
        write_bytes_atomically(&path, &bytes)?;
        Ok(summary)
    }
}

fn check_unchanged(config: &Config, directory: &Path) -> Result<(), TrainError> {
    let mut before: Config = Config::load(&directory.join("config.toml"), Vec::new())?.into();
    // How fast a run goes is not part of what it is; nor is when it ends, unless its learning rate depends on that.
    before.threads = config.threads;
    // Features may have moved: whether they are the same is seen by themselves.
    before.data.features.move_to(&config.data.features);
    let stages = before.stages.len();
    if let (Some(last), Some(now)) = (before.stages.last_mut(), config.stages.last())
        && stages == config.stages.len()
        && !matches!(now.schedule, ScheduleConfig::Cosine { .. })
    {
        (last.epochs, last.steps) = (now.epochs, now.steps);
    }
    match before.first_difference(config) {
        None => Ok(()),
        Some((key, was, is)) => Err(TrainError::ConfigChanged {
            path: directory.to_owned(),
            key,
            was,
            is,
        }),
    }
}

fn check_batches(config: &Config, corpus: &Corpus) -> Result<(), TrainError> {
    let images = corpus.split(Split::Train)?.len();
    let too_large = config
        .stages
        .iter()
        .find(|stage| stage.images_per_batch > images);
    too_large.map_or(Ok(()), |stage| {
        Err(TrainError::BatchTooLarge {
            stage: stage.name.clone(),
            found: stage.images_per_batch,
            images,
        })
    })
}

/// Makes the rewards of every stage once, so that a program that does not work is known before the first step.
fn check_rewards(
    config: &Config,
    corpus: &Corpus,
    registry: &RewardRegistry,
) -> Result<(), TrainError> {
    for stage in &config.stages {
        if let Some(scst) = &stage.scst {
            let references = corpus.references(scst.reward_end_token)?;
            SelfCritic::new(scst, references, registry, None).map_err(|error| {
                let stage = stage.name.clone();
                match error {
                    TrainError::Reward(source) => TrainError::StageReward { stage, source },
                    other => other,
                }
            })?;
        }
    }
    Ok(())
}

/// The captioner of a run with the weights of another run or checkpoint.
fn starting_weights(
    path: &Path,
    config: &Config,
    corpus: &Corpus,
    device: &Device,
) -> Result<Captioner, TrainError> {
    let stored = Checkpoint::load_run_or_checkpoint(path)?;
    stored.check_inputs(corpus)?;
    Ok(stored.captioner(&config.model, device)?)
}

/// Loads the teacher of every stage once, so that one that does not fit is known before the first step.
fn check_teachers(config: &Config, corpus: &Corpus, device: &Device) -> Result<(), TrainError> {
    for stage in &config.stages {
        if let Some(xe) = &stage.xe {
            Xe::new(xe, corpus, device).map_err(|source| TrainError::StageTeacher {
                stage: stage.name.clone(),
                source: Box::new(source),
            })?;
        }
    }
    Ok(())
}

fn create_directory(path: &Path) -> Result<(), FileError> {
    let create: io::Result<()> = fs::create_dir_all(path);
    create.map_err(FileError::on(FileAction::Create, path))
}
