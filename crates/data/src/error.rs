//! What can go wrong between the user's files and a batch.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::captions::json_layout::JsonLayout;
use crate::captions::split::Split;
use crate::captions::tokenise::WordSplit;
use crate::features::listed::Listed;
use crate::looks_like::Kind;
use crate::splitting::problem::SplitError;

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A path of keys and indices into a JSON document, such as `images[12].sentences[3].tokens`.
    Key(String),
    /// A line of a text file, counted from 1.
    Line(u64),
    /// A line of a text file and a column in characters, both counted from 1.
    Position {
        /// The line.
        line: u64,
        /// The column.
        column: u64,
    },
    /// A row of a table, counted from 1 without the header, and the line where it or its field begins.
    Row {
        /// The line.
        line: u64,
        /// The row.
        row: u64,
    },
    /// The file as a whole.
    File,
}

impl Place {
    /// What stands before a message: nothing for the file as a whole.
    pub(crate) fn prefix(&self) -> String {
        match self {
            Self::File => String::new(),
            place => format!("{place}: "),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Position { line, column } => write!(f, "line {line}, column {column}"),
            Self::Row { line, row } => write!(f, "line {line} (row {row})"),
            Self::File => f.write_str("the file"),
        }
    }
}

/// Every error of this crate; [`DataError::is_mistake`] tells bad input from failing machinery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder cannot be opened or read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Texts that need not fit into memory have no room on the disk.
    #[error("cannot keep texts in a temporary file in `{}`, the folder for them unless `TMPDIR` names another", folder.display())]
    Temporary {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A JSON file does not parse, or a value has the wrong type.
    #[error("`{}`: {}{problem}", path.display(), at.prefix())]
    Json {
        /// The file.
        path: PathBuf,
        /// The path of keys to the value, or where the syntax is wrong.
        at: Place,
        /// What was found and expected.
        problem: String,
    },
    /// A file is something else than it should be.
    #[error("`{}`: this seems to be {kind}, expected {expected}", path.display())]
    SeemsToBe {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        kind: Kind,
        /// What it should be.
        expected: String,
    },
    /// A JSON file has the layout of another reader.
    #[error("`{}`: this seems to be {found}, which `{}` reads, expected {expected}", path.display(), found.key())]
    OtherLayout {
        /// The file.
        path: PathBuf,
        /// The layout that it has.
        found: JsonLayout,
        /// The layout that it should have.
        expected: JsonLayout,
    },
    /// Words are to be made of raw captions in a layout that has only words.
    #[error("`{}` gives words and no raw captions: found `data.words = \"{}\"`, expected \"given\" or none", path.display(), words.name())]
    OnlyGivenWords {
        /// The file with the captions.
        path: PathBuf,
        /// How words were to be made.
        words: WordSplit,
    },
    /// A layout of another crate is asked for where there is none.
    #[error(
        "`{}`: found the layout `{name}`, which is none of those that are built in, expected one of them",
        path.display()
    )]
    CustomLayout {
        /// The file or folder.
        path: PathBuf,
        /// Name of the layout.
        name: String,
    },
    /// A row of a table does not parse.
    #[error("`{}`: {at}: {problem}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The line and the row.
        at: Place,
        /// What was found and expected.
        problem: String,
    },
    /// A value has the right type, but not a value that makes sense.
    #[error("`{}`: {}found {found}, expected {expected}", path.display(), at.prefix())]
    Value {
        /// The file.
        path: PathBuf,
        /// Where the value stands.
        at: Place,
        /// The value.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// Two images carry the same file name or the same id.
    #[error("`{}`: {at}: {key} appears twice, first at {first}", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// Where the second one stands.
        at: Place,
        /// The file name or id, with its kind.
        key: String,
        /// Where the first one stands.
        first: String,
    },
    /// An image has no caption with a word in it.
    #[error("`{}`: {at}: image `{file_name}` has no captions", path.display())]
    NoCaptions {
        /// The file that lists the image.
        path: PathBuf,
        /// Where it lists it.
        at: Place,
        /// The image.
        file_name: String,
    },
    /// The table of splits lists an image of which the table of captions holds nothing.
    #[error(
        "`{}`{}: found no caption of image `{file_name}`, which line {line} of `{}` lists, expected one or more",
        path.display(),
        seen_as.map_or(String::new(), |layout| format!(", read as {layout}")),
        listing.display()
    )]
    UncaptionedImage {
        /// The captions.
        path: PathBuf,
        /// What the table was taken for, unless it is CSV with two columns.
        seen_as: Option<&'static str>,
        /// The image.
        file_name: String,
        /// The table of splits.
        listing: PathBuf,
        /// The line that lists the image.
        line: u64,
    },
    /// A caption belongs to an image that is listed nowhere.
    #[error("`{}`: {at}: image {image} is not listed in `{}`", path.display(), listing.display())]
    UnlistedImage {
        /// The file with the caption.
        path: PathBuf,
        /// Where the caption stands.
        at: Place,
        /// The image, as a file name or an id.
        image: String,
        /// The file that should list it.
        listing: PathBuf,
    },
    /// Images that nothing was written about.
    #[error("`{}`: no candidate for {missing} of {images} images of `{}`, the first is image {first}", path.display(), references.display())]
    NoCandidates {
        /// The candidates.
        path: PathBuf,
        /// Images without one.
        missing: usize,
        /// All images.
        images: usize,
        /// The references.
        references: PathBuf,
        /// The first image without one.
        first: String,
    },
    /// Plain text has another number of captions than there are images.
    #[error(
        "`{}`: found {found} lines of plain text, expected {expected}: a caption for every image of `{}`, in its order{}",
        path.display(),
        references.display(),
        first.as_ref().map_or(String::new(), |line| format!(" (its first line {} is no header such as `image,caption`)", quoted(line)))
    )]
    LineCount {
        /// The text.
        path: PathBuf,
        /// Its lines.
        found: usize,
        /// The first of them.
        first: Option<String>,
        /// The references.
        references: PathBuf,
        /// Their images.
        expected: usize,
    },
    /// Images of a split are asked for, and nothing says which these are.
    #[error(
        "`{}` {}",
        path.display(),
        if *is_table {
            "is a table, expected --splits with it where a split is asked for"
        } else {
            "has no splits, expected no --split and no --splits with it"
        }
    )]
    WithoutSplits {
        /// The captions.
        path: PathBuf,
        /// Whether they are a table, with which a table of splits can go.
        is_table: bool,
    },
    /// Images of JSON are to be shared out to splits, but a table of splits goes with a table of captions alone.
    #[error("`{}` is JSON, expected a table of captions, a text with the name of an image a line, or a folder of images: a table of splits goes with those", path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
    },
    /// Captions are asked for of a file with images and words alone.
    #[error("`{}` is the list of images and words of self-critical.pytorch, expected a file with captions: Karpathy's or COCO's JSON, or a table", path.display())]
    OnlyWords {
        /// The file.
        path: PathBuf,
    },
    /// A JSON file in COCO's layout lists images and has no captions, as `image_info_test2014.json`.
    #[error(
        "`{0}` lists images without captions, as COCO's image_info files do, expected captions to learn from or to \
         compare with; `scst caption RUN --features FILE --images-json {0} --out results.json` captions such images",
        path.display()
    )]
    NoAnnotations {
        /// The file.
        path: PathBuf,
    },
    /// A caption file holds no image at all.
    #[error("`{}` holds no images", path.display())]
    NoImages {
        /// The file.
        path: PathBuf,
    },
    /// A caption file holds no image of the split that is asked for.
    #[error("`{}` holds no {split} images, expected one or more", path.display())]
    NoImagesOfSplit {
        /// The file.
        path: PathBuf,
        /// The split.
        split: Split,
    },
    /// `captions.coco` names no annotation file.
    #[error("`captions.coco` names no file, expected at least one of `train`, `val` and `test`")]
    NoAnnotationFiles,
    /// The captions hold no image for training, so there is nothing to learn or to count words in.
    #[error("no image is in the split `train`")]
    NoTrainingImages,
    /// No word of the training captions is frequent enough for the vocabulary.
    #[error(
        "`data.minimum_count`: found {minimum_count}, expected {largest} or less: the most frequent word of the training captions, {}, stands there {largest} times",
        quoted(word)
    )]
    NoFrequentWords {
        /// The least number of occurrences asked for.
        minimum_count: u64,
        /// How often the most frequent word stands there.
        largest: u64,
        /// The most frequent word.
        word: String,
    },
    /// A file of pairs of texts holds none.
    #[error("`{}` holds no source with a target, expected one or more", path.display())]
    NoPairs {
        /// The file.
        path: PathBuf,
    },
    /// There is no pair for training, so there is nothing to learn or to make tokens of.
    #[error("no source text is in the split `train`")]
    NoTrainingPairs,
    /// Parallel files have different numbers of lines.
    #[error("`{}`: found {found} lines, expected {expected}, a line for every line of `{}`", path.display(), source_path.display())]
    ParallelLines {
        /// The targets.
        path: PathBuf,
        /// Their lines.
        found: usize,
        /// The sources.
        source_path: PathBuf,
        /// Their lines.
        expected: usize,
    },
    /// Sources cannot be shared out.
    #[error("`data.text.pairs.file.shares`, of the sources of `{}`: {problem}", path.display())]
    Shares {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: SplitError,
    },
    /// No tokens can be made of texts.
    #[error("`data.{}`: {problem}", if *key == "captions" { "vocabulary".to_owned() } else { format!("text.{key}") })]
    Tokens {
        /// `source` or `target` of texts, or `captions`.
        key: &'static str,
        /// Why not.
        problem: VocabularyProblem,
    },
    /// No token of the training texts is frequent enough for the vocabulary.
    #[error(
        "`data.minimum_count`: found {minimum_count}, which no {key} token of the training texts reaches, expected less"
    )]
    NoFrequentTokens {
        /// `source` or `target`.
        key: &'static str,
        /// The least number of occurrences asked for.
        minimum_count: u64,
    },
    /// A feature file is not what its name says.
    #[error("`{}`: not a valid {format} file: {problem}", path.display())]
    FeatureFormat {
        /// The file.
        path: PathBuf,
        /// `npy`, `npz` or `safetensors`.
        format: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A feature array has an element type that is not supported.
    #[error("`{}`: {array}: found elements of type `{found}`, expected little-endian float16, float32 or float64", path.display())]
    FeatureType {
        /// The file.
        path: PathBuf,
        /// The array in the file.
        array: String,
        /// Its element type as the file spells it.
        found: String,
    },
    /// A feature array has a shape that does not fit.
    #[error("`{}`: {array}: found shape {found:?}, expected {expected}", path.display())]
    FeatureShape {
        /// The file.
        path: PathBuf,
        /// The array in the file.
        array: String,
        /// Its shape.
        found: Vec<usize>,
        /// What would have been right.
        expected: String,
    },
    /// A feature file is shorter or longer than its header says.
    #[error("`{}`: found {found} bytes, expected {expected} from its header; the file is {}", path.display(), if found < expected { "cut short" } else { "too long" })]
    FeatureLength {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length that its header implies, in bytes.
        expected: u64,
    },
    /// A feature file has more or fewer rows than there are names.
    #[error("`{}`: found {names} names, expected {rows}, one for each row of `{}`", path.display(), features.display())]
    NameCount {
        /// The names file.
        path: PathBuf,
        /// Its number of names.
        names: usize,
        /// The feature file.
        features: PathBuf,
        /// Its number of rows.
        rows: usize,
    },
    /// A pipe, a folder or a device where a file of features should be.
    #[error("`{}`: found something that is not a file, expected a file of features", path.display())]
    NotAFile {
        /// What is none.
        path: PathBuf,
    },
    /// A source of features holds nothing.
    #[error("`{}` holds no features", path.display())]
    NoFeatures {
        /// The file or folder.
        path: PathBuf,
    },
    /// Images have no features.
    #[error("`{}`: no features for {} of {of} images: {images}; {}; expected rows named by the file names of the images, with or without ending{}", path.display(), images.all, if rows.all == 0 { "every row is that of another image".to_owned() } else { format!("found rows of no image: {rows}") }, if *with_ids { ", or by their ids" } else { " (these images have no ids)" })]
    MissingFeatures {
        /// The file or folder with the names of the features.
        path: PathBuf,
        /// How many images were asked for.
        of: usize,
        /// Those without features.
        images: Listed,
        /// Rows that no image has.
        rows: Listed,
        /// Whether all images have ids.
        with_ids: bool,
    },
    /// Two images would have the same features.
    #[error("`{}`: found a row for two images: {rows}; expected rows named by the file names of the images", path.display())]
    SharedFeatures {
        /// The file or folder with the names of the features.
        path: PathBuf,
        /// The rows, with the images.
        rows: Listed,
    },
    /// The names of features can be read in two ways.
    #[error("`{}`: found names that fit in two ways: {images}; expected rows named by the file names of the images", path.display())]
    AmbiguousFeatures {
        /// The file or folder with the names of the features.
        path: PathBuf,
        /// The images, with both rows.
        images: Listed,
    },
    /// A feature value is not a number or infinite.
    #[error("`{}`: image `{image}`: found {value} at region {region}, dimension {dimension}, expected finite numbers", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The image's name in the source of features.
        image: String,
        /// The region, from 0 (0 for pooled features).
        region: usize,
        /// The dimension, from 0.
        dimension: usize,
        /// The value.
        value: f32,
    },
    /// Values do not come in whole vectors of the standardisation's width.
    #[error(
        "found {found} values, expected a multiple of the {dim} dimensions of the standardisation"
    )]
    StandardiserWidth {
        /// The number of values.
        found: usize,
        /// The number of dimensions.
        dim: usize,
    },
    /// Means and deviations cannot be those of a standardisation.
    #[error("{problem}")]
    StandardiserParts {
        /// What is wrong with them.
        problem: &'static str,
    },
    /// A vocabulary file is damaged or is not one of ours.
    #[error("`{}`: not a usable vocabulary: {problem}", path.display())]
    Vocabulary {
        /// The `tokenizer.json`.
        path: PathBuf,
        /// What is wrong with it.
        problem: VocabularyProblem,
    },
}

