//! What can go wrong.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use scst_group::GroupError;
use serde_json::error::Category;

use crate::{architecture::Architecture, extract::passed_over::PassedOver};

/// Why weights could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Read(io::Error),
    /// The file is something else.
    #[error("it is {found}, expected weights that PyTorch saved (.pth)")]
    Foreign {
        /// What it seems to be.
        found: &'static str,
    },
    /// The file is not all of what PyTorch has written.
    #[error("it is not a whole file of PyTorch weights: it is damaged or cut off")]
    Format,
    /// The file holds an object of Python that cannot be read.
    #[error("it holds a `{name}`, expected a dictionary of tensors (`model.state_dict()`)")]
    Object {
        /// The object's class.
        name: String,
    },
    /// The file holds the network more than once.
    #[error(
        "it holds the network more than once, under {}; expected a file with one of them",
        quoted(prefixes)
    )]
    Ambiguous {
        /// What the names of tensors of each begin with.
        prefixes: Vec<String>,
    },
    /// A tensor's values cannot be read.
    #[error("it is damaged: {0}")]
    Tensor(io::Error),
    /// A tensor is missing.
    #[error("it has no tensor `{name}`{}", instead(nearest))]
    Missing {
        /// The tensor.
        name: String,
        /// Those of its tensors, not read yet, whose names differ least.
        nearest: Vec<String>,
    },
    /// Tensors refer to the same values so often that they are far larger than their file.
    #[error(
        "tensor `{name}` repeats values of others so often that all are larger than the file allows"
    )]
    Repeats {
        /// The tensor at which there were too many.
        name: String,
    },
    /// A tensor has another shape.
    #[error("tensor `{name}` has the shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the network.
        expected: Vec<usize>,
    },
    /// A tensor has elements of another type.
    #[error("tensor `{name}` has elements of type {found}, expected float32 or float16")]
    Type {
        /// The tensor.
        name: String,
        /// Its type in the file.
        found: String,
    },
    /// A tensor holds NaN or an infinity.
    #[error("tensor `{name}` holds a number that is not finite")]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// There is a tensor that the network does not have.
    #[error("it has a tensor `{name}`, which the network does not have")]
    Unexpected {
        /// The tensor.
        name: String,
    },
}

/// Names in quotes, with commas.
fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What there is instead of a tensor.
fn instead(nearest: &[String]) -> String {
    match nearest {
        [] => "; it has no other tensor".to_owned(),
        [name] => format!("; nearest to it is `{name}`"),
        names => format!("; nearest to it are {}", quoted(names)),
    }
}

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The file is something else.
    #[error("it is {found}, expected {IMAGES}")]
    Foreign {
        /// What it seems to be.
        found: &'static str,
    },
    /// The file is of no kind that is known here.
    #[error("it does not begin as an image does, expected {IMAGES}")]
    Unknown,
    /// The image is of a kind that is not read.
    #[error(
        "it is a {format} with colours or a compression that are not read, expected an ordinary JPEG or PNG"
    )]
    Unsupported {
        /// Its format.
        format: &'static str,
    },
    /// The file holds less than a whole image.
    #[error("it is not a whole {format}: {damage}")]
    Damaged {
        /// Its format.
        format: &'static str,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The image takes too much memory.
    #[error(
        "its {width} x {height} pixels take more than 512 MiB of memory, expected a smaller image"
    )]
    TooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The file is too long to be read.
    #[error("the file is larger than 512 MiB, expected a smaller image")]
    TooLong,
    /// The image has no pixels, or not as many as it says.
    #[error("its pixels do not fill its width and height")]
    Pixels,
}

/// The formats of images that are read.
const IMAGES: &str = "a JPEG, PNG, WebP, GIF, BMP or TIFF";

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Its end is missing.
    EndsEarly,
    /// Something in it is not as it has to be.
    Content,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndsEarly => "it ends too early",
            Self::Content => "it is damaged",
        })
    }
}

/// Why a record of an encoder could not be read.
#[derive(Debug, thiserror::Error)]
#[error("not a record of an encoder as `scst features` writes it: {}", difference(.0))]
pub struct RecordError(pub(crate) serde_json::Error);

/// What is wrong with a record, in words without the parser's own.
fn difference(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => return "it is cut short".to_owned(),
        Category::Io | Category::Syntax => return "it is not JSON".to_owned(),
        Category::Data => {}
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let known = [
        ("unknown variant ", "found "),
        ("unknown field ", "found the key "),
        ("missing field ", "found no key "),
        ("duplicate field ", "found twice the key "),
    ];
    let known = known.iter().find_map(|(parser, words)| {
        let rest = message.strip_prefix(parser)?;
        Some(format!("{words}{rest}"))
    });
    let known = known.or_else(|| message.starts_with("found ").then(|| message.to_owned()));
    known.unwrap_or_else(|| "found a value of another kind than it writes".to_owned())
}

