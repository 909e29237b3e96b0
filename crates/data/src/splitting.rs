//! Sources shared out to training, validation and test by a seed, all targets of a source to one of them.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub(crate) mod problem;

pub use problem::SplitError;

use crate::caption_file::{CaptionLayout, caption_layout, has_columns};
use crate::captions::table_names;
use crate::{DataError, Split, random_order, text};

/// How far fractions may add up to something else than 1.
const TOLERANCE: f64 = 1e-6;

/// How many sources go to training, validation and test.
#[derive(Debug, Clone, PartialEq)]
pub enum Shares {
    /// Fractions of all sources, which add up to 1.
    Fractions([f64; 3]),
    /// Numbers of sources.
    Counts([usize; 3]),
}

impl FromStr for Shares {
    type Err = SplitError;

    fn from_str(given: &str) -> Result<Self, SplitError> {
        let form = || SplitError::Form {
            found: given.to_owned(),
        };
        let parts: Vec<&str> = given.split(',').map(str::trim).collect();
        let parts = match *parts.as_slice() {
            [train, val] => [train, val, "0"],
            [train, val, test] => [train, val, test],
            _ => return Err(form()),
        };
        let counts = parts.map(|part| part.parse::<usize>().ok());
        let shares = if let [Some(train), Some(val), Some(test)] = counts
            && train.max(val).max(test) > 1
        {
            Self::Counts([train, val, test])
        } else {
            let fraction = |part: &str| part.parse().ok().filter(|f| (0.0..=1.0).contains(f));
            let [Some(train), Some(val), Some(test)] = parts.map(fraction) else {
                return Err(form());
            };
            Self::Fractions([train, val, test])
        };
        shares.check()?;
        Ok(shares)
    }
}

impl Shares {
    fn check(&self) -> Result<(), SplitError> {
        let are_nothing = match self {
            Self::Fractions(fractions) => {
                let sum: f64 = fractions.iter().sum();
                if (sum - 1.0).abs() > TOLERANCE {
                    return Err(SplitError::Sum { sum });
                }
                fractions.map(|share| share == 0.0)
            }
            Self::Counts(counts) => counts.map(|share| share == 0),
        };
        for (split, is_nothing) in Split::ALL.into_iter().zip(are_nothing) {
            if is_nothing && split != Split::Test {
                return Err(SplitError::Nothing { split });
            }
        }
        Ok(())
    }

    /// How many of so many sources go to each split; of fractions, the largest remainders are rounded up.
    fn counts(&self, sources: usize) -> Result<[usize; 3], SplitError> {
        let fractions = match self {
            Self::Fractions(fractions) => fractions,
            Self::Counts(counts) => {
                let sum = counts
                    .iter()
                    .fold(0, |sum: usize, &n| sum.saturating_add(n));
                return if sum == sources {
                    Ok(*counts)
                } else {
                    Err(SplitError::Sources { sum, sources })
                };
            }
        };
        let exact = fractions.map(|fraction| fraction * sources as f64);
        let mut counts = exact.map(|share| (share + TOLERANCE).floor() as usize);
        let mut by_remainder = [0, 1, 2];
        let remainder = |k: usize| exact[k] - counts[k] as f64;
        by_remainder.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
        let rest = sources.saturating_sub(counts.iter().sum());
        for k in by_remainder.into_iter().take(rest) {
            counts[k] += 1;
        }
        let empty = (0..3).find(|&k| counts[k] == 0 && fractions[k] > 0.0);
        match empty {
            None => Ok(counts),
            Some(k) => Err(SplitError::TooFew {
                sources,
                split: Split::ALL[k],
            }),
        }
    }
}

/// The split of every source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitTable<S = String> {
    /// The sources, sorted by name, each once.
    pub sources: Vec<(S, Split)>,
}

impl<S: AsRef<str> + Ord> SplitTable<S> {
    /// Shares out sources; their order does not matter, and neither do repeated names.
    ///
    /// # Errors
    ///
    /// The shares do not go with so many sources.
    pub fn draw(mut names: Vec<S>, shares: &Shares, seed: u64) -> Result<Self, SplitError> {
        names.sort_unstable();
        names.dedup();
        let counts = shares.counts(names.len())?;
        let order = random_order(&mut ChaCha8Rng::seed_from_u64(seed), names.len() as u32);
        let mut splits = vec![Split::Train; names.len()];
        let in_order = Split::ALL.into_iter().zip(counts);
        let in_order = in_order.flat_map(|(split, count)| std::iter::repeat_n(split, count));
        for (source, split) in order.into_iter().zip(in_order) {
            splits[source as usize] = split;
        }
        Ok(Self {
            sources: names.into_iter().zip(splits).collect(),
        })
    }

    /// The split of every source.
    pub(crate) fn by_name(&self) -> HashMap<&str, Split> {
        let splits = self.sources.iter();
        splits
            .map(|(source, split)| (source.as_ref(), *split))
            .collect()
    }

    /// Sources of a split.
    pub fn count(&self, split: Split) -> usize {
        self.sources
            .iter()
            .filter(|source| source.1 == split)
            .count()
    }
}

/// As CSV with the header `image,split`, as `captions.kaggle` reads it.
impl<S: AsRef<str>> fmt::Display for SplitTable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("image,split\n")?;
        for (source, split) in &self.sources {
            let source = source.as_ref();
            if source.contains([',', '"', '\n', '\r']) {
                writeln!(f, "\"{}\",{split}", source.replace('"', "\"\""))?;
            } else {
                writeln!(f, "{source},{split}")?;
            }
        }
        Ok(())
    }
}

/// The images of a table of captions, or of a text with a file name a line.
///
/// # Errors
///
/// The file cannot be read, is neither, or names no image.
pub fn read_image_names(path: &Path) -> Result<Vec<String>, DataError> {
    let names = match caption_layout(path)? {
        CaptionLayout::Table => table_names(path)?,
        // A table with another header is told so.
        CaptionLayout::Lines if has_columns(path)? => table_names(path)?,
        CaptionLayout::Lines => {
            let text = text::read(path)?;
            let lines = text.lines().map(str::trim);
            let names = lines.filter(|line| !line.is_empty()).map(str::to_owned);
            names.collect()
        }
        CaptionLayout::Json(_) | CaptionLayout::Results | CaptionLayout::JsonLines => {
            return Err(DataError::NoTable {
                path: path.to_owned(),
            });
        }
    };
    if names.is_empty() {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
