//! How raw captions become words, and arguments of `scst tokenize`.

use clap::{Args, ValueEnum};

/// How raw captions become words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tokenizer {
    /// As coco-caption: Penn Treebank rules, lower case, no punctuation
    Ptb,
    /// Words are what stands between white space
    None,
}

impl Tokenizer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ptb => "ptb",
            Self::None => "none",
        }
    }

    /// The words of a raw caption, joined by single spaces.
    pub(crate) fn tokenize(self, raw: &str) -> String {
        match self {
            Self::Ptb => scst_reward::ptb::tokenize(raw),
            Self::None => raw.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct TokenizeArguments {
    /// How raw captions become words
    #[arg(long, value_enum, default_value = "ptb")]
    pub(crate) tokenizer: Tokenizer,
}
