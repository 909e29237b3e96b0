//! Decoding: search over a step function that scores the next word.
//!
//! Nothing here knows a network. A model offers [`StepModel`]: given the last words and a state it
//! returns the scores of the next words and the new state, and it can pick rows out of a state.
//! [`greedy`], [`sample`] and [`beam`] search over that; tests search over a transition table.
//!
//! A caption is a list of word ids up to and including the first end token; one that fills the
//! maximum length without it has been cut off and ends with an ordinary word.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod beam;
mod continuation;
mod error;
mod greedy;
mod multinomial;
mod step;
#[cfg(test)]
mod transition_table;

pub use beam::{Hypothesis, beam};
pub use continuation::sample_continuations;
pub use error::SamplerError;
pub use greedy::greedy;
pub use multinomial::{draw_words, sample};
pub use step::{END, StepModel};
