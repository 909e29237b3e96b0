//! What a captioner reads: vectors, or texts that an encoder makes vectors of.

use crate::{ModelError, SourceVectors, rows::blocks};

/// The sources of a batch.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one source a training step"
)]
#[derive(Debug, Clone)]
pub enum Source {
    /// Vectors, such as features of images.
    Vectors(SourceVectors),
    /// Texts, for a captioner with an encoder.
    Tokens(SourceTokens),
}

/// Texts of a batch as ids of tokens, one text after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTokens {
    ids: Vec<u32>,
    counts: Vec<usize>,
}

impl SourceTokens {
    /// Ids of all tokens, `[tokens of all texts]`, and how many every text has.
    ///
    /// # Errors
    /// [`ModelError::Rows`] when there are not as many ids as tokens, or a text has none.
    pub fn new(ids: Vec<u32>, counts: Vec<usize>) -> Result<Self, ModelError> {
        let rows = |what, found, expected| ModelError::Rows {
            what,
            found,
            expected,
        };
        let expected = counts.iter().sum();
        if ids.len() != expected {
            return Err(rows("tokens of texts", ids.len(), expected));
        }
        if counts.contains(&0) {
            return Err(rows("tokens of a text", 0, 1));
        }
        Ok(Self { ids, counts })
    }

    /// Ids of all tokens, one text after the other.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// How many tokens every text has.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }
}

impl Source {
    /// Number of sources.
    pub fn count(&self) -> usize {
        match self {
            Self::Vectors(vectors) => vectors.sources(),
            Self::Tokens(tokens) => tokens.counts.len(),
        }
    }

    /// Some of the sources, by their places, each of which there is.
    #[must_use]
    pub fn select(&self, sources: &[usize]) -> Self {
        match self {
            Self::Vectors(vectors) => Self::Vectors(vectors.select(sources)),
            Self::Tokens(tokens) => {
                let own = blocks(&tokens.counts, sources).into_iter();
                Self::Tokens(SourceTokens {
                    ids: own.map(|k| tokens.ids[k]).collect(),
                    counts: sources.iter().map(|&k| tokens.counts[k]).collect(),
                })
            }
        }
    }
}

impl From<SourceVectors> for Source {
    fn from(vectors: SourceVectors) -> Self {
        Self::Vectors(vectors)
    }
}

impl From<SourceTokens> for Source {
    fn from(tokens: SourceTokens) -> Self {
        Self::Tokens(tokens)
    }
}
