use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use scst_model::{CaptionerConfig, Dimensions, FcConfig};
use scst_sampler::{BeamOptions, END, SamplingOptions};

use super::*;

const WORDS: usize = 9;
const FEATURE: usize = 3;
const IMAGES: usize = 4;

fn captioner(seed: u64) -> Captioner {
    let config = CaptionerConfig::Fc(FcConfig {
        hidden: 6,
        embedding: 5,
        dropout: 0.5,
        ..FcConfig::default()
    });
    let dimensions = Dimensions {
        feature: FEATURE,
        vocab: WORDS,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let captioner = Captioner::init(&config, dimensions, &Device::flex(), &mut rng);
    // Sharper, so that captions of different images differ.
    captioner.update(|_, values| values * 4.0)
}

/// Features of the images from `first`.
fn features(first: usize, images: usize) -> ImageFeatures {
    let value = |k: usize| ((first * FEATURE + k) as f32 * 1.7).sin() * 2.0;
    let values: Vec<f32> = (0..images * FEATURE).map(value).collect();
    let vectors = TensorData::new(values, [images, FEATURE]);
    ImageFeatures::pooled(Tensor::from_data(vectors, &Device::flex()))
}

fn vocabulary() -> Vocabulary {
    let words: Vec<String> = (2..WORDS).map(|word| format!("word{word}")).collect();
    Vocabulary::build([words.as_slice()].into_iter(), 1)
}

/// Frequencies of three images.
fn frequency() -> Arc<DocumentFrequency> {
    let mut builder = DocumentFrequency::builder();
    for image in [[2u32, 3, END], [2, 4, END], [5, 3, END]] {
        builder.add_image([image].iter());
    }
    Arc::new(builder.build().unwrap())
}

fn search(config: &DecoderConfig) -> Search<'_> {
    let needs_frequency = config.rerank == Rerank::Consensus;
    Search {
        config,
        limits: limits(config, &vocabulary(), 7).unwrap(),
        rng: generator(config.seed, Purpose::Decoding, 0, 0),
        frequency: needs_frequency.then(frequency),
    }
}

fn captions(config: &DecoderConfig, models: u64) -> Vec<Vec<u32>> {
    let others: Vec<Captioner> = (1..models).map(|_| captioner(2)).collect();
    search(config)
        .captions(&captioner(2), &others, &features(0, IMAGES))
        .unwrap()
}

fn configs() -> Vec<DecoderConfig> {
    let sample = SearchConfig::Sample(SamplingOptions {
        temperature: 1.5,
        ..SamplingOptions::default()
    });
    let plain = DecoderConfig::default();
    vec![
        plain.clone(),
        DecoderConfig {
            search: SearchConfig::Beam(BeamOptions::default()),
            length_normalisation: scst_sampler::LengthNormalisation::Mean,
            ..plain.clone()
        },
        DecoderConfig {
            search: sample.clone(),
            samples: 6,
            ..plain.clone()
        },
        DecoderConfig {
            search: sample,
            samples: 6,
            rerank: Rerank::Consensus,
            no_repeat_ngram: Some(1),
            ..plain
        },
    ]
}

#[test]
fn captions_never_hold_the_unknown_word() {
    for config in configs() {
        let captions = captions(&config, 1);
        assert_eq!(captions.len(), IMAGES);
        assert!(captions.iter().all(|words| !words.contains(&UNKNOWN_ID)));
    }
}

#[test]
fn ensemble_of_equal_captioners_decodes_as_one() {
    for config in configs() {
        assert_eq!(captions(&config, 3), captions(&config, 1), "{config}");
    }
}

#[test]
fn captions_do_not_depend_on_the_batch_size() {
    for config in configs() {
        let captioner = captioner(2);
        let mut search = search(&config);
        let mut one_by_one = Vec::new();
        for image in 0..IMAGES {
            let found = search.captions(&captioner, &[], &features(image, 1));
            one_by_one.extend(found.unwrap());
        }
        assert_eq!(one_by_one, captions(&config, 1), "{config}");
    }
}

