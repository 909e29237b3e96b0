//! Whether a table of document frequencies that a reward program is given is of the captions that are trained on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use scst_data::{Example, PickledFrequencies};
use scst_reward::DocumentFrequency;

use crate::config::StageConfig;

/// Share of the words of the training captions that a table may lack. A table of the same captions lacks none, one of all
/// splits neither.
const MANY_UNKNOWN: f64 = 0.05;
/// Mean difference of two tables in what share of the sources hold a word, relative to that share. Between tables of training
/// sources and of all sources it is below .05, as they share most.
const FAR_APART: f64 = 0.5;
/// Larger files are not read for this.
const LARGEST: u64 = 1 << 30;

/// A table that is of other captions.
///
/// `Display` gives one sentence: where, what was found, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignTable {
    /// Name of the stage.
    pub stage: String,
    /// Name of the reward.
    pub reward: String,
    /// The file.
    pub path: PathBuf,
    /// Sources that it counts.
    pub sources: u64,
    /// What of it does not fit.
    pub mismatch: TableMismatch,
}

/// What of a table does not fit the training captions.
#[derive(Debug, Clone, PartialEq)]
pub enum TableMismatch {
    /// It lacks words of theirs.
    Words {
        /// Share of the words of the training captions, every occurrence counted, 0 to 1.
        unknown: f64,
        /// One of them.
        example: String,
    },
    /// It counts fewer sources than hold one of its words, so that common n-grams weigh less than nothing.
    Sources {
        /// The word.
        word: String,
        /// Sources that hold it.
        frequency: u32,
    },
    /// Words are common in it that are rare in the captions, or the other way round.
    Frequencies {
        /// The word that differs most.
        word: String,
        /// Share of the sources that hold it, in the table and in the training captions, 0 to 1.
        shares: [f64; 2],
    },
}

impl fmt::Display for ForeignTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stage,
            reward,
            path,
            sources,
            mismatch,
        } = self;
        let path = path.display();
        write!(f, "stage `{stage}`, reward `{reward}`, `{path}`: ")?;
        match mismatch {
            TableMismatch::Words { unknown, example } => write!(
                f,
                "found a table of document frequencies that lacks {:.0} % of the words of the training captions, such as \
                 `{example}`",
                100.0 * unknown
            )?,
            TableMismatch::Sources { word, frequency } => write!(
                f,
                "found a table of document frequencies that counts {sources} sources and `{word}` in {frequency} of them, so that \
                 common words weigh less than nothing"
            )?,
            TableMismatch::Frequencies {
                word,
                shares: [table, own],
            } => write!(
                f,
                "found a table of document frequencies in which `{word}` is in {:.0} % of the sources and in {:.0} % of the \
                 training sources",
                100.0 * table,
                100.0 * own
            )?,
        }
        f.write_str(
            ", expected the table of these captions: a reward with the wrong table rises while captions get worse; count one \
             with `scst document-frequency`",
        )
    }
}

/// The tables of other captions that the reward programs of a stage are given as arguments.
pub(crate) fn foreign_tables(stage: &StageConfig, train: &[Example]) -> Vec<ForeignTable> {
    let commands = stage.scst.iter().flat_map(|scst| &scst.rewards);
    let commands = commands.filter_map(|entry| entry.command.as_ref());
    let tables = commands.flat_map(|command| {
        let arguments = command.program.iter().skip(1);
        let paths = arguments.map(|text| Path::new(text.rsplit('=').next().unwrap_or(text)));
        let tables = paths.filter_map(|path| Some((path, read(path)?)));
        tables.map(|(path, table)| (command.name.clone(), path.to_owned(), table))
    });
    let tables: Vec<_> = tables.collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let words = Words::of(train.iter().map(Example::references));
    let foreign = tables.into_iter().filter_map(|(reward, path, table)| {
        Some(ForeignTable {
            stage: stage.name.clone(),
            reward,
            path,
            sources: table.images(),
            mismatch: words.mismatch(&table)?,
        })
    });
    foreign.collect()
}

/// The table in a file, if it is one and holds its words. What cannot be read is for the program to say.
fn read(path: &Path) -> Option<DocumentFrequency> {
    let found = fs::metadata(path).ok()?;
    if !found.is_file() || found.len() > LARGEST {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    let table = if PickledFrequencies::is_pickle(&bytes) {
        let table = PickledFrequencies::read(path).ok()?;
        let counted = DocumentFrequency::from_counts(table.images, &table.ngrams).ok()?;
        counted.with_words(table.words).ok()?
    } else {
        DocumentFrequency::from_bytes(&bytes).ok()?
    };
    (!table.words().is_empty()).then_some(table)
}

/// The words of training captions.
struct Words<'a> {
    sources: usize,
    /// How often each stands, and in how many sources.
    counts: BTreeMap<&'a str, (u64, u32)>,
}

