//! All keys of a configuration as a JSON schema, from the types themselves: their doc comments, defaults and ranges.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;

/// The JSON schema (draft 7, which editors know best) of a configuration file.
///
/// Beside the words of JSON schema it has `x-one-of`: keys of which a table has one; `x-never-both`: keys of which it has
/// one, and which are not set in each other's place; `x-default-scst`: a default in stages of self-critical training.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>();
    let mut schema = std::mem::take(schema.ensure_object());
    plain_table(&mut schema);
    schema.insert("title".to_owned(), "A configuration of scst".into());
    Value::Object(schema)
}

fn plain_value(value: &mut Value) {
    match value {
        Value::Object(schema) => plain_table(schema),
        Value::Array(list) => list.iter_mut().for_each(plain_value),
        _ => {}
    }
}

/// A schema without what Rust alone has: optional values are keys that may be left out, and words are plain.
fn plain_table(schema: &mut Map<String, Value>) {
    let is_null =
        |value: &Value| value == "null" || value.get("type").is_some_and(|of| of == "null");
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| !is_null(kind));
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("anyOf") {
        kinds.retain(|kind| !is_null(kind));
        if let [Value::Object(only)] = kinds.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            for (word, value) in only {
                schema.entry(word).or_insert(value);
            }
        }
    }
    match schema.get_mut("default") {
        Some(Value::Null) => drop(schema.remove("default")),
        Some(default) => without_nulls(default),
        None => {}
    }
    schema.remove("format");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = plain_words(text);
    }
    for (word, value) in schema.iter_mut() {
        match (word.as_str(), value) {
            ("default" | "examples" | "x-default-scst", _) => {}
            ("properties", Value::Object(keys)) => keys.values_mut().for_each(plain_value),
            (_, value) => plain_value(value),
        }
    }
}

/// A default as a file has it: without keys that are absent.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(keys) => {
            keys.retain(|_, value| !value.is_null());
            keys.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The first paragraph of a doc comment in one line, links to code without their brackets and targets.
fn plain_words(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut plain = String::new();
    let mut rest = line.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else {
            break;
        };
        plain += before;
        plain.push('`');
        plain += name;
        plain.push('`');
        let target = after
            .strip_prefix('(')
            .and_then(|target| target.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_code_are_plain_words_when_shown_to_people() {
        assert_eq!(
            plain_words("One of [`A`], or\n[`B`](crate::B): either.\n\n```text\nx\n```"),
            "One of `A`, or `B`: either."
        );
        assert_eq!(
            plain_words("Every element into `[-value, value]`."),
            "Every element into `[-value, value]`."
        );
    }

    #[test]
    fn schema_speaks_of_no_type_of_the_program() {
        let text = json_schema().to_string();
        for word in ["\"null\"", "::", "[`", "#/definitions", "uint"] {
            assert!(!text.contains(word), "{word}");
        }
    }

    /// Editors complete from this file; the shipped configurations name it on their first line.
    #[test]
    fn schema_file_is_that_of_the_types() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/schema/config.json");
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        let current = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
        assert!(
            stored == current,
            "data/schema/config.json is old; renew it with: cargo run --release -- config --schema > \
             data/schema/config.json"
        );
    }
}
