//! A run that is stopped during a validation: it stops there, and goes on as if it had not been.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use scst_model::CaptionerRegistry;
use scst_trainer::{
    Alone, Config, Event, Observer, Outcome, Registry, RunOptions, Start,
    config::ValidConfig,
    events::{METRICS_FILE, RecordKind, SAMPLES_FILE, read_records},
    train,
};

/// Three validations a stage, of four batches each.
const CONFIG: &str = r#"
log_every_steps = 3

[data]
captions.kaggle = { captions = "SCENES/captions.csv", splits = "SCENES/splits.csv" }
features.npy = { path = "SCENES/pooled.npy" }
minimum_count = 2
max_length = 8

[model.fc]
hidden = 8
embedding = 8

[validation]
images = 40
sources_per_batch = 10

[[stages]]
name = "xe"
steps = 6
sources_per_batch = 8
learning_rate = 1e-2
validate_every_steps = 2
xe = {}

[[stages]]
name = "scst"
steps = 5
sources_per_batch = 4
validate_every_steps = 2
[stages.scst]
samples_per_source = 2
baseline = "moving_average"
"#;

/// Asks for a stop when so many sources of a validation have captions.
struct StopAt<'a> {
    /// Which validation of those that it sees, from 0.
    validation: usize,
    decoded: usize,
    stop: &'a AtomicBool,
    begun: usize,
    last: Option<usize>,
    validated: usize,
}

impl Observer for StopAt<'_> {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Validating { done, sources } => {
                assert_eq!(*sources, 40);
                self.begun += usize::from(*done == 0);
                self.last = Some(*done);
                if self.begun == self.validation + 1 && *done == self.decoded {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            Event::Validated { .. } => self.validated += 1,
            _ => {}
        }
    }
}

/// Trains, stopped in a validation; what was seen of it.
fn run(
    config: &ValidConfig,
    directory: &Path,
    validation: usize,
    decoded: usize,
) -> (bool, usize, usize) {
    let stop = AtomicBool::new(false);
    let mut observer = StopAt {
        validation,
        decoded,
        stop: &stop,
        begun: 0,
        last: None,
        validated: 0,
    };
    let options = RunOptions {
        directory: directory.to_owned(),
        start: Start::ResumeOrNew,
        verify_features: false,
        stop: &stop,
        registry: &Registry::default(),
        program: None,
        group: &Alone,
        hash_every: None,
    };
    let outcome = train(config, &options, &mut observer).expect("the run goes on");
    let is_finished = matches!(outcome, Outcome::Finished(_));
    (
        is_finished,
        observer.last.unwrap_or_default(),
        observer.validated,
    )
}

fn bytes(directory: &Path) -> [Vec<u8>; 3] {
    ["checkpoints/step-00000011", "best", "checkpoints/best-xe"].map(|name| {
        let path = directory.join(name).join("model.safetensors");
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
}

/// The bits of a number, by its name.
type Value = (String, u64);

/// Steps of the training records and of the validations, and all numbers that are no times.
fn records(directory: &Path) -> Vec<(u64, RecordKind, Vec<Value>)> {
    let records = read_records(&directory.join(METRICS_FILE)).expect("records");
    let values = |values: Vec<(String, f64)>| {
        let untimed = values
            .into_iter()
            .filter(|(name, _)| !name.contains("_sec"));
        untimed
            .map(|(name, value)| (name, value.to_bits()))
            .collect()
    };
    records
        .into_iter()
        .map(|record| (record.step, record.kind, values(record.values)))
        .collect()
}

#[test]
fn run_stopped_in_any_validation_leaves_it_at_once_and_makes_it_again() {
    let scenes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");
    let text = CONFIG.replace("SCENES", scenes);
    let config = Config::parse(
        &text,
        Path::new("run.toml"),
        Vec::new(),
        &CaptionerRegistry::default(),
    )
    .expect("a configuration");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let whole = directory.path().join("whole");
    // 40 sources are decoded and scored after the last batch, so that nothing is left to stop.
    let (is_finished, _, validated) = run(&config, &whole, usize::MAX, 0);
    assert!(is_finished);
    assert_eq!(validated, 6);
    for (validation, decoded) in [(0, 0), (1, 20), (2, 40), (3, 10), (5, 30)] {
        let stopped = directory.path().join(format!("stopped-{validation}"));
        stop_and_go_on(&config, &stopped, [validation, decoded], (&whole, 6));
    }
    // The second stage begins with other weights, which are scored before its first step.
    let begins = format!(
        "name = \"scst\"\nstart_from.checkpoint = \"{}\"",
        whole.display()
    );
    let text = text.replace("name = \"scst\"", &begins);
    let config = Config::parse(
        &text,
        Path::new("run.toml"),
        Vec::new(),
        &CaptionerRegistry::default(),
    )
    .expect("a configuration");
    let other = directory.path().join("other");
    let (_, _, validated) = run(&config, &other, usize::MAX, 0);
    assert_eq!(validated, 7);
    for decoded in [0, 20, 40] {
        let stopped = directory.path().join(format!("start-{decoded}"));
        stop_and_go_on(&config, &stopped, [3, decoded], (&other, 7));
    }
}

/// Stops a run in a validation after so many sources, again in the same one, and then not any more: it ends as the run
/// `whole` has, which had so many validations.
fn stop_and_go_on(
    config: &ValidConfig,
    stopped: &Path,
    [validation, decoded]: [usize; 2],
    (whole, validations): (&Path, usize),
) {
    let (is_finished, last, validated) = run(config, stopped, validation, decoded);
    assert!(!is_finished, "{validation} {decoded}");
    // Not one more batch was decoded.
    assert_eq!((last, validated), (decoded, validation));
    let (is_finished, last, validated) = run(config, stopped, 0, 10);
    assert!(!is_finished);
    assert_eq!((last, validated), (10, 0));
    let (is_finished, _, validated) = run(config, stopped, usize::MAX, 0);
    assert!(is_finished);
    assert_eq!(validated, validations - validation);
    assert!(bytes(stopped) == bytes(whole), "{validation} {decoded}");
    assert_eq!(records(stopped), records(whole), "{validation} {decoded}");
    let samples = |run: &Path| std::fs::read(run.join(SAMPLES_FILE)).expect("samples");
    assert!(samples(stopped) == samples(whole), "{validation} {decoded}");
}
