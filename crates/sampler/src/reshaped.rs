//! Captions for training that are drawn from another distribution than the model's own, with the probabilities that they
//! were drawn with.

use rand::{Rng, RngExt};

use crate::{
    SamplerError, SamplingOptions, StepModel,
    error::refuse,
    step::{decode, log_z, read},
};

/// A caption and how probable its words were where they were drawn from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DrawnCaption {
    /// Word ids up to and including the end token, if it was reached.
    pub words: Vec<u32>,
    /// `log q(w_t given w_<t)`, nats, of every word; `q`: the distribution that it was drawn from.
    pub log_probabilities: Vec<f64>,
}

/// Captions drawn as `options` say, until the end token or `max_length` words.
///
/// ```text
/// w_t ~ q(. given w_<t),   q = softmax(s / T) over the words that are left by top-k, nucleus and min-p
/// ```
///
/// With `log q` a gradient can be weighted by `p / q`. One number per caption and step is drawn beforehand, as in
/// [`sample`](crate::sample).
///
/// # Errors
/// [`SamplerError`] when the model fails, its scores are no distribution, or an option is out of range.
pub fn sample_reshaped<M: StepModel>(
    model: &mut M,
    state: M::State,
    rows: usize,
    max_length: usize,
    options: &SamplingOptions,
    rng: &mut impl Rng,
) -> Result<Vec<DrawnCaption>, SamplerError<M::Error>> {
    refuse(options.problems())?;
    let uniforms: Vec<f64> = (0..rows * max_length).map(|_| rng.random()).collect();
    let mut log_probabilities: Vec<Vec<f64>> = vec![Vec::new(); rows];
    let captions = decode(model, state, rows, max_length, |scores, open| {
        let [_, vocab] = scores.dims();
        let step = open.step;
        let mut scores = read(scores, step)?;
        let rows = open.rows.iter().zip(scores.chunks_mut(vocab));
        rows.map(|(&row, scores)| {
            let none = SamplerError::NoDistribution { row, step };
            options.reshape(scores);
            let Some(log_z) = log_z(scores) else {
                return Err(none);
            };
            // A draw may leave other numbers behind than scores.
            let reshaped = scores.to_vec();
            let word = options.drawn(scores, uniforms[row * max_length + step]);
            let word = word.ok_or(none)?;
            log_probabilities[row].push(f64::from(reshaped[word as usize]) - log_z);
            Ok(word)
        })
        .collect()
    })?;
    let drawn = captions.into_iter().zip(log_probabilities);
    Ok(drawn
        .map(|(words, log_probabilities)| DrawnCaption {
            words,
            log_probabilities,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{sample, transition_table::TransitionTable};

    const TABLE: &[&[f32]] = &[&[0.1, 0.6, 0.3], &[0.5, 0.25, 0.25], &[0.2, 0.4, 0.4]];

    fn drawn(options: &SamplingOptions, rows: usize) -> Vec<DrawnCaption> {
        let mut model = TransitionTable::new(TABLE);
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let state = TransitionTable::state(rows);
        sample_reshaped(&mut model, state, rows, 4, options, &mut rng).unwrap()
    }

    #[test]
    fn without_options_words_and_probabilities_are_the_models_own() {
        let found = drawn(&SamplingOptions::default(), 50);
        let mut model = TransitionTable::new(TABLE);
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let own = sample(&mut model, TransitionTable::state(50), 50, 4, &mut rng).unwrap();
        for (found, own) in found.iter().zip(own) {
            assert_eq!(found.words, own);
            let mut before = 0;
            for (&word, log_q) in found.words.iter().zip(&found.log_probabilities) {
                let p = f64::from(TABLE[before][word as usize]);
                assert!((log_q - p.ln()).abs() < 1e-6);
                before = word as usize;
            }
        }
    }

    #[test]
    fn weighting_by_probabilities_of_both_undoes_the_temperature() {
        let options = SamplingOptions {
            temperature: 2.0,
            ..SamplingOptions::default()
        };
        let rows = 40_000;
        let found = drawn(&options, rows);
        // The probability of the first word, by importance weights and without.
        let (mut weighted, mut plain) = ([0.0; 3], [0.0; 3]);
        for caption in found {
            let word = caption.words[0] as usize;
            let p = f64::from(TABLE[0][word]);
            weighted[word] += (p.ln() - caption.log_probabilities[0]).exp() / rows as f64;
            plain[word] += 1.0 / rows as f64;
        }
        for (word, &p) in TABLE[0].iter().enumerate() {
            assert!((weighted[word] - f64::from(p)).abs() < 0.01, "{weighted:?}");
        }
        assert!((plain[1] - 0.6).abs() > 0.05, "{plain:?}");
    }

    #[test]
    fn words_that_are_left_share_the_probability() {
        let options = SamplingOptions {
            top_k: Some(1),
            ..SamplingOptions::default()
        };
        for caption in drawn(&options, 5) {
            assert_eq!(caption.words[0], 1);
            assert!(caption.log_probabilities[0].abs() < 1e-6);
        }
    }
}
