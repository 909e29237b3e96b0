//! The layout of a caption file, by its ending and its keys.

use std::{fs::File, io::BufReader, path::Path};

use scst_data::{CaptionSource, CocoSource, KaggleSource, KarpathySource};
use serde::{Deserialize, de::IgnoredAny};

use crate::{arguments::SplitName, failure::Failure};

/// Whether a JSON file holds COCO annotations, by its keys.
pub(crate) fn is_coco_annotations(path: &Path) -> Result<bool, Failure> {
    #[derive(Deserialize)]
    struct Keys {
        annotations: Option<IgnoredAny>,
    }
    let file = File::open(path)
        .map_err(|error| Failure::Mistake(format!("cannot read `{}`: {error}", path.display())))?;
    let keys: Keys = serde_json::from_reader(BufReader::new(file)).map_err(|error| {
        Failure::Mistake(format!("`{}` is no caption file: {error}", path.display()))
    })?;
    Ok(keys.annotations.is_some())
}

/// Whether the ending says that it is a table.
pub(crate) fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "csv")
}

/// How to read captions; the images of a COCO file, which has no splits, are those of `split`.
pub(crate) fn caption_source(
    path: &Path,
    splits: Option<&Path>,
    split: SplitName,
) -> Result<CaptionSource, Failure> {
    if is_csv(path) {
        let Some(splits) = splits else {
            return Err(Failure::Mistake(format!(
                "`{}` is a CSV, expected --splits with it",
                path.display()
            )));
        };
        return Ok(CaptionSource::Kaggle(KaggleSource {
            captions: path.to_owned(),
            splits: splits.to_owned(),
        }));
    }
    if !is_coco_annotations(path)? {
        return Ok(CaptionSource::Karpathy(KarpathySource {
            path: path.to_owned(),
        }));
    }
    let place = Some(path.to_owned());
    let mut source = CocoSource::default();
    match split {
        SplitName::Train => source.train = place,
        SplitName::Val => source.val = place,
        SplitName::Test => source.test = place,
    }
    Ok(CaptionSource::Coco(source))
}
