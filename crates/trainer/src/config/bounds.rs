//! Sizes that are too large together: what lies beyond is a slip of the hand, and would end in a lack of memory or of
//! time.

use scst_model::{CaptionerConfig, Dimensions};

use crate::captioner::{Shape, SourceSize};

use super::{
    Credit, StageConfig,
    limits::{CAPTIONS, PARAMETERS, SIZE, SOURCES, WORDS, WORDS_OF_A_STEP},
    problem::Checker,
};

/// The captioner against the largest, for the smallest features and vocabulary that there can be.
pub(super) fn check_parameters(model: &CaptionerConfig, check: &mut Checker<'_>) {
    let smallest = Dimensions {
        feature: 1,
        vocab: 2,
    };
    let sizes = model.sizes();
    if sizes.iter().any(|&(_, size)| size as u64 > SIZE) {
        return; // each of them is a problem of its own
    }
    let found = model.parameter_count(smallest);
    let largest = sizes.iter().max_by_key(|&&(_, size)| size);
    check.require(
        found <= PARAMETERS,
        largest.map_or("", |&(name, _)| name),
        format!("sizes of {found} parameters"),
        &format!("at most {PARAMETERS} parameters"),
    );
}

/// What is wrong with a captioner of these dimensions, if it is too large: what was found and expected.
pub(crate) fn oversize(shape: Shape<'_>) -> Option<String> {
    let found = shape.parameter_count();
    let vocab = shape.vocab;
    let source = match shape.source {
        SourceSize::Vectors { width } => format!("features of {width} dimensions"),
        SourceSize::Texts { vocab } => format!("texts of {vocab} tokens"),
    };
    (found > PARAMETERS).then(|| {
        format!(
            "found {found} parameters, for {source} and {vocab} words, expected at most {PARAMETERS}"
        )
    })
}

/// The words of a training step of these sources, captions of each and words of each; the number if it is too large.
pub(crate) fn too_many_words(factors: [usize; 3]) -> Option<u128> {
    let words = factors.into_iter().map(|size| size as u128);
    let words = words.fold(1u128, u128::saturating_mul);
    (words > WORDS_OF_A_STEP).then_some(words)
}

