//! Sampling that goes on from given words.

use rand::{Rng, RngExt};

use crate::{SamplerError, StepModel, multinomial::draw_words, step::decode};

/// Captions that begin with the words of `prefixes` and go on with words drawn from the model at temperature 1, until
/// the end token or `max_length` words.
///
/// ```text
/// w_t = prefix_t   where the prefix has a word,   else w_t ~ p(. given w_<t)
/// ```
///
/// With empty prefixes this is [`sample`](crate::sample), of the same numbers. A prefix that holds the end token is a
/// whole caption.
///
/// # Errors
/// [`SamplerError`] when the model fails or its scores are no distribution.
pub fn sample_continuations<M: StepModel>(
    model: &mut M,
    state: M::State,
    prefixes: &[Vec<u32>],
    max_length: usize,
    rng: &mut impl Rng,
) -> Result<Vec<Vec<u32>>, SamplerError<M::Error>> {
    let rows = prefixes.len();
    let uniforms: Vec<f64> = (0..rows * max_length).map(|_| rng.random()).collect();
    decode(model, state, rows, max_length, |scores, open| {
        let number = |&row: &usize| uniforms[row * max_length + open.step];
        let numbers: Vec<f64> = open.rows.iter().map(number).collect();
        let mut words = draw_words(scores, &numbers, open.step)?;
        for (word, &row) in words.iter_mut().zip(open.rows) {
            if let Some(&given) = prefixes[row].get(open.step) {
                *word = given;
            }
        }
        Ok(words)
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{sample, transition_table::TransitionTable};

    const TABLE: &[&[f32]] = &[&[0.2, 0.4, 0.4], &[0.3, 0.3, 0.4], &[0.3, 0.4, 0.3]];

    #[test]
    fn continuations_begin_with_their_prefixes_and_are_samples_without_one() {
        let mut model = TransitionTable::new(TABLE);
        let rng = || ChaCha8Rng::seed_from_u64(4);
        let prefixes = [vec![], vec![2, 1, 2], vec![1, 0], vec![]];
        let found = sample_continuations(
            &mut model,
            TransitionTable::state(4),
            &prefixes,
            6,
            &mut rng(),
        )
        .unwrap();
        assert_eq!(found[1][..3], [2, 1, 2]);
        assert_eq!(found[2], [1, 0]);
        let sampled = sample(&mut model, TransitionTable::state(4), 4, 6, &mut rng()).unwrap();
        assert_eq!((&found[0], &found[3]), (&sampled[0], &sampled[3]));
    }

    #[test]
    fn words_after_a_prefix_follow_the_distribution() {
        let mut model = TransitionTable::new(TABLE);
        let rows = 20_000;
        let prefixes = vec![vec![1]; rows];
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let state = TransitionTable::state(rows);
        let captions = sample_continuations(&mut model, state, &prefixes, 2, &mut rng).unwrap();
        for (word, &p) in TABLE[1].iter().enumerate() {
            let count = captions.iter().filter(|c| c[1] == word as u32).count();
            let (p, n) = (f64::from(p), rows as f64);
            let deviation = (p * (1.0 - p) / n).sqrt();
            assert!((count as f64 / n - p).abs() < 4.0 * deviation, "{word}");
        }
    }
}
