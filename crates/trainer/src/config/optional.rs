//! Keys that may be left out and then do not show among the defaults: their meaning, as comments.

use toml::{Table, Value};

use super::{
    Config,
    error::ConfigError,
    example::of_shape,
    root::root,
    shape::{Key, Shape},
};

impl Config {
    /// The resolved configuration as TOML, all defaults shown, and what is not set as a comment with its meaning.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub fn to_commented_toml(&self) -> Result<String, ConfigError> {
        let plain = self.to_toml()?;
        let whole = Table::try_from(self).map(Value::Table);
        let whole = whole.unwrap_or_else(|_| Value::Table(Table::new()));
        let mut text = comments(root(), &whole);
        let mut seen: Vec<(String, usize)> = Vec::new();
        for line in plain.lines() {
            text += line;
            text.push('\n');
            if let Some(path) = header(line, &mut seen) {
                text += &comments_below(&path, &whole);
            }
        }
        Ok(text)
    }
}

/// The path of the table that a line begins, its place in lists among `seen`.
fn header(line: &str, seen: &mut Vec<(String, usize)>) -> Option<Vec<String>> {
    let element = line
        .strip_prefix("[[")
        .and_then(|rest| rest.strip_suffix("]]"));
    let table = || line.strip_prefix('[')?.strip_suffix(']');
    let name = element.or_else(table)?;
    if element.is_some() {
        // What lies below the element before is seen no more.
        seen.retain(|(list, _)| !list.starts_with(&format!("{name}.")));
        match seen.iter_mut().find(|(list, _)| list == name) {
            Some((_, number)) => *number += 1,
            None => seen.push((name.to_owned(), 0)),
        }
    }
    let (mut path, mut so_far) = (Vec::new(), String::new());
    for part in name.split('.') {
        so_far = if so_far.is_empty() {
            part.to_owned()
        } else {
            format!("{so_far}.{part}")
        };
        path.push(part.to_owned());
        if let Some((_, number)) = seen.iter().find(|(list, _)| *list == so_far) {
            path.push(number.to_string());
        }
    }
    Some(path)
}

/// The comments of the table at a path.
fn comments_below(path: &[String], whole: &Value) -> String {
    let mut at = (Some(root()), Some(whole));
    for part in path {
        let shape = at.0.and_then(|shape| shape.below(part));
        let value = at.1.and_then(|value| match part.parse::<usize>() {
            Ok(number) => value.get(number),
            Err(_) => value.get(part.as_str()),
        });
        at = (shape, value);
    }
    match at {
        (Some(shape), Some(value)) => comments(shape, value),
        _ => String::new(),
    }
}

/// A line for every key that a table does not have; of several of which it has one, only numbers.
fn comments(shape: &Shape, value: &Value) -> String {
    let (Shape::Table(table), Value::Table(values)) = (shape, value) else {
        return String::new();
    };
    let is_chosen = |group: &[String], key: &Key| {
        let is_set = group.iter().any(|name| values.contains_key(name));
        is_set && group.contains(&key.name) && matches!(key.shape, Shape::Table(_))
    };
    let keys = table
        .keys
        .iter()
        .filter(|key| !values.contains_key(&key.name));
    let keys =
        keys.filter(|key| !is_chosen(&table.one_of, key) && !is_chosen(&table.never_both, key));
    let line = |key: &Key| {
        let example = of_shape(&key.shape, key.default.as_ref().or(key.example.as_ref()));
        format!(
            "# {} = {example}  # {}\n",
            key.name,
            first_letter_small(&key.meaning)
        )
    };
    keys.map(line).collect()
}

fn first_letter_small(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use scst_model::CaptionerRegistry;

    use super::*;

    const MINIMAL: &str = r#"
        data.captions.karpathy = { path = "captions.json" }
        data.features.folder = { path = "features" }
        model.fc = {}
        validation.decoder.search.sample = {}
        [[stages]]
        epochs = 2
        xe = {}
        [[stages]]
        steps = 10
        dropout = 0.1
        [stages.scst]
        mixer = {}
        [[stages.scst.rewards]]
        cider_d = {}
        [[stages.scst.rewards]]
        bleu = {}
    "#;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(
            text,
            Path::new("run.toml"),
            Vec::new(),
            &CaptionerRegistry::default(),
        )
        .map(Config::from)
    }

    /// Paths of all keys of a table and the tables below it that are absent and may be set.
    fn absent(shape: &Shape, value: &Value, keys: &mut Vec<String>) {
        match (shape, value) {
            (Shape::Table(table), Value::Table(values)) => {
                for key in &table.keys {
                    match values.get(&key.name) {
                        Some(value) => absent(&key.shape, value, keys),
                        None => keys.push(key.name.clone()),
                    }
                }
            }
            (Shape::Choice(_), Value::Table(values)) => {
                for (name, value) in values {
                    absent(shape.below(name).unwrap(), value, keys);
                }
            }
            (Shape::List(element), Value::Array(list)) => {
                for value in list {
                    absent(element, value, keys);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_key_that_is_absent_stands_as_a_comment_and_comments_change_nothing() {
        let config = parse(MINIMAL).unwrap();
        let text = config.to_commented_toml().unwrap();
        assert_eq!(parse(&text).unwrap(), config);
        let lines: Vec<&str> = text.lines().collect();
        let comments = (0..lines.len()).filter(|&k| lines[k].starts_with("# "));
        let mut keys = Vec::new();
        for k in comments {
            let mut uncommented = lines.clone();
            uncommented[k] = &lines[k][2..];
            keys.push(
                uncommented[k]
                    .split(' ')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
            // A value may contradict others; a key that does not exist, or has another form, is another error.
            let parsed = parse(&uncommented.join("\n"));
            let is_known = match &parsed {
                Ok(_) => true,
                Err(error @ ConfigError::Problems { .. }) => {
                    !error.to_string().contains("no such key")
                }
                Err(_) => false,
            };
            assert!(is_known, "{}: {parsed:?}", lines[k]);
        }
        let mut expected = Vec::new();
        let whole = Value::Table(Table::try_from(&config).unwrap());
        absent(root(), &whole, &mut expected);
        // The objective and the reward that are set are one of several.
        let chosen = |key: &String| {
            let others = [
                "xe",
                "scst",
                "cider_d",
                "bleu",
                "rouge_l",
                "mixer_bleu",
                "meteor",
                "word_error_rate",
                "phoneme_error_rate",
                "character_error_rate",
                "exact_match",
                "chrf",
                "sacrebleu",
                "rouge_score",
                "command",
                "custom",
            ];
            others.contains(&key.as_str()) || key.ends_with("_penalty")
        };
        expected.retain(|key| !chosen(key));
        expected.sort();
        keys.sort();
        assert_eq!(keys, expected);
        assert!(keys.len() > 20, "{keys:?}");
    }
}
