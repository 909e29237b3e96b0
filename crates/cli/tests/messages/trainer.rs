//! Errors of configurations, runs, checkpoints and imports.

use std::{fs, path::Path};

use scst_data::{DataError, FeatureDifference};
use scst_files::{FileAction, FileError};
use scst_model::{CaptionerRegistry, ModelError};
use scst_reward::RewardError;
use scst_sampler::SamplerError;
use scst_trainer::{
    Backend, BackendError, CheckpointError, Config, CustomError, GroupError, ImportError,
    NearestRuns, TrainError, WeightsProblem,
    config::{ConfigError, Override},
    events::{EventError, curve::CurveError, read_records, read_samples},
};

use scst_testing::messages::{KEY, Sample};

use super::{check, file, key, numerics, sample, system, text};

fn backends() -> Vec<BackendError> {
    let (backend, needs) = (Backend::Wgpu, "a GPU");
    vec![
        BackendError::NotCompiled { backend },
        BackendError::NoDevice { backend, needs },
        BackendError::Bfloat16 {
            found: "on a machine".to_owned(),
            expected: "another machine",
        },
        BackendError::Unknown { found: text() },
    ]
}

/// What is wrong with the quickstart in which `from` stands for `to`.
fn config(from: &str, to: &str) -> ConfigError {
    let whole = include_str!("../../../../configs/quickstart.toml");
    assert!(whole.contains(from), "{from}");
    let changed = whole.replacen(from, to, 1);
    Config::parse(
        &changed,
        Path::new("folder/file.ext"),
        Vec::new(),
        &CaptionerRegistry::default(),
    )
    .expect_err(to)
}

fn configs() -> Vec<ConfigError> {
    let broken = [
        ("[[stages]]", "[[stages]"),
        ("seed = 1", "seed = 1\nseed = 2"),
        ("seed = 1", "seed = 99999999999999999999"),
        ("seed = 1", "seed = -1"),
        ("seed = 1", "seed = \"one\""),
        ("seed = 1", "seed = 1.5"),
        ("seed = 1", "seeds = 1"),
        ("seed = 1", "seed = true"),
        ("seed = 1", "seed = [1]"),
        ("seed = 1", "seed = {}"),
        ("seed = 1", "seed = 1979-05-27"),
        ("name = \"xe\"", "name = 3"),
        ("name = \"xe\"", "name = \"xe\"\nclip = 3"),
        ("name = \"xe\"", "name = \"xe\"\nclip = {}"),
        ("name = \"xe\"", "name = \"xe\"\nclip = \"norm\""),
        ("name = \"xe\"", "name = \"xe\"\nclip.normal = 3"),
        ("[data]", "[data]\nfeatures = \"a.npy\""),
        ("[data]", "[data]\nfeatures.pickle = {}"),
        ("[data]", "[other]"),
    ];
    let mut errors: Vec<_> = broken.iter().map(|(from, to)| config(from, to)).collect();
    errors.push(ConfigError::UnknownKey {
        key: key(),
        near: Some("seed".to_owned()),
    });
    errors.push(ConfigError::Read {
        path: file(),
        source: system(),
    });
    let overrides = [
        "seed",
        "=3",
        "seed=",
        "a..b=3",
        "seed=[",
        "stages.9.epochs=3",
        "seed.b=3",
    ];
    let whole = include_str!("../../../../configs/quickstart.toml");
    let mut large: Config = Config::parse(
        whole,
        Path::new("whole.toml"),
        Vec::new(),
        &CaptionerRegistry::default(),
    )
    .expect("a configuration")
    .into();
    large.seed = u64::MAX;
    errors.extend(large.to_toml().err());
    errors.extend(large.validate().err());
    for text in overrides {
        let parsed = Override::parse(text);
        let used = parsed.and_then(|parsed| {
            Config::parse(
                whole,
                Path::new("whole.toml"),
                vec![parsed],
                &CaptionerRegistry::default(),
            )
        });
        errors.extend(used.err());
    }
    errors
}

fn file_error() -> FileError {
    FileError::on(FileAction::Write, &file())(system())
}

fn events() -> Vec<EventError> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("metrics.jsonl");
    let malformed = ["{\"kind\": 3}", "[]", "{", "3", "{}"].map(|line| {
        std::fs::write(&path, format!("{line}\n{line}\n")).expect("a file");
        read_records(&path).err()
    });
    let mut errors: Vec<_> = malformed.into_iter().flatten().collect();
    assert!(!errors.is_empty());
    errors.extend(read_samples(&path).err());
    errors.push(EventError::File(file_error()));
    errors.push(EventError::Name { name: text() });
    errors
}

fn missing() -> CheckpointError {
    CheckpointError::Missing {
        path: file(),
        near: NearestRuns::default(),
    }
}

