//! The layout of a caption file, by what it holds.

use std::{fs::File, io::Read, path::Path};

use scst_data::{
    CaptionSource, CocoSource, DataError, JsonLayout, KaggleSource, KarpathySource, json_layout,
    looks_like::{ENOUGH_BYTES, Kind, looks_like},
};

use crate::{arguments::SplitName, failure::Failure};

/// Whether a file holds a table rather than JSON.
pub(crate) fn is_table(path: &Path) -> Result<bool, Failure> {
    if path.extension().is_some_and(|ending| ending == "csv") {
        return Ok(true);
    }
    let mut start = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(ENOUGH_BYTES as u64).read_to_end(&mut start));
    read.map_err(|error| Failure::Mistake(format!("cannot read `{}`: {error}", path.display())))?;
    Ok(looks_like(&start) == Kind::Table)
}

/// How to read captions; the images of a COCO file, which has no splits, are those of `split`.
pub(crate) fn caption_source(
    path: &Path,
    splits: Option<&Path>,
    split: SplitName,
) -> Result<CaptionSource, Failure> {
    let of_path = path.to_owned();
    if is_table(path)? {
        let Some(splits) = splits else {
            return Err(Failure::Mistake(format!(
                "`{}` is a table, expected --splits with it",
                path.display()
            )));
        };
        return Ok(CaptionSource::Kaggle(KaggleSource {
            captions: of_path,
            splits: splits.to_owned(),
        }));
    }
    let mut coco = CocoSource::default();
    match json_layout(path)? {
        JsonLayout::Coco => match split {
            SplitName::Train => coco.train = Some(of_path),
            SplitName::Val => coco.val = Some(of_path),
            SplitName::Test => coco.test = Some(of_path),
        },
        JsonLayout::ImageList => return Err(DataError::NoAnnotations { path: of_path }.into()),
        JsonLayout::SelfCritical => {
            return Err(Failure::Mistake(format!(
                "`{}` is the list of images and words of self-critical.pytorch, expected a file with captions: \
                 Karpathy's or COCO's JSON, or a table",
                path.display()
            )));
        }
        _ => return Ok(CaptionSource::Karpathy(KarpathySource { path: of_path })),
    }
    Ok(CaptionSource::Coco(coco))
}
