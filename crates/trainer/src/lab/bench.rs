//! The times of a cross-entropy step and of a self-critical step, on made-up data.
//!
//! The steps are those of training: the same objectives, reduction, clipping and update. What is
//! read and what is written are made up, from a fixed seed.

mod made_up;
mod sizes;

use std::{
    fs,
    time::{Duration, Instant},
};

use burn::tensor::{Device, TensorReadError};
use scst_data::{Vocabulary, vocabulary::UNKNOWN_ID};
use scst_group::{Cost, Group, Metered};
use scst_kernels::{
    product::Precision,
    traffic::{LaunchWatch, Traffic, is_elsewhere},
};
use scst_loss::{Baseline, Normaliser};
use scst_model::{Captioner, HandOut};
use scst_reward::RewardSources;
use serde::Serialize;

use made_up::{Batch, SEED, captions, references};
pub use sizes::{BenchTask, ImageSizes, StepBench, TextSizes};

use crate::{
    Backend, TrainError,
    backend::device_name,
    captioner::{Shape, parameters},
    config::{AdamConfig, Clip, OptimiserConfig, ScstConfig},
    draws::{Purpose, generator},
    objective::{batch::StepContext, sequence::SelfCritic, word::Xe},
    optimise::{
        division::Division,
        early_sums::groups,
        optimiser::Optimiser,
        reduce::{Contribution, Tally, sum_of_parts},
        spent::Meter,
        update::clip_and_step,
        workers::Workers,
    },
    ranks::meet,
    registry::Registry,
};

const LEARNING_RATE: f64 = 5e-5;
const CLIP: Clip = Clip::Value(0.1);

/// Medians over the timed steps, in milliseconds, and what else was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// Version of this software.
    pub scst: &'static str,
    /// The backend.
    pub backend: Backend,
    /// The device's own name.
    pub device: String,
    /// What the inputs of matrix products are rounded to.
    pub precision: Precision,
    /// CPU threads.
    pub threads: usize,
    /// The captioner.
    pub model: String,
    /// What is read.
    #[serde(flatten)]
    pub sources: SourceReport,
    /// Captions of every source.
    pub samples: usize,
    /// Words in the vocabulary.
    pub vocab: usize,
    /// Units of the LSTM.
    pub hidden: usize,
    /// Longest caption in words.
    pub length: usize,
    /// A cross-entropy step.
    pub xe_ms: f64,
    /// A self-critical step.
    pub scst_ms: f64,
    /// The parts of a self-critical step.
    pub scst_parts_ms: ScstParts,
    /// Kernels that the device was told to launch in a step of either kind; none of the CPU, like the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launches: Option<StepCounts>,
    /// Times that the host waited for values of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronisations: Option<StepCounts>,
    /// Bytes that were sent to the device and read from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_moved: Option<StepCounts>,
    /// Multiplications, each with an addition, of matrix products with weights; none of parts that are computed at the same
    /// time, and of captioners that take products of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiply_adds: Option<StepCounts>,
    /// The most memory that the process ever held, in MiB; unknown where there is no `/proc`.
    pub peak_rss_mib: Option<u64>,
    /// The most memory of a GPU, in MiB; always unknown, as Burn does not tell.
    pub peak_device_mib: Option<u64>,
    /// Words of a sampled caption, end token included.
    pub mean_caption_length: f64,
    /// What several ranks, or parts, cost; none where there is one of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranks: Option<RanksReport>,
}

/// What it costs to take steps together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RanksReport {
    /// Processes that take the steps.
    pub size: usize,
    /// Parts of a batch.
    pub parts: usize,
    /// Numbers that the captioner learns.
    pub parameters: usize,
    /// What exchanges of a cross-entropy step take of the first rank, waiting for others among it, milliseconds.
    pub xe_exchange_ms: f64,
    /// The same of a self-critical step.
    pub scst_exchange_ms: f64,
    /// Bytes that the first rank sends in a cross-entropy step.
    pub xe_sent_bytes: f64,
    /// The same of a self-critical step.
    pub scst_sent_bytes: f64,
}

/// What the captioner reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SourceReport {
    /// Images.
    Images {
        /// Images in a batch.
        images: usize,
        /// Vectors of an image.
        regions: usize,
    },
    /// Texts.
    Texts {
        /// `text`: a report without a task is one of images.
        task: &'static str,
        /// Texts in a batch.
        sources: usize,
        /// Longest text in tokens.
        source_length: usize,
        /// Tokens of a text that was timed.
        mean_source_length: f64,
        /// Tokens in the vocabulary of texts.
        source_vocab: usize,
        /// What reads the texts.
        encoder: String,
    },
}

