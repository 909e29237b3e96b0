//! Values that an option does not take.

use clap::error::{ContextKind, ContextValue, Error};

/// What was found, and what is expected, such as an example.
pub(super) fn wrong_value(error: &Error) -> Option<String> {
    let option = text(error, ContextKind::InvalidArg)?;
    let name = option.split([' ', '=', '[']).next().unwrap_or(&option);
    let found = text(error, ContextKind::InvalidValue)?;
    let names = names(error);
    if found.is_empty() {
        let example = names
            .first()
            .map_or_else(|| option.clone(), |first| format!("{name} {first}"));
        return Some(format!("{name}: found no value, expected one: {example}"));
    }
    let expected = match std::error::Error::source(error) {
        // Words of our own.
        Some(cause) if cause.to_string().starts_with("found ") => {
            return Some(format!("{name}: {cause}"));
        }
        Some(cause) => of_number(&cause.to_string())?,
        None if names.is_empty() => "no value".to_owned(),
        None => one_of(&names),
    };
    let respelled = found.replace('-', "_").to_lowercase();
    let meant = names.iter().find(|name| **name == respelled).cloned();
    let meant = meant.or_else(|| text(error, ContextKind::SuggestedValue));
    let meant = meant.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    Some(format!(
        "{name}: found `{found}`{meant}, expected {expected}"
    ))
}

/// A text that an error carries.
pub(super) fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The names that an option takes.
fn names(error: &Error) -> Vec<String> {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(names)) => names.clone(),
        _ => Vec::new(),
    }
}

fn one_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}

/// What a number has to be, by what its reader says of one that is none.
fn of_number(cause: &str) -> Option<String> {
    // `7 is not in 0..=4`
    if let Some((_, range)) = cause.split_once(" is not in ") {
        let (least, most) = range.split_once("..")?;
        let most = most.trim_start_matches('=');
        return Some(format!("a whole number from {least} to {most}"));
    }
    let expected = match cause {
        "number too large to fit in target type" => "a smaller number",
        "number too small to fit in target type" => "a larger number",
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "a whole number, 0 or more, such as 3"
        }
        "invalid float literal" | "cannot parse float from empty string" => "a number, such as 0.5",
        _ => return None,
    };
    Some(expected.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{Command, error::ErrorKind};
    use scst_model::CaptionerRegistry;

    use super::super::in_plain_words;
    use crate::help;

    /// Every option that takes a value, behind the commands that it belongs to.
    fn options(command: &Command, path: &[String], all: &mut Vec<Vec<String>>) {
        for argument in command.get_arguments() {
            if let Some(long) = argument.get_long()
                && argument.get_action().takes_values()
            {
                all.push([path, &[format!("--{long}")]].concat());
            }
        }
        for sub in command.get_subcommands() {
            options(sub, &[path, &[sub.get_name().to_owned()]].concat(), all);
        }
    }

    fn said(line: &[String]) -> Option<(ErrorKind, Option<String>)> {
        let error = help::command().try_get_matches_from(line).err()?;
        let captioners = CaptionerRegistry::default();
        Some((error.kind(), in_plain_words(&error, line, &captioners)))
    }

    #[test]
    fn every_option_answers_a_value_that_it_does_not_take_in_plain_words() {
        let mut all = Vec::new();
        options(&help::command(), &["scst".to_owned()], &mut all);
        let mut typed = 0;
        for option in &all {
            for value in ["?", "-1", "99999999999999999999999", "1e", "a,b", ""] {
                let joined = format!("{}={value}", option.last().expect("an option"));
                let line = [&option[..option.len() - 1], &[joined]].concat();
                let Some((kind, said)) = said(&line) else {
                    continue;
                };
                if !matches!(kind, ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
                    continue;
                }
                typed += 1;
                let said = said.unwrap_or_else(|| panic!("{line:?}: nothing is said"));
                let name = option.last().expect("an option");
                assert!(said.starts_with(&format!("{name}: found ")), "{said}");
                assert!(said.contains(", expected "), "{said}");
                assert!(!said.contains("invalid"), "{said}");
            }
        }
        assert!(all.len() > 100 && typed > 150, "{} {typed}", all.len());
    }

    #[test]
    fn values_are_answered_with_what_is_expected_and_an_example() {
        for (line, expected) in [
            (
                "split c.csv --out s.csv --ratio 0.8",
                "--ratio: found `0.8`, expected shares of train, val and test such as `0.8,0.1,0.1` or `6000,1000,1000`",
            ),
            (
                "eval run --beam -3",
                "--beam: found `-3`, expected a whole number, 0 or more, such as 3",
            ),
            (
                "eval run --temperature hot",
                "--temperature: found `hot`, expected a number, such as 0.5",
            ),
            (
                "eval run --split trian",
                "--split: found `trian` (did you mean `train`?), expected train, val or test",
            ),
            (
                "eval run --beam",
                "--beam: found no value, expected one: --beam <K>",
            ),
            (
                "eval run --split",
                "--split: found no value, expected one: --split train",
            ),
            (
                "eval run --length-normalisation long",
                "--length-normalisation: found `long`, expected none, mean or gnmt:ALPHA, such as gnmt:0.7",
            ),
            (
                "bench step --backend abacus",
                "--backend: found backend `abacus`, expected one of flex, ndarray, wgpu, cuda",
            ),
            (
                "reward --serve --ids --end-token 4294967296",
                "--end-token: found `4294967296`, expected a whole number from 0 to 4294967295",
            ),
            (
                "eval run --json=yes",
                "--json: found `yes`, expected no value",
            ),
        ] {
            let line = format!("scst {line}");
            let line: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let said = said(&line).and_then(|(_, said)| said);
            assert_eq!(said.as_deref(), Some(expected));
        }
    }
}
