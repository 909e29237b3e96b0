//! A baseline for every timestep, learnt by linear regression on the hidden state.

use serde::{Deserialize, Serialize};

use crate::LossError;

const LEARNING_RATE: f64 = 1e-3;
const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The learnt baseline of MIXER (Ranzato et al. 2016, section 3.2.2).
///
/// ```text
/// b_t = u . h_t + c,   minimising   mean_t (b_t - r)^2   by Adam
/// ```
///
/// `h_t` depends on the words before `w_t` only, so `b_t` does not depend on `w_t`, and the estimator stays unbiased.
/// `h_t` is detached: the regression's gradient does not flow into the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedBaseline {
    /// `u`, then `c`; empty before the first update.
    weights: Vec<f64>,
    first_moments: Vec<f64>,
    second_moments: Vec<f64>,
    updates: u32,
}

impl LearnedBaseline {
    /// `b_t` of every row.
    ///
    /// # Shapes
    /// `hidden`: `[rows, hidden]` in row-major order; the result is `[rows]`.
    ///
    /// # Errors
    /// [`LossError::Rows`] when the states are not of the length that the baseline was trained on.
    pub fn predict(&self, hidden: &[f32], width: usize) -> Result<Vec<f64>, LossError> {
        if self.weights.is_empty() {
            return Ok(vec![0.0; hidden.len() / width.max(1)]);
        }
        if self.weights.len() != width + 1 || !hidden.len().is_multiple_of(width) {
            return Err(LossError::Rows {
                what: "units of a hidden state",
                found: width,
                expected: self.weights.len() - 1,
            });
        }
        let (u, c) = self.weights.split_at(width);
        let dot = |row: &[f32]| -> f64 { row.iter().zip(u).map(|(&h, u)| f64::from(h) * u).sum() };
        Ok(hidden
            .chunks_exact(width)
            .map(|row| dot(row) + c[0])
            .collect())
    }

    /// One step of Adam on the squared errors of `predicted` against `rewards`, those of the rows' captions.
    ///
    /// # Shapes
    /// `hidden`: `[rows, hidden]`; `predicted`, `rewards`: `[rows]`.
    ///
    /// # Errors
    /// [`LossError::Rows`] when the rows do not fit together.
    pub fn update(
        &mut self,
        hidden: &[f32],
        width: usize,
        predicted: &[f64],
        rewards: &[f64],
    ) -> Result<(), LossError> {
        let rows = rewards.len();
        if predicted.len() != rows || hidden.len() != rows * width {
            return Err(LossError::Rows {
                what: "rows of a learnt baseline",
                found: predicted.len(),
                expected: rows,
            });
        }
        if rows == 0 {
            return Ok(());
        }
        if self.weights.is_empty() {
            for values in [
                &mut self.weights,
                &mut self.first_moments,
                &mut self.second_moments,
            ] {
                *values = vec![0.0; width + 1];
            }
        }
        let gradient = gradient(hidden, width, predicted, rewards);
        self.updates += 1;
        let unbias_1 = 1.0 - BETA_1.powf(f64::from(self.updates));
        let unbias_2 = 1.0 - BETA_2.powf(f64::from(self.updates));
        let moments = self.first_moments.iter_mut().zip(&mut self.second_moments);
        for ((weight, g), (m, v)) in self.weights.iter_mut().zip(gradient).zip(moments) {
            *m = BETA_1 * *m + (1.0 - BETA_1) * g;
            *v = BETA_2 * *v + (1.0 - BETA_2) * g * g;
            *weight -= LEARNING_RATE * (*m / unbias_1) / ((*v / unbias_2).sqrt() + EPSILON);
        }
        Ok(())
    }
}

/// `d mean (b - r)^2 / d (u, c)`.
fn gradient(hidden: &[f32], width: usize, predicted: &[f64], rewards: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; width + 1];
    let rows = hidden.chunks_exact(width).zip(predicted).zip(rewards);
    for ((row, b), r) in rows {
        let error = 2.0 * (b - r) / rewards.len() as f64;
        for (sum, &h) in sum.iter_mut().zip(row) {
            *sum += error * f64::from(h);
        }
        sum[width] += error;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 3;

    fn hidden(rows: usize) -> Vec<f32> {
        let value = |k: usize| ((k * 37 + k / 7 * 11) % 19) as f32 / 10.0 - 0.9;
        (0..rows * WIDTH).map(value).collect()
    }

    #[test]
    fn gradient_equals_finite_differences() {
        let hidden = hidden(8);
        let rewards: Vec<f64> = (0..8).map(|k| f64::from(k % 3)).collect();
        let baseline = |weights: &[f64]| LearnedBaseline {
            weights: weights.to_vec(),
            ..LearnedBaseline::default()
        };
        let loss = |weights: &[f64]| {
            let predicted = baseline(weights).predict(&hidden, WIDTH).unwrap();
            let errors = predicted.iter().zip(&rewards).map(|(b, r)| (b - r).powi(2));
            errors.sum::<f64>() / 8.0
        };
        let at = [0.3, -0.7, 1.1, 0.2];
        let predicted = baseline(&at).predict(&hidden, WIDTH).unwrap();
        let found = gradient(&hidden, WIDTH, &predicted, &rewards);
        for k in 0..=WIDTH {
            let moved = |by: f64| {
                let mut at = at;
                at[k] += by;
                loss(&at)
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (found[k] - expected).abs() < 1e-8,
                "{k}: {} {expected}",
                found[k]
            );
        }
    }

    #[test]
    fn regression_finds_a_linear_reward() {
        let hidden = hidden(40);
        let rewards: Vec<f64> = hidden
            .chunks(WIDTH)
            .map(|h| 0.5 * f64::from(h[0]) - 0.2 * f64::from(h[2]) + 0.3)
            .collect();
        let mut baseline = LearnedBaseline::default();
        for _ in 0..4000 {
            let predicted = baseline.predict(&hidden, WIDTH).unwrap();
            baseline
                .update(&hidden, WIDTH, &predicted, &rewards)
                .unwrap();
        }
        let predicted = baseline.predict(&hidden, WIDTH).unwrap();
        for (b, r) in predicted.iter().zip(&rewards) {
            assert!((b - r).abs() < 1e-3, "{b} {r}");
        }
    }

    #[test]
    fn states_of_another_length_are_refused() {
        let mut baseline = LearnedBaseline::default();
        assert_eq!(baseline.predict(&hidden(2), WIDTH).unwrap(), [0.0, 0.0]);
        baseline
            .update(&hidden(2), WIDTH, &[0.0; 2], &[1.0; 2])
            .unwrap();
        assert!(baseline.predict(&[1.0; 4], 2).is_err());
        assert!(
            baseline
                .update(&hidden(2), WIDTH, &[0.0; 2], &[1.0])
                .is_err()
        );
    }
}
