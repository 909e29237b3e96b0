//! Whether everything in a file has the form that its key takes: names, numbers, lists and tables where they belong.

use serde_json::Value as Json;
use toml::Value;

use super::{
    Problem,
    example::{of_shape, of_variant},
    explain::places,
    guess::nearest,
    root::root,
    shape::{Range, Shape, Table, Variant},
};

/// More names than these are no sentence.
const NAMES_WITH_FORMS: usize = 4;
/// Longest text of the file in a message.
const LONGEST: usize = 60;

/// Everything in a file's table that has another form than its key takes.
pub(super) fn problems(table: &toml::Table) -> Vec<Problem> {
    let mut forms = Forms { found: Vec::new() };
    forms.check(&Value::Table(table.clone()), root(), "", None);
    forms.found
}

/// The same of the rewards of a table that is no configuration, below a key `rewards` as a stage has it.
pub(super) fn problems_of_rewards(table: &toml::Table) -> Vec<Problem> {
    let of_stages = root().below("stages").and_then(|stages| stages.below("0"));
    let of_rewards = of_stages.and_then(|stage| stage.below("scst")?.below("rewards"));
    let mut forms = Forms { found: Vec::new() };
    if let (Some(shape), Some(rewards)) = (of_rewards, table.get("rewards")) {
        forms.check(rewards, shape, "rewards", None);
    }
    forms.found
}

struct Forms {
    found: Vec<Problem>,
}

impl Forms {
    fn check(&mut self, value: &Value, shape: &Shape, key: &str, example: Option<&Json>) {
        match (shape, value) {
            (Shape::Table(table), Value::Table(values)) => self.check_table(values, table, key),
            (Shape::Choice(variants), Value::Table(values)) => {
                self.check_choice(values, variants, key);
            }
            (Shape::Choice(variants), Value::String(name)) => self.check_name(name, variants, key),
            (Shape::List(element), Value::Array(list)) => {
                for (k, value) in list.iter().enumerate() {
                    self.check(value, element, &below(key, &k.to_string()), None);
                }
            }
            (Shape::Whole(range), Value::Integer(number)) => self.check_whole(*number, range, key),
            (Shape::Flag, Value::Boolean(_))
            | (Shape::Number(_), Value::Integer(_) | Value::Float(_))
            | (Shape::Text, Value::String(_))
            | (Shape::Free, Value::Table(_)) => {}
            (shape, value) => {
                let expected = expected(shape, key, example);
                self.add(
                    key,
                    format!("found {}, expected {expected}", found(value)) + &hint(value, shape),
                );
            }
        }
    }

    fn add(&mut self, key: &str, message: String) {
        self.found.push(Problem::new(key.to_owned(), message));
    }

    fn check_table(&mut self, values: &toml::Table, table: &Table, key: &str) {
        for (name, value) in values {
            let path = below(key, name);
            match table.key(name) {
                Some(key) => self.check(value, &key.shape, &path, key.example.as_ref()),
                None => self.add(&path, unknown_key(name, table, key)),
            }
        }
        let missing = table.keys.iter().filter(|key| key.is_required);
        for missing in missing.filter(|missing| !values.contains_key(&missing.name)) {
            let path = below(key, &missing.name);
            let expected = expected(&missing.shape, &path, missing.example.as_ref());
            self.add(&path, format!("found nothing, expected {expected}"));
        }
    }

    fn check_choice(&mut self, values: &toml::Table, variants: &[Variant], key: &str) {
        let by_name = |name: &String| variants.iter().find(|variant| variant.name == *name);
        let unknown = values.keys().find(|name| by_name(name).is_none());
        if let Some(name) = unknown {
            self.add(key, unknown_name(name, variants));
            return;
        }
        let mut entries = values.iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else {
            let names: Vec<String> = values.keys().map(|name| format!("`{name}`")).collect();
            let found = if names.is_empty() {
                "an empty table".to_owned()
            } else {
                format!("{} together", names.join(" and "))
            };
            self.add(
                key,
                format!("found {found}, expected one of {}", forms(variants, key)),
            );
            return;
        };
        let Some(variant) = by_name(name) else { return };
        match &variant.shape {
            Some(shape) => self.check(value, shape, &below(key, name), variant.example.as_ref()),
            None => self.add(
                key,
                format!(
                    "found a table, expected the name alone: `{} = \"{name}\"`",
                    last(key)
                ),
            ),
        }
    }

    fn check_name(&mut self, name: &str, variants: &[Variant], key: &str) {
        match variants.iter().find(|variant| variant.name == *name) {
            Some(variant) if variant.shape.is_some() => {
                let form = of_variant(variant);
                let form = format!("`{} = {form}`", last(key));
                self.add(
                    key,
                    format!("found the name `{name}` alone, expected a table: {form}"),
                );
            }
            Some(_) => {}
            None if variants.iter().any(|variant| variant.shape.is_none()) || is_word(name) => {
                self.add(key, unknown_name(name, variants));
            }
            None => {
                let found = shortened(name);
                self.add(
                    key,
                    format!("found {found}, expected one of {}", forms(variants, key)),
                );
            }
        }
    }

