//! Configured lists of rewards, their messages and signatures, and a reward of another crate.

use std::sync::Arc;

use scst_reward::{
    Batch, Candidate, DocumentFrequency, ImageReferences, MixtureScores, PartScores, References,
    Reward, RewardEntry, RewardError, RewardMixture, RewardRegistry, RewardSources,
};
use serde::Deserialize;

const KEYS: &str = "cider_d, bleu, rouge_l, mixer_bleu, meteor, word_error_rate, phoneme_error_rate, character_error_rate, exact_match, chrf, sacrebleu, rouge_score, repetition_penalty, \
                    length_penalty, bad_ending_penalty, command, custom";

#[derive(Deserialize)]
struct Config {
    rewards: Vec<RewardEntry>,
}

fn entries(toml: &str) -> Vec<RewardEntry> {
    toml::from_str::<Config>(toml).expect("a good list").rewards
}

fn references() -> Arc<References> {
    let image = |id: &str, tokens: Vec<Vec<u32>>, texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        ImageReferences::new(id, tokens, texts)
    };
    let images = vec![
        image(
            "dog.jpg",
            vec![vec![1, 2, 3, 4, 0], vec![1, 2, 0]],
            &["a dog runs fast", "a dog"],
        ),
        image(
            "cat.jpg",
            vec![vec![1, 5, 6, 0], vec![5, 6, 0]],
            &["a cat sits", "cat sits"],
        ),
    ];
    Arc::new(References::new(Some(0), images).expect("good references"))
}

fn build(entries: &[RewardEntry]) -> Result<RewardMixture, RewardError> {
    let sources = RewardSources::new(references());
    RewardMixture::build(entries, &sources, &RewardRegistry::default())
}

fn build_error(toml: &str) -> String {
    build(&entries(toml))
        .map(|_| ())
        .expect_err("a bad list")
        .to_string()
}

/// The score of a caption, to which the reward applies.
fn of_caption(part: &PartScores, caption: usize) -> f64 {
    part.scores[caption].expect("a score")
}

#[test]
fn total_is_the_weighted_sum_when_several_rewards_are_listed() {
    let list = "[[rewards]]\ncider_d = {}\n[[rewards]]\nweight = 0.5\nbleu = { order = 2 }\n[[rewards]]\nweight = -2.0\nrouge_l = {}\n";
    let mut mixture = build(&entries(list)).expect("a good list");
    let candidates = [
        Candidate {
            image: 0,
            tokens: &[1, 2, 3, 0],
            text: "a dog runs",
        },
        Candidate {
            image: 1,
            tokens: &[5, 6, 0],
            text: "cat sits",
        },
        Candidate {
            image: 0,
            tokens: &[1, 2, 3, 0],
            text: "a dog runs",
        },
    ];
    let scores = mixture.score(&candidates).expect("known images");
    let names: Vec<_> = scores
        .parts
        .iter()
        .map(|part| (part.name.as_str(), part.weight))
        .collect();
    assert_eq!(
        names,
        [("cider_d", 1.0), ("bleu_2", 0.5), ("rouge_l", -2.0)]
    );
    for caption in 0..3 {
        let sum: f64 = scores
            .parts
            .iter()
            .map(|part| part.weight * of_caption(part, caption))
            .sum();
        assert_eq!(scores.total[caption], sum);
        assert!(scores.applies[caption]);
        assert!(
            scores
                .parts
                .iter()
                .all(|part| of_caption(part, caption) > 0.0),
            "{scores:?}"
        );
    }
    assert_eq!(scores.total[0], scores.total[2]);
    assert_ne!(scores.total[0], scores.total[1]);
}

#[test]
fn signature_names_every_choice_when_printed() {
    let list = "[[rewards]]\ncider_d = {}\n[[rewards]]\nweight = 0.5\nbleu = {}\n[[rewards]]\nrouge_l = { beta = 1.0 }\n";
    let mixture = build(&entries(list)).expect("a good list");
    let frequency = DocumentFrequency::from_references(&references()).expect("some images");
    let (table, version) = (frequency.signature(), env!("CARGO_PKG_VERSION"));
    assert_eq!(
        mixture.signature(),
        format!(
            "1 * cider_d|n:4|sigma:6|scale:10|df:{table}|nrefs:2|end:0|version:{version} \
             + 0.5 * bleu|n:4|length:closest|tiny:1e-15|small:1e-9|nrefs:2|end:0|version:{version} \
             + 1 * rouge_l|beta:1|nrefs:2|end:0|version:{version}"
        )
    );
}

