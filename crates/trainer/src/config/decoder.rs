//! How captions are decoded for evaluation.

use std::fmt;

use schemars::JsonSchema;
use scst_sampler::{BeamOptions, Draw, LengthNormalisation, SamplingOptions};
use serde::{Deserialize, Serialize};

use super::{custom::CustomChoice, limits};

/// A search, the choice among the captions that it finds, and what captions may be.
///
/// The unknown word is never emitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecoderConfig {
    /// The search.
    pub search: SearchConfig,
    /// Captions of a source that `search.sample` draws, for `rerank` to choose from.
    #[schemars(range(min = 1, max = limits::SAMPLES))]
    pub samples: usize,
    /// Seed of `search.sample` and of `search.custom`.
    #[schemars(range(max = i64::MAX))]
    pub seed: u64,
    /// Which of several captions of a source is taken.
    pub rerank: Rerank,
    /// How `rerank = "probability"` compares captions of different lengths.
    pub length_normalisation: LengthNormalisation,
    /// Shortest caption in words, the end token not counted.
    #[schemars(range(max = limits::WORDS))]
    pub minimum_length: usize,
    /// Longest caption in words, the end token included; `data.max_length` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::WORDS), extend("examples" = [20]))]
    pub maximum_length: Option<usize>,
    /// Order of the n-grams that no caption holds twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::WORDS), extend("examples" = [3]))]
    pub no_repeat_ngram: Option<usize>,
    /// Whether a word may not follow itself.
    pub block_immediate_repeats: bool,
    /// Words that no caption ends with.
    pub bad_endings: Vec<String>,
    /// Words that no caption holds.
    pub forbidden_words: Vec<String>,
    /// Words that every caption holds.
    pub required_words: Vec<String>,
    /// Words that every caption begins with, separated by spaces.
    pub prefix: String,
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self {
            search: SearchConfig::Greedy,
            samples: 1,
            seed: 1,
            rerank: Rerank::Probability,
            length_normalisation: LengthNormalisation::None,
            minimum_length: 0,
            maximum_length: None,
            no_repeat_ngram: None,
            block_immediate_repeats: false,
            bad_endings: Vec::new(),
            forbidden_words: Vec::new(),
            required_words: Vec::new(),
            prefix: String::new(),
        }
    }
}

/// A search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SearchConfig {
    /// The most probable word at every step.
    Greedy,
    /// Beam search, of several groups if they are to differ.
    Beam(BeamOptions),
    /// Words drawn from the model's distribution.
    Sample(SamplingOptions),
    /// A search that the program around this library registered.
    Custom(CustomChoice),
}

/// Which of several captions of a source is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rerank {
    /// The most probable one, lengths normalised.
    Probability,
    /// The one with the highest mean CIDEr-D against the others, document frequencies from the
    /// training captions: minimum Bayes risk decoding.
    Consensus,
}

impl DecoderConfig {
    /// Longest caption where `of_data` is that of the data.
    pub(crate) fn max_length(&self, of_data: usize) -> usize {
        self.maximum_length.unwrap_or(of_data)
    }

    /// How many captions of a source there are to choose from, at most.
    pub(super) fn choices(&self) -> usize {
        match &self.search {
            SearchConfig::Greedy => 1,
            SearchConfig::Beam(options) => options.width,
            SearchConfig::Sample(_) => self.samples,
            // As many as it finds.
            SearchConfig::Custom(_) => limits::SAMPLES as usize,
        }
    }

    /// How many sources are decoded at a time where `sources_per_batch` are asked for: every caption is a row of its own.
    pub fn sources_at_a_time(&self, sources_per_batch: usize) -> usize {
        if let SearchConfig::Custom(_) = self.search {
            return sources_per_batch;
        }
        let sources = sources_per_batch / self.samples.max(1);
        sources.min(limits::ROWS / self.choices().max(1)).max(1)
    }
}

pub(super) fn name_of(normalisation: LengthNormalisation) -> String {
    match normalisation {
        LengthNormalisation::None => "none".to_owned(),
        LengthNormalisation::Mean => "mean".to_owned(),
        LengthNormalisation::Gnmt { alpha } => format!("gnmt:{alpha}"),
    }
}

/// Every choice that changes the captions: `greedy`, or `beam 5|no_repeat_ngram:2`.
impl fmt::Display for DecoderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.search {
            SearchConfig::Greedy => f.write_str("greedy")?,
            SearchConfig::Beam(options) => {
                write!(f, "beam {}", options.width)?;
                if options.groups > 1 {
                    let BeamOptions {
                        groups, diversity, ..
                    } = options;
                    write!(f, "|groups:{groups}|diversity:{diversity}")?;
                }
            }
            SearchConfig::Sample(options) => self.write_sample(options, f)?,
            SearchConfig::Custom(CustomChoice { name, options }) => {
                write!(f, "{name}")?;
                for (key, value) in options {
                    write!(f, "|{key}:{value}")?;
                }
                write!(f, "|seed:{}", self.seed)?;
            }
        }
        match self.rerank {
            Rerank::Probability => {}
            Rerank::Consensus => f.write_str("|rerank:consensus")?,
        }
        if self.length_normalisation != LengthNormalisation::None {
            let name = name_of(self.length_normalisation);
            write!(f, "|length_normalisation:{name}")?;
        }
        self.write_limits(f)
    }
}

