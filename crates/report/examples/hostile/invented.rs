//! Invented runs whose names, captions and configurations try to become markup or script.

use scst_report::{
    Caption, Change, Estimate, Metric, Names, Output, Picture, Record, RecordKind, Report, Run,
    Sampled, Samples, Source, Stage,
};

/// What says something on the console, or ends a script, where it is not escaped.
pub(crate) const HOSTILE: [&str; 6] = [
    "<script>console.error(1)</script>",
    "</script><img src=x onerror=console.error(2)>",
    "\"'><b>bold",
    "<!--<script>",
    "]]>&lt;&amp;\\u003c",
    "{{ report }} {% raw %} ${x} `x`",
];

/// A red point.
const POINT: &[u8] = include_bytes!("point.png");

fn caption(run: usize, source: usize, improves: bool) -> Caption {
    let nouns = ["dog", "cat", "man", "surfer", "child"];
    let mut text = format!("a {} on a", nouns[source % nouns.len()]);
    if improves {
        text += [" beach", " bench", ""][source % 3];
    }
    if source < HOSTILE.len() {
        text = format!("{} {text}", HOSTILE[source]);
    }
    let score = (source * 37 % 100) as f64 / 50.0;
    let gain = if improves {
        ((source * 13 + run * 3) % 7) as f64 / 10.0 - 0.2
    } else {
        0.0
    };
    Caption {
        text,
        scores: vec![score + gain, 0.3 + gain / 4.0],
        is_cut_off: source.is_multiple_of(11),
    }
}

fn records(seed: u64) -> Vec<Record> {
    let mut records = Vec::new();
    for step in 1..=60_u64 {
        let x = step as f64;
        let stage = if step <= 30 { "xe" } else { "scst</script>" };
        let values = if step <= 30 {
            vec![("loss", 9.0 / x), ("entropy", 3.0 / x.sqrt())]
        } else {
            let reward = 1.0 + x / 100.0 + seed as f64 / 50.0;
            vec![
                ("loss", -0.1),
                ("reward", reward),
                ("baseline", reward - 0.1),
                ("reward_cider_d", reward - 0.2),
                ("reward_bleu", 0.2),
                ("reward_spread", 0.3),
                ("zero_advantage_share", 0.05),
                ("gradient_norm", 1.0 + (x / 5.0).sin()),
                ("step_secs", 0.2),
                ("rollout_secs", 0.1),
            ]
        };
        let owned = |values: Vec<(&str, f64)>| {
            let owned = values.into_iter();
            owned
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        };
        records.push(Record {
            step,
            stage: stage.to_owned(),
            kind: RecordKind::Train,
            values: owned(values),
        });
        if step % 10 == 0 {
            let score = x.ln() / 4.0 + seed as f64 / 40.0;
            records.push(Record {
                step,
                stage: stage.to_owned(),
                kind: RecordKind::Validation,
                values: owned(vec![
                    ("cider_d", score),
                    ("bleu_4", score / 4.0),
                    ("mean_length", 9.0),
                    ("distinct_captions", 20.0 + x),
                ]),
            });
        }
    }
    records
}

fn run(place: usize, name: &str, seeds: u64) -> Run {
    let output = |label: &str, improves: bool| Output {
        label: label.to_owned(),
        estimates: vec![
            Estimate {
                value: 0.98,
                interval: [0.91, 1.04],
            };
            2
        ],
        captions: (0..120)
            .map(|source| caption(place, source, improves))
            .collect(),
    };
    let change = |difference: f64| Change {
        difference,
        interval: [difference - 0.02, difference + 0.03],
        p: 0.0001,
        is_told_apart: difference.abs() > 0.03,
    };
    Run {
        name: name.to_owned(),
        configuration: format!("name = \"{}\"\n# {}\nseed = 1\n", HOSTILE[1], HOSTILE[3]),
        decoder: "greedy".to_owned(),
        signatures: vec![("metrics".to_owned(), HOSTILE[4].to_owned())],
        warnings: vec![format!("stage `{}` made captions worse", HOSTILE[0])],
        stages: vec![Stage {
            name: HOSTILE[2].to_owned(),
            kind: "xe".to_owned(),
            steps: 30,
            seconds: 75.0,
            start: None,
            best: Some((30, 0.85)),
            last: Some(0.85),
        }],
        seeds: (0..seeds).map(records).collect(),
        outputs: vec![output("xe", false), output("scst</script>", true)],
        change: vec![change(0.14), change(-0.01)],
        against_first: Vec::new(),
        samples: vec![Samples {
            source: HOSTILE[0].to_owned(),
            captions: vec![Sampled {
                words: vec![("a".to_owned(), 0.2), (HOSTILE[1].to_owned(), -0.4)],
                reward: 1.0,
            }],
        }],
    }
}

/// Two runs, one of three seeds, or the first of them alone.
pub(crate) fn report(is_single: bool) -> Report {
    let metric = |name: &str, label: &str| Metric {
        name: name.to_owned(),
        label: label.to_owned(),
        smaller_is_better: false,
    };
    let source = |k: usize| Source {
        name: HOSTILE
            .get(k)
            .map_or_else(|| format!("{k}.jpg"), |&name| name.to_owned()),
        text: None,
        references: vec![
            HOSTILE[k % HOSTILE.len()].to_owned(),
            "a dog on a beach".to_owned(),
        ],
        picture: k.is_multiple_of(2).then(|| Picture {
            media_type: "image/png",
            bytes: POINT.to_vec(),
        }),
        attention: (k < 2).then(|| Picture {
            media_type: "image/png",
            bytes: POINT.to_vec(),
        }),
    };
    let mut runs = vec![run(0, "runs/first", 1)];
    if !is_single {
        runs.push(run(1, HOSTILE[1], 3));
        let change = runs[1].change.clone();
        runs[1].against_first = change;
    }
    Report {
        title: format!("first {}", HOSTILE[0]),
        split: "val".to_owned(),
        names: Names {
            source: "image".to_owned(),
            sources: "images".to_owned(),
            target: "caption".to_owned(),
            targets: "captions".to_owned(),
        },
        metrics: vec![metric("cider_d", "CIDEr-D"), metric("bleu_4", "BLEU-4")],
        main_metric: 0,
        sources: (0..120).map(source).collect(),
        runs,
        bad_endings: vec!["a".to_owned(), "on".to_owned()],
        level: 0.95,
        resamples: 1000,
    }
}
