//! Differences of given resamples against NumPy and sacrebleu, and wrong variants that fail.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use scst_reward::{CorpusCounts, Item, ReportMetric, TextMetric, evaluate_raw_text};
use scst_significance::{Comparison, Counts, Draw, percentile};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/compare.json")).unwrap()
}

fn numbers<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// How many times each of `n` was drawn.
fn times(indices: &[usize], n: usize) -> Vec<u32> {
    let mut times = vec![0; n];
    for &index in indices {
        times[index] += 1;
    }
    times
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(error < TOLERANCE, "{what}: {found}, expected {expected}");
    }
}

/// The scores of `scripts/reference/compare.py`.
fn scores(sum: &[f64]) -> Vec<f64> {
    vec![sum[1] / sum[0], (sum[2] / sum[3]).sqrt()]
}

fn sides(fixture: &Value) -> [Vec<Counts>; 2] {
    ["a", "b"].map(|side| {
        let runs: Vec<Vec<f64>> = numbers(&fixture[side]);
        let runs = runs.into_iter().map(|run| Counts::new(4, run).unwrap());
        runs.collect()
    })
}

#[test]
fn resamples_and_intervals_are_those_of_numpy() {
    let fixture = fixture();
    for name in ["one_run", "three_runs"] {
        let fixture = &fixture[name];
        let [a, b] = sides(fixture);
        let comparison = Comparison::new(&a, &b, &scores).unwrap();
        let expected: Vec<Vec<f64>> = numbers(&fixture["differences"]);
        let draws = fixture["draws"].as_array().unwrap();
        let mut found = Vec::new();
        for (draw, expected) in draws.iter().zip(&expected) {
            let of = |key: &str, n: usize| times(&numbers::<Vec<usize>>(&draw[key]), n);
            let draw = Draw {
                sources: of("sources", a[0].sources()),
                a: of("a", a.len()),
                b: of("b", b.len()),
            };
            found.push(comparison.resampled(&draw));
            assert_close(found.last().unwrap(), expected, name);
        }
        let intervals: Vec<Vec<f64>> = numbers(&fixture["intervals"]);
        for (metric, expected) in intervals.iter().enumerate() {
            let mut of_metric: Vec<f64> = found.iter().map(|found| found[metric]).collect();
            of_metric.sort_by(f64::total_cmp);
            let interval = [0.025, 0.975].map(|share| percentile(&of_metric, share));
            assert_close(&interval, expected, name);
        }
    }
}

#[test]
fn exchanges_are_those_of_numpy() {
    let fixture = &fixture()["one_run"];
    let [a, b] = sides(fixture);
    let comparison = Comparison::new(&a, &b, &scores).unwrap();
    let swaps: Vec<Vec<bool>> = numbers(&fixture["swaps"]);
    let expected: Vec<Vec<f64>> = numbers(&fixture["swapped"]);
    for (swap, expected) in swaps.iter().zip(&expected) {
        assert_close(&comparison.swapped(swap), expected, "swapped");
    }
}

/// The texts of the fixture, counted by the metrics that sacrebleu has too.
struct Texts {
    metrics: Vec<TextMetric>,
    a: CorpusCounts,
    b: CorpusCounts,
    /// Scores of single captions, by side.
    sentences: [Vec<f64>; 2],
    indices: Vec<Vec<usize>>,
}

impl Texts {
    fn new(fixture: &Value) -> Self {
        let fixture = &fixture["texts"];
        let references: Vec<Vec<String>> = numbers(&fixture["references"]);
        let metrics = vec![
            TextMetric::Sacrebleu,
            TextMetric::Chrf,
            TextMetric::ChrfPlusPlus,
        ];
        let captions = ["a", "b"].map(|side| numbers::<Vec<String>>(&fixture[side]));
        let items = |captions: &'_ [String]| {
            let items = captions.iter().zip(&references);
            items
                .map(|(candidate, references)| (candidate.clone(), references.clone()))
                .collect::<Vec<_>>()
        };
        let of_side = |captions: &[String]| {
            let owned = items(captions);
            let items: Vec<Item<'_, str, String>> = owned
                .iter()
                .map(|(candidate, references)| Item {
                    candidate: candidate.as_str(),
                    references,
                })
                .collect();
            let counts = CorpusCounts::of_text(&items, &items, &metrics).unwrap();
            let alone = evaluate_raw_text(&items, &metrics).unwrap().captions;
            let alone = alone.iter().map(|s| s.get(TextMetric::Sacrebleu).unwrap());
            (counts, alone.collect::<Vec<f64>>())
        };
        let [(a, of_a), (b, of_b)] = captions.map(|side| of_side(&side));
        Self {
            metrics,
            a,
            b,
            sentences: [of_a, of_b],
            indices: numbers(&fixture["indices"]),
        }
    }

    fn counts(counts: &CorpusCounts) -> [Counts; 1] {
        let rows = counts.rows();
        [Counts::new(rows[0].len(), rows.concat()).unwrap()]
    }
}

