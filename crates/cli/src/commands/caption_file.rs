//! The layout of a caption file, by what it holds.

use std::path::Path;

use scst_data::{
    CaptionLayout, CaptionSource, CocoSource, DataError, JsonLayout, KaggleSource, KarpathySource,
    caption_layout,
};

use crate::{arguments::SplitName, failure::Failure};

/// How to read captions; the images of a COCO file, which has no splits, are those of `split`.
pub(crate) fn caption_source(
    path: &Path,
    splits: Option<&Path>,
    split: SplitName,
) -> Result<CaptionSource, Failure> {
    let of_path = path.to_owned();
    let expected = |found: &str| {
        Failure::Mistake(format!(
            "`{}`: found {found}, expected captions of Karpathy or COCO in JSON, or a table with the header \
             `image,caption`",
            path.display()
        ))
    };
    let layout = match caption_layout(path)? {
        CaptionLayout::Json(layout) => layout,
        CaptionLayout::Table => {
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
        CaptionLayout::Results => {
            return Err(expected("a list in JSON, as results are written"));
        }
        CaptionLayout::JsonLines => return Err(expected("JSON Lines")),
        CaptionLayout::Lines => return Err(expected("text without such a header")),
    };
    let mut coco = CocoSource::default();
    match layout {
        JsonLayout::Coco => match split {
            SplitName::Train => coco.train = Some(of_path),
            SplitName::Val => coco.val = Some(of_path),
            SplitName::Test => coco.test = Some(of_path),
        },
        JsonLayout::ImageList => return Err(DataError::NoAnnotations { path: of_path }.into()),
        JsonLayout::SelfCritical => return Err(DataError::OnlyWords { path: of_path }.into()),
        _ => return Ok(CaptionSource::Karpathy(KarpathySource { path: of_path })),
    }
    Ok(CaptionSource::Coco(coco))
}
