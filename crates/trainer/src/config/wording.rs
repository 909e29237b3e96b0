//! What the parser says, in words of a configuration file.

/// Where a value is one of several that have names, and may have options.
const ONE_OF_SEVERAL: &str = "a name, or a table of one key";

/// The path of a key as overrides spell it: `stages.0.epochs`.
pub(super) fn dotted(path: &serde_path_to_error::Path) -> String {
    path.to_string().replace('[', ".").replace(']', "")
}

/// A message of the parser in one line, with plain words for Rust's types.
pub(super) fn plain(message: &str) -> String {
    let line = message.trim().replace('\n', ", ");
    if line.starts_with("wanted exactly 1 element") {
        return "found no key or several, expected a table of exactly one key".to_owned();
    }
    if line == "invalid type: unit variant, expected string only" {
        return format!("found something else, expected {ONE_OF_SEVERAL}");
    }
    let line = found(&line);
    let Some((start, expected)) = line.split_once("expected ") else {
        return line;
    };
    format!("{start}expected {}", kind(expected))
}

/// What the reader of TOML says of a line.
pub(super) fn syntax(message: &str) -> String {
    match message {
        "u64 value was too large" | "i128 value was too large" | "u128 value was too large" => {
            "found a number beyond the range of TOML, expected one between -2^63 and 2^63"
                .to_owned()
        }
        other => {
            let line = other.trim().replace('\n', ", ");
            if let Some(expected) = line.strip_prefix("invalid value, ") {
                format!("found a value that is none, {expected}")
            } else if line.starts_with("invalid type: integer ") {
                syntax("i128 value was too large")
            } else {
                line
            }
        }
    }
}

/// What was found, in a configuration's words.
fn found(line: &str) -> String {
    for (parser, words) in [
        ("invalid type: ", "found "),
        ("invalid value: ", "found "),
        ("unknown variant ", "found "),
        ("unknown field ", "unknown key "),
        ("missing field ", "missing key "),
        ("duplicate field ", "the key twice: "),
    ] {
        if let Some(rest) = line.strip_prefix(parser) {
            return format!("{words}{rest}");
        }
    }
    line.to_owned()
}

/// What was expected, in a configuration's words.
fn kind(expected: &str) -> String {
    let words = match expected {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number, 0 or more",
        "i64" | "i32" => "a whole number",
        "f64" | "f32" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        "path string" => "a path",
        _ if expected.starts_with("struct ") => "a table",
        _ if expected.starts_with("enum ") || expected.starts_with("string or table") => {
            ONE_OF_SEVERAL
        }
        other => other,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_parser_are_put_in_plain_words() {
        for (message, words) in [
            (
                "invalid type: string \"big\", expected usize\n",
                "found string \"big\", expected a whole number, 0 or more",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "found integer `-1`, expected a whole number, 0 or more",
            ),
            (
                "invalid type: integer `3`, expected struct FcConfig",
                "found integer `3`, expected a table",
            ),
            (
                "unknown variant `x`, expected `a` or `b`",
                "found `x`, expected `a` or `b`",
            ),
            (
                "unknown field `x`, expected one of `a`, `b`",
                "unknown key `x`, expected one of `a`, `b`",
            ),
            ("missing field `data`", "missing key `data`"),
            (
                "invalid type: unit variant, expected string only",
                "found something else, expected a name, or a table of one key",
            ),
            (
                "wanted exactly 1 element, more than 1 element",
                "found no key or several, expected a table of exactly one key",
            ),
        ] {
            assert_eq!(plain(message), words);
        }
    }
}
