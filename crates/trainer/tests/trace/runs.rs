//! Data, and runs of cases.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use safetensors::SafeTensors;
use scst_trainer::{
    Alone, Checkpoint, Estimator, EstimatorLab, EvaluationReport, Event, Observer, Outcome,
    RunOptions, Start, Warning,
    config::ValidConfig,
    events::{METRICS_FILE, RecordKind, read_records},
    measure_estimators, train,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{
    cases::{Case, Stages},
    recording::Trace,
    rewards::registry,
};

/// Images of the data, the first of the drawn scenes; every fifth is a validation image.
const IMAGES: usize = 80;

/// A temporary directory with data and runs.
pub(crate) struct Workplace {
    directory: TempDir,
    /// Run directories of trained weights, by captioner.
    trained: BTreeMap<&'static str, PathBuf>,
    /// One thread. More give the same bits at these sizes, and no more speed.
    pool: rayon::ThreadPool,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        write_data(directory.path());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        Self {
            directory,
            trained: BTreeMap::new(),
            pool: pool.expect("a thread"),
        }
    }

    /// Runs a case; all that it computed.
    pub(crate) fn run(&mut self, case: &Case) -> Trace {
        for model in case.needs() {
            self.train(model);
        }
        let run = self.directory.path().join("run");
        let config = self.config(case);
        let mut recorder = Recorder::default();
        self.pool.install(|| begin(&config, &run, &mut recorder));
        let mut trace = recorder.trace;
        add_records(&run, &mut trace);
        fs::remove_dir_all(&run).expect("a directory is removed");
        trace
    }

    /// What the estimator lab measures on trained weights, by baseline and number of samples.
    pub(crate) fn estimators(&mut self, model: &'static str) -> Trace {
        self.train(model);
        let set: &[&str] = match model {
            "markov" => &[],
            _ => &["scst.entropy_bonus=0.05"],
        };
        let config = self.config(&Case::new("estimators", model, Stages::Scst, set));
        let lab = EstimatorLab {
            sources: 4,
            samples: vec![2, 3],
            estimators: Estimator::baselines(),
            draws: 4,
            reference_draws: 6,
        };
        let reports = self.pool.install(|| {
            let checkpoint =
                Checkpoint::load(&self.trained[model].join("best"), &registry().captioners);
            let checkpoint = checkpoint.expect("trained weights");
            measure_estimators(&config, &checkpoint, &registry(), &lab, &Alone)
                .expect("measurements")
        });
        let mut trace = Trace::default();
        for report in reports {
            // Baselines as they were once called.
            let words = report.estimator.name().split('_');
            let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
            let name: String = words.map(capital).collect();
            let key = format!("{name} {}", report.samples);
            for value in [report.bias, report.noise, report.variance, report.cosine] {
                trace.push(&key, value);
            }
        }
        trace
    }

    fn config(&self, case: &Case) -> ValidConfig {
        let trained = |model: &str| {
            let path = self.trained.get(model);
            path.map_or_else(String::new, |path| path.display().to_string())
        };
        case.config(self.directory.path(), trained)
    }

    /// Trains a captioner, once.
    fn train(&mut self, model: &'static str) {
        if self.trained.contains_key(model) {
            return;
        }
        let path = self.directory.path().join(format!("trained-{model}"));
        let config = self.config(&Case::new("trained", model, Stages::Training, &[]));
        self.pool
            .install(|| begin(&config, &path, &mut Recorder::default()));
        self.trained.insert(model, path);
    }
}

/// Trains to the end.
fn begin(config: &ValidConfig, directory: &Path, recorder: &mut Recorder) {
    let options = RunOptions {
        directory: directory.to_owned(),
        start: Start::New,
        verify_features: false,
        stop: &AtomicBool::new(false),
        registry: &registry(),
        program: None,
        group: &Alone,
        hash_every: None,
    };
    let outcome = train(config, &options, recorder).expect("a run to its end");
    assert!(matches!(outcome, Outcome::Finished(_)));
}

