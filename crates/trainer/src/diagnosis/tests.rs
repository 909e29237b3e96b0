//! Every rule on made-up records: those of a run that goes well, and those of a run with one fault.

use std::path::Path;

use scst_data::ExampleId;
use scst_model::CaptionerRegistry;
use scst_reward::TextScores;

use super::{
    examination::Examination,
    fault::{Fault, Finding},
    settings::{Setting, setting_faults},
};
use crate::config::{Config, ScheduleConfig};
use crate::decode::collapse::Collapse;
use crate::events::{LogEntry, LoggedWarning, Record, RecordKind, Sample};

/// Steps in an epoch of the made-up runs, and between two records.
const EPOCH: u64 = 100;
const EVERY: u64 = 20;

/// A configuration of cross-entropy and self-critical training, the latter with these lines beside.
fn config(scst: &str) -> Config {
    let text = format!(
        "[data]\ncaptions.karpathy = {{ path = \"c.json\" }}\nfeatures.npy = {{ path = \"f.npy\" }}\n[model.fc]\n\
         [[stages]]\nname = \"xe\"\nepochs = 10\nclip.norm = 5.0\nxe = {{}}\n\
         [[stages]]\nname = \"scst\"\nepochs = 10\nclip.norm = 5.0\n{scst}"
    );
    let registry = CaptionerRegistry::default();
    let config = Config::parse(&text, Path::new("c.toml"), Vec::new(), &registry);
    Config::from(config.unwrap())
}

/// A run that goes well, with numbers as those of the drawn scenes; `change` sees every number of the self-critical stage by
/// its name and epoch, and `caption` every sample caption.
struct Story<'a> {
    config: Config,
    change: &'a dyn Fn(&str, f64, f64) -> f64,
    captions: &'a [&'a str],
}

