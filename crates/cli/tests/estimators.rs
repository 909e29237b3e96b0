//! `scst estimators`: what it prints, and that it tells estimators with bias from those without; of a toy, exactly.

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Workplace;

#[test]
fn estimators_differ_from_the_reference_by_noise_unless_they_are_scaled() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--set", "stages.1.epochs=1"]);
    let arguments = "estimators config.toml --checkpoint runs/tiny --images 3 --samples 2,4 \
                     --draws 150 --reference-draws 300 --json";
    let printed = workplace.succeed(&arguments.split_whitespace().collect::<Vec<_>>());
    let reports: Vec<Value> = serde_json::from_str(&printed).expect("a JSON list");
    assert_eq!(reports.len(), 12);
    for report in &reports {
        let number = |name: &str| report[name].as_f64().expect("a number");
        let (bias, noise) = (number("bias"), number("noise"));
        assert!(
            number("variance") > 0.0 && number("cosine") > 0.0,
            "{report}"
        );
        if report["estimator"] == "mean" {
            // The gradient of n samples is scaled by (n - 1) / n.
            let expected = 1.0 / number("samples");
            assert!((bias - expected).abs() < 2.0 * noise + 0.1, "{report}");
        } else {
            assert!(bias < 2.0 * noise, "{report}");
        }
    }
    // Twice the samples, half the variance.
    let variance = |samples: u64| {
        let mut found = reports
            .iter()
            .filter(|report| report["estimator"] == "none");
        let found = found.find(|report| report["samples"] == samples);
        found.expect("a report")["variance"]
            .as_f64()
            .expect("a number")
    };
    let ratio = variance(2) / variance(4);
    assert!((1.5..2.7).contains(&ratio), "{ratio}");
    let table = workplace.succeed(&[
        "estimators",
        "config.toml",
        "--checkpoint",
        "runs/tiny",
        "--samples",
        "2",
        "--draws",
        "2",
        "--reference-draws",
        "2",
        "--picture",
        "picture.svg",
    ]);
    assert_eq!(table.lines().count(), 8, "{table}");
    let picture = workplace.text("picture.svg");
    assert!(picture.contains("moving average") && picture.contains("2 samples"));
    let message = workplace.refuse(
        2,
        &[
            "estimators",
            "config.toml",
            "--checkpoint",
            "runs/tiny",
            "--samples",
            "1",
        ],
    );
    assert!(
        message.contains("samples: found 1, expected 2 or more"),
        "{message}"
    );
}

#[test]
fn objectives_are_those_that_are_asked_for() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--set", "stages.1.epochs=1"]);
    let measure = |objectives: &str| {
        let arguments = "estimators config.toml --checkpoint runs/tiny --images 2 --samples 3 --draws 3 \
                         --reference-draws 4 --json --objectives";
        let arguments: Vec<&str> = arguments.split_whitespace().chain([objectives]).collect();
        workplace.run(&arguments)
    };
    let asked = ["energy_weighted", "group", "prefix", "rollouts", "dpo"];
    let output = measure(&asked.join(","));
    let reports: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a JSON list");
    let names = reports.iter().map(|report| report["estimator"].as_str());
    assert!(names.eq(asked.map(Some)), "{reports:?}");
    for report in &reports {
        // Not the scale of the policy gradient, nor that of the next.
        assert!(report["scale"].as_f64() != Some(1.0), "{report}");
        assert!(report["cosine"].as_f64() > Some(-1.0), "{report}");
    }
    let output = measure("group,grpo");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("grpo") && message.contains("minimum_risk"),
        "{message}"
    );
}

