//! Objectives: from a batch to summed gradients of all parameters.

pub(crate) mod batch;
pub(crate) mod custom;
pub(crate) mod sequence;
pub(crate) mod word;
