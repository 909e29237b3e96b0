//! Everything that can be wrong with references, tables, configurations and scores.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::{ProgramError, ProgramStage};

/// What went wrong in this crate, with the item, the value found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewardError {
    /// A corpus or table without a single image.
    #[error("found no image, expected at least one")]
    NoImages,
    /// An image that nothing can be compared with.
    #[error("image {image}: found no reference, expected at least one")]
    NoReferences {
        /// The image's id, or its position in an evaluated corpus.
        image: String,
    },
    /// References as ids and as words that do not pair up.
    #[error(
        "image {image}: found {texts} reference texts, expected {sequences}, one per token sequence"
    )]
    TextCount {
        /// The image's id.
        image: String,
        /// Texts found.
        texts: usize,
        /// Token sequences found.
        sequences: usize,
    },
    /// A reference that goes on after its end token.
    #[error(
        "image {image}: reference {reference}: found end token {end} at position {position} of {length}, expected it last or nowhere"
    )]
    EndTokenInside {
        /// The image's id.
        image: String,
        /// Which reference, from 0.
        reference: usize,
        /// The end token.
        end: u32,
        /// Where it stands, from 0.
        position: usize,
        /// Tokens in the reference.
        length: usize,
    },
    /// Document frequencies built without end tokens, for references that have them.
    #[error(
        "found no end token {end} in the document frequencies, expected captions that end with it, as the references do"
    )]
    EndTokenUnseen {
        /// The references' end token.
        end: u32,
    },
    /// A candidate for an image that has no references.
    #[error("found a candidate for image {image}, expected an index below {images}")]
    UnknownImage {
        /// The index found.
        image: usize,
        /// Images there are.
        images: usize,
    },
    /// A list of rewards without an entry.
    #[error("found no reward, expected at least one")]
    NoRewards,
    /// An entry of a list of rewards that cannot be built.
    #[error("reward {entry}: {problem}")]
    Entry {
        /// Which entry of the list, from 0.
        entry: usize,
        /// What is wrong with it.
        #[source]
        problem: Box<RewardError>,
    },
    /// An entry that sets no reward or several.
    #[error("found {found}, expected exactly one of {expected}")]
    KindCount {
        /// The rewards set.
        found: String,
        /// The rewards there are.
        expected: &'static str,
    },
    /// A custom reward that nobody registered.
    #[error("custom.name: found `{found}`, expected a registered reward: {registered}")]
    NotRegistered {
        /// The name found.
        found: String,
        /// The names there are.
        registered: String,
    },
    /// A number outside its range.
    #[error("{option}: found {value}, expected {expected}")]
    OptionRange {
        /// The option's key, below the reward's entry.
        option: &'static str,
        /// The value found.
        value: f64,
        /// The range.
        expected: &'static str,
    },
    /// An option whose value is no number, or does not go with another's.
    #[error("{option}: found {found}, expected {expected}")]
    OptionValue {
        /// The option's key, below the reward's entry.
        option: &'static str,
        /// The value found.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A file that a metric needs and that is not there.
    #[error("{option}: found no file {}, expected {expected}", path.display())]
    FileMissing {
        /// The option's key, below the reward's entry.
        option: &'static str,
        /// Where the file was looked for.
        path: PathBuf,
        /// The file.
        expected: &'static str,
    },
    /// Two entries whose scores would be logged under one name.
    #[error("found reward {name} twice, expected each once")]
    DuplicateReward {
        /// The name.
        name: String,
    },
    /// A reward that did not return one score per caption.
    #[error("reward {reward}: found {found} scores, expected {expected}, one per caption")]
    ScoreCount {
        /// The reward's name.
        reward: String,
        /// Scores returned.
        found: usize,
        /// Captions given.
        expected: usize,
    },
    /// A reward that returned NaN or an infinity.
    #[error(
        "reward {reward}: caption {caption} of image {image}: found score {value}, expected a finite number"
    )]
    NotFinite {
        /// The reward's name.
        reward: String,
        /// Which caption of the batch, from 0.
        caption: usize,
        /// The image's id.
        image: String,
        /// The score.
        value: f64,
    },
    /// A score that is finite, but not with its weight or beside the other rewards.
    #[error(
        "reward {reward}: found {value:e} for the caption `{text}` of image {image}, expected a number whose sum with \
         weight {weight:?} is finite"
    )]
    Overflow {
        /// The reward's name.
        reward: String,
        /// Its weight.
        weight: f64,
        /// The caption.
        text: String,
        /// The image's id.
        image: String,
        /// The score, before transform, standardisation and weight.
        value: f64,
    },
    /// A score that no geometric mean can be taken of.
    #[error(
        "reward {reward}: found {value:?} for the caption `{text}` of image {image}, expected 0 or more with \
         `combine = \"geometric_mean\"`"
    )]
    NegativeScore {
        /// The reward's name.
        reward: String,
        /// The caption.
        text: String,
        /// The image's id.
        image: String,
        /// The score, after its transform.
        value: f64,
    },
    /// A reward that was asked to score every caption and does not apply to one.
    #[error(
        "reward {reward}: caption {caption} of image {image}: found no score, since the reward does not apply, expected a \
         finite number"
    )]
    NotApplicable {
        /// The reward's name.
        reward: String,
        /// Which caption of the batch, from 0.
        caption: usize,
        /// The image's id.
        image: String,
    },
    /// Another program that could not be started or failed.
    #[error(transparent)]
    Program(Box<ProgramError>),
    /// A reward outside this crate that failed.
    #[error("reward {reward} failed")]
    Failed {
        /// The reward's name.
        reward: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An n-gram of a table that CIDEr has no use for.
    #[error(
        "found an n-gram of {found} tokens in a table of document frequencies, expected 1 to 4"
    )]
    NgramOrder {
        /// Its number of tokens.
        found: usize,
    },
    /// Bytes that are no table of document frequencies.
    #[error(
        "found no table of document frequencies, expected one that `scst document-frequency` wrote"
    )]
    TableMagic,
    /// A table of another format version.
    #[error("document frequencies: found format version {found}, expected {expected}")]
    TableVersion {
        /// The version found.
        found: u32,
        /// The version that this crate reads.
        expected: u32,
    },
    /// A table whose bytes changed after it was written.
    #[error(
        "document frequencies: found another checksum than the table's own: it is damaged or cut short"
    )]
    TableChecksum,
    /// A table whose checksum holds but whose contents do not.
    #[error("document frequencies: byte {offset}: expected {expected}")]
    TableContent {
        /// Where reading stopped.
        offset: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A table over token ids, for text.
    #[error(
        "document frequencies: found a table over token ids, expected one that holds its words"
    )]
    TableWithoutWords,
    /// A table that numbers one word twice.
    #[error("document frequencies: found the word {word:?} twice, expected each once")]
    DuplicateWord {
        /// The word.
        word: String,
    },
    /// The reader of a table failed.
    #[error("failed to read document frequencies")]
    TableRead(#[source] io::Error),
    /// The writer of a table failed.
    #[error("failed to write document frequencies")]
    TableWrite(#[source] io::Error),
}

impl RewardError {
    /// The problem with an option's value, unless it is in range.
    pub(crate) fn option(
        good: bool,
        option: &'static str,
        value: f64,
        expected: &'static str,
    ) -> Option<Self> {
        (!good).then_some(Self::OptionRange {
            option,
            value,
            expected,
        })
    }

    /// The problem with an option's text, unless it is good.
    pub(crate) fn option_text(
        good: bool,
        option: &'static str,
        found: &str,
        expected: &'static str,
    ) -> Option<Self> {
        (!good).then(|| Self::OptionValue {
            option,
            found: format!("{found:?}"),
            expected,
        })
    }

    /// Whether the user's configuration or files are at fault, not something that happened during the run.
    ///
    /// A program that cannot be started or does not pass its start-up check is such a mistake; one that fails later
    /// is not.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Entry { problem, .. } => problem.is_mistake(),
            Self::Program(error) => error.stage != ProgramStage::Run,
            Self::NoImages
            | Self::NoReferences { .. }
            | Self::TextCount { .. }
            | Self::EndTokenInside { .. }
            | Self::EndTokenUnseen { .. }
            | Self::NoRewards
            | Self::KindCount { .. }
            | Self::OptionRange { .. }
            | Self::OptionValue { .. }
            | Self::NotRegistered { .. }
            | Self::TableWithoutWords
            | Self::DuplicateWord { .. }
            | Self::FileMissing { .. }
            | Self::DuplicateReward { .. }
            | Self::NgramOrder { .. }
            | Self::TableMagic
            | Self::TableVersion { .. }
            | Self::TableChecksum
            | Self::TableContent { .. }
            | Self::TableRead(_) => true,
            Self::UnknownImage { .. }
            | Self::ScoreCount { .. }
            | Self::NotFinite { .. }
            | Self::Overflow { .. }
            | Self::NegativeScore { .. }
            | Self::NotApplicable { .. }
            | Self::Failed { .. }
            | Self::TableWrite(_) => false,
        }
    }

    /// The first of several problems as an error.
    pub(crate) fn first(problems: Vec<Self>) -> Result<(), Self> {
        problems.into_iter().next().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProgramFault;

    fn program(stage: ProgramStage) -> RewardError {
        RewardError::Program(Box::new(ProgramError {
            program: "mine".to_owned(),
            stage,
            fault: ProgramFault::NotFound,
            stderr: vec![],
        }))
    }

    fn entry(problem: RewardError) -> RewardError {
        RewardError::Entry {
            entry: 1,
            problem: Box::new(problem),
        }
    }

    #[test]
    fn failures_are_told_from_mistakes_when_they_happen_during_the_run() {
        assert!(RewardError::NoRewards.is_mistake());
        assert!(program(ProgramStage::Start).is_mistake());
        assert!(entry(program(ProgramStage::Check)).is_mistake());
        assert!(!program(ProgramStage::Run).is_mistake());
        assert!(!entry(program(ProgramStage::Run)).is_mistake());
        let (image, images) = (2, 1);
        assert!(!RewardError::UnknownImage { image, images }.is_mistake());
    }
}