/// What can be wrong with a `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VocabularyProblem {
    /// The file does not parse as a tokenizer.
    #[error("{0}")]
    Unreadable(String),
    /// The model is of a type that is not read.
    #[error("found a model of type {}, expected WordLevel, BPE or Unigram", quoted(.0))]
    Model(String),
    /// Fewer pieces of words are asked for than the texts have characters.
    #[error(
        "found a size of {size} tokens, expected {least} or more, so many as the texts have characters and 3 more"
    )]
    Size {
        /// The size asked for.
        size: u32,
        /// The least size.
        least: u32,
    },
    /// A token of a vocabulary of characters is no character.
    #[error("found {word:?} at id {id}, expected one character")]
    Character {
        /// The id.
        id: u32,
        /// The token.
        word: String,
    },
    /// Words of captions are to have ids of a vocabulary of characters or pieces.
    #[error("found characters or pieces of words, expected words, as captions are made of")]
    NotWords,
    /// A reserved token is missing or stands at another id.
    #[error("found {} at id {id}, expected `{expected}`", found.as_ref().map_or("nothing".to_owned(), |word| format!("`{word}`")))]
    Reserved {
        /// The id.
        id: u32,
        /// The token that has it.
        found: Option<String>,
        /// The token that should have it.
        expected: &'static str,
    },
    /// The ids have gaps.
    #[error("found {words} words and id {id}, expected the ids 0 to {} without gaps", words - 1)]
    Ids {
        /// The number of words.
        words: usize,
        /// An id out of range or used twice.
        id: u32,
    },
    /// A word holds white space or is empty, so that captions joined by spaces could not be split.
    #[error("found {word:?} at id {id}, expected a word without white space")]
    Word {
        /// The id.
        id: u32,
        /// The word.
        word: String,
    },
}

