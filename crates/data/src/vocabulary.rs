//! Words, characters or pieces of words, and their ids.
//!
//! Id 0 is `<end>`, which both starts and ends a caption; id 1 is `<unk>`, which stands for every
//! word that is not in the vocabulary; then come the words, the most frequent first.

mod reserved;
pub(crate) mod self_critical;
mod subword_json;
mod subwords;
mod tokenizer_json;
mod tokens;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;

use scst_files::{FileError, write_bytes_atomically};
use sha2::{Digest, Sha256};

pub use reserved::{END, END_ID, UNKNOWN, UNKNOWN_ID};
pub use self_critical::RenumberedVocabulary;
pub use tokens::Tokens;

use reserved::RESERVED;
use subwords::Subwords;
use tokenizer_json::Parsed;

use crate::captions::WordSplit;
use crate::{DataError, VocabularyProblem};

/// The words that a captioner knows, or the tokens of texts, and how text and tokens belong together.
///
/// Two are equal if they have the same tokens with the same ids.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    words: Vec<String>,
    /// The ids of all words but the reserved ones, which text must not produce.
    ids: HashMap<String, u32>,
    form: Form,
}

/// How text becomes tokens, and tokens become text.
#[derive(Debug, Clone)]
enum Form {
    /// Words, joined by single spaces.
    Words(WordSplit),
    /// Characters, spaces too.
    Characters,
    /// As a tokenizer of the tokenizers library says.
    Subwords(Arc<Subwords>),
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        let document = |vocabulary: &Self| match &vocabulary.form {
            Form::Words(_) => None,
            Form::Characters => Some(String::new()),
            Form::Subwords(subwords) => Some(subwords.json.clone()),
        };
        self.words == other.words && document(self) == document(other)
    }
}

impl Eq for Vocabulary {}

