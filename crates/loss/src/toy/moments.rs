//! Mean and variance of an estimator, over every group of samples.

use super::Image;
use crate::LossError;

/// What an estimator knows of the samples that it drew of one image.
#[derive(Debug, Clone)]
pub struct Group {
    /// Rewards of the samples.
    pub rewards: Vec<f64>,
    /// Words of the samples.
    pub lengths: Vec<usize>,
    /// Squared sizes of the gradients of their log-probabilities.
    pub energies: Vec<f64>,
}

/// How an estimator's gradient is distributed, without error of sampling.
///
/// ```text
/// g = mean_i A_i dlog p(y_i)/ds over n samples of every image;   G: the gradient of the expected reward;   m = E g
/// cosine = m.G / |m||G|,   scale = m.G / |G|^2,   bias = |m / scale - G| / |G|,   variance = E |g - m|^2 / |m|^2
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Of the expected gradient and the true one.
    pub cosine: f64,
    /// What the true gradient is multiplied by.
    pub scale: f64,
    /// What is left of the bias after the best scaling, relative to the true gradient.
    pub bias: f64,
    /// Relative to the squared expected gradient, so that a scale makes no difference.
    pub variance: f64,
}

/// Mean and variance of an estimator that weights each of `samples` captions of every image by its advantage.
///
/// # Errors
/// Those of `advantages`.
pub fn moments(
    images: &[Image],
    samples: usize,
    advantages: impl Fn(&Group) -> Result<Vec<f64>, LossError>,
) -> Result<Moments, LossError> {
    let (mut mean, mut truth, mut variance) = (Vec::new(), Vec::new(), 0.0);
    for image in images {
        let (expected, square) = expectation(image, samples, &advantages)?;
        variance += square - dot(&expected, &expected);
        mean.extend(expected);
        let pairs = image.probabilities.iter().zip(&image.rewards);
        truth.extend(image.gradient(&pairs.map(|(p, r)| p * r).collect::<Vec<f64>>()));
    }
    let scale = dot(&mean, &truth) / dot(&truth, &truth);
    let left: Vec<f64> = mean
        .iter()
        .zip(&truth)
        .map(|(m, g)| m / scale - g)
        .collect();
    let size = |a: &[f64]| dot(a, a).sqrt();
    Ok(Moments {
        cosine: dot(&mean, &truth) / size(&mean) / size(&truth),
        scale,
        bias: size(&left) / size(&truth),
        variance: variance / dot(&mean, &mean),
    })
}

/// `E g` and `E |g|^2` of one image: every group, by its probability.
fn expectation(
    image: &Image,
    samples: usize,
    advantages: &impl Fn(&Group) -> Result<Vec<f64>, LossError>,
) -> Result<(Vec<f64>, f64), LossError> {
    let captions = image.rewards.len();
    let row = |a: &Vec<f64>| image.gradients.iter().map(|b| dot(a, b)).collect();
    let products: Vec<Vec<f64>> = image.gradients.iter().map(row).collect();
    let (mut of_captions, mut square) = (vec![0.0; captions], 0.0);
    let mut drawn = vec![0; samples];
    loop {
        let group = Group {
            rewards: drawn.iter().map(|&y| image.rewards[y]).collect(),
            lengths: drawn.iter().map(|&y| image.lengths[y]).collect(),
            energies: drawn.iter().map(|&y| image.energies[y]).collect(),
        };
        let probability: f64 = drawn.iter().map(|&y| image.probabilities[y]).product();
        let advantages = advantages(&group)?.into_iter();
        let weights: Vec<f64> = advantages.map(|a| a / samples as f64).collect();
        for (&y, a) in drawn.iter().zip(&weights) {
            of_captions[y] += probability * a;
            let others = drawn.iter().zip(&weights);
            let product: f64 = others.map(|(&other, b)| b * products[y][other]).sum();
            square += probability * a * product;
        }
        if !advance(&mut drawn, captions) {
            return Ok((image.gradient(&of_captions), square));
        }
    }
}

/// Counts on by one, the first digit fastest; false after the last number.
fn advance(digits: &mut [usize], base: usize) -> bool {
    for digit in digits {
        *digit += 1;
        if *digit < base {
            return true;
        }
        *digit = 0;
    }
    false
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::images;
    use super::*;

    #[test]
    fn counts_through_every_group_once() {
        let mut digits = [0; 3];
        let mut found = vec![digits];
        while advance(&mut digits, 4) {
            found.push(digits);
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!((found.len(), digits), (64, [0; 3]));
    }

    #[test]
    fn rewards_alone_have_no_bias_and_a_variance_that_falls_as_samples_grow() {
        let images = images().unwrap();
        let of = |samples| moments(&images, samples, |group| Ok(group.rewards.clone())).unwrap();
        let one = of(1);
        for samples in 1..4 {
            let found = of(samples);
            assert!(found.bias < 1e-12 && (found.scale - 1.0).abs() < 1e-12);
            assert!((found.variance * samples as f64 / one.variance - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn scale_of_advantages_is_told_from_their_bias() {
        let images = images().unwrap();
        let of = |scale: f64| {
            let scaled = |group: &Group| Ok(group.rewards.iter().map(|r| scale * r).collect());
            moments(&images, 2, scaled).unwrap()
        };
        let (plain, scaled) = (of(1.0), of(3.0));
        assert!((scaled.scale - 3.0).abs() < 1e-12 && scaled.bias < 1e-12);
        assert!((scaled.variance / plain.variance - 1.0).abs() < 1e-12);
    }
}
