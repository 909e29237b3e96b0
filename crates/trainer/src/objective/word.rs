//! Gold captions, word by word: cross-entropy, the Brier score or distillation, by teacher forcing or
//! scheduled sampling.

use std::path::Path;

use burn::tensor::{Tensor, s};
use rand::RngExt;
use scst_data::choose_captions;
use scst_loss::{
    Distillation, RowTargets, brier_gradient, distillation_gradient, focal_gradient,
    probability_weighted_gradient, softmax_gradient,
};
use scst_model::{Captioner, Gradients, HandOut, ModelError, Noise, Source, State, Tape};
use scst_sampler::{END, draw_words};

use crate::{
    TrainError,
    checkpoint::CheckpointError,
    config::{HardAttentionConfig, ScheduledSampling, WordLoss, XeConfig},
    draws::Purpose,
    objective::batch::{
        LocationWeights, LossWeights, RowLosses, SourceBatch, StepContext, caption_gradient,
        counts, pack, repeat, sum, tally_rows,
    },
    optimise::reduce::{Contribution, DrawnCaptions, Tally},
};

/// Weight of the cross-entropy of single words beside that of whole captions, unless configured.
pub(crate) const POSITION_WEIGHT: f64 = 0.5;

/// What gold captions are trained with.
pub(crate) struct Xe {
    /// Gold captions of every source in a batch.
    pub(crate) targets_per_source: usize,
    /// The loss of every word.
    pub(crate) loss: Loss,
    /// Share of input words that the model draws itself.
    pub(crate) scheduled_sampling: Option<ScheduledSampling>,
}

/// The loss of every word.
pub(crate) enum Loss {
    /// Cross-entropy.
    CrossEntropy {
        label_smoothing: f32,
        /// Of single words, beside that of whole captions.
        position_weight: f64,
    },
    /// The Brier score.
    Brier,
    /// The focal loss.
    Focal { gamma: f64 },
    /// Cross-entropy weighted by probabilities.
    ProbabilityWeighted,
    /// Cross-entropy and a teacher.
    Distillation {
        teacher: Box<Captioner>,
        distillation: Distillation,
    },
}

impl Xe {
    /// `teacher` is asked for the teacher if the configuration names one.
    ///
    /// # Errors
    /// Those of `teacher`.
    pub(crate) fn new(
        config: &XeConfig,
        teacher: impl FnOnce(&Path) -> Result<Captioner, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        let label_smoothing = config.label_smoothing as f32;
        let loss = match &config.loss {
            WordLoss::CrossEntropy => Loss::CrossEntropy {
                label_smoothing,
                position_weight: config.position_weight.unwrap_or(POSITION_WEIGHT),
            },
            WordLoss::Brier => Loss::Brier,
            WordLoss::Focal { gamma } => Loss::Focal { gamma: *gamma },
            WordLoss::Dft => Loss::ProbabilityWeighted,
            WordLoss::Distillation(config) => Loss::Distillation {
                teacher: Box::new(teacher(&config.teacher)?),
                distillation: Distillation {
                    weight: config.weight as f32,
                    temperature: config.temperature as f32,
                    label_smoothing,
                },
            },
        };
        Ok(Self {
            targets_per_source: config.targets_per_source,
            loss,
            scheduled_sampling: config.scheduled_sampling.clone(),
        })
    }

    /// Cross-entropy on so many gold captions of every source, and nothing else.
    pub(crate) fn plain(targets_per_source: usize) -> Self {
        Self {
            targets_per_source,
            loss: Loss::CrossEntropy {
                label_smoothing: 0.0,
                position_weight: POSITION_WEIGHT,
            },
            scheduled_sampling: None,
        }
    }

