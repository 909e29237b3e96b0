//! From summed gradients to new weights.

pub(crate) mod division;
pub(crate) mod early_sums;
pub(crate) mod optimiser;
mod part_sums;
mod rank_sums;
pub(crate) mod reduce;
pub(crate) mod schedule;
pub(crate) mod spent;
pub(crate) mod update;
pub(crate) mod workers;
