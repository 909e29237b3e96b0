//! What features of images look like, and what no captioner can make up for.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use scst_data::{DataError, Example, FeatureMoments, FeatureStore, Row, Standardiser};

/// Share of the images that may have the features of another: some photos are in a data set twice.
const MANY_EQUAL: f64 = 0.01;
/// Share of the dimensions that may be the same for all images: a rectifier leaves some at 0.
const MOST_CONSTANT: f64 = 0.5;
/// Features beyond this size saturate what reads them. Those of networks are below it by a factor of ten.
const LARGE: f32 = 100.0;
/// By how much mean and deviation may differ from 0 and 1 where features are standardised already.
const STANDARD: f32 = 0.05;

/// Features of all images of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureStatistics {
    /// Images.
    pub images: usize,
    /// Numbers in a vector.
    pub dimension: usize,
    /// The smallest number.
    pub low: f32,
    /// The largest.
    pub high: f32,
    /// Dimensions that are the same in all vectors of training images.
    pub constant: usize,
    /// Images that have the features of another, seen before.
    pub equal: usize,
    /// Such a pair.
    pub example: Option<[String; 2]>,
    /// Whether every dimension has mean 0 and deviation 1 over the training images.
    pub are_standardised: bool,
}

/// What is wrong with features.
///
/// `Display` gives one sentence: what was found, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FeatureFault {
    /// Images have the features of others.
    Equal {
        /// How many.
        equal: usize,
        /// Of so many.
        images: usize,
        /// A pair.
        example: [String; 2],
    },
    /// Most dimensions say nothing.
    Constant {
        /// How many.
        constant: usize,
        /// Of so many.
        dimension: usize,
    },
    /// Numbers are large, and not standardised.
    Large {
        /// The smallest and the largest.
        range: [f32; 2],
    },
    /// Features are standardised that were before.
    StandardisedTwice,
}

impl FeatureFault {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Equal { .. } => "equal_features",
            Self::Constant { .. } => "constant_dimensions",
            Self::Large { .. } => "large_features",
            Self::StandardisedTwice => "features_standardised_twice",
        }
    }
}

impl fmt::Display for FeatureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key `data.features`: ")?;
        match self {
            Self::Equal {
                equal,
                images,
                example: [one, other],
            } => write!(
                f,
                "found {equal} of {images} images with exactly the features of another, such as `{one}` and `{other}`, expected \
                 features that tell images apart: no captioner can; encode them again, or leave copies out"
            ),
            Self::Constant {
                constant,
                dimension,
            } => write!(
                f,
                "found {constant} of {dimension} dimensions that are the same for all training images, expected most of them to \
                 differ: see which layer of the encoder they are from, and encode again"
            ),
            Self::Large {
                range: [low, high],
            } => write!(
                f,
                "found numbers from {low:.1} to {high:.1}, expected a size near 1, beyond which a captioner learns slowly or not at \
                 all: set `data.standardise = true`"
            ),
            Self::StandardisedTwice => f.write_str(
                "found features of mean 0 and deviation 1 in every dimension with `data.standardise = true`, expected features \
                 as the encoder gives them: what was standardised elsewhere cannot be done alike for new photos; give the \
                 original ones, or set it to false",
            ),
        }
    }
}

