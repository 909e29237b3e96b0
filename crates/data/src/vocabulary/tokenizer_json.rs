//! Vocabularies as `tokenizer.json` of the Hugging Face tokenizers library.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use tokenizers::decoders::fuse::Fuse;
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::normalizers::replace::{Replace, ReplacePattern};
use tokenizers::normalizers::{Lowercase, NFC, Sequence};
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use super::reserved::{RESERVED, UNKNOWN};
use crate::VocabularyProblem;
use crate::captions::{LATIN, UNSEEN, WordSplit};
use crate::error::Place;
use crate::json::{self, Object, Problem, Whole};

/// What a word is, as in `tokenise`: a letter or digit, then letters, digits, marks, and what connects them.
fn word_pattern() -> String {
    let continues = r"\p{Alphabetic}\p{N}\p{M}\x{55A}-\x{55C}\x{55E}\x{5F3}";
    let other_letter = format!(r"[[\p{{Alphabetic}}\p{{M}}]--[{LATIN}]]");
    let hebrew = format!(r"[[{continues}]&&[\x{{590}}-\x{{5F2}}]]");
    let connects = [
        r"(?<=\p{M})\x{200D}".to_owned(),
        format!(r"[\x{{200C}}\x{{200D}}](?=[{continues}])"),
        format!(r"(?<={other_letter})['\x{{2018}}\x{{2019}}\x{{FF07}}](?={other_letter})"),
        format!(r#"(?<={hebrew})["\x{{5F4}}](?={hebrew})"#),
    ];
    format!(
        r"[\p{{Alphabetic}}\p{{N}}](?:[{continues}]|{})*",
        connects.join("|")
    )
}

/// The parts of a document that hold words. Parsed here, since the library panics on documents
/// that are damaged in some ways.
#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "json::objects")]
    added_tokens: Vec<Added>,
    #[serde(default)]
    pre_tokenizer: Option<Type>,
    #[serde(default)]
    decoder: Option<Type>,
    #[serde(deserialize_with = "object")]
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct Model {
    vocab: BTreeMap<String, u32>,
}

/// The type of a document's model, which decides on the shape of the rest.
#[derive(Deserialize)]
struct Typed {
    #[serde(deserialize_with = "object")]
    model: Type,
}

#[derive(Deserialize)]
struct Type {
    r#type: String,
}

impl Object for Document {
    const SHAPE: &'static str = r#"{"added_tokens": [...], "model": {...}}"#;
}

impl Object for Typed {
    const SHAPE: &'static str = r#"{"model": {...}}"#;
}

impl Object for Added {
    const SHAPE: &'static str = r#"{"id", "content"}"#;
}

impl Object for Model {
    const SHAPE: &'static str = r#"{"type": "WordLevel", "vocab": {...}}"#;
}

impl Object for Type {
    const SHAPE: &'static str = Model::SHAPE;
}

fn object<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Whole::deserialize(deserializer).map(|Whole(object)| object)
}

/// What a document holds.
pub(super) enum Parsed {
    /// Words in the order of their ids, and how text is divided into them.
    Words {
        words: Vec<String>,
        split: WordSplit,
    },
    /// Characters in the order of their ids.
    Characters(Vec<String>),
    /// Pieces of words.
    Subwords,
}

