//! Greedy decoding: the most probable word at every step.

use burn::tensor::Tensor;
#[cfg(feature = "cube")]
use scst_kernels::cube;

use crate::{
    Hypothesis, Limits, SamplerError, StepModel,
    step::{Open, decode, log_z, read},
};
#[cfg(feature = "cube")]
use crate::{
    ahead::{self, Best, Choice},
    step::read_words,
};

/// The most probable word at every step, until the end token or the maximum length.
///
/// ```text
/// w_t = argmax_w p(w given w_<t),   the smallest id among equals, of the words that `limits` allow
/// ```
///
/// Finished captions leave the batch.
///
/// # Errors
/// [`SamplerError`] when the model fails, its scores are no distribution, or constraints leave
/// nothing.
pub fn greedy<M: StepModel>(
    model: &mut M,
    state: M::State,
    rows: usize,
    limits: &Limits,
) -> Result<Vec<Vec<u32>>, SamplerError<M::Error>> {
    // None where what is forbidden depends on captions.
    #[cfg(feature = "cube")]
    let mut of_device = limits.forbid_always().map(Best::new);
    #[cfg(feature = "cube")]
    if let (Some(best), Some(model)) = (&mut of_device, model.ahead()) {
        return ahead::decode(model, state, rows, limits.max_length, best);
    }
    decode(model, state, rows, limits.max_length, |scores, open| {
        #[cfg(feature = "cube")]
        if let Some(words) = best_on_device(of_device.as_mut(), &scores, open.step)? {
            return Ok(words);
        }
        best(scores, open, limits, |_, _, _| Some(()))
    })
}

/// The captions of [`greedy`], with the log-probabilities that the model gives them: its own, to which forbidden words
/// count.
///
/// # Errors
/// Those of [`greedy`].
pub fn greedy_hypotheses<M: StepModel>(
    model: &mut M,
    state: M::State,
    rows: usize,
    limits: &Limits,
) -> Result<Vec<Hypothesis>, SamplerError<M::Error>> {
    let mut log_probabilities = vec![0.0; rows];
    let captions = decode(model, state, rows, limits.max_length, |scores, open| {
        best(scores, open, limits, |row, scores, word| {
            log_probabilities[row] += f64::from(scores[word as usize]) - log_z(scores)?;
            Some(())
        })
    })?;
    let hypotheses = captions.into_iter().zip(log_probabilities);
    Ok(hypotheses
        .map(|(words, log_probability)| limits.judge(words, log_probability))
        .collect())
}

/// The best words, on the host. Shows `observe` every row, the scores that the model gave, and the word that was chosen;
/// `None` from it says that the scores are no distribution.
fn best<E>(
    scores: Tensor<2>,
    open: &Open<'_>,
    limits: &Limits,
    mut observe: impl FnMut(usize, &[f32], u32) -> Option<()>,
) -> Result<Vec<u32>, SamplerError<E>> {
    let [_, vocab] = scores.dims();
    let step = open.step;
    let own = read(scores, step)?;
    let mut allowed = own.clone();
    let rows = own.chunks(vocab).zip(allowed.chunks_mut(vocab));
    let rows = open.rows.iter().zip(rows);
    rows.map(|(&row, (own, allowed))| {
        if !limits.forbid_or_end(&open.captions[row], allowed) {
            return Err(SamplerError::NothingAllowed { row, step });
        }
        let word = argmax(allowed).ok_or(SamplerError::NoDistribution { row, step })?;
        observe(row, own, word).ok_or(SamplerError::NoDistribution { row, step })?;
        Ok(word)
    })
    .collect()
}

/// The best words by a kernel, after which the host reads a number a caption; none where the host has to look at the scores:
/// there is no kernel, or a caption has no word to go on with.
#[cfg(feature = "cube")]
fn best_on_device<E>(
    best: Option<&mut Best>,
    scores: &Tensor<2>,
    step: usize,
) -> Result<Option<Vec<u32>>, SamplerError<E>> {
    match best {
        Some(best) if cube::runs_on(&scores.device(), scores.dtype()) => {
            read_words(best.choose(scores.clone(), 0, None).words, step)
        }
        _ => Ok(None),
    }
}

/// The index of the largest score, the first among equals; `None` if there is none above -inf or
/// one is NaN.
fn argmax(scores: &[f32]) -> Option<u32> {
    let mut best = f32::NEG_INFINITY;
    let mut word = None;
    for (k, &score) in scores.iter().enumerate() {
        if score > best {
            best = score;
            word = Some(k as u32);
        } else if score.is_nan() {
            return None;
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transition_table::TransitionTable;

    #[test]
    fn greedy_follows_the_largest_transition_until_the_end_token() {
        let mut table =
            TransitionTable::new(&[&[0.1, 0.6, 0.3], &[0.2, 0.1, 0.7], &[0.8, 0.1, 0.1]]);
        let captions = greedy(
            &mut table,
            TransitionTable::state(2),
            2,
            &Limits::length(10),
        )
        .unwrap();
        assert_eq!(captions, [[1, 2, 0], [1, 2, 0]]);
    }

    #[test]
    fn greedy_cuts_off_at_the_maximum_length() {
        let mut table = TransitionTable::new(&[&[0.1, 0.9], &[0.1, 0.9]]);
        let captions =
            greedy(&mut table, TransitionTable::state(1), 1, &Limits::length(4)).unwrap();
        assert_eq!(captions, [[1, 1, 1, 1]]);
    }

    #[test]
    fn greedy_takes_the_smallest_id_when_scores_tie() {
        assert_eq!(argmax(&[0.5, 0.5, 0.2]), Some(0));
    }

    #[test]
    fn greedy_reports_the_row_when_scores_are_nan() {
        let mut table = TransitionTable::new(&[&[f32::NAN, 1.0], &[1.0, 1.0]]);
        let error =
            greedy(&mut table, TransitionTable::state(1), 1, &Limits::length(4)).unwrap_err();
        assert!(matches!(
            error,
            SamplerError::NoDistribution { row: 0, step: 0 }
        ));
    }
}
