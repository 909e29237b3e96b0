//! What a baseline has learnt, for checkpoints.

use scst_loss::{LearnedBaseline, MovingAverage};
use serde::{Deserialize, Serialize};

/// What a baseline has learnt so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BaselineState {
    pub(super) moving_average: MovingAverage,
    pub(super) learned: LearnedBaseline,
}