impl Vocabulary {
    /// Takes all words that stand at least `minimum_count` times in the captions, by descending
    /// count, then alphabetically.
    pub fn build<'a>(captions: impl Iterator<Item = &'a [String]>, minimum_count: u64) -> Self {
        let words = captions.flatten().map(String::as_str);
        Self::from_words(frequent(words, minimum_count))
    }

    /// Takes the tokens of texts: words and characters that stand there at least `minimum_count` times, or pieces that
    /// are learnt from them. The same texts give the same tokens, in whatever order they stand.
    ///
    /// # Errors
    ///
    /// A file of tokens cannot be used, or the texts have more characters than pieces are asked for.
    pub fn of_texts<'a>(
        tokens: &Tokens,
        texts: impl Iterator<Item = &'a str> + Send,
        minimum_count: u64,
    ) -> Result<Self, VocabularyError> {
        let subwords = match tokens {
            Tokens::Words => return Ok(Self::of_words(WordSplit::Words, texts, minimum_count)),
            Tokens::Given => return Ok(Self::of_words(WordSplit::Given, texts, minimum_count)),
            Tokens::Characters => return Ok(Self::of_characters(texts, minimum_count)),
            Tokens::File(path) => return Self::load(path).map_err(VocabularyError::File),
            Tokens::Bpe(size) => Subwords::train_bpe(texts, *size),
            Tokens::Unigram(size) => Subwords::train_unigram(texts, *size),
        };
        let subwords = subwords.map_err(VocabularyError::Training)?;
        Ok(Self::from_tokens(
            subwords.tokens(),
            Form::Subwords(Arc::new(subwords)),
        ))
    }

    fn of_words<'a>(
        split: WordSplit,
        texts: impl Iterator<Item = &'a str>,
        minimum_count: u64,
    ) -> Self {
        // A text at a time: all words of all texts take ten times the memory of the texts.
        let words = texts.flat_map(|text| split.split(text));
        Self::from_tokens(frequent(words, minimum_count), Form::Words(split))
    }

    fn of_characters<'a>(texts: impl Iterator<Item = &'a str>, minimum_count: u64) -> Self {
        let mut counts: HashMap<char, u64> = HashMap::new();
        for character in texts.flat_map(str::chars) {
            *counts.entry(character).or_default() += 1;
        }
        let mut counts: Vec<(char, u64)> = counts
            .into_iter()
            .filter(|&(_, count)| count >= minimum_count)
            .collect();
        counts.sort_unstable_by_key(|&(character, count)| (std::cmp::Reverse(count), character));
        let reserved = RESERVED.iter().map(|&(_, word)| word.to_owned());
        let characters = counts
            .into_iter()
            .map(|(character, _)| character.to_string());
        Self::from_tokens(reserved.chain(characters).collect(), Form::Characters)
    }

    /// The word that stands most often in the captions, and how often.
    pub(crate) fn most_frequent<'a>(
        captions: impl Iterator<Item = &'a [String]>,
    ) -> Option<(&'a str, u64)> {
        let words = captions.flatten().map(String::as_str);
        by_count(words, 1).into_iter().next()
    }

    /// Reads a `tokenizer.json` that [`Vocabulary::save`] wrote, or one of another program with pieces of words.
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
    /// Of words, only these and the division at white space count: they are made by [`tokenise`](crate::tokenise). Pieces
    /// of words (BPE, Unigram) are made as the document says; where it lacks `<end>` at id 0 and `<unk>` at id 1, ids here
    /// are its own and 2.
    ///
    /// # Errors
    ///
    /// It does not parse, is neither a word-level model nor BPE or Unigram, a word-level model lacks `<end>` at id 0 or
    /// `<unk>` at id 1, its ids have gaps, or a word holds white space.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self, DataError> {
        Self::parse(json).map_err(|problem| DataError::Vocabulary {
            path: path.to_owned(),
            problem,
        })
    }

    fn parse(json: &[u8]) -> Result<Self, VocabularyProblem> {
        match tokenizer_json::parse(json)? {
            Parsed::Words { words, split } => {
                Ok(Self::from_tokens(check_words(words)?, Form::Words(split)))
            }
            Parsed::Characters(words) => {
                let words = check_characters(words)?;
                Ok(Self::from_tokens(words, Form::Characters))
            }
            Parsed::Subwords => {
                let subwords = Subwords::parse(json)?;
                Ok(Self::from_tokens(
                    subwords.tokens(),
                    Form::Subwords(Arc::new(subwords)),
                ))
            }
        }
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
    /// [`Vocabulary::encode_text`] does; where captions' words are characters or given, as `words` says, it divides text at
    /// white space.
    ///
    /// # Errors
    ///
    /// The tokenizers library refuses the vocabulary.
    pub fn to_json(&self, words: Option<WordSplit>) -> Result<String, VocabularyProblem> {
        match &self.form {
            Form::Words(split) => tokenizer_json::render(&self.words, words.unwrap_or(*split)),
            Form::Characters => tokenizer_json::render_characters(&self.words),
            Form::Subwords(subwords) => Ok(subwords.json.clone()),
        }
    }

    /// Whether tokens are words, joined by spaces; else characters or pieces of words.
    pub fn is_of_words(&self) -> bool {
        matches!(self.form, Form::Words(_))
    }

    /// The ids of words, without an end token; unknown words and reserved tokens are `<unk>`.
    pub fn encode(&self, tokens: &[String]) -> Vec<u32> {
        tokens.iter().map(|token| self.id(token)).collect()
    }

    /// The ids of a text, without an end token.
    pub fn encode_text(&self, text: &str) -> Vec<u32> {
        match &self.form {
            Form::Words(split) => self.encode(&split.split(text)),
            Form::Characters => {
                let mut buffer = [0; 4];
                let characters = text.chars();
                characters
                    .map(|character| self.id(character.encode_utf8(&mut buffer)))
                    .collect()
            }
            Form::Subwords(subwords) => subwords.encode(text),
        }
    }

    /// The ids of a text, without an end token, and the text as references have it: words joined by single spaces, with
    /// those that the vocabulary lacks; else as written.
    pub fn encode_reference(&self, text: &str) -> (Vec<u32>, String) {
        match &self.form {
            Form::Words(split) => {
                let words = split.split(text);
                (self.encode(&words), words.join(" "))
            }
            Form::Characters | Form::Subwords(_) => (self.encode_text(text), text.to_owned()),
        }
    }

    /// The text of ids up to the first end token: words are joined by single spaces, characters and pieces of words as a
    /// person writes them.
    ///
    /// Ids beyond the vocabulary read as `<unk>`.
    pub fn decode(&self, ids: &[u32]) -> String {
        let end = ids.iter().position(|&id| id == END_ID);
        let ids = &ids[..end.unwrap_or(ids.len())];
        let words = ids.iter().map(|&id| self.word(id).unwrap_or(UNKNOWN));
        match &self.form {
            Form::Words(_) => {
                let mut text = String::new();
                for word in words {
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    text.push_str(word);
                }
                text
            }
            Form::Characters => words.collect(),
            Form::Subwords(subwords) => subwords.decode(ids),
        }
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
        match &self.form {
            Form::Words(_) => {}
            Form::Characters => hash.update(b"characters\n"),
            Form::Subwords(subwords) => hash.update(subwords.json.as_bytes()),
        }
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
        Self::from_tokens(words, Form::Words(WordSplit::Words))
    }

    fn from_tokens(words: Vec<String>, form: Form) -> Self {
        let ids = words.iter().zip(0..).skip(RESERVED.len());
        let ids = ids.map(|(word, id)| (word.clone(), id)).collect();
        Self { words, ids, form }
    }
}

