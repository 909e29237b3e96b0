//! What a program answers, checked.

use serde_json::{Map, Value};

use super::caption::Caption;
use crate::ProgramFault;
use crate::program_error::beginning;

const EXPECTED: &str = r#"a line such as {"scores":[0.5]}"#;

/// The scores of an answer, one finite number per caption, or null under version 2 of the protocol.
pub(super) fn scores(
    line: &[u8],
    captions: &[Caption<'_>],
    protocol: u32,
) -> Result<Vec<Option<f64>>, ProgramFault> {
    let scores = match fields(line)? {
        Some(fields) => list(fields)?,
        None => None,
    };
    let Some(scores) = scores else {
        return Err(ProgramFault::Form {
            found: beginning(line),
            expected: EXPECTED,
        });
    };
    let (found, expected) = (scores.len(), captions.len());
    if found != expected {
        return Err(ProgramFault::ScoreCount { found, expected });
    }
    let numbers = scores.iter().zip(captions).enumerate();
    numbers
        .map(|(position, (score, caption))| match score {
            Value::Null if protocol >= 2 => Ok(None),
            _ => number(score, position, caption, protocol).map(Some),
        })
        .collect()
}

/// The fields of an answer that is a JSON object.
fn fields(line: &[u8]) -> Result<Option<Map<String, Value>>, ProgramFault> {
    let parsed = serde_json::from_slice(line);
    // Where Python writes NaN, the message shall name the caption.
    let parsed =
        parsed.or_else(|reason| serde_json::from_slice(&quote_names(line)).or(Err(reason)));
    match parsed {
        Ok(Value::Object(fields)) => Ok(Some(fields)),
        Ok(_) => Ok(None),
        Err(reason) => Err(ProgramFault::NotJson {
            found: beginning(line),
            reason: reason.classify(),
            expected: EXPECTED,
        }),
    }
}

/// The list of scores, unless the answer has another form.
fn list(mut fields: Map<String, Value>) -> Result<Option<Vec<Value>>, ProgramFault> {
    if fields.len() != 1 || !(fields.contains_key("scores") || fields.contains_key("error")) {
        let keys: Vec<_> = fields.keys().map(|key| format!("{key:?}")).collect();
        let found = match &keys[..] {
            [] => "no key".to_owned(),
            [key] => format!("the key {key}"),
            keys => format!("the keys {}", keys.join(", ")),
        };
        return Err(ProgramFault::Keys {
            found: beginning(found.as_bytes()),
        });
    }
    match (fields.remove("scores"), fields.remove("error")) {
        (_, Some(Value::String(sentence))) => {
            Err(ProgramFault::Refused(beginning(sentence.as_bytes())))
        }
        (Some(Value::Array(scores)), _) => Ok(Some(scores)),
        _ => Ok(None),
    }
}

fn number(
    score: &Value,
    position: usize,
    caption: &Caption<'_>,
    protocol: u32,
) -> Result<f64, ProgramFault> {
    match score.as_f64() {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(ProgramFault::Score {
            found: beginning(score.to_string().as_bytes()),
            caption: position,
            text: beginning(caption.text.as_bytes()),
            image: caption.image_id.to_owned(),
            expected: if protocol >= 2 {
                "a finite number or null"
            } else {
                "a finite number"
            },
        }),
    }
}

/// Puts NaN, Infinity and -Infinity, which are no JSON but what many writers make of such numbers, in quotes.
fn quote_names(line: &[u8]) -> Vec<u8> {
    const NAMES: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let mut quoted = Vec::with_capacity(line.len());
    let mut rest = line;
    let mut in_string = false;
    while let [first, after @ ..] = rest {
        let name = NAMES.into_iter().find(|name| rest.starts_with(name));
        if let (Some(name), false) = (name, in_string) {
            quoted.push(b'"');
            quoted.extend_from_slice(name);
            quoted.push(b'"');
            rest = &rest[name.len()..];
            continue;
        }
        quoted.push(*first);
        rest = after;
        match first {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                if let [escaped, after @ ..] = rest {
                    quoted.push(*escaped);
                    rest = after;
                }
            }
            _ => {}
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str) -> String {
        message_under(1, line)
    }

    fn message_under(protocol: u32, line: &str) -> String {
        let references = ["a dog runs".to_owned()];
        let caption = |text| Caption {
            image_id: "x.jpg",
            tokens: &[1, 0],
            text,
            references: &references,
            image_path: None,
            features: None,
        };
        let captions = [caption("a dog"), caption("two dogs")];
        scores(line.as_bytes(), &captions, protocol)
            .map_or_else(|fault| fault.to_string(), |scores| format!("{scores:?}"))
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            line in ".{0,40}|\\{\"(scores|error)\":(\\[(NaN|-?[0-9]{1,400}(e[0-9]{1,4})?|null|\"a\"|\\[)?(,1)?\\]|\"[^\"]{0,9}\"?)\\}?",
            depth in 0..5000_usize,
        ) {
            let deep = "[".repeat(depth) + &line;
            for line in [line, deep] {
                // Every answer is scores or a fault that can be told.
                if let Err(fault) = scores(line.as_bytes(), &[], 2) {
                    proptest::prop_assert!(!fault.to_string().is_empty());
                }
            }
        }
    }

    #[test]
    fn scores_are_read_when_the_answer_is_good() {
        assert_eq!(
            message(r#"{"scores":[1, -2.5e-1]}"#),
            "[Some(1.0), Some(-0.25)]"
        );
        assert_eq!(
            message(" { \"scores\" : [0.1,0] } "),
            "[Some(0.1), Some(0.0)]"
        );
    }

    #[test]
    fn caption_has_no_score_when_version_2_says_null() {
        assert_eq!(
            message_under(2, r#"{"scores":[null,2]}"#),
            "[None, Some(2.0)]"
        );
        assert_eq!(
            message_under(2, r#"{"scores":[null,"null"]}"#),
            "found \"null\" as the score of caption 1 (\"two dogs\" of image x.jpg), expected a finite number or null"
        );
    }

    #[test]
    fn caption_is_named_when_its_score_is_no_number() {
        for (answer, found) in [
            (r#"{"scores":[1,null]}"#, "null"),
            (r#"{"scores":[1,"0.5"]}"#, r#""0.5""#),
            (r#"{"scores":[1,true]}"#, "true"),
            (r#"{"scores":[1,[2]]}"#, "[2]"),
            (r#"{"scores":[1,NaN]}"#, r#""NaN""#),
            (r#"{"scores":[1,-Infinity]}"#, r#""-Infinity""#),
        ] {
            assert_eq!(
                message(answer),
                format!(
                    "found {found} as the score of caption 1 (\"two dogs\" of image x.jpg), expected a finite number"
                )
            );
        }
    }

    #[test]
    fn answer_is_refused_when_its_form_is_another() {
        for (answer, expected) in [
            (
                "",
                "found \"\", which is not all of a JSON value, expected a line such as {\"scores\":[0.5]}",
            ),
            (
                "NaN",
                "found \"NaN\", expected a line such as {\"scores\":[0.5]}",
            ),
            (
                "[1,2]",
                "found \"[1,2]\", expected a line such as {\"scores\":[0.5]}",
            ),
            (
                r#"{"scores":1}"#,
                "found \"{\\\"scores\\\":1}\", expected a line such as {\"scores\":[0.5]}",
            ),
            (
                r#"{"error":1}"#,
                "found \"{\\\"error\\\":1}\", expected a line such as {\"scores\":[0.5]}",
            ),
            (
                "{}",
                "found an answer with no key, expected exactly one of the keys scores and error",
            ),
            (
                r#"{"score":[1,2]}"#,
                "found an answer with the key \"score\", expected exactly one of the keys scores and error",
            ),
            (
                r#"{"scores":[1,2],"error":"x"}"#,
                "found an answer with the keys \"error\", \"scores\", expected exactly one of the keys scores and error",
            ),
            (
                r#"{"error":"no \"NaN\" here"}"#,
                "found a refusal (no \"NaN\" here), expected scores",
            ),
            (
                r#"{"scores":[1]}"#,
                "found 1 scores, expected 2, one per caption",
            ),
            (
                r#"{"scores":[1,1e999]}"#,
                "found \"{\\\"scores\\\":[1,1e999]}\", which is not JSON, expected a line such as {\"scores\":[0.5]}",
            ),
        ] {
            assert_eq!(message(answer), expected);
        }
    }

    #[test]
    fn names_are_quoted_when_they_stand_outside_strings() {
        let quoted = quote_names(br#"{"a\"NaN":[NaN,"Infinity",-Infinity]}"#);
        assert_eq!(
            String::from_utf8_lossy(&quoted),
            r#"{"a\"NaN":["NaN","Infinity","-Infinity"]}"#
        );
    }
}