impl FeatureStatistics {
    /// Of training images, and of the others.
    ///
    /// # Errors
    /// [`DataError`] when features cannot be read or are not finite.
    pub(crate) fn of(
        store: &FeatureStore,
        train: &[Example],
        others: &[&[Example]],
    ) -> Result<Self, DataError> {
        let dimension = store.dim();
        let mut ranges = vec![[f32::INFINITY, f32::NEG_INFINITY]; dimension];
        let mut all = [f32::INFINITY, f32::NEG_INFINITY];
        let mut moments = FeatureMoments::new(dimension);
        let mut seen: BTreeMap<u64, Row> = BTreeMap::new();
        let (mut images, mut equal, mut example) = (0, 0, None);
        for (number, examples) in std::iter::once(train)
            .chain(others.iter().copied())
            .enumerate()
        {
            let rows: Vec<Row> = examples.iter().map(|example| example.row).collect();
            store.check(&rows, |row, values| {
                images += 1;
                for value in values {
                    widen(&mut all, *value);
                }
                if number == 0 {
                    moments.add(values);
                    for vector in values.chunks_exact(dimension) {
                        for (range, value) in ranges.iter_mut().zip(vector) {
                            widen(range, *value);
                        }
                    }
                }
                match seen.get(&hash(values)) {
                    // One image may be read twice, under two names.
                    Some(before) => {
                        equal += 1;
                        let names = [*before, row].map(|row| store.name(row).to_owned());
                        example.get_or_insert(names);
                    }
                    None => drop(seen.insert(hash(values), row)),
                }
            })?;
        }
        let standard = Standardiser::of(&moments)?;
        let are_near = |values: &[f32], value: f32| {
            let mut values = values.iter();
            values.all(|found| (found - value).abs() < STANDARD)
        };
        Ok(Self {
            images,
            dimension,
            low: all[0],
            high: all[1],
            constant: ranges.iter().filter(|[low, high]| low == high).count(),
            equal,
            example,
            are_standardised: are_near(standard.mean(), 0.0) && are_near(standard.deviation(), 1.0),
        })
    }

    /// What is wrong with them. `standardise`: whether a run standardises them.
    pub(crate) fn faults(&self, standardise: bool) -> Vec<FeatureFault> {
        let mut faults = Vec::new();
        let part = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        if let Some(example) = &self.example
            && part(self.equal, self.images) > MANY_EQUAL
        {
            faults.push(FeatureFault::Equal {
                equal: self.equal,
                images: self.images,
                example: example.clone(),
            });
        }
        if part(self.constant, self.dimension) > MOST_CONSTANT {
            faults.push(FeatureFault::Constant {
                constant: self.constant,
                dimension: self.dimension,
            });
        }
        if !standardise && self.low.abs().max(self.high.abs()) > LARGE {
            let range = [self.low, self.high];
            faults.push(FeatureFault::Large { range });
        }
        if standardise && self.are_standardised {
            faults.push(FeatureFault::StandardisedTwice);
        }
        faults
    }
}

fn widen(range: &mut [f32; 2], value: f32) {
    *range = [range[0].min(value), range[1].max(value)];
}

fn hash(values: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for value in values {
        value.to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: FeatureStatistics = FeatureStatistics {
        images: 100,
        dimension: 4,
        low: 0.0,
        high: 9.5,
        constant: 1,
        equal: 0,
        example: None,
        are_standardised: false,
    };

    #[test]
    fn features_are_faulty_beyond_their_bounds() {
        assert_eq!(GOOD.faults(true), []);
        let names = |features: &FeatureStatistics, standardise| -> Vec<&'static str> {
            let faults = features.faults(standardise);
            faults.iter().map(FeatureFault::name).collect()
        };
        let pair = Some(["a", "b"].map(str::to_owned));
        let equal = |equal| FeatureStatistics {
            equal,
            example: pair.clone(),
            ..GOOD
        };
        assert_eq!(names(&equal(1), true), [""; 0]);
        assert_eq!(names(&equal(2), true), ["equal_features"]);
        let constant = FeatureStatistics {
            constant: 3,
            ..GOOD
        };
        assert_eq!(names(&constant, true), ["constant_dimensions"]);
        let large = FeatureStatistics { high: 1e3, ..GOOD };
        assert_eq!(names(&large, true), [""; 0]);
        assert_eq!(names(&large, false), ["large_features"]);
        let standard = FeatureStatistics {
            are_standardised: true,
            ..GOOD
        };
        assert_eq!(names(&standard, true), ["features_standardised_twice"]);
        assert_eq!(names(&standard, false), [""; 0]);
    }
}
