//! What is out of range or contradictory in the options of a decoder.

use scst_data::Vocabulary;
use scst_model::CaptionerConfig;
use scst_sampler::{LengthNormalisation, OptionProblem};

use super::{
    Config,
    contradictions::{Words, contradictions},
    decoder::{DecoderConfig, Rerank, SearchConfig, name_of},
    limits,
    problem::{Checker, Problem},
};

impl DecoderConfig {
    /// Everything that is out of range or contradictory in a run of this configuration with these words.
    ///
    /// Keys are whole: `validation.decoder.prefix`.
    pub fn problems(&self, run: &Config, vocabulary: &Vocabulary) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = Checker::new(&mut problems);
        let mut check = check.below("validation.decoder");
        self.check(run, &mut check);
        if check.is_clean() {
            let words = Words::of(vocabulary);
            contradictions(self, run.data.max_length, &words, &mut check);
        }
        problems
    }

    /// What is known without the words of the data.
    pub(super) fn check(&self, run: &Config, check: &mut Checker<'_>) {
        match &self.search {
            SearchConfig::Greedy => {}
            SearchConfig::Beam(options) => {
                add(&mut check.below("search.beam"), options.problems());
            }
            SearchConfig::Sample(options) => {
                add(&mut check.below("search.sample"), options.problems());
            }
            SearchConfig::Custom(custom) => check.require(
                !custom.name.is_empty(),
                "search.custom.name",
                "none",
                "the name of a registered search",
            ),
        }
        let normalisation = self.length_normalisation;
        add(
            &mut check.below("length_normalisation"),
            normalisation.problems(),
        );
        check.within("samples", self.samples as u64, limits::SAMPLES);
        let is_sampling = matches!(self.search, SearchConfig::Sample(_));
        check.require(
            self.samples <= 1 || is_sampling,
            "samples",
            self.samples,
            "1 unless `search` is `sample`",
        );
        check.require(
            i64::try_from(self.seed).is_ok(),
            "seed",
            self.seed,
            "less than 2^63",
        );
        let several = self.choices() > 1;
        let is_consensus = self.rerank == Rerank::Consensus;
        check.require(
            several || !is_consensus,
            "rerank",
            "`consensus` with one caption a source",
            "a beam or samples, 2 or more",
        );
        check.require(
            normalisation == LengthNormalisation::None || (several && !is_consensus),
            "length_normalisation",
            format!(
                "`{}` with {}",
                name_of(normalisation),
                if is_consensus {
                    "`rerank` `consensus`"
                } else {
                    "one caption a source"
                }
            ),
            "several captions that are compared by probability",
        );
        self.check_limits(run, check);
    }

    fn check_limits(&self, run: &Config, check: &mut Checker<'_>) {
        let longest = self.max_length(run.data.max_length);
        for (key, number, least) in [
            ("maximum_length", self.maximum_length, 1),
            ("no_repeat_ngram", self.no_repeat_ngram, 1),
            ("minimum_length", Some(self.minimum_length), 0),
        ] {
            let number = number.unwrap_or(1) as u64;
            check.require(number >= least, key, number, "1 or more");
            check.at_most(key, number, limits::WORDS);
        }
        if let (CaptionerConfig::Markov(markov), Some(found)) = (&run.model, self.maximum_length) {
            let expected = format!("at most `model.markov.positions`, {}", markov.positions);
            check.require(
                found <= markov.positions,
                "maximum_length",
                found,
                &expected,
            );
        }
        for (key, words) in [
            ("bad_endings", &self.bad_endings),
            ("forbidden_words", &self.forbidden_words),
            ("required_words", &self.required_words),
        ] {
            let is_word = |word: &String| !word.is_empty() && !word.contains(char::is_whitespace);
            for word in words.iter().filter(|word| !is_word(word)) {
                let found = format!("{word:?}");
                check.require(false, key, found, "words without white space");
            }
        }
        if longest >= 1 && longest as u64 <= limits::WORDS && check.is_clean() {
            contradictions(self, run.data.max_length, &Words::any_of(self), check);
        }
    }
}

fn add(check: &mut Checker<'_>, problems: Vec<OptionProblem>) {
    for problem in problems {
        check.require(false, problem.option, problem.found, problem.expected);
    }
}
