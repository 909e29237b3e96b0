//! The log-probabilities of given captions.

use crate::{
    END, SamplerError, StepModel,
    step::{decode, log_z, read},
};

/// What a model gives captions that are there already, one a row of `state`.
///
/// ```text
/// sum_t log p(w_t given w_<t),   nats
/// ```
///
/// A caption ends with its end token or its last word. One that holds a word which the model rules out has `-inf`.
///
/// # Errors
/// [`SamplerError`] when the model fails, or its scores are no distribution.
pub fn log_probabilities<M: StepModel>(
    model: &mut M,
    state: M::State,
    captions: &[Vec<u32>],
) -> Result<Vec<f64>, SamplerError<M::Error>> {
    let longest = captions.iter().map(Vec::len).max().unwrap_or(0);
    let mut totals = vec![0.0; captions.len()];
    decode(model, state, captions.len(), longest, |scores, open| {
        let [_, vocab] = scores.dims();
        let step = open.step;
        let scores = read(scores, step)?;
        let rows = open.rows.iter().zip(scores.chunks(vocab));
        rows.map(|(&row, scores)| {
            // Behind the last word of a caption that was cut off, the end token makes the row leave the batch.
            let Some(&word) = captions[row].get(step) else {
                return Ok(END);
            };
            let log_z = log_z(scores).ok_or(SamplerError::NoDistribution { row, step })?;
            let score = scores.get(word as usize).copied();
            totals[row] += f64::from(score.unwrap_or(f32::NEG_INFINITY)) - log_z;
            Ok(word)
        })
        .collect()
    })?;
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Limits, greedy_hypotheses,
        transition_table::{TransitionTable, enumerate},
    };

    #[test]
    fn log_probabilities_are_those_of_enumeration() {
        let table = [
            vec![0.2, 0.5, 0.3],
            vec![0.3, 0.3, 0.4],
            vec![0.6, 0.3, 0.1],
        ];
        let all = enumerate(&table, 4);
        let captions: Vec<Vec<u32>> = all.iter().map(|h| h.words.clone()).collect();
        let state = TransitionTable::state(captions.len());
        let found = log_probabilities(&mut TransitionTable::of(&table), state, &captions).unwrap();
        for (found, expected) in found.iter().zip(&all) {
            assert!((found - expected.log_probability).abs() < 1e-5);
        }
        let greedy = greedy_hypotheses(
            &mut TransitionTable::of(&table),
            TransitionTable::state(1),
            1,
            &Limits::length(4),
        )
        .unwrap();
        let of_greedy = log_probabilities(
            &mut TransitionTable::of(&table),
            TransitionTable::state(1),
            &[greedy[0].words.clone()],
        )
        .unwrap();
        assert!((of_greedy[0] - greedy[0].log_probability).abs() < 1e-9);
    }

    #[test]
    fn words_that_are_ruled_out_have_no_probability() {
        let mut model = TransitionTable::new(&[&[0.0, 1.0], &[0.5, 0.5]]);
        let captions = [vec![1, 0], vec![0]];
        let found = log_probabilities(&mut model, TransitionTable::state(2), &captions).unwrap();
        assert!((found[0] - 0.5f64.ln()).abs() < 1e-6);
        assert_eq!(found[1], f64::NEG_INFINITY);
    }
}
