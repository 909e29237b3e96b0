//! What a program is told of a caption.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::{Candidate, FeatureRows, ImageReferences};

/// A caption as it stands in a request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Caption<'a> {
    pub(super) image_id: &'a str,
    pub(super) tokens: &'a [u32],
    pub(super) text: &'a str,
    pub(super) references: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) features: Option<Features<'a>>,
}

/// Where the features of an image are.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Features<'a> {
    file: &'a Path,
    row: usize,
}

/// Where a program finds what belongs to an image, as far as it is to know.
#[derive(Debug, Clone, Default)]
pub(super) struct ImagePlaces {
    /// The directory of the images.
    pub(super) images: Option<PathBuf>,
    pub(super) features: Option<Arc<FeatureRows>>,
}

impl ImagePlaces {
    /// A caption with all that is known of its image.
    pub(super) fn caption<'a>(
        &'a self,
        candidate: &Candidate<'a>,
        image: &'a ImageReferences,
    ) -> Caption<'a> {
        let directory = self.images.as_ref();
        let features = self.features.as_ref().and_then(|features| {
            Some(Features {
                file: &features.file,
                row: *features.rows.get(candidate.image)?,
            })
        });
        Caption {
            image_id: &image.id,
            tokens: candidate.tokens,
            text: candidate.text,
            references: &image.texts,
            image_path: directory.map(|directory| directory.join(&*image.id)),
            features,
        }
    }
}
