//! The one place where a step's contributions meet.
//!
//! Objectives return sums, never means. All sums of a step pass through [`sum_of_parts`], in a fixed
//! order, and only then are they divided by the counts of the whole step.

use std::{collections::BTreeMap, ops::Range};

use burn::tensor::Device;
use scst_group::{Meanwhile, sum::Layout, tree};
use scst_kernels::traffic::is_elsewhere;
use scst_loss::{Counts, MovingAverage};
use scst_model::{Gradients, HandOut};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    division::Division,
    early_sums,
    part_sums::PartSums,
    rank_sums::{self, Lengths},
};
use crate::TrainError;

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
    /// With gradients of other names.
    fn with(mut self, gradients: Gradients) -> Self {
        self.gradients.merge(gradients);
        self
    }

    fn plus(mut self, other: Self) -> Self {
        self.gradients.merge(other.gradients);
        self.counts += other.counts;
        self.tally.merge(other.tally);
        self.drawn_captions += other.drawn_captions;
        self
    }
}

/// Captions whose regions were drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct DrawnCaptions {
    /// Their log-probabilities, nats, summed.
    pub(crate) log_probability: f64,
    /// How many they are.
    pub(crate) count: u64,
}

impl std::ops::AddAssign for DrawnCaptions {
    fn add_assign(&mut self, other: Self) {
        self.log_probability += other.log_probability;
        self.count += other.count;
    }
}

impl DrawnCaptions {
    /// Takes their mean into a baseline, if there are any.
    pub(crate) fn teach(&self, baseline: &mut MovingAverage) {
        if self.count > 0 {
            baseline.update(self.log_probability / self.count as f64);
        }
    }
}

/// Computes what this rank's parts contribute to a step, several at a time, and returns the sum over all parts of all ranks;
/// none where no part has contributed.
///
/// Contributions are added in the one [tree] of the parts of a batch. It depends on their numbers alone, not on who computed
/// them or when.
///
/// ```text
/// ((0 + 1) + (2 + 3)) + 4
/// ```
///
/// With several ranks on the CPU, the `groups` of gradients that `compute` hands out early are exchanged while it goes on. A
/// device would have to be waited for.
///
/// # Errors
/// That of the first part that fails; [`TrainError::Group`] when another rank cannot be reached, [`TrainError::Read`] when a
/// device does not hand gradients back.
pub(crate) fn sum_of_parts<T: Send>(
    division: Division<'_>,
    (groups, device): (usize, &Device),
    own: impl IntoIterator<Item = (usize, T)>,
    compute: impl Fn(usize, T, HandOut<'_>) -> Result<Option<Contribution>, TrainError> + Sync,
) -> Result<Option<Contribution>, TrainError> {
    if division.group.size() == 1 || groups == 0 || is_elsewhere(device) {
        let compute = |part, item| {
            let mut early = Gradients::default();
            let own = compute(part, item, &mut |_, group| early.merge(group))?;
            Ok(own.map(|own| own.with(early)))
        };
        let sums = sums_of_nodes(division, own, compute)?;
        return sum_of_ranks(division, sums, device);
    }
    let (sums, early) = early_sums::exchanged(division, groups, device, |early| {
        let compute = |part, item| {
            let mut next = 0;
            let mut hand_out = |group, gradients| {
                early.add(part, group, gradients);
                next = group + 1;
            };
            let own = compute(part, item, &mut hand_out)?;
            early.end_part(part, next);
            Ok(own)
        };
        sums_of_nodes(division, own, compute)
    })?;
    let sum = sum_of_ranks(division, sums, device)?;
    Ok(sum.map(|sum| sum.with(early)))
}

/// The sums of the nodes of the tree that are this rank's.
fn sums_of_nodes<T: Send>(
    division: Division<'_>,
    own: impl IntoIterator<Item = (usize, T)>,
    compute: impl Fn(usize, T) -> Result<Option<Contribution>, TrainError> + Sync,
) -> Result<Vec<Option<Contribution>>, TrainError> {
    let mut sums = PartSums::over(division, Contribution::plus);
    let compute = |(part, item)| Ok((part, compute(part, item)?));
    division.each(own, compute, |(part, own)| sums.add(part, own))?;
    Ok(sums.take())
}

/// What is told of a node beside its gradients.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Told {
    sequences: u64,
    tokens: u64,
    tally: Tally,
    drawn_captions: DrawnCaptions,
    gradients: Lengths,
}

impl Told {
    fn of(contribution: &Contribution) -> Self {
        Self {
            sequences: contribution.counts.sequences,
            tokens: contribution.counts.tokens,
            tally: contribution.tally.clone(),
            drawn_captions: contribution.drawn_captions,
            gradients: rank_sums::lengths(&contribution.gradients),
        }
    }

    fn plus(mut self, other: Self) -> Self {
        self.sequences += other.sequences;
        self.tokens += other.tokens;
        self.tally.merge(other.tally);
        self.drawn_captions += other.drawn_captions;
        self
    }
}

