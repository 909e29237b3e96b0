//! `scst config`: keys explained, the schema, and values that take the place of others.

mod support;

use support::Workplace;

#[test]
fn keys_are_explained_without_a_configuration() {
    let workplace = Workplace::new();
    let all = workplace.succeed(&["config", "--explain"]);
    for path in [
        "seed",
        "data.captions.kaggle.splits",
        "stages.N.scst.rewards.N.bleu.order",
    ] {
        assert!(all.lines().any(|line| line == path), "{path}");
    }
    assert!(all.lines().all(|line| line.chars().count() <= 80));
    let one = workplace.succeed(&["config", "--explain", "stages.0.scst.baseline"]);
    assert!(
        one.starts_with(
            "stages.N.scst.baseline\n  one of these names; default \"leave_one_out\"\n"
        ),
        "{one}"
    );
    let rewards = workplace.succeed(&["rewards"]);
    assert!(
        rewards.contains("rewards.N.cider_d.sigma\n  number, above 0; default 6.0\n"),
        "{rewards}"
    );
    let error = workplace.refuse(2, &["config", "--explain", "basline"]);
    assert_eq!(
        error,
        "error: no key is named `basline` (did you mean `baseline`?)"
    );
    let schema = workplace.succeed(&["config", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(schema["properties"]["seed"]["default"], 1);
}

#[test]
fn values_that_are_set_take_the_place_of_others() {
    let workplace = Workplace::new();
    let config = |sets: &[&str]| {
        let mut arguments = vec!["config", "config.toml"];
        for set in sets {
            arguments.extend(["--set", set]);
        }
        workplace.succeed(&arguments)
    };
    let text = config(&[
        "model.att2in.hidden=100",
        "model.att2in.embedding=50",
        "data.features.folder.path=regions",
        "validation.decoder.search.beam.width=7",
        "stages.1.schedule.step_decay.factor=0.5",
        "stages.1.schedule.step_decay.every_epochs=2",
        "stages.1.scst.rewards.0.bleu.order=3",
        "stages.0.steps=10",
        "name=2024",
    ]);
    let holds = |line: &str| text.lines().any(|found| found == line);
    for line in [
        "[model.att2in]",
        "hidden = 100",
        "embedding = 50",
        "[data.features.folder]",
        "[validation.decoder.search.beam]",
        "width = 7",
        "factor = 0.5",
        "every_epochs = 2",
        "[stages.scst.rewards.bleu]",
        "steps = 10",
        "name = \"2024\"",
    ] {
        assert!(holds(line), "{line}: {text}");
    }
    for line in [
        "[model.fc]",
        "[data.features.npy]",
        "[stages.scst.rewards.cider_d]",
    ] {
        assert!(!holds(line), "{line}: {text}");
    }
}

#[test]
fn options_that_are_keys_are_answered_with_what_sets_them() {
    let workplace = Workplace::new();
    let train = |more: &[&str]| workplace.refuse(2, &[&["train", "config.toml"], more].concat());
    for (given, set) in [
        (&["--epochs", "3"][..], "`--set stages.0.epochs=3`"),
        (&["--lr=1e-3"], "`--set stages.0.learning_rate=1e-3`"),
        (
            &["--learning-rate", "1e-3"],
            "`--set stages.0.learning_rate=1e-3`",
        ),
        (
            &["--batch-size", "3"],
            "`--set stages.0.sources_per_batch=3`",
        ),
        (&["--steps"], "`--set stages.0.steps=VALUE`"),
        (&["--name", "mine"], "`--set name=mine`"),
        (
            &["--beam", "5"],
            "`--set validation.decoder.search.beam.width=5`",
        ),
        (
            &["--baseline", "greedy"],
            "`--set stages.1.scst.baseline=greedy`",
        ),
        (&["--hidden", "9"], "`--set model.fc.hidden=9`"),
    ] {
        let error = train(given);
        assert!(error.contains(set) && error.lines().count() == 1, "{error}");
    }
    for (given, expected) in [
        (
            ["--seed", "99999999999999999999"],
            "error: --seed `99999999999999999999`: expected a number between -2^63 and 2^63",
        ),
        (
            ["--seed", "abc"],
            "error: --seed: key `seed`: found \"abc\", expected a whole number, 0 to 2^63 - 1",
        ),
        (
            ["--threads", "-1"],
            "error: --threads: key `threads`: found -1, expected a whole number, 1 to 1024",
        ),
    ] {
        assert_eq!(train(&given), expected);
    }
    let error = workplace.refuse(2, &["eval", "runs/tiny", "--threads", "abc"]);
    assert_eq!(
        error,
        "error: --threads: found `abc`, expected a whole number, 0 or more, such as 3"
    );
}

#[test]
fn threads_beyond_the_machine_are_said() {
    let workplace = Workplace::new();
    workplace.write("captions.csv", b"");
    for more in [&["--threads", "1000"][..], &["--set", "threads=1000"]] {
        let output = workplace.run(&[&["train", "config.toml"], more].concat());
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(
            error.contains("warning: threads: 1000, but this machine runs "),
            "{error}"
        );
        assert_eq!(output.status.code(), Some(2), "{error}");
    }
}
