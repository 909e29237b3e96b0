//! Captions of runs and files, and whether they can be compared.

use std::path::PathBuf;

use scst_reward::Item;

use crate::failure::Failure;

/// A side of a comparison: one run or file, or one a seed.
pub(super) struct Side {
    /// What it was given as.
    pub(super) name: String,
    pub(super) runs: Vec<Captions>,
}

impl Side {
    /// That of paths as they were given.
    pub(super) fn of(paths: &[PathBuf], runs: Vec<Captions>) -> Self {
        let paths = paths.iter().map(|path| path.display().to_string());
        Self {
            name: paths.collect::<Vec<_>>().join(" "),
            runs,
        }
    }
}

/// The captions of a run or file, with what they are compared with, source by source.
pub(super) struct Captions {
    /// The run or file.
    pub(super) path: String,
    /// What the sources are: images or texts.
    pub(super) kind: &'static str,
    /// What every source is called.
    pub(super) sources: Vec<String>,
    /// The caption of every source.
    pub(super) texts: Vec<String>,
    pub(super) references: Vec<Vec<String>>,
    /// The same as it stood before it became words, if that is another.
    pub(super) raw: Option<Box<Captions>>,
    /// How captions were decoded, if that is known.
    pub(super) decoder: Option<String>,
    /// How texts became words, as signatures have it.
    pub(super) words: String,
}

impl Captions {
    pub(super) fn items(&self) -> Vec<Item<'_, str, String>> {
        let captions = self.texts.iter().zip(&self.references);
        captions
            .map(|(caption, references)| Item {
                candidate: caption.as_str(),
                references,
            })
            .collect()
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

/// Refuses sides that were not evaluated on the same sources and references.
pub(super) fn check_alike(sides: &[Side]) -> Result<(), Failure> {
    let mut runs = sides.iter().flat_map(|side| &side.runs);
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
            let side = |run: Captions| Side {
                name: run.path.clone(),
                runs: vec![run],
            };
            let refused = check_alike(&[side(captions("runs/a")), side(other)]).err();
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
