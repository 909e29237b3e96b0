//! The one place where a step's contributions meet.
//!
//! Objectives return sums, never means. All sums of a step pass through a [`Reduction`], in a fixed
//! order, and only then are they divided by the counts of the whole step.

use std::collections::BTreeMap;

use scst_loss::{Counts, MovingAverage};
use scst_model::Gradients;
use serde::{Deserialize, Deserializer, Serialize};

/// A sum of values together with what it is to be divided by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    #[serde(deserialize_with = "null_as_nan")]
    total: f64,
    count: f64,
}

/// JSON has no numbers that are not finite: they are written as `null`.
fn null_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Option::deserialize(deserializer).map(|total| total.unwrap_or(f64::NAN))
}

/// Named means in the making.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tally {
    sums: BTreeMap<String, Sum>,
}

impl Tally {
    /// Adds `total`, a sum over `count` things, to the mean `name`.
    pub(crate) fn add(&mut self, name: &str, total: f64, count: f64) {
        let sum = self.sums.entry(name.to_owned()).or_default();
        sum.total += total;
        sum.count += count;
    }

    /// Adds a list of values to the mean `name`.
    pub(crate) fn add_all(&mut self, name: &str, values: impl IntoIterator<Item = f64>) {
        for value in values {
            self.add(name, value, 1.0);
        }
    }

    /// Adds all of `other`.
    pub(crate) fn merge(&mut self, other: Self) {
        for (name, sum) in other.sums {
            self.add(&name, sum.total, sum.count);
        }
    }

    /// The mean `name` alone, under another name.
    pub(crate) fn only(mut self, name: &str, new: &str) -> Self {
        let sum = self.sums.remove(name);
        Self {
            sums: sum.map(|sum| (new.to_owned(), sum)).into_iter().collect(),
        }
    }

    /// All means that have a count, in the order of their names.
    pub(crate) fn means(&self) -> Vec<(String, f64)> {
        let counted = self.sums.iter().filter(|(_, sum)| sum.count > 0.0);
        counted
            .map(|(name, sum)| (name.clone(), sum.total / sum.count))
            .collect()
    }

    /// The sum of what was added to `name`.
    pub(crate) fn total(&self, name: &str) -> f64 {
        self.sums.get(name).map_or(0.0, |sum| sum.total)
    }
}

/// What one part of a batch contributes to a step.
#[derive(Debug, Default)]
pub(crate) struct Contribution {
    /// Summed gradients.
    pub(crate) gradients: Gradients,
    /// What they are sums over.
    pub(crate) counts: Counts,
    /// Metrics.
    pub(crate) tally: Tally,
    /// What the baseline of drawn regions learns from.
    pub(crate) drawn_captions: DrawnCaptions,
}

impl Contribution {
    fn merge(&mut self, other: Self) {
        self.gradients.merge(other.gradients);
        self.counts += other.counts;
        self.tally.merge(other.tally);
        self.drawn_captions.log_probability += other.drawn_captions.log_probability;
        self.drawn_captions.count += other.drawn_captions.count;
    }
}

/// Captions whose regions were drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct DrawnCaptions {
    /// Their log-probabilities, nats, summed.
    pub(crate) log_probability: f64,
    /// How many they are.
    pub(crate) count: u64,
}

impl DrawnCaptions {
    /// Takes their mean into a baseline, if there are any.
    pub(crate) fn teach(&self, baseline: &mut MovingAverage) {
        if self.count > 0 {
            baseline.update(self.log_probability / self.count as f64);
        }
    }
}

/// The sum of the contributions to a step, added in one fixed binary tree: pairs of neighbours first, then pairs of
/// pairs, what is left over last. It depends on their order alone, not on who computed them or when.
///
/// ```text
/// ((1 + 2) + (3 + 4)) + 5
/// ```
#[derive(Debug, Default)]
pub(crate) struct Reduction {
    /// Sums of 2^k contributions each, `k` falling.
    sums: Vec<(u32, Contribution)>,
}

impl Reduction {
    /// Adds the next contribution.
    pub(crate) fn add(&mut self, part: Contribution) {
        let mut own = (0, part);
        while let Some((_, mut left)) = self.sums.pop_if(|(size, _)| *size == own.0) {
            left.merge(own.1);
            own = (own.0 + 1, left);
        }
        self.sums.push(own);
    }

    /// Whether there was none.
    pub(crate) fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// The sum of all.
    pub(crate) fn sum(mut self) -> Contribution {
        let mut all = self.sums.pop().map(|(_, sum)| sum).unwrap_or_default();
        while let Some((_, mut left)) = self.sums.pop() {
            left.merge(all);
            all = left;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_is_read_back_to_the_bit_and_what_is_not_finite_as_nan() {
        let mut tally = Tally::default();
        tally.add("loss", 0.1 + 0.2, 3.0);
        tally.add("loss", 1.0 / 3.0, 7.0);
        let json = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&json).unwrap(), tally);
        tally.add("entropy", f64::INFINITY, 1.0);
        let json = serde_json::to_string(&tally).unwrap();
        let read: Tally = serde_json::from_str(&json).unwrap();
        assert!(read.total("entropy").is_nan());
        assert_eq!(read.total("loss"), tally.total("loss"));
    }

    #[test]
    fn means_do_not_depend_on_how_the_batch_was_divided() {
        let contribution = |values: &[f64]| {
            let mut tally = Tally::default();
            tally.add_all("reward", values.iter().copied());
            Contribution {
                tally,
                counts: Counts {
                    sequences: values.len() as u64,
                    tokens: 3 * values.len() as u64,
                },
                ..Contribution::default()
            }
        };
        let sum = |parts: Vec<Contribution>| {
            let mut reduction = Reduction::default();
            for part in parts {
                reduction.add(part);
            }
            reduction.sum()
        };
        let whole = sum(vec![contribution(&[1.0, 2.0, 6.0])]);
        let parts = sum(vec![contribution(&[1.0]), contribution(&[2.0, 6.0])]);
        assert_eq!(whole.tally, parts.tally);
        assert_eq!(whole.counts, parts.counts);
        assert_eq!(whole.tally.means(), [("reward".to_owned(), 3.0)]);
    }

    #[test]
    fn sums_are_added_in_one_tree_whatever_their_number() {
        let values: Vec<f64> = (0..9).map(|k| (f64::from(k) + 0.1).sqrt()).collect();
        let total = |count: usize| {
            let mut reduction = Reduction::default();
            for &value in &values[..count] {
                let mut part = Contribution::default();
                part.tally.add("loss", value, 1.0);
                reduction.add(part);
            }
            reduction.sum().tally.total("loss")
        };
        let v = &values;
        let four = (v[0] + v[1]) + (v[2] + v[3]);
        assert_eq!(total(0), 0.0);
        assert_eq!(total(1), v[0]);
        assert_eq!(total(3), (v[0] + v[1]) + v[2]);
        assert_eq!(total(5), four + v[4]);
        assert_eq!(total(7), four + ((v[4] + v[5]) + v[6]));
        let eight = four + ((v[4] + v[5]) + (v[6] + v[7]));
        assert_eq!(total(9), eight + v[8]);
        // One after the other is another sum.
        let in_order: f64 = v[..8].iter().sum();
        assert_ne!(total(8), in_order);
    }
}