    /// Ranges are another matter, but for numbers that nothing here holds.
    fn check_whole(&mut self, number: i64, range: &Range, key: &str) {
        let is_held =
            number >= 0 && (number <= i64::from(u32::MAX) || range.most != Some(u32::MAX.into()));
        if !is_held {
            let expected = whole(range);
            self.add(key, format!("found {number}, expected {expected}"));
        }
    }
}

/// What is said of a key that a table does not have.
fn unknown_key(name: &str, table: &Table, key: &str) -> String {
    let names = table.keys.iter().map(|key| key.name.as_str());
    let near = nearest(name, names.clone()).map(|near| below(key, near));
    let elsewhere = || {
        let mut places = places(name);
        let place = (places.len() == 1).then(|| places.remove(0))?;
        let stage = key
            .strip_prefix("stages.")
            .and_then(|rest| rest.split('.').next());
        Some(stage.map_or_else(|| place.clone(), |stage| place.replacen('N', stage, 1)))
    };
    match near.or_else(elsewhere) {
        Some(near) => format!("no such key, did you mean `{near}`?"),
        None => format!(
            "no such key, expected {}",
            listed(&names.collect::<Vec<_>>())
        ),
    }
}

fn unknown_name(name: &str, variants: &[Variant]) -> String {
    let names = variants.iter().map(|variant| variant.name.as_str());
    let near = nearest(name, names.clone());
    let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    let name = shortened(name);
    let name = name.trim_matches('"');
    format!(
        "found `{name}`{near}, expected {}",
        listed(&names.collect::<Vec<_>>())
    )
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => "no key at all".to_owned(),
        [one] => format!("`{one}`"),
        several => {
            let several: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            format!("one of {}", several.join(", "))
        }
    }
}

/// All that a choice may be, as it is written.
fn forms(variants: &[Variant], key: &str) -> String {
    let key = last(key);
    let is_plain = variants.iter().all(|variant| variant.shape.is_none());
    if is_plain || variants.len() > NAMES_WITH_FORMS {
        let names: Vec<String> = variants
            .iter()
            .map(|variant| format!("`{}`", variant.name))
            .collect();
        let first = variants.first().map(of_variant).unwrap_or_default();
        return format!("{}, such as `{key} = {first}`", names.join(", "));
    }
    let forms: Vec<String> = variants
        .iter()
        .map(|variant| format!("`{key} = {}`", of_variant(variant)))
        .collect();
    forms.join(", ")
}

/// What a key takes, in words.
fn expected(shape: &Shape, key: &str, example: Option<&Json>) -> String {
    let is_element = key
        .rsplit('.')
        .next()
        .is_some_and(|part| part.parse::<usize>().is_ok());
    let name = if is_element {
        String::new()
    } else {
        format!("{} = ", last(key))
    };
    let such_as = |what: &str| format!("{what}, such as `{name}{}`", of_shape(shape, example));
    match shape {
        Shape::Flag => "true or false".to_owned(),
        Shape::Whole(range) => whole(range),
        Shape::Number(range) => match range.in_words() {
            words if words.is_empty() => "a number".to_owned(),
            words => format!("a number, {words}"),
        },
        Shape::Text => such_as("text in quotes"),
        Shape::List(element) if matches!(**element, Shape::Table(_)) => {
            let header: Vec<&str> = key
                .split('.')
                .filter(|part| part.parse::<usize>().is_err())
                .collect();
            format!(
                "a list of tables, each of which begins with `[[{}]]`",
                header.join(".")
            )
        }
        Shape::List(_) => such_as("a list"),
        Shape::Table(_) | Shape::Free => such_as("a table"),
        Shape::Choice(variants) => format!("one of {}", forms(variants, key)),
    }
}

fn whole(range: &Range) -> String {
    match range.in_words() {
        words if words.is_empty() => "a whole number".to_owned(),
        words => format!("a whole number, {words}"),
    }
}

/// What stands there.
fn found(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
        Value::Datetime(_) => "a date".to_owned(),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => value.to_string(),
    }
}

/// The same value as it has to be written.
fn hint(value: &Value, shape: &Shape) -> String {
    let (plain, how) = match (shape, value) {
        (Shape::Whole(_) | Shape::Number(_), Value::String(text)) => {
            match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => (text.trim().to_owned(), " without quotes"),
                _ => return String::new(),
            }
        }
        (Shape::Flag, Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            (text.clone(), " without quotes")
        }
        (Shape::Whole(_), Value::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
            (format!("{number:.0}"), "")
        }
        (Shape::Text, Value::Integer(_) | Value::Float(_) | Value::Boolean(_)) => {
            (format!("\"{value}\""), "")
        }
        _ => return String::new(),
    };
    format!(" (write `{plain}`{how})")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn last(key: &str) -> &str {
    let mut parts = key
        .rsplit('.')
        .filter(|part| part.parse::<usize>().is_err());
    parts.next().unwrap_or(key)
}

fn below(key: &str, name: &str) -> String {
    if key.is_empty() {
        name.to_owned()
    } else {
        format!("{key}.{name}")
    }
}
