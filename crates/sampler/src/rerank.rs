//! Ranking the captions of an image by scores.

/// The indices of all scores, that of the largest first, equals in their order; NaN counts as the smallest.
pub fn ranking(scores: &[f64]) -> Vec<usize> {
    let key = |k: usize| {
        if scores[k].is_nan() {
            f64::NEG_INFINITY
        } else {
            // -0 equals 0.
            scores[k] + 0.0
        }
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&i, &j| key(j).total_cmp(&key(i)));
    order
}

/// The consensus score of every candidate: its mean similarity to the others. The first by [`ranking`] has the
/// least Bayes risk under the candidates' distribution (Kumar and Byrne 2004).
///
/// ```text
/// score_i = 1 / (n - 1) sum_(j != i) similarity(i, j)
/// ```
///
/// Candidates that are equal count each. A single candidate scores 0.
///
/// # Errors
/// An error of `similarity`, which takes the indices of a candidate and of one that it is held
/// against.
pub fn consensus<E>(
    candidates: usize,
    mut similarity: impl FnMut(usize, usize) -> Result<f64, E>,
) -> Result<Vec<f64>, E> {
    let others = candidates.saturating_sub(1).max(1) as f64;
    let mut score = |i: usize| {
        let mut sum = 0.0;
        for j in (0..candidates).filter(|&j| j != i) {
            sum += similarity(i, j)?;
        }
        Ok(sum / others)
    };
    (0..candidates).map(&mut score).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranking_keeps_the_order_of_equals_and_puts_nan_last() {
        assert_eq!(ranking(&[1.0, 3.0, 3.0, f64::NAN]), [1, 2, 0, 3]);
        assert_eq!(ranking(&[f64::NAN, -1.0]), [1, 0]);
        assert_eq!(ranking(&[f64::NEG_INFINITY, f64::NAN]), [0, 1]);
        assert_eq!(ranking(&[-0.0, 0.0]), [0, 1]);
        assert_eq!(ranking(&[]), [0; 0]);
    }

    #[test]
    fn consensus_of_one_or_none_is_no_error() {
        let never = |_, _| Err("no pair");
        assert_eq!(consensus(1, never), Ok(vec![0.0]));
        assert_eq!(consensus(0, never), Ok(vec![]));
        assert_eq!(consensus(2, never), Err("no pair"));
    }

    proptest! {
        #[test]
        fn consensus_picks_the_candidate_of_least_expected_loss(
            captions in prop::collection::vec(prop::collection::vec(0u32..4, 1..5), 2..8),
        ) {
            // Loss: words that do not match in their place. The candidate itself adds no loss, so
            // that the sum may run over all.
            let loss = |a: &[u32], b: &[u32]| {
                let pairs = a.iter().zip(b).filter(|(x, y)| x == y).count();
                (a.len().max(b.len()) - pairs) as f64
            };
            let n = captions.len();
            let scores = consensus(n, |i, j| Ok::<_, Infallible>(-loss(&captions[i], &captions[j])));
            let chosen = ranking(&scores.unwrap())[0];
            let risk = |i: usize| captions.iter().map(|c| loss(&captions[i], c)).sum::<f64>();
            let least = (0..n).map(risk).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(risk(chosen), least);
        }
    }
}
