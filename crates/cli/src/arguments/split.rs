//! Arguments of `scst split`.

use std::path::PathBuf;

use clap::Args;
use scst_data::splitting::Shares;

#[derive(Debug, Args)]
pub(crate) struct SplitArguments {
    /// A table of captions, a text with the name of an image a line, or a folder of images
    #[arg(value_name = "CAPTIONS|NAMES|DIR")]
    pub(crate) images: PathBuf,
    /// Shares of train, val and test: fractions, as 0.8,0.1,0.1, or numbers of images, as 6000,1000,1000; two are train
    /// and val
    #[arg(long, value_name = "TRAIN,VAL[,TEST]", default_value = "0.8,0.1,0.1", value_parser = str::parse::<Shares>)]
    pub(crate) ratio: Shares,
    /// Seed of the draw
    #[arg(long, default_value = "1")]
    pub(crate) seed: u64,
    /// Where the table is written, CSV with the header `image,split`
    #[arg(long, value_name = "splits.csv")]
    pub(crate) out: PathBuf,
    /// Read the folders within a folder too; images are then named by their path from it, as in val/a.jpg
    #[arg(long)]
    pub(crate) recursive: bool,
    /// Replace a file of that name
    #[arg(long)]
    pub(crate) force: bool,
}