impl Story<'_> {
    fn of(scst: &str) -> Self {
        Self {
            config: config(scst),
            change: &|_, _, value| value,
            captions: &["a red circle", "a blue square above a star"],
        }
    }

    /// The log of the run.
    fn log(&self) -> (Vec<Record>, Vec<Sample>) {
        let (mut records, mut samples) = (Vec::new(), Vec::new());
        for (stage, is_scst) in [("xe", false), ("scst", true)] {
            let begin = if is_scst { 10 * EPOCH } else { 0 };
            if is_scst {
                let kind = RecordKind::Start;
                records.push(self.record((begin, 0.0), stage, kind, &validation(0.0)));
            }
            for step in (EVERY..=10 * EPOCH).step_by(EVERY as usize) {
                let epoch = step as f64 / EPOCH as f64;
                let at = (begin + step, epoch);
                let kind = RecordKind::Train;
                records.push(self.record(at, stage, kind, &training(is_scst, epoch)));
                if step % EPOCH == 0 {
                    let kind = RecordKind::Validation;
                    records.push(self.record(at, stage, kind, &validation(epoch)));
                    samples.extend(self.captions.iter().map(|text| sample(at.0, stage, text)));
                }
            }
        }
        (records, samples)
    }

    fn record(
        &self,
        (step, epoch): (u64, f64),
        stage: &str,
        kind: RecordKind,
        values: &[(&str, f64)],
    ) -> Record {
        let changed = |&(name, value): &(&str, f64)| {
            let value = match stage {
                "scst" => (self.change)(name, epoch, value),
                _ => value,
            };
            (name.to_owned(), value)
        };
        Record {
            step,
            stage: stage.to_owned(),
            kind,
            values: values.iter().map(changed).collect(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let (records, samples) = self.log();
        Examination::of_log(&self.config, &entries(&records), &samples).take_findings()
    }

    /// The names of what is found, with the steps.
    fn names(&self) -> Vec<(&'static str, u64)> {
        let findings = self.findings().into_iter();
        findings.map(|f| (f.fault.name(), f.step)).collect()
    }
}

/// Records as entries of a log.
fn entries(records: &[Record]) -> Vec<LogEntry> {
    records.iter().cloned().map(LogEntry::Record).collect()
}

/// Numbers of training that goes well.
fn training(is_scst: bool, epoch: f64) -> Vec<(&'static str, f64)> {
    // From one record to the next, sources differ.
    let wave = (7.0 * epoch).sin();
    let mut values = vec![
        ("epoch", epoch),
        ("caption_length", 10.1 + 0.1 * wave),
        ("gradient_norm", 1.5 + 0.5 * wave),
        ("learning_rate", 5e-4),
        ("entropy", 1.0 - 0.06 * epoch),
    ];
    if is_scst {
        values.extend([
            ("reward", 0.5 + 0.1 * epoch + 0.02 * wave),
            ("reward_mine", 0.5 + 0.1 * epoch + 0.02 * wave),
            ("reward_spread", 0.3 - 0.02 * epoch),
            ("zero_advantage_share", 0.05 + 0.05 * epoch),
            ("clipped_share", 0.25),
        ]);
    }
    values
}

/// Scores of validations that go well: they fall at first.
fn validation(epoch: f64) -> Vec<(&'static str, f64)> {
    let dip = match epoch {
        1.0 => 0.19,
        2.0 => 0.12,
        _ => 0.0,
    };
    vec![
        ("cider_d", 1.0 + 0.02 * epoch - dip),
        ("mean_length", 9.2 - 0.1 * epoch),
        ("epoch", epoch),
    ]
}

fn sample(step: u64, stage: &str, caption: &str) -> Sample {
    Sample {
        step,
        stage: stage.to_owned(),
        name: "a.jpg".to_owned(),
        id: ExampleId::from(7),
        caption: caption.to_owned(),
        references: vec!["a circle that is red".to_owned(), "one circle".to_owned()],
        cider_d: 1.0,
        bleu_4: 0.1,
        rouge_l: 0.5,
        text: TextScores::default(),
        log_probability: Some(-3.0),
        is_cut_off: false,
    }
}

const PROGRAM: &str = "[[stages.scst.rewards]]\ncommand = { program = [\"x\"], name = \"mine\" }\n";

#[test]
fn run_that_goes_well_has_no_faults() {
    let story = Story::of(&format!("[stages.scst]\n{PROGRAM}"));
    assert_eq!(story.findings(), []);
    assert_eq!(setting_faults(&story.config, &[None, None]), []);
}

#[test]
fn every_fault_is_found_once_where_it_becomes_true() {
    type Change = fn(&str, f64, f64) -> f64;
    let cases: [(&str, Change, u64); 9] = [
        (
            "constant_reward",
            |name, _, value| match name {
                "reward_mine" | "reward" => 0.25,
                "reward_spread" => 0.0,
                "zero_advantage_share" => 1.0,
                _ => value,
            },
            1060,
        ),
        (
            "no_spread_in_groups",
            |name, _, value| match name {
                "reward_spread" => 0.0,
                "zero_advantage_share" => 1.0,
                _ => value,
            },
            1060,
        ),
        (
            "zero_advantages",
            |name, epoch, value| match name {
                "zero_advantage_share" if epoch > 2.0 => 1.0,
                _ => value,
            },
            1260,
        ),
        (
            "entropy_collapse",
            |name, epoch, value| match name {
                "entropy" if epoch > 3.0 => 0.01,
                "reward_spread" if epoch > 3.0 => 0.0,
                "zero_advantage_share" if epoch > 3.0 => 1.0,
                _ => value,
            },
            1360,
        ),
        (
            "clipped_gradients",
            |name, _, value| match name {
                "gradient_norm" => 20.0 * value,
                _ => value,
            },
            1120,
        ),
        (
            "clipped_ratios",
            |name, _, value| match name {
                "clipped_share" => 0.9,
                _ => value,
            },
            1060,
        ),
        (
            "reward_against_validation",
            |name, epoch, value| match name {
                "cider_d" => value - 0.1 * epoch,
                _ => value,
            },
            1400,
        ),
        (
            "too_fast",
            |name, epoch, value| match name {
                "cider_d" if epoch > 0.0 => 0.5 * value,
                "reward" => 0.5 - 0.02 * epoch,
                _ => value,
            },
            1200,
        ),
        (
            "length_drift",
            |name, epoch, value| match name {
                "mean_length" => value - 0.5 * epoch,
                _ => value,
            },
            1500,
        ),
    ];
    for (expected, change, step) in cases {
        let story = Story {
            change: &change,
            ..Story::of(&format!("[stages.scst]\n{PROGRAM}"))
        };
        assert_eq!(story.names(), [(expected, step)], "{expected}");
    }
}

#[test]
fn captions_that_end_badly_are_told_with_what_the_stage_rewards() {
    for (scst, remedy) in [
        ("", "bad_ending_penalty"),
        (
            "reward_end_token = false\n",
            "set `reward_end_token = true`",
        ),
    ] {
        let captions = [
            "a red circle above a",
            "a blue square",
            "a star in the snow",
        ];
        let story = Story {
            captions: &captions,
            ..Story::of(&format!("[stages.scst]\n{scst}"))
        };
        let findings = story.findings();
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}");
        };
        // Three captions a validation: eight are there after the third.
        assert_eq!(finding.step, 1300);
        let text = finding.to_string();
        assert!(text.contains("3 of the last 9 sample captions"), "{text}");
        assert!(text.contains(remedy), "{text}");
    }
}