/// The parts of a self-critical step, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ScstParts {
    /// The greedy captions of the baseline.
    pub greedy: f64,
    /// The sampled captions, recorded on a tape.
    pub rollout: f64,
    /// The rewards of both.
    pub reward: f64,
    /// Gradient, clipping and optimiser.
    pub update: f64,
}

/// A count of a cross-entropy step, and of the parts of a self-critical one: medians over the timed steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct StepCounts {
    /// A cross-entropy step.
    pub xe: u64,
    /// The greedy captions of the baseline.
    pub greedy: u64,
    /// The sampled captions.
    pub rollout: u64,
    /// The rewards of both.
    pub reward: u64,
    /// Gradient, clipping and optimiser.
    pub update: u64,
    /// A cross-entropy step and a self-critical one.
    pub total: u64,
}

impl StepCounts {
    /// Medians of a count.
    fn of(steps: &[StepTimes], count: fn(&Traffic) -> u64) -> Self {
        let of_part = |part: fn(&StepTimes) -> &Traffic| {
            median(
                steps
                    .iter()
                    .map(|times| count(part(times)) as f64)
                    .collect(),
            ) as u64
        };
        let mut counts = Self {
            xe: of_part(|times| &times.traffic.xe),
            greedy: of_part(|times| &times.traffic.greedy),
            rollout: of_part(|times| &times.traffic.rollout),
            reward: of_part(|times| &times.traffic.reward),
            update: of_part(|times| &times.traffic.update),
            total: 0,
        };
        counts.total = counts.xe + counts.greedy + counts.rollout + counts.reward + counts.update;
        counts
    }
}

/// Times both steps, which the ranks of a group take together.
///
/// # Errors
/// [`TrainError`] when a size is out of range, the backend is not there or a step fails.
pub fn bench_step(bench: &StepBench, group: &dyn Group) -> Result<StepReport, TrainError> {
    bench.check(group.size())?;
    let metered = Metered::new(group);
    let own = Division::of(&metered, bench.parts).own().len();
    let workers = Workers::start(own, None, bench.backend.is_cpu())?;
    let division = Division {
        group: &metered,
        parts: bench.parts,
        workers: &workers,
    };
    let mut trainee = Trainee::new(bench, &metered, division)?;
    let _watch = LaunchWatch::new();
    let mut steps = Vec::new();
    for step in 0..bench.warmup + bench.steps {
        let times = trainee.step(step as u64)?;
        if step >= bench.warmup {
            steps.push(times);
        }
    }
    let median = |part: fn(&StepTimes) -> f64| {
        let milliseconds = 1e3 * median(steps.iter().map(part).collect());
        (milliseconds * 100.0).round() / 100.0
    };
    let is_device = is_elsewhere(&trainee.device);
    let counts = |count| is_device.then(|| StepCounts::of(&steps, count));
    let sources = (bench.steps * bench.task.sources()) as f64;
    let mean = |count: fn(&StepTimes) -> f64, of: f64| {
        let total: f64 = steps.iter().map(count).sum();
        (total / of * 100.0).round() / 100.0
    };
    Ok(StepReport {
        scst: env!("CARGO_PKG_VERSION"),
        backend: bench.backend,
        device: device_name(&trainee.device),
        precision: bench.precision,
        threads: rayon::current_num_threads(),
        model: bench.model.clone(),
        sources: match &bench.task {
            BenchTask::Images(sizes) => SourceReport::Images {
                images: sizes.images,
                regions: trainee.regions(sizes),
            },
            BenchTask::Texts(sizes) => SourceReport::Texts {
                task: "text",
                sources: sizes.sources,
                source_length: sizes.length,
                mean_source_length: mean(|times| times.tokens, sources),
                source_vocab: sizes.vocab,
                encoder: sizes.encoder.clone(),
            },
        },
        samples: bench.samples,
        vocab: bench.vocab,
        hidden: bench.hidden,
        length: bench.length,
        xe_ms: median(|times| times.xe),
        scst_ms: median(|times| times.scst),
        scst_parts_ms: ScstParts {
            greedy: median(|times| times.greedy),
            rollout: median(|times| times.rollout),
            reward: median(|times| times.reward),
            update: median(|times| times.update),
        },
        launches: counts(|traffic| traffic.launches),
        synchronisations: counts(|traffic| traffic.synchronisations),
        bytes_moved: counts(|traffic| traffic.bytes_moved),
        multiply_adds: (!workers.is_parallel())
            .then(|| StepCounts::of(&steps, |traffic| traffic.multiply_adds))
            .filter(|counts| counts.total > 0),
        peak_rss_mib: peak_rss_mib(),
        peak_device_mib: None,
        mean_caption_length: mean(|times| times.words, sources * bench.samples as f64),
        ranks: (bench.parts > 1).then(|| RanksReport {
            size: group.size(),
            parts: bench.parts,
            parameters: parameters(&trainee.captioner),
            xe_exchange_ms: median(|times| times.xe_cost.secs),
            scst_exchange_ms: median(|times| times.scst_cost.secs),
            xe_sent_bytes: mean(|times| times.xe_cost.bytes as f64, bench.steps as f64),
            scst_sent_bytes: mean(|times| times.scst_cost.bytes as f64, bench.steps as f64),
        }),
    })
}

