//! Words and their ids.
//!
//! Id 0 is `<end>`, which both starts and ends a caption; id 1 is `<unk>`, which stands for every
//! word that is not in the vocabulary; then come the words, the most frequent first.

mod reserved;
pub(crate) mod self_critical;
mod tokenizer_json;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use scst_files::{FileError, write_bytes_atomically};
use sha2::{Digest, Sha256};

pub use reserved::{END, END_ID, UNKNOWN, UNKNOWN_ID};
pub use self_critical::RenumberedVocabulary;

use reserved::RESERVED;

use crate::captions::{WordSplit, tokenise};
use crate::{DataError, VocabularyProblem};

/// The words that a captioner knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<String>,
    /// The ids of all words but the reserved ones, which text must not produce.
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// Takes all words that stand at least `minimum_count` times in the captions, by descending
    /// count, then alphabetically.
    pub fn build<'a>(captions: impl Iterator<Item = &'a [String]>, minimum_count: u64) -> Self {
        let counts = by_count(captions).into_iter();
        let kept = counts.take_while(|&(_, count)| count >= minimum_count);
        let words = RESERVED.iter().map(|&(_, word)| word);
        let words = words.chain(kept.map(|(word, _)| word));
        Self::from_words(words.map(str::to_owned).collect())
    }

    /// The word that stands most often in the captions, and how often.
    pub(crate) fn most_frequent<'a>(
        captions: impl Iterator<Item = &'a [String]>,
    ) -> Option<(&'a str, u64)> {
        by_count(captions).into_iter().next()
    }

    /// Reads a `tokenizer.json` that [`Vocabulary::save`] wrote.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is as in [`Vocabulary::from_json`].
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let json = fs::read(path).map_err(DataError::read(path))?;
        Self::from_json(&json, path)
    }

    /// Takes a vocabulary from the contents of a `tokenizer.json`; `path` is its name for errors.
    ///
    /// Only the words count: text is always split by [`tokenise`].
    ///
    /// # Errors
    ///
    /// It does not parse, is not a word-level model, lacks `<end>` at id 0 or `<unk>` at id 1, its
    /// ids have gaps, or a word holds white space.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self, DataError> {
        let words = tokenizer_json::parse(json).and_then(check_words);
        words
            .map(Self::from_words)
            .map_err(|problem| DataError::Vocabulary {
                path: path.to_owned(),
                problem,
            })
    }

    /// Writes a `tokenizer.json` for the Hugging Face tokenizers library; it appears complete or not at all.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), DataError> {
        let write = |error: FileError| DataError::Write {
            path: path.to_owned(),
            source: error.error,
        };
        let json = self
            .to_json(None)
            .map_err(|problem| DataError::Vocabulary {
                path: path.to_owned(),
                problem,
            })?;
        write_bytes_atomically(path, json.as_bytes()).map_err(write)
    }

    /// The contents of a `tokenizer.json`, which splits and encodes text as
    /// [`Vocabulary::encode_text`] does; where words are characters or given, it divides text at white space.
    ///
    /// # Errors
    ///
    /// The tokenizers library refuses the vocabulary.
    pub fn to_json(&self, words: Option<WordSplit>) -> Result<String, VocabularyProblem> {
        tokenizer_json::render(&self.words, words.unwrap_or(WordSplit::Words))
    }

    /// The ids of words, without an end token; unknown words and reserved tokens are `<unk>`.
    pub fn encode(&self, tokens: &[String]) -> Vec<u32> {
        tokens.iter().map(|token| self.id(token)).collect()
    }

    /// The ids of the words of raw text, split by [`tokenise`].
    pub fn encode_text(&self, text: &str) -> Vec<u32> {
        self.encode(&tokenise(text))
    }

    /// The words of a caption, joined by single spaces, up to the first end token.
    ///
    /// Ids beyond the vocabulary read as `<unk>`.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut text = String::new();
        for &id in ids.iter().take_while(|&&id| id != END_ID) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(self.word(id).unwrap_or(UNKNOWN));
        }
        text
    }

    /// The id of a word; `<unk>` for unknown words and reserved tokens.
    pub fn id(&self, word: &str) -> u32 {
        self.ids.get(word).copied().unwrap_or(UNKNOWN_ID)
    }

    /// The word of an id.
    pub fn word(&self, id: u32) -> Option<&str> {
        self.words.get(id as usize).map(String::as_str)
    }

    /// All words in the order of their ids, the reserved tokens first.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The number of words, the reserved tokens among them.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// `false`: the reserved tokens are always there.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether there are words beside the reserved tokens.
    pub fn has_words(&self) -> bool {
        self.words.len() > RESERVED.len()
    }

    /// 16 hexadecimal digits (of SHA-256) that change when a word or its id does.
    ///
    /// Weights, vocabulary and document frequencies belong together only if these agree.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for word in &self.words {
            hash.update(word.as_bytes());
            // No word holds white space.
            hash.update(b"\n");
        }
        let mut digits = String::with_capacity(16);
        for byte in hash.finalize().iter().take(8) {
            // Writing into a string does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }

    fn from_words(words: Vec<String>) -> Self {
        let ids = words.iter().zip(0..).skip(RESERVED.len());
        let ids = ids.map(|(word, id)| (word.clone(), id)).collect();
        Self { words, ids }
    }
}

/// All words but the reserved ones with their counts, by descending count, then alphabetically.
fn by_count<'a>(captions: impl Iterator<Item = &'a [String]>) -> Vec<(&'a str, u64)> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for token in captions.flatten() {
        *counts.entry(token).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts
        .into_iter()
        .filter(|&(word, _)| is_free(word))
        .collect();
    counts.sort_unstable_by(|(word, count), (other, others)| {
        others.cmp(count).then_with(|| word.cmp(other))
    });
    counts
}

fn is_free(word: &str) -> bool {
    RESERVED.iter().all(|&(_, reserved)| word != reserved)
}

fn check_words(words: Vec<String>) -> Result<Vec<String>, VocabularyProblem> {
    for (id, expected) in RESERVED {
        let found = words.get(id as usize);
        if found.is_none_or(|word| word != expected) {
            return Err(VocabularyProblem::Reserved {
                id,
                found: found.cloned(),
                expected,
            });
        }
    }
    let bad = |word: &String| word.is_empty() || word.contains(char::is_whitespace);
    match words.iter().position(bad) {
        Some(id) => Err(VocabularyProblem::Word {
            id: id as u32,
            word: words[id].clone(),
        }),
        None => Ok(words),
    }
}

#[cfg(test)]
mod tests;
