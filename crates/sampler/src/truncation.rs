//! From the model's distribution to the one that words are drawn from: temperature, top-k, nucleus, min-p.

use crate::step::log_z;

/// `softmax(s / T)`: below 1 sharper, above 1 flatter.
///
/// The largest score becomes 0, so that nothing overflows however low the temperature.
pub(crate) fn temperature(temperature: f64, scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if temperature == 1.0 || top == f32::NEG_INFINITY {
        return;
    }
    for score in scores {
        *score = ((f64::from(*score) - f64::from(top)) / temperature) as f32;
    }
}

/// The `k` most probable words (Fan et al. 2018), the smallest ids among equals.
pub(crate) fn top_k(k: usize, scores: &mut [f32]) {
    if k < scores.len() {
        let mut words: Vec<u32> = (0..scores.len() as u32).collect();
        words.select_nth_unstable_by(k, |a, b| descending(scores, *a, *b));
        keep(&words[..k], scores);
    }
}

/// The nucleus (Holtzman et al. 2020): the fewest words, most probable first, whose probabilities add up to `p` or more.
pub(crate) fn top_p(p: f64, scores: &mut [f32]) {
    let Some(log_z) = log_z(scores) else {
        return;
    };
    let mut words: Vec<u32> = (0..scores.len() as u32).collect();
    words.sort_unstable_by(|a, b| descending(scores, *a, *b));
    let mut total = 0.0;
    let mut count = 0;
    for &word in &words {
        if count > 0 && total >= p {
            break;
        }
        total += (f64::from(scores[word as usize]) - log_z).exp();
        count += 1;
    }
    keep(&words[..count], scores);
}

/// The words that are at least `share` times as probable as the most probable one (Nguyen et al. 2024).
pub(crate) fn min_p(share: f64, scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let least = f64::from(top) + share.ln();
    for score in scores {
        if f64::from(*score) < least {
            *score = f32::NEG_INFINITY;
        }
    }
}

/// The more probable word first, the smaller id among equals.
pub(crate) fn descending(scores: &[f32], a: u32, b: u32) -> std::cmp::Ordering {
    let order = scores[b as usize].total_cmp(&scores[a as usize]);
    order.then(a.cmp(&b))
}

fn keep(words: &[u32], scores: &mut [f32]) {
    let kept: Vec<f32> = words.iter().map(|&word| scores[word as usize]).collect();
    scores.fill(f32::NEG_INFINITY);
    for (&word, score) in words.iter().zip(kept) {
        scores[word as usize] = score;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn logs(p: &[f64]) -> Vec<f32> {
        p.iter().map(|p| p.ln() as f32).collect()
    }

    /// The words that are left.
    fn left(p: &[f64], edit: impl Fn(&mut [f32])) -> Vec<usize> {
        let mut scores = logs(p);
        edit(&mut scores);
        (0..p.len())
            .filter(|&k| scores[k] > f32::NEG_INFINITY)
            .collect()
    }

    #[test]
    fn truncations_keep_the_words_that_their_definitions_name() {
        let p = [0.1, 0.4, 0.15, 0.05, 0.3];
        assert_eq!(left(&p, |s| top_k(2, s)), [1, 4]);
        assert_eq!(left(&p, |s| top_k(9, s)), [0, 1, 2, 3, 4]);
        assert_eq!(left(&p, |s| top_p(0.69, s)), [1, 4]);
        assert_eq!(left(&p, |s| top_p(0.71, s)), [1, 2, 4]);
        assert_eq!(left(&p, |s| top_p(1e-9, s)), [1]);
        assert_eq!(left(&p, |s| top_p(1.0, s)), [0, 1, 2, 3, 4]);
        assert_eq!(left(&p, |s| min_p(0.3, s)), [1, 2, 4]);
        assert_eq!(left(&p, |s| min_p(1.0, s)), [1]);
    }

    #[test]
    fn ties_keep_the_smallest_ids_when_they_do_not_all_fit() {
        let p = [0.2, 0.2, 0.2, 0.2, 0.2];
        assert_eq!(left(&p, |s| top_k(2, s)), [0, 1]);
        assert_eq!(left(&p, |s| top_p(0.5, s)), [0, 1, 2]);
        assert_eq!(left(&p, |s| min_p(1.0, s)), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn low_temperature_leaves_the_most_probable_word_and_nothing_overflows() {
        let mut scores = [300.0, -300.0, f32::NEG_INFINITY, 299.0];
        temperature(1e-300, &mut scores);
        assert_eq!(
            scores,
            [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY]
        );
    }

    proptest! {
        #[test]
        fn kept_scores_are_unchanged_and_the_most_probable_word_is_kept(
            scores in prop::collection::vec(-9.0..9.0f32, 1..12),
            k in 1usize..12,
            share in 0.01..1.0f64,
        ) {
            let mut all = vec![scores.clone(); 3];
            top_k(k, &mut all[0]);
            top_p(share, &mut all[1]);
            min_p(share, &mut all[2]);
            let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for edited in all {
                prop_assert!(edited.contains(&top));
                for (edited, score) in edited.iter().zip(&scores) {
                    prop_assert!(edited == score || *edited == f32::NEG_INFINITY);
                }
            }
        }
    }
}
