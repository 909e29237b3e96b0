//! What training computes, held to the bit: a change of structure changes none of these numbers.
//!
//! | module | what is there |
//! |---|---|
//! | `cases` | what a case is, and the configuration that it stands for |
//! | `captioners`, `words`, `sequences`, `rewards`, `steps`, `precision`, `decoders` | the cases |
//! | `runs` | data, and runs of cases |
//! | `recording` | traces as files, and the comparison of two |
//! | `machine` | which machines have the same bits |
//!
//! `tests/fixtures/trace/README.md` says how a trace is renewed.

mod captioners;
mod cases;
mod decoders;
mod machine;
mod precision;
mod recording;
mod rewards;
mod runs;
mod sequences;
mod steps;
mod words;

use std::collections::BTreeSet;

use cases::Case;
use recording::fixtures;
use runs::Workplace;
use scst_trainer::{Backend, Precision};

/// Every group of cases.
const GROUPS: [fn() -> Vec<Case>; 14] = [
    captioners::images,
    captioners::regions,
    captioners::texts,
    words::losses,
    words::hard_attention,
    sequences::objectives,
    sequences::policies,
    sequences::credits,
    sequences::mixer,
    sequences::of_other_captioners,
    rewards::cases,
    steps::cases,
    precision::cases,
    decoders::cases,
];

/// Runs cases and compares them with what was recorded, or records them.
fn hold(cases: Vec<Case>) {
    let mut workplace = Workplace::new();
    let traces = cases.into_iter().map(|case| {
        let trace = workplace.run(&case);
        (case.name, trace)
    });
    recording::hold(traces);
}

#[test]
fn captioners_of_pooled_features_train_as_recorded() {
    hold(captioners::images());
}

#[test]
fn captioners_of_regions_train_as_recorded() {
    hold(captioners::regions());
}

#[test]
fn captioners_of_texts_train_as_recorded() {
    hold(captioners::texts());
}

#[test]
fn losses_of_gold_words_train_as_recorded() {
    hold(words::losses());
}

#[test]
fn hard_attention_trains_as_recorded() {
    hold(words::hard_attention());
}

#[test]
fn sequence_objectives_train_as_recorded() {
    hold(sequences::objectives());
}

#[test]
fn policy_objectives_train_as_recorded() {
    hold(sequences::policies());
}

#[test]
fn credits_of_words_train_as_recorded() {
    hold(sequences::credits());
}

#[test]
fn captions_begun_with_gold_words_train_as_recorded() {
    hold(sequences::mixer());
}

#[test]
fn sequence_objectives_of_other_captioners_train_as_recorded() {
    hold(sequences::of_other_captioners());
}

#[test]
fn mixtures_of_rewards_train_as_recorded() {
    hold(rewards::cases());
}

#[test]
fn optimisers_and_schedules_train_as_recorded() {
    hold(steps::cases());
}

#[test]
fn products_of_bfloat16_train_as_recorded() {
    match Backend::Flex.check_precision(Precision::Bf16) {
        Ok(()) => hold(precision::cases()),
        Err(error) => scst_testing::oracles::skip(&error.to_string()),
    }
}

#[test]
fn decoders_caption_as_recorded() {
    hold(decoders::cases());
}

#[test]
fn estimators_measure_as_recorded() {
    let mut workplace = Workplace::new();
    let models = ["fc", "show_attend_tell_hard", "markov"];
    let traces = models.map(|model| (format!("estimators-{model}"), workplace.estimators(model)));
    recording::hold(traces.into_iter());
}

#[test]
fn every_recorded_trace_has_a_case_of_its_own() {
    let mut names = BTreeSet::new();
    for case in GROUPS.iter().flat_map(|group| group()) {
        assert!(names.insert(case.name.clone()), "two cases {}", case.name);
    }
    let of_a_case = |name: &String| names.contains(name) || name.starts_with("estimators-");
    let stray: Vec<String> = fixtures()
        .into_iter()
        .filter(|name| !of_a_case(name))
        .collect();
    assert!(stray.is_empty(), "traces without a case: {stray:?}");
}

#[test]
fn every_option_of_a_stage_is_in_a_trace() {
    let missing = cases::options_without_a_case(GROUPS.iter().flat_map(|group| group()));
    assert!(
        missing.is_empty(),
        "options that no case sets: {missing:#?}"
    );
}
