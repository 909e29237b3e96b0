//! Captions as users see them.

use std::{fmt, path::Path};

use scst_encoder::{EncoderError, PictureError};
use scst_trainer::{
    Caption,
    config::{DecoderConfig, SearchConfig},
};
use serde_json::{Value, json};

use crate::{failure::Failure, output::print_line};

/// What is being made, as a bar calls it.
pub(super) const CAPTIONS: &str = "captions";

/// A line for an image, or for each of its samples.
pub(super) fn print_image(name: &dyn fmt::Display, decoder: &DecoderConfig, captions: &[Caption]) {
    if matches!(decoder.search, SearchConfig::Sample(_)) {
        for caption in captions {
            let (text, log_probability) = (&caption.text, caption.log_probability);
            let mark = mark(caption);
            print_line!("{name}: {text} (log-probability {log_probability:.2}){mark}");
        }
    } else if let Some(caption) = captions.first() {
        print_line!("{name}: {}{}", caption.text, mark(caption));
    }
}

/// What is said of a caption that breaks what options promise.
fn mark(caption: &Caption) -> String {
    if caption.broken.is_empty() {
        return String::new();
    }
    let broken = caption.broken.join(", ");
    format!(" [dead end: the options left no word, so that it breaks {broken}]")
}

/// A caption in a report.
pub(super) fn described(caption: &Caption) -> Value {
    json!({
        "caption": caption.text,
        "log_probability": caption.log_probability,
        "breaks": caption.broken,
    })
}

/// The failure of an image that cannot be read.
pub(super) fn broken(path: &Path, error: PictureError) -> Failure {
    let path = path.to_owned();
    EncoderError::Picture { path, error }.into()
}