/// The times of one step of either kind, in seconds.
struct StepTimes {
    xe: f64,
    scst: f64,
    greedy: f64,
    rollout: f64,
    reward: f64,
    update: f64,
    /// Words of all sampled captions.
    words: f64,
    /// Tokens of all texts.
    tokens: f64,
    xe_cost: Cost,
    scst_cost: Cost,
    traffic: StepTraffic,
}

/// What the parts of a step cost the device.
struct StepTraffic {
    xe: Traffic,
    greedy: Traffic,
    rollout: Traffic,
    reward: Traffic,
    update: Traffic,
}

/// A captioner in training on made-up data.
struct Trainee<'a> {
    bench: &'a StepBench,
    metered: &'a Metered<'a>,
    division: Division<'a>,
    device: Device,
    vocabulary: Vocabulary,
    /// Gold captions of every source, ended.
    captions: Vec<Vec<Vec<u32>>>,
    captioner: Captioner,
    reads_regions: bool,
    optimiser: Optimiser,
    critic: SelfCritic,
    xe: Xe,
}

impl<'a> Trainee<'a> {
    fn new(
        bench: &'a StepBench,
        metered: &'a Metered<'a>,
        division: Division<'a>,
    ) -> Result<Self, TrainError> {
        let device = bench.backend.device_of(metered)?;
        bench.backend.check_precision(bench.precision)?;
        let words: Vec<String> = (2..bench.vocab).map(|word| format!("word{word}")).collect();
        let vocabulary = Vocabulary::build([words.as_slice()].into_iter(), 1);
        let captions = captions(bench);
        let references = references(&captions, &vocabulary)?;
        let sources = RewardSources::new(references).with_unknown(UNKNOWN_ID);
        let mut rng = generator(SEED, Purpose::Weights, 0, 0);
        let (model, encoder) = (bench.captioner()?, bench.encoder()?);
        let shape = Shape {
            model: &model,
            encoder: encoder.as_ref(),
            source: bench.task.source_size(),
            vocab: vocabulary.len(),
        };
        let captioner = shape.init(&device, &mut rng)?;
        let captioner = captioner.with_precision(bench.precision)?;
        let config = ScstConfig {
            samples_per_source: bench.samples,
            baseline: Baseline::Greedy,
            reward_end_token: true,
            ..ScstConfig::default()
        };
        Ok(Self {
            bench,
            metered,
            division,
            device,
            vocabulary,
            captions,
            captioner,
            reads_regions: model.reads_regions(),
            optimiser: Optimiser::new(&OptimiserConfig::Adam(AdamConfig::default())),
            critic: SelfCritic::new(&config, &sources, &Registry::default())?,
            xe: Xe::plain(bench.samples),
        })
    }