impl DecoderConfig {
    fn write_sample(&self, options: &SamplingOptions, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SamplingOptions {
            temperature,
            top_k,
            top_p,
            min_p,
            draw,
        } = options;
        write!(f, "sample {}|temperature:{temperature}", self.samples)?;
        if let Some(k) = top_k {
            write!(f, "|top_k:{k}")?;
        }
        for (name, share) in [("top_p", top_p), ("min_p", min_p)] {
            if let Some(share) = share {
                write!(f, "|{name}:{share}")?;
            }
        }
        if *draw == Draw::GumbelMax {
            f.write_str("|draw:gumbel_max")?;
        }
        write!(f, "|seed:{}", self.seed)
    }

    fn write_limits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minimum_length > 0 {
            write!(f, "|minimum_length:{}", self.minimum_length)?;
        }
        for (name, number) in [
            ("maximum_length", self.maximum_length),
            ("no_repeat_ngram", self.no_repeat_ngram),
        ] {
            if let Some(number) = number {
                write!(f, "|{name}:{number}")?;
            }
        }
        if self.block_immediate_repeats {
            f.write_str("|block_immediate_repeats")?;
        }
        for (name, words) in [
            ("bad_endings", &self.bad_endings),
            ("forbidden_words", &self.forbidden_words),
            ("required_words", &self.required_words),
        ] {
            if !words.is_empty() {
                write!(f, "|{name}:{}", words.join(","))?;
            }
        }
        if !self.prefix.is_empty() {
            write!(f, "|prefix:{}", self.prefix)?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use scst_model::CaptionerRegistry;

    use super::super::{Config, problem::Checker};
    use super::*;

    pub(in crate::config) fn decoder(toml: &str) -> DecoderConfig {
        toml::from_str(toml).unwrap()
    }

    /// The problems of a decoder in a run whose captions have up to 16 words, all of which are known.
    pub(in crate::config) fn messages(toml: &str) -> Vec<String> {
        let mut problems = Vec::new();
        decoder(toml).check(&run(), &mut Checker::new(&mut problems));
        problems.iter().map(ToString::to_string).collect()
    }

    pub(in crate::config) fn run() -> Config {
        let text = "[data]\ncaptions.karpathy = { path = \"c.json\" }\nfeatures.npy = { path = \"f.npy\" }\n\
                    [model.markov]\n[[stages]]\nepochs = 1\nxe = {}";
        Config::parse(
            text,
            Path::new("c.toml"),
            Vec::new(),
            &CaptionerRegistry::default(),
        )
        .unwrap()
        .into()
    }

    #[test]
    fn decoder_names_every_choice_and_survives_toml() {
        for (toml, name) in [
            ("", "greedy"),
            ("search.beam = { width = 3 }", "beam 3"),
            (
                "search.beam = { width = 6, groups = 3, diversity = 0.2 }\nlength_normalisation.gnmt = { alpha = 0.7 }",
                "beam 6|groups:3|diversity:0.2|length_normalisation:gnmt:0.7",
            ),
            (
                "samples = 20\nseed = 4\nrerank = \"consensus\"\nsearch.sample = { temperature = 0.8, top_k = 9, \
                 top_p = 0.9, min_p = 0.1, draw = \"gumbel_max\" }",
                "sample 20|temperature:0.8|top_k:9|top_p:0.9|min_p:0.1|draw:gumbel_max|seed:4|rerank:consensus",
            ),
            (
                "minimum_length = 4\nmaximum_length = 9\nno_repeat_ngram = 3\nblock_immediate_repeats = true\n\
                 bad_endings = [\"a\", \"the\"]\nforbidden_words = [\"x\"]\nrequired_words = [\"y\"]\nprefix = \"a b\"",
                "greedy|minimum_length:4|maximum_length:9|no_repeat_ngram:3|block_immediate_repeats|\
                 bad_endings:a,the|forbidden_words:x|required_words:y|prefix:a b",
            ),
        ] {
            let config = decoder(toml);
            assert_eq!(config.to_string(), name);
            assert_eq!(messages(toml), [""; 0], "{name}");
            assert_eq!(decoder(&toml::to_string(&config).unwrap()), config);
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        assert_eq!(
            messages("search.beam = { width = 0, groups = 0 }\nsamples = 3"),
            [
                "key `search.beam.width`: found 0, expected 1 or more",
                "key `search.beam.groups`: found 0, expected 1 or more, a divisor of the width",
                "key `samples`: found 3, expected 1 unless `search` is `sample`",
            ]
        );
        assert_eq!(
            messages(
                "search.sample = { temperature = -1, top_p = 2 }\nlength_normalisation.gnmt = { alpha = -1 }\n\
                 maximum_length = 17\nno_repeat_ngram = 0\nforbidden_words = [\"a b\"]"
            ),
            [
                "key `search.sample.temperature`: found -1, expected a finite number above 0",
                "key `search.sample.top_p`: found 2, expected above 0, at most 1",
                "key `length_normalisation.gnmt.alpha`: found -1, expected a finite number, 0 or more",
                "key `length_normalisation`: found `gnmt:-1` with one caption a source, expected several captions that are \
                 compared by probability",
                "key `no_repeat_ngram`: found 0, expected 1 or more",
                "key `maximum_length`: found 17, expected at most `model.markov.positions`, 16",
                "key `forbidden_words`: found \"a b\", expected words without white space",
            ]
        );
    }

    #[test]
    fn choices_that_contradict_one_another_are_refused() {
        for toml in ["", "search.beam = { width = 1 }", "search.sample = {}"] {
            let found = messages(&format!("rerank = \"consensus\"\n{toml}"));
            let expected = "key `rerank`: found `consensus` with one caption a source, expected a beam or samples, 2 or \
                            more";
            assert_eq!(found, [expected]);
        }
        let both = "search.beam = {}\nrerank = \"consensus\"\nlength_normalisation = \"mean\"";
        let found = messages(both);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("found `mean` with `rerank` `consensus`"),
            "{found:?}"
        );
    }
}
