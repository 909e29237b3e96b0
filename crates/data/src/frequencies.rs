//! Pickled document frequencies, as `prepro_ngrams.py` of self-critical.pytorch writes them (`coco-train-words.p`) and
//! the CIDEr of coco-caption's authors reads them.
//!
//! Such a file is a dictionary: `document_frequency` says of every n-gram, a tuple of words, in how many images it
//! occurs, and `ref_len` how many images there are.

use std::collections::HashMap;
use std::path::Path;

use crate::DataError;
use crate::error::Place;
use crate::pickle::{self, Pickle, View};

/// N-grams of more words are not of CIDEr.
const LONGEST: usize = 4;
const TABLE: &str = "document_frequency";
const IMAGES: &str = "ref_len";

/// A table of document frequencies.
#[derive(Debug, Clone, PartialEq)]
pub struct PickledFrequencies {
    /// How many images there are.
    pub images: u64,
    /// The logarithm that stood for [`images`](Self::images), if that is what stood there.
    pub logarithm: Option<f64>,
    /// The words that n-grams refer to.
    pub words: Vec<String>,
    /// N-grams of 1 to 4 words, each once, by the positions of their words, and in how many images they occur (at least
    /// one).
    pub ngrams: Vec<(Vec<u32>, u32)>,
}

impl PickledFrequencies {
    /// Whether the bytes of a file seem to be a pickle.
    pub fn is_pickle(bytes: &[u8]) -> bool {
        pickle::is_pickle(bytes)
    }

    /// Reads a table; nothing in the file is executed.
    ///
    /// # Errors
    /// The file cannot be read, is no pickle or cut short, or does not hold such a table of words.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = pickle::bytes(path)?;
        let pickle = Pickle::read(&bytes).map_err(|broken| broken.of(path, &bytes))?;
        table(pickle.root()).map_err(|wrong| DataError::Value {
            path: path.to_owned(),
            at: Place::Key(wrong.key),
            found: wrong.found,
            expected: wrong.expected.to_owned(),
        })
    }
}

/// What is wrong with a table.
struct Wrong {
    key: String,
    found: String,
    expected: &'static str,
}

fn wrong(key: &str, found: impl Into<String>, expected: &'static str) -> Wrong {
    Wrong {
        key: key.to_owned(),
        found: found.into(),
        expected,
    }
}

fn table(root: View<'_>) -> Result<PickledFrequencies, Wrong> {
    let Some(frequencies) = root.get(TABLE) else {
        return Err(without_table(root));
    };
    let expected = "a dictionary of n-grams, tuples of words, and their frequencies";
    let entries = frequencies.entries();
    let entries = entries.ok_or_else(|| wrong(TABLE, frequencies.kind(), expected))?;
    let mut words = Words::default();
    let mut ngrams = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let ngram = words.ngram(key)?;
        // A look-up of an n-gram that is not there leaves a zero behind.
        let frequency = frequency(value)?;
        if frequency > 0 {
            ngrams.push((ngram, frequency));
        }
    }
    if ngrams.is_empty() {
        return Err(wrong(TABLE, "no n-gram", expected));
    }
    words.check()?;
    ngrams.sort_unstable();
    if let Some(pair) = ngrams.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let found = format!("the n-gram {} twice", words.shown(&pair[0].0));
        return Err(wrong(TABLE, found, "each n-gram once"));
    }
    let largest = ngrams.iter().map(|(_, frequency)| *frequency).max();
    let (images, logarithm) = images(root, largest.unwrap_or(0).into())?;
    Ok(PickledFrequencies {
        images,
        logarithm,
        words: words.list,
        ngrams,
    })
}