/// Why texts have no vocabulary.
#[derive(Debug)]
pub enum VocabularyError {
    /// A file of tokens cannot be used.
    File(DataError),
    /// No tokens can be learnt.
    Training(VocabularyProblem),
}

/// The reserved tokens, then all words that occur at least so often, the most frequent first.
fn frequent<W: Hash + Ord + Into<String> + AsRef<str>>(
    words: impl Iterator<Item = W>,
    minimum_count: u64,
) -> Vec<String> {
    let reserved = RESERVED.iter().map(|&(_, word)| word.to_owned());
    let kept = by_count(words, minimum_count).into_iter();
    reserved.chain(kept.map(|(word, _)| word.into())).collect()
}

/// All words that occur at least so often, but the reserved ones, with their counts, by descending count, then
/// alphabetically.
fn by_count<W: Hash + Ord + AsRef<str>>(
    words: impl Iterator<Item = W>,
    minimum_count: u64,
) -> Vec<(W, u64)> {
    let mut counts: HashMap<W, u64> = HashMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<(W, u64)> = counts
        .into_iter()
        .filter(|(word, count)| *count >= minimum_count && is_free(word.as_ref()))
        .collect();
    counts.sort_unstable_by(|(word, count), (other, others)| {
        others.cmp(count).then_with(|| word.cmp(other))
    });
    counts
}

fn is_free(word: &str) -> bool {
    RESERVED.iter().all(|&(_, reserved)| word != reserved)
}

fn check_reserved(words: &[String]) -> Result<(), VocabularyProblem> {
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
    Ok(())
}

fn check_characters(words: Vec<String>) -> Result<Vec<String>, VocabularyProblem> {
    check_reserved(&words)?;
    let characters = words.iter().skip(RESERVED.len());
    let mut characters = characters.map(|word| word.chars().count());
    match characters.position(|count| count != 1) {
        Some(at) => {
            let id = at + RESERVED.len();
            let word = words[id].clone();
            let id = id as u32;
            Err(VocabularyProblem::Character { id, word })
        }
        None => Ok(words),
    }
}

fn check_words(words: Vec<String>) -> Result<Vec<String>, VocabularyProblem> {
    check_reserved(&words)?;
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
#[cfg(test)]
mod texts_tests;
