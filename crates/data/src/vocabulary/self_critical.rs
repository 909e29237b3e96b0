//! Vocabularies of self-critical.pytorch: `ix_to_word` of its `cocotalk.json`, or `vocab` of its `infos_*.pkl`.
//!
//! Over there id 0 starts, ends and pads captions, words have the ids from 1 on, and `UNK`, commonly the last one,
//! stands for rare words.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{END, UNKNOWN, Vocabulary};
use crate::error::{Place, quoted};
use crate::pickle::{self, Pickle, View};
use crate::{DataError, json};

/// The word for rare words over there.
const RARE: &str = "UNK";

/// A vocabulary whose words had other ids before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenumberedVocabulary {
    /// The words as they are numbered here.
    pub vocabulary: Vocabulary,
    /// The id that every word had before; `None` for `<unk>` where nothing stood for rare words.
    pub ids_before: Vec<Option<u32>>,
}

/// Ids and words as a document has them.
pub(crate) type IdsToWords = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Document {
    ix_to_word: Option<IdsToWords>,
}

impl json::Object for Document {
    const SHAPE: &'static str = r#"{"ix_to_word": {...}} or {"1": "a", "2": "dog", ...}"#;
}

impl RenumberedVocabulary {
    /// Reads `infos_*.pkl`, `cocotalk.json`, or a JSON file with nothing but ids and words.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is neither, ids have gaps, or a word is empty, reserved, holds white space or stands
    /// twice.
    pub fn read_self_critical(path: &Path) -> Result<Self, DataError> {
        let ids_to_words = if is_pickled(path)? {
            pickled(path)?
        } else {
            let document: Document = json::read_object(path)?;
            match document.ix_to_word {
                Some(words) => words,
                None => json::read(path)?,
            }
        };
        let words = words_by_id(path, ids_to_words)?;
        let rare = words.iter().position(|word| word == UNKNOWN);
        let kept = (0..words.len()).filter(|&index| Some(index) != rare);
        let id_before = |index: usize| index as u32 + 1;
        let mut ids_before = vec![Some(0), rare.map(id_before)];
        ids_before.extend(kept.clone().map(id_before).map(Some));
        let reserved = [END, UNKNOWN].map(str::to_owned);
        let kept = kept.map(|index| words[index].clone());
        Ok(Self {
            vocabulary: Vocabulary::from_words(reserved.into_iter().chain(kept).collect()),
            ids_before,
        })
    }
}

/// Whether a file is to be read as a pickle: by how it begins, or else by its name.
fn is_pickled(path: &Path) -> Result<bool, DataError> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(32).read_to_end(&mut start))
        .map_err(DataError::read(path))?;
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let is_json = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
    let endings = ["pkl", "pickle", "p"];
    let has_ending = path
        .extension()
        .is_some_and(|found| endings.iter().any(|ending| found == *ending));
    Ok(pickle::is_pickle(&start) || has_ending && !is_json)
}

/// The words in the order of their ids, which begin at 1; `UNK` reads as `<unk>`.
///
/// # Errors
///
/// Ids have gaps, or a word is empty, reserved, holds white space or stands twice.
pub(crate) fn words_by_id(path: &Path, words: IdsToWords) -> Result<Vec<String>, DataError> {
    let wrong = |id: &str, found: String, expected: String| DataError::Value {
        path: path.to_owned(),
        at: Place::Key(format!("word {}", quoted(id))),
        found,
        expected,
    };
    let count = words.len();
    let mut ordered = vec![None; count];
    let mut seen = BTreeMap::new();
    for (id, word) in words {
        let index = id
            .parse::<usize>()
            .ok()
            .filter(|id| (1..=count).contains(id));
        let slot = index.and_then(|index| ordered.get_mut(index - 1));
        let Some(slot) = slot.filter(|slot| slot.is_none()) else {
            let expected = format!("the ids 1 to {count} of {count} words");
            return Err(wrong(&id, format!("id {}", quoted(&id)), expected));
        };
        let plain = !word.is_empty() && !word.contains(char::is_whitespace);
        if !plain || word == END || word == UNKNOWN {
            let expected = "a word without white space that is not reserved".to_owned();
            return Err(wrong(&id, quoted(&word), expected));
        }
        if let Some(first) = seen.insert(word.clone(), id.clone()) {
            let expected = format!("another word than that of id {first}");
            return Err(wrong(&id, quoted(&word), expected));
        }
        *slot = Some(if word == RARE {
            UNKNOWN.to_owned()
        } else {
            word
        });
    }
    if count == 0 {
        let expected = "ids from 1 on".to_owned();
        return Err(wrong("1", "nothing".to_owned(), expected));
    }
    Ok(ordered.into_iter().flatten().collect())
}

/// `vocab` of a pickled dictionary, or of the options in it; nothing in the file is executed.
fn pickled(path: &Path) -> Result<IdsToWords, DataError> {
    let wrong = |found: String| DataError::Value {
        path: path.to_owned(),
        at: Place::Key("vocab".to_owned()),
        found,
        expected: "a dictionary of ids and words".to_owned(),
    };
    let bytes = pickle::bytes(path)?;
    let pickle = Pickle::read(&bytes).map_err(|broken| broken.of(path, &bytes))?;
    let root = pickle.root();
    let vocab = root.get("vocab").or_else(|| root.get("ix_to_word"));
    let vocab = vocab.or_else(|| root.get("opt")?.get("vocab"));
    let vocab = vocab.ok_or_else(|| wrong(without_words(root)))?;
    let entries = vocab.entries().ok_or_else(|| wrong(vocab.kind()))?;
    let mut words = IdsToWords::new();
    let mut length = 0;
    for (id, word) in entries {
        let key = id.text().map(Cow::into_owned);
        let key = key.or_else(|| id.integer().map(|id| id.to_string()));
        let key = key.ok_or_else(|| wrong(format!("{} as an id", id.kind())))?;
        let text = word.text();
        let text = text.ok_or_else(|| wrong(format!("{} as word {key}", word.kind())))?;
        length += text.len();
        // Words that are not equal take their room in the file.
        if length > bytes.len() {
            return Err(wrong(format!("{} several times", quoted(&text))));
        }
        words.insert(key, text.into_owned());
    }
    Ok(words)
}

