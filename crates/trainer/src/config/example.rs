//! Values as a configuration file writes them, for messages.

use serde_json::Value;

use super::shape::{Shape, Variant};

/// A value in one line of TOML.
pub(super) fn toml(value: &Value) -> String {
    match value {
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(toml).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(keys) if keys.is_empty() => "{}".to_owned(),
        Value::Object(keys) => {
            let keys = keys.iter().filter(|(_, value)| !value.is_null());
            let keys: Vec<String> = keys
                .map(|(key, value)| format!("{key} = {}", toml(value)))
                .collect();
            format!("{{ {} }}", keys.join(", "))
        }
        other => other.to_string(),
    }
}

/// A value that a key of this shape could have, as short as can be.
pub(super) fn of_shape(shape: &Shape, example: Option<&Value>) -> String {
    if let Some(example) = example {
        return toml(example);
    }
    match shape {
        Shape::Flag => "true".to_owned(),
        Shape::Whole(range) => (range.least.unwrap_or_default().max(1.0) as u64).to_string(),
        Shape::Number(_) => "1.0".to_owned(),
        Shape::Text => "\"...\"".to_owned(),
        Shape::List(element) if matches!(**element, Shape::Text) => "[\"...\"]".to_owned(),
        Shape::List(element) => format!("[{}]", of_shape(element, None)),
        Shape::Free => "{}".to_owned(),
        Shape::Table(table) => {
            let required = table.keys.iter().filter(|key| key.is_required);
            let required: Vec<String> = required
                .map(|key| {
                    format!(
                        "{} = {}",
                        key.name,
                        of_shape(&key.shape, key.example.as_ref())
                    )
                })
                .collect();
            let one = table.one_of.first().and_then(|one| table.key(one));
            match (required.is_empty(), one) {
                (true, Some(one)) => {
                    let value = of_shape(&one.shape, one.example.as_ref());
                    format!("{{ {} = {value} }}", one.name)
                }
                (true, None) => "{}".to_owned(),
                (false, _) => format!("{{ {} }}", required.join(", ")),
            }
        }
        Shape::Choice(variants) => variants.first().map(of_variant).unwrap_or_default(),
    }
}

/// How one of several is written.
pub(super) fn of_variant(variant: &Variant) -> String {
    match &variant.shape {
        None => format!("\"{}\"", variant.name),
        Some(shape) => {
            let options = of_shape(shape, variant.example.as_ref());
            format!("{{ {} = {options} }}", variant.name)
        }
    }
}