#[test]
fn consensus_scores_equal_cider_d_against_all_other_captions_at_once() {
    let image = |captions: &[&[u32]]| -> Vec<Hypothesis> {
        let hypothesis = |words: &&[u32]| Hypothesis {
            words: words.to_vec(),
            log_probability: 0.0,
        };
        captions.iter().map(hypothesis).collect()
    };
    let images = [
        image(&[&[2, 3, 4, 0], &[2, 3, 0], &[5, 6, 0], &[2, 3, 4, 0]]),
        image(&[&[7, 7, 7, 7], &[7, 0]]),
        image(&[&[2, 0]]),
    ];
    let frequency = frequency();
    let found = consensus_scores(&images, &frequency).unwrap();
    assert_eq!(found[2], [0.0]);
    for (hypotheses, found) in images[..2].iter().zip(&found) {
        for (k, score) in found.iter().enumerate() {
            let others = (0..hypotheses.len()).filter(|&j| j != k);
            let tokens: Vec<_> = others.map(|j| hypotheses[j].words.clone()).collect();
            let references = ImageReferences {
                id: String::new(),
                texts: vec![String::new(); tokens.len()],
                tokens,
            };
            let references = References::new(None, vec![references]).unwrap();
            let ngrams = ReferenceNgrams::new(&references).into();
            let formula = CiderFormula::CiderD(CiderDOptions::COCO);
            let mut scorer = CiderScorer::new(formula, ngrams, frequency.clone()).unwrap();
            let expected = scorer.score(0, &hypotheses[k].words).unwrap();
            assert!((score - expected).abs() < 1e-12, "{score} {expected}");
        }
    }
    assert_eq!(ranking(&found[0])[0], 0);
}

#[test]
fn words_outside_the_vocabulary_are_refused_only_where_captions_must_hold_them() {
    let words = |word: &str| vec![word.to_owned()];
    let ignored = DecoderConfig {
        bad_endings: words("octopus"),
        forbidden_words: words("octopus"),
        ..DecoderConfig::default()
    };
    assert_eq!(
        limits(&ignored, &vocabulary(), 7)
            .unwrap()
            .constraints
            .len(),
        2
    );
    let required = DecoderConfig {
        required_words: words("octopus"),
        ..DecoderConfig::default()
    };
    let prefix = DecoderConfig {
        prefix: "word2 <end>".to_owned(),
        ..DecoderConfig::default()
    };
    for (config, key, word) in [
        (required, "required_words", "octopus"),
        (prefix, "prefix", "<end>"),
    ] {
        let error = limits(&config, &vocabulary(), 7).unwrap_err();
        let expected = format!("key `{key}` of the decoder: `{word}` is not in the vocabulary");
        assert_eq!(error.to_string(), expected);
        assert!(error.is_mistake());
    }
}

#[test]
fn limits_are_those_of_the_configuration() {
    let config = DecoderConfig {
        minimum_length: 3,
        maximum_length: Some(5),
        no_repeat_ngram: Some(2),
        block_immediate_repeats: true,
        bad_endings: vec!["word8".to_owned()],
        forbidden_words: vec!["word7".to_owned()],
        required_words: vec!["word4".to_owned()],
        prefix: "word5 word3".to_owned(),
        ..DecoderConfig::default()
    };
    let id = |word: &str| vocabulary().id(word);
    for words in captions(&config, 1) {
        assert!(words.len() <= 5 && words.starts_with(&[id("word5"), id("word3")]));
        assert!(words.contains(&id("word4")) && !words.contains(&id("word7")));
        let spoken = words.strip_suffix(&[END]).unwrap_or(&words);
        assert!(
            spoken.len() >= 3 && !spoken.ends_with(&[id("word8")]),
            "{words:?}"
        );
    }
}