/// Captions and splits of a part of the drawn scenes, whose features are read where they are, and pairs of the first
/// caption of a scene and each of the others.
fn write_data(directory: &Path) {
    let scenes = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/scenes/captions.csv"
    );
    let all = fs::read_to_string(scenes).expect("captions of the drawn scenes");
    let mut images: Vec<&str> = Vec::new();
    let (mut captions, mut splits) = (String::new(), "image,split\n".to_owned());
    let [mut train, mut val] = ["source\ttarget\n"; 2].map(str::to_owned);
    let mut first = "";
    for line in all.lines() {
        let (image, caption) = line.split_once(',').expect("an image and a caption");
        if image != "image" && images.last() != Some(&image) {
            if images.len() == IMAGES {
                break;
            }
            images.push(image);
            let split = if images.len().is_multiple_of(5) {
                "val"
            } else {
                "train"
            };
            writeln!(splits, "{image},{split}").expect("a line");
            first = caption;
        } else if image != "image" {
            let is_val = images.len().is_multiple_of(5);
            let pairs = if is_val { &mut val } else { &mut train };
            writeln!(pairs, "{first}\t{caption}").expect("a line");
        }
        writeln!(captions, "{line}").expect("a line");
    }
    let files = [
        ("captions.csv", captions),
        ("splits.csv", splits),
        ("train.tsv", train),
        ("val.tsv", val),
    ];
    for (name, text) in files {
        fs::write(directory.join(name), text).expect("a file is written");
    }
}

/// Watches a run for what `metrics.jsonl` does not hold.
#[derive(Default)]
struct Recorder {
    trace: Trace,
    warnings: u32,
    captions: Sha256,
    /// Of weights and moments, in the newest checkpoint.
    newest: Option<[String; 2]>,
}

impl Observer for Recorder {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            // What a rule says of settings or records is no part of what is computed: rules have tests of their own.
            Event::Warning(Warning::Setting(_) | Warning::Fault(_)) => {}
            Event::Warning(_) => self.warnings += 1,
            Event::Validated { report, .. } => add_captions(&mut self.captions, report),
            Event::CheckpointWritten { path } => {
                let files = ["model.safetensors", "optimiser.safetensors"];
                self.newest = Some(files.map(|name| hash_of_tensors(&path.join(name))));
            }
            Event::StageEnded(summary) => {
                let stage = &summary.name;
                let [weights, moments] = self.newest.take().expect("a checkpoint of the stage");
                self.trace.name(&format!("{stage} weights"), weights);
                self.trace.name(&format!("{stage} moments"), moments);
                let captions = std::mem::take(&mut self.captions).finalize();
                self.trace
                    .name(&format!("{stage} captions"), hexadecimal(&captions));
                let warnings = std::mem::take(&mut self.warnings);
                self.trace
                    .push(&format!("{stage} warnings"), f64::from(warnings));
            }
            _ => {}
        }
    }
}

/// Words and log-probabilities of decoded captions.
fn add_captions(hash: &mut Sha256, report: &EvaluationReport) {
    for scored in &report.captions {
        hash.update(&scored.name);
        hash.update(&scored.caption);
        hash.update(scored.log_probability.to_bits().to_le_bytes());
    }
}

/// SHA-256 over names, shapes and bits of all tensors of a file, in the order of their names.
fn hash_of_tensors(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let mut names = tensors.names();
    names.sort_unstable();
    let mut hash = Sha256::new();
    for name in names {
        let tensor = tensors.tensor(name).expect("a tensor of the file");
        hash.update(format!(
            "{name} {:?} {:?}\n",
            tensor.dtype(),
            tensor.shape()
        ));
        hash.update(tensor.data());
    }
    hexadecimal(&hash.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// All numbers of `metrics.jsonl` that training computes, as columns: no times, and nothing of what stages begin with,
/// whose captions are in a hash.
fn add_records(run: &Path, trace: &mut Trace) {
    for record in read_records(&run.join(METRICS_FILE)).expect("records") {
        let kind = match record.kind {
            RecordKind::Train => "train",
            RecordKind::Validation => "validation",
            RecordKind::Start => continue,
        };
        for (name, value) in &record.values {
            // Seconds, and numbers a second.
            if !name.contains("_sec") && name != "epoch" {
                trace.push(&format!("{} {kind} {name}", record.stage), *value);
            }
        }
    }
}
