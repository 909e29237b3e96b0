//! Captions sampled from the model, and the run that drew them.

use std::{mem, ops::AddAssign};

use burn::tensor::Tensor;
use scst_kernels::traffic::read;
use scst_loss::Baseline;
use scst_model::{Captioner, Source, Tape};
use scst_sampler::{
    BeamOptions, Hypothesis, beam, greedy, sample, sample_continuations, sample_reshaped,
};

use super::{
    actor::Actor,
    critic::RawScores,
    likelihood::{row_energies, row_log_probabilities},
    sampled::{Choice, Sampled},
};
use crate::{
    TrainError,
    config::Candidates,
    decode::step_model::{Decoder, readable},
    draws::Purpose,
    objective::{
        batch::{SourceBatch, StepContext, pack, repeat},
        word::{reread, teacher_forced},
    },
    optimise::spent::{Meter, Spent},
};

/// Sampled captions of a batch, and the run that drew them.
pub(super) struct Rollout {
    /// The sources, and the words that samples were given to begin with.
    pub(super) batch: SourceBatch,
    /// Samples of every source in a row.
    pub(super) captions: Vec<Vec<u32>>,
    /// Source of every sample, as an index into the batch.
    pub(super) source_of_sequence: Vec<usize>,
    /// The run that drew them, dropout masks included.
    pub(super) drawing: Drawing,
    /// Whether they were drawn from another distribution than the model's own.
    pub(super) is_reshaped: bool,
    /// `log q` of every word, nats, `q` the distribution that it was drawn from, packed as a tape is; none at all if samples
    /// are the model's own and used once, or nothing asks for it.
    pub(super) log_q: Vec<f64>,
    /// The squared size of the gradient of every sample at the softmax inputs, if the baseline asks for it.
    pub(super) energies: Vec<f64>,
    /// The hidden states of the words, packed likewise, and their width, if the baseline learns from them.
    pub(super) states: Option<(Vec<f32>, usize)>,
    /// The greedy caption of every source, if the baseline needs them.
    pub(super) greedy: Vec<Vec<u32>>,
    /// Which samples have a reward, and so does what they are compared with; all of them until they are scored.
    pub(super) has_reward: Vec<bool>,
    /// Which part of the batch this is.
    pub(super) part: usize,
}

/// What is left of the run that drew samples.
pub(super) enum Drawing {
    /// All of it.
    Kept(Box<Tape>),
    /// Nothing, for the sake of memory: it can be made again, with the same bits.
    SetAside,
    /// Nothing: it has been taken back through the captioner, which has changed since, or samples were not drawn.
    Gone,
}

impl Drawing {
    /// Of the run that drew, if there was one.
    pub(super) fn of(tape: Option<Tape>) -> Self {
        tape.map_or(Self::Gone, |tape| Self::Kept(Box::new(tape)))
    }
}

/// What the samples of a part have taken.
#[derive(Default)]
pub(super) struct Times {
    /// Drawing them.
    pub(super) rollout: Spent,
    /// The greedy captions.
    pub(super) greedy: Spent,
    /// What the update needs of the drawing.
    pub(super) update: Spent,
}

impl AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.rollout += other.rollout;
        self.greedy += other.greedy;
        self.update += other.update;
    }
}

impl Times {
    /// Seconds in all.
    pub(super) fn secs(&self) -> f64 {
        self.rollout.secs + self.greedy.secs + self.update.secs
    }

    /// The same in parts of a time that has passed.
    pub(super) fn scaled(mut self, share: f64) -> Self {
        for part in [&mut self.rollout, &mut self.greedy, &mut self.update] {
            part.secs *= share;
        }
        self
    }
}

impl Rollout {
    /// Indices of the sources of the samples in the training set.
    pub(super) fn example_of_sample(&self) -> impl Iterator<Item = usize> {
        let examples = &self.batch.examples;
        self.source_of_sequence
            .iter()
            .map(|&source| examples[source])
    }

    /// The run that drew the samples, if it is there.
    pub(super) fn tape(&self) -> Option<&Tape> {
        match &self.drawing {
            Drawing::Kept(tape) => Some(tape),
            Drawing::SetAside | Drawing::Gone => None,
        }
    }

