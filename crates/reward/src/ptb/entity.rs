//! What is replaced before the text is cut: character entities and soft hyphens.

use std::borrow::Cow;

/// Entities and what they stand for.
const ENTITIES: [(&str, &str); 6] = [
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&nbsp;", " "),
];

/// Deleted wherever it stands, so that the word around it stays whole.
const SOFT_HYPHEN: char = '\u{ad}';

/// The text with entities replaced, once, and soft hyphens deleted; borrowed where there are none.
pub(super) fn decoded(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') && !raw.contains(SOFT_HYPHEN) {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', SOFT_HYPHEN]) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = ENTITIES.iter().find(|(name, _)| rest.starts_with(name));
        let (length, meaning) = match entity {
            Some((name, meaning)) => (name.len(), *meaning),
            None if rest.starts_with('&') => (1, "&"),
            None => (SOFT_HYPHEN.len_utf8(), ""),
        };
        text.push_str(meaning);
        rest = &rest[length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ptb::{tokenize, tokens};

    #[test]
    fn entities_are_decoded_once_when_they_are_known() {
        assert_eq!(tokenize("salt &amp; pepper &lt;b&gt;"), "salt & pepper <b>");
        assert_eq!(
            tokens("the horse &apos;s &quot;tail&quot;"),
            ["the", "horse", "'s", "``", "tail", "''"]
        );
        assert_eq!(decoded("&amp;lt; &copy; &nbsp;&"), "&lt; &copy;  &");
    }

    #[test]
    fn soft_hyphens_are_deleted_when_they_stand_in_a_word() {
        assert_eq!(tokenize("soft\u{ad}hyphen"), "softhyphen");
        assert_eq!(tokenize("\u{ad}"), "");
    }

    #[test]
    fn text_is_borrowed_when_nothing_is_replaced() {
        assert!(matches!(decoded("a plain café"), Cow::Borrowed(_)));
    }
}