/// The words of all captions of a training step.
pub(super) fn check_words_of_a_step(
    stage: &StageConfig,
    max_length: usize,
    check: &mut Checker<'_>,
) {
    let (key, captions) = match (&stage.xe, &stage.scst) {
        (Some(xe), _) => ("xe.targets_per_source", xe.targets_per_source),
        (None, Some(scst)) => ("scst.samples_per_source", scst.samples_per_source),
        (None, None) => return,
    };
    let factors = [stage.sources_per_batch, captions, max_length];
    let [sources, captions, length] = factors;
    // A size that is too large by itself is a problem of its own.
    let alone = sources as u64 > SOURCES || captions as u64 > CAPTIONS || length as u64 > WORDS;
    if let Some(words) = too_many_words(factors).filter(|_| !alone) {
        let found = format!(
            "{captions} captions of {length} words for each of {sources} sources (`sources_per_batch`), {words} words a step"
        );
        let expected = format!("at most {WORDS_OF_A_STEP} words a step");
        check.require(false, key, found, &expected);
    }
    let Some(scst) = stage.scst.as_ref() else {
        return;
    };
    let (key, places, samples) = match scst.credit {
        Credit::Caption => return,
        // Half of the words of a caption stand before a place, on average.
        Credit::Prefix => ("scst.credit", length.div_ceil(2), 1),
        Credit::Rollouts { every, samples } => {
            let places = length.saturating_sub(1) / every.max(1);
            ("scst.credit.rollouts", places, samples)
        }
    };
    let scored = captions.saturating_mul(places).saturating_mul(samples);
    let alone = alone || samples as u64 > CAPTIONS;
    if let Some(words) = too_many_words([sources, scored, length]).filter(|_| !alone) {
        let found = format!(
            "{scored} captions of {length} words for each of {sources} sources (`sources_per_batch`) that are scored or \
             drawn beside {captions} samples, {words} words a step"
        );
        let expected = format!("at most {WORDS_OF_A_STEP} words a step");
        check.require(false, key, found, &expected);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use scst_model::CaptionerRegistry;

    use crate::config::{Config, ConfigError, Override, ranges::TWO_STAGES};

    fn parse(set: &str) -> Result<Config, ConfigError> {
        let set = Override::parse(set)?;
        Config::parse(
            TWO_STAGES,
            Path::new("c.toml"),
            vec![set],
            &CaptionerRegistry::default(),
        )
        .map(Config::from)
    }

    #[test]
    fn sizes_beyond_all_measure_are_one_sentence() {
        for (set, expected) in [
            ("threads=100000", "found 100000, expected at most 1024"),
            ("data.max_length=1000000000000", "expected at most 1000"),
            (
                "validation.sources_per_batch=10001",
                "expected at most 10000",
            ),
            (
                "model.att2in.hidden=1000000000000",
                "expected at most 1000000",
            ),
            (
                "stages.0.sources_per_batch=9223372036854775807",
                "expected at most 100000",
            ),
            (
                "stages.0.epochs=4611686018427387904",
                "expected at most 1000000",
            ),
            (
                "stages.0.warmup_steps=9000000000000000000",
                "expected at most 1000000000000",
            ),
            (
                "stages.0.xe.targets_per_source=1000000000",
                "expected at most 1000",
            ),
            (
                "stages.1.scst.samples_per_source=1000000000",
                "expected at most 1000",
            ),
            (
                "checkpoints.keep=9223372036854775807",
                "expected at most 1000000000000000",
            ),
            (
                "validation.decoder.search.beam={ width = 1000000000 }",
                "expected at most 10000",
            ),
            (
                "validation.decoder.minimum_length=9000000000000000000",
                "expected at most 1000",
            ),
            (
                "validation.decoder.maximum_length=100000000000",
                "expected at most 1000",
            ),
            (
                "validation.decoder.no_repeat_ngram=9223372036854775807",
                "expected at most 1000",
            ),
        ] {
            let message = parse(set).unwrap_err().to_string();
            let key = set.split_once('=').unwrap().0;
            assert!(
                message.contains(key) && message.ends_with(expected),
                "{message}"
            );
            assert!(!message.contains("; "), "one sentence: {message}");
        }
        let samples = "validation.decoder={ search = { sample = {} }, samples = 1000000000 }";
        let message = parse(samples).unwrap_err().to_string();
        assert!(
            message.ends_with("found 1000000000, expected at most 100000"),
            "{message}"
        );
    }

    #[test]
    fn sizes_that_are_too_large_together_are_one_sentence() {
        let message = parse("model.att2in.hidden=20000").unwrap_err().to_string();
        let expected = "override model.att2in.hidden: found sizes of 2871862050 parameters, expected at most 500000000 \
                        parameters";
        assert_eq!(message, expected);
        let message = parse("stages.1.sources_per_batch=100000").unwrap_err();
        assert_eq!(
            message.to_string(),
            "override stages.1.sources_per_batch: key `stages.1.scst.samples_per_source`: found 5 captions of 16 words for \
             each of 100000 sources (`sources_per_batch`), 8000000 words a step, expected at most 1000000 words a step"
        );
        for set in [
            "model.att2in.hidden=2048",
            "stages.1.sources_per_batch=1000",
        ] {
            parse(set).unwrap();
        }
    }

    #[test]
    fn configurations_that_were_not_read_from_a_file_are_validated_too() {
        let mut config = parse("seed=1").unwrap();
        config.stages[0].sources_per_batch = 0;
        config.checkpoints.every_steps = Some(u64::MAX);
        assert_eq!(
            config.clone().validate().unwrap_err().to_string(),
            "the configuration: key `checkpoints.every_steps`: found 18446744073709551615, expected at most \
             1000000000000000; key `stages.0.sources_per_batch`: found 0, expected 1 or more"
        );
        // Nor is such a number ever written as an empty file.
        assert!(config.to_toml().is_err());
        config.stages[0].sources_per_batch = 1;
        config.checkpoints.every_steps = None;
        let text = config.clone().validate().unwrap().to_toml().unwrap();
        assert_eq!(
            Config::parse(
                &text,
                Path::new("c.toml"),
                Vec::new(),
                &CaptionerRegistry::default()
            )
            .map(Config::from)
            .unwrap(),
            config
        );
    }
}