fn checkpoints() -> Vec<CheckpointError> {
    let runs = tempfile::tempdir().expect("a directory");
    let run = runs.path().join("tiny");
    fs::create_dir_all(run.join("checkpoints")).expect("a directory");
    fs::write(run.join("config.toml"), "").expect("a file");
    let near = NearestRuns::to(&runs.path().join("tny"));
    assert!(near.to_string().contains("did you mean"), "{near}");
    vec![
        CheckpointError::NotFound { path: file(), near },
        CheckpointError::DanglingLink {
            path: file(),
            near: NearestRuns::default(),
        },
        CheckpointError::NotADirectory {
            path: file(),
            near: NearestRuns::default(),
        },
        missing(),
        CheckpointError::Damaged {
            path: file(),
            found: "3 bytes".to_owned(),
            expected: "4 bytes".to_owned(),
        },
        CheckpointError::Version {
            path: file(),
            found: 9,
        },
        CheckpointError::Vocabulary {
            path: file(),
            found: "0123456789abcdef".to_owned(),
            expected: "fedcba9876543210".to_owned(),
        },
        CheckpointError::Teacher { path: file() },
        CheckpointError::Features {
            features: file(),
            path: file(),
            found: "regions of 3 dimensions".to_owned(),
            expected: "regions of 4 dimensions".to_owned(),
        },
        CheckpointError::FeaturesChanged {
            path: file(),
            difference: FeatureDifference {
                path: file(),
                found: "3 bytes".to_owned(),
                expected: "4 bytes".to_owned(),
            },
        },
        CheckpointError::Standardisation { path: file() },
        CheckpointError::Changed {
            path: file(),
            found: text(),
            expected: text(),
        },
        CheckpointError::OtherTrainingCaptions {
            found: "table-3-0123456789abcdef".to_owned(),
            expected: "table-4-0123456789abcdef".to_owned(),
        },
        CheckpointError::Weights {
            path: file(),
            problem: "parameter `a` is missing".to_owned(),
        },
        CheckpointError::Captioner(ModelError::NotRegistered { name: text() }),
        CheckpointError::File(file_error()),
        CheckpointError::Read {
            path: file(),
            source: system(),
        },
        CheckpointError::Write {
            path: file(),
            source: system(),
        },
        CheckpointError::Config(config("seed = 1", "seed = -1")),
        CheckpointError::Data(DataError::NoTrainingImages),
    ]
}

fn weights() -> Vec<WeightsProblem> {
    vec![
        WeightsProblem::UnknownModel {
            names: vec![text()],
        },
        WeightsProblem::Unsupported {
            what: "a transformer",
        },
        WeightsProblem::Missing {
            name: text(),
            nearest: vec![text()],
        },
        WeightsProblem::Shape {
            name: text(),
            found: vec![1],
            expected: vec![2],
        },
        WeightsProblem::Dimensions {
            name: text(),
            found: vec![1],
        },
        WeightsProblem::Unexpected {
            name: text(),
            model: "newfc",
        },
        WeightsProblem::Words {
            found: 1,
            expected: 2,
        },
    ]
}

fn imports() -> Vec<ImportError> {
    let mut errors = vec![
        ImportError::Config {
            key: key(),
            found: "1".to_owned(),
            expected: "2".to_owned(),
        },
        ImportError::Fresh(config("seed = 1", "seed = -1")),
        ImportError::Exists { path: file() },
        ImportError::Backend(BackendError::Unknown { found: text() }),
        ImportError::Checkpoint(missing()),
    ];
    errors.extend(weights().into_iter().map(|problem| ImportError::Weights {
        path: file(),
        problem,
    }));
    errors
}

fn additions() -> Vec<CustomError> {
    let kind = "objective";
    vec![
        CustomError::NotRegistered {
            kind,
            found: text(),
            expected: "one that this program has of its own: `ranks`".to_owned(),
        },
        CustomError::Options {
            kind,
            name: text(),
            source: "found `power` = 0, expected `power` above 0".into(),
        },
        CustomError::File {
            kind: "captions",
            name: text(),
            path: file(),
            source: "line 3: found no tab, expected a caption behind one".into(),
        },
        CustomError::Failed {
            kind,
            name: text(),
            source: "found no reward above 0, expected one".into(),
        },
        CustomError::Result {
            kind: "search",
            name: text(),
            found: "no caption of source 0".to_owned(),
            expected: "one or more".to_owned(),
        },
    ]
}

fn of_groups() -> Vec<GroupError> {
    vec![
        GroupError::Engine {
            what: "partial sums".to_owned(),
            message: "the network is down".to_owned(),
        },
        GroupError::Silent {
            missing: vec![1, 3],
            what: "rewards".to_owned(),
            secs: 600,
        },
        GroupError::Differ {
            what: "vector unit".to_owned(),
            rank: 1,
        },
        GroupError::TooLarge { found: 9, most: 8 },
        GroupError::Unreadable {
            what: "rewards".to_owned(),
            rank: 1,
        },
    ]
}

fn of_ranks() -> Vec<TrainError> {
    vec![
        TrainError::Group(of_groups().remove(0)),
        TrainError::RanksDiffer {
            what: "configuration",
            rank: 1,
            found: "seed = 2".to_owned(),
            expected: "seed = 1".to_owned(),
        },
        TrainError::TooFewParts {
            stage: text(),
            found: 1,
            ranks: 4,
        },
        TrainError::WeightsDiffer { rank: 1, step: 10 },
    ]
}

