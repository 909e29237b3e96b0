//! The value of every word that might come next, at every word of the samples.

use burn::tensor::{Device, Tensor, TensorData};
use scst_data::vocabulary::UNKNOWN_ID;
use scst_kernels::traffic::send;
use scst_reward::{NextWordValues, edit_continuations};
use scst_sampler::END;

use super::{critic::SelfCritic, rollout::Rollout};
use crate::objective::batch::pack;

impl SelfCritic {
    /// Minus the error rate that the best continuation after each next word has, packed as a tape is.
    pub(super) fn word_values(&self, rollout: &Rollout) -> Vec<NextWordValues> {
        let references = self.rewards.references();
        let captions = rollout.example_of_sample().zip(&rollout.captions);
        let of_captions: Vec<Vec<NextWordValues>> = captions
            .map(|(example, words)| {
                let image = references.image(example);
                let tokens = image.iter().flat_map(|image| image.tokens.iter());
                let references: Vec<&[u32]> = tokens
                    .map(|words| words.strip_suffix(&[END]).unwrap_or(words))
                    .collect();
                edit_continuations(words, &references, Some(UNKNOWN_ID))
            })
            .collect();
        let places = pack(&rollout.captions, |n, t| (n, t));
        let values = places.into_iter().map(|(n, t)| of_captions[n][t].clone());
        values.collect()
    }
}

/// The values of all words, `[rows, vocab]`.
pub(super) fn table(rows: &[NextWordValues], vocab: usize, device: &Device) -> Tensor<2> {
    let mut values = Vec::with_capacity(rows.len() * vocab);
    for row in rows {
        let first = values.len();
        values.resize(first + vocab, row.others as f32);
        let own = &mut values[first..];
        for &(word, value) in &row.words {
            if let Some(own) = own.get_mut(word as usize) {
                *own = value as f32;
            }
        }
        if let Some(own) = own.get_mut(END as usize) {
            *own = row.end as f32;
        }
    }
    send(TensorData::new(values, [rows.len(), vocab]), device)
}
