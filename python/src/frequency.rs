//! Document frequencies: counted, loaded, saved.

#![expect(clippy::doc_link_with_quotes, reason = "examples are Python")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};
use scst_reward::{RewardError, python_words};

use crate::error::exception;
use crate::input::{Caption, OfKind, Place, items, references};
use crate::threads;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::{Numbering, Vocabulary};

/// In how many images' references every n-gram of one to four words occurs: what CIDEr and CIDEr-D weigh n-grams by.
///
/// >>> from scst import DocumentFrequency
/// >>> df = DocumentFrequency.from_references([["A dog runs.", "A dog."], ["A cat sleeps."]])
/// >>> df.images, df.frequency("a"), df.frequency("a dog"), df.frequency("the")
/// (2, 2, 1, 0)
#[pyclass(frozen, module = "scst")]
pub(crate) struct DocumentFrequency {
    table: Arc<scst_reward::DocumentFrequency>,
    vocabulary: OnceLock<Arc<Vocabulary>>,
}

impl DocumentFrequency {
    fn new(table: Result<scst_reward::DocumentFrequency, RewardError>) -> PyResult<Self> {
        let table = table.map_err(|error| exception(&error))?;
        Ok(Self {
            table: Arc::new(table),
            vocabulary: OnceLock::new(),
        })
    }

    /// The table for captions that are text, or that are token ids.
    ///
    /// # Errors
    /// `ValueError` when it is one for the other kind.
    pub(crate) fn table(&self, of_text: bool) -> PyResult<&Arc<scst_reward::DocumentFrequency>> {
        let (found, expected) = if of_text {
            (
                "a table over token ids",
                "one that holds its words, as captions are text",
            )
        } else {
            (
                "a table that holds its words",
                "one over token ids, as captions are",
            )
        };
        if self.is_of_text() == of_text {
            Ok(&self.table)
        } else {
            Err(Place::argument("df").wrong_value(found, expected))
        }
    }

    /// The words of its ids.
    pub(crate) fn vocabulary(&self) -> &Arc<Vocabulary> {
        let read = || Arc::new(Vocabulary::of_words(self.table.words()));
        self.vocabulary.get_or_init(read)
    }
}

/// What names an n-gram.
const NGRAM: &str = "a tuple of 1 to 4 words, or of token ids";

fn os_error(path: &Path, error: &std::io::Error) -> PyErr {
    // Python makes of these three the exception that its own open() would raise.
    match error.raw_os_error() {
        Some(code) => PyOSError::new_err((code, error.to_string(), path.display().to_string())),
        None => PyOSError::new_err(format!("{}: {error}", path.display())),
    }
}

#[pymethods]
impl DocumentFrequency {
    /// Counts references: a mapping or a list with the references of every image, text or lists of token ids.
    ///
    /// tokenizer is "ptb" for raw text, as rewards and evaluate() have it, or "none" for text whose words are final.
    #[staticmethod]
    #[pyo3(signature = (references, *, tokenizer = "ptb"))]
    fn from_references(
        python: Python<'_>,
        references: &Bound<'_, PyAny>,
        tokenizer: &str,
    ) -> PyResult<Self> {
        let tokenizer = Tokenizer::of_name(tokenizer)?;
        let references = self::references(references, "references")?;
        let count = || match references {
            OfKind::Text(texts) => {
                let words = tokenizer.words_of_groups(texts.references);
                scst_reward::DocumentFrequency::from_texts(&words)
            }
            OfKind::Ids(ids) => {
                let mut builder = scst_reward::DocumentFrequency::builder();
                for image in &ids.references {
                    builder.add_image(image);
                }
                builder.build()
            }
        };
        Self::new(threads::without_lock(python, count)?)
    }