#[test]
fn build_names_entry_and_value_when_the_list_is_bad() {
    assert_eq!(
        build_error("rewards = []"),
        "found no reward, expected at least one"
    );
    assert_eq!(
        build_error("[[rewards]]\ncider_d = {}\n[[rewards]]\nweight = 2.0\n"),
        format!("reward 1: found no reward, expected exactly one of {KEYS}")
    );
    assert_eq!(
        build_error("[[rewards]]\ncider_d = {}\nrouge_l = {}\n"),
        format!("reward 0: found cider_d and rouge_l, expected exactly one of {KEYS}")
    );
    assert_eq!(
        build_error("[[rewards]]\nweight = nan\ncider_d = {}\n"),
        "reward 0: weight: found NaN, expected a finite number"
    );
    assert_eq!(
        build_error("[[rewards]]\ncider_d = { sigma = 0.0 }\n"),
        "reward 0: cider_d.sigma: found 0, expected a finite number above 0"
    );
    assert_eq!(
        build_error("[[rewards]]\nbleu = { order = 5 }\n"),
        "reward 0: bleu.order: found 5, expected 1, 2, 3 or 4"
    );
    assert_eq!(
        build_error("[[rewards]]\nrouge_l = { beta = -1.0 }\n"),
        "reward 0: rouge_l.beta: found -1, expected a number from 0 to 1e6"
    );
    assert_eq!(
        build_error("[[rewards]]\nbleu = {}\n[[rewards]]\nbleu = { order = 4 }\n"),
        "reward 1: found reward bleu_4 twice, expected each once"
    );
}

#[test]
fn problems_are_all_listed_when_an_entry_has_several() {
    let entry = &entries("[[rewards]]\nweight = inf\ncider_d = { sigma = -1.0, scale = 0.0 }\n")[0];
    let problems: Vec<_> = entry.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "cider_d.sigma: found -1, expected a finite number above 0",
            "cider_d.scale: found 0, expected a finite number above 0",
            "weight: found inf, expected a finite number",
        ]
    );
}

#[test]
fn parsing_fails_when_a_key_is_unknown() {
    for toml in [
        "[[rewards]]\nspice = {}\n",
        "[[rewards]]\ncider_d = { sigm = 6.0 }\n",
    ] {
        let error = toml::from_str::<Config>(toml)
            .map(|_| ())
            .expect_err("an unknown key")
            .to_string();
        assert!(error.contains("unknown field"), "{error}");
    }
}

#[test]
fn entries_come_back_when_written_as_toml() {
    let list = entries("[[rewards]]\nweight = 0.25\nbleu = { order = 3 }\n");
    let written = toml::to_string(&list[0]).expect("plain values");
    assert_eq!(
        toml::from_str::<RewardEntry>(&written).expect("the same entry"),
        list[0]
    );
}

#[test]
fn build_fails_when_frequencies_lack_the_end_token() {
    let mut builder = DocumentFrequency::builder();
    builder.add_image([[1, 2, 3]].iter());
    let frequency = Arc::new(builder.build().expect("one image"));
    let list = entries("[[rewards]]\ncider_d = {}\n");
    let sources = RewardSources::new(references());
    let sources = sources.with_frequency(frequency);
    let error = RewardMixture::build(&list, &sources, &RewardRegistry::default())
        .map(|_| ())
        .expect_err("no end token");
    assert_eq!(
        error.to_string(),
        "reward 0: found no end token 0 in the document frequencies, \
         expected captions that end with it, as the references do"
    );
}

/// Counts the words that the references of the caption's image hold too, or returns what it is told to.
struct SharedWords {
    forced: Option<Vec<f64>>,
}

impl Reward for SharedWords {
    fn name(&self) -> &'static str {
        "shared_words"
    }

    fn signature(&self) -> String {
        "shared_words".to_owned()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        if let Some(forced) = &self.forced {
            return Ok(forced.clone());
        }
        let score = |(candidate, image): (&Candidate<'_>, &ImageReferences)| {
            let held = |word: &&str| {
                image
                    .texts
                    .iter()
                    .any(|text| text.split(' ').any(|other| other == *word))
            };
            candidate.text.split(' ').filter(held).count() as f64
        };
        Ok(batch.iter().map(score).collect())
    }
}

fn shared_words(forced: Option<Vec<f64>>) -> Result<Vec<f64>, RewardError> {
    let mut mixture = RewardMixture::new(references());
    mixture.add(2.0, Box::new(SharedWords { forced }))?;
    let candidates = [
        Candidate {
            image: 0,
            tokens: &[1, 2, 0],
            text: "a dog",
        },
        Candidate {
            image: 1,
            tokens: &[1, 2, 0],
            text: "a dog",
        },
    ];
    Ok(mixture.score(&candidates)?.total)
}

#[test]
fn foreign_reward_sees_words_and_references_when_it_scores() {
    assert_eq!(shared_words(None).expect("good scores"), [4.0, 2.0]);
}

