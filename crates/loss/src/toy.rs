//! A toy so small that every group of samples can be enumerated: exact bias and variance of estimators.
//!
//! Six images, each with a table of logits for the next word after every beginning of a caption, instead of a network,
//! and a reward for each of its fifteen captions.

mod estimator;
mod moments;
mod numbers;

use crate::{LossError, row_energy};
pub use estimator::ToyEstimator;
pub use moments::{Group, Moments, moments};
use numbers::{LONGEST, NUMBERS, Numbers, PREFIXES, VOCAB};

/// An image of the toy: all of its captions, in the order of their words.
#[derive(Debug, Clone)]
pub struct Image {
    /// Of the captions; they sum to 1.
    pub probabilities: Vec<f64>,
    /// Of the log-probability of every caption at all logits of the image.
    pub gradients: Vec<Vec<f64>>,
    /// Rewards of the captions.
    pub rewards: Vec<f64>,
    /// Words of the captions, their ends included.
    pub lengths: Vec<usize>,
    /// Squared sizes of the captions' gradients, summed word by word.
    pub energies: Vec<f64>,
}

/// The images of the toy.
///
/// # Errors
/// None: those of [`row_energy`] do not happen here.
pub fn images() -> Result<Vec<Image>, LossError> {
    NUMBERS.iter().map(Image::new).collect()
}

impl Image {
    fn new(numbers: &Numbers) -> Result<Self, LossError> {
        let mut image = Self {
            probabilities: Vec::new(),
            gradients: Vec::new(),
            rewards: numbers.rewards.to_vec(),
            lengths: Vec::new(),
            energies: Vec::new(),
        };
        let rows = numbers.logits.map(softmax);
        for caption in captions() {
            let (mut probability, mut energy) = (1.0, 0.0);
            let mut gradient = vec![0.0; PREFIXES * VOCAB];
            for (t, &word) in caption.iter().enumerate() {
                let prefix = prefix(&caption[..t]);
                let row = &rows[prefix];
                probability *= row[word];
                energy += row_energy(row, word as u32)?;
                let slopes = &mut gradient[prefix * VOCAB..][..VOCAB];
                slopes
                    .iter_mut()
                    .zip(row)
                    .for_each(|(slope, p)| *slope = -p);
                slopes[word] += 1.0;
            }
            image.probabilities.push(probability);
            image.gradients.push(gradient);
            image.lengths.push(caption.len());
            image.energies.push(energy);
        }
        Ok(image)
    }

    /// `sum_y c(y) dlog p(y)/ds` of a number for every caption.
    pub fn gradient(&self, of_captions: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; PREFIXES * VOCAB];
        for (gradient, c) in self.gradients.iter().zip(of_captions) {
            let pairs = sum.iter_mut().zip(gradient);
            pairs.for_each(|(sum, g)| *sum += c * g);
        }
        sum
    }
}

/// All captions: words until the end, 0, or until there are as many as fit.
fn captions() -> Vec<Vec<usize>> {
    let mut captions = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(prefix) = open.pop() {
        if prefix.len() == LONGEST || prefix.last() == Some(&0) {
            captions.push(prefix);
            continue;
        }
        // The last one is taken first.
        open.extend((0..VOCAB).rev().map(|word| [&prefix[..], &[word]].concat()));
    }
    captions
}

/// The place of the logits of the word after some words: nothing, 1, 11, 12, 2, 21, 22.
fn prefix(words: &[usize]) -> usize {
    match words {
        [] => 0,
        [first] => 3 * first - 2,
        [first, second, ..] => 3 * first - 2 + second,
    }
}