#[test]
fn estimators_are_those_of_the_stage_or_the_key_is_named() {
    let workplace = Workplace::new();
    let hard = "[model.show_attend_tell]\nattention = \"hard\"\nhidden = 24";
    let config = workplace.text("config.toml");
    let config = config.replace("[model.fc]\nhidden = 24", hard).replace(
        "features.npy = { path = \"features.npy\" }",
        "features.folder = { path = \"regions\" }",
    );
    workplace.write("config.toml", config.as_bytes());
    workplace.succeed(&["train", "config.toml", "--set", "stages.1.epochs=1"]);
    let run = |more: &[&str]| {
        let arguments = "estimators config.toml --checkpoint runs/tiny --images 2 --samples 2 \
                         --draws 2 --reference-draws 2 --json";
        let arguments: Vec<&str> = arguments
            .split_whitespace()
            .chain(more.iter().copied())
            .collect();
        let output = workplace.run(&arguments);
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        let reports: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let variances = reports.iter().map(|report| report["variance"].as_f64());
        (output.status.code(), variances.collect::<Vec<_>>(), errors)
    };
    // Where the regions are drawn, what they learn from is part of the gradient.
    let always = "stages.1.hard_attention.sampling_probability=1.0";
    let (code, drawn, errors) = run(&["--set", always]);
    assert_eq!((code, drawn.len()), (Some(0), 6), "{errors}");
    let weightless = "stages.1.hard_attention.reward_weight=0.0";
    let (_, without, _) = run(&["--set", always, "--set", weightless]);
    assert_ne!(drawn, without);
    let (code, _, errors) = run(&["--set", "stages.1.scst.kl_weight=0.5"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(
        errors.contains("key `stages.1.scst.kl_weight`: found 0.5, expected 0"),
        "{errors}"
    );
}

/// Cosine, bias after the best scaling, and variance over the squared mean.
type Figures = [f64; 3];

/// Every group of 2 and of 4 samples of the toy, enumerated by a program in numpy that shares nothing with this one.
const TOY: [(&str, &str, Figures, Figures); 9] = [
    ("none", "none", [1.0, 0.0, 13.45], [1.0, 0.0, 6.72]),
    (
        "leave_one_out",
        "leave-one-out",
        [1.0, 0.0, 7.54],
        [1.0, 0.0, 2.43],
    ),
    ("mean", "mean", [1.0, 0.0, 7.54], [1.0, 0.0, 2.43]),
    (
        "mean_per_deviation",
        "mean, per deviation (GRPO)",
        [0.829, 0.674, 8.89],
        [0.846, 0.630, 2.63],
    ),
    (
        "length_weighted_mean",
        "length-weighted mean (OPO)",
        [0.991, 0.133, 5.95],
        [0.998, 0.070, 2.15],
    ),
    (
        "length_weighted_mean_of_others",
        "length-weighted mean of others",
        [1.0, 0.0, 7.54],
        [1.0, 0.0, 2.48],
    ),
    (
        "energy_weighted_mean",
        "energy-weighted mean (OTB)",
        [0.988, 0.158, 5.70],
        [0.996, 0.092, 2.08],
    ),
    (
        "energy_weighted_mean_of_others",
        "energy-weighted mean of others",
        [1.0, 0.0, 7.54],
        [1.0, 0.0, 2.58],
    ),
    (
        "leave_one_out_per_length",
        "leave-one-out, per own length",
        [0.954, 0.314, 4.45],
        [0.954, 0.314, 1.37],
    ),
];

#[test]
fn toy_has_the_numbers_of_every_group() {
    let workplace = Workplace::new();
    let begin = Instant::now();
    let table = workplace.succeed(&["estimators", "--toy"]);
    assert!(begin.elapsed() < Duration::from_secs(5));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2 + TOY.len(), "{table}");
    assert!(lines.iter().all(|line| line.len() <= 80), "{table}");
    for ((_, name, two, four), line) in TOY.iter().zip(&lines[2..]) {
        let numbers = line.strip_prefix(name).expect("the name of the estimator");
        let expected = [two, four].map(|[cosine, bias, variance]| {
            [
                format!("{cosine:.3}"),
                format!("{bias:.3}"),
                format!("{variance:.2}"),
            ]
        });
        let found: Vec<&str> = numbers.split_whitespace().collect();
        assert_eq!(found, expected.concat(), "{line}");
    }

    let printed = workplace.succeed(&["estimators", "--toy", "--json"]);
    let reports: Vec<Value> = serde_json::from_str(&printed).expect("a JSON list");
    assert_eq!(reports.len(), 2 * TOY.len());
    let each = TOY
        .iter()
        .flat_map(|(name, _, two, four)| [(name, 2, two), (name, 4, four)]);
    for (report, (name, samples, figures)) in reports.iter().zip(each) {
        assert_eq!(
            (&report["estimator"], &report["samples"]),
            (&json!(name), &json!(samples))
        );
        for (key, expected) in ["cosine", "bias", "variance"].iter().zip(figures) {
            let found = report[key].as_f64().expect("a number");
            assert!((found - expected).abs() < 0.0051, "{report}");
        }
    }
    // What only scales the gradient is told by the scale.
    assert!((reports[4]["scale"].as_f64().expect("a number") - 0.5).abs() < 1e-12);
}

#[test]
fn picture_of_the_toy_names_every_estimator_or_is_refused_at_once() {
    let workplace = Workplace::new();
    let draw = |file| ["estimators", "--toy", "--picture", file];
    workplace.write("toy.svg", b"old");
    workplace.succeed(&draw("toy.svg"));
    let picture = workplace.text("toy.svg");
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
    for (_, name, ..) in TOY {
        let named = picture.lines().filter(|line| *line == name);
        assert_eq!(named.count(), 2, "{name}");
    }
    let message = workplace.refuse(2, &draw("toy.png"));
    assert!(
        message.ends_with("found `toy.png`, expected a file ending in .svg"),
        "{message}"
    );
    let message = workplace.refuse(2, &draw("nowhere/toy.svg"));
    assert!(
        message.ends_with("there is no folder `nowhere`"),
        "{message}"
    );
}

#[test]
fn toy_refuses_what_belongs_to_runs() {
    let workplace = Workplace::new();
    for flags in [
        &["config.toml"][..],
        &["--set", "seed=4"],
        &["--backend", "flex"],
        &["--seed", "4"],
        &["--threads", "1"],
        &["--checkpoint", "runs/tiny"],
        &["--images", "3"],
        &["--samples", "2,4"],
        &["--draws", "50"],
        &["--reference-draws", "200"],
    ] {
        let message = workplace.refuse(2, &[&["estimators", "--toy"], flags].concat());
        let flag = flags[0].replace("config.toml", "CONFIG.toml");
        let expected =
            "found it with --toy, whose images, samples and weights are given, expected none";
        assert_eq!(message, format!("error: {flag}: {expected}"));
    }
    for arguments in [&["estimators"][..], &["estimators", "config.toml"]] {
        let message = workplace.refuse(2, arguments);
        assert!(message.ends_with("or --toy"), "{message}");
    }
}