    /// One step of either kind on one batch.
    fn step(&mut self, step: u64) -> Result<StepTimes, TrainError> {
        let made_up = self.batch(step)?;
        let division = self.division;
        let gold = made_up.references.iter().map(|&k| &*self.captions[k]);
        let gold: Vec<&[Vec<u32>]> = gold.collect();
        let context = |stage| StepContext {
            seed: SEED,
            stage,
            step,
            epoch: 0,
            dropout: self.bench.dropout,
            hard_attention: None,
            part: 0,
        };
        let (xe_context, scst_context) = (context(0), context(1));
        let length = self.bench.length;

        meet(self.metered, "the next step")?;
        self.metered.take();
        let start = now(&self.device)?;
        let meter = Meter::start();
        let (captioner, xe) = (&self.captioner, &self.xe);
        let compute = |part, batch, hand_out: HandOut<'_>| {
            let gold = &gold[division.range(gold.len(), part)];
            let step = (xe_context.of_part(part), hand_out);
            let own = xe.contribution(captioner, batch, gold, length, 0.0, step)?;
            Ok(Some(own))
        };
        let to = (groups(captioner), &self.device);
        let sum = sum_of_parts(division, to, made_up.parts(division), compute)?;
        self.update("xe", step, sum.unwrap_or_default())?;
        let between = now(&self.device)?;
        let xe_traffic = meter.spent().traffic;
        let xe_cost = self.metered.take();

        // Parts that end in words or rewards have waited for the device.
        let mut tally = Tally::default();
        let reads = (&self.captioner, &self.vocabulary, length);
        let batches = made_up.parts(division).map(|(_, batch)| batch).collect();
        let mut judged =
            self.critic
                .judged_rollout(reads, batches, division, scst_context, &mut tally)?;
        let judged_at = Instant::now();
        let meter = Meter::start();
        let to = (division, &self.device);
        let actor = self.critic.actor();
        let sum = actor.gradient(&self.captioner, &mut judged.own, to, scst_context)?;
        let of_update = self.update("scst", step, sum)?;
        let end = now(&self.device)?;
        let mut update = tally.traffic("update");
        update += meter.spent().traffic;
        let scst_cost = self.metered.take();
        let secs = |duration: Duration| duration.as_secs_f64();
        Ok(StepTimes {
            xe: secs(between - start),
            scst: secs(end - between),
            greedy: tally.total("greedy_secs"),
            rollout: tally.total("rollout_secs"),
            reward: tally.total("reward_secs"),
            update: tally.total("update_secs") + secs(end - judged_at),
            words: of_update.total("caption_length"),
            tokens: made_up.tokens() as f64,
            xe_cost,
            scst_cost,
            traffic: StepTraffic {
                xe: xe_traffic,
                greedy: tally.traffic("greedy"),
                rollout: tally.traffic("rollout"),
                reward: tally.traffic("reward"),
                update,
            },
        })
    }

    /// Vectors of an image.
    fn regions(&self, sizes: &ImageSizes) -> usize {
        if self.reads_regions { sizes.regions } else { 1 }
    }

    /// What is read at a step.
    fn batch(&self, step: u64) -> Result<Batch, TrainError> {
        let mut rng = generator(SEED, Purpose::MadeUp, 0, step + 1);
        Ok(match &self.bench.task {
            BenchTask::Images(sizes) => {
                Batch::images(sizes, self.regions(sizes), &self.device, &mut rng)?
            }
            BenchTask::Texts(sizes) => Batch::texts(sizes, &mut rng)?,
        })
    }

    /// What training does with a contribution; returns its tally.
    fn update(&mut self, stage: &str, step: u64, part: Contribution) -> Result<Tally, TrainError> {
        let Contribution {
            gradients,
            counts,
            tally,
            ..
        } = part;
        let divisor = Normaliser::Token.divisor(counts, self.bench.length);
        let (captioner, norm) = clip_and_step(
            self.captioner.clone(),
            &mut self.optimiser,
            gradients,
            divisor,
            CLIP,
            LEARNING_RATE,
        )?;
        self.captioner = captioner;
        if !norm.is_finite() {
            return Err(TrainError::NotFinite {
                stage: stage.to_owned(),
                step: step + 1,
                what: "gradient",
            });
        }
        Ok(tally)
    }
}

/// The time, once the device has nothing left to do.
fn now(device: &Device) -> Result<Instant, TensorReadError> {
    device.sync()?;
    Ok(Instant::now())
}

/// The middle value, or the mean of both middle values; 0 of no values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.get(half) {
        None => 0.0,
        Some(&middle) if values.len() % 2 == 1 => middle,
        Some(&upper) => f64::midpoint(values[half - 1], upper),
    }
}

/// The peak of the process's resident memory, as Linux keeps it.
pub(super) fn peak_rss_mib() -> Option<u64> {
    peak_of_status(&fs::read_to_string("/proc/self/status").ok()?)
}

fn peak_of_status(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some((kib + 512) / 1024)
}

#[cfg(test)]
mod tests;
