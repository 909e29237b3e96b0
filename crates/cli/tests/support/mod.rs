//! A tiny data set and the binary, for end-to-end tests.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::format_push_string,
    reason = "every test file includes this, and uses a part of it"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// Images of the tiny data set; every fifth is a validation image.
const IMAGES: usize = 60;
/// Length of a feature vector.
const DIMENSION: usize = 8;

/// A temporary directory with a data set and a configuration.
pub struct Workplace {
    directory: TempDir,
}

impl Workplace {
    pub fn new() -> Self {
        let workplace = Self {
            directory: TempDir::new().expect("a temporary directory"),
        };
        workplace.write_data("");
        workplace.write("config.toml", CONFIG.as_bytes());
        workplace
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file can be written");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("UTF-8")
    }

    /// `scst` with these arguments, in the directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scst"));
        command.args(arguments).current_dir(self.directory.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("scst starts")
    }

    /// Runs `scst`, which must succeed; returns what it printed on standard output.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "scst {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs `scst`, which must refuse with `code`; returns its one line on standard error.
    pub fn refuse(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(
            output.status.code(),
            Some(code),
            "scst {arguments:?}: {errors}"
        );
        let lines: Vec<&str> = errors
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(lines.len(), 1, "one sentence, but: {errors}");
        lines[0].to_owned()
    }

    /// Writes captions, splits and features, the files' names beginning with `prefix`. An image's
    /// features say which shape and which colour it shows.
    pub fn write_data(&self, prefix: &str) {
        let shapes = ["circle", "square", "star"];
        let colours = ["red", "green", "blue", "white"];
        let mut captions = "image,caption\n".to_owned();
        let mut splits = "image,split\n".to_owned();
        let mut names = String::new();
        let mut features = Vec::new();
        for image in 0..IMAGES {
            let (shape, colour) = (image % 3, image / 3 % 4);
            let (s, c) = (shapes[shape], colours[colour]);
            for caption in [
                format!("a {c} {s}"),
                format!("there is a {c} {s}"),
                format!("a {s} that is {c}"),
                format!("one {s} in {c}"),
                format!("a {c} {s} on black"),
            ] {
                captions += &format!("image{image}.png,{caption}\n");
            }
            let split = if image % 5 == 4 { "val" } else { "train" };
            splits += &format!("image{image}.png,{split}\n");
            names += &format!("image{image}.png\n");
            for k in 0..DIMENSION {
                let noise = ((image * 31 + k * 17) % 13) as f32 / 40.0;
                let on = k == shape || k == 3 + colour;
                features.push(f32::from(u8::from(on)) + noise);
            }
        }
        self.write(&format!("{prefix}captions.csv"), captions.as_bytes());
        self.write(&format!("{prefix}splits.csv"), splits.as_bytes());
        self.write(&format!("{prefix}features.names.txt"), names.as_bytes());
        let shape = [features.len() / DIMENSION, DIMENSION];
        self.write(&format!("{prefix}features.npy"), &npy(&shape, &features));
        // The same features as regions, a file an image: one region tells the shape, one the colour, one nothing.
        fs::create_dir_all(self.path(&format!("{prefix}regions"))).expect("a directory");
        for (image, vector) in features.chunks(DIMENSION).enumerate() {
            let mut regions = vector.repeat(2 + image % 2);
            regions[3..DIMENSION].fill(0.0);
            regions[DIMENSION..DIMENSION + 3].fill(0.0);
            let shape = [2 + image % 2, DIMENSION];
            let name = format!("{prefix}regions/image{image}.npy");
            self.write(&name, &npy(&shape, &regions));
        }
    }
}

/// A `.npy` file of 32-bit floats.
pub fn npy(shape: &[usize; 2], values: &[f32]) -> Vec<u8> {
    let shape = format!("({}, {})", shape[0], shape[1]);
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// Two short stages; every stage validates and writes checkpoints.
pub const CONFIG: &str = r#"
name = "tiny"
seed = 3
threads = 2
log_every_steps = 4

[data]
captions.kaggle = { captions = "captions.csv", splits = "splits.csv" }
features.npy = { path = "features.npy" }
standardise = true
minimum_count = 1
max_length = 8

[model.fc]
hidden = 24
embedding = 16
dropout = 0.2

[checkpoints]
every_steps = 5
keep = 3

[[stages]]
name = "xe"
epochs = 4
sources_per_batch = 4
learning_rate = 1e-2
clip.norm = 5.0
xe = { targets_per_source = 3, scheduled_sampling = { increase = 0.1, every_epochs = 2 } }

[[stages]]
name = "scst"
epochs = 2
sources_per_batch = 4
learning_rate = 2e-3

[stages.scst]
samples_per_source = 3
baseline = "moving_average"

[[stages.scst.rewards]]
cider_d = {}

[[stages.scst.rewards]]
weight = 0.5
bleu = { order = 2 }
"#;

/// The records of a run but for the times in them.
pub fn measured(workplace: &Workplace, run: &str) -> Vec<serde_json::Value> {
    let text = workplace.text(&format!("{run}/metrics.jsonl"));
    let record = |line: &str| {
        let mut record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let values = record.as_object_mut().expect("an object");
        values.retain(|name, _| !name.contains("_sec"));
        record
    };
    text.lines().map(record).collect()
}

/// Removes the checkpoints of a run from the step `name` on, as if it had been stopped before.
pub fn forget_from(run: &Path, name: &str) {
    for entry in fs::read_dir(run.join("checkpoints")).expect("checkpoints") {
        let path = entry.expect("an entry").path();
        let found = path.file_name().and_then(|name| name.to_str());
        if found.is_some_and(|found| found.starts_with("step-") && found >= name) {
            fs::remove_dir_all(path).expect("a directory less");
        }
    }
}

/// Trains `config.toml` as a whole, and again as if it had been stopped before step 66 of 72: the same bytes.
pub fn assert_resumes(workplace: &Workplace) {
    workplace.succeed(&["train", "config.toml"]);
    workplace.succeed(&["train", "config.toml", "--out", "stopped"]);
    forget_from(&workplace.path("stopped"), "step-00000066");
    workplace.succeed(&["train", "config.toml", "--out", "stopped", "--resume"]);
    for file in ["model.safetensors", "optimiser.safetensors"] {
        let bytes = |run: &str| workplace.read(&format!("{run}/checkpoints/step-00000072/{file}"));
        assert!(bytes("runs/tiny") == bytes("stopped"), "{file}");
    }
}

/// The newest checkpoint directory of a run.
pub fn newest_checkpoint(run: &Path) -> PathBuf {
    let entries = fs::read_dir(run.join("checkpoints")).expect("a directory of checkpoints");
    let mut steps: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("step-"))
        })
        .collect();
    steps.sort();
    steps.pop().expect("at least one checkpoint")
}

/// Trains with some keys of the configuration set, and more arguments; the newest weights of the run.
pub fn weights(workplace: &Workplace, run: &str, sets: &[&str], more: &[&str]) -> Vec<u8> {
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let begin = ["train", "config.toml", "--out", run];
    let arguments: Vec<&str> = begin.into_iter().chain(sets).chain(more.to_vec()).collect();
    workplace.succeed(&arguments);
    newest_weights(workplace, run)
}

/// The weights of a run's newest checkpoint.
pub fn newest_weights(workplace: &Workplace, run: &str) -> Vec<u8> {
    let newest = newest_checkpoint(&workplace.path(run));
    fs::read(newest.join("model.safetensors")).expect("weights")
}