/// The sum over all ranks; `own` are the sums of this rank's nodes.
fn sum_of_ranks(
    division: Division<'_>,
    mut own: Vec<Option<Contribution>>,
    device: &Device,
) -> Result<Option<Contribution>, TrainError> {
    let Division { group, parts, .. } = division;
    if group.size() == 1 {
        return Ok(own.pop().flatten());
    }
    let told = own.iter().map(|sum| sum.as_ref().map(Told::of)).collect();
    let told: Vec<Option<Told>> = division.gather(told, "counts and metrics of a step")?;
    let lengths: Vec<Option<&Lengths>> = told
        .iter()
        .map(|told| told.as_ref().map(|told| &told.gradients))
        .collect();
    let gradients = |sum: Option<Contribution>| sum.unwrap_or_default().gradients;
    let own = own.into_iter().map(gradients).collect();
    let gradients = rank_sums::sum(division, own, &lengths, device, Meanwhile::Idle)?;
    let nodes = Layout::nodes(parts, group.size());
    let mut known = |node: &Range<usize>| {
        let place = nodes.iter().position(|own| own == node);
        place.map(|k| told[k].clone())
    };
    let sum = tree::fold(0..parts, &mut known, &mut Told::plus);
    Ok(sum.map(|sum| Contribution {
        gradients,
        counts: Counts {
            sequences: sum.sequences,
            tokens: sum.tokens,
        },
        tally: sum.tally,
        drawn_captions: sum.drawn_captions,
    }))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Tensor, TensorData};

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

    /// The sum of what parts contribute, of which "a" and "b" are handed out early.
    fn summed(
        division: Division<'_>,
        of_part: impl Fn(usize) -> Option<Contribution> + Sync,
    ) -> Option<Contribution> {
        let own = division.own().map(|part| (part, ()));
        let compute = |part, (), hand_out: HandOut<'_>| {
            let mut own = of_part(part);
            for (group, name) in ["b", "a"].into_iter().enumerate() {
                let mut handed = Gradients::default();
                let gradients = own.as_mut().map(|own| &mut own.gradients);
                if let Some(gradient) = gradients.and_then(|gradients| gradients.remove(name)) {
                    handed.add(name, gradient);
                }
                hand_out(group, handed);
            }
            Ok(own)
        };
        sum_of_parts(division, (2, &Device::flex()), own, compute).unwrap()
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
        let sum = |parts: &[&(dyn Fn() -> Contribution + Sync)]| {
            let division = Division::alone(parts.len());
            let sum = summed(division, |part| Some(parts[part]()));
            sum.unwrap()
        };
        let whole = sum(&[&|| contribution(&[1.0, 2.0, 6.0])]);
        let parts = sum(&[&|| contribution(&[1.0]), &|| contribution(&[2.0, 6.0])]);
        assert_eq!(whole.tally, parts.tally);
        assert_eq!(whole.counts, parts.counts);
        assert_eq!(whole.tally.means(), [("reward".to_owned(), 3.0)]);
    }

    #[test]
    fn sums_are_added_in_one_tree_whatever_their_number() {
        let values: Vec<f64> = (0..9).map(|k| (f64::from(k) + 0.1).sqrt()).collect();
        let total = |count: usize| {
            let sum = summed(Division::alone(count), |part| {
                let mut contribution = Contribution::default();
                contribution.tally.add("loss", values[part], 1.0);
                Some(contribution)
            });
            sum.map_or(0.0, |sum| sum.tally.total("loss"))
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

    /// What part `part` contributes: all of three parameters, two of them or nothing at all.
    fn of_part(part: usize) -> Option<Contribution> {
        let mut contribution = Contribution {
            counts: Counts {
                sequences: 1,
                tokens: part as u64,
            },
            ..Contribution::default()
        };
        let values = |seed: usize, length: usize| {
            let value = |k: usize| {
                ((k * 37 + seed * 11 + part * 101) as f32).sin() * 10f32.powi((part % 5) as i32)
            };
            let values: Vec<f32> = (0..length).map(value).collect();
            Tensor::<1>::from_data(TensorData::new(values, [length]), &Device::flex())
        };
        match part % 4 {
            2 => return None,
            3 => {}
            _ => contribution.gradients.add("b", values(1, 7)),
        }
        contribution.gradients.add("a", values(2, 13));
        contribution.gradients.add("c", values(3, 1));
        contribution
            .tally
            .add("loss", (part as f64 + 0.1).sqrt(), 1.0);
        contribution.drawn_captions.log_probability = (part as f64 + 0.7).sqrt();
        Some(contribution)
    }

    #[test]
    fn sums_have_the_same_bits_on_any_number_of_ranks() {
        for parts in 1..=9 {
            let sum = |division: Division<'_>| {
                let sum = summed(division, of_part);
                let mut sum = sum.expect("the first part contributes");
                let gradient = |name| -> Option<Vec<u32>> {
                    let values: Vec<f32> = sum.gradients.remove(name)?.try_into_vec_as().unwrap();
                    Some(values.iter().map(|value| value.to_bits()).collect())
                };
                let gradients = ["a", "b", "c", "d"].map(gradient);
                (gradients, sum.counts, sum.tally, sum.drawn_captions)
            };
            let alone = sum(Division::alone(parts));
            assert_eq!(
                alone.0.each_ref().map(Option::is_some),
                [true, true, true, false]
            );
            for size in 2..=parts {
                let all = scst_group::Threads::run(size, |group| sum(Division::of(group, parts)));
                for found in all {
                    assert_eq!(found, alone, "{parts} parts on {size} ranks");
                }
            }
        }
    }

    #[test]
    fn nothing_is_the_sum_of_parts_of_which_none_contributes() {
        let sums = scst_group::Threads::run(2, |group| {
            summed(Division::of(group, 3), |_| None).is_none()
        });
        assert_eq!(sums, [true, true]);
    }
}
