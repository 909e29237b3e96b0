use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use scst_data::vocabulary::UNKNOWN_ID;
use scst_model::{
    CaptionerConfig, Dimensions, FcConfig, MarkovConfig, Noise, Signal, SourceVectors,
};
use scst_sampler::{BeamOptions, END, SamplingOptions};

use std::error::Error;

use super::*;
use crate::{config::CustomChoice, decode::custom::SearchModel};

const WORDS: usize = 9;
const FEATURE: usize = 3;
const SOURCES: usize = 4;

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
    let captioner = Captioner::init(&config, dimensions, &Device::flex(), &mut rng).unwrap();
    // Sharper, so that captions of different sources differ.
    captioner.update(|_, values| values * 4.0)
}

/// Features of the sources from `first`.
fn features(first: usize, sources: usize) -> Source {
    let value = |k: usize| ((first * FEATURE + k) as f32 * 1.7).sin() * 2.0;
    let values: Vec<f32> = (0..sources * FEATURE).map(value).collect();
    let vectors = TensorData::new(values, [sources, FEATURE]);
    SourceVectors::pooled(Tensor::from_data(vectors, &Device::flex())).into()
}

fn vocabulary() -> Vocabulary {
    let words: Vec<String> = (2..WORDS).map(|word| format!("word{word}")).collect();
    Vocabulary::build([words.as_slice()].into_iter(), 1)
}

/// Frequencies of three sources.
fn frequency() -> Arc<DocumentFrequency> {
    let mut builder = DocumentFrequency::builder();
    for words in [[2u32, 3, END], [2, 4, END], [5, 3, END]] {
        builder.add_image([words].iter());
    }
    Arc::new(builder.build().unwrap())
}

fn search(config: &DecoderConfig) -> Search<'_> {
    search_with(config, &Registry::default())
}

fn search_with<'a>(config: &'a DecoderConfig, registry: &Registry) -> Search<'a> {
    let needs_frequency = config.rerank == Rerank::Consensus;
    Search {
        config,
        method: Method::of(&config.search, registry).unwrap(),
        vocab: vocabulary().len(),
        limits: config.rules(7, &Words::of(&vocabulary())).limits(),
        rng: generator(config.seed, Purpose::Decoding, 0, 0),
        frequency: needs_frequency.then(frequency),
    }
}

fn captions(config: &DecoderConfig, models: u64) -> Vec<Vec<u32>> {
    let others: Vec<Captioner> = (1..models).map(|_| captioner(2)).collect();
    let found = search(config).captions(&captioner(2), &others, &features(0, SOURCES));
    words(found.unwrap())
}

fn words(hypotheses: Vec<Hypothesis>) -> Vec<Vec<u32>> {
    hypotheses.into_iter().map(|h| h.words).collect()
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
        assert_eq!(captions.len(), SOURCES);
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
        for source in 0..SOURCES {
            let found = search.captions(&captioner, &[], &features(source, 1));
            one_by_one.extend(words(found.unwrap()));
        }
        assert_eq!(one_by_one, captions(&config, 1), "{config}");
    }
}