/// What is there instead of words.
fn without_words(root: View<'_>) -> String {
    let Some(entries) = root.entries() else {
        return root.kind();
    };
    let keys = entries.iter().filter_map(|(key, _)| key.text());
    let keys: Vec<String> = keys.take(5).map(|key| quoted(&key)).collect();
    if keys.is_empty() {
        "nothing in a dictionary without names".to_owned()
    } else {
        format!("nothing beside {}", keys.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Folder;

    fn read(name: &str, contents: &[u8]) -> Result<RenumberedVocabulary, String> {
        let folder = Folder::new();
        let path = folder.file(name, contents);
        RenumberedVocabulary::read_self_critical(&path).map_err(|error| {
            assert!(error.is_mistake());
            folder.shorten(error)
        })
    }

    /// `pickle.dumps({"opt": argparse.Namespace(rnn_size=8), "iter": 3, "vocab": {"1": "a", "2": "dog", "3": "UNK"}}, 2)`
    const INFOS: &[u8] = b"\x80\x02}q\x00(X\x03\x00\x00\x00optq\x01cargparse\nNamespace\nq\x02)\x81q\x03}q\x04X\x08\
        \x00\x00\x00rnn_sizeq\x05K\x08sbX\x04\x00\x00\x00iterq\x06K\x03X\x05\x00\x00\x00vocabq\x07}q\x08(X\x01\x00\
        \x00\x001q\x09X\x01\x00\x00\x00aq\x0aX\x01\x00\x00\x002q\x0bX\x03\x00\x00\x00dogq\x0cX\x01\x00\x00\x003q\x0d\
        X\x03\x00\x00\x00UNKq\x0euu.";

    #[test]
    fn rare_word_moves_to_the_front_in_every_layout() {
        let words = br#"{"1": "a", "2": "dog", "3": "UNK"}"#;
        let document = br#"{"images": [], "ix_to_word": {"3": "UNK", "2": "dog", "1": "a"}}"#;
        let files: [(&str, &[u8]); 3] = [
            ("vocab.json", words),
            ("cocotalk.json", document),
            ("infos_a.pkl", INFOS),
        ];
        for (name, contents) in files {
            let found = read(name, contents).unwrap();
            assert_eq!(found.vocabulary.words(), ["<end>", "<unk>", "a", "dog"]);
            assert_eq!(found.ids_before, [Some(0), Some(3), Some(1), Some(2)]);
        }
        let without = read("vocab.json", br#"{"1": "a", "2": "dog"}"#).unwrap();
        assert_eq!(without.ids_before, [Some(0), None, Some(1), Some(2)]);
    }

    #[test]
    fn error_names_the_word_when_ids_or_words_are_wrong() {
        let cases = [
            (
                r#"{"1": "a", "3": "b"}"#,
                "word \"3\": found id \"3\", expected the ids 1 to 2 of 2 words",
            ),
            (
                r#"{"0": "a", "1": "b"}"#,
                "word \"0\": found id \"0\", expected the ids 1 to 2 of 2 words",
            ),
            (
                r#"{"1": "a", "01": "b"}"#,
                "word \"1\": found id \"1\", expected the ids 1 to 2 of 2 words",
            ),
            (
                r#"{"1": "a", "2": "a"}"#,
                "word \"2\": found \"a\", expected another word than that of id 1",
            ),
            (
                r#"{"1": "a b"}"#,
                "word \"1\": found \"a b\", expected a word without white space that is not reserved",
            ),
            (
                r#"{"1": "<unk>"}"#,
                "word \"1\": found \"<unk>\", expected a word without white space that is not reserved",
            ),
            ("{}", "word \"1\": found nothing, expected ids from 1 on"),
        ];
        for (json, expected) in cases {
            let message = read("vocab.json", json.as_bytes()).unwrap_err();
            assert_eq!(message, format!("`vocab.json`: {expected}"));
        }
        let message = read("vocab.json", b"[1]").unwrap_err();
        assert!(message.starts_with("`vocab.json`: "), "{message}");
        let message = read("infos.pkl", b"\x80\x02}q\x00.").unwrap_err();
        assert!(
            message.contains("`infos.pkl`: vocab: found nothing in a dictionary without names"),
            "{message}"
        );
        let message = read(
            "infos.pkl",
            b"\x80\x02}q\x00X\x05\x00\x00\x00vocabq\x01K\x03s.",
        )
        .unwrap_err();
        assert!(
            message.contains("vocab: found 3, expected a dictionary of ids and words"),
            "{message}"
        );
    }

    #[test]
    fn pickle_is_refused_wherever_it_is_cut() {
        for length in 0..INFOS.len() {
            assert!(read("infos.pkl", &INFOS[..length]).is_err());
        }
    }
}
