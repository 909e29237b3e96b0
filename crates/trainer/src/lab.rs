//! Measurements of the trainer itself: how fast a step is, how noisy a gradient, whether a backend agrees.

pub(crate) mod agreement;
pub(crate) mod bench;
pub(crate) mod estimator;
pub(crate) mod estimators;
pub(crate) mod picture;
pub(crate) mod toy;
pub(crate) mod trial;