/// Why attention could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttentionPictureError {
    /// The regions do not lie in a square.
    #[error(
        "cannot draw attention to {regions} regions, expected a square number of them, row after row"
    )]
    Regions {
        /// Their number.
        regions: usize,
    },
    /// A weight is negative, NaN or infinite.
    #[error("cannot draw a weight of attention of {weight}")]
    Weight {
        /// The weight.
        weight: f32,
    },
    /// The photo has no pixels.
    #[error(transparent)]
    Photo(#[from] PictureError),
    /// The picture cannot be put together.
    #[error("cannot encode a picture of attention: {0}")]
    Encode(#[from] image::ImageError),
}

/// Why features could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// Another rank cannot be reached.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Nothing is to be written.
    #[error("found no file to write, expected one for pooled or one for grid features")]
    NoOutput,
    /// A feature file has another ending.
    #[error("cannot write features to `{}`: expected a file ending in .npy", path.display())]
    OutputName {
        /// The file.
        path: PathBuf,
    },
    /// Pooled and grid features would go to the same file.
    #[error("cannot write both pooled and grid features to `{}`", path.display())]
    SameOutput {
        /// The file.
        path: PathBuf,
    },
    /// A feature file is there already.
    #[error("`{}` is there already and would be lost: --force replaces it", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// A folder cannot be listed.
    #[error("cannot list the images of `{}`: {error}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the operating system answered.
        error: io::Error,
    },
    /// A folder holds no image.
    #[error("found no image in `{}`, expected {IMAGES} files{}", path.display(), also(passed_over))]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        passed_over: PassedOver,
    },
    /// No image of a folder can be read.
    #[error("none of the images in `{}` can be read", path.display())]
    NothingEncoded {
        /// The folder.
        path: PathBuf,
    },
    /// An image's name cannot be a line of a names file.
    #[error("image `{}`: expected a name in UTF-8 without line breaks or outer spaces", path.display())]
    ImageName {
        /// The image.
        path: PathBuf,
    },
    /// A record of the encoder cannot be put in words.
    #[error("cannot record the encoder of `{}`: {error}", path.display())]
    Record {
        /// The feature file.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
    /// An image cannot be read.
    #[error("cannot read image `{}`: {error}", path.display())]
    Picture {
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        error: PictureError,
    },
    /// The weights are not those of the encoder.
    #[error("weights of {architecture} `{}`: {error}", path.display())]
    Weights {
        /// Their file.
        path: PathBuf,
        /// The encoder.
        architecture: Architecture,
        /// What is wrong with it.
        error: WeightsError,
    },
    /// Unfinished files were made with other options.
    #[error("`{}` records unfinished work with other options, weights or images; delete it to begin anew", path.display())]
    OtherProgress {
        /// The record.
        path: PathBuf,
    },
    /// Unfinished files were made by an earlier version, which took photos as they are stored.
    #[error(
        "`{}` records unfinished work of an earlier version, which did not turn photos as their EXIF data say; \
         delete it to begin anew",
        path.display()
    )]
    OldProgress {
        /// The record.
        path: PathBuf,
    },
    /// An image is not the one any more that was encoded.
    #[error(
        "image `{}` has changed since it was encoded; run the command again to encode images from there on anew",
        path.display()
    )]
    ChangedMeanwhile {
        /// The image.
        path: PathBuf,
    },
    /// Another process writes the same files.
    #[error("another process is at work on the files of `{}`", path.display())]
    Busy {
        /// The record.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`: {error}", path.display())]
    Write {
        /// The file, never its temporary name.
        path: PathBuf,
        /// What the operating system answered.
        error: io::Error,
    },
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(rayon::ThreadPoolBuildError),
}

/// What else is to be said of a folder.
fn also(passed_over: &PassedOver) -> String {
    if passed_over.is_empty() {
        String::new()
    } else {
        format!("; {passed_over}")
    }
}

impl EncoderError {
    /// An error for `map_err`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Write {
            path: path.to_owned(),
            error,
        }
    }

    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Write { error, .. } => error.kind() == io::ErrorKind::NotFound,
            Self::Group(_) | Self::Threads(_) | Self::Busy { .. } | Self::Record { .. } => false,
            _ => true,
        }
    }
}
