//! The reserved ids of tokens, which every vocabulary has at these places.

/// The token that starts and ends a sequence.
pub const END: u32 = 0;
/// The token that stands for all that the vocabulary lacks.
pub const UNKNOWN: u32 = 1;

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
