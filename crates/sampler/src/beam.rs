//! Beam search: the most probable captions among those that survive at every step.

use crate::{END, SamplerError, StepModel, step::read};

/// A caption and the log-probability that the model gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Word ids up to and including the end token, if it was reached.
    pub words: Vec<u32>,
    /// `sum_t log p(w_t given w_<t)`, nats; the end token counts, length is not normalised.
    pub log_probability: f64,
}

impl Hypothesis {
    fn is_finished(&self) -> bool {
        self.words.last() == Some(&END)
    }
}

/// One way to go on: a live hypothesis of an image, a word, and the log-probability of both.
struct Extension {
    beam: usize,
    word: Option<u32>,
    log_probability: f64,
}

/// The `width` best captions of every image, best first.
///
/// At every step each live caption is extended by every word; the `width` best of an image,
/// finished ones among them, survive. With `width >= vocab ^ max_length` this is exhaustive.
/// Equal scores keep the order of beams, then of word ids.
///
/// # Shapes
/// `state` holds one row an image.
///
/// # Errors
/// [`SamplerError`] when the model fails, its scores are no distribution, or `width` is 0.
pub fn beam<M: StepModel>(
    model: &mut M,
    mut state: M::State,
    images: usize,
    width: usize,
    max_length: usize,
) -> Result<Vec<Vec<Hypothesis>>, SamplerError<M::Error>> {
    if width == 0 {
        return Err(SamplerError::Width);
    }
    let start = Hypothesis {
        words: Vec::new(),
        log_probability: 0.0,
    };
    let mut beams = vec![vec![start]; images];
    for step in 0..max_length {
        let live: Vec<(usize, usize)> = beams
            .iter()
            .enumerate()
            .flat_map(|(image, beams)| {
                (0..beams.len())
                    .filter(|&k| !beams[k].is_finished())
                    .map(move |k| (image, k))
            })
            .collect();
        if live.is_empty() {
            break; // no images
        }
        let last = |&(image, k): &(usize, usize)| beams[image][k].words.last().copied();
        let words: Vec<u32> = live.iter().map(|at| last(at).unwrap_or(END)).collect();
        let (scores, next) = model.step(&words, state)?;
        let [_, vocab] = scores.dims();
        let scores = read(scores, step)?;

        let mut rows = Vec::new();
        let mut row = 0;
        for (image, beams) in beams.iter_mut().enumerate() {
            let first_row = row;
            let mut extensions = Vec::new();
            let mut row_of_beam = vec![0; beams.len()];
            for (k, hypothesis) in beams.iter().enumerate() {
                if hypothesis.is_finished() {
                    extensions.push(Extension {
                        beam: k,
                        word: None,
                        log_probability: hypothesis.log_probability,
                    });
                    continue;
                }
                row_of_beam[k] = row;
                let scores = &scores[row * vocab..(row + 1) * vocab];
                extend(k, hypothesis, scores, width, &mut extensions)
                    .ok_or(SamplerError::NoDistribution { row: image, step })?;
                row += 1;
            }
            if row == first_row {
                continue;
            }
            extensions.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
            extensions.truncate(width);
            let survivors: Vec<Hypothesis> = extensions
                .iter()
                .map(|extension| {
                    let mut words = beams[extension.beam].words.clone();
                    words.extend(extension.word);
                    if extension.word.is_some_and(|word| word != END) {
                        rows.push(row_of_beam[extension.beam]);
                    }
                    Hypothesis {
                        words,
                        log_probability: extension.log_probability,
                    }
                })
                .collect();
            *beams = survivors;
        }
        if rows.is_empty() {
            break;
        }
        state = model.select(next, &rows);
    }
    Ok(beams)
}

