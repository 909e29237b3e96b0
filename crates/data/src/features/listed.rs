//! A few of many, for messages.

use std::fmt;

/// The first three of many, for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// At most three of them, as they are shown.
    pub first: Vec<String>,
    /// How many there are.
    pub all: usize,
}

impl Listed {
    /// Takes note of all of them.
    pub(crate) fn new(items: impl Iterator<Item = String>) -> Self {
        let mut listed = Self {
            first: Vec::new(),
            all: 0,
        };
        for item in items {
            listed.all += 1;
            if listed.all <= 3 {
                listed.first.push(item);
            }
        }
        listed
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.join(", "))?;
        match self.all - self.first.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