/// The words in the order of their ids, unless they are pieces.
pub(super) fn parse(json: &[u8]) -> Result<Parsed, VocabularyProblem> {
    let typed: Typed = deserialize(json)?;
    match typed.model.r#type.as_str() {
        "WordLevel" => {}
        "BPE" | "Unigram" => return Ok(Parsed::Subwords),
        _ => return Err(VocabularyProblem::Model(typed.model.r#type)),
    }
    let document: Document = deserialize(json)?;
    let mut ids = document.model.vocab;
    for added in document.added_tokens {
        ids.insert(added.content, added.id);
    }
    let count = ids.len();
    let mut words: Vec<Option<String>> = vec![None; count];
    for (word, id) in ids {
        match words.get_mut(id as usize) {
            Some(free @ None) => *free = Some(word),
            _ => return Err(VocabularyProblem::Ids { words: count, id }),
        }
    }
    // As many words as ids, none used twice: all are there.
    let words = words.into_iter().flatten().collect();
    let is =
        |part: &Option<Type>, kind: &str| part.as_ref().is_some_and(|part| part.r#type == kind);
    if is(&document.decoder, FUSE) {
        return Ok(Parsed::Characters(words));
    }
    let split = if is(&document.pre_tokenizer, WHITESPACE) {
        WordSplit::Given
    } else {
        WordSplit::Words
    };
    Ok(Parsed::Words { words, split })
}

/// The decoder that joins tokens to text without spaces.
const FUSE: &str = "Fuse";
/// What divides text at white space.
const WHITESPACE: &str = "WhitespaceSplit";

/// The key of the tokens with their ids.
const VOCABULARY: &str = "model.vocab";

pub(super) fn deserialize<T: Object>(json: &[u8]) -> Result<T, VocabularyProblem> {
    match json::parse(json) {
        Ok(Whole(document)) => Ok(document),
        Err(Problem { at, problem }) => {
            let place = match at {
                // A token may hold what no message should.
                Place::Key(key) if key.starts_with(VOCABULARY) => format!("{VOCABULARY}: "),
                at => at.prefix(),
            };
            Err(VocabularyProblem::Unreadable(format!("{place}{problem}")))
        }
    }
}

/// A document of which every character of a text is a token.
pub(super) fn render_characters(words: &[String]) -> Result<String, VocabularyProblem> {
    let mut tokenizer = of_words(words)?;
    let any = SplitPattern::Regex("(?s).".to_owned());
    let split = Split::new(any, SplitDelimiterBehavior::Isolated, false).map_err(unreadable)?;
    tokenizer.with_pre_tokenizer(Some(split));
    tokenizer.with_decoder(Some(Fuse::default()));
    with_reserved(tokenizer)
}

/// A document that splits text as `tokenise` does, or at white space where words are made otherwise.
pub(super) fn render(words: &[String], split: WordSplit) -> Result<String, VocabularyProblem> {
    let mut tokenizer = of_words(words)?;
    if split == WordSplit::Words {
        split_as_tokenise(&mut tokenizer)?;
    } else {
        tokenizer.with_normalizer(Some(NFC)).map_err(unreadable)?;
        tokenizer.with_pre_tokenizer(Some(WhitespaceSplit));
    }
    with_reserved(tokenizer)
}

fn of_words(words: &[String]) -> Result<Tokenizer, VocabularyProblem> {
    let vocabulary = words.iter().zip(0..).map(|(word, id)| (word.clone(), id));
    let model = WordLevel::builder()
        .vocab(vocabulary.collect())
        .unk_token(UNKNOWN.to_owned())
        .build()
        .map_err(unreadable)?;
    Ok(Tokenizer::new(model))
}

fn with_reserved(mut tokenizer: Tokenizer) -> Result<String, VocabularyProblem> {
    let reserved = RESERVED.map(|(_, word)| AddedToken::from(word, true));
    tokenizer.add_special_tokens(reserved).map_err(unreadable)?;
    tokenizer.to_string(true).map_err(unreadable)
}

fn split_as_tokenise(tokenizer: &mut Tokenizer) -> Result<(), VocabularyProblem> {
    let unseen = ReplacePattern::Regex(format!("[{UNSEEN}]"));
    let unseen = Replace::new(unseen, "").map_err(unreadable)?;
    let normaliser = Sequence::new(vec![
        NFC.into(),
        Lowercase.into(),
        unseen.into(),
        NFC.into(),
    ]);
    tokenizer
        .with_normalizer(Some(normaliser))
        .map_err(unreadable)?;
    let pattern = SplitPattern::Regex(word_pattern());
    // Inverted: what the pattern finds are the words, and the rest is removed.
    let split = Split::new(pattern, SplitDelimiterBehavior::Removed, true).map_err(unreadable)?;
    tokenizer.with_pre_tokenizer(Some(split));
    Ok(())
}

fn unreadable(error: tokenizers::Error) -> VocabularyProblem {
    VocabularyProblem::Unreadable(error.to_string())
}
