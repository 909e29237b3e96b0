//! What a mixture makes of its parts: transforms, standardisation within sources, geometric means, and rewards that do
//! not apply to a caption.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use scst_reward::{
    Batch, Candidate, Combination, ImageReferences, MixtureScores, References, Reward, RewardEntry,
    RewardError, RewardMixture, RewardRegistry, RewardSources,
};
use serde::Deserialize;

/// Scores that are given beforehand, one per caption.
struct Given {
    name: String,
    scores: Vec<Option<f64>>,
}

impl Reward for Given {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> String {
        self.name.clone()
    }

    fn score(&mut self, _: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        // A caption to which it does not apply, taken for a score of 0.
        let scores = self.scores.iter();
        Ok(scores.map(|score| score.unwrap_or(0.0)).collect())
    }

    fn applicable_scores(&mut self, _: &Batch<'_>) -> Result<Vec<Option<f64>>, RewardError> {
        Ok(self.scores.clone())
    }
}

/// The same, which applies to every caption.
struct Counted(Given);

impl Reward for Counted {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> String {
        self.0.signature()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        self.0.score(batch)
    }
}

/// A part of a mixture: keys of its entry, and its scores.
type GivenPart<'a> = (&'a str, Vec<Option<f64>>);

fn entry(keys: &str, name: usize) -> RewardEntry {
    #[derive(Deserialize)]
    struct List {
        rewards: Vec<RewardEntry>,
    }
    let list = format!("[[rewards]]\n{keys}\ncustom = {{ name = \"r{name}\" }}\n");
    toml::from_str::<List>(&list).expect(keys).rewards.remove(0)
}