fn softmax(logits: [f64; VOCAB]) -> [f64; VOCAB] {
    let sum: f64 = logits.iter().map(|s| s.exp()).sum();
    logits.map(|s| s.exp() / sum)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Tensor, TensorData};

    use super::*;
    use crate::{RowTargets, Sampled, action_value_gradient, clipped_importance};

    #[test]
    fn captions_are_distributions_whose_gradients_vanish_on_average() {
        for image in images().unwrap() {
            assert_eq!(image.probabilities.len(), image.rewards.len());
            let sum: f64 = image.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12);
            let mean = image.gradient(&image.probabilities);
            assert!(mean.iter().all(|g| g.abs() < 1e-12));
        }
    }

    /// Words' values under the toy itself: the mean reward of all captions that begin so, by their probabilities.
    fn value(image: &Image, begin: &[usize]) -> f64 {
        let (mut sum, mut mass) = (0.0, 0.0);
        let captions = captions().into_iter().zip(&image.probabilities);
        for ((caption, p), reward) in captions.zip(&image.rewards) {
            if caption.starts_with(begin) {
                sum += p * reward;
                mass += p;
            }
        }
        sum / mass
    }

    /// The gradient over all words of every beginning, by how probable it is (the policy gradient theorem, Sutton et al.
    /// 2000), is that of the expected reward.
    #[test]
    fn values_of_all_words_have_the_gradient_of_the_expected_reward() {
        let beginnings: [&[usize]; PREFIXES] =
            [&[], &[1], &[1, 1], &[1, 2], &[2], &[2, 1], &[2, 2]];
        for (image, numbers) in images().unwrap().iter().zip(&NUMBERS) {
            let pairs = image.probabilities.iter().zip(&image.rewards);
            let truth = image.gradient(&pairs.map(|(p, r)| p * r).collect::<Vec<_>>());
            let gradient = |q: &dyn Fn(&[usize]) -> f64| -> Vec<f64> {
                let rows = beginnings.iter().enumerate().map(|(k, begin)| {
                    assert_eq!(prefix(begin), k);
                    let captions = captions().into_iter().zip(&image.probabilities);
                    let reached = captions.filter(|(caption, _)| {
                        caption.len() > begin.len() && caption.starts_with(begin)
                    });
                    let reached: f64 = reached.map(|(_, p)| p).sum();
                    let values = (0..VOCAB).map(|w| q(&[*begin, &[w]].concat()));
                    let tensor = |row: Vec<f64>| {
                        let data = TensorData::new(row, [1, VOCAB]);
                        Tensor::<2>::from_data(data, (&Device::flex(), DType::F64))
                    };
                    let targets = RowTargets {
                        words: &[0],
                        weights: &[1.0],
                    };
                    let (logits, values) =
                        (tensor(numbers.logits[k].to_vec()), tensor(values.collect()));
                    let found = action_value_gradient(logits, values, &targets).unwrap();
                    let found: Vec<f64> = found.gradient.try_into_vec_as().unwrap();
                    // A loss falls where a reward rises.
                    found
                        .into_iter()
                        .map(move |g| -reached * g)
                        .collect::<Vec<f64>>()
                });
                rows.flatten().collect()
            };
            let error = |found: Vec<f64>| {
                let pairs = found.iter().zip(&truth);
                pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
            };
            assert!(error(gradient(&|begin| value(image, begin))) < 1e-12);
            // Values of ended captions alone, as if nothing came after a word, are another objective.
            let myopic = |begin: &[usize]| match begin.last() {
                Some(0) => value(image, begin),
                _ => 0.0,
            };
            assert!(error(gradient(&myopic)) > 1e-3);
        }
    }

    /// Samples of another distribution, every caption enumerated.
    #[test]
    fn importance_weights_of_whole_captions_leave_the_gradient_of_the_model_itself() {
        for image in images().unwrap() {
            let log_p: Vec<f64> = image.probabilities.iter().map(|p| p.ln()).collect();
            let heated: Vec<f64> = log_p.iter().map(|l| (l / 1.7).exp()).collect();
            let sum: f64 = heated.iter().sum();
            let drawn: Vec<f64> = heated.iter().map(|q| (q / sum).ln()).collect();
            let sampled = Sampled {
                log_probability: &log_p,
                drawn: &drawn,
                advantages: &image.rewards,
            };
            let expected = |cap: f64| {
                let weights = clipped_importance(&sampled, cap).unwrap();
                let pairs = weights.iter().zip(&drawn);
                image.gradient(&pairs.map(|(c, q)| c * q.exp()).collect::<Vec<_>>())
            };
            let pairs = image.probabilities.iter().zip(&image.rewards);
            let truth = image.gradient(&pairs.map(|(p, r)| p * r).collect::<Vec<_>>());
            let error = |found: Vec<f64>| {
                let pairs = found.iter().zip(&truth);
                pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
            };
            assert!(error(expected(1e6)) < 1e-12);
            // A cap that holds something back is a bias.
            assert!(error(expected(0.9)) > 1e-3);
        }
    }

    #[test]
    fn energies_are_squared_sizes_of_gradients() {
        for image in images().unwrap() {
            for (gradient, energy) in image.gradients.iter().zip(&image.energies) {
                let square: f64 = gradient.iter().map(|g| g * g).sum();
                assert!((square - energy).abs() < 1e-12);
            }
        }
    }
}
