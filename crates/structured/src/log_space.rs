//! Sums and draws over log-weights, of which `-inf` is the weight 0.

/// `log sum_k exp(x_k)`; `-inf` for no terms, or none above `-inf`.
pub(super) fn log_sum_exp(terms: &[f64]) -> f64 {
    let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + terms.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
}

/// Turns log-weights into probabilities and returns the log of their sum; all `-inf` gives all 0.
pub(super) fn softmax(weights: &mut [f64]) -> f64 {
    let top = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        weights.fill(0.0);
        return top;
    }
    for weight in weights.iter_mut() {
        *weight = (*weight - top).exp();
    }
    let total: f64 = weights.iter().sum();
    for weight in weights {
        *weight /= total;
    }
    top + total.ln()
}

/// Inverts the cumulative distribution at `uniform`, a number in `[0, 1)`.
///
/// Indices of weight 0 are never drawn. Some weight must be above `-inf`.
pub(super) fn draw(weights: &[f64], uniform: f64) -> usize {
    let top = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = weights.iter().map(|w| (w - top).exp()).sum();
    let mut left = uniform * total;
    let mut drawn = 0;
    for (index, weight) in weights.iter().enumerate() {
        let weight = (weight - top).exp();
        if weight > 0.0 {
            drawn = index;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: f64 = f64::NEG_INFINITY;

    #[test]
    fn log_sum_exp_neither_overflows_nor_makes_nan() {
        assert_eq!(log_sum_exp(&[]), NEVER);
        assert_eq!(log_sum_exp(&[NEVER, NEVER]), NEVER);
        assert_eq!(log_sum_exp(&[NEVER, 3.0]), 3.0);
        assert!((log_sum_exp(&[1e4, 1e4]) - (1e4 + 2f64.ln())).abs() < 1e-11);
    }

    #[test]
    fn softmax_of_nothing_allowed_is_zero() {
        let mut weights = [NEVER; 2];
        assert_eq!(softmax(&mut weights), NEVER);
        assert_eq!(weights, [0.0; 2]);
    }

    #[test]
    fn draw_never_takes_an_impossible_index() {
        let weights = [NEVER, 0.0, NEVER, 0.0, NEVER];
        assert_eq!(draw(&weights, 0.0), 1);
        assert_eq!(draw(&weights, 0.49), 1);
        assert_eq!(draw(&weights, 0.5), 3);
        assert_eq!(draw(&weights, 1.0 - f64::EPSILON / 2.0), 3);
    }
}