fn of_parts() -> Vec<TrainError> {
    let loss = numerics::losses().remove(0);
    vec![
        TrainError::Config(config("seed = 1", "seed = -1")),
        TrainError::Data(DataError::NoTrainingImages),
        TrainError::Backend(BackendError::Unknown { found: text() }),
        TrainError::Reward(RewardError::NoRewards),
        TrainError::StageReward {
            stage: text(),
            source: RewardError::NoRewards,
        },
        TrainError::StageTeacher {
            stage: text(),
            source: Box::new(missing()),
        },
        TrainError::NotADirectory {
            path: file(),
            found: "a file",
            run: file(),
        },
        TrainError::Model(ModelError::NoAttention),
        TrainError::Loss(loss),
        TrainError::Custom(additions().remove(1)),
        TrainError::StageObjective {
            stage: text(),
            source: additions().remove(0),
        },
        TrainError::Sampler(SamplerError::NoDistribution { row: 0, step: 0 }),
        TrainError::Checkpoint(missing()),
        TrainError::File(file_error()),
        TrainError::Event(EventError::Name { name: text() }),
        TrainError::Curve(CurveError::File(file_error())),
    ]
}

fn of_runs() -> Vec<TrainError> {
    vec![
        TrainError::RunExists { path: file() },
        TrainError::ConfigChanged {
            path: file(),
            key: key(),
            was: "1".to_owned(),
            is: "2".to_owned(),
        },
        TrainError::NoTask,
        TrainError::EmptySplit { split: "val" },
        TrainError::BatchTooLarge {
            stage: text(),
            found: 3,
            sources: 2,
        },
        TrainError::NoKnownWords {
            vocabulary: Some(file()),
            example: text(),
        },
        TrainError::RewardOverflow {
            stage: text(),
            step: 3,
            what: "gradient",
            reward: "cider_d".to_owned(),
            value: 1e300,
            weight: 1.0,
            example: text().into(),
            caption: text().into(),
        },
        TrainError::NoRun { path: file() },
        TrainError::Locked {
            path: file(),
            holder: "another process".to_owned(),
            is_running: false,
        },
        TrainError::RunRecord {
            path: file(),
            line: 3,
        },
        TrainError::Moved {
            key: key(),
            path: file(),
            tried: vec![file()],
        },
        TrainError::OtherCaptions {
            key: key(),
            path: file(),
        },
        TrainError::RunWithoutConfig {
            path: file(),
            found: file(),
        },
        TrainError::StageTooLong {
            stage: text(),
            key: KEY,
            found: 9,
            most: 8,
        },
        TrainError::StageTooShort {
            stage: text(),
            found: 3,
            done: 4,
        },
        TrainError::DivergenceFromNothing {
            stage: 0,
            found: 0.5,
        },
        TrainError::CaptionTooLong {
            found: 9,
            positions: 8,
        },
        TrainError::CaptionerTooLarge {
            captioner: "fc",
            message: "9 GB".to_owned(),
        },
        TrainError::Decoder {
            problems: Vec::new(),
        },
        TrainError::ConsensusWithoutTraining,
        TrainError::FeatureForm {
            path: file(),
            found: "regions",
            captioner: "fc",
            expected: "one vector an image",
        },
        TrainError::NoSelfCriticalStage,
        TrainError::BenchSize {
            name: "batch",
            found: "0".to_owned(),
            expected: "1 or more".to_owned(),
        },
        TrainError::NotFinite {
            stage: text(),
            step: 3,
            what: "gradient",
        },
    ]
}

#[test]
fn messages_of_training_keep_the_rules() {
    let curve = CurveError::File(file_error());
    let mut samples: Vec<Sample> = backends().into_iter().map(sample).collect();
    samples.extend(configs().into_iter().map(sample));
    samples.extend(events().into_iter().map(sample));
    samples.extend(checkpoints().into_iter().map(sample));
    samples.extend(weights().into_iter().map(sample));
    samples.extend(imports().into_iter().map(sample));
    samples.extend(additions().into_iter().map(sample));
    samples.extend(of_groups().into_iter().map(sample));
    samples.extend(of_ranks().into_iter().map(sample));
    samples.extend(of_parts().into_iter().map(sample));
    samples.extend(of_runs().into_iter().map(sample));
    samples.extend([sample(curve), sample(file_error())]);
    let sources = [
        include_str!("../../../trainer/src/backend.rs"),
        include_str!("../../../trainer/src/checkpoint/error.rs"),
        include_str!("../../../trainer/src/config/error.rs"),
        include_str!("../../../trainer/src/error.rs"),
        include_str!("../../../trainer/src/events/error.rs"),
        include_str!("../../../trainer/src/events/curve.rs"),
        include_str!("../../../files/src/lib.rs"),
        include_str!("../../../group/src/error.rs"),
        include_str!("../../../trainer/src/import/error.rs"),
        include_str!("../../../trainer/src/custom.rs"),
    ];
    // What only a device or a library brings about.
    let without = [
        "CheckpointError::Device",
        "CurveError::Draw",
        "TrainError::Device",
        "TrainError::Threads",
    ];
    check(&sources, &samples, &without);
}
