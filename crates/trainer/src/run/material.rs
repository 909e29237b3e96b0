//! What a run reads and checks before it leaves its first trace; and the same without a run.

use burn::tensor::Device;
use scst_data::Split;
use scst_group::{Alone, Group};
use scst_model::Captioner;

use super::{
    foreign::{Foreign, Surroundings},
    opening::{Length, check_lengths},
    outset::data_warnings,
    prepared::Prepared,
};
use crate::{
    TrainError,
    captioner::{Shape, parameters},
    checkpoint::Checkpoint,
    config::{Config, StageConfig, ValidConfig, bounds},
    corpus::{Corpus, DataDescription},
    decode::search::Search,
    draws::{Purpose, generator},
    objective::sequence::SelfCritic,
    observer::Observer,
    registry::Registry,
    run::progress::Progress,
    warning::Warning,
};

/// Everything that a run begins with.
pub(super) struct Material {
    pub(super) device: Device,
    pub(super) corpus: Corpus,
    /// Fingerprint of the captions.
    pub(super) captions: String,
    pub(super) captioner: Captioner,
    pub(super) foreign: Foreign,
    pub(super) progress: Progress,
    /// Of every stage.
    pub(super) lengths: Vec<Length>,
    /// The rewards of the stage that comes now, by its index, if it has some.
    pub(super) critic: Option<(usize, SelfCritic)>,
    pub(super) warnings: Vec<Warning>,
}

/// What a run would find.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Findings {
    /// Sources, captions and words, if they can be read.
    pub data: Option<DataDescription>,
    /// The features, if they can be read.
    pub features: Option<FeaturesFound>,
    /// Parameters of the captioner, if it can be made.
    pub parameters: Option<usize>,
    /// The stages, if all of them can be run with these sources.
    pub stages: Vec<StageFound>,
    /// What lets a run go on, but should be known.
    pub warnings: Vec<Warning>,
    /// What keeps a run from its first step: as much of it as can be found at once.
    pub problems: Vec<TrainError>,
}

/// Features of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeaturesFound {
    /// Numbers in a vector.
    pub dimension: usize,
    /// Whether images have vectors of regions; else they have one vector each.
    pub are_of_regions: bool,
    /// Images whose features were read.
    pub images: usize,
}

/// A stage that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFound {
    /// Its name.
    pub name: String,
    /// Its objective, `xe` or `scst`.
    pub kind: &'static str,
    /// All its steps, unless its patience ends it before.
    pub steps: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Training sources that no batch of an epoch holds.
    pub sources_left_out: usize,
}

/// How things are read.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    /// The configuration, with every path where the file is.
    pub(super) located: &'a Config,
    /// The run directory.
    pub(super) prepared: &'a Prepared,
    /// What there is beside what is built in.
    pub(super) registry: &'a Registry,
    /// Whether a run that goes on reads all features again.
    pub(super) verify_features: bool,
    /// Whether features of test images are read too.
    pub(super) with_test: bool,
    /// The ranks that read.
    pub(super) group: &'a dyn Group,
}

/// Reads everything that a new run would, trains nothing and writes nothing. Reward programs are started and ended.
///
/// Unlike a run it also reads the features of test images, and does not stop at the first problem where the next can be
/// found without it.
pub fn check(config: &ValidConfig, registry: &Registry, observer: &mut dyn Observer) -> Findings {
    look(config, registry, observer).0
}

/// The same, with what a new run would begin with, if nothing keeps it from that.
pub(super) fn look(
    config: &ValidConfig,
    registry: &Registry,
    observer: &mut dyn Observer,
) -> (Findings, Option<Material>) {
    let means = Means {
        located: config,
        prepared: &Prepared::default(),
        registry,
        verify_features: false,
        with_test: true,
        group: &Alone,
    };
    let mut findings = Findings::default();
    match gather(config, None, means, &mut findings, observer) {
        Ok(mut material) => {
            findings.warnings = std::mem::take(&mut material.warnings);
            (findings, Some(material))
        }
        Err(problems) => {
            findings.problems = problems;
            (findings, None)
        }
    }
}

