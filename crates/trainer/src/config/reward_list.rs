//! A list of rewards by itself, outside of a configuration.

use std::{fs, path::Path};

use scst_reward::RewardEntry;
use serde::Deserialize;
use toml::{Table, Value};

use super::{ConfigError, forms, wording};

/// A file that holds a list of rewards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    rewards: Vec<RewardEntry>,
}

/// The rewards of a flag: names joined by commas, with default options; entries as a configuration has them,
/// `[{ weight = 0.5, bleu = {} }]`; or the path of a TOML file with a list `rewards`.
///
/// # Errors
/// [`ConfigError::Read`] and [`ConfigError::Override`], which name the flag, the key and what was expected.
pub fn parse_rewards(flag: &str, text: &str) -> Result<Vec<RewardEntry>, ConfigError> {
    let problem = |expected: String| ConfigError::Override {
        flag: flag.to_owned(),
        text: text.to_owned(),
        expected,
    };
    let syntax = |error: toml::de::Error| {
        let line = error.message().trim();
        problem(format!("found no TOML: {}", wording::syntax(line)))
    };
    let is_file = Path::new(text).extension().is_some_and(|e| e == "toml");
    let table: Table = if is_file {
        let read = fs::read_to_string(text).map_err(|source| ConfigError::Read {
            path: text.into(),
            source,
        })?;
        toml::from_str(&read).map_err(syntax)?
    } else if text.trim_start().starts_with('[') {
        toml::from_str(&format!("rewards = {text}")).map_err(syntax)?
    } else if text.trim_start().starts_with('{') {
        toml::from_str(&format!("rewards = [{text}]")).map_err(syntax)?
    } else {
        let entry = |name: &str| Table::from_iter([(name.trim().to_owned(), Table::new().into())]);
        let entries = text.split(',').map(|name| Value::Table(entry(name)));
        Table::from_iter([("rewards".to_owned(), entries.collect::<Vec<_>>().into())])
    };
    if let Some(found) = forms::problems_of_rewards(&table).first() {
        return Err(problem(found.to_string()));
    }
    let list: List = serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        let key = wording::dotted(error.path());
        problem(format!(
            "key `{key}`: {}",
            wording::plain(error.inner().message())
        ))
    })?;
    Ok(list.rewards)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(f64, bool, bool)> {
        let entries = parse_rewards("--reward", text).unwrap();
        let entries = entries.iter();
        entries
            .map(|entry| (entry.weight, entry.cider_d.is_some(), entry.bleu.is_some()))
            .collect()
    }

    #[test]
    fn rewards_are_read_by_name_as_entries_and_from_a_file() {
        assert_eq!(names("cider_d"), [(1.0, true, false)]);
        assert_eq!(
            names("cider_d, bleu"),
            [(1.0, true, false), (1.0, false, true)]
        );
        assert_eq!(
            names("{ weight = 0.5, bleu = { order = 2 } }"),
            [(0.5, false, true)]
        );
        let list = "[{ cider_d = {} }, { weight = 2, bleu = {} }]";
        let both = [(1.0, true, false), (2.0, false, true)];
        assert_eq!(names(list), both);
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        fs::write(file.path(), format!("rewards = {list}")).unwrap();
        assert_eq!(names(file.path().to_str().unwrap()), both);
    }

    #[test]
    fn mistakes_name_the_flag_and_the_key() {
        for (text, expected) in [
            (
                "cidr",
                "--reward `cidr`: key `rewards.0.cidr`: no such key, did you mean `rewards.0.cider_d`?",
            ),
            (
                "[{ bleu = { order = \"2\" } }]",
                "key `rewards.0.bleu.order`: found \"2\", expected a whole number, 1 to 4",
            ),
            ("[{ bleu = ]", "--reward `[{ bleu = ]`: found no TOML"),
            (
                "missing.toml",
                "cannot read the configuration `missing.toml`",
            ),
        ] {
            let message = parse_rewards("--reward", text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
