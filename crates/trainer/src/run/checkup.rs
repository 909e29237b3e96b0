//! What is known of a run before its first step: all that it reads, and what that is good for.

use scst_data::Split;

use super::{
    material::{Findings, Material, look},
    validation_examples::validation_examples,
};
use crate::{
    TrainError,
    config::{Config, ValidConfig},
    diagnosis::{
        features::FeatureStatistics,
        references::{ReferenceCounts, Resolution},
    },
    observer::Observer,
    registry::Registry,
    warning::Warning,
};

/// What is known of a run before its first step.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Checkup {
    /// What the run would find, with all that is wrong.
    pub findings: Findings,
    /// References of training sources.
    pub references: Option<ReferenceCounts>,
    /// Features of images.
    pub features: Option<FeatureStatistics>,
    /// What tells the document frequencies of the training captions from others, where a reward has them.
    pub document_frequency: Option<String>,
    /// What validations can tell apart.
    pub resolution: Option<Resolution>,
}

/// Looks at everything that a new run would read: [`check`](super::check), and more that takes another pass over the data.
pub fn examine(config: &ValidConfig, registry: &Registry, observer: &mut dyn Observer) -> Checkup {
    let (findings, material) = look(config, registry, observer);
    let mut checkup = Checkup {
        findings,
        ..Checkup::default()
    };
    if let Some(material) = material
        && let Err(error) = checkup.measure(config, &material)
    {
        checkup.findings.problems.push(error);
    }
    checkup
}

impl Checkup {
    fn measure(&mut self, config: &Config, material: &Material) -> Result<(), TrainError> {
        let corpus = &material.corpus;
        let train = corpus.split(Split::Train)?;
        self.references = ReferenceCounts::of(train);
        let has_frequency = |entry: &scst_reward::RewardEntry| entry.cider_d.is_some();
        let mut scst = config.stages.iter().filter_map(|stage| stage.scst.as_ref());
        if let Some(scst) = scst.find(|scst| scst.rewards.iter().any(has_frequency)) {
            let sources = corpus.reward_sources(scst.reward_end_token)?;
            self.document_frequency = Some(sources.frequency()?.signature());
        }
        self.resolution = Resolution::of(
            config.validation.metric,
            &validation_examples(config, corpus)?,
        );
        let warnings = &mut self.findings.warnings;
        if let Some(resolution) = self.resolution.filter(Resolution::is_low) {
            warnings.push(Warning::FewValidationSources(resolution));
        }
        if let Some(images) = corpus.images() {
            let others = [Split::Val, Split::Test].map(|split| corpus.examples(split));
            let features = FeatureStatistics::of(images.store(), train, &others)?;
            let faults = features.faults(config.data.standardise);
            warnings.extend(faults.into_iter().map(Warning::Features));
            self.features = Some(features);
        }
        Ok(())
    }
}
