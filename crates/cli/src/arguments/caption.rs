//! The arguments of `scst caption`.

use std::path::PathBuf;

use clap::Args;
use scst_encoder::Architecture;

use super::{DecoderArguments, FeatureArguments, RunOverrides, SplitName};

/// Images or features of images, and how they are captioned.
#[derive(Debug, Clone, Args)]
pub(crate) struct CaptionArguments {
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// JPEG, PNG, WebP, GIF, BMP or TIFF images of any size, or folders of them
    #[arg(
        value_name = "IMAGE_OR_FOLDER",
        conflicts_with_all = ["features", "split"]
    )]
    pub(crate) images: Vec<PathBuf>,
    /// Caption the images in folders within a folder too
    #[arg(long, requires = "images")]
    pub(crate) recursive: bool,
    /// Caption the images of a split of the run's own data, from the features that it was trained on
    #[arg(long, value_enum, conflicts_with = "features")]
    pub(crate) split: Option<SplitName>,
    /// With --split or --features, only this image, by file name, id, path or end of its path; may be given several
    /// times
    #[arg(long = "image", value_name = "NAME", conflicts_with = "images_json")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) data: FeatureArguments,
    /// Caption the features of the images that this file lists, in its order, under its ids:
    /// {"images": [{"id", "file_name"}]}, as COCO's image_info_test2014.json. Without, all
    /// rows are captioned, under their names
    #[arg(long, value_name = "FILE.json", requires = "features")]
    pub(crate) images_json: Option<PathBuf>,
    /// With --split or --features, write the captions as the COCO server takes them: [{"image_id", "caption"}]; where
    /// images have no ids, `image_id` is the file name
    #[arg(long, value_name = "results.json")]
    pub(crate) out: Option<PathBuf>,
    /// The encoder of the run's features, where the run does not know it: efficientnet_lite0 to
    /// efficientnet_lite4, resnet50 or resnet101
    #[arg(long, value_parser = str::parse::<Architecture>, conflicts_with_all = ["features", "split"])]
    pub(crate) encoder: Option<Architecture>,
    /// Its weights, where the run does not know them or they have moved
    #[arg(long, value_name = "FILE.pth", conflicts_with_all = ["features", "split"])]
    pub(crate) weights: Option<PathBuf>,
    /// Draw where the captioner looked: the photo once for every word of the caption (of several, the
    /// first), in warm light where its attention was. With several images, one picture each:
    /// OUT-IMAGE.png
    #[arg(long, value_name = "OUT.png", conflicts_with = "features")]
    pub(crate) attention: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU) [default: that of the run]
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) set: RunOverrides,
    #[command(flatten)]
    pub(crate) decoder: DecoderArguments,
}