    /// A table that another program has counted: the number of images, and a mapping from n-grams to the number of
    /// images that hold them. N-grams are tuples of 1 to 4 words, or of token ids.
    ///
    /// >>> DocumentFrequency.from_counts(10, {("a",): 9, ("a", "dog"): 2}).frequency("a dog")
    /// 2
    #[staticmethod]
    fn from_counts(images: &Bound<'_, PyAny>, counts: &Bound<'_, PyMapping>) -> PyResult<Self> {
        let images: u64 = images.extract().map_err(|_| {
            let place = Place::argument("images");
            place.wrong_value(&images.to_string(), "a whole number of 1 or more")
        })?;
        let place = Place::argument("counts");
        let mut words: Vec<Vec<String>> = Vec::new();
        let mut ngrams: Vec<(Vec<u32>, u32)> = Vec::new();
        for pair in counts.items()?.iter() {
            let (ngram, count): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
            let ngram = items(&ngram, &place, NGRAM)?;
            let found: f64 = count.extract().unwrap_or(f64::NAN);
            if !(found >= 1.0 && found <= f64::from(u32::MAX) && found.fract() == 0.0) {
                return Err(place.wrong_value(&count.to_string(), "whole numbers of 1 or more"));
            }
            let is_text = |token: &Bound<'_, PyAny>| token.is_instance_of::<PyString>();
            if ngram.iter().all(is_text) {
                let texts = ngram.iter().map(|word| String::read(word, &place));
                words.push(texts.collect::<PyResult<_>>()?);
                ngrams.push((Vec::new(), found as u32));
            } else {
                let ids = ngram.iter().map(|id| {
                    id.extract()
                        .map_err(|_| place.wrong_value(&id.to_string(), NGRAM))
                });
                ngrams.push((ids.collect::<PyResult<_>>()?, found as u32));
            }
        }
        if words.is_empty() {
            return Self::new(scst_reward::DocumentFrequency::from_counts(images, &ngrams));
        }
        if words.len() != ngrams.len() {
            return Err(place.wrong_value("words and token ids", "one of them"));
        }
        let empty = Vocabulary::default();
        let mut numbering = Numbering::new(&empty);
        for ((ngram, _), words) in ngrams.iter_mut().zip(&words) {
            ngram.extend(words.iter().map(|word| numbering.id(word)));
        }
        let mut words: Vec<(u32, &str)> = numbering
            .into_new()
            .into_iter()
            .map(|(word, id)| (id, word))
            .collect();
        words.sort_unstable();
        let words = words.into_iter().map(|(_, word)| word.to_owned()).collect();
        let table = scst_reward::DocumentFrequency::from_counts(images, &ngrams);
        Self::new(table.and_then(|table| table.with_words(words)))
    }

    /// Reads a file that save() or `scst document-frequency` wrote.
    #[staticmethod]
    fn load(python: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let bytes = python.detach(|| fs::read(&path));
        let bytes = bytes.map_err(|error| os_error(&path, &error))?;
        Self::from_bytes(python, &bytes)
    }

    /// Writes the file that load(), `scst score --document-frequency` and configurations of training read.
    fn save(&self, python: Python<'_>, path: PathBuf) -> PyResult<()> {
        let written = python.detach(|| fs::write(&path, self.table.to_bytes()));
        written.map_err(|error| os_error(&path, &error))
    }

    /// The table in the bytes of such a file.
    #[staticmethod]
    fn from_bytes(python: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        Self::new(python.detach(|| scst_reward::DocumentFrequency::from_bytes(bytes)))
    }

    /// The bytes that save() writes.
    fn to_bytes<'py>(&self, python: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(python, &python.detach(|| self.table.to_bytes()))
    }

    /// In how many images an n-gram occurs: words joined by spaces, or a list of token ids.
    fn frequency(&self, ngram: &Bound<'_, PyAny>) -> PyResult<u32> {
        let place = Place::argument("ngram");
        let ids = if self.is_of_text() {
            let text = String::read(ngram, &place)?;
            let ids = python_words(&text).map(|word| self.vocabulary().id(word));
            ids.collect::<Option<Vec<u32>>>()
        } else {
            Some(Vec::read(ngram, &place)?)
        };
        Ok(ids.map_or(0, |ids| self.table.frequency(&ids)))
    }

    /// How many images were counted.
    #[getter]
    fn images(&self) -> u64 {
        self.table.images()
    }

    /// Whether the table holds its words, so that text can be scored with it.
    #[getter]
    fn is_of_text(&self) -> bool {
        !self.table.words().is_empty()
    }

    /// The table as signatures of scores name it.
    #[getter]
    fn signature(&self) -> String {
        self.table.signature()
    }

    fn __repr__(&self) -> String {
        let ngrams: usize = (1..=4).map(|order| self.table.distinct(order)).sum();
        let of = if self.is_of_text() {
            "words"
        } else {
            "token ids"
        };
        format!(
            "<DocumentFrequency of {} images, {ngrams} n-grams of {of}>",
            self.images()
        )
    }

    fn __reduce__<'py>(
        &self,
        python: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let from_bytes = python.get_type::<Self>().getattr("from_bytes")?;
        Ok((from_bytes, (self.to_bytes(python),)))
    }
}
