//! Ids that the user's files give to examples, images or texts.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// The id of an example: what a file of the user says, never a number that this program made up.
///
/// The number 1 and the text `"1"` are the same id, since programs and table editors turn one into
/// the other; `"01"` is another one. Whole numbers that are written with a fraction, as `1.0`, are
/// numbers.
///
/// ```
/// use scst_data::ExampleId;
///
/// assert_eq!(ExampleId::from(1), ExampleId::from("1"));
/// assert_ne!(ExampleId::from(1), ExampleId::from("01"));
/// ```
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ExampleId {
    /// As in COCO.
    Number(i64),
    /// As where examples are known by name.
    Text(String),
}

/// The largest whole number up to which every one is a floating-point number, 2^53.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

impl ExampleId {
    /// The number that this id is, also when it is written as text.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => {
                let number: i64 = text.parse().ok()?;
                (number.to_string() == *text).then_some(number)
            }
        }
    }

    /// Whether one is a number and the other text.
    pub fn is_written_otherwise_than(&self, other: &Self) -> bool {
        matches!(self, Self::Number(_)) != matches!(other, Self::Number(_))
    }

    /// The text of the id, without quotes: as the name of a file would have it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl ExampleId {
    /// An id, if there is one, as text from which [`read`](Self::read) has it back, kind and all.
    pub(crate) fn written(id: Option<&Self>) -> String {
        match id {
            None => String::new(),
            Some(Self::Number(number)) => format!("{NUMBER}{number}"),
            Some(Self::Text(text)) => format!("{TEXT}{text}"),
        }
    }

    /// What was [`written`](Self::written).
    pub(crate) fn read(written: &str) -> Option<Self> {
        match written.split_at_checked(1)? {
            (NUMBER, number) => number.parse().ok().map(Self::Number),
            (_, text) => Some(Self::from(text)),
        }
    }
}

/// What a written id begins with.
const NUMBER: &str = "#";
const TEXT: &str = "=";

impl From<i64> for ExampleId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for ExampleId {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl PartialEq for ExampleId {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => self.number().is_some() && self.number() == other.number(),
        }
    }
}

impl Eq for ExampleId {}

impl Hash for ExampleId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.number(), self) {
            (None, Self::Text(text)) => text.hash(state),
            (number, _) => number.hash(state),
        }
    }
}

impl fmt::Display for ExampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "`{text}`"),
        }
    }
}

impl<'de> Deserialize<'de> for ExampleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = ExampleId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or text")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ExampleId, E> {
                Ok(ExampleId::Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ExampleId, E> {
                let number = i64::try_from(number).map_err(|_| {
                    let expected = "a whole number up to 9223372036854775807 or text";
                    E::invalid_value(de::Unexpected::Unsigned(number), &expected)
                })?;
                Ok(ExampleId::Number(number))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<ExampleId, E> {
                if number.fract() == 0.0 && number.abs() <= LARGEST_WHOLE {
                    return Ok(ExampleId::Number(number as i64));
                }
                Err(E::invalid_value(de::Unexpected::Float(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ExampleId, E> {
                if text.is_empty() {
                    return Err(E::invalid_value(de::Unexpected::Str(text), &self));
                }
                Ok(ExampleId::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(json: &str) -> Result<ExampleId, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn ids_are_the_same_when_number_and_text_say_the_same() {
        let ids = HashMap::from([(ExampleId::Number(1), "one"), (ExampleId::from("a"), "a")]);
        assert_eq!(ids.get(&ExampleId::from("1")), Some(&"one"));
        assert_eq!(ids.get(&ExampleId::from("a")), Some(&"a"));
        for other in ["01", "+1", "1.0", " 1", "-1", ""] {
            assert_eq!(ids.get(&ExampleId::from(other)), None, "{other:?}");
        }
        assert_eq!(ExampleId::from("-0"), ExampleId::from("-0"));
        assert_ne!(ExampleId::from("-0"), ExampleId::Number(0));
        assert!(ExampleId::from(1).is_written_otherwise_than(&ExampleId::from("1")));
        assert!(!ExampleId::from("1").is_written_otherwise_than(&ExampleId::from("1")));
    }

    #[test]
    fn written_ids_are_read_as_they_were() {
        let ids = [ExampleId::from(-7), "-7".into(), "#7".into(), "=é".into()];
        for id in ids.map(Some).into_iter().chain([None]) {
            let again = ExampleId::read(&ExampleId::written(id.as_ref()));
            assert_eq!(format!("{again:?}"), format!("{id:?}"));
        }
    }

    #[test]
    fn ids_keep_their_kind_when_read_and_written() {
        for json in ["7", "-7", "\"7\"", "\"a b\"", "9223372036854775807"] {
            let id = read(json).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
        }
        assert!(matches!(
            read("391895.0").unwrap(),
            ExampleId::Number(391_895)
        ));
        for json in [
            "1.5",
            "1e300",
            "null",
            "true",
            "[]",
            "{}",
            "\"\"",
            "18446744073709551615",
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains("a whole number"), "{error}");
        }
    }
}