#[test]
fn consensus_scores_equal_cider_d_against_all_other_captions_at_once() {
    let source = |captions: &[&[u32]]| -> Vec<Hypothesis> {
        let hypothesis = |words: &&[u32]| Hypothesis {
            words: words.to_vec(),
            ..Hypothesis::default()
        };
        captions.iter().map(hypothesis).collect()
    };
    let sources = [
        source(&[&[2, 3, 4, 0], &[2, 3, 0], &[5, 6, 0], &[2, 3, 4, 0]]),
        source(&[&[7, 7, 7, 7], &[7, 0]]),
        source(&[&[2, 0]]),
    ];
    let frequency = frequency();
    let found = consensus_scores(&sources, &frequency).unwrap();
    assert_eq!(found[2], [0.0]);
    for (hypotheses, found) in sources[..2].iter().zip(&found) {
        for (k, score) in found.iter().enumerate() {
            let others = (0..hypotheses.len()).filter(|&j| j != k);
            let tokens: Vec<_> = others.map(|j| hypotheses[j].words.clone()).collect();
            let texts = vec![String::new(); tokens.len()];
            let references = ImageReferences::new("", tokens, texts);
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
fn log_probabilities_are_the_captioners_own_with_the_unknown_word_in_them() {
    let captioner = captioner(2);
    for config in configs() {
        let found = search(&config).hypotheses(&captioner, &[], &features(0, SOURCES));
        for (source, hypotheses) in found.unwrap().into_iter().enumerate() {
            let of_source = vec![source; hypotheses.len()];
            let state = captioner.start(features(0, SOURCES), &of_source).unwrap();
            let expected: Vec<f64> = hypotheses.iter().map(|h| h.log_probability).collect();
            let mut model = Decoder::reading(&captioner);
            let own = log_probabilities(&mut model, state, &words(hypotheses)).unwrap();
            for (own, expected) in own.iter().zip(expected) {
                assert!((own - expected).abs() < 1e-4, "{config}: {own} {expected}");
            }
        }
    }
}

const POSITIONS: usize = 3;

fn markov() -> Captioner {
    let config = CaptionerConfig::Markov(MarkovConfig {
        hidden: 6,
        positions: POSITIONS,
        shortlist: WORDS,
        rank: 2,
        dropout: 0.0,
    });
    let dimensions = Dimensions {
        feature: FEATURE,
        vocab: WORDS,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let captioner = Captioner::init(&config, dimensions, &Device::flex(), &mut rng).unwrap();
    captioner.update(|_, values| values * 2.5)
}

/// `log P` of whole captions of sources.
fn whole(captioner: &Captioner, source_of_sequence: &[usize], captions: &[Vec<u32>]) -> Vec<f64> {
    let inputs: Vec<&[u32]> = vec![&[]; captions.len()];
    let tape = captioner.teacher_forced(
        features(0, SOURCES),
        source_of_sequence,
        &inputs,
        Noise::default(),
    );
    let weights = vec![0.0; captions.len()];
    let signal = Signal::Captions {
        captions,
        weights: &weights,
        position_weight: 0.0,
    };
    let losses = captioner.backward(tape.unwrap(), signal).unwrap().captions;
    losses.iter().map(|loss| loss.log_probability).collect()
}

#[test]
fn markov_captions_have_the_log_probability_of_the_whole_caption_in_every_search() {
    let captioner = markov();
    for mut config in configs() {
        config.maximum_length = Some(POSITIONS);
        config.no_repeat_ngram = None;
        let found = search(&config).hypotheses(&captioner, &[], &features(0, SOURCES));
        for (source, hypotheses) in found.unwrap().into_iter().enumerate() {
            let source_of_sequence = vec![source; hypotheses.len()];
            let found: Vec<f64> = hypotheses.iter().map(|h| h.log_probability).collect();
            let expected = whole(&captioner, &source_of_sequence, &words(hypotheses));
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{config}: {found} {expected}"
                );
            }
        }
    }
    // Greedy search is the best of all: no sample and no beam is more probable.
    let best = |search: SearchConfig, samples: usize| -> Vec<f64> {
        let config = DecoderConfig {
            search,
            samples,
            maximum_length: Some(POSITIONS),
            ..DecoderConfig::default()
        };
        let found = self::search(&config).captions(&captioner, &[], &features(0, SOURCES));
        found.unwrap().iter().map(|h| h.log_probability).collect()
    };
    let greedy = best(SearchConfig::Greedy, 1);
    let wide = BeamOptions {
        width: 1000,
        ..BeamOptions::default()
    };
    for (greedy, wide) in greedy.iter().zip(best(SearchConfig::Beam(wide), 1)) {
        assert!((greedy - wide).abs() < 1e-4, "{greedy} {wide}");
    }
}

#[test]
fn samples_of_the_markov_captioner_come_as_often_as_their_log_probabilities_say() {
    let captioner = markov();
    let config = DecoderConfig {
        search: SearchConfig::Sample(SamplingOptions::default()),
        samples: 4000,
        maximum_length: Some(POSITIONS),
        ..DecoderConfig::default()
    };
    let mut search = search(&config);
    // Draws of the model itself, the unknown word among them.
    search.limits = Limits::length(POSITIONS);
    let drawn = search.hypotheses(&captioner, &[], &features(0, 1)).unwrap();
    let greedy = DecoderConfig {
        maximum_length: Some(POSITIONS),
        ..DecoderConfig::default()
    };
    let best = self::search(&greedy).captions(&captioner, &[], &features(0, 1));
    let best = &best.unwrap()[0];
    let count = drawn[0].iter().filter(|h| h.words == best.words).count();
    let (p, n) = (best.log_probability.exp(), 4000.0);
    let deviation = (p * (1.0 - p) / n).sqrt();
    assert!(
        p > 0.01 && (count as f64 / n - p).abs() < 4.0 * deviation,
        "{count} {p}"
    );
}

#[test]
fn ensembles_with_a_markov_captioner_average_probabilities_of_the_next_word() {
    // Of the same captioner twice, averages are its own probabilities, word by word.
    let captioner = markov();
    let config = DecoderConfig {
        maximum_length: Some(POSITIONS),
        ..DecoderConfig::default()
    };
    let others = [captioner.clone()];
    let found = search(&config).captions(&captioner, &others, &features(0, SOURCES));
    let found = found.unwrap();
    let log_p: Vec<f64> = found.iter().map(|h| h.log_probability).collect();
    let source_of_sequence: Vec<usize> = (0..SOURCES).collect();
    let expected = whole(&captioner, &source_of_sequence, &words(found));
    for (found, expected) in log_p.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
}

#[test]
fn captions_longer_than_a_captioner_can_score_are_refused() {
    let config = DecoderConfig::default();
    let search = search(&config);
    let [one, other] = [captioner(1), markov()];
    search.check_captioners([&one]).unwrap();
    let error = search.check_captioners([&one, &other]).unwrap_err();
    assert!(error.is_mistake());
    assert_eq!(
        error.to_string(),
        "captions of up to 7 words: found a captioner `markov` of 3 positions, expected a maximum length of 3 or less"
    );
}

#[test]
fn captions_that_break_an_option_say_so_and_come_last() {
    let all: Vec<String> = (4..WORDS).map(|word| format!("word{word}")).collect();
    for search in [
        SearchConfig::Greedy,
        SearchConfig::Beam(BeamOptions::default()),
        SearchConfig::Beam(BeamOptions {
            width: 4,
            groups: 2,
            diversity: 2.0,
        }),
        SearchConfig::Sample(SamplingOptions::default()),
    ] {
        // Two words are left, neither may come twice, and three are wanted.
        let config = DecoderConfig {
            samples: 3,
            search,
            forbidden_words: all.clone(),
            no_repeat_ngram: Some(1),
            minimum_length: 3,
            ..DecoderConfig::default()
        };
        for models in 0..2 {
            let others = vec![captioner(5); models];
            let found =
                self::search(&config).hypotheses(&captioner(2), &others, &features(0, SOURCES));
            for hypothesis in found.unwrap().concat() {
                assert_eq!(hypothesis.broken, ["minimum_length"], "{config}");
                assert!(hypothesis.words.len() <= 3 && hypothesis.words.ends_with(&[END]));
            }
        }
    }
    // Some samples end in a dead end and some do not: what is kept comes first.
    let config = DecoderConfig {
        samples: 40,
        search: SearchConfig::Sample(SamplingOptions::default()),
        no_repeat_ngram: Some(2),
        forbidden_words: all,
        minimum_length: 5,
        ..DecoderConfig::default()
    };
    let found = search(&config).hypotheses(&captioner(2), &[], &features(0, SOURCES));
    let kept = |h: &Hypothesis| h.broken.is_empty();
    for hypotheses in found.unwrap() {
        assert!(hypotheses.is_sorted_by_key(|h| !kept(h)));
    }
}

#[test]
fn forbidden_words_outside_the_vocabulary_forbid_nothing() {
    let ignored = DecoderConfig {
        bad_endings: vec!["octopus".to_owned()],
        forbidden_words: vec!["octopus".to_owned()],
        ..DecoderConfig::default()
    };
    let vocabulary = vocabulary();
    let rules = |config: &DecoderConfig| config.rules(7, &Words::of(&vocabulary));
    assert_eq!(rules(&ignored), rules(&DecoderConfig::default()));
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

/// Gives what it was told to, whatever the model says.
struct Told(Vec<Vec<Hypothesis>>);

impl CustomSearch for Told {
    fn search(
        &self,
        _model: &mut SearchModel<'_>,
        _sources: usize,
        _limits: &Limits,
        _rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<Hypothesis>>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.clone())
    }
}

/// The greedy search, as another crate would call it.
struct GreedyAgain;

impl CustomSearch for GreedyAgain {
    fn search(
        &self,
        mut model: &mut SearchModel<'_>,
        sources: usize,
        limits: &Limits,
        _rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<Hypothesis>>, Box<dyn Error + Send + Sync>> {
        let found = greedy_hypotheses(&mut model, (), sources, limits)?;
        Ok(found.into_iter().map(|caption| vec![caption]).collect())
    }
}

fn custom(name: &str) -> DecoderConfig {
    DecoderConfig {
        search: SearchConfig::Custom(CustomChoice {
            name: name.to_owned(),
            ..CustomChoice::default()
        }),
        ..DecoderConfig::default()
    }
}

#[test]
fn built_in_search_gives_the_same_captions_as_one_of_another_crate() {
    let mut registry = Registry::default();
    registry
        .searches
        .register("again", |_| Ok(Arc::new(GreedyAgain)));
    let (config, plain) = (custom("again"), DecoderConfig::default());
    let others = [captioner(2)];
    for others in [&[][..], &others] {
        let source = features(0, SOURCES);
        let found = search_with(&config, &registry).captions(&captioner(1), others, &source);
        let expected = search(&plain).captions(&captioner(1), others, &source);
        assert_eq!(found.unwrap(), expected.unwrap());
    }
}

#[test]
fn what_a_search_of_another_crate_gives_is_checked() {
    let caption = |words: &[u32], log_probability: f64| Hypothesis {
        words: words.to_vec(),
        log_probability,
        broken: Vec::new(),
    };
    let good = || vec![caption(&[2, 3, END], -1.0)];
    let all = |odd: Vec<Hypothesis>| {
        let mut all = vec![good(); SOURCES];
        all[SOURCES - 1] = odd;
        all
    };
    let vocab = vocabulary().len() as u32;
    for (told, expected) in [
        (vec![good(); SOURCES - 1], "captions of "),
        (all(Vec::new()), "no caption of source"),
        (all(vec![caption(&[], -1.0)]), "a caption of 0 words"),
        (all(vec![caption(&[2; 8], -1.0)]), "a caption of 8 words"),
        (all(vec![caption(&[END, 2], -1.0)]), "behind its end token"),
        (all(vec![caption(&[vocab], -1.0)]), "the word "),
        (
            all(vec![caption(&[2], f64::NAN)]),
            "the log-probability NaN",
        ),
        (all(good()), ""),
    ] {
        let mut registry = Registry::default();
        let told = Arc::new(Told(told));
        registry
            .searches
            .register("told", move |_| Ok(told.clone()));
        let config = custom("told");
        let mut search = search_with(&config, &registry);
        let found = search.captions(&captioner(2), &[], &features(0, SOURCES));
        match found {
            Ok(found) => assert_eq!((found.len(), expected), (SOURCES, "")),
            Err(error) => {
                let message = error.to_string();
                assert!(
                    !expected.is_empty() && message.contains(expected),
                    "{message}"
                );
            }
        }
    }
}
