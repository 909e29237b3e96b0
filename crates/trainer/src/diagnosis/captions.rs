//! Captions of validation sources that get worse while a stage goes on.

use scst_reward::BadEndingPenaltyOptions;

use super::{
    case::{Case, Rule},
    fault::Fault,
    history::mean,
};
use crate::{decode::collapse::Collapse, events::Sample};

/// The rules, causes before what follows from them.
pub(super) const RULES: [Rule; 4] = [
    too_fast,
    reward_against_validation,
    length_drift,
    bad_endings,
];

/// Part of the score of the start that no stage that goes well loses: greedy captions do get worse before they get better, by
/// 9 % where that was most (captions from captions, data/results).
const FAR: f64 = 0.25;
/// Part of it that is lost at every one of the last validations when it does not come back. Those that came back had lost
/// 5 % and 10 % (drawn scenes) or 9 % and 2 % in a row, error rates 2 %.
const NOTICEABLE: f64 = 0.08;
/// So many validations in a row.
const IN_A_ROW: usize = 3;
/// Steps of a stage in which only what is far below the start counts. On the drawn scenes captions are below it for 300 steps, and
/// 19 % below where cross-entropy was short.
const FIRST_STEPS: u64 = 300;
/// Part by which a mean reward rises noticeably.
const RISES: f64 = 0.05;
/// Part by which mean lengths may differ from that of references. Captions of 10.2 words become 8.3 to 8.9 on Flickr8k, whose
/// references have 10.8; those of the markov captioner grow from 5.9 to 8.3.
const DRIFTS: f64 = 0.3;
/// Words by which they may differ in any case.
const LEAST_DRIFT: f64 = 1.5;
/// Sample captions that tell something of their endings.
const LEAST_CAPTIONS: usize = 8;
/// Share of them that may end badly; without the end token about a third does.
const MANY: f64 = 0.2;
/// Share of references that may do so: where more do, as in another language, the words are no bad endings.
const FEW: f64 = 0.05;

/// Validation captions far below the start, and samples that get no better.
fn too_fast(case: &Case<'_>) -> Option<Fault> {
    let (start, found) = (start(case)?, latest(case)?);
    if case.scst().is_some() && rises(case.history.change("reward")?) {
        return None;
    }
    (lost(case, start, found) > FAR).then(|| Fault::TooFast {
        metric: case.metric,
        validation: [start, found],
        learning_rate: case.history.latest("learning_rate").unwrap_or(f64::NAN),
    })
}

/// Validation captions below the start that do not come back, while samples get better.
fn reward_against_validation(case: &Case<'_>) -> Option<Fault> {
    case.scst()?;
    let start = start(case)?;
    let last = case.history.validated(case.metric.name(), IN_A_ROW)?;
    let rewards = case.history.change("reward")?;
    let losses: Vec<f64> = last.iter().map(|found| lost(case, start, *found)).collect();
    let (now, before) = losses.split_last()?;
    let is_young = case.history.steps()? < FIRST_STEPS;
    let bound = if is_young { FAR } else { NOTICEABLE };
    let is_below = losses.iter().all(|lost| *lost > bound);
    let comes_back = before.iter().all(|lost| lost > now);
    (is_below && !comes_back && rises(rewards) && !case.has_found(&["too_fast"])).then(|| {
        Fault::RewardAgainstValidation {
            metric: case.metric,
            validation: [start, last[IN_A_ROW - 1]],
            reward: rewards,
            dropout: case.dropout,
        }
    })
}

/// Mean lengths that leave those of references in a self-critical stage, unless that has been said.
fn length_drift(case: &Case<'_>) -> Option<Fault> {
    case.scst()?;
    if case.history.warnings().any(Collapse::is_of_length) {
        return None;
    }
    let before = case.history.at_start("mean_length")?;
    let found = *case.history.validated("mean_length", 1)?.first()?;
    // The references of the sample captions alone are few, and may well be longer or shorter than most: with them, captions
    // have to have drifted as far from where they began.
    let (references, is_sure) = match case.gold_length {
        Some(length) => (length, true),
        None => (sampled_length(case)?, false),
    };
    let is_far = |from: f64| (found - from).abs() > (DRIFTS * from).max(LEAST_DRIFT);
    let is_further = (found - references).abs() > (before - references).abs();
    let drifts = is_far(references) && is_further && (is_sure || is_far(before));
    drifts.then_some(Fault::LengthDrift {
        found,
        before,
        references,
    })
}

/// Sample captions that end by themselves with a word that no reference ends with.
fn bad_endings(case: &Case<'_>) -> Option<Fault> {
    let scst = case.scst()?;
    let words = BadEndingPenaltyOptions::default().words;
    let ends_badly = |text: &str| {
        let last = text.split_whitespace().next_back();
        last.is_some_and(|last| words.iter().any(|word| word == last))
    };
    let samples: Vec<_> = case.history.sample_captions().collect();
    let references: Vec<&String> = samples.iter().flat_map(|s| &s.references).collect();
    let bad_references = references.iter().filter(|text| ends_badly(text)).count();
    let is_bad = |sample: &&&Sample| !sample.is_cut_off && ends_badly(&sample.caption);
    let bad: Vec<_> = samples.iter().filter(is_bad).collect();
    let (example, count) = (bad.last()?, bad.len());
    let is_many = samples.len() >= LEAST_CAPTIONS && count as f64 > MANY * samples.len() as f64;
    (is_many && bad_references as f64 <= FEW * references.len() as f64).then(|| Fault::BadEndings {
        bad: count,
        captions: samples.len(),
        example: example.caption.clone(),
        has_end_token: scst.reward_end_token,
    })
}

/// The score that the stage began with.
fn start(case: &Case<'_>) -> Option<f64> {
    case.history.at_start(case.metric.name())
}

/// The latest score.
fn latest(case: &Case<'_>) -> Option<f64> {
    let last = case.history.validated(case.metric.name(), 1)?;
    last.first().copied()
}

/// The part of the score of the start that is lost; of an error rate, what it has grown by.
fn lost(case: &Case<'_>, start: f64, found: f64) -> f64 {
    case.metric.gain(start, found) / start.abs()
}

fn rises([before, now]: [f64; 2]) -> bool {
    now - before > RISES * before.abs()
}

/// Mean length of the references of the sample captions, in words.
fn sampled_length(case: &Case<'_>) -> Option<f64> {
    let references = case.history.sample_captions().flat_map(|s| &s.references);
    let lengths: Vec<f64> = references
        .map(|text| text.split_whitespace().count() as f64)
        .collect();
    mean(&lengths)
}
