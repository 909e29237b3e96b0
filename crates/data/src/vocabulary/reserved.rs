//! Words that every vocabulary begins with.

pub use scst_tokens::{END as END_ID, UNKNOWN as UNKNOWN_ID};

/// The token that starts and ends a caption, at id [`END_ID`].
pub const END: &str = "<end>";
/// The token for words that are not in the vocabulary, at id [`UNKNOWN_ID`].
pub const UNKNOWN: &str = "<unk>";
/// Ids and words, in the order of the ids.
pub(super) const RESERVED: [(u32, &str); 2] = [(END_ID, END), (UNKNOWN_ID, UNKNOWN)];
