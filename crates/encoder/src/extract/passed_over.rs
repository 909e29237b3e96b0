//! What is in a folder beside images.

use std::{collections::BTreeMap, fmt};

/// Kinds of files that a message names.
const KINDS_NAMED: usize = 12;

/// What is in a folder beside images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Files that are no images, by their endings in small letters with a point (`.txt`); empty for those without.
    pub files: BTreeMap<String, usize>,
    /// Files whose names begin with a point.
    pub hidden: usize,
    /// Folders whose names begin with a point; what is in them is not looked at.
    pub hidden_folders: usize,
    /// Other folders that are not read.
    pub folders: usize,
    /// Files in these, and in folders within them, that are called as images are.
    pub images_in_folders: usize,
    /// Links to folders that are read already.
    pub links: usize,
}

impl PassedOver {
    /// Files, hidden or not.
    pub fn number_of_files(&self) -> usize {
        self.files.values().sum::<usize>() + self.hidden
    }

    /// Whether there is nothing but images.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Folders in words, and how many images are in them.
    fn folders(&self) -> Option<String> {
        let folders = match self.folders {
            0 => return None,
            folders => count(folders, "folder"),
        };
        Some(match self.images_in_folders {
            0 => format!("{folders} without images passed over"),
            images => format!(
                "{folders} with {} passed over (--recursive reads them)",
                count(images, "image")
            ),
        })
    }
}

/// A number with its noun.
fn count(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.files.is_empty() {
            let kind = |(ending, &count): (&String, &usize)| {
                let ending = match ending.as_str() {
                    "" => "without an ending",
                    ending => ending,
                };
                match (count, ending) {
                    (1, ending) => ending.to_owned(),
                    (_, ending) => format!("{count} {ending}"),
                }
            };
            let kinds: Vec<String> = self.files.iter().take(KINDS_NAMED).map(kind).collect();
            let more = match self.files.len().saturating_sub(KINDS_NAMED) {
                0 => String::new(),
                more => format!(" and {}", count(more, "more kind")),
            };
            let files = count(self.files.values().sum(), "file");
            let types = match self.files.values().sum() {
                1 => "of another type",
                _ => "of other types",
            };
            parts.push(format!(
                "{files} {types} passed over: {}{more}",
                kinds.join(", ")
            ));
        }
        if self.hidden > 0 {
            parts.push(format!("{} passed over", count(self.hidden, "hidden file")));
        }
        if self.hidden_folders > 0 {
            let folders = count(self.hidden_folders, "hidden folder");
            parts.push(format!("{folders} passed over"));
        }
        parts.extend(self.folders());
        if self.links > 0 {
            let links = count(self.links, "link");
            parts.push(format!(
                "{links} to folders that are read already passed over"
            ));
        }
        f.write_str(&parts.join("; "))
    }
}
