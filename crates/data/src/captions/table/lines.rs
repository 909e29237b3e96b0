//! Tables without quotation marks, a row a line: Flickr8k's `token.txt` and Flickr30k's `results.csv`.

/// What a line holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// An image and its caption.
    Caption(&'a str, &'a str),
    /// The same, where the delimiter in front of the caption is missing.
    Mended(&'a str, &'a str),
    /// An image without a caption.
    Missing,
    /// Something else.
    Malformed,
}

/// The image and caption of `name.jpg#0<TAB>a dog .`, whatever the number.
pub(super) fn of_token_file(line: &str) -> Line<'_> {
    let Some((name, caption)) = line.split_once('\t') else {
        return match numbered(line.trim_end()) {
            Some(_) => Line::Missing,
            None => Line::Malformed,
        };
    };
    match numbered(name) {
        Some(_) if caption.trim().is_empty() => Line::Missing,
        Some(image) => Line::Caption(image, caption.trim()),
        None => Line::Malformed,
    }
}

/// The name in front of `#` and a number.
fn numbered(name: &str) -> Option<&str> {
    let (image, number) = name.rsplit_once('#')?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    (is_number && !image.trim().is_empty()).then(|| image.trim())
}

/// The image and caption of `name.jpg| 0| a dog .`, with `columns` columns of which the last is the caption.
pub(super) fn of_pipes(line: &str, columns: usize) -> Line<'_> {
    let fields: Vec<&str> = line.splitn(columns, '|').map(str::trim).collect();
    let &[image, .., last] = fields.as_slice() else {
        return Line::Malformed;
    };
    if image.is_empty() {
        return Line::Malformed;
    }
    if fields.len() == columns {
        return match last {
            "" => Line::Missing,
            caption => Line::Caption(image, caption),
        };
    }
    // As in the one such row of Flickr30k: `2199200615.jpg| 4   A dog runs across the grass .`
    if fields.len() + 1 < columns {
        return Line::Malformed;
    }
    let caption = last.trim_start_matches(|digit: char| digit.is_ascii_digit());
    match caption.trim_start() {
        _ if caption.len() == last.len() => Line::Malformed,
        "" => Line::Missing,
        text if text.len() < caption.len() => Line::Mended(image, text),
        _ => Line::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_found_when_lines_are_those_of_flickr() {
        for (line, expected) in [
            ("a.jpg#0\tA dog .", Line::Caption("a.jpg", "A dog .")),
            (
                "a.jpg.1#12\tA \"dog\"\t. ",
                Line::Caption("a.jpg.1", "A \"dog\"\t."),
            ),
            ("a.jpg#0\t ", Line::Missing),
            ("a.jpg#0", Line::Missing),
            ("a.jpg\tA dog", Line::Malformed),
            ("#0\tA dog", Line::Malformed),
            ("a.jpg#x\tA dog", Line::Malformed),
            ("A dog", Line::Malformed),
        ] {
            assert_eq!(of_token_file(line), expected, "{line}");
        }
        for (line, expected) in [
            (
                "a.jpg| 0| A \"dog\" .",
                Line::Caption("a.jpg", "A \"dog\" ."),
            ),
            (
                "a.jpg| 0| A dog | a cat",
                Line::Caption("a.jpg", "A dog | a cat"),
            ),
            ("a.jpg| 4   A dog .", Line::Mended("a.jpg", "A dog .")),
            ("a.jpg| 4|", Line::Missing),
            ("a.jpg| 4", Line::Missing),
            ("a.jpg| dog", Line::Malformed),
            ("a.jpg| 4dogs", Line::Malformed),
            ("| 4| A dog", Line::Malformed),
            ("a.jpg", Line::Malformed),
        ] {
            assert_eq!(of_pipes(line, 3), expected, "{line}");
        }
        assert_eq!(of_pipes("a.jpg|a dog", 2), Line::Caption("a.jpg", "a dog"));
    }
}
