//! `scst estimators`: what it prints, and that it tells estimators with bias from those without.

mod support;

use serde_json::Value;
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
        if report["baseline"] == "mean" {
            // The gradient of n samples is scaled by (n - 1) / n.
            let expected = 1.0 / number("samples");
            assert!((bias - expected).abs() < 2.0 * noise + 0.1, "{report}");
        } else {
            assert!(bias < 2.0 * noise, "{report}");
        }
    }
    // Twice the samples, half the variance.
    let variance = |samples: u64| {
        let mut found = reports.iter().filter(|report| report["baseline"] == "none");
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
    ]);
    assert_eq!(table.lines().count(), 8, "{table}");
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
