//! Tokenizers of subwords from `tokenizer.json`: held to what is known to work before the library, which panics on some
//! documents, sees them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokenizers::{AddedToken, Tokenizer};

use super::tokenizer_json::deserialize;
use crate::VocabularyProblem;
use crate::error::quoted;
use crate::json::Object;

/// Parts that change a text before it is divided.
const NORMALIZERS: &[&str] = &[
    "Sequence",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Lowercase",
    "Strip",
    "StripAccents",
    "Replace",
    "Prepend",
    "Nmt",
    "BertNormalizer",
];
/// Parts that divide a text.
const PRE_TOKENIZERS: &[&str] = &[
    "Sequence",
    "ByteLevel",
    "Metaspace",
    "Whitespace",
    "WhitespaceSplit",
    "Split",
    "Punctuation",
    "Digits",
    "BertPreTokenizer",
    "UnicodeScripts",
];
/// Parts that join tokens to a text.
const DECODERS: &[&str] = &[
    "Sequence",
    "ByteLevel",
    "Metaspace",
    "BPEDecoder",
    "Replace",
    "Fuse",
    "Strip",
    "ByteFallback",
];

/// A document, of which only what says how text and ids belong together counts: neither templates nor padding.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
    model: Value,
}

impl Object for Document {
    const SHAPE: &'static str = r#"{"added_tokens": [...], "model": {...}}"#;
}

/// A token beside those of the model.
#[derive(Serialize, Deserialize)]
struct Added {
    id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

/// What a model holds that ids are made of.
enum Ids {
    Bpe,
    Unigram,
}

/// The tokenizer of a document, and the id of its token for what it does not know.
pub(super) fn parse(json: &[u8]) -> Result<(Tokenizer, Option<u32>), VocabularyProblem> {
    let document: Document = deserialize(json)?;
    check_parts("normalizer", &document.normalizer, NORMALIZERS)?;
    check_parts("pre_tokenizer", &document.pre_tokenizer, PRE_TOKENIZERS)?;
    check_parts("decoder", &document.decoder, DECODERS)?;
    let ids = check_model(&document.model)?;
    let added = &document.added_tokens;
    if let Some(empty) = added.iter().find(|token| token.token.content.is_empty()) {
        return Err(unreadable(format!(
            "added_tokens: found an empty token with id {}, expected text",
            empty.id
        )));
    }
    let whole = json!({
        "version": "1.0", "added_tokens": document.added_tokens, "normalizer": document.normalizer,
        "pre_tokenizer": document.pre_tokenizer, "decoder": document.decoder, "model": document.model,
    });
    // The library's own words about a part that it cannot read follow a sentence of ours.
    let tokenizer: Tokenizer = serde_json::from_value(whole)
        .map_err(|_| unreadable("found a part that cannot be used, expected a tokenizer as the tokenizers library writes it".to_owned()))?;
    check_ids(&tokenizer, &document)?;
    let unknown = match ids {
        Ids::Bpe => document.model["unk_token"]
            .as_str()
            .and_then(|token| tokenizer.token_to_id(token)),
        Ids::Unigram => document.model["unk_id"].as_u64().map(|id| id as u32),
    };
    Ok((tokenizer, unknown))
}

/// Every id from 0 on has a token, and added tokens have theirs.
fn check_ids(tokenizer: &Tokenizer, document: &Document) -> Result<(), VocabularyProblem> {
    let words = tokenizer.get_vocab_size(true);
    let free = (0..words as u32).find(|&id| tokenizer.id_to_token(id).is_none());
    let moved = document
        .added_tokens
        .iter()
        .find(|token| tokenizer.token_to_id(&token.token.content) != Some(token.id));
    match free.or(moved.map(|token| token.id)) {
        Some(id) => Err(VocabularyProblem::Ids { words, id }),
        None if words == 0 => Err(unreadable(
            "found no tokens, expected one or more".to_owned(),
        )),
        None => Ok(()),
    }
}

fn unreadable(problem: String) -> VocabularyProblem {
    VocabularyProblem::Unreadable(problem)
}

/// Holds a part, and those inside it, to the list of kinds.
fn check_parts(key: &str, part: &Value, known: &[&str]) -> Result<(), VocabularyProblem> {
    if part.is_null() {
        return Ok(());
    }
    let kind = part["type"].as_str().unwrap_or_default();
    if !known.contains(&kind) {
        return Err(unreadable(format!(
            "{key}: found the kind {}, expected one of {}",
            quoted(kind),
            known.join(", ")
        )));
    }
    if kind == "Sequence" {
        // Each list has a key of its own.
        let lists = ["normalizers", "pretokenizers", "decoders"];
        let parts = lists.iter().filter_map(|list| part[list].as_array());
        return parts.flatten().try_for_each(|part| match part {
            Value::Object(_) => check_parts(key, part, known),
            _ => Err(unreadable(format!(
                "{key}: found something else than a part in a sequence, expected an object with its type"
            ))),
        });
    }
    // An end that is longer than the token makes the library panic, and an empty pattern is found everywhere.
    if kind == "Strip" && part["stop"].as_u64().is_some_and(|stop| stop > 0) {
        return Err(unreadable(format!(
            "{key}: found Strip with an end to take away, expected a start only"
        )));
    }
    let pattern = &part["pattern"];
    let pattern = pattern["String"].as_str().or(pattern["Regex"].as_str());
    if pattern == Some("") {
        return Err(unreadable(format!(
            "{key}: found an empty pattern, expected text"
        )));
    }
    Ok(())
}

fn check_model(model: &Value) -> Result<Ids, VocabularyProblem> {
    let missing = |key: &str, expected: &str| {
        Err(unreadable(format!(
            "model.{key}: found none, expected {expected}"
        )))
    };
    let prefix = &model["continuing_subword_prefix"];
    if prefix.as_str().is_some_and(|prefix| !prefix.is_empty()) {
        return Err(unreadable(
            "model.continuing_subword_prefix: found a prefix, expected none".to_owned(),
        ));
    }
    match model["type"].as_str() {
        Some("Unigram") if model["unk_id"].is_u64() => Ok(Ids::Unigram),
        Some("Unigram") => missing("unk_id", "the id of the token for unknown characters"),
        _ if model["dropout"].as_f64().is_some_and(|dropout| dropout > 0.0) => Err(unreadable(
            "model.dropout: found dropout, expected none, so that a text always has the same tokens"
                .to_owned(),
        )),
        _ => Ok(Ids::Bpe),
    }
}