impl DataError {
    /// `true` if the user's files or configuration are at fault (a missing file among them),
    /// `false` if reading or writing failed for another reason.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Read { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::NotADirectory
            ),
            Self::Write { .. } | Self::Temporary { .. } => false,
            _ => true,
        }
    }

    /// The error for a pipe or a folder where a file should be.
    pub(crate) fn not_a_file(path: &Path) -> Self {
        Self::NotAFile {
            path: path.to_owned(),
        }
    }

    /// Wraps an error of the operating system while reading `path`.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// A value for a message: quoted, and cut where it would flood the terminal.
pub(crate) fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &value[..end]),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_error(kind: io::ErrorKind) -> DataError {
        DataError::read(Path::new("captions.json"))(io::Error::from(kind))
    }

    #[test]
    fn mistake_when_file_is_missing_or_a_folder() {
        assert!(read_error(io::ErrorKind::NotFound).is_mistake());
        assert!(read_error(io::ErrorKind::IsADirectory).is_mistake());
        assert!(DataError::NoTrainingImages.is_mistake());
    }

    #[test]
    fn failure_when_reading_or_writing_breaks() {
        assert!(!read_error(io::ErrorKind::TimedOut).is_mistake());
        let write = DataError::Write {
            path: "tokenizer.json".into(),
            source: io::Error::from(io::ErrorKind::StorageFull),
        };
        assert!(!write.is_mistake());
        let temporary = DataError::Temporary {
            folder: "/tmp".into(),
            source: io::Error::from(io::ErrorKind::NotFound),
        };
        assert!(!temporary.is_mistake());
    }

    #[test]
    fn value_is_cut_when_long() {
        assert_eq!(quoted("tset"), "\"tset\"");
        assert_eq!(quoted(&"é".repeat(61)), format!("{:?}...", "é".repeat(60)));
    }
}
