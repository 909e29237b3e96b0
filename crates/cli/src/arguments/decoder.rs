//! How `scst eval` and `scst caption` decode.

use clap::{Args, ValueEnum};
use scst_reward::BadEndingPenaltyOptions;
use scst_trainer::{
    Checkpoint,
    config::{
        BeamOptions, DecoderConfig, LengthNormalisation, Rerank, SamplingOptions, SearchConfig,
    },
};

use crate::failure::Failure;

/// With none of these, the decoder of the run's configuration.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(
    next_help_heading = "Decoder [default: that of the run, which is greedy unless configured]"
)]
pub(crate) struct DecoderArguments {
    /// Beam search of this width
    #[arg(long, value_name = "K")]
    beam: Option<usize>,
    /// Diverse beam search: groups that divide the beam
    #[arg(long, value_name = "G")]
    diverse_groups: Option<usize>,
    /// What a word costs for every earlier group that takes it in the same place, nats [default: 0.5]
    #[arg(long, value_name = "LAMBDA")]
    diversity: Option<f64>,
    /// Sample this many captions a source; `scst eval` takes the one that --rerank puts first
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// Temperature of sampling [default: 1]
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,
    /// Sample from the K most probable words
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Sample from the most probable words that together have probability P (nucleus sampling)
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// Sample from words with at least P times the largest probability
    #[arg(long, value_name = "P")]
    min_p: Option<f64>,
    /// Seed of sampling [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Which caption of a beam or of several samples is taken [default: probability]
    #[arg(long, value_enum)]
    rerank: Option<RerankName>,
    /// How captions of different lengths are compared: none, mean (log-probability per word), or
    /// gnmt:ALPHA (divided by ((5 + words) / 6)^ALPHA)
    #[arg(long, value_name = "NAME", value_parser = length_normalisation)]
    length_normalisation: Option<LengthNormalisation>,
    /// Shortest caption in words
    #[arg(long, value_name = "N")]
    minimum_length: Option<usize>,
    /// Longest caption in words, end token included [default: that of the run]
    #[arg(long, value_name = "N")]
    maximum_length: Option<usize>,
    /// No caption holds an n-gram of this order twice
    #[arg(long, value_name = "N")]
    no_repeat_ngram: Option<usize>,
    /// No word follows itself
    #[arg(long)]
    block_immediate_repeats: bool,
    /// No caption ends with an article, a preposition or a form of "be" (the list of the reward
    /// `bad_ending_penalty`)
    #[arg(long)]
    remove_bad_endings: bool,
    /// Words that no caption holds
    #[arg(long, value_name = "WORD,...", value_delimiter = ',')]
    forbidden_words: Vec<String>,
    /// Words that every caption holds
    #[arg(long, value_name = "WORD,...", value_delimiter = ',')]
    required_words: Vec<String>,
    /// Words that every caption begins with
    #[arg(long, value_name = "WORDS")]
    prefix: Option<String>,
}

/// Which of several captions of a source is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RerankName {
    /// The most probable one
    Probability,
    /// The one most like the others, by CIDEr-D (minimum Bayes risk)
    Consensus,
}

impl From<RerankName> for Rerank {
    fn from(name: RerankName) -> Self {
        match name {
            RerankName::Probability => Self::Probability,
            RerankName::Consensus => Self::Consensus,
        }
    }
}

fn length_normalisation(text: &str) -> Result<LengthNormalisation, String> {
    let alpha = |text: &str| text.strip_prefix("gnmt:")?.parse().ok();
    match (text, alpha(text)) {
        ("none", _) => Ok(LengthNormalisation::None),
        ("mean", _) => Ok(LengthNormalisation::Mean),
        (_, Some(alpha)) => Ok(LengthNormalisation::Gnmt { alpha }),
        _ => Err(format!(
            "found `{text}`, expected none, mean or gnmt:ALPHA, such as gnmt:0.7"
        )),
    }
}

