//! What a run reads, and what it learns to write.

use scst_data::{CaptionSource, FeatureSource, TextSource};
use scst_model::TextEncoderConfig;

use super::{Config, DataConfig, limits, problem::Checker};

/// What a run reads, and what it learns to write.
#[derive(Debug, Clone, Copy)]
pub enum Task<'a> {
    /// Captions of images.
    Captions {
        /// Where the captions are.
        captions: &'a CaptionSource,
        /// Where the features are.
        features: &'a FeatureSource,
    },
    /// Texts of texts.
    Text(&'a TextSource),
}

/// What people call sources and targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// A source.
    pub source: &'static str,
    /// Several sources.
    pub sources: &'static str,
    /// A target.
    pub target: &'static str,
    /// Several targets.
    pub targets: &'static str,
}

impl Names {
    /// Of images and captions.
    pub const IMAGES: Self = Self {
        source: "image",
        sources: "images",
        target: "caption",
        targets: "captions",
    };
    /// Of texts and texts.
    pub const TEXTS: Self = Self {
        source: "text",
        sources: "texts",
        target: "target",
        targets: "targets",
    };
}

impl DataConfig {
    /// What people call sources and targets.
    pub fn names(&self) -> Names {
        if self.text.is_some() {
            Names::TEXTS
        } else {
            Names::IMAGES
        }
    }

    /// The task; none where it is unclear, which [`Config::validate`] tells.
    pub fn task(&self) -> Option<Task<'_>> {
        match (&self.captions, &self.features, &self.text) {
            (Some(captions), Some(features), None) => Some(Task::Captions { captions, features }),
            (None, None, Some(text)) => Some(Task::Text(text)),
            _ => None,
        }
    }
}

/// Whether data, encoder and captioner make one task.
pub(super) fn check_task(config: &Config, check: &mut Checker<'_>) {
    let data = &config.data;
    for (key, problem) in data.text.iter().flat_map(TextSource::problems) {
        check.push(&format!("data.text.{key}"), problem, Vec::new());
    }
    if let Some(encoder) = &config.encoder {
        check_encoder(encoder, check);
    }
    match (&data.captions, &data.features, &data.text) {
        (Some(_), Some(_), None) => check.require(
            config.encoder.is_none(),
            "encoder",
            "an encoder of texts",
            "none with features of images, which `scst features` makes; it is for `data.text`",
        ),
        (None, None, Some(_)) => check_text(config, check),
        (captions, features, text) => {
            let given = [
                ("captions", captions.is_some()),
                ("features", features.is_some()),
                ("text", text.is_some()),
            ];
            let given = given.iter().filter(|(_, is_given)| *is_given);
            let given: Vec<String> = given.map(|(key, _)| format!("`{key}`")).collect();
            let found = match given.as_slice() {
                [] => "none of them".to_owned(),
                [one] => format!("{one} alone"),
                several => several.join(" and "),
            };
            check.require(
                false,
                "data",
                found,
                "`captions` and `features` of images, or `text`",
            );
        }
    }
}

/// The sizes of an encoder, and the captioner above it.
fn check_encoder(encoder: &TextEncoderConfig, check: &mut Checker<'_>) {
    let mut check = check.below(&format!("encoder.{}", encoder.name()));
    for (name, size) in encoder.sizes() {
        let largest = if name == "layers" {
            limits::LAYERS
        } else {
            limits::SIZE
        };
        check.within(name, size as u64, largest);
    }
    if let TextEncoderConfig::Transformer(config) = encoder {
        check.require(
            config.heads >= 1 && config.hidden.is_multiple_of(config.heads),
            "heads",
            config.heads,
            &format!("1 or more, a divisor of `hidden` = {}", config.hidden),
        );
    }
    if check.is_clean() {
        let found = encoder.parameter_count(2);
        check.require(
            found <= limits::PARAMETERS,
            "hidden",
            format!("sizes of {found} parameters"),
            &format!("at most {} parameters", limits::PARAMETERS),
        );
    }
}

/// What a run that reads texts cannot have.
fn check_text(config: &Config, check: &mut Checker<'_>) {
    let (data, model) = (&config.data, &config.model);
    check.require(
        !data.standardise,
        "data.standardise",
        "true",
        "false with `data.text`: there are no features",
    );
    check.require(
        data.words.is_none(),
        "data.words",
        data.words.map_or("none", |words| words.name()),
        "none with `data.text`, whose `source` and `target` say what a token is",
    );
    check.require(
        data.vocabulary.is_none(),
        "data.vocabulary",
        "a file",
        "none with `data.text`, whose `source` and `target` name files of tokens",
    );
    check.require(
        config.encoder.is_some(),
        "encoder",
        "nothing",
        "an encoder of texts, such as `[encoder.lstm]`, with `data.text`",
    );
    check.require(
        model.reads_texts(),
        "model",
        format!("captioner `{}`", model.name()),
        "one that reads texts, such as `att2in` or `transformer`, with `data.text`",
    );
}