fn build(
    combination: Combination,
    parts: &[GivenPart<'_>],
    images: usize,
    has_nulls: bool,
) -> Result<RewardMixture, RewardError> {
    let mut registry = RewardRegistry::default();
    let mut entries = Vec::new();
    for (k, (keys, scores)) in parts.iter().enumerate() {
        entries.push(entry(keys, k));
        let scores = scores.clone();
        registry.register(format!("r{k}"), move |options, _| {
            let given = Given {
                name: options.name.clone(),
                scores: scores.clone(),
            };
            Ok(if has_nulls {
                Box::new(given)
            } else {
                Box::new(Counted(given))
            })
        });
    }
    let image = |k: usize| ImageReferences::new(k.to_string(), [vec![1, 0]], ["a".to_owned()]);
    let references = References::new(Some(0), (0..images).map(image).collect());
    let sources = RewardSources::new(Arc::new(references.expect("good references")));
    RewardMixture::build_combined(combination, &entries, &sources, &registry)
}

/// The scores of captions of these images.
fn score(
    combination: Combination,
    parts: &[GivenPart<'_>],
    images: &[usize],
) -> Result<MixtureScores, RewardError> {
    let count = images.iter().max().map_or(1, |most| most + 1);
    score_with(&mut build(combination, parts, count, true)?, images)
}

fn score_with(mixture: &mut RewardMixture, images: &[usize]) -> Result<MixtureScores, RewardError> {
    let captions = images.iter().map(|&image| Candidate {
        image,
        tokens: &[1, 0],
        text: "a dog",
    });
    mixture.score(&captions.collect::<Vec<_>>())
}

fn all(scores: &[f64]) -> Vec<Option<f64>> {
    scores.iter().copied().map(Some).collect()
}

fn close(found: &[f64], expected: &[f64]) -> bool {
    let pairs = found.iter().zip(expected);
    found.len() == expected.len() && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-9)
}

const SUM: Combination = Combination::Sum;
const MEAN: Combination = Combination::GeometricMean;

#[test]
fn transform_comes_before_standardisation_and_weight_and_leaves_raw_scores() {
    let raw = all(&[1.0, 2.0, 30.0]);
    let keys = "weight = 2.0\ntransform.clip = { high = 3.0 }\nstandardise = true";
    let scores = score(SUM, &[(keys, raw.clone())], &[0; 3]).expect("scores");
    assert_eq!(scores.parts[0].scores, raw);
    let root = 1.5_f64.sqrt();
    let expected = [-2.0 * root, 0.0, 2.0 * root];
    assert!(close(&scores.total, &expected), "{scores:?}");
    // Clipped afterwards, the scores of the first two would be another way apart.
    let unclipped = score(SUM, &[("standardise = true", raw)], &[0; 3]).expect("scores");
    assert!(!close(&unclipped.total, &expected.map(|total| total / 2.0)));
}

#[test]
fn entries_with_transforms_come_back_when_written_and_bad_ones_are_refused() {
    for keys in [
        "transform = { clip = { low = 0.0 } }",
        "transform = { clip = { low = 0.0, high = 1.0 } }",
        "transform = { sigmoid = { centre = 0.5, steepness = -2.0 } }",
        "transform = { step = { threshold = 1.0 } }\nstandardise = true\nstandardise_over = \"source\"",
    ] {
        let read = entry(keys, 0);
        assert!(read.problems().is_empty());
        let toml = toml::to_string(&read).expect("TOML");
        assert_eq!(toml::from_str::<RewardEntry>(&toml).expect(&toml), read);
        let json = serde_json::to_string(&read).expect("JSON");
        assert_eq!(
            serde_json::from_str::<RewardEntry>(&json).expect(&json),
            read
        );
    }
    let unknown = "transform = { clip = { lo = 0.0 } }\ncider_d = {}";
    let error = toml::from_str::<RewardEntry>(unknown).expect_err("unknown key");
    assert!(
        error.to_string().contains("lo, available keys: low, high"),
        "{error}"
    );
    let message = |keys| {
        let built = build(SUM, &[(keys, all(&[1.0]))], 1, true).map(|_| ());
        built.expect_err(keys).to_string()
    };
    assert_eq!(
        message("transform.step = { threshold = inf }"),
        "reward 0: transform.step.threshold: found inf, expected a finite number"
    );
    assert_eq!(
        message("standardise_over = \"source\""),
        "reward 0: standardise_over: found source, expected `standardise = true` beside it"
    );
}

#[test]
fn signature_tells_what_is_not_the_default() {
    let parts = [
        (
            "transform.sigmoid = { centre = 0.5, steepness = 2.0 }",
            all(&[]),
        ),
        (
            "weight = 0.5\nstandardise = true\nstandardise_over = \"source\"",
            all(&[]),
        ),
        (
            "self_critical = false\ntransform.clip = { high = 1.0 }",
            all(&[]),
        ),
        ("standardise = true", all(&[])),
    ];
    let signature = |combination, parts: &[GivenPart<'_>]| {
        let mixture = build(combination, parts, 1, true);
        mixture.expect("good entries").signature()
    };
    assert_eq!(
        signature(SUM, &parts),
        "1 * r0|transform:sigmoid|centre:0.5|steepness:2 + 0.5 * standardised per source r1 \
         + 1 * r2|transform:clip|high:1|baseline:none + 1 * standardised r3"
    );
    let parts = [("", all(&[])), ("weight = 0.5", all(&[]))];
    assert_eq!(signature(MEAN, &parts), "geometric_mean(1 * r0, 0.5 * r1)");
}

#[test]
fn sources_are_standardised_one_by_one() {
    let images = [0, 1, 0, 1, 2, 0, 2];
    let raw = all(&[1.0, 100.0, 2.0, 300.0, 0.1, 6.0, 0.1]);
    let keys = "standardise = true\nstandardise_over = \"source\"";
    let over_source = (keys, raw.clone());
    let total = score(SUM, &[over_source], &images).expect("scores").total;
    for image in 0..2 {
        let own = images.iter().zip(&total).filter(|(of, _)| **of == image);
        let own: Vec<f64> = own.map(|(_, total)| *total).collect();
        let count = own.len() as f64;
        let mean = own.iter().sum::<f64>() / count;
        let variance = own.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / count;
        assert!(
            mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12,
            "{own:?}"
        );
    }
    // Equal scores of a source are exactly 0.
    assert_eq!([total[4], total[6]], [0.0, 0.0]);
    // Over the batch, a source of low scores lies below 0 as a whole.
    let over_batch = score(SUM, &[("standardise = true", raw)], &images).expect("scores");
    assert!([0, 2, 5].iter().all(|&n| over_batch.total[n] < 0.0));
}

#[test]
fn caption_without_a_score_is_no_part_of_mean_and_deviation() {
    let images = [0, 0, 0, 1];
    let (with, without) = (
        vec![Some(5.0), Some(7.0), None, Some(1.0)],
        all(&[5.0, 7.0, 1.0]),
    );
    for over in ["batch", "source"] {
        let keys = format!("standardise = true\nstandardise_over = \"{over}\"");
        let part: [GivenPart<'_>; 1] = [(&keys, with.clone())];
        let found = score(SUM, &part, &images).expect("scores");
        let kept = score(SUM, &[(&keys, without.clone())], &[0, 0, 1]).expect("scores");
        let expected = [kept.total[0], kept.total[1], 0.0, kept.total[2]];
        assert_eq!(found.total, expected);
        assert_eq!(found.applies, [true, true, false, true]);
        // A null that counts as 0 moves the others.
        let mut counted = build(SUM, &part, 2, false).expect("a mixture");
        let counted = score_with(&mut counted, &images).expect("scores");
        assert!(!close(&counted.total, &expected), "{counted:?}");
    }
}

#[test]
fn caption_to_which_nothing_applies_is_told() {
    let parts = [
        ("", vec![None, Some(2.0), None]),
        ("self_critical = false", vec![None, None, Some(3.0)]),
    ];
    let scores = score(SUM, &parts, &[0, 0, 0]).expect("scores");
    assert_eq!(scores.total, [0.0, 2.0, 3.0]);
    assert_eq!(scores.self_critical, [0.0, 2.0, 0.0]);
    // What baselines are not computed from does not make up for what they are.
    assert_eq!(scores.applies, [false, true, false]);
    let alone = [("self_critical = false", vec![None, Some(3.0)])];
    let scores = score(SUM, &alone, &[0, 0]).expect("scores");
    assert_eq!(scores.applies, [false, true]);
    let parts = [("", vec![None, Some(2.0)]), ("", vec![None, None])];
    let scores = score(MEAN, &parts, &[0, 0]).expect("scores");
    assert_eq!(scores.total, [0.0, 2.0]);
    assert_eq!(scores.self_critical, scores.total);
    assert_eq!(scores.applies, [false, true]);
}

#[test]
fn geometric_mean_is_refused_where_it_has_no_meaning() {
    let problems = |json: &str| -> Vec<String> {
        let entry: RewardEntry = serde_json::from_str(json).expect(json);
        assert!(SUM.problems(&entry).is_empty());
        let problems = MEAN.problems(&entry);
        assert!(problems.iter().all(RewardError::is_mistake));
        problems.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        problems(r#"{"weight":0.0,"standardise":true,"self_critical":false,"length_penalty":{}}"#),
        [
            "weight: found 0, expected a number above 0 with `combine = \"geometric_mean\"`",
            "standardise: found true, expected false with `combine = \"geometric_mean\"`, since standardised scores are \
             negative, too",
            "self_critical: found false, expected true with `combine = \"geometric_mean\"`, of which no reward can be left \
             out for a baseline",
            "length_penalty: found scores of 0 or less, expected a `transform` to 0 or more beside it with `combine = \
             \"geometric_mean\"`",
        ]
    );
    let never_positive = [
        "word_error_rate",
        "phoneme_error_rate",
        "character_error_rate",
        "repetition_penalty",
        "length_penalty",
        "bad_ending_penalty",
    ];
    for key in never_positive {
        for (transform, count) in [
            ("null", 1),
            (r#"{"clip":{"low":-1.0}}"#, 1),
            (r#"{"clip":{"high":1.0}}"#, 1),
            (r#"{"clip":{"low":0.0}}"#, 0),
            (r#"{"step":{"threshold":-0.5}}"#, 0),
            (r#"{"sigmoid":{"centre":-1.0,"steepness":2.0}}"#, 0),
        ] {
            let json = format!(r#"{{"{key}":{{}},"transform":{transform}}}"#);
            assert_eq!(problems(&json).len(), count, "{json}");
        }
    }
    assert!(problems(r#"{"weight":0.5,"cider_d":{}}"#).is_empty());

    let refusal = build(MEAN, &[("weight = -1.0", all(&[]))], 1, true).map(|_| ());
    assert_eq!(
        refusal.expect_err("a weight").to_string(),
        "reward 0: weight: found -1, expected a number above 0 with `combine = \"geometric_mean\"`"
    );
    let mut mixture = build(MEAN, &[("", all(&[]))], 1, true).expect("a mixture");
    let own = Box::new(Given {
        name: "own".to_owned(),
        scores: Vec::new(),
    });
    assert!(mixture.add(0.0, own).is_err());
    let parts = [
        ("", all(&[1.0, 1.0])),
        ("transform.clip = { high = 2.0 }", all(&[5.0, -0.5])),
    ];
    let error = score(MEAN, &parts, &[0, 0]).expect_err("a negative score");
    assert!(!error.is_mistake());
    assert_eq!(
        error.to_string(),
        "reward r1: found -0.5 for the caption `a dog` of image 0, expected 0 or more with `combine = \"geometric_mean\"`"
    );
}

/// Weights and scores of some parts, each of which applies or does not, and the images of captions.
type Table = (Vec<f64>, Vec<Vec<(f64, bool)>>, Vec<usize>);

fn table() -> impl Strategy<Value = Table> {
    (1..4_usize, 1..8_usize).prop_flat_map(|(parts, captions)| {
        (
            vec(0.1..3.0, parts),
            vec(vec((0.0..2.0, any::<bool>()), captions), parts),
            vec(0..3_usize, captions),
        )
    })
}

proptest! {
    #[test]
    fn captions_are_rewarded_by_the_rewards_that_apply((weights, scores, images) in table()) {
        let keys: Vec<String> = weights.iter().map(|weight| format!("weight = {weight:?}")).collect();
        let given = |column: &Vec<(f64, bool)>| -> Vec<Option<f64>> {
            column.iter().map(|&(score, applies)| applies.then_some(score)).collect()
        };
        let parts: Vec<GivenPart<'_>> = keys.iter().map(String::as_str).zip(scores.iter().map(given)).collect();
        for combination in [SUM, MEAN] {
            let found = score(combination, &parts, &images).expect("scores");
            for caption in 0..images.len() {
                // The mixture of the rewards that apply, of this caption alone.
                let applying = parts.iter().filter_map(|(keys, scores)| Some((*keys, all(&[scores[caption]?]))));
                let applying: Vec<GivenPart<'_>> = applying.collect();
                prop_assert_eq!(found.applies[caption], !applying.is_empty());
                let alone = if applying.is_empty() {
                    0.0
                } else {
                    score(combination, &applying, &[0]).expect("scores").total[0]
                };
                prop_assert_eq!(found.total[caption], alone);
            }
        }
    }
}
