//! Which captioner, and its sizes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use serde_json::{Map, Value};

use crate::{
    Dimensions,
    architecture::Architecture,
    att2all::Att2allConfig,
    att2in::Att2inConfig,
    custom::CustomConfig,
    fc::FcConfig,
    markov::MarkovConfig,
    show_attend_tell::{AttentionKind, ShowAttendTellConfig},
    show_tell::ShowTellConfig,
    transformer::TransformerConfig,
    up_down::UpDownConfig,
};

/// Which captioner, with its sizes: `[model.fc]` in a configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CaptionerConfig {
    /// The image vector as the first input of an LSTM (Rennie et al. 2017, section 3.1).
    Fc(FcConfig),
    /// The image vector as the first input of an LSTM that reads words without a ReLU (Vinyals et al. 2015).
    ShowTell(ShowTellConfig),
    /// Attention over regions, which enters the candidate of an LSTM (Rennie et al. 2017, section 3.2).
    Att2in(Att2inConfig),
    /// Attention over regions, which enters candidate and gates of an LSTM (Rennie et al. 2017).
    Att2all(Att2allConfig),
    /// Soft or hard attention over regions, which enters all gates of an LSTM (Xu et al. 2015).
    ShowAttendTell(ShowAttendTellConfig),
    /// A softmax over whole captions, chains of words whose scores the image gives all at once.
    Markov(MarkovConfig),
    /// Attention to the words so far and to regions, without a recurrence (Vaswani et al. 2017).
    Transformer(TransformerConfig),
    /// One LSTM that attends to regions, below one that chooses words (Anderson et al. 2018).
    UpDown(UpDownConfig),
    /// A captioner in Rust that the program around this library registered.
    Custom(CustomConfig),
}

impl CaptionerConfig {
    /// The names of the captioners of this crate in a configuration file.
    pub const NAMES: [&str; 8] = [
        "fc",
        "show_tell",
        "att2in",
        "att2all",
        "show_attend_tell",
        "markov",
        "transformer",
        "up_down",
    ];

    fn architecture(&self) -> &dyn Architecture {
        match self {
            Self::Fc(config) => config,
            Self::ShowTell(config) => config,
            Self::Att2in(config) => config,
            Self::Att2all(config) => config,
            Self::ShowAttendTell(config) => config,
            Self::Markov(config) => config,
            Self::Transformer(config) => config,
            Self::UpDown(config) => config,
            Self::Custom(config) => config,
        }
    }

    /// The captioner `name` of this crate, every size of it what `size` makes of the size's name and default; `None` if
    /// there is no such captioner.
    pub fn of_sizes(
        name: &str,
        dropout: f64,
        size: impl Fn(&'static str, usize) -> usize,
    ) -> Option<Self> {
        Self::NAMES.iter().find(|known| **known == name)?;
        let of = |keys: Map<String, Value>| -> Option<Self> {
            let table = Map::from_iter([(name.to_owned(), Value::Object(keys))]);
            serde_json::from_value(Value::Object(table)).ok()
        };
        let sizes = of(Map::new())?.sizes().into_iter();
        let mut keys: Map<String, Value> = sizes
            .map(|(key, default)| (key.to_owned(), size(key, default).into()))
            .collect();
        keys.insert("dropout".to_owned(), dropout.into());
        of(keys)
    }

    /// Its name in a configuration file.
    pub fn name(&self) -> &'static str {
        self.architecture().name()
    }

    /// Share of units that dropout removes in training.
    pub fn dropout(&self) -> f64 {
        self.architecture().dropout()
    }

    /// Its sizes, by their names in a configuration file; none of a captioner that checks its options itself.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        self.architecture().sizes()
    }

    /// How many parameters it has in these dimensions: the sum over the shapes that `README.md` lists.
    ///
    /// Sizes count up to 2^40 each, so that nothing overflows.
    pub fn parameter_count(&self, dimensions: Dimensions) -> u128 {
        self.architecture().parameter_count(dimensions)
    }

    /// Whether it reads vectors of regions; else it reads one vector an image.
    pub fn reads_regions(&self) -> bool {
        self.architecture().reads_regions()
    }

    /// Whether it can read what an encoder makes of texts.
    pub fn reads_texts(&self) -> bool {
        !matches!(self, Self::Markov(_))
    }

    /// Whether it looks at one region a step.
    pub fn attends_hard(&self) -> bool {
        matches!(self, Self::ShowAttendTell(config) if config.attention == AttentionKind::Hard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_captioner_of_a_configuration_has_its_name_and_sizes() {
        let schema = schemars::schema_for!(CaptionerConfig).to_value();
        let variants = schema["oneOf"].as_array().unwrap().iter();
        let keys = variants.map(|variant| variant["required"][0].as_str().unwrap().to_owned());
        let keys: Vec<String> = keys.filter(|key| key != "custom").collect();
        assert_eq!(keys, CaptionerConfig::NAMES);
        for name in CaptionerConfig::NAMES {
            let size = |_, default| default + 1;
            let config = CaptionerConfig::of_sizes(name, 0.125, size).unwrap();
            assert_eq!((config.name(), config.dropout()), (name, 0.125));
            let default = CaptionerConfig::of_sizes(name, 0.125, |_, default| default).unwrap();
            assert!(!default.sizes().is_empty());
            for ((key, size), (_, before)) in config.sizes().into_iter().zip(default.sizes()) {
                assert_eq!(size, before + 1, "{name} {key}");
            }
        }
        assert_eq!(
            CaptionerConfig::of_sizes("custom", 0.0, |_, size| size),
            None
        );
    }
}
