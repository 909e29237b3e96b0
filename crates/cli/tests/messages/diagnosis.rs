//! What a run and `scst doctor` find: a sentence of every kind.

use std::collections::BTreeSet;

use scst_trainer::{
    Fault, FeatureFault, Finding, ForeignTable, Resolution, Setting, TableMismatch, Warning,
    config::ValidationMetric,
};

use scst_testing::messages::{FILE, KEY, problem};

use super::{file, key, text};

fn faults() -> Vec<Fault> {
    let metric = ValidationMetric::CiderD;
    let bad_endings = |has_end_token| Fault::BadEndings {
        bad: 5,
        captions: 20,
        example: text(),
        has_end_token,
    };
    let against = |dropout| Fault::RewardAgainstValidation {
        metric,
        validation: [0.5, 0.25],
        reward: [0.1, 0.2],
        dropout,
    };
    vec![
        Fault::ConstantReward {
            reward: text(),
            value: 0.5,
        },
        Fault::NoSpreadInGroups {
            rewards: [0.25, 0.5],
        },
        Fault::ZeroAdvantages {
            share: 1.0,
            reward: 0.0,
        },
        Fault::EntropyCollapse {
            found: 0.01,
            before: 1.5,
        },
        Fault::ClippedGradients {
            norm: 3.5,
            limit: 0.1,
        },
        Fault::ClippedRatios { share: 0.75 },
        against(0.0),
        against(0.5),
        Fault::TooFast {
            metric,
            validation: [0.5, 0.25],
            learning_rate: 5e-3,
        },
        Fault::LengthDrift {
            found: 5.0,
            before: 10.0,
            references: 10.5,
        },
        bad_endings(true),
        bad_endings(false),
    ]
}

fn settings() -> Vec<Setting> {
    let learning_rate = |found, is_self_critical| Setting::LearningRate {
        key: key(),
        found,
        known: [1e-5, 1e-3],
        optimiser: "adam",
        is_self_critical,
    };
    vec![
        learning_rate(1.0, true),
        learning_rate(1e-9, false),
        Setting::EarlySelfCritical {
            stage: text(),
            epochs: 1.0,
        },
        Setting::EndTokenUnrewarded { key: key() },
        Setting::StandardisedTwice {
            key: key(),
            scale_key: "stages.1.scst.advantage_scale".to_owned(),
            scale: "group",
        },
    ]
}

fn features() -> Vec<FeatureFault> {
    vec![
        FeatureFault::Equal {
            equal: 3,
            images: 7,
            example: [text(), text()],
        },
        FeatureFault::Constant {
            constant: 3,
            dimension: 4,
        },
        FeatureFault::Large { range: [-3.0, 1e4] },
        FeatureFault::StandardisedTwice,
    ]
}

fn tables() -> Vec<ForeignTable> {
    let table = |mismatch| ForeignTable {
        stage: text(),
        reward: text(),
        path: file(),
        sources: 3,
        mismatch,
    };
    vec![
        table(TableMismatch::Words {
            unknown: 0.75,
            example: text(),
        }),
        table(TableMismatch::Sources {
            word: text(),
            frequency: 9,
        }),
        table(TableMismatch::Frequencies {
            word: text(),
            shares: [0.1, 0.75],
        }),
    ]
}

#[test]
fn findings_are_sentences_that_name_what_they_know_and_what_to_do() {
    let fault = |fault| {
        Warning::Fault(Finding {
            stage: "scst".to_owned(),
            step: 70,
            fault,
        })
    };
    let resolution = Resolution {
        metric: ValidationMetric::CiderD,
        sources: 12,
        difference: 0.5,
    };
    let mut all: Vec<Warning> = faults().into_iter().map(fault).collect();
    all.extend(settings().into_iter().map(Warning::Setting));
    all.extend(features().into_iter().map(Warning::Features));
    all.extend(tables().into_iter().map(Warning::ForeignTable));
    all.push(Warning::FewValidationSources(resolution));
    let names: BTreeSet<&str> = all.iter().map(Warning::name).collect();
    assert_eq!(names.len(), 10 + 4 + 4 + 1 + 1, "{names:?}");
    for warning in &all {
        let message = warning.to_string();
        assert_eq!(problem(&message), None, "{message}");
        assert!(message.contains("found "), "{message}");
        assert!(message.contains("expected "), "{message}");
        let known = match warning {
            Warning::Setting(Setting::EarlySelfCritical { .. }) => "stage `a dog`",
            Warning::Setting(_) => KEY,
            Warning::ForeignTable(_) => FILE,
            Warning::Fault(_) => "stage `scst`, step 70: ",
            _ => "key `",
        };
        assert!(message.contains(known), "{known} in: {message}");
    }
}
