//! What the command line gets wrong, in plain words: options that are keys of the configuration, and values.

mod values;

use std::path::Path;

use clap::error::{ContextKind, Error, ErrorKind};
use scst_model::{CaptionerRegistry, TextEncoderConfig};
use scst_trainer::{
    Config,
    config::{StageConfig, keys_like},
};

/// Most keys that are offered for an option.
const OFFERED: usize = 2;

/// A better message for what the parser of the command line says, if there is one; `given` is the command line.
pub(crate) fn in_plain_words(
    error: &Error,
    given: &[String],
    captioners: &CaptionerRegistry,
) -> Option<String> {
    match error.kind() {
        ErrorKind::UnknownArgument => unknown_option(
            &values::text(error, ContextKind::InvalidArg)?,
            given,
            captioners,
        ),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue | ErrorKind::TooManyValues => {
            values::wrong_value(error)
        }
        _ => None,
    }
}

/// An option that is no option, but the name of a key.
fn unknown_option(
    option: &str,
    given: &[String],
    captioners: &CaptionerRegistry,
) -> Option<String> {
    let takes_keys = |word: &String| matches!(word.as_str(), "train" | "config" | "estimators");
    given.get(1..)?.iter().find(|word| takes_keys(word))?;
    let (option, joined) = match option.split_once('=') {
        Some((option, value)) => (option, Some(value.to_owned())),
        None => (option, None),
    };
    let name = option.strip_prefix("--")?;
    let mut rest = given
        .iter()
        .skip_while(|word| word.split('=').next() != Some(option));
    let first = rest.next();
    let value = joined
        .or_else(|| Some(first?.split_once('=')?.1.to_owned()))
        .or_else(|| rest.next().filter(|word| !word.starts_with("--")).cloned());
    let value = value.filter(|value| !is_configuration(value));
    let value = value.as_deref().unwrap_or("VALUE");
    let config = given.iter().find(|word| is_configuration(word));
    let load = |path| Config::load(Path::new(path), Vec::new(), captioners).ok();
    let config = config.and_then(load);
    let mut keys = keys_like(name);
    if let Some(config) = &config {
        let own = format!("model.{}.", config.model.name());
        keys.retain(|key| !key.starts_with("model.") || key.starts_with(&own));
        let encoder = config.encoder.as_ref().map(TextEncoderConfig::name);
        let own = encoder.map(|name| format!("encoder.{name}."));
        let is_own = |key: &String| own.as_ref().is_some_and(|own| key.starts_with(own));
        keys.retain(|key| !key.starts_with("encoder.") || is_own(key));
    }
    // What is nearest to the top is most likely meant.
    keys.sort_by_key(|key| key.split('.').filter(|part| *part != "N").count());
    let is_of_scst = |stage: &StageConfig| stage.scst.is_some();
    let scst = config
        .as_ref()
        .and_then(|config| config.stages.iter().position(is_of_scst));
    let sets = keys.iter().take(OFFERED);
    let sets: Vec<String> = sets
        .map(|key| format!("`{}`", set(key, value, scst)))
        .collect();
    let is_of_a_stage = sets.iter().any(|set| set.contains("stages."));
    let numbers = if is_of_a_stage {
        "; stages count from 0"
    } else {
        ""
    };
    (!sets.is_empty()).then(|| {
        let sets = sets.join(" or ");
        format!(
            "there is no option `{option}`: keys of the configuration are set with {sets}{numbers}"
        )
    })
}

fn is_configuration(word: &str) -> bool {
    Path::new(word)
        .extension()
        .is_some_and(|ending| ending == "toml")
}

/// How a key is set on the command line.
fn set(key: &str, value: &str, scst: Option<usize>) -> String {
    let stage = scst
        .filter(|_| key.contains(".scst."))
        .unwrap_or(0)
        .to_string();
    let mut parts: Vec<&str> = key.split('.').collect();
    let mut numbers = [stage.as_str(), "0"].into_iter();
    for part in parts.iter_mut().filter(|part| **part == "N") {
        *part = numbers.next().unwrap_or("0");
    }
    let key = parts.join(".");
    match parts.last() {
        // Of a beam one says how wide it is.
        Some(&"beam") => format!("--set {key}.width={value}"),
        _ => format!("--set {key}={value}"),
    }
}
