//! Raw captions to words.

#![expect(clippy::doc_link_with_quotes, reason = "examples are Python")]

use pyo3::prelude::*;
use rayon::prelude::*;
use scst_reward::ptb;

use crate::input::{Place, captions};
use crate::threads;

/// How raw text becomes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokenizer {
    /// As coco-caption makes them.
    Ptb,
    /// Words are what stands between white space.
    None,
}

impl Tokenizer {
    /// # Errors
    /// `ValueError` when there is no tokenizer of this name.
    pub(crate) fn of_name(name: &str) -> PyResult<Self> {
        match name {
            "ptb" => Ok(Self::Ptb),
            "none" => Ok(Self::None),
            _ => Err(Place::argument("tokenizer")
                .wrong_value(&format!("{name:?}"), "\"ptb\" or \"none\"")),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ptb => "ptb",
            Self::None => "none",
        }
    }

    /// The words of each text, joined by single spaces; as it stands, without a tokenizer.
    pub(crate) fn words(self, texts: Vec<String>) -> Vec<String> {
        match self {
            Self::None => texts,
            Self::Ptb => {
                let texts = texts.into_par_iter().with_min_len(64);
                texts.map(|text| ptb::tokenize(&text)).collect()
            }
        }
    }

    /// The same for texts in groups.
    pub(crate) fn words_of_groups(self, groups: Vec<Vec<String>>) -> Vec<Vec<String>> {
        match self {
            Self::None => groups,
            Self::Ptb => {
                let groups = groups.into_par_iter().with_min_len(16);
                let words =
                    |texts: Vec<String>| texts.iter().map(|text| ptb::tokenize(text)).collect();
                groups.map(words).collect()
            }
        }
    }
}

/// The words of each caption, joined by single spaces, as coco-caption's tokenizer makes them: Penn Treebank rules,
/// lower case, no punctuation.
///
/// >>> from scst import tokenize
/// >>> tokenize(["A man's dog, running.", "Two cats!"])
/// ["a man 's dog running", 'two cats']
#[pyfunction]
pub(crate) fn tokenize(python: Python<'_>, texts: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let texts = captions(texts, "texts")?;
    threads::without_lock(python, || Tokenizer::Ptb.words(texts))
}