    /// Lets go of the run that drew the samples, until it is asked for.
    pub(super) fn set_aside(&mut self) {
        if let Drawing::Kept(_) = self.drawing {
            self.drawing = Drawing::SetAside;
        }
    }

    /// What is told to all ranks of the samples, with what every reward gives to them and to the greedy captions.
    pub(super) fn told(&mut self, scores: RawScores, greedy_scores: RawScores) -> Sampled {
        Sampled {
            examples: self.batch.examples.clone(),
            captions: self.captions.clone(),
            prefixes: self.batch.prefixes.clone(),
            greedy: mem::take(&mut self.greedy),
            scores,
            greedy_scores,
            energies: mem::take(&mut self.energies),
            states: self.states.take(),
            has_reward: self.has_reward.clone(),
            rewards: Vec::new(),
            trains: Vec::new(),
        }
    }

    /// Which words and samples the model chose.
    pub(super) fn choice(&self) -> Choice<'_> {
        Choice {
            captions: &self.captions,
            prefixes: &self.batch.prefixes,
            has_reward: &self.has_reward,
        }
    }

    /// The run over the samples: the one that drew them, the first time; then one that reads them, with the dropout masks
    /// of the drawing.
    pub(super) fn take_tape(
        &mut self,
        captioner: &Captioner,
        context: StepContext,
    ) -> Result<Tape, TrainError> {
        let drawing = mem::replace(&mut self.drawing, Drawing::Gone);
        let is_set_aside = matches!(drawing, Drawing::SetAside);
        if let Drawing::Kept(tape) = drawing {
            return Ok(*tape);
        }
        let (source, noise) = (self.batch.source.clone(), context.noise());
        let (sources, captions) = (&self.source_of_sequence, &self.captions);
        // Without masks to meet again, all words of the captions can be looked up at once.
        if noise.dropout.is_none() && !is_set_aside {
            return Ok(teacher_forced(captioner, source, sources, captions, noise)?);
        }
        reread(captioner, source, sources, captions, noise)
    }
}

impl Actor {
    /// Samples captions with dropout on and, for a baseline of theirs, decodes greedy ones with dropout off.
    pub(super) fn roll_out(
        &self,
        captioner: &Captioner,
        max_length: usize,
        batch: SourceBatch,
        context: StepContext,
    ) -> Result<(Rollout, Times), TrainError> {
        let mut times = Times::default();
        let meter = Meter::start();
        let sources = batch.examples.len();
        let source_of_sequence = repeat(sources, self.config.samples_per_source);
        let Drawn {
            captions,
            log_probabilities,
            tape,
        } = match self.config.candidates {
            Candidates::Samples => {
                self.draw(captioner, max_length, &batch, &source_of_sequence, context)?
            }
            Candidates::Beam => self.search(captioner, max_length, &batch)?,
        };
        times.rollout = meter.spent();

        let mut greedy = Vec::new();
        if self.config.decodes_greedily() {
            let meter = Meter::start();
            greedy = greedy_captions(captioner, batch.source.clone(), max_length)?;
            times.greedy = meter.spent();
        }
        let mut rollout = Rollout {
            batch,
            has_reward: vec![true; captions.len()],
            captions,
            source_of_sequence,
            drawing: Drawing::of(tape),
            is_reshaped: log_probabilities.is_some(),
            log_q: Vec::new(),
            energies: Vec::new(),
            states: None,
            greedy,
            part: context.part,
        };
        let meter = Meter::start();
        self.read_drawing(captioner, &mut rollout, log_probabilities)?;
        times.update = meter.spent();
        Ok((rollout, times))
    }

    /// Takes from the run that drew the samples what their judgement asks for.
    fn read_drawing(
        &self,
        captioner: &Captioner,
        rollout: &mut Rollout,
        drawn: Option<Vec<Vec<f64>>>,
    ) -> Result<(), TrainError> {
        let captions = &rollout.captions;
        let hidden = rollout.tape().and_then(Tape::hidden);
        let is_drawn = rollout.tape().is_some();
        rollout.log_q = match drawn {
            Some(drawn) => pack(captions, |n, t| drawn[n][t]),
            None if is_drawn && self.config.compares_with_drawing() => {
                row_log_probabilities(captioner, hidden.clone(), captions)?
            }
            _ => Vec::new(),
        };
        if !self.config.objective.is_policy_gradient() {
            return Ok(());
        }
        match self.config.baseline {
            Baseline::EnergyWeighted | Baseline::EnergyWeightedOthers => {
                rollout.energies = chosen_energies(captioner, hidden, rollout)?;
            }
            Baseline::Learned => {
                rollout.states = match hidden {
                    Some(hidden) => {
                        let width = hidden.dims()[1];
                        Some((read(hidden)?, width))
                    }
                    None => None,
                };
            }
            _ => {}
        }
        Ok(())
    }

