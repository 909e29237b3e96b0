//! Steps and distributions that have gone too far.

use super::{
    case::{Case, Rule},
    fault::Fault,
    history::mean,
};
use crate::config::Clip;

/// The rules.
pub(super) const RULES: [Rule; 3] = [entropy_collapse, clipped_gradients, clipped_ratios];

/// Nats a word below which samples of a source are the same. The drawn scenes end at .33, the words and their phonemes at .18.
pub(super) const LOW_ENTROPY: f64 = 0.1;
/// Part of the entropy of the beginning, which falls to .3 of it on the drawn scenes and to .45 for words and their phonemes.
const SMALL_PART: f64 = 0.15;
/// Times the limit from which on a gradient is cut down to a small part.
const FAR_BEYOND: f64 = 3.0;
/// Epochs in which gradients may be large, as those of random weights are.
const FIRST_EPOCHS: f64 = 1.0;
/// Share of the words, a mean over all updates of a rollout, of which the first stops none. Of `gspo`'s narrow clip, the second
/// of two updates stops half of them; four updates of `token_clip` stop 4 % (data/results).
const MOST: f64 = 0.5;

/// Samples that hardly differ, and did at the beginning.
fn entropy_collapse(case: &Case<'_>) -> Option<Fault> {
    case.scst()?;
    let [before, found] = case.history.change("entropy")?;
    let late = case.history.late("entropy")?;
    let is_low = late.iter().all(|entropy| *entropy < LOW_ENTROPY);
    (is_low && found < SMALL_PART * before).then_some(Fault::EntropyCollapse { found, before })
}

/// Every step is scaled down to a small part.
fn clipped_gradients(case: &Case<'_>) -> Option<Fault> {
    let Clip::Norm(limit) = case.stage.clip else {
        return None;
    };
    if case.history.latest("epoch")? <= FIRST_EPOCHS {
        return None;
    }
    let norms = case.history.late("gradient_norm")?;
    let is_beyond = norms.iter().all(|norm| *norm > FAR_BEYOND * limit);
    let norm = mean(&norms)?;
    is_beyond.then_some(Fault::ClippedGradients { norm, limit })
}

/// The objective stops most words, so that little is left of an update.
fn clipped_ratios(case: &Case<'_>) -> Option<Fault> {
    let shares = case.history.late("clipped_share")?;
    let share = mean(&shares)?;
    let is_most = shares.iter().all(|share| *share > MOST);
    is_most.then_some(Fault::ClippedRatios { share })
}
