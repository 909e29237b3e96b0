//! The images of a run: their features, and what is known of them.

use std::path::Path;

use burn::tensor::{Device, TensorData};
use scst_data::{
    Example, FeatureBatch, FeatureComparison, FeatureDifference, FeatureFingerprint, FeatureSource,
    FeatureStore, ReadAhead, Row, Standardiser,
};
use scst_group::Group;
use scst_kernels::traffic::send;
use scst_model::{CaptionerConfig, SourceVectors};

use super::reading::{self, Known, Reading};
use crate::{
    TrainError,
    checkpoint::{Checkpoint, CheckpointError},
    observer::Observer,
    ranks::{AtWork, told_by_first},
};

/// What ranks tell one another of.
const FEATURES: &str = "features";

/// Features of images, and how they are read.
pub struct Images {
    features: ReadAhead,
    source: FeatureSource,
    standardiser: Option<Standardiser>,
    fingerprint: Option<FeatureFingerprint>,
    encoder: Option<Vec<u8>>,
}

impl Images {
    /// Those of a store, standardised as they were before, if they were.
    ///
    /// # Errors
    /// [`TrainError`] when the captioner cannot read them, or what stands beside them cannot be read.
    pub(super) fn new(
        store: FeatureStore,
        source: &FeatureSource,
        model: &CaptionerConfig,
        standardiser: Option<Standardiser>,
    ) -> Result<Self, TrainError> {
        check_form(&store, model)?;
        Ok(Self {
            features: ReadAhead::new(store),
            source: source.clone(),
            standardiser,
            fingerprint: None,
            encoder: source.encoder_record()?,
        })
    }

    /// Reads all features that a new run reads once, the training images first, and measures the latter if they are to
    /// be standardised. Of several ranks the first reads them.
    ///
    /// # Errors
    /// [`TrainError::Data`] for the first file or value that cannot be used; [`TrainError::RanksDiffer`],
    /// [`TrainError::Group`].
    pub(super) fn read_for_training(
        &mut self,
        group: &dyn Group,
        splits: &[&[Example]],
        standardise: bool,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let (standardiser, fingerprint) = told_by_first(group, FEATURES, |at_work| {
            // Before they are read: a file that changes meanwhile is noticed later.
            let mut fingerprint = self.store().fingerprint()?;
            let Reading {
                standardiser,
                content,
            } = reading::read(self.store(), splits, standardise, observer, at_work)?;
            fingerprint.content = Some(content);
            Ok((standardiser, fingerprint))
        })?;
        self.check_rank(group, &fingerprint)?;
        self.standardiser = standardiser;
        self.fingerprint = Some(fingerprint);
        Ok(())
    }

    /// Whether they are those that `stored` was trained on. What looks as it did then is not read again, unless
    /// `verify` asks for it. Of several ranks the first compares them.
    ///
    /// # Errors
    /// [`TrainError`] for whatever is damaged, or has changed.
    pub(super) fn compare(
        &mut self,
        splits: &[&[Example]],
        stored: &Checkpoint,
        (group, verify): (&dyn Group, bool),
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let fingerprint = told_by_first(group, FEATURES, |at_work| {
            self.compared(splits, (stored, verify), observer, at_work)
        })?;
        self.check_rank(group, &fingerprint)?;
        self.fingerprint = Some(fingerprint);
        Ok(())
    }

    /// What they are now, if they are those that `stored` was trained on.
    fn compared(
        &self,
        splits: &[&[Example]],
        (stored, verify): (&Checkpoint, bool),
        observer: &mut dyn Observer,
        at_work: &mut AtWork<'_>,
    ) -> Result<FeatureFingerprint, TrainError> {
        let then = stored.features.as_ref();
        let was = stored.config.data.features.as_ref();
        if then.is_none() && was.is_some_and(|was| *was != self.source) {
            let path = |source: Option<&FeatureSource>| {
                let path = source.map(|source| format!("`{}`", source.path().display()));
                path.unwrap_or_else(|| "nothing".to_owned())
            };
            return Err(TrainError::ConfigChanged {
                path: stored.directory().to_owned(),
                key: "data.features".to_owned(),
                was: path(was),
                is: path(Some(&self.source)),
            });
        }
        let changed = |difference| {
            let path = stored.directory().to_owned();
            TrainError::Checkpoint(CheckpointError::FeaturesChanged { path, difference })
        };
        let known = reading::look(self.store(), then, observer)?.map_err(changed)?;
        stored.check_features(&self.source, self.store())?;
        let mut fingerprint = match known {
            Known::Same(fingerprint) if !verify => return Ok(fingerprint),
            Known::Same(fingerprint) | Known::Unsure(fingerprint) => fingerprint,
        };
        let content = reading::read(self.store(), splits, false, observer, at_work)?.content;
        let before = then.and_then(|then| then.content);
        // Where the images are others, so are the captions, and nothing is known of the features.
        if let Some(before) = before.filter(|before| before.is_of_same_images(&content))
            && before != content
        {
            return Err(changed(FeatureDifference {
                path: self.source.path().to_owned(),
                found: "other values".to_owned(),
                expected: "those of then".to_owned(),
            }));
        }
        fingerprint.content = Some(content);
        Ok(fingerprint)
    }

