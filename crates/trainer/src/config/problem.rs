//! What is wrong with values of a configuration.

use std::fmt;

use super::limits;

/// One value that cannot be used, or one that cannot be used together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    key: String,
    message: String,
    /// Keys and values that it contradicts.
    with: Vec<(String, Option<String>)>,
}

impl Problem {
    pub(super) fn new(key: String, message: String) -> Self {
        Self {
            key,
            message,
            with: Vec::new(),
        }
    }

    /// The same with every key as `name` puts it.
    pub(super) fn with_keys(mut self, name: impl Fn(String) -> String) -> Self {
        let others = self.with.iter_mut().map(|(key, _)| key);
        for key in others.chain([&mut self.key]) {
            *key = name(std::mem::take(key));
        }
        self
    }

    /// Dotted path of the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Dotted paths of all keys that it takes.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let others = self.with.iter().map(|(key, _)| key.as_str());
        std::iter::once(self.key()).chain(others)
    }

    /// The problem in words, every key as `name` puts it: "NAME: found ..., expected ...".
    pub fn in_words(&self, name: impl Fn(&str) -> String) -> String {
        let mut words = format!("{}: {}", name(&self.key), self.message);
        for (k, (key, value)) in self.with.iter().enumerate() {
            words += if k == 0 {
                ", which cannot hold together with "
            } else {
                " and "
            };
            words += &name(key);
            if let Some(value) = value {
                words += " `";
                words += value;
                words += "`";
            }
        }
        words
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(|key| format!("key `{key}`")))
    }
}

/// Collects problems below a key.
pub(super) struct Checker<'a> {
    prefix: String,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(problems: &'a mut Vec<Problem>) -> Self {
        Self {
            prefix: String::new(),
            problems,
        }
    }
}

impl Checker<'_> {
    pub(super) fn below(&mut self, key: &str) -> Checker<'_> {
        let prefix = format!("{}{key}.", self.prefix);
        Checker {
            prefix,
            problems: self.problems,
        }
    }

    pub(super) fn require(
        &mut self,
        holds: bool,
        key: &str,
        found: impl fmt::Display,
        expected: &str,
    ) {
        if !holds {
            let message = format!("found {found}, expected {expected}");
            self.push(key, message, Vec::new());
        }
    }

    /// A problem with a value that is told by `message`, and the keys and values that it contradicts, their paths whole.
    pub(super) fn push(&mut self, key: &str, message: String, with: Vec<(String, Option<String>)>) {
        self.problems.push(Problem {
            key: self.path(key),
            message,
            with,
        });
    }

    /// Whether no problem was found below the key.
    pub(super) fn is_clean(&self) -> bool {
        let mut problems = self.problems.iter();
        !problems.any(|problem| problem.key.starts_with(&self.prefix))
    }

    /// The whole path of a key.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// A number that sizes or lengths of time depend on.
    pub(super) fn within(&mut self, key: &str, found: u64, largest: u64) {
        self.require(found >= 1, key, found, "1 or more");
        self.at_most(key, found, largest);
    }

    pub(super) fn at_most(&mut self, key: &str, found: u64, largest: u64) {
        self.require(found <= largest, key, found, &format!("at most {largest}"));
    }

    /// A number of things that are counted one by one.
    pub(super) fn count(&mut self, key: &str, found: u64) {
        self.within(key, found, limits::COUNT);
    }

    pub(super) fn fraction(&mut self, key: &str, found: f64) {
        let inside = (0.0..=1.0).contains(&found);
        self.require(inside, key, found, "a number from 0 to 1");
    }

    pub(super) fn below_one(&mut self, key: &str, found: f64) {
        let inside = (0.0..1.0).contains(&found);
        self.require(inside, key, found, "0 or more, less than 1");
    }

    pub(super) fn at_least_zero(&mut self, key: &str, found: f64) {
        let inside = found >= 0.0 && found.is_finite();
        self.require(inside, key, found, "a finite number, 0 or more");
    }

    pub(super) fn positive(&mut self, key: &str, found: f64) {
        let inside = found > 0.0 && found.is_finite();
        self.require(inside, key, found, "a finite number above 0");
    }
}
