//! Decoding: search over a step function that scores the next word.
//!
//! Nothing here knows a network. A model offers [`StepModel`]: given the last words and a state it
//! returns the scores of the next words and the new state, and it can pick rows out of a state.
//! [`greedy`], [`sample`], [`sample_with`] and [`beam`] search over that, within [`Limits`], which [`Rules`] make and
//! hold against one another; several
//! models are one as an [`Ensemble`], and a model that is [`Held`] keeps its state to itself. [`ranking`] orders several captions, by log-probabilities
//! ([`LengthNormalisation`]), by their [`consensus`], or by any other scores. Tests search over a
//! transition table.
//!
//! A caption is a list of word ids up to and including the first end token; one that fills the
//! maximum length without it has been cut off and ends with an ordinary word.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

#[cfg(feature = "cube")]
mod ahead;
mod beam;
mod constraint;
mod continuation;
mod ensemble;
mod error;
mod greedy;
mod gumbel;
mod hypothesis;
mod multinomial;
mod rerank;
mod rescore;
mod reshaped;
mod rules;
mod sampling;
mod step;
#[cfg(test)]
mod transition_table;
mod truncation;

pub use beam::{BeamOptions, beam};
pub use constraint::{
    BadEndings, BlockImmediateRepeats, Constraint, ForbiddenWords, Limits, MinimumLength,
    NoRepeatedNgram, Prefix, RequiredWords,
};
pub use continuation::sample_continuations;
pub use ensemble::Ensemble;
pub use error::{OptionProblem, SamplerError};
pub use greedy::{greedy, greedy_hypotheses};
pub use hypothesis::{Hypothesis, LengthNormalisation};
pub use multinomial::{draw_words, sample};
pub use rerank::{consensus, ranking};
pub use rescore::log_probabilities;
pub use reshaped::{DrawnCaption, sample_reshaped};
pub use rules::{Conflict, Rule, Rules};
pub use sampling::{Draw, SamplingOptions, sample_with};
pub use scst_tokens::END;
#[cfg(feature = "cube")]
pub use step::StepAhead;
pub use step::{Held, HeldError, StepModel};

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
