//! A run or checkpoint on a split: what `scst eval`, `scst compare` and `scst report` have in common.

use std::{
    collections::BTreeSet,
    fmt,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use scst_data::{Example, FeatureSource};
use scst_group::share;
use scst_model::Captioner;
use scst_reward::references_are_alike;
use scst_trainer::{
    Backend, Caption, CaptionWriter, Checkpoint, Config, Corpus, Decoding, EvaluationReport, Group,
    Registry,
    config::{DecoderConfig, SamplingOptions, SearchConfig},
    evaluate,
};

use crate::{
    arguments::EvaluationArguments,
    commands::{caption_file::caption_source, changed_features::note_changed_features},
    display::Display,
    failure::Failure,
    output::{CiderAlwaysZero, warn},
};

/// A run or checkpoint that is about to be evaluated.
pub(crate) struct Prepared<'a> {
    /// Where the checkpoint comes from.
    model: &'a Path,
    registry: &'a Registry,
    pub(crate) checkpoint: Checkpoint,
    features_of_run: Option<FeatureSource>,
    arguments: &'a EvaluationArguments,
    /// That of the run, with what the arguments set over it.
    pub(crate) config: Config,
    pub(crate) decoder: DecoderConfig,
}

impl<'a> Prepared<'a> {
    /// What the arguments make of the run.
    pub(crate) fn new(
        (model, mut checkpoint): (&'a Path, Checkpoint),
        arguments: &'a EvaluationArguments,
        registry: &'a Registry,
    ) -> Result<Self, Failure> {
        let features_of_run = checkpoint.features_found()?;
        arguments.set.apply(&mut checkpoint, &registry.captioners)?;
        let decoder = arguments.decoder.resolve(&checkpoint)?;
        let mut config = checkpoint.config.clone();
        if config.data.text.is_some() {
            refuse_flags_of_images(model, arguments)?;
        }
        if let Some(name) = &arguments.backend {
            config.backend = Backend::parse(name)?;
        }
        if let Some(captions) = &arguments.captions {
            let splits = arguments.splits.as_deref();
            config.data.captions = Some(caption_source(captions, splits, arguments.split())?);
        }
        if let Some(features) = &mut config.data.features {
            *features = arguments.data.source(features)?;
        }
        checkpoint.locate(&mut config)?;
        Ok(Self {
            model,
            registry,
            checkpoint,
            features_of_run,
            arguments,
            config,
            decoder,
        })
    }

    /// Reads the data and makes the captioner, on a device of this rank; `warned` is what was warned of before.
    pub(crate) fn open(
        &self,
        warned: &mut BTreeSet<String>,
        group: &dyn Group,
    ) -> Result<Opened<'_>, Failure> {
        let Self {
            model,
            registry,
            checkpoint,
            arguments,
            config,
            ..
        } = self;
        let device = config.backend.device_of(group)?;
        let captioner = checkpoint.captioner(&config.model, &device)?;
        let corpus = Corpus::of_checkpoint(config, checkpoint, registry)?;
        checkpoint.check_inputs(&corpus)?;
        for notice in corpus.notices() {
            warn_once(notice, warned);
        }
        let examples = corpus.split(arguments.split().into())?;
        if arguments.data.features.is_none() {
            note_changed_features(&corpus, checkpoint, model)?;
        }
        if references_are_alike(examples.iter().map(|e| e.references().collect::<Vec<_>>())) {
            warn_once(&CiderAlwaysZero, warned);
        }
        Ok(Opened {
            prepared: self,
            captioner,
            corpus,
        })
    }
}

/// The place of an image in a split, and the words of its caption with the weights of attention of each, one a region.
pub(crate) type Looks = (usize, Vec<(String, Vec<f32>)>);

/// A run or checkpoint with its captioner and data.
pub(crate) struct Opened<'a> {
    prepared: &'a Prepared<'a>,
    captioner: Captioner,
    corpus: Corpus,
}