/// What stands where no table is.
fn without_table(root: View<'_>) -> Wrong {
    let expected =
        "a table of document frequencies: a dictionary of `document_frequency` and `ref_len`";
    let Some(entries) = root.entries() else {
        return wrong("pickle", root.kind(), expected);
    };
    let mut keys = entries.iter().filter_map(|(key, _)| key.text());
    let found = if entries.iter().any(|(key, _)| key.tuple().is_some()) {
        "a dictionary of n-grams without the number of images".to_owned()
    } else if let Some(first) = keys.next() {
        format!(
            "a dictionary that begins with {}",
            crate::error::quoted(&first)
        )
    } else {
        "an empty dictionary".to_owned()
    };
    wrong("pickle", found, expected)
}

fn frequency(value: View<'_>) -> Result<u32, Wrong> {
    let number = value.number().filter(|number| number.fract() == 0.0);
    let number = number.filter(|number| (0.0..=f64::from(u32::MAX)).contains(number));
    let expected = "frequencies that are whole numbers";
    let number = number.ok_or_else(|| wrong(TABLE, value.kind(), expected))?;
    Ok(number as u32)
}

/// The number of images, which is no smaller than a frequency, and the logarithm that stood for it.
fn images(root: View<'_>, largest: f64) -> Result<(u64, Option<f64>), Wrong> {
    let expected = "the number of images, which is no smaller than any frequency";
    let Some(value) = root.get(IMAGES) else {
        return Err(wrong(IMAGES, "nothing", expected));
    };
    let refused = || wrong(IMAGES, value.kind(), expected);
    let number = value.number().ok_or_else(refused)?;
    let is_count = |number: f64| number >= largest.max(1.0) && number <= 1e15;
    if is_count(number) && number.fract() == 0.0 {
        return Ok((number as u64, None));
    }
    // Some programs keep the logarithm, which is what they need.
    let images = number.exp();
    if number.fract() == 0.0 || !is_count(images) {
        return Err(refused());
    }
    Ok((images.round() as u64, Some(number)))
}

/// Words and where they stand in a list of all.
#[derive(Default)]
struct Words {
    list: Vec<String>,
    positions: HashMap<String, u32>,
    /// The same by the numbers of values, most of which are used many times.
    of_values: HashMap<u32, u32>,
}

impl Words {
    fn ngram(&mut self, key: View<'_>) -> Result<Vec<u32>, Wrong> {
        let expected = "n-grams that are tuples of 1 to 4 words";
        let words = key
            .tuple()
            .filter(|words| (1..=LONGEST).contains(&words.len()));
        let words = words.ok_or_else(|| wrong(TABLE, key.kind(), expected))?;
        words.map(|word| self.position(word)).collect()
    }

    fn position(&mut self, word: View<'_>) -> Result<u32, Wrong> {
        if let Some(&position) = self.of_values.get(&word.number_of_value()) {
            return Ok(position);
        }
        let text = match (word.text(), word.integer()) {
            (Some(text), _) => text.into_owned(),
            (None, Some(id)) => id.to_string(),
            _ => {
                let found = format!("{} in an n-gram", word.kind());
                return Err(wrong(TABLE, found, "words"));
            }
        };
        let next = self.list.len() as u32;
        let position = *self.positions.entry(text).or_insert_with_key(|text| {
            self.list.push(text.clone());
            next
        });
        self.of_values.insert(word.number_of_value(), position);
        Ok(position)
    }

    /// That these are words, not the ids of words.
    fn check(&self) -> Result<(), Wrong> {
        let is_id = |word: &String| word.parse::<u32>().is_ok();
        if !self.list.iter().all(is_id) {
            return Ok(());
        }
        let some: Vec<_> = self.list.iter().take(3).map(String::as_str).collect();
        let found = format!("ids of words, such as {}", some.join(", "));
        Err(wrong(
            TABLE,
            found,
            "words, as in the table whose name ends in -words.p",
        ))
    }

    fn shown(&self, ngram: &[u32]) -> String {
        let words: Vec<_> = ngram
            .iter()
            .map(|&word| &*self.list[word as usize])
            .collect();
        crate::error::quoted(&words.join(" "))
    }
}