impl DecoderArguments {
    /// The decoder that the arguments name, or that of the run if there are none.
    ///
    /// # Errors
    /// A [`Failure::Mistake`] when values are out of range or contradict one another, so that no caption of the run's
    /// words can keep them all.
    pub(crate) fn resolve(&self, run: &Checkpoint) -> Result<DecoderConfig, Failure> {
        if *self == Self::default() {
            return Ok(run.config.validation.decoder.clone());
        }
        let decoder = self.decoder();
        let mut problems = self.contradictions();
        let found = decoder.problems(&run.config, &run.vocabulary);
        problems.extend(found.iter().map(|problem| problem.in_words(flag)));
        if problems.is_empty() {
            Ok(decoder)
        } else {
            Err(Failure::Mistake(problems.join("; ")))
        }
    }

    /// Flags that need another one, or exclude it.
    fn contradictions(&self) -> Vec<String> {
        let (beam, samples) = (self.beam.is_some(), self.samples.is_some());
        let groups = self.diverse_groups.is_some();
        let needs = [
            ("diverse-groups", groups, "beam", beam),
            (
                "diversity",
                self.diversity.is_some(),
                "diverse-groups",
                groups,
            ),
            (
                "diversity",
                self.diversity.is_some() && groups,
                "diverse-groups of 2 or more",
                self.diverse_groups != Some(1),
            ),
            (
                "temperature",
                self.temperature.is_some(),
                "samples",
                samples,
            ),
            ("top-k", self.top_k.is_some(), "samples", samples),
            ("top-p", self.top_p.is_some(), "samples", samples),
            ("min-p", self.min_p.is_some(), "samples", samples),
            ("seed", self.seed.is_some(), "samples", samples),
        ];
        let missing = needs.iter().filter(|(_, given, _, other)| *given && !other);
        let missing =
            missing.map(|(flag, _, other, _)| format!("--{flag}: expected --{other} with it"));
        let both = (beam && samples)
            .then(|| "found --beam and --samples, expected one of them".to_owned());
        both.into_iter().chain(missing).collect()
    }

    fn decoder(&self) -> DecoderConfig {
        let default = DecoderConfig::default();
        let bad_endings = if self.remove_bad_endings {
            BadEndingPenaltyOptions::default().words
        } else {
            Vec::new()
        };
        DecoderConfig {
            search: self.search(),
            samples: self.samples.unwrap_or(default.samples),
            seed: self.seed.unwrap_or(default.seed),
            rerank: self.rerank.map_or(default.rerank, Rerank::from),
            length_normalisation: self.length_normalisation.unwrap_or_default(),
            minimum_length: self.minimum_length.unwrap_or(default.minimum_length),
            maximum_length: self.maximum_length,
            no_repeat_ngram: self.no_repeat_ngram,
            block_immediate_repeats: self.block_immediate_repeats,
            bad_endings,
            forbidden_words: self.forbidden_words.clone(),
            required_words: self.required_words.clone(),
            prefix: self.prefix.clone().unwrap_or_default(),
        }
    }

    fn search(&self) -> SearchConfig {
        if let Some(width) = self.beam {
            let default = BeamOptions::default();
            return SearchConfig::Beam(BeamOptions {
                width,
                groups: self.diverse_groups.unwrap_or(default.groups),
                diversity: self.diversity.unwrap_or(default.diversity),
            });
        }
        if self.samples.is_some() {
            let default = SamplingOptions::default();
            return SearchConfig::Sample(SamplingOptions {
                temperature: self.temperature.unwrap_or(default.temperature),
                top_k: self.top_k,
                top_p: self.top_p,
                min_p: self.min_p,
                draw: default.draw,
            });
        }
        SearchConfig::Greedy
    }
}

/// The flag of a key.
fn flag(key: &str) -> String {
    if !key.starts_with("validation.decoder.") {
        return format!("key `{key}` of the run");
    }
    let flag = match key.rsplit('.').next() {
        Some("width") => "beam".to_owned(),
        Some("groups") => "diverse-groups".to_owned(),
        Some("alpha") => "length-normalisation".to_owned(),
        Some("bad_endings") => "remove-bad-endings".to_owned(),
        last => last.unwrap_or(key).replace('_', "-"),
    };
    format!("--{flag}")
}