/// Pushes the `width` best words after one hypothesis; `None` if the scores are no distribution.
fn extend(
    beam: usize,
    hypothesis: &Hypothesis,
    scores: &[f32],
    width: usize,
    extensions: &mut Vec<Extension>,
) -> Option<()> {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = scores.iter().map(|&s| f64::from(s - top).exp()).sum();
    if !total.is_finite() || top == f32::NEG_INFINITY {
        return None;
    }
    let log_z = f64::from(top) + total.ln();
    let mut best: Vec<u32> = (0..scores.len() as u32)
        .filter(|&w| scores[w as usize] > f32::NEG_INFINITY)
        .collect();
    let order = |a: &u32, b: &u32| {
        let (score_a, score_b) = (scores[*a as usize], scores[*b as usize]);
        score_b.total_cmp(&score_a).then(a.cmp(b))
    };
    if best.len() > width {
        best.select_nth_unstable_by(width - 1, order);
        best.truncate(width);
    }
    best.sort_by(order);
    extensions.extend(best.into_iter().map(|word| Extension {
        beam,
        word: Some(word),
        log_probability: hypothesis.log_probability + f64::from(scores[word as usize]) - log_z,
    }));
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{greedy, transition_table::TransitionTable};

    /// Every caption of at most `length` words with its log-probability, best first.
    fn enumerate(table: &[Vec<f32>], length: usize) -> Vec<Hypothesis> {
        let mut open = vec![Hypothesis {
            words: Vec::new(),
            log_probability: 0.0,
        }];
        let mut all = Vec::new();
        for step in 0..length {
            let mut next = Vec::new();
            for prefix in open {
                let last = prefix.words.last().copied().unwrap_or(END) as usize;
                let total: f64 = table[last].iter().map(|&p| f64::from(p)).sum();
                for (word, &p) in table[last].iter().enumerate() {
                    let mut words = prefix.words.clone();
                    words.push(word as u32);
                    let log_probability = prefix.log_probability + (f64::from(p) / total).ln();
                    let hypothesis = Hypothesis {
                        words,
                        log_probability,
                    };
                    if word as u32 == END || step + 1 == length {
                        all.push(hypothesis);
                    } else {
                        next.push(hypothesis);
                    }
                }
            }
            open = next;
        }
        all.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
        all
    }

    fn run(table: &[Vec<f32>], images: usize, width: usize, length: usize) -> Vec<Vec<Hypothesis>> {
        let rows: Vec<&[f32]> = table.iter().map(Vec::as_slice).collect();
        let mut model = TransitionTable::new(&rows);
        beam(
            &mut model,
            TransitionTable::state(images),
            images,
            width,
            length,
        )
        .unwrap()
    }

    proptest! {
        #[test]
        fn beam_equals_enumeration_when_it_is_wide_enough(
            weights in prop::collection::vec(0.05..1.0f32, 9),
            length in 1usize..4,
        ) {
            let table: Vec<Vec<f32>> = weights.chunks(3).map(<[f32]>::to_vec).collect();
            let expected = enumerate(&table, length);
            for found in run(&table, 2, 27, length) {
                prop_assert_eq!(found.len(), expected.len());
                for (f, e) in found.iter().zip(&expected) {
                    prop_assert!((f.log_probability - e.log_probability).abs() < 1e-5);
                }
                let total: f64 = found.iter().map(|h| h.log_probability.exp()).sum();
                prop_assert!((total - 1.0).abs() < 1e-5);
            }
        }

        #[test]
        fn beam_of_one_is_greedy(weights in prop::collection::vec(0.05..1.0f32, 16)) {
            let table: Vec<Vec<f32>> = weights.chunks(4).map(<[f32]>::to_vec).collect();
            let rows: Vec<&[f32]> = table.iter().map(Vec::as_slice).collect();
            let mut model = TransitionTable::new(&rows);
            let expected = greedy(&mut model, TransitionTable::state(1), 1, 5).unwrap();
            prop_assert_eq!(&run(&table, 1, 1, 5)[0][0].words, &expected[0]);
        }
    }

    #[test]
    fn beam_finds_what_greedy_misses() {
        let table = vec![
            vec![0.0, 0.6, 0.4],
            vec![0.34, 0.33, 0.33],
            vec![0.9, 0.05, 0.05],
        ];
        assert_eq!(run(&table, 1, 1, 2)[0][0].words, [1, 0]);
        assert_eq!(run(&table, 1, 2, 2)[0][0].words, [2, 0]);
    }

    #[test]
    fn beam_of_width_zero_is_refused() {
        let mut model = TransitionTable::new(&[&[1.0]]);
        let error = beam(&mut model, TransitionTable::state(1), 1, 0, 3).unwrap_err();
        assert!(matches!(error, SamplerError::Width));
    }
}