impl Opened<'_> {
    /// Decodes the split with the run, or with an ensemble of it and others, and scores what comes of it.
    pub(crate) fn evaluate(
        &self,
        ensemble: &[PathBuf],
        group: &dyn Group,
    ) -> Result<EvaluationReport, Failure> {
        let Prepared {
            model,
            registry,
            arguments,
            config,
            decoder,
            ..
        } = self.prepared;
        let others = Ensemble {
            model,
            others: ensemble,
            arguments,
            expected: self.prepared.features_of_run.as_ref(),
        };
        let others = others.load(&self.corpus, &self.captioner, registry)?;
        let examples = self.corpus.split(arguments.split().into())?;
        let mut display = Display::of_run(config, 0);
        // What another rank decodes, that one looks at.
        let own = share(examples.len(), group.size(), group.rank());
        self.corpus.check_sources(&examples[own], &mut display)?;
        let examples: Vec<&Example> = examples.iter().collect();
        let report = evaluate(
            (&self.captioner, &others),
            &self.corpus,
            registry,
            &examples,
            Decoding {
                decoder,
                run: config,
                group,
            },
            &mut |done| {
                display.progress("evaluation", done, examples.len(), Duration::ZERO);
                ControlFlow::Continue(())
            },
        )?;
        display.finish();
        report.ok_or_else(|| Failure::Failed("the evaluation was stopped".to_owned()))
    }

    /// Samples from the captioner's own distribution of every source at `places` of the split.
    pub(crate) fn samples(
        &self,
        places: &[usize],
        samples: usize,
    ) -> Result<Vec<Vec<String>>, Failure> {
        let Prepared {
            registry,
            checkpoint,
            arguments,
            ..
        } = self.prepared;
        let decoder = DecoderConfig {
            search: SearchConfig::Sample(SamplingOptions::default()),
            samples,
            ..DecoderConfig::default()
        };
        let device = self.captioner.device();
        let mut writer = CaptionWriter::new(checkpoint, &decoder, None, registry, &device)?;
        let examples = self.corpus.split(arguments.split().into())?;
        let examples = places.iter().filter_map(|&place| examples.get(place));
        let examples: Vec<&Example> = examples.collect();
        let found = writer.of_examples(&self.corpus, &examples)?.into_iter();
        let texts = |captions: Vec<Caption>| captions.into_iter().map(|c| c.text).collect();
        Ok(found.map(texts).collect())
    }

    /// Where the captioner looked for every word of its captions of the images at `places` of the split; nothing of one
    /// that does not attend, and of texts.
    pub(crate) fn attention(&self, places: &[usize]) -> Result<Vec<Looks>, Failure> {
        let Prepared {
            registry,
            checkpoint,
            arguments,
            config,
            decoder,
            ..
        } = self.prepared;
        if !config.model.reads_regions() || self.corpus.images().is_none() {
            return Ok(Vec::new());
        }
        let device = self.captioner.device();
        let corpus = Some(&self.corpus);
        let mut writer = CaptionWriter::new(checkpoint, decoder, corpus, registry, &device)?;
        let examples = self.corpus.split(arguments.split().into())?;
        let mut all = Vec::with_capacity(places.len());
        for &place in places {
            let example = &examples[place];
            let captions = writer.of_examples(&self.corpus, &[example])?;
            let words = match captions.first().and_then(|captions| captions.first()) {
                Some(caption) => writer.attention_of(&self.corpus, example, caption)?,
                None => Vec::new(),
            };
            all.push((place, words));
        }
        Ok(all)
    }
}

/// Warns of what was not warned of before.
pub(crate) fn warn_once(warning: &impl fmt::Display, warned: &mut BTreeSet<String>) {
    if warned.insert(warning.to_string()) {
        warn(warning);
    }
}

/// Refuses flags that belong to images, of a run that reads texts.
fn refuse_flags_of_images(model: &Path, arguments: &EvaluationArguments) -> Result<(), Failure> {
    let flags = [
        ("--captions", arguments.captions.is_some()),
        ("--features", arguments.data.features.is_some()),
    ];
    Failure::refuse_flags(&flags, |flag| {
        let run = model.display();
        format!("{flag}: found it with `{run}`, which reads texts, expected none")
    })
}

/// The captioners of an ensemble but for the first.
struct Ensemble<'a> {
    model: &'a Path,
    others: &'a [PathBuf],
    arguments: &'a EvaluationArguments,
    expected: Option<&'a FeatureSource>,
}

impl Ensemble<'_> {
    fn load(
        &self,
        corpus: &Corpus,
        first: &Captioner,
        registry: &Registry,
    ) -> Result<Vec<Captioner>, Failure> {
        let mut others = Vec::new();
        for path in self.others {
            let other = Checkpoint::load_run_or_checkpoint(path, &registry.captioners)?;
            other.check_inputs(corpus)?;
            let found = other.features_found()?;
            if self.arguments.data.features.is_none() && found.as_ref() != self.expected {
                return Err(Failure::Mistake(format!(
                    "`{}` was trained on the features `{}`, expected `{}` as of `{}`; if they are the same, name them \
                     with --captions and --features",
                    path.display(),
                    path_of(found.as_ref()),
                    path_of(self.expected),
                    self.model.display()
                )));
            }
            others.push(other.captioner(&other.config.model, &first.device())?);
        }
        Ok(others)
    }
}

/// Where features are, for people.
fn path_of(source: Option<&FeatureSource>) -> String {
    let path = source.map(|source| source.path().display().to_string());
    path.unwrap_or_else(|| "none".to_owned())
}
