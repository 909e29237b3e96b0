//! What a program is told of a caption.

use serde::Serialize;

use crate::{Candidate, ImageReferences};

/// A caption as it stands in a request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Caption<'a> {
    pub(super) image_id: &'a str,
    pub(super) tokens: &'a [u32],
    pub(super) text: &'a str,
    pub(super) references: &'a [String],
}

impl<'a> Caption<'a> {
    pub(super) fn new(candidate: &Candidate<'a>, image: &'a ImageReferences) -> Self {
        Self {
            image_id: &image.id,
            tokens: candidate.tokens,
            text: candidate.text,
            references: &image.texts,
        }
    }
}