    /// Draws captions, with dropout on.
    fn draw(
        &self,
        captioner: &Captioner,
        max_length: usize,
        batch: &SourceBatch,
        source_of_sequence: &[usize],
        context: StepContext,
    ) -> Result<Drawn, TrainError> {
        let rows = source_of_sequence.len();
        let (state, tape) =
            captioner.start_tape(batch.source.clone(), source_of_sequence, context.noise())?;
        let mut decoder = Decoder::recording(captioner, tape);
        let mut rng = context.generator(Purpose::Sampling);
        let (captions, log_probabilities) = if let Some(sampling) = &self.config.sampling {
            let drawn = sample_reshaped(&mut decoder, state, rows, max_length, sampling, &mut rng)?;
            let pairs = drawn.into_iter().map(|d| (d.words, d.log_probabilities));
            let (words, log_probabilities) = pairs.unzip();
            (words, Some(log_probabilities))
        } else if batch.prefixes.is_empty() {
            (
                sample(&mut decoder, state, rows, max_length, &mut rng)?,
                None,
            )
        } else {
            let prefixes = &batch.prefixes;
            let captions =
                sample_continuations(&mut decoder, state, prefixes, max_length, &mut rng)?;
            (captions, None)
        };
        Ok(Drawn {
            captions,
            log_probabilities,
            tape: decoder.into_tape(),
        })
    }

    /// The captions that a beam finds, as many of every source as it has samples; the best again where there are fewer.
    fn search(
        &self,
        captioner: &Captioner,
        max_length: usize,
        batch: &SourceBatch,
    ) -> Result<Drawn, TrainError> {
        let samples = self.config.samples_per_source;
        let sources = batch.source.count();
        let state = captioner.start(batch.source.clone(), &repeat(sources, 1))?;
        let mut decoder = Decoder::reading(captioner);
        let options = BeamOptions {
            width: samples,
            ..BeamOptions::default()
        };
        let limits = readable(max_length);
        let found = beam(&mut decoder, state.maximising(), sources, &options, &limits)?;
        let of_source = |found: Vec<Hypothesis>| {
            let words: Vec<Vec<u32>> = found.into_iter().map(|h| h.words).collect();
            words.into_iter().cycle().take(samples)
        };
        Ok(Drawn {
            captions: found.into_iter().flat_map(of_source).collect(),
            log_probabilities: None,
            tape: None,
        })
    }
}

/// Captions, and what is known of their drawing.
struct Drawn {
    captions: Vec<Vec<u32>>,
    log_probabilities: Option<Vec<Vec<f64>>>,
    tape: Option<Tape>,
}

/// The squared sizes of the gradients of every sample's words at the softmax inputs, summed over those that the model chose.
fn chosen_energies(
    captioner: &Captioner,
    hidden: Option<Tensor<2>>,
    rollout: &Rollout,
) -> Result<Vec<f64>, TrainError> {
    let of_rows = row_energies(captioner, hidden, &rollout.captions)?;
    let mut energies = vec![0.0; rollout.captions.len()];
    for ((n, given), energy) in rollout.choice().rows().into_iter().zip(of_rows) {
        if !given {
            energies[n] += energy;
        }
    }
    Ok(energies)
}

/// The greedy captions of sources, dropout off.
fn greedy_captions(
    captioner: &Captioner,
    source: Source,
    max_length: usize,
) -> Result<Vec<Vec<u32>>, TrainError> {
    let sources = source.count();
    let state = captioner.start(source, &repeat(sources, 1))?.maximising();
    let mut decoder = Decoder::reading(captioner);
    Ok(greedy(&mut decoder, state, sources, &readable(max_length))?)
}
