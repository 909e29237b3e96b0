//! Messages about documents, good and bad.

use std::collections::BTreeMap;

use super::*;
use crate::ExampleId;

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(deserialize_with = "objects")]
    #[expect(dead_code, reason = "only errors are looked at")]
    images: Vec<Image>,
    #[expect(dead_code, reason = "only errors are looked at")]
    #[serde(default, deserialize_with = "some_objects")]
    more: Option<Vec<Image>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only errors are looked at")]
struct Image {
    id: ExampleId,
    width: Option<f32>,
    number: Option<u32>,
    words: Option<Vec<String>>,
    is_last: Option<bool>,
    ids: Option<BTreeMap<String, u64>>,
}

impl Object for Document {
    const SHAPE: &'static str = r#"{"images": [...]}"#;
}

impl Object for Image {
    const SHAPE: &'static str = r#"{"id"}"#;
}

fn message(json: &[u8]) -> String {
    let problem = parse::<Whole<Document>>(json).map(|_| ()).unwrap_err();
    format!("{}{}", problem.at.prefix(), problem.problem)
}

fn image(keys: &str) -> String {
    message(format!(r#"{{"images": [{{"id": 1}}, {{"id": 2, {keys}}}]}}"#).as_bytes())
}

#[test]
fn document_is_read_when_a_byte_order_mark_precedes_it() {
    let json = b"\xef\xbb\xbf{\"images\": [{\"id\": 1}]}";
    assert!(parse::<Whole<Document>>(json).is_ok());
}

#[test]
fn list_is_refused_when_an_object_is_expected_at_any_depth() {
    assert_eq!(
        message(b"[[]]"),
        "found a list, expected an object {\"images\": [...]}"
    );
    assert_eq!(
        message(br#"{"images": [[1]]}"#),
        "images[0]: found a list, expected an object {\"id\"}"
    );
    assert_eq!(
        message(br#"{"images": {"1": {}}}"#),
        "images: found an object, expected a list of objects {\"id\"}"
    );
    assert_eq!(
        message(br#"{"images": [], "more": [3]}"#),
        "more[0]: found 3, expected an object {\"id\"}"
    );
    assert_eq!(
        message(b"null"),
        "found null, expected an object {\"images\": [...]}"
    );
    assert_eq!(
        message(b"7"),
        "found 7, expected an object {\"images\": [...]}"
    );
    assert_eq!(
        message(b"\"images\""),
        "found the text \"images\", expected an object {\"images\": [...]}"
    );
}

#[test]
fn values_are_told_in_plain_words_when_their_type_is_another() {
    for (keys, expected) in [
        (
            r#""width": "4""#,
            "width: found the text \"4\", expected a number",
        ),
        (
            r#""number": -1"#,
            "number: found -1, expected a whole number from 0 to 4294967295",
        ),
        (
            r#""number": 1.5"#,
            "number: found 1.5, expected a whole number from 0 to 4294967295",
        ),
        (
            r#""words": "a""#,
            "words: found the text \"a\", expected a list",
        ),
        (r#""words": ["a", 5]"#, "words[1]: found 5, expected text"),
        (
            r#""words": ["a", null]"#,
            "words[1]: found null, expected text",
        ),
        (
            r#""is_last": 1"#,
            "is_last: found 1, expected true or false",
        ),
        (r#""ids": [1]"#, "ids: found a list, expected an object"),
        (
            r#""ids": {"a": true}"#,
            "ids.a: found true, expected a whole number from 0",
        ),
        (r#""id": 3"#, ": the key `id` appears twice"),
    ] {
        let message = image(keys);
        let place = if keys.starts_with("\"id\":") {
            "images[1]"
        } else {
            "images[1]."
        };
        assert_eq!(message, format!("{place}{expected}"));
    }
    assert_eq!(
        message(br#"{"images": [{}]}"#),
        "images[0]: the key `id` is missing"
    );
    assert_eq!(message(b"{}"), "the key `images` is missing");
    assert_eq!(
        message(br#"{"images": [{"id": [1]}]}"#),
        "images[0].id: found a list, expected a whole number or text"
    );
    let long = format!(
        r#"{{"images": "{}, expected u64 at line 1 column 2"}}"#,
        "é".repeat(100)
    );
    let expected = format!(
        "images: found the text \"{}\"..., expected a list of objects {{\"id\"}}",
        "é".repeat(60)
    );
    assert_eq!(message(long.as_bytes()), expected);
}

#[test]
fn place_is_named_when_the_syntax_is_wrong() {
    for (json, expected) in [
        (
            "{\"images\": [{\"id\": 1}",
            "line 1, column 21: the file ends in the middle of a list: it is cut short",
        ),
        (
            "{\"images\": \"a",
            "line 1, column 13: the file ends in the middle of a text: it is cut short",
        ),
        (
            "{\n\"images\": [{\"id\": 1},\n]}",
            "line 3, column 1: found \"]\" behind a comma, expected no comma at the end",
        ),
        (
            "{\"images\": []} x",
            "line 1, column 16: found \"x\" behind the end of the document, expected nothing",
        ),
        (
            "{'images': []}",
            "line 1, column 2: found \"'\", expected a key in double quotes",
        ),
        (
            "{\"images\": NaN}",
            "line 1, column 12: found \"NaN\", expected a value (text stands in double quotes)",
        ),
        (
            "{\"images\": None}",
            "line 1, column 12: found \"None\", expected a value (text stands in double quotes)",
        ),
        (
            "{\"images\" []}",
            "line 1, column 11: found \"[\", expected `:`",
        ),
        (
            "{\"é\": 1 \"images\": []}",
            "line 1, column 9: found \"\\\"\", expected `,` or `}`",
        ),
        (
            "{\"images\": [{\"id\": 1} {\"id\": 2}]}",
            "line 1, column 23: found \"{\", expected `,` or `]`",
        ),
        (
            "{\"images\": \"a\nb\"}",
            "line 1, column 14: found a line break or another control character in a text, expected it as \\n, \\t or \\u",
        ),
        (
            "{\"images\": \"\\x\"}",
            "line 1, column 14: found a backslash that escapes nothing that JSON knows, expected \\\\ for the backslash itself",
        ),
        (
            "images: []",
            "line 1, column 1: found \"images\", expected a value (text stands in double quotes)",
        ),
    ] {
        assert_eq!(message(json.as_bytes()), expected, "{json}");
    }
    assert_eq!(
        message(b"{\"images\":\n \"caf\xe9\"}"),
        "line 2, column 6: found bytes that are not UTF-8, expected text"
    );
}

#[test]
fn file_is_told_when_it_is_something_else() {
    for (bytes, seems) in [
        (&b""[..], "an empty file"),
        (b"\n \n", "an empty file"),
        (b"<!DOCTYPE html><html>", "a web page (HTML)"),
        (b"\x80\x04\x95abc", "a pickle of Python"),
        (
            b"\x1f\x8b\x08\x00abc",
            "a file compressed by gzip (unpack it first)",
        ),
        (
            b"{\"images\": []}\n{\"images\": []}\n",
            "JSON Lines, one JSON value a line",
        ),
        (b"[1, 2]\n[3, 4]\n", "JSON Lines, one JSON value a line"),
        (b"image,caption\na.jpg,a dog\n", "a table in text (CSV)"),
        (b"\xff\xfe{\0}\0", "text in UTF-16 (save it as UTF-8)"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a pointer of Git LFS in the place of the file (`git lfs pull` fetches it)",
        ),
    ] {
        assert_eq!(
            message(bytes),
            format!("this seems to be {seems}, expected JSON")
        );
    }
}