/// Reads and checks everything, for a run that goes on from `stored` or for a new one; `findings` gets what is found.
///
/// # Errors
/// All problems that can be found at once, one or more.
pub(super) fn gather(
    config: &Config,
    stored: Option<&Checkpoint>,
    means: Means<'_>,
    findings: &mut Findings,
    observer: &mut dyn Observer,
) -> Result<Material, Vec<TrainError>> {
    let Means {
        located, prepared, ..
    } = means;
    let mut problems = Problems(Vec::new());
    let backend = config.backend;
    let device = backend.check_precision(config.precision);
    let device = problems.keep(device.and_then(|()| backend.device_of(means.group)));
    let corpus = match stored {
        None => Corpus::build_in(means.group, located, means.registry, observer),
        Some(stored) => {
            let reading = (means.group, means.verify_features);
            Corpus::resume(located, stored, means.registry, reading, observer)
        }
    };
    let Some(corpus) = problems.keep(corpus) else {
        return Err(problems.0);
    };
    let mut examples = [Split::Train, Split::Val].map(|split| corpus.examples(split).len());
    let train_examples = examples[0];
    if means.with_test {
        let test = corpus.examples(Split::Test);
        problems.keep(corpus.check_sources(test, observer));
        examples[1] += test.len();
    }
    findings.data = Some(corpus.describe());
    findings.features = corpus.images().map(|images| FeaturesFound {
        dimension: images.store().dim(),
        are_of_regions: images.are_of_regions(),
        images: examples.iter().sum(),
    });
    let captions = problems.keep(prepared.check_captions(&corpus));
    let mut progress = stored.map(|s| s.progress.clone()).unwrap_or_default();
    for (was, now) in &prepared.moved {
        progress.rename_foreign(was, now);
    }
    let lengths = problems.keep(check_lengths(config, train_examples, &mut progress));
    if let Some(lengths) = &lengths {
        findings.stages = stages(config, lengths, train_examples);
    }
    let warnings = problems.keep(data_warnings(config, &corpus));
    let goes_on = lengths.as_deref().is_none_or(|all| goes_on(all, &progress));
    let first = progress.stage + usize::from(!goes_on);
    let mut critic = None;
    for (index, stage) in located.stages.iter().enumerate().skip(first) {
        let made = problems.keep(make_rewards(stage, &corpus, means.registry));
        // Those of later stages would take memory until then.
        if index == first {
            critic = made.flatten().map(|made| (index, made));
        }
    }
    let foreign = device.as_ref().and_then(|device| {
        let around = Surroundings {
            corpus: &corpus,
            places: &prepared.places,
            captioners: &means.registry.captioners,
        };
        let foreign = Foreign::read(config, &mut progress, goes_on, around, device);
        problems.keep(foreign)
    });
    let decoder = &config.validation.decoder;
    problems.keep(Search::new(
        decoder,
        config,
        corpus.vocabulary(),
        Some(&corpus),
        means.registry,
    ));
    let captioner = device
        .as_ref()
        .and_then(|device| problems.keep(captioner(config, stored, &corpus, device)));
    findings.parameters = captioner.as_ref().map(parameters);
    match (device, captions, captioner, foreign, lengths, warnings) {
        (
            Some(device),
            Some(captions),
            Some(captioner),
            Some(foreign),
            Some(lengths),
            Some(warnings),
        ) if problems.0.is_empty() => Ok(Material {
            device,
            corpus,
            captions,
            captioner,
            foreign,
            progress,
            lengths,
            critic,
            warnings,
        }),
        _ => Err(problems.0),
    }
}

/// What is wrong.
struct Problems(Vec<TrainError>);

impl Problems {
    /// The value, or nothing and its error among the problems.
    fn keep<T, E: Into<TrainError>>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.0.push(error.into())).ok()
    }
}

/// Whether the current stage has steps left.
pub(super) fn goes_on(lengths: &[Length], progress: &Progress) -> bool {
    let length = lengths.get(progress.stage);
    length.is_some_and(|length| !progress.stage_ended && progress.step < length.steps)
}

fn stages(config: &Config, lengths: &[Length], train_sources: usize) -> Vec<StageFound> {
    let stages = config.stages.iter().zip(lengths);
    let found = stages.map(|(stage, length)| StageFound {
        name: stage.name.clone(),
        kind: if stage.scst.is_some() { "scst" } else { "xe" },
        steps: length.steps,
        steps_per_epoch: length.steps_per_epoch,
        sources_left_out: train_sources
            .checked_rem(stage.sources_per_batch)
            .unwrap_or(0),
    });
    found.collect()
}

/// Makes the rewards of a stage and its objective, so that a program that does not work is known before the first step.
fn make_rewards(
    stage: &StageConfig,
    corpus: &Corpus,
    registry: &Registry,
) -> Result<Option<SelfCritic>, TrainError> {
    let Some(scst) = &stage.scst else {
        return Ok(None);
    };
    let sources = corpus.reward_sources(scst.reward_end_token)?;
    match SelfCritic::new(scst, &sources, registry) {
        Ok(critic) => Ok(Some(critic)),
        Err(TrainError::Reward(source)) => Err(TrainError::StageReward {
            stage: stage.name.clone(),
            source,
        }),
        Err(TrainError::Custom(source)) => Err(TrainError::StageObjective {
            stage: stage.name.clone(),
            source,
        }),
        Err(other) => Err(other),
    }
}

/// The captioner of a checkpoint, or a new one.
fn captioner(
    config: &Config,
    stored: Option<&Checkpoint>,
    corpus: &Corpus,
    device: &Device,
) -> Result<Captioner, TrainError> {
    if let Some(stored) = stored {
        let captioner = stored.captioner(&config.model, device)?;
        return Ok(captioner.with_precision(config.precision)?);
    }
    let shape = Shape {
        model: &config.model,
        encoder: config.encoder.as_ref(),
        source: corpus.source_size(),
        vocab: corpus.vocabulary().len(),
    };
    if let Some(message) = bounds::oversize(shape) {
        let captioner = config.model.name();
        return Err(TrainError::CaptionerTooLarge { captioner, message });
    }
    let mut rng = generator(config.seed, Purpose::Weights, 0, 0);
    let captioner = shape.init(device, &mut rng)?;
    Ok(captioner.with_precision(config.precision)?)
}
