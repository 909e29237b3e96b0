//! Values that are set over those of a file.

use toml::{Table, Value};

use super::{
    error::ConfigError,
    former_keys::{self, FormerKey},
    root::root,
    shape::Shape,
};

/// A value to be set over a file's: `key.path=value`, list elements by number from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// What gave it, as messages name it.
    flag: String,
    /// Whether the flag is always of the same key.
    is_of_one_key: bool,
    text: String,
    path: Vec<String>,
    value: Value,
    /// The value as given.
    raw: String,
}

impl Override {
    /// Reads `key.path=value`. The value is TOML; what is no TOML value is taken as a string.
    ///
    /// # Errors
    /// [`ConfigError::Override`] when there is no key or no `=`, or a number that no file can hold.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::of_flag("override", text)
    }

    /// As [`parse`](Self::parse), from a flag that messages name, such as `--set`.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn of_flag(flag: &str, text: &str) -> Result<Self, ConfigError> {
        let problem = |expected: &str| ConfigError::Override {
            flag: flag.to_owned(),
            text: text.to_owned(),
            expected: expected.to_owned(),
        };
        let expected = "expected `key.path=value`, such as `stages.0.epochs=3`";
        let (key, value) = text.split_once('=').ok_or_else(|| problem(expected))?;
        let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(problem(expected));
        }
        let value = value.trim();
        let digits = value.trim_start_matches(['-', '+']);
        let is_whole = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        if is_whole && value.parse::<i64>().is_err() {
            return Err(problem("expected a number between -2^63 and 2^63"));
        }
        Ok(Self {
            flag: flag.to_owned(),
            is_of_one_key: false,
            text: text.to_owned(),
            path,
            value: parse_value(value),
            raw: value.to_owned(),
        })
    }

    /// The value of a flag that sets one key, such as `--seed`.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn of_key(flag: &str, key: &str, value: &str) -> Result<Self, ConfigError> {
        let of_flag = Self::of_flag(flag, &format!("{key}={value}"));
        let of_flag = of_flag.map_err(|error| match error {
            // The user gave the value alone.
            ConfigError::Override { flag, expected, .. } => ConfigError::Override {
                flag,
                text: value.to_owned(),
                expected,
            },
            other => other,
        })?;
        Ok(Self {
            is_of_one_key: true,
            ..of_flag
        })
    }

    /// Dotted path of its key.
    pub(super) fn key(&self) -> String {
        former_keys::current(&self.path).join(".")
    }

    /// Its key, if it was given by a former name.
    pub(super) fn former_key(&self) -> Option<FormerKey> {
        let (key, given) = (self.key(), self.path.join("."));
        (key != given).then_some(FormerKey { key, given })
    }

    /// How messages name it.
    pub(super) fn name(&self) -> String {
        if self.is_of_one_key {
            self.flag.clone()
        } else {
            format!("{} {}", self.flag, shortened(&self.path.join(".")))
        }
    }

    /// Sets the value. Where a table has one of several keys, the key takes the place of the one that was there.
    pub(super) fn apply(&self, table: &mut Table) -> Result<(), ConfigError> {
        let mut whole = Value::Table(std::mem::take(table));
        let mut at = &mut whole;
        let mut shape = Some(root());
        for key in &former_keys::current(&self.path) {
            let below = shape.and_then(|shape| shape.below(key));
            if let Some(shape) = shape {
                make_room(at, shape, key);
            }
            match (below, &mut *at) {
                // A list that the file does not have begins with the element that is set.
                (Some(Shape::List(_)), Value::Table(values)) => {
                    values
                        .entry(key.clone())
                        .or_insert_with(|| Value::Array(Vec::new()));
                }
                (Some(_), Value::Array(list)) if list.is_empty() && key == "0" => {
                    list.push(Value::Table(Table::new()));
                }
                _ => {}
            }
            at = self.child(at, key)?;
            shape = below;
        }
        let is_text = matches!(shape, Some(Shape::Text))
            && !matches!(self.value, Value::Table(_) | Value::Array(_));
        *at = match &self.value {
            // A text that looks like a number.
            other if is_text && !other.is_str() => Value::String(self.raw.clone()),
            value => value.clone(),
        };
        if let Value::Table(changed) = whole {
            *table = changed;
        }
        Ok(())
    }

    fn child<'a>(&self, at: &'a mut Value, key: &str) -> Result<&'a mut Value, ConfigError> {
        let problem = |expected: String| ConfigError::Override {
            flag: self.flag.clone(),
            text: self.text.clone(),
            expected,
        };
        match at {
            Value::Table(table) => Ok(table
                .entry(key.to_owned())
                .or_insert_with(|| Value::Table(Table::new()))),
            Value::Array(list) => {
                let length = list.len();
                key.parse::<usize>()
                    .ok()
                    .and_then(|index| list.get_mut(index))
                    .ok_or_else(|| {
                        problem(format!(
                            "`{key}` is no element of a list of {length}, counted from 0"
                        ))
                    })
            }
            other => Err(problem(format!(
                "`{key}` lies below a {}, which has no keys",
                other.type_str()
            ))),
        }
    }
}

/// Takes away what cannot be there together with `key`.
fn make_room(at: &mut Value, shape: &Shape, key: &str) {
    match (shape, at) {
        (Shape::Choice(_), at) => {
            let is_chosen = |table: &Table| table.len() == 1 && table.contains_key(key);
            if !at.as_table().is_some_and(is_chosen) {
                *at = Value::Table(Table::new());
            }
        }
        (Shape::Table(of), Value::Table(values)) if of.one_of.iter().any(|one| one == key) => {
            values.retain(|name, _| name == key || of.one_of.iter().all(|other| other != name));
        }
        _ => {}
    }
}

fn parse_value(text: &str) -> Value {
    match toml::from_str::<Table>(&format!("value = {text}")) {
        Ok(mut table) if table.len() == 1 => table
            .remove("value")
            .unwrap_or_else(|| Value::String(text.to_owned())),
        _ => Value::String(text.to_owned()),
    }
}

/// A key for a message, cut where it would flood the terminal.
fn shortened(key: &str) -> String {
    const LONGEST: usize = 120;
    match key.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &key[..end]),
        None => key.to_owned(),
    }
}
