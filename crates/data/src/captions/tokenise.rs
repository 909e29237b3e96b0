//! Words of a raw caption, as Karpathy's splits have them.

/// Splits a raw caption into lower-case words: the longest runs of letters and digits.
///
/// Everything else separates words, an apostrophe and a full stop within a word too:
/// `"A dog's D.C. t-shirt ."` gives `a dog s d c t shirt`. On the 35,000 captions of Flickr8k's
/// training and validation images this gives exactly the tokens of Karpathy's
/// `dataset_flickr8k.json`.
pub fn tokenise(raw: &str) -> Vec<String> {
    // First lower case, which can separate an accent from its letter.
    let lower: String = raw.chars().flat_map(char::to_lowercase).collect();
    lower
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(raw: &str) -> String {
        tokenise(raw).join(" ")
    }

    #[test]
    fn words_are_lower_case_when_raw_has_capitals() {
        assert_eq!(joined("A Black Dog"), "a black dog");
    }

    #[test]
    fn punctuation_separates_when_within_words() {
        assert_eq!(
            joined("A dog's S.C.U.B.A. t-shirt , \"5\" o'clock do n't ."),
            "a dog s s c u b a t shirt 5 o clock do n t"
        );
    }

    #[test]
    fn no_words_when_raw_has_only_punctuation() {
        assert!(tokenise(" . - ").is_empty());
    }

    #[test]
    fn words_are_split_when_lower_case_has_a_loose_accent() {
        assert_eq!(joined("İzmir"), "i zmir");
    }

    #[test]
    fn letters_stay_when_not_ascii() {
        assert_eq!(joined("Ein CAFÉ, zwei Kaffees"), "ein café zwei kaffees");
    }
}
