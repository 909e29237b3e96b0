//! A line as captions to score, checked.

use serde_json::{Map, Value};

use super::error::RequestError;
use super::lexicon::{ID_LIMIT, ServedCaption};
use crate::MixtureScores;
use crate::command::PROTOCOL_VERSIONS;
use crate::program_error::beginning;

/// Captions to score together.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) captions: Vec<RequestedCaption>,
    /// Whether the scores of every reward are asked for.
    pub(super) with_parts: bool,
    /// The version of the protocol.
    version: u32,
}

/// One caption of a request.
#[derive(Debug)]
pub(super) struct RequestedCaption {
    pub(super) image: String,
    pub(super) caption: ServedCaption,
    pub(super) references: Option<Vec<ServedCaption>>,
    /// Its place in the request.
    index: usize,
}

impl Request {
    pub(super) fn parse(line: &[u8]) -> Result<Self, RequestError> {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else {
            return Err(RequestError::Form {
                found: beginning(line),
            });
        };
        let version = match fields.remove("version") {
            None => 1,
            Some(version) => known_version(&version)?,
        };
        let with_parts = match fields.remove("parts") {
            None => false,
            Some(Value::Bool(asked)) => asked,
            Some(other) => return Err(wrong("parts", &other, "true or false")),
        };
        let expected = "a list of objects with image_id and text or tokens";
        let captions = match fields.remove("captions") {
            Some(Value::Array(captions)) if !captions.is_empty() => captions,
            Some(Value::Array(_)) => return Err(value("captions", "an empty list", expected)),
            Some(other) => return Err(wrong("captions", &other, expected)),
            None => return Err(value("captions", "nothing", expected)),
        };
        no_more(&fields, "the request", "version, captions or parts")?;
        let captions = captions.into_iter().enumerate();
        Ok(Self {
            captions: captions
                .map(|(index, one)| caption(index, one, version))
                .collect::<Result<_, _>>()?,
            with_parts,
            version,
        })
    }

    /// That an answer has a score wherever the version of the protocol wants one.
    ///
    /// # Errors
    /// [`RequestError::Value`] for the first caption without one in version 1.
    pub(super) fn can_hold(&self, scores: &MixtureScores) -> Result<(), RequestError> {
        if self.version >= 2 {
            return Ok(());
        }
        let nothing = scores.applies.iter().position(|applies| !applies);
        let nothing = nothing.map(|index| (index, "no reward applies".to_owned()));
        let mut asked = scores.parts.iter().filter(|_| self.with_parts);
        let part = asked.find_map(|part| {
            let index = part.scores.iter().position(Option::is_none)?;
            Some((index, format!("the reward {} does not apply", part.name)))
        });
        nothing.or(part).map_or(Ok(()), |(index, why)| {
            let expected = r#"a request with "version":2, whose answer may hold null"#;
            let found = format!("a caption to which {why}");
            Err(value(&place(index), &found, expected))
        })
    }
}

impl RequestedCaption {
    /// Where it stands: `captions[3]`.
    pub(super) fn place(&self) -> String {
        place(self.index)
    }

    /// That references of one image differ.
    pub(super) fn other_references(&self, first: &Self) -> RequestError {
        value(
            &format!("{}.references", self.place()),
            "other references",
            &format!("those of {}, which has the same image", first.place()),
        )
    }

    /// That nothing is known of the image.
    pub(super) fn unknown_image(&self, has_program: bool) -> RequestError {
        let expected = if has_program {
            "an image whose references are known from the beginning, since a reward is a program"
        } else {
            "an image whose references are known from the beginning, or `references` beside it"
        };
        let image = Value::from(beginning(self.image.as_bytes()));
        wrong(&format!("{}.image_id", self.place()), &image, expected)
    }
}

fn place(index: usize) -> String {
    format!("captions[{index}]")
}

fn known_version(version: &Value) -> Result<u32, RequestError> {
    let number = version.as_u64().and_then(|n| u32::try_from(n).ok());
    let known = number.filter(|number| PROTOCOL_VERSIONS.contains(number));
    known.ok_or_else(|| wrong("version", version, "1 or 2"))
}

fn caption(index: usize, caption: Value, version: u32) -> Result<RequestedCaption, RequestError> {
    let at = |key: &str| format!("{}.{key}", place(index));
    let Value::Object(mut fields) = caption else {
        let expected = "an object with image_id and text or tokens";
        return Err(wrong(&place(index), &caption, expected));
    };
    let image = match fields.remove("image_id") {
        Some(Value::String(name)) => name,
        Some(Value::Number(id)) if id.is_i64() || id.is_u64() => id.to_string(),
        Some(other) => return Err(wrong(&at("image_id"), &other, "a name or a whole number")),
        None => {
            return Err(value(
                &at("image_id"),
                "nothing",
                "a name or a whole number",
            ));
        }
    };
    let text = match fields.remove("text") {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => return Err(wrong(&at("text"), &other, "the caption in quotes")),
    };
    let tokens = fields.remove("tokens");
    let tokens = tokens
        .map(|ids| tokens_of(ids, &at("tokens")))
        .transpose()?;
    let references = match fields.remove("references") {
        None => None,
        Some(Value::Array(all)) if !all.is_empty() => {
            let all = all.into_iter().enumerate();
            let all = all.map(|(k, one)| reference(one, &format!("{}[{k}]", at("references"))));
            Some(all.collect::<Result<_, _>>()?)
        }
        Some(other) => {
            let expected = "a list of one or more captions or lists of token ids";
            return Err(wrong(&at("references"), &other, expected));
        }
    };
    if version >= 2 {
        // What a trainer tells programs that look at images.
        fields.remove("image_path");
        fields.remove("features");
    }
    no_more(
        &fields,
        &place(index),
        "image_id, text, tokens or references",
    )?;
    Ok(RequestedCaption {
        image,
        caption: ServedCaption { tokens, text },
        references,
        index,
    })
}

fn reference(reference: Value, at: &str) -> Result<ServedCaption, RequestError> {
    let mut caption = ServedCaption::default();
    match reference {
        Value::String(text) => caption.text = Some(text),
        Value::Array(_) => caption.tokens = Some(tokens_of(reference, at)?),
        other => return Err(wrong(at, &other, "a caption or a list of token ids")),
    }
    Ok(caption)
}

fn tokens_of(ids: Value, at: &str) -> Result<Vec<u32>, RequestError> {
    let Value::Array(ids) = ids else {
        return Err(wrong(at, &ids, "a list of token ids"));
    };
    let id = |(position, id): (usize, &Value)| {
        let number = id.as_u64().and_then(|id| u32::try_from(id).ok());
        number.filter(|id| *id < ID_LIMIT).ok_or_else(|| {
            let expected = format!("a whole number from 0 to {}", ID_LIMIT - 1);
            wrong(&format!("{at}[{position}]"), id, &expected)
        })
    };
    ids.iter().enumerate().map(id).collect()
}

/// That nothing is left of an object.
fn no_more(fields: &Map<String, Value>, at: &str, expected: &str) -> Result<(), RequestError> {
    let Some(key) = fields.keys().next() else {
        return Ok(());
    };
    let found = format!("the key {}", Value::from(beginning(key.as_bytes())));
    Err(value(at, &found, expected))
}

fn value(at: &str, found: &str, expected: &str) -> RequestError {
    RequestError::Value {
        at: at.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

fn wrong(at: &str, found: &Value, expected: &str) -> RequestError {
    value(at, &beginning(found.to_string().as_bytes()), expected)
}
