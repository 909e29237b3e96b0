//! What a token of a text is, as configurations say it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a token of a text is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// Words in lower case, without punctuation.
    Words,
    /// What white space divides, as it is written.
    Given,
    /// Every character as it is written, spaces too.
    Characters,
    /// Pieces of words, so many at most, learnt from the training texts: byte pairs, with which any text can be written.
    Bpe(#[schemars(range(min = 258, max = 1_000_000))] u32),
    /// Pieces of words, so many at most, learnt from the training texts: those of a unigram language model.
    Unigram(#[schemars(range(min = 3, max = 1_000_000))] u32),
    /// Pieces as a `tokenizer.json` says, of BPE or Unigram, or one that this program wrote.
    File(PathBuf),
}

impl Tokens {
    /// The sizes that [`Tokens::Bpe`] may have: all bytes and the reserved tokens, and what fits memory.
    pub const BPE_SIZES: std::ops::RangeInclusive<u32> = 258..=1_000_000;
    /// The sizes that [`Tokens::Unigram`] may have.
    pub const UNIGRAM_SIZES: std::ops::RangeInclusive<u32> = 3..=1_000_000;

    /// What is wrong with it, as found and expected, and with which key of it.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let (name, size, sizes) = match self {
            Self::Bpe(size) => ("bpe", size, Self::BPE_SIZES),
            Self::Unigram(size) => ("unigram", size, Self::UNIGRAM_SIZES),
            _ => return None,
        };
        let (least, most) = (sizes.start(), sizes.end());
        let is_wrong = !sizes.contains(size);
        is_wrong.then(|| {
            let problem = format!("found {size}, expected {least} to {most} tokens");
            (name, problem)
        })
    }
}
