//! What all objectives share: a batch, the captions of a tape, and the way through the output
//! layer.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use scst_kernels::traffic::is_elsewhere;
use scst_loss::{
    Counts, LossError, OutputGradient, OutputLayer, RowTargets, SoftmaxGradient, output_gradient,
};
use scst_model::{
    CaptionLoss, Captioner, Dropout, Gradients, HandOut, LocationSignal, Locations, ModelError,
    Noise, OutputGradients, Signal, Source, Tape,
};

use crate::{
    TrainError,
    config::HardAttentionConfig,
    draws::{Purpose, generator_of_part},
    optimise::reduce::Tally,
};

/// Rows of logits that exist at a time: on the CPU as many as its caches are good for, on a device as many as leave it few
/// launches.
pub(crate) fn chunk_rows(device: &Device) -> usize {
    if is_elsewhere(device) { 4_096 } else { 512 }
}

/// The place of a step in a run: what its random draws depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepContext {
    /// Seed of the run.
    pub(crate) seed: u64,
    /// Index of the stage.
    pub(crate) stage: usize,
    /// Step within the stage, from 0.
    pub(crate) step: u64,
    /// Pass over the training sources, from 0.
    pub(crate) epoch: u64,
    /// Dropout rate.
    pub(crate) dropout: f64,
    /// How the choice of regions is trained, if the captioner attends hard.
    pub(crate) hard_attention: Option<HardAttentionConfig>,
    /// Part of the batch, from 0.
    pub(crate) part: usize,
}

impl StepContext {
    /// The place of a part of the batch.
    pub(crate) fn of_part(self, part: usize) -> Self {
        Self { part, ..self }
    }

    /// The generator of this part for a purpose.
    pub(crate) fn generator(&self, purpose: Purpose) -> ChaCha8Rng {
        generator_of_part(self.seed, purpose, self.stage, self.step, self.part)
    }

    /// Dropout masks and drawn regions of this part.
    pub(crate) fn noise(&self) -> Noise {
        let rng = |purpose| self.generator(purpose);
        let dropout =
            (self.dropout > 0.0).then(|| Dropout::new(self.dropout, rng(Purpose::Dropout)));
        let mut drawn = rng(Purpose::Locations);
        let probability = self
            .hard_attention
            .map_or(0.0, |hard| hard.sampling_probability);
        let draws = probability > 0.0 && drawn.random::<f64>() < probability;
        Noise {
            dropout,
            locations: draws.then(|| Locations::new(drawn)),
        }
    }
}

/// A value of every caption, repeated for its words in the packed order of a tape: all captions'
/// first words, then all second words, and so on.
pub(crate) fn pack<T: Copy>(captions: &[Vec<u32>], value: impl Fn(usize, usize) -> T) -> Vec<T> {
    let longest = captions.iter().map(Vec::len).max().unwrap_or(0);
    let mut packed = Vec::with_capacity(captions.iter().map(Vec::len).sum());
    for t in 0..longest {
        for (n, caption) in captions.iter().enumerate() {
            if caption.len() > t {
                packed.push(value(n, t));
            }
        }
    }
    packed
}

/// Captions and words of a batch.
pub(crate) fn counts(captions: &[Vec<u32>]) -> Counts {
    Counts {
        sequences: captions.len() as u64,
        tokens: captions.iter().map(|caption| caption.len() as u64).sum(),
    }
}

/// How much every word and every caption counts.
pub(crate) struct LossWeights {
    /// Of every word, packed as the tape is.
    pub(crate) rows: Vec<f32>,
    /// Of every caption, where a captioner scores whole captions.
    pub(crate) captions: Vec<f64>,
    /// Of the cross-entropy of single words there; none if the loss is not one of whole captions.
    pub(crate) position_weight: Option<f64>,
}

