//! Hard attention: one region a step, and what its choice learns from.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// Draws the regions that captions look at, in training.
#[derive(Debug, Clone)]
pub struct Locations {
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Drawn(Box<ChaCha8Rng>),
    #[cfg(test)]
    Given(std::collections::VecDeque<usize>),
}

impl Locations {
    /// Regions drawn from the weights of attention.
    pub fn new(rng: ChaCha8Rng) -> Self {
        let source = Source::Drawn(Box::new(rng));
        Self { source }
    }

    /// Regions for all rows of all steps, in their packed order.
    #[cfg(test)]
    pub(crate) fn given(regions: impl IntoIterator<Item = usize>) -> Self {
        let source = Source::Given(regions.into_iter().collect());
        Self { source }
    }
}

/// How a captioner with hard attention looks at regions.
#[derive(Debug)]
pub(crate) enum Look<'a> {
    /// At all of them, by their weights: the expectation.
    Expected,
    /// At one, drawn from the weights.
    Drawn(&'a mut Locations),
    /// At the one with the largest weight.
    MostProbable,
}

impl Look<'_> {
    /// One region a row, from weights, `[rows, longest]`, of which the first `counts` of every row are regions.
    pub(crate) fn choose(&mut self, weights: &[f32], counts: &[usize]) -> Vec<usize> {
        let longest = weights.len() / counts.len().max(1);
        let rows = weights.chunks(longest.max(1)).zip(counts);
        rows.map(|(weights, &count)| {
            let weights = &weights[..count];
            match self {
                Self::Drawn(Locations {
                    source: Source::Drawn(rng),
                }) => draw(weights, rng),
                #[cfg(test)]
                Self::Drawn(Locations {
                    source: Source::Given(regions),
                }) => regions.pop_front().unwrap(),
                Self::Expected | Self::MostProbable => largest(weights),
            }
        })
        .collect()
    }
}

/// The first index of the largest weight.
fn largest(weights: &[f32]) -> usize {
    (0..weights.len()).fold(
        0,
        |best, k| if weights[k] > weights[best] { k } else { best },
    )
}

/// An index by inverting the cumulative distribution at a uniform number.
fn draw(weights: &[f32], rng: &mut impl Rng) -> usize {
    let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let mut left = rng.random::<f64>() * total;
    let mut chosen = largest(weights);
    for (k, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            chosen = k;
            if left < f64::from(weight) {
                break;
            }
        }
        left -= f64::from(weight);
    }
    chosen
}

/// What drawn regions learn from (Xu et al. 2015, eq. 11-12).
///
/// ```text
/// dL/de = a (alpha - 1_r) - lambda_e dH/de,   dH/de = -alpha (log alpha + H)
/// ```
#[derive(Debug, Clone, Copy)]
pub struct LocationSignal<'a> {
    /// `a` of every row, packed as [`Tape::hidden`](crate::Tape::hidden) is: how much better than expected it went.
    pub weights: &'a [f32],
    /// `lambda_e`: the weight of the entropy of the attention weights, in nats.
    pub entropy: f64,
}

impl LocationSignal<'_> {
    /// The signal of some packed rows.
    pub(crate) fn rows(self, first: usize, count: usize) -> Self {
        Self {
            weights: &self.weights[first..first + count],
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn draws_follow_the_weights_and_leave_out_what_is_not_there() {
        let mut locations = Locations::new(ChaCha8Rng::seed_from_u64(1));
        let rows = 20_000;
        let weights: Vec<f32> = [0.2f32, 0.0, 0.5, 0.3, 0.0].repeat(rows);
        let drawn = Look::Drawn(&mut locations).choose(&weights, &vec![4; rows]);
        for (k, p) in [0.2, 0.0, 0.5, 0.3].into_iter().enumerate() {
            let count = drawn.iter().filter(|&&region| region == k).count() as f64;
            let deviation = (p * (1.0 - p) / rows as f64).sqrt();
            assert!((count / rows as f64 - p).abs() <= 4.0 * deviation, "{k}");
        }
        assert_eq!(Look::MostProbable.choose(&weights[..5], &[4]), [2]);
    }
}
