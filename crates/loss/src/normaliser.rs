//! From summed gradients to the mean that the optimiser sees.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a step has summed over: the denominators of every normaliser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Captions that contributed.
    pub sequences: u64,
    /// Words of these captions, end tokens included.
    pub tokens: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.tokens += other.tokens;
    }
}

/// The number that summed losses and gradients are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Normaliser {
    /// Captions: every caption weighs the same, whatever its length.
    Sequence,
    /// Words: the token mean. Steps with long captions are scaled down as a whole.
    Token,
    /// Captions x maximum length: like `sequence`, on the scale of `token`.
    Constant,
}

impl Normaliser {
    /// The divisor for sums over `counts`, captions being at most `max_length` words long.
    ///
    /// At least 1, so that an empty step divides nothing by zero.
    pub fn divisor(self, counts: Counts, max_length: usize) -> f64 {
        let divisor = match self {
            Self::Sequence => counts.sequences,
            Self::Token => counts.tokens,
            Self::Constant => counts.sequences * max_length as u64,
        };
        divisor.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisor_counts_sequences_tokens_or_their_upper_bound() {
        let counts = Counts {
            sequences: 5,
            tokens: 42,
        };
        assert_eq!(Normaliser::Sequence.divisor(counts, 16), 5.0);
        assert_eq!(Normaliser::Token.divisor(counts, 16), 42.0);
        assert_eq!(Normaliser::Constant.divisor(counts, 16), 80.0);
    }

    #[test]
    fn divisor_is_one_when_nothing_was_counted() {
        assert_eq!(Normaliser::Token.divisor(Counts::default(), 16), 1.0);
    }
}
