//! Decoding that goes on from words which the host has not read, so that it waits for the device once in several steps.

use burn::tensor::{Int, Tensor, TensorData};
use scst_kernels::{
    cube::draw::{Chosen, argmax, draw},
    traffic::{read_all, send},
};
use scst_tokens::END;

use crate::{SamplerError, step::StepAhead};

/// Steps from one look at the words to the next: captions that end meanwhile stay in the batch.
const STEPS: usize = 8;

/// Chooses a word a row.
pub(crate) trait Choice {
    /// Sees which captions are open in the steps that come.
    fn begin(&mut self, open: &[usize], first_step: usize);

    /// The words after `scores`, `[open, vocab]`, `step` steps after the first; `before` as of [`draw`].
    fn choose(&mut self, scores: Tensor<2>, step: usize, before: Option<Tensor<1, Int>>) -> Chosen;
}

/// Words drawn by inverting the cumulative distribution.
pub(crate) struct Drawn {
    /// One number a caption and step, `[rows max_length]`.
    uniforms: Vec<f64>,
    max_length: usize,
    /// Those of the steps that come, step by step.
    next: Vec<f32>,
    on_device: Option<Tensor<1>>,
}

impl Drawn {
    pub(crate) fn new(uniforms: Vec<f64>, max_length: usize) -> Self {
        Self {
            uniforms,
            max_length,
            next: Vec::new(),
            on_device: None,
        }
    }
}

impl Choice for Drawn {
    fn begin(&mut self, open: &[usize], first_step: usize) {
        let (uniforms, length) = (&self.uniforms, self.max_length);
        let last = length.min(first_step + STEPS);
        let of_step = |step| {
            open.iter()
                .map(move |row| uniforms[row * length + step] as f32)
        };
        self.next = (first_step..last).flat_map(of_step).collect();
        self.on_device = None;
    }

    fn choose(&mut self, scores: Tensor<2>, step: usize, before: Option<Tensor<1, Int>>) -> Chosen {
        let uniforms = self.on_device.get_or_insert_with(|| {
            let numbers = std::mem::take(&mut self.next);
            let count = numbers.len();
            send(TensorData::new(numbers, [count]), &scores.device())
        });
        draw(scores, uniforms.clone(), step, before)
    }
}

/// The best words but for some.
pub(crate) struct Best {
    forbidden: Vec<u32>,
    /// 0 for words that may not be chosen, else 1, `[vocab]`.
    allowed: Option<Tensor<1>>,
}

impl Best {
    pub(crate) fn new(forbidden: Vec<u32>) -> Self {
        Self {
            forbidden,
            allowed: None,
        }
    }
}

impl Choice for Best {
    fn begin(&mut self, _open: &[usize], _first_step: usize) {}

    fn choose(
        &mut self,
        scores: Tensor<2>,
        _step: usize,
        before: Option<Tensor<1, Int>>,
    ) -> Chosen {
        let [_, vocab] = scores.dims();
        let allowed = self.allowed.get_or_insert_with(|| {
            let mut allowed = vec![1.0f32; vocab];
            for &word in &self.forbidden {
                if let Some(allowed) = allowed.get_mut(word as usize) {
                    *allowed = 0.0;
                }
            }
            send(TensorData::new(allowed, [vocab]), &scores.device())
        });
        argmax(scores, allowed.clone(), before)
    }
}

/// Decodes captions as [`step::decode`](crate::step) does, with fewer looks at the words.
pub(crate) fn decode<M: StepAhead + ?Sized>(
    model: &mut M,
    mut state: M::State,
    rows: usize,
    max_length: usize,
    choice: &mut impl Choice,
) -> Result<Vec<Vec<u32>>, SamplerError<M::Error>> {
    let mut captions = vec![Vec::new(); rows];
    let mut open: Vec<usize> = (0..rows).collect();
    let mut words = vec![END; rows];
    let mut first = 0;
    while first < max_length && !open.is_empty() {
        choice.begin(&open, first);
        let (scores, mut next) = model.step(&words, state)?;
        let mut before = choice.choose(scores, 0, None);
        let mut chosen = vec![before.words];
        for step in 1..STEPS.min(max_length - first) {
            let (scores, after) = model.step_ahead(before.next.clone(), next)?;
            before = choice.choose(scores, step, Some(before.next));
            chosen.push(before.words);
            next = after;
        }
        let chosen = read_steps(chosen, first, &open)?;
        for words in &chosen {
            for (&row, &word) in open.iter().zip(words) {
                let caption = &mut captions[row];
                if caption.last() != Some(&END) {
                    caption.push(word);
                }
            }
        }
        let (last, read) = chosen.split_last().unwrap_or((&words, &[]));
        model.settle(read);
        let going_on: Vec<usize> = (0..last.len()).filter(|&k| last[k] != END).collect();
        if going_on.is_empty() {
            break;
        }
        let going_on_words = going_on.iter().map(|&k| last[k]).collect();
        state = if going_on.len() == open.len() {
            next
        } else {
            model.select(next, &going_on)
        };
        open = going_on.iter().map(|&k| open[k]).collect();
        first += chosen.len();
        words = going_on_words;
    }
    Ok(captions)
}

/// The words of some steps, one a row of `open`, for which the host waits once.
fn read_steps<E>(
    chosen: Vec<Tensor<1, Int>>,
    first_step: usize,
    open: &[usize],
) -> Result<Vec<Vec<u32>>, SamplerError<E>> {
    let steps: Vec<Vec<i64>> = read_all(chosen).map_err(|error| SamplerError::Read {
        step: first_step,
        reason: error.to_string(),
    })?;
    let steps = steps.into_iter().enumerate();
    let of_step = |(step, words): (usize, Vec<i64>)| {
        let step = first_step + step;
        let word = |(&row, word): (&usize, i64)| {
            let none = SamplerError::NoDistribution { row, step };
            u32::try_from(word).map_err(|_| none)
        };
        open.iter().zip(words).map(word).collect()
    };
    steps.map(of_step).collect()
}
