//! Layouts of captions that other crates read.

use std::{error::Error, path::Path};

use scst_data::{Captions, CustomSource, DataError, RawImage, WordSplit};

use crate::{
    TrainError,
    config::CustomChoice,
    custom::{Addition, CustomRegistry},
};

/// A layout of captions of images.
pub trait CustomLayout: Send + Sync {
    /// All images with their captions, in the order of the file or folder at `path`.
    ///
    /// That names and ids are unique, and that every image has captions, is looked after.
    ///
    /// # Errors
    /// Why they cannot be read: the message ends up behind the path and the name of the layout.
    fn read(&self, path: &Path) -> Result<Vec<RawImage>, Box<dyn Error + Send + Sync>>;
}

impl Addition for dyn CustomLayout {
    const KIND: &'static str = "captions";
}

/// The captions of a source in a registered layout; `words` says what a word is.
///
/// # Errors
/// [`TrainError`] for a layout that there is not, and whatever is missing or damaged.
pub(super) fn read(
    source: &CustomSource,
    layouts: &CustomRegistry<dyn CustomLayout>,
    words: Option<WordSplit>,
) -> Result<Captions, TrainError> {
    let CustomSource {
        name,
        path,
        options,
    } = source;
    let layout = layouts.make(&CustomChoice {
        name: name.clone(),
        options: options.clone(),
    })?;
    path.metadata().map_err(|source| DataError::Read {
        path: path.clone(),
        source,
    })?;
    let images = layout.get().read(path);
    let images = images.map_err(|source| layout.cannot_read(path.clone(), source))?;
    Ok(Captions::of_raw(path, images, words)?)
}
