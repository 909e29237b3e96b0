//! Captions of runs and files, and whether they can be compared.

use std::path::PathBuf;

use scst_reward::{CorpusCounts, Item, TextMetric};
use scst_significance::Counts;

use crate::failure::Failure;

/// A side of a comparison: one run or file, or one a seed.
pub(crate) struct Side {
    /// What it was given as.
    pub(crate) name: String,
    pub(crate) runs: Vec<Captions>,
}

impl Side {
    /// That of paths as they were given.
    pub(crate) fn of(paths: &[PathBuf], runs: Vec<Captions>) -> Self {
        let paths = paths.iter().map(|path| path.display().to_string());
        Self {
            name: paths.collect::<Vec<_>>().join(" "),
            runs,
        }
    }
}

/// The captions of a run or file, with what they are compared with, source by source.
#[derive(Clone)]
pub(crate) struct Captions {
    /// The run or file.
    pub(crate) path: String,
    /// What the sources are: images or texts.
    pub(crate) kind: &'static str,
    /// What every source is called.
    pub(crate) sources: Vec<String>,
    /// The caption of every source.
    pub(crate) texts: Vec<String>,
    pub(crate) references: Vec<Vec<String>>,
    /// The same as it stood before it became words, if that is another.
    pub(crate) raw: Option<Box<Captions>>,
    /// How captions were decoded, if that is known.
    pub(crate) decoder: Option<String>,
    /// How texts became words, as signatures have it.
    pub(crate) words: String,
}

impl Captions {
    fn items(&self) -> Vec<Item<'_, str, String>> {
        let captions = self.texts.iter().zip(&self.references);
        captions
            .map(|(caption, references)| Item {
                candidate: caption.as_str(),
                references,
            })
            .collect()
    }

    /// What the metrics count of every caption.
    pub(crate) fn counts(&self, metrics: &[TextMetric]) -> Result<CorpusCounts, Failure> {
        let items = self.items();
        let raw = self.raw.as_deref();
        let counts = match raw {
            None => CorpusCounts::of_text(&items, &items, metrics),
            Some(raw) => CorpusCounts::of_text(&items, &raw.items(), metrics),
        };
        Ok(counts?)
    }

    /// Why they cannot be compared with `first`.
    fn difference(&self, first: &Self) -> Option<String> {
        let (kind, expected) = (self.kind, first.kind);
        if kind != expected {
            return Some(format!("found {kind}, expected {expected}"));
        }
        let (found, expected) = (self.sources.len(), first.sources.len());
        if found != expected {
            return Some(format!("found {found} {kind}, expected {expected}"));
        }
        let mut pairs = self.sources.iter().zip(&first.sources);
        if let Some((found, expected)) = pairs.find(|(found, expected)| found != expected) {
            return Some(format!("found `{found}` where `{expected}` was expected"));
        }
        if self.words != first.words {
            let name = |captions: &Self| {
                let name = captions.words.rsplit(':').next();
                name.map_or(String::new(), str::to_owned)
            };
            let (found, expected) = (name(self), name(first));
            return Some(format!(
                "found words of the kind `{found}`, expected `{expected}`"
            ));
        }
        let mut pairs = self.references.iter().zip(&first.references);
        let source = pairs.position(|(found, expected)| found != expected)?;
        Some(format!(
            "found other references of `{}`",
            self.sources[source]
        ))
    }
}

/// The counts of captions as resampling takes them.
pub(crate) fn counts_of(counts: &CorpusCounts) -> Result<Counts, Failure> {
    let rows = counts.rows();
    let width = rows.first().map_or(0, Vec::len);
    Ok(Counts::new(width, rows.concat())?)
}

/// Refuses captions that are not of the same sources and references.
pub(crate) fn check_alike<'a>(runs: impl IntoIterator<Item = &'a Captions>) -> Result<(), Failure> {
    let mut runs = runs.into_iter();
    let Some(first) = runs.next() else {
        return Ok(());
    };
    let mut differences = runs.filter_map(|run| Some((run, run.difference(first)?)));
    differences.next().map_or(Ok(()), |(run, difference)| {
        Err(Failure::Mistake(format!(
            "`{}` cannot be compared with `{}`: {difference}; both need the same data, split and words",
            run.path, first.path
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captions(path: &str) -> Captions {
        Captions {
            path: path.to_owned(),
            kind: "images",
            sources: vec!["a.jpg".to_owned(), "b.jpg".to_owned()],
            texts: vec!["a dog".to_owned(), "a cat".to_owned()],
            references: vec![vec!["the dog".to_owned()], vec!["the cat".to_owned()]],
            raw: None,
            decoder: None,
            words: "|words:words".to_owned(),
        }
    }

    type Change = fn(&mut Captions);

    #[test]
    fn sides_of_other_data_are_refused() {
        let message = |change: &dyn Fn(&mut Captions)| {
            let mut other = captions("runs/b");
            change(&mut other);
            let refused = check_alike([&captions("runs/a"), &other]).err();
            refused.map_or(String::new(), |failure| failure.to_string())
        };
        assert_eq!(message(&|_| ()), "");
        let same: Change = |other| other.texts[0] = "an animal".to_owned();
        assert_eq!(message(&same), "");
        let changes: [(Change, &str); 5] = [
            (|other| other.kind = "texts", "found texts, expected images"),
            (
                |other| other.sources.truncate(1),
                "found 1 images, expected 2",
            ),
            (
                |other| other.sources[1] = "c.jpg".to_owned(),
                "found `c.jpg` where `b.jpg` was expected",
            ),
            (
                |other| other.words = "|words:characters".to_owned(),
                "found words of the kind `characters`, expected `words`",
            ),
            (
                |other| other.references[1][0] = "cat".to_owned(),
                "found other references of `b.jpg`",
            ),
        ];
        for (change, expected) in changes {
            assert_eq!(
                message(&change),
                format!(
                    "`runs/b` cannot be compared with `runs/a`: {expected}; both need the same data, split and words"
                )
            );
        }
    }
}