fn expected(fixture: &Value, metric: TextMetric) -> Vec<f64> {
    numbers(&fixture["texts"]["differences"][metric.name()])
}

#[test]
fn summed_counts_of_resamples_are_those_of_sacrebleu() {
    let fixture = fixture();
    let texts = Texts::new(&fixture);
    let (a, b) = (Texts::counts(&texts.a), Texts::counts(&texts.b));
    let scores = |sum: &[f64]| texts.a.scores(sum);
    let comparison = Comparison::new(&a, &b, &scores).unwrap();
    let places: Vec<ReportMetric> = texts.a.metrics();
    for &metric in &texts.metrics {
        let wanted = ReportMetric::Text(metric);
        let place = places.iter().position(|&m| m == wanted).unwrap();
        let expected = expected(&fixture, metric);
        for (indices, expected) in texts.indices.iter().zip(expected) {
            let draw = Draw {
                sources: times(indices, a[0].sources()),
                a: vec![1],
                b: vec![1],
            };
            let found = comparison.resampled(&draw)[place];
            assert_close(&[found], &[expected], metric.name());
        }
    }
}

#[test]
fn unpaired_resamples_and_means_of_sentences_are_others() {
    let fixture = fixture();
    let texts = Texts::new(&fixture);
    let (a, b) = (Texts::counts(&texts.a), Texts::counts(&texts.b));
    let scores = |sum: &[f64]| texts.a.scores(sum);
    let bleu = ReportMetric::Text(TextMetric::Sacrebleu);
    let place = texts.a.metrics().iter().position(|&m| m == bleu).unwrap();
    let expected = expected(&fixture, TextMetric::Sacrebleu);
    let of_side = |side: &[Counts], indices: &[usize]| {
        // A side against itself, drawn alone: its resampled score.
        let none =
            [Counts::new(side[0].width(), vec![0.0; a[0].sources() * side[0].width()]).unwrap()];
        let comparison = Comparison::new(&none, side, &scores).unwrap();
        let draw = Draw {
            sources: times(indices, a[0].sources()),
            a: vec![1],
            b: vec![1],
        };
        comparison.resampled(&draw)[place]
    };
    let n = texts.indices.len();
    let deviation = |differences: &[f64]| {
        let mean = differences.iter().sum::<f64>() / n as f64;
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        (squares / n as f64).sqrt()
    };
    let paired: Vec<f64> = (0..n)
        .map(|k| of_side(&b, &texts.indices[k]) - of_side(&a, &texts.indices[k]))
        .collect();
    assert_close(&paired, &expected, "paired");
    let unpaired: Vec<f64> = (0..n)
        .map(|k| of_side(&b, &texts.indices[k]) - of_side(&a, &texts.indices[(k + 1) % n]))
        .collect();
    assert!(deviation(&unpaired) > 1.1 * deviation(&paired));
    let means: Vec<f64> = texts
        .indices
        .iter()
        .map(|indices| {
            let [a, b] = [0, 1].map(|side: usize| {
                let scores = indices.iter().map(|&k| texts.sentences[side][k]);
                scores.sum::<f64>() / indices.len() as f64
            });
            b - a
        })
        .collect();
    let apart = means.iter().zip(&expected).map(|(m, e)| (m - e).abs());
    assert!(apart.fold(0.0, f64::max) > 1e-3);
}