#[test]
fn examination_of_a_log_goes_on_as_if_it_had_not_been_interrupted() {
    let change = |name: &str, epoch: f64, value: f64| match name {
        "cider_d" => value - 0.1 * epoch,
        "zero_advantage_share" if epoch > 2.0 => 1.0,
        _ => value,
    };
    let story = Story {
        change: &change,
        ..Story::of("[stages.scst]\n")
    };
    let whole = story.findings();
    assert_eq!(whole.len(), 2, "{whole:?}");
    let (records, samples) = story.log();
    for cut in [0, 55, 60, 70, records.len()] {
        let entries = entries(&records[..cut]);
        let mut examination = Examination::of_log(&story.config, &entries, &samples);
        for record in &records[cut..] {
            examination.record(record);
        }
        assert_eq!(examination.take_findings(), whole, "{cut}");
    }
}

#[test]
fn error_rates_that_grow_are_lost_and_rewards_below_0_rise() {
    let change = |name: &str, epoch: f64, value: f64| match name {
        "phoneme_error_rate" => 0.2 + 0.01 * epoch,
        "reward" => -0.5 + 0.02 * epoch,
        _ => value,
    };
    let mut story = Story {
        change: &change,
        ..Story::of("[stages.scst]\n")
    };
    story.config.validation.metric = crate::config::ValidationMetric::PhonemeErrorRate;
    let (mut records, samples) = story.log();
    for record in &mut records {
        if record.kind != RecordKind::Train {
            let epoch = record.value("epoch").unwrap();
            let rate = change("phoneme_error_rate", epoch, 0.0);
            record.values.push(("phoneme_error_rate".to_owned(), rate));
        }
    }
    let mut examination = Examination::of_log(&story.config, &entries(&records), &samples);
    let found = examination.take_findings();
    let name = found[0].fault.name();
    assert_eq!((name, found.len()), ("reward_against_validation", 1));
}

#[test]
fn settings_that_are_known_to_fail_are_named_with_their_keys() {
    let told = |config: &Config, expected: &[&str]| {
        let found = setting_faults(config, &[Some(100.0), Some(100.0)]);
        let names: Vec<&str> = found.iter().map(Setting::name).collect();
        assert_eq!(names, expected, "{found:?}");
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        texts.concat()
    };
    let mut changed = config("[stages.scst]\n");
    assert_eq!(told(&changed, &[]), "");
    changed.stages[0].learning_rate = 5e-3;
    changed.stages[1].learning_rate = 1e-3;
    let text = told(&changed, &["learning_rate", "learning_rate"]);
    assert!(
        text.contains("key `stages.0.learning_rate`: found 5e-3"),
        "{text}"
    );
    assert!(text.contains("expected 5e-6 to 5e-4"), "{text}");
    let mut changed = config("[stages.scst]\n");
    (changed.stages[0].epochs, changed.stages[0].steps) = (None, Some(100));
    let text = told(&changed, &["early_self_critical"]);
    assert!(text.contains("stage `scst`: found 1.0 epochs"), "{text}");
    changed.stages[0].schedule = ScheduleConfig::Cosine {
        final_fraction: 0.1,
    };
    changed.stages[1].start_from = crate::config::StartFrom::Checkpoint("x".into());
    told(&changed, &[]);
    let unrewarded = config("[stages.scst]\nreward_end_token = false\n");
    told(&unrewarded, &["end_token_unrewarded"]);
    let twice = |over: &str, scale: &str| {
        config(&format!(
            "[stages.scst]\nadvantage_scale = \"{scale}\"\n[[stages.scst.rewards]]\ncider_d = {{}}\nstandardise = true\n\
             standardise_over = \"{over}\"\n"
        ))
    };
    let text = told(&twice("batch", "batch"), &["standardised_twice"]);
    assert!(
        text.contains("`stages.1.scst.rewards.0.standardise`"),
        "{text}"
    );
    told(&twice("source", "group"), &["standardised_twice"]);
    // That is GDPO.
    told(&twice("source", "batch"), &[]);
}

