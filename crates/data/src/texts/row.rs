//! What a file says of one source.

use std::borrow::Cow;

use crate::ExampleId;
use crate::captions::Split;

/// A source with what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PairRow<'a> {
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) id: Option<ExampleId>,
    pub(super) split: Option<Split>,
    /// Without white space around it.
    pub(super) source: Cow<'a, str>,
    /// The same, without those that are empty.
    pub(super) targets: Vec<Cow<'a, str>>,
}

impl PairRow<'_> {
    /// Whether it has a source and a target.
    pub(super) fn is_whole(&self) -> bool {
        !self.source.is_empty() && !self.targets.is_empty()
    }
}

/// A source to decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// Its id, or its line, as `12`.
    pub name: String,
    /// Its id, where the file gives one.
    pub id: Option<ExampleId>,
    /// The source, without white space around it; it may be empty.
    pub text: String,
}

impl SourceText {
    pub(super) fn new(id: Option<ExampleId>, number: u64, text: &str) -> Self {
        Self {
            name: id
                .as_ref()
                .map_or_else(|| number.to_string(), ExampleId::to_text),
            id,
            text: text.trim().to_owned(),
        }
    }
}

/// Text without white space around it.
pub(super) fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Those texts that are not empty without white space around them, without it.
pub(super) fn filled<'a>(texts: impl Iterator<Item = Cow<'a, str>>) -> Vec<Cow<'a, str>> {
    texts.map(trimmed).filter(|text| !text.is_empty()).collect()
}

/// The split of that name, or of another that is usual for it.
pub(super) fn split_named(name: &str) -> Option<Split> {
    match name.trim() {
        "training" => Some(Split::Train),
        "dev" | "valid" | "validation" => Some(Split::Val),
        name => Split::from_name(name),
    }
}

/// What names of splits may be, for messages.
pub(super) const SPLITS: &str = "`train`, `val` or `test`";