    /// One step's contribution: the summed gradient of the loss of all words.
    ///
    /// ```text
    /// dL/ds = p - q   for cross-entropy, at every word of every gold caption, end token included
    /// ```
    ///
    /// `gold` holds the captions of every source of the batch, full length, without end tokens; `location_baseline` is what
    /// drawn regions are compared with. Gradients are handed out early or returned.
    pub(crate) fn contribution(
        &self,
        captioner: &Captioner,
        batch: SourceBatch,
        gold: &[&[Vec<u32>]],
        max_length: usize,
        location_baseline: f64,
        (context, hand_out): (StepContext, HandOut<'_>),
    ) -> Result<Contribution, TrainError> {
        let per_source = self.targets_per_source;
        let mut rng = context.generator(Purpose::Captions);
        let mut captions: Vec<Vec<u32>> = Vec::with_capacity(batch.examples.len() * per_source);
        for gold in gold {
            let chosen = choose_captions(&mut rng, gold.len(), per_source);
            captions.extend(chosen.into_iter().map(|k| target(&gold[k], max_length)));
        }
        let source_of_sequence = repeat(batch.examples.len(), per_source);
        let noise = context.noise();
        let drawn = noise.locations.is_some();
        let tape = match replaced_share(self.scheduled_sampling.as_ref(), context.epoch) {
            0.0 => {
                let source = batch.source.clone();
                teacher_forced(captioner, source, &source_of_sequence, &captions, noise)?
            }
            share => {
                let source = batch.source.clone();
                scheduled_sampling(
                    captioner,
                    source,
                    &source_of_sequence,
                    &captions,
                    share,
                    context,
                )?
            }
        };
        let mut drawn_captions = DrawnCaptions::default();
        let location = |rows: &RowLosses| {
            let hard = context.hard_attention.filter(|_| drawn)?;
            let (weights, of_captions) =
                location_weights(&hard, location_baseline, &captions, &rows.log_probability);
            drawn_captions = of_captions;
            Some((weights, hard.entropy_weight))
        };
        let read = (batch.source, source_of_sequence.as_slice());
        let (gradients, rows) = self
            .loss
            .gradient(captioner, tape, &captions, read, location, hand_out)?;
        let counts = counts(&captions);
        let tokens = counts.tokens as f64;
        let mut tally = Tally::default();
        tally.add("loss", sum(&rows.loss), tokens);
        tally_rows(&mut tally, &rows, tokens);
        tally.add("caption_length", tokens, counts.sequences as f64);
        let cut_off = captions
            .iter()
            .map(|words| f64::from(u8::from(!words.ends_with(&[END]))));
        tally.add_all("cut_off_share", cut_off);
        Ok(Contribution {
            gradients,
            counts,
            tally,
            drawn_captions,
        })
    }
}

impl Loss {
    /// The gradients of the summed loss of all words of the captions that `tape` ran over.
    fn gradient(
        &self,
        captioner: &Captioner,
        tape: Tape,
        captions: &[Vec<u32>],
        (source, source_of_sequence): (Source, &[usize]),
        location: impl FnOnce(&RowLosses) -> LocationWeights,
        hand_out: HandOut<'_>,
    ) -> Result<(Gradients, RowLosses), TrainError> {
        let mut weights = LossWeights {
            rows: vec![1.0; tape.rows()],
            captions: vec![1.0; captions.len()],
            position_weight: None,
        };
        match self {
            Self::CrossEntropy {
                label_smoothing,
                position_weight,
            } => {
                weights.position_weight = Some(*position_weight);
                let loss = |logits, targets: &RowTargets<'_>, _| {
                    softmax_gradient(logits, targets, *label_smoothing)
                };
                caption_gradient(captioner, tape, captions, weights, loss, location, hand_out)
            }
            Self::Brier => {
                let loss = |logits, targets: &RowTargets<'_>, _| brier_gradient(logits, targets);
                caption_gradient(captioner, tape, captions, weights, loss, location, hand_out)
            }
            Self::Focal { gamma } => {
                let loss =
                    |logits, targets: &RowTargets<'_>, _| focal_gradient(logits, targets, *gamma);
                caption_gradient(captioner, tape, captions, weights, loss, location, hand_out)
            }
            Self::ProbabilityWeighted => {
                let loss = |logits, targets: &RowTargets<'_>, _| {
                    probability_weighted_gradient(logits, targets)
                };
                caption_gradient(captioner, tape, captions, weights, loss, location, hand_out)
            }
            Self::Distillation {
                teacher,
                distillation,
            } => {
                let read = teacher_forced(
                    teacher,
                    source,
                    source_of_sequence,
                    captions,
                    Noise::default(),
                )?;
                let Some(hidden) = read.hidden() else {
                    return Ok((Gradients::default(), RowLosses::default()));
                };
                let loss = |logits, targets: &RowTargets<'_>, rows| {
                    let taught = teacher.logits(hidden.clone().slice(s![rows]));
                    distillation_gradient(logits, taught, targets, distillation)
                };
                caption_gradient(captioner, tape, captions, weights, loss, location, hand_out)
            }
        }
    }
}