#[test]
fn score_fails_when_a_foreign_reward_misbehaves() {
    let message = |forced| {
        shared_words(Some(forced))
            .expect_err("bad scores")
            .to_string()
    };
    assert_eq!(
        message(vec![1.0]),
        "reward shared_words: found 1 scores, expected 2, one per caption"
    );
    assert_eq!(
        message(vec![1.0, f64::NAN]),
        "reward shared_words: caption 1 of image cat.jpg: found score NaN, expected a finite number"
    );
    assert_eq!(
        message(vec![f64::MAX, 1.0]),
        "reward shared_words: found 1.7976931348623157e308 for the caption `a dog` of image dog.jpg, expected a number whose \
         sum with weight 2.0 is finite"
    );
}

#[test]
fn score_fails_when_no_reward_was_added() {
    let error = RewardMixture::new(references())
        .score(&[])
        .expect_err("no reward");
    assert_eq!(error.to_string(), "found no reward, expected at least one");
}

/// Three captions of the dog and one of the cat.
const CANDIDATES: [Candidate<'_>; 4] = [
    candidate(0, &[1, 2, 3, 0]),
    candidate(0, &[1, 2, 0]),
    candidate(0, &[4, 4, 4, 4]),
    candidate(1, &[5, 6, 0]),
];

const fn candidate(image: usize, tokens: &[u32]) -> Candidate<'_> {
    let text = "a dog";
    Candidate {
        image,
        tokens,
        text,
    }
}

fn scores(toml: &str) -> MixtureScores {
    let mut mixture = build(&entries(toml)).expect("a good list");
    mixture.score(&CANDIDATES).expect("known images")
}

#[test]
fn total_has_mean_zero_and_deviation_one_when_its_part_is_standardised() {
    let raw = scores("[[rewards]]\nrouge_l = {}\n").total;
    let weighted = scores("[[rewards]]\nweight = 2.0\nstandardise = true\nrouge_l = {}\n");
    for (caption, score) in raw.iter().enumerate() {
        assert_eq!(of_caption(&weighted.parts[0], caption), *score);
    }
    let count = raw.len() as f64;
    let mean = raw.iter().sum::<f64>() / count;
    let variance = raw.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count;
    for (total, score) in weighted.total.iter().zip(&raw) {
        let expected = 2.0 * (score - mean) / variance.sqrt();
        assert!((total - expected).abs() < 1e-12, "{total} {expected}");
    }
    let equal = "[[rewards]]\nstandardise = true\nbad_ending_penalty = {}\n";
    assert_eq!(scores(equal).total, [0.0; 4]);
    let none = build(&entries(equal)).expect("a good list").score(&[]);
    assert_eq!(none.expect("no captions").total, [0.0; 0]);
}

#[test]
fn baselines_see_only_self_critical_parts_when_some_are_not() {
    let list = "[[rewards]]\ncider_d = {}\n[[rewards]]\nweight = 0.5\nself_critical = false\n\
                length_penalty = { minimum = 3, maximum = 3 }\n";
    let scores = scores(list);
    for caption in 0..CANDIDATES.len() {
        let parts = [0, 1].map(|part: usize| of_caption(&scores.parts[part], caption));
        assert_eq!(scores.self_critical[caption], parts[0]);
        assert_eq!(scores.total[caption], parts[0] + 0.5 * parts[1]);
    }
    let signature = build(&entries(list)).expect("a good list").signature();
    assert!(signature.contains("0.5 * length_penalty|"), "{signature}");
    assert!(signature.ends_with("|baseline:none"), "{signature}");
}

#[test]
fn custom_reward_gets_its_options_when_it_is_registered() {
    let mut registry = RewardRegistry::default();
    registry.register("constant", |entry, sources| {
        let value = entry
            .options
            .get("value")
            .and_then(serde_json::Value::as_f64);
        assert_eq!(sources.references().images().len(), 2);
        let forced = Some(vec![value.unwrap_or(1.0); CANDIDATES.len()]);
        Ok(Box::new(SharedWords { forced }))
    });
    let sources = RewardSources::new(references());
    let list =
        entries("[[rewards]]\ncustom = { name = \"constant\", options = { value = 0.25 } }\n");
    let mut mixture = RewardMixture::build(&list, &sources, &registry).expect("a good list");
    let scores = mixture.score(&CANDIDATES).expect("known images");
    assert_eq!(scores.total, [0.25; 4]);

    let list = entries("[[rewards]]\ncustom = { name = \"constnat\" }\n");
    let message = |registry| {
        let built = RewardMixture::build(&list, &sources, registry).map(|_| ());
        built.expect_err("an unknown name").to_string()
    };
    assert_eq!(
        message(&registry),
        "reward 0: custom.name: found `constnat`, expected a registered reward: constant"
    );
    assert_eq!(
        message(&RewardRegistry::default()),
        "reward 0: custom.name: found `constnat`, expected a registered reward: none is"
    );
    assert_eq!(
        build_error("[[rewards]]\ncustom = {}\n"),
        "reward 0: custom.name: found \"\", expected the name of a registered reward"
    );
}