/// The gradients of a weighted loss of the captions that `tape` ran over: of every word, or of whole captions if it is
/// these that the captioner scores.
///
/// Rows of the result are packed as the tape is, or are captions. `gradient` is the loss of words as
/// [`output_gradient`] takes it, `location` says what the choice of regions learns from, if it learns. Gradients are handed out
/// early or returned.
pub(crate) fn caption_gradient(
    captioner: &Captioner,
    tape: Tape,
    captions: &[Vec<u32>],
    weights: LossWeights,
    gradient: impl Fn(Tensor<2>, &RowTargets<'_>, Range<usize>) -> Result<SoftmaxGradient, LossError>,
    location: impl FnOnce(&RowLosses) -> LocationWeights,
    hand_out: HandOut<'_>,
) -> Result<(Gradients, RowLosses), TrainError> {
    if captioner.scores_whole_captions() {
        return whole_caption_gradient(captioner, tape, captions, &weights);
    }
    let words = pack(captions, |n, t| captions[n][t]);
    let targets = RowTargets {
        words: &words,
        weights: &weights.rows,
    };
    let (weight, bias) = captioner.output_layer()?;
    let layer = OutputLayer {
        weight,
        bias,
        precision: captioner.precision(),
    };
    let Some(hidden) = tape.hidden() else {
        return Ok((Gradients::default(), RowLosses::default()));
    };
    let chunk = chunk_rows(&hidden.device());
    let OutputGradient {
        hidden,
        weight,
        bias,
        log_probability,
        loss,
        entropy,
    } = output_gradient(&hidden, &layer, &targets, chunk, gradient)?;
    let losses = RowLosses {
        weights: weights.rows,
        log_probability,
        loss,
        entropy,
        outside: Vec::new(),
    };
    let output = OutputGradients {
        hidden,
        weight,
        bias,
    };
    let location = location(&losses);
    let location = location.as_ref().map(|(weights, entropy)| LocationSignal {
        weights,
        entropy: *entropy,
    });
    let signal = Signal::Words { output, location };
    let backward = captioner.backward_in_groups(tape, signal, hand_out)?;
    Ok((backward.gradients, losses))
}

fn whole_caption_gradient(
    captioner: &Captioner,
    tape: Tape,
    captions: &[Vec<u32>],
    weights: &LossWeights,
) -> Result<(Gradients, RowLosses), TrainError> {
    let signal = Signal::Captions {
        captions,
        weights: &weights.captions,
        position_weight: weights.position_weight.ok_or(ModelError::WholeCaptions)?,
    };
    let backward = captioner.backward(tape, signal)?;
    let all = |value: fn(&CaptionLoss) -> f64| -> Vec<f32> {
        let losses = backward.captions.iter();
        losses.map(|loss| value(loss) as f32).collect()
    };
    let losses = RowLosses {
        weights: weights
            .captions
            .iter()
            .map(|&weight| weight as f32)
            .collect(),
        log_probability: all(|loss| loss.log_probability),
        loss: all(|loss| -loss.log_probability),
        entropy: all(|loss| loss.entropy),
        outside: all(|loss| loss.outside),
    };
    Ok((backward.gradients, losses))
}

/// What the choice of regions learns from: the weight of every row, and that of the entropy.
pub(crate) type LocationWeights = Option<(Vec<f32>, f64)>;

/// Losses of single words, packed as the tape is, or of whole captions.
#[derive(Debug, Default)]
pub(crate) struct RowLosses {
    /// The weight of the word's caption.
    pub(crate) weights: Vec<f32>,
    /// `log p_w`, nats.
    pub(crate) log_probability: Vec<f32>,
    /// The loss, without the weight; cross-entropies in nats.
    pub(crate) loss: Vec<f32>,
    /// Entropy of the model's distribution, nats.
    pub(crate) entropy: Vec<f32>,
    /// Share of the words that were not considered, where only some are.
    pub(crate) outside: Vec<f32>,
}

/// Every index `0..sources`, each `times` in a row.
pub(crate) fn repeat(sources: usize, times: usize) -> Vec<usize> {
    (0..sources)
        .flat_map(|source| std::iter::repeat_n(source, times))
        .collect()
}

/// Adds what all objectives report of their rows, `tokens` words in all.
pub(crate) fn tally_rows(tally: &mut Tally, rows: &RowLosses, tokens: f64) {
    tally.add("entropy", sum(&rows.entropy), tokens);
    let outside = rows.outside.iter().map(|&share| f64::from(share));
    tally.add_all("outside_shortlist", outside);
}

/// Sum of 32-bit values in 64 bits.
pub(crate) fn sum(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum()
}

/// The sources of a batch and their indices in the training set.
pub(crate) struct SourceBatch {
    /// As many as `examples`.
    pub(crate) source: Source,
    /// Indices into the training set.
    pub(crate) examples: Vec<usize>,
    /// The given words that every sample begins with; none at all if empty.
    pub(crate) prefixes: Vec<Vec<u32>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_order_is_time_first() {
        let captions = vec![vec![1, 2, 3], vec![4], vec![5, 6]];
        assert_eq!(pack(&captions, |n, t| captions[n][t]), [1, 4, 5, 2, 6, 3]);
        assert_eq!(
            counts(&captions),
            Counts {
                sequences: 3,
                tokens: 6
            }
        );
    }
}
