//! Captions sampled from the model, and the run that drew them.

use std::time::Instant;

use scst_model::{Captioner, Source, Tape};
use scst_sampler::{greedy, sample, sample_continuations};

use super::critic::SelfCritic;
use crate::{
    TrainError,
    decode::step_model::{Decoder, readable},
    draws::{Purpose, generator},
    objective::{
        batch::{SourceBatch, StepContext, repeat},
        word::{reread, teacher_forced},
    },
    optimise::reduce::Tally,
};

/// Sampled captions of a batch, and the run that drew them.
pub(super) struct Rollout {
    /// The images, and the words that samples were given to begin with.
    pub(super) batch: SourceBatch,
    /// Samples of every image in a row.
    pub(super) captions: Vec<Vec<u32>>,
    /// Image of every sample, as an index into the batch.
    pub(super) source_of_sequence: Vec<usize>,
    /// The run that drew them, dropout masks included; none once it has been taken back through the captioner.
    pub(super) tape: Option<Tape>,
    /// The greedy caption of every image, if the baseline needs them.
    pub(super) greedy: Vec<Vec<u32>>,
}

impl Rollout {
    /// Sources of the samples, and the images of these in the training set.
    pub(super) fn image_of_sample(&self) -> impl Iterator<Item = usize> {
        let images = &self.batch.images;
        self.source_of_sequence.iter().map(|&source| images[source])
    }

    /// The run over the samples: the one that drew them, the first time; then one that reads them, with the dropout masks
    /// of the drawing.
    pub(super) fn take_tape(
        &mut self,
        captioner: &Captioner,
        context: StepContext,
    ) -> Result<Tape, TrainError> {
        if let Some(tape) = self.tape.take() {
            return Ok(tape);
        }
        let (source, noise) = (self.batch.source.clone(), context.noise());
        let (sources, captions) = (&self.source_of_sequence, &self.captions);
        // Without masks to meet again, all words of the captions can be looked up at once.
        if noise.dropout.is_none() {
            return Ok(teacher_forced(captioner, source, sources, captions, noise)?);
        }
        reread(captioner, source, sources, captions, noise)
    }
}

impl SelfCritic {
    /// Samples captions with dropout on and, for a baseline of theirs, decodes greedy ones with dropout off.
    pub(super) fn roll_out(
        &self,
        captioner: &Captioner,
        max_length: usize,
        batch: SourceBatch,
        context: StepContext,
        tally: &mut Tally,
    ) -> Result<Rollout, TrainError> {
        let start = Instant::now();
        let images = batch.images.len();
        let source_of_sequence = repeat(images, self.config.samples_per_source);
        let rows = source_of_sequence.len();
        let (state, tape) =
            captioner.start_tape(batch.source.clone(), &source_of_sequence, context.noise())?;
        let mut decoder = Decoder::recording(captioner, tape);
        let mut rng = generator(context.seed, Purpose::Sampling, context.stage, context.step);
        let captions = if batch.prefixes.is_empty() {
            sample(&mut decoder, state, rows, max_length, &mut rng)?
        } else {
            sample_continuations(&mut decoder, state, &batch.prefixes, max_length, &mut rng)?
        };
        let tape = decoder.into_tape();
        tally.add("rollout_secs", start.elapsed().as_secs_f64(), 1.0);

        let mut greedy = Vec::new();
        if self.config.decodes_greedily() {
            let start = Instant::now();
            greedy = greedy_captions(captioner, batch.source.clone(), max_length)?;
            tally.add("greedy_secs", start.elapsed().as_secs_f64(), 1.0);
        }
        Ok(Rollout {
            batch,
            captions,
            source_of_sequence,
            tape,
            greedy,
        })
    }
}

/// The greedy captions of images, dropout off.
fn greedy_captions(
    captioner: &Captioner,
    source: Source,
    max_length: usize,
) -> Result<Vec<Vec<u32>>, TrainError> {
    let images = source.count();
    let state = captioner.start(source, &repeat(images, 1))?.maximising();
    let mut decoder = Decoder::reading(captioner);
    Ok(greedy(&mut decoder, state, images, &readable(max_length))?)
}
