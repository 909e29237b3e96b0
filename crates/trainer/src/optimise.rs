//! From summed gradients to new weights.

pub(crate) mod division;
pub(crate) mod optimiser;
pub(crate) mod reduce;
pub(crate) mod schedule;
pub(crate) mod spent;
pub(crate) mod update;
pub(crate) mod workers;
