//! The pass over the features before they are used: it finds what is wrong with them before hours are spent,
//! measures them, and takes their checksum.

use scst_data::{
    DataError, Example, FeatureComparison, FeatureContent, FeatureDifference, FeatureFingerprint,
    FeatureMoments, FeatureStore, Row, Standardiser,
};

use crate::{
    TrainError,
    observer::{Event, Observer},
    ranks::AtWork,
};

/// What one pass over the features of some splits tells.
pub(super) struct Reading {
    /// Statistics of the first list, if they were asked for.
    pub(super) standardiser: Option<Standardiser>,
    /// Checksum of all that was read.
    pub(super) content: FeatureContent,
}

/// Reads the features of lists of images once; the statistics are of the first list, if `standardise` asks for them.
///
/// # Errors
/// [`TrainError::Data`] for the first file or value that cannot be used, [`TrainError::Group`].
pub(super) fn read(
    features: &FeatureStore,
    lists: &[&[Example]],
    standardise: bool,
    observer: &mut dyn Observer,
    at_work: &mut AtWork<'_>,
) -> Result<Reading, TrainError> {
    let images = lists.iter().map(|list| list.len()).sum();
    let mut content = FeatureContent::default();
    let mut moments = FeatureMoments::new(features.dim());
    let (mut done, mut reached) = (0, Ok(()));
    for (number, list) in lists.iter().enumerate() {
        let rows: Vec<Row> = list.iter().map(|example| example.row).collect();
        features.check(&rows, |row, values| {
            content.add(features.name(row), values);
            if standardise && number == 0 {
                moments.add(values);
            }
            if reached.is_ok() {
                reached = at_work.goes_on();
            }
            done += 1;
            observer.observe(&Event::CheckingFeatures { done, images });
        })?;
        reached.clone()?;
    }
    Ok(Reading {
        standardiser: standardise
            .then(|| Standardiser::of(&moments))
            .transpose()?,
        content,
    })
}

/// What features are to a run that goes on.
pub(super) enum Known {
    /// As they were when the run read them; what it found then still holds.
    Same(FeatureFingerprint),
    /// To be read again: they may be others. The fingerprint is that of now.
    Unsure(FeatureFingerprint),
}

/// Compares the features with what a run noted of them, if it did.
///
/// # Errors
/// They cannot be looked at, or, in the inner result, they are others.
pub(super) fn look(
    features: &FeatureStore,
    then: Option<&FeatureFingerprint>,
    observer: &mut dyn Observer,
) -> Result<Result<Known, FeatureDifference>, DataError> {
    let now = features.fingerprint()?;
    let Some(then) = then else {
        return Ok(Ok(Known::Unsure(now)));
    };
    Ok(match features.compare(then, &now) {
        FeatureComparison::Changed(difference) => Err(difference),
        FeatureComparison::Touched => {
            observer.observe(&Event::FeaturesTouched {
                path: features.path(),
            });
            Ok(Known::Unsure(now))
        }
        FeatureComparison::Same if then.content.is_none() => Ok(Known::Unsure(now)),
        FeatureComparison::Same => Ok(Known::Same(then.clone())),
    })
}