    /// Whether this rank sees the features that the first has read, as far as that is quickly seen.
    fn check_rank(
        &self,
        group: &dyn Group,
        of_first: &FeatureFingerprint,
    ) -> Result<(), TrainError> {
        if group.rank() == 0 {
            return Ok(());
        }
        match self.store().compare(of_first, &self.store().fingerprint()?) {
            FeatureComparison::Same | FeatureComparison::Touched => Ok(()),
            FeatureComparison::Changed(difference) => Err(TrainError::RanksDiffer {
                what: FEATURES,
                rank: group.rank(),
                found: difference.found,
                expected: difference.expected,
            }),
        }
    }

    /// Reads the features of images once, so that whatever is wrong with them shows before they are used.
    ///
    /// # Errors
    /// [`TrainError::Data`] for the first file or value that cannot be used.
    pub(super) fn check(
        &self,
        examples: &[Example],
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let mut at_work = AtWork::alone();
        reading::read(self.store(), &[examples], false, observer, &mut at_work)?;
        Ok(())
    }

    /// How they differ from those that `checkpoint` was trained on, if it noted them and they do. Only what is quickly
    /// seen is looked at.
    ///
    /// # Errors
    /// [`TrainError::Data`] when they cannot be looked at.
    pub fn changed_since(
        &self,
        checkpoint: &Checkpoint,
    ) -> Result<Option<FeatureDifference>, TrainError> {
        let Some(then) = &checkpoint.features else {
            return Ok(None);
        };
        Ok(
            match self.store().compare(then, &self.store().fingerprint()?) {
                FeatureComparison::Changed(difference) => Some(difference),
                FeatureComparison::Same | FeatureComparison::Touched => None,
            },
        )
    }

    /// The features of images, standardised if the run asks for it.
    ///
    /// # Errors
    /// [`TrainError::Data`] when they cannot be read.
    pub(super) fn vectors(
        &self,
        examples: &[&Example],
        device: &Device,
    ) -> Result<SourceVectors, TrainError> {
        let rows: Vec<Row> = examples.iter().map(|example| example.row).collect();
        let batch = self.features.read_batch(&rows)?;
        source_vectors(batch, self.standardiser.as_ref(), device)
    }

    /// Begins to read batches of images that will be asked for next.
    pub(super) fn expect(&self, batches: impl IntoIterator<Item = Vec<Row>>) {
        self.features.expect(batches);
    }

    /// The features of all images.
    pub fn store(&self) -> &FeatureStore {
        self.features.store()
    }

    /// The array that they are rows of, if they are.
    pub(crate) fn array(&self) -> Option<&Path> {
        match &self.source {
            FeatureSource::Npy(source) => Some(&source.path),
            FeatureSource::Folder(_) | FeatureSource::Safetensors(_) => None,
        }
    }

    /// Where the features are, and how they are read.
    pub(crate) fn source(&self) -> &FeatureSource {
        &self.source
    }

    /// Statistics that they are standardised with.
    pub(crate) fn standardiser(&self) -> Option<&Standardiser> {
        self.standardiser.as_ref()
    }

    /// What they looked like when they were read.
    pub(crate) fn fingerprint(&self) -> Option<&FeatureFingerprint> {
        self.fingerprint.as_ref()
    }

    /// What stands beside them about the encoder that made them.
    pub(crate) fn encoder(&self) -> Option<&[u8]> {
        self.encoder.as_deref()
    }

    /// Whether images have vectors of regions; else they have one vector each.
    pub(crate) fn are_of_regions(&self) -> bool {
        self.store().max_regions().is_some()
    }
}

/// Features as a captioner reads them.
///
/// # Errors
/// [`TrainError::Data`] when the standardisation has other dimensions.
pub(crate) fn source_vectors(
    mut batch: FeatureBatch,
    standardiser: Option<&Standardiser>,
    device: &Device,
) -> Result<SourceVectors, TrainError> {
    if let Some(standardiser) = standardiser {
        batch.standardise(standardiser)?;
    }
    let vectors = [batch.regions.iter().sum(), batch.dim];
    let vectors = send(TensorData::new(batch.values, vectors), device);
    Ok(SourceVectors::regions(vectors, batch.regions)?)
}

/// Features of regions, or of whole images, in words.
pub(crate) fn form_of_features(regions: bool) -> &'static str {
    if regions {
        "vectors of regions"
    } else {
        "one vector an image"
    }
}

/// Whether the captioner can read features of this form.
fn check_form(store: &FeatureStore, model: &CaptionerConfig) -> Result<(), TrainError> {
    let regions = store.max_regions().is_some();
    if regions == model.reads_regions() {
        return Ok(());
    }
    Err(TrainError::FeatureForm {
        path: store.path().to_owned(),
        found: form_of_features(regions),
        captioner: model.name(),
        expected: form_of_features(!regions),
    })
}