#[test]
fn few_references_alone_do_not_tell_a_drift() {
    // Those of the sample captions have 5 and 2 words: gold captions, of which nothing was logged, have 9.
    let change = |name: &str, epoch: f64, value: f64| match name {
        "mean_length" => value - 0.1 * epoch,
        _ => value,
    };
    let mut story = Story {
        change: &change,
        ..Story::of("[stages.scst]\n")
    };
    let findings = |story: &Story<'_>| {
        let (mut records, samples) = story.log();
        records.retain(|record| record.stage == "scst");
        let mut examination = Examination::of_log(&story.config, &entries(&records), &samples);
        examination.take_findings()
    };
    assert_eq!(findings(&story), []);
    let change = |name: &str, epoch: f64, value: f64| match name {
        "mean_length" => value + 0.5 * epoch,
        _ => value,
    };
    story.change = &change;
    let found = findings(&story);
    assert_eq!(found[0].fault.name(), "length_drift");
}

#[test]
fn drift_of_lengths_that_the_run_has_told_is_not_told_again() {
    let change = |name: &str, epoch: f64, value: f64| match name {
        "mean_length" => value - 0.5 * epoch,
        _ => value,
    };
    let story = Story {
        change: &change,
        ..Story::of("[stages.scst]\n")
    };
    let alone = story.findings();
    assert!(!Collapse::is_of_length(&alone[0].to_string()), "{alone:?}");
    let (records, samples) = story.log();
    let mut entries = entries(&records);
    let found = Collapse::TooShort {
        found: 3.0,
        shortest: 6,
    };
    let is_last = |entry: &LogEntry| matches!(entry, LogEntry::Record(r) if r.step == 1500 && r.kind == RecordKind::Validation);
    let place = entries.iter().position(is_last).unwrap();
    let told = LogEntry::Warning(LoggedWarning {
        step: 1500,
        stage: "scst".to_owned(),
        message: found.to_string(),
    });
    entries.insert(place + 1, told);
    let mut examination = Examination::of_log(&story.config, &entries, &samples);
    assert_eq!(examination.take_findings(), []);
}

#[test]
fn shipped_configurations_have_no_settings_that_are_known_to_fail() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs");
    let registry = CaptionerRegistry::default();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let config = Config::load(&path, Vec::new(), &registry).unwrap();
        let steps_per_epoch = vec![Some(500.0); config.stages.len()];
        assert_eq!(
            setting_faults(&config, &steps_per_epoch),
            [],
            "{}",
            path.display()
        );
        count += 1;
    }
    assert!(count > 10);
}

#[test]
fn faults_of_a_stage_are_found_again_in_the_next() {
    let story = Story::of("[stages.scst]\n");
    let (mut records, _) = story.log();
    for record in &mut records {
        record.values.retain(|(name, _)| name != "gradient_norm");
        record.values.push(("gradient_norm".to_owned(), 40.0));
    }
    let mut examination = Examination::of_log(&story.config, &entries(&records), &[]);
    let found: Vec<_> = examination.take_findings().into_iter().collect();
    let stages: Vec<&str> = found.iter().map(|f| f.stage.as_str()).collect();
    assert_eq!(stages, ["xe", "scst"]);
    assert!(matches!(
        found[0].fault,
        Fault::ClippedGradients {
            norm: 40.0,
            limit: 5.0
        }
    ));
}
