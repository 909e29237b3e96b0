//! Multinomial sampling: every word drawn from the model's own distribution.

use burn::tensor::Tensor;
#[cfg(feature = "cube")]
use burn::tensor::TensorData;
use rand::{Rng, RngExt};
use scst_kernels::softmax::draw;
#[cfg(feature = "cube")]
use scst_kernels::{cube, traffic};

use crate::{
    SamplerError, StepModel,
    step::{decode, read},
};
#[cfg(feature = "cube")]
use crate::{ahead, step::read_words};

/// Captions drawn from the model at temperature 1, until the end token or `max_length` words.
///
/// ```text
/// w_t ~ p(. given w_<t),   by inverting the cumulative distribution at a uniform number
/// ```
///
/// One number per caption and step is drawn beforehand, so that a caption does not depend on when
/// others finish, nor on the device. Finished captions leave the batch.
///
/// # Errors
/// [`SamplerError`] when the model fails or its scores are no distribution.
pub fn sample<M: StepModel>(
    model: &mut M,
    state: M::State,
    rows: usize,
    max_length: usize,
    rng: &mut impl Rng,
) -> Result<Vec<Vec<u32>>, SamplerError<M::Error>> {
    let uniforms: Vec<f64> = (0..rows * max_length).map(|_| rng.random()).collect();
    #[cfg(feature = "cube")]
    if let Some(model) = model.ahead() {
        let mut drawn = ahead::Drawn::new(uniforms, max_length);
        return ahead::decode(model, state, rows, max_length, &mut drawn);
    }
    decode(model, state, rows, max_length, |scores, open| {
        let number = |&row: &usize| uniforms[row * max_length + open.step];
        let numbers: Vec<f64> = open.rows.iter().map(number).collect();
        draw_words(scores, &numbers, open.step)
    })
}

/// One word for every row of `scores`, `[rows, vocab]`, drawn by inverting the cumulative softmax
/// at `uniforms`, `[rows]`, numbers in `[0, 1)`. `step` is named in errors.
///
/// # Errors
/// [`SamplerError`] when a row is no distribution or cannot be read.
pub fn draw_words<E>(
    scores: Tensor<2>,
    uniforms: &[f64],
    step: usize,
) -> Result<Vec<u32>, SamplerError<E>> {
    #[cfg(feature = "cube")]
    if let Some(words) = draw_on_device(&scores, uniforms, step)? {
        return Ok(words);
    }
    let [_, vocab] = scores.dims();
    let mut scores = read(scores, step)?;
    let drawn = draw(vocab, &mut scores, uniforms).into_iter().enumerate();
    drawn
        .map(|(row, word)| word.ok_or(SamplerError::NoDistribution { row, step }))
        .collect()
}

/// The same by a kernel, after which the host reads a number a row; `None` where there is none, or a row is no
/// distribution.
#[cfg(feature = "cube")]
fn draw_on_device<E>(
    scores: &Tensor<2>,
    uniforms: &[f64],
    step: usize,
) -> Result<Option<Vec<u32>>, SamplerError<E>> {
    let device = scores.device();
    if !cube::runs_on(&device, scores.dtype()) {
        return Ok(None);
    }
    let uniforms: Vec<f32> = uniforms.iter().map(|&number| number as f32).collect();
    let rows = uniforms.len();
    let uniforms = traffic::send(TensorData::new(uniforms, [rows]), &device);
    read_words(
        cube::draw::draw(scores.clone(), uniforms, 0, None).words,
        step,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::transition_table::TransitionTable;

    #[test]
    fn sample_frequencies_approach_the_distribution() {
        let table: &[&[f32]] = &[&[0.1, 0.6, 0.3], &[0.5, 0.25, 0.25], &[0.2, 0.4, 0.4]];
        let mut model = TransitionTable::new(table);
        let rows = 20_000;
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let captions = sample(&mut model, TransitionTable::state(rows), rows, 2, &mut rng).unwrap();
        // Exact probabilities of all captions of at most two words, by enumeration.
        let mut expected = vec![(vec![0], 0.1)];
        for first in [1u32, 2] {
            for second in [0u32, 1, 2] {
                let p = table[0][first as usize] * table[first as usize][second as usize];
                expected.push((vec![first, second], p));
            }
        }
        for (caption, p) in expected {
            let count = captions.iter().filter(|&c| *c == caption).count();
            let (p, n) = (f64::from(p), rows as f64);
            let deviation = (p * (1.0 - p) / n).sqrt();
            let difference = (count as f64 / n - p).abs();
            assert!(
                difference < 4.0 * deviation,
                "{caption:?}: off by {difference}"
            );
        }
    }

    #[test]
    fn sample_is_the_same_when_other_rows_are_absent() {
        let table: &[&[f32]] = &[&[0.2, 0.4, 0.4], &[0.3, 0.3, 0.4], &[0.3, 0.4, 0.3]];
        let mut model = TransitionTable::new(table);
        let run = |model: &mut TransitionTable, rows| {
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            sample(model, TransitionTable::state(rows), rows, 6, &mut rng).unwrap()
        };
        let many = run(&mut model, 8);
        let few = run(&mut model, 3);
        assert_eq!(many[..3], few[..]);
    }

    #[test]
    fn impossible_words_are_never_drawn() {
        let draw_one =
            |scores: &[f32], uniform| draw(scores.len(), &mut scores.to_vec(), &[uniform])[0];
        let scores = [f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY];
        assert_eq!(draw_one(&scores, 0.0), Some(1));
        assert_eq!(draw_one(&scores, 1.0 - f64::EPSILON), Some(1));
        assert_eq!(draw_one(&[f32::NEG_INFINITY; 2], 0.5), None);
        assert_eq!(draw_one(&[f32::NAN, 0.0], 0.5), None);
    }

    proptest! {
        #[test]
        fn draw_inverts_the_cumulative_distribution(
            scores in prop::collection::vec(-20.0..20.0f32, 1..30),
            uniform in 0.0..1.0f64,
        ) {
            let word = draw(scores.len(), &mut scores.clone(), &[uniform])[0].unwrap() as usize;
            let p: Vec<f64> = scores.iter().map(|&s| f64::from(s).exp()).collect();
            let total: f64 = p.iter().sum();
            let below: f64 = p[..word].iter().sum::<f64>() / total;
            let above: f64 = p[..=word].iter().sum::<f64>() / total;
            prop_assert!(below - 1e-5 <= uniform && uniform <= above + 1e-5);
        }
    }
}