impl<'a> Words<'a> {
    /// Of the references of every source.
    fn of(train: impl Iterator<Item: Iterator<Item = &'a str>>) -> Self {
        let mut counts: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
        let mut sources = 0;
        for references in train {
            sources += 1;
            let words: Vec<&str> = references.flat_map(str::split_whitespace).collect();
            for word in &words {
                counts.entry(word).or_default().0 += 1;
            }
            for word in words.into_iter().collect::<BTreeSet<_>>() {
                counts.entry(word).or_default().1 += 1;
            }
        }
        Self { sources, counts }
    }

    /// What of the table does not fit them, if anything.
    fn mismatch(&self, table: &DocumentFrequency) -> Option<TableMismatch> {
        let ids = table.words().iter().zip(0..);
        let ids: BTreeMap<&str, u32> = ids.map(|(word, id)| (word.as_str(), id)).collect();
        let frequency = |word: &str| ids.get(word).map_or(0, |&id| table.frequency(&[id]));
        let words: u64 = self.counts.values().map(|(count, _)| count).sum();
        let unknown = self.counts.iter().filter(|(word, _)| frequency(word) == 0);
        let lacking: u64 = unknown.clone().map(|(_, (count, _))| count).sum();
        let share = lacking as f64 / words.max(1) as f64;
        if share > MANY_UNKNOWN {
            let most = unknown.max_by_key(|(_, (count, _))| *count);
            return Some(TableMismatch::Words {
                unknown: share,
                example: most.map_or_else(String::new, |(word, _)| (*word).to_owned()),
            });
        }
        let largest = self.counts.keys().max_by_key(|word| frequency(word))?;
        if u64::from(frequency(largest)) > table.images() {
            return Some(TableMismatch::Sources {
                word: (*largest).to_owned(),
                frequency: frequency(largest),
            });
        }
        let shares = |(word, (_, own)): (&&str, &(u64, u32))| {
            let table = f64::from(frequency(word)) / table.images().max(1) as f64;
            [table, f64::from(*own) / self.sources.max(1) as f64]
        };
        let difference = |[table, own]: [f64; 2]| (table - own).abs();
        let apart: f64 = self.counts.iter().map(shares).map(difference).sum();
        let all: f64 = self.counts.iter().map(shares).map(|[_, own]| own).sum();
        let most = self
            .counts
            .iter()
            .max_by(|a, b| difference(shares(*a)).total_cmp(&difference(shares(*b))))?;
        (apart > FAR_APART * all).then(|| TableMismatch::Frequencies {
            word: (*most.0).to_owned(),
            shares: shares(most),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(captions: &[&str]) -> Vec<Vec<String>> {
        let source = |text: &&str| vec![(*text).to_owned()];
        captions.iter().map(source).collect()
    }

    /// What of the table of these captions does not fit those.
    fn mismatch(table: &[&str], own: &[&str]) -> Option<TableMismatch> {
        let table = DocumentFrequency::from_texts(&references(table)).unwrap();
        let own = references(own);
        Words::of(own.iter().map(|texts| texts.iter().map(String::as_str))).mismatch(&table)
    }

    #[test]
    fn table_of_the_same_captions_and_of_more_of_them_fits() {
        let own = ["a dog runs", "a cat sits", "two dogs", "a cat runs"];
        assert_eq!(mismatch(&own, &own), None);
        assert_eq!(mismatch(&[own, own].concat(), &own), None);
    }

    #[test]
    fn table_of_other_captions_is_told_by_words_and_by_how_common_they_are() {
        let own = ["a dog runs", "a cat sits", "a dog sits"];
        let found = mismatch(&["two men ride", "a man walks"], &own);
        let Some(TableMismatch::Words { unknown, example }) = found else {
            panic!("{found:?}");
        };
        assert!((unknown - 6.0 / 9.0).abs() < 1e-12);
        assert!(["dog", "sits"].contains(&example.as_str()), "{example}");
        // The same words, of which others are common.
        let others = ["dog", "dog", "dog", "dog", "a cat sits runs", "dog", "dog"];
        let found = mismatch(&others, &own);
        let Some(TableMismatch::Frequencies { word, .. }) = found else {
            panic!("{found:?}");
        };
        assert_eq!(word, "a");
    }

    #[test]
    fn table_that_counts_too_few_sources_is_told() {
        let own = references(&["a dog", "a cat", "a man"]);
        let table = DocumentFrequency::from_texts(&own).unwrap();
        let table = table.with_images(2).unwrap();
        let found =
            Words::of(own.iter().map(|texts| texts.iter().map(String::as_str))).mismatch(&table);
        let expected = TableMismatch::Sources {
            word: "a".to_owned(),
            frequency: 3,
        };
        assert_eq!(found, Some(expected));
    }
}
