//! The training captions as references of rewards, read when they are needed.

use std::sync::Arc;

use scst_data::Example;
use scst_reward::{ImageReferences, ReferenceStore};
use scst_sampler::END;

/// The captions of training sources.
#[derive(Debug)]
pub(super) struct TrainingReferences {
    pub(super) examples: Arc<[Example]>,
    /// Whether ids go on to the end token.
    pub(super) with_end_token: bool,
}

impl ReferenceStore for TrainingReferences {
    fn images(&self) -> usize {
        self.examples.len()
    }

    fn count(&self, image: usize) -> usize {
        self.examples[image].references().len()
    }

    fn read(&self, image: usize) -> ImageReferences {
        let example = &self.examples[image];
        let tokens = example.captions().map(|caption| {
            let words = caption.strip_suffix(&[END]);
            let words = words.filter(|_| !self.with_end_token);
            words.unwrap_or(caption).to_vec()
        });
        ImageReferences {
            id: example.name().into(),
            tokens: tokens.collect(),
            texts: example.references().map(str::to_owned).collect(),
        }
    }
}
