//! Captions out of a captioner: the search, its scores, and what the captions are like.

pub(crate) mod caption;
pub(crate) mod collapse;
pub(crate) mod custom;
pub(crate) mod evaluate;
pub(crate) mod search;
pub(crate) mod step_model;
