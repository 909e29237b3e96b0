//! What a user should know about data that was read nevertheless.

use std::fmt;
use std::path::PathBuf;

use crate::ExampleId;
use crate::captions::split::Split;
use crate::error::quoted;

/// Something that was read in the one way in which it makes sense, and that may be a slip.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The same ids are numbers in one place and text in another.
    IdsOfTwoKinds {
        /// The file with the second kind.
        path: PathBuf,
        /// An id as it stands there.
        found: ExampleId,
        /// The file with the first kind.
        other_path: PathBuf,
        /// The id as it stands there.
        other: ExampleId,
    },
    /// Captions of images that the table of splits does not list, in a layout where that is usual.
    UnlistedImages {
        /// The captions.
        path: PathBuf,
        /// How many images.
        images: usize,
        /// The first one.
        first: String,
        /// The table of splits.
        listing: PathBuf,
    },
    /// Rows without a caption, left out.
    MissingCaptions {
        /// The captions.
        path: PathBuf,
        /// How many rows.
        rows: usize,
        /// The line of the first one.
        line: u64,
    },
    /// A row in which the delimiter in front of the caption is missing.
    MissingDelimiter {
        /// The captions.
        path: PathBuf,
        /// The line of the row.
        line: u64,
        /// The caption as it was taken.
        caption: String,
    },
    /// Captions whose script has no spaces between words, each taken for one word or few.
    WordsWithoutSpaces {
        /// The share of the captions, in percent.
        percent: u64,
        /// A word of such a caption.
        word: String,
    },
    /// Rows of pairs without a source or without a target, left out.
    IncompletePairs {
        /// The file.
        path: PathBuf,
        /// How many rows.
        rows: usize,
        /// The line of the first one.
        line: u64,
    },
    /// Rows of pairs that stand in the file already.
    RepeatedPairs {
        /// The file.
        path: PathBuf,
        /// How many rows.
        rows: usize,
        /// The line of the first one.
        line: u64,
    },
    /// The same source texts in two splits.
    SourcesInTwoSplits {
        /// How many.
        sources: usize,
        /// The first one.
        first: String,
        /// Where it stands.
        splits: [Split; 2],
    },
    /// Sources left out since no token is in them, or in their targets.
    TokenlessPairs {
        /// How many.
        sources: usize,
        /// The name of the first one.
        first: String,
    },
    /// Sources that were cut.
    CutSources {
        /// How many.
        sources: usize,
        /// The most tokens of a source.
        max_length: usize,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdsOfTwoKinds {
                path,
                found,
                other_path,
                other,
            } => {
                let kind = |id: &ExampleId| match id {
                    ExampleId::Number(number) => format!("the number {number}"),
                    ExampleId::Text(text) => format!("the text {}", quoted(text)),
                };
                let (path, other_path) = (path.display(), other_path.display());
                let (found, other) = (kind(found), kind(other));
                write!(
                    f,
                    "image ids: {found} in `{path}` is taken for {other} of `{other_path}`"
                )
            }
            Self::UnlistedImages {
                path,
                images,
                first,
                listing,
            } => write!(
                f,
                "`{}`: {images} images are left out, since `{}` does not list them; the first is `{first}`",
                path.display(),
                listing.display()
            ),
            Self::MissingCaptions { path, rows, line } => write!(
                f,
                "`{}`: {rows} rows without a caption are left out, the first at line {line}",
                path.display()
            ),
            Self::MissingDelimiter {
                path,
                line,
                caption,
            } => write!(
                f,
                "`{}`: line {line}: the delimiter in front of the caption is missing; {} is taken for it",
                path.display(),
                quoted(caption)
            ),
            Self::IncompletePairs { path, rows, line } => write!(
                f,
                "`{}`: {rows} rows without a source or a target are left out, the first at line {line}",
                path.display()
            ),
            Self::RepeatedPairs { path, rows, line } => write!(
                f,
                "`{}`: {rows} rows repeat a source with its targets and count once, the first at line {line}",
                path.display()
            ),
            Self::SourcesInTwoSplits {
                sources,
                first,
                splits: [one, other],
            } => write!(
                f,
                "{sources} source texts stand in two splits; the first is {} in `{one}` and `{other}`",
                quoted(first)
            ),
            Self::TokenlessPairs { sources, first } => write!(
                f,
                "{sources} sources are left out, since they or their targets hold no token; the first is `{first}`"
            ),
            Self::CutSources {
                sources,
                max_length,
            } => write!(
                f,
                "{sources} sources are cut to {max_length} tokens, the most that `data.text.max_source_length` allows"
            ),
            Self::WordsWithoutSpaces { percent, word } => write!(
                f,
                "{percent} % of the captions hold words such as {}, in a script without spaces between \
                 words; `data.words = \"characters\"` makes every character a word, `data.words = \
                 \"given\"` takes words as white space divides them",
                quoted(word)
            ),
        }
    }
}
