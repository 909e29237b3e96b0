//! Arguments of `scst new`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// What the run is to be called: it will be in runs/NAME
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Captions of images: a table with the header `image,caption`, COCO annotations, or Karpathy's JSON
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "texts",
        conflicts_with = "texts"
    )]
    pub(crate) captions: Option<PathBuf>,
    /// The split of every image of a table of captions, CSV with the header `image,split`; else splits are drawn
    #[arg(long, value_name = "splits.csv", requires = "captions")]
    pub(crate) splits: Option<PathBuf>,
    /// The images, for which `scst features` is to make features
    #[arg(
        long,
        value_name = "DIR",
        requires = "captions",
        conflicts_with = "features",
        required_unless_present_any = ["features", "texts"]
    )]
    pub(crate) images: Option<PathBuf>,
    /// Features of the images: .npy, .safetensors, or a folder with a file an image
    #[arg(long, value_name = "PATH", requires = "captions")]
    pub(crate) features: Option<PathBuf>,
    /// Pairs of texts, to learn to write the second one for the first: a table or JSON Lines
    #[arg(long, value_name = "FILE")]
    pub(crate) texts: Option<PathBuf>,
    /// Where the configuration is written [default: NAME.toml]
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) out: Option<PathBuf>,
}