/// The weight of every row's region: how much more probable its caption was than captions have been.
fn location_weights(
    hard: &HardAttentionConfig,
    baseline: f64,
    captions: &[Vec<u32>],
    log_probability: &[f32],
) -> (Vec<f32>, DrawnCaptions) {
    let owner = pack(captions, |n, _| n);
    let mut log_p = vec![0.0; captions.len()];
    for (&n, &value) in owner.iter().zip(log_probability) {
        log_p[n] += f64::from(value);
    }
    let weight = |&n: &usize| (hard.reward_weight * (log_p[n] - baseline)) as f32;
    let of_captions = DrawnCaptions {
        log_probability: log_p.iter().sum(),
        count: captions.len() as u64,
    };
    (owner.iter().map(weight).collect(), of_captions)
}

/// A gold caption, ended, as it is trained on: cut at the maximum length.
pub(crate) fn target(caption: &[u32], max_length: usize) -> Vec<u32> {
    caption[..caption.len().min(max_length)].to_vec()
}

/// The end token, then all words but the last.
fn input_words(words: &[u32]) -> Vec<u32> {
    let before = words.split_last().map_or(&[][..], |(_, before)| before);
    [&[END], before].concat()
}

/// Runs whole captions.
pub(crate) fn teacher_forced(
    captioner: &Captioner,
    source: Source,
    source_of_sequence: &[usize],
    captions: &[Vec<u32>],
    noise: Noise,
) -> Result<Tape, ModelError> {
    let inputs: Vec<Vec<u32>> = captions.iter().map(|words| input_words(words)).collect();
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    captioner.teacher_forced(source, source_of_sequence, &inputs, noise)
}

fn replaced_share(config: Option<&ScheduledSampling>, epoch: u64) -> f64 {
    config.map_or(0.0, |config| {
        (config.increase * (epoch / config.every_epochs) as f64).min(config.maximum)
    })
}

/// Runs the gold captions step by step; every input word after the first is replaced, with
/// probability `share`, by one drawn from the model's own distribution.
fn scheduled_sampling(
    captioner: &Captioner,
    source: Source,
    source_of_sequence: &[usize],
    captions: &[Vec<u32>],
    share: f64,
    context: StepContext,
) -> Result<Tape, TrainError> {
    let mut rng = context.generator(Purpose::ScheduledSampling);
    let opened = captioner.start_tape(source, source_of_sequence, context.noise())?;
    step_by_step(captioner, opened, captions, |t, hidden, gold| {
        let uniforms: Vec<[f64; 2]> = gold.iter().map(|_| rng.random()).collect();
        let numbers: Vec<f64> = uniforms.iter().map(|[_, number]| *number).collect();
        let drawn = draw_words(captioner.logits(hidden), &numbers, t)?;
        let words = uniforms.iter().zip(drawn).zip(gold);
        Ok(words
            .map(|((&[coin, _], drawn), &gold)| match drawn {
                // A drawn end token would end the caption early: the gold word stays.
                drawn if coin < share && drawn != END => drawn,
                _ => gold,
            })
            .collect())
    })
}

