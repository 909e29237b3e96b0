//! Images and their gold captions, from the layouts in which they are published.
//!
//! | layout | configuration | words |
//! |---|---|---|
//! | Karpathy's splits, one JSON file | `captions.karpathy = { path = "dataset_coco.json" }` | as given |
//! | Kaggle's Flickr8k and Flickr30k, two CSV files | `captions.kaggle = { captions = "captions.csv", splits = "splits.csv" }` | [`tokenise`] |
//! | COCO annotations, one JSON file per split | `captions.coco = { train = "...", val = "...", test = "..." }` | [`tokenise`] |
//! | self-critical.pytorch, JSON and HDF5 | `captions.self_critical = { json = "cocotalk.json", labels = "cocotalk_label.h5" }` | as given |
//! | one that another crate reads | `captions.custom = { name = "...", path = "..." }` | [`tokenise`] |

mod captioned;
mod coco;
mod custom;
mod gather;
mod image_list;
pub(crate) mod json_layout;
mod kaggle;
mod karpathy;
mod labels;
mod layout;
mod self_critical;
mod source;
pub(crate) mod split;
mod table;
pub(crate) mod tokenise;

pub use captioned::{Caption, CaptionedImage, Captions};
pub use custom::RawImage;
pub use image_list::{ListedImage, read_image_list};
pub use json_layout::JsonLayout;
pub(crate) use kaggle::{table_captions, table_names};
pub use layout::json_layout;
pub use source::{
    CaptionSource, CocoSource, CustomSource, KaggleSource, KarpathySource, SelfCriticalSource,
};
pub use split::Split;
pub(crate) use table::has_header as table_has_header;
pub(crate) use tokenise::{LATIN, UNSEEN};
pub use tokenise::{WordSplit, tokenise};

use crate::DataError;

impl CaptionSource {
    /// Reads and checks all captions; `words` says what a word is, and without it the layout does.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is malformed, an unknown split, two images of the same file
    /// name or id, an image without captions, captions of an image that is not listed, and files
    /// without images. [`CaptionSource::Custom`] is read by the program that registered its layout, which hands what it
    /// has read to [`Captions::of_raw`].
    pub fn read(&self, words: Option<WordSplit>) -> Result<Captions, DataError> {
        match self {
            Self::Karpathy(source) => karpathy::read(source, words.unwrap_or(WordSplit::Given))
                .map_err(|error| layout::or_other_layout(error, JsonLayout::Karpathy)),
            Self::Kaggle(source) => kaggle::read(source, words.unwrap_or(WordSplit::Words)),
            Self::Coco(source) => coco::read(source, words.unwrap_or(WordSplit::Words))
                .map_err(|error| layout::or_other_layout(error, JsonLayout::Coco)),
            Self::SelfCritical(source) => match words {
                None | Some(WordSplit::Given) => self_critical::read(source),
                Some(words) => Err(DataError::OnlyGivenWords {
                    path: source.labels.clone(),
                    words,
                }),
            },
            Self::Custom(source) => Err(DataError::CustomLayout {
                path: source.path.clone(),
                name: source.name.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
