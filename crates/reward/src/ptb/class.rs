//! Classes of characters.

/// What a character may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing: the reference has no token for it, and leaves it out.
    Dropped,
    /// What separates tokens and may stand between the words that a rule looks at.
    Space,
    /// Words and what hyphens join.
    Letter,
    /// Words only: marks that are not in every word.
    Mark,
    /// Words and numbers.
    Digit,
    /// What joins words, and stands nowhere else.
    Hyphen,
    /// A token of its own.
    Symbol,
    /// A token together with what is equal to it or of its class.
    Repeated,
}