/// Runs over captions as they were drawn, a step at a time: with the same noise they meet the same dropout masks.
pub(crate) fn reread(
    captioner: &Captioner,
    source: Source,
    source_of_sequence: &[usize],
    captions: &[Vec<u32>],
    noise: Noise,
) -> Result<Tape, TrainError> {
    let opened = captioner.start_tape(source, source_of_sequence, noise)?;
    step_by_step(
        captioner,
        opened,
        captions,
        |_, _, words| Ok(words.to_vec()),
    )
}

/// Runs captions step by step. `read` makes of a step, the hidden states of the open captions, `[rows, hidden]`, and the
/// words of these at the step, `[rows]`, the words that the next step reads. Captions that have ended leave.
fn step_by_step(
    captioner: &Captioner,
    (mut state, mut tape): (State, Tape),
    captions: &[Vec<u32>],
    mut read: impl FnMut(usize, Tensor<2>, &[u32]) -> Result<Vec<u32>, TrainError>,
) -> Result<Tape, TrainError> {
    let mut open: Vec<usize> = (0..captions.len()).collect();
    let mut words = vec![END; captions.len()];
    for t in 0.. {
        let (hidden, next) = captioner.step(&words, state, Some(&mut tape))?;
        let rows: Vec<usize> = (0..open.len())
            .filter(|&k| captions[open[k]].len() > t + 1)
            .collect();
        if rows.is_empty() {
            break;
        }
        let own: Vec<u32> = open.iter().map(|&n| captions[n][t]).collect();
        let read = read(t, hidden, &own)?;
        words = rows.iter().map(|&k| read[k]).collect();
        state = if rows.len() == open.len() {
            next
        } else {
            tape.keep(&rows);
            next.select(&rows)
        };
        open = rows.iter().map(|&k| open[k]).collect();
    }
    Ok(tape)
}

#[cfg(test)]
mod tests {
    use scst_loss::MovingAverage;

    use super::*;

    #[test]
    fn target_is_ended_or_cut_at_the_maximum_length() {
        assert_eq!(target(&[5, 6, 0], 3), [5, 6, 0]);
        assert_eq!(target(&[5, 6, 7, 0], 3), [5, 6, 7]);
        assert_eq!(target(&[5, 6, 7, 8, 0], 3), [5, 6, 7]);
    }

    #[test]
    fn regions_are_compared_with_the_captions_of_earlier_steps() {
        let hard = HardAttentionConfig {
            reward_weight: 2.0,
            ..HardAttentionConfig::default()
        };
        let mut baseline = MovingAverage::new(0.9);
        baseline.update(-5.0);
        let captions = [vec![4, 0], vec![0]];
        let (found, of_captions) =
            location_weights(&hard, baseline.value(), &captions, &[-1.0, -3.0, -2.5]);
        assert_eq!(found, [3.0, 4.0, 3.0]);
        of_captions.teach(&mut baseline);
        assert!((baseline.value() - (0.9 * -5.0 + 0.1 * -3.25)).abs() < 1e-12);
    }

    #[test]
    fn input_words_are_shifted_by_the_start_token() {
        assert_eq!(input_words(&[5, 6, 0]), [0, 5, 6]);
        assert_eq!(input_words(&[0]), [0]);
    }

    #[test]
    fn replaced_share_grows_up_to_its_maximum() {
        let config = ScheduledSampling::default();
        let share = |epoch| replaced_share(Some(&config), epoch);
        assert_eq!([share(0), share(4), share(5)], [0.0, 0.0, 0.05]);
        assert_eq!(share(100), 0.25);
        assert_eq!(replaced_share(None, 100), 0.0);
    }
}
