//! Stages with objectives other than the plain policy gradient: training, resuming, and settings that contradict.

mod support;

use support::{CONFIG, Workplace, assert_resumes, forget_from};

const BASELINE: &str = "baseline = \"moving_average\"";

fn workplace(scst: &str) -> Workplace {
    let workplace = Workplace::new();
    assert!(CONFIG.contains(BASELINE));
    workplace.write("config.toml", CONFIG.replace(BASELINE, scst).as_bytes());
    workplace
}

#[test]
fn mixer_with_a_learnt_baseline_resumes_as_if_never_stopped() {
    let workplace = workplace("baseline = \"learned\"\nmixer = { shrink = 2, every_epochs = 1 }");
    // In the middle of the stage, the baseline has learnt and words are still given.
    assert_resumes(&workplace);
}

#[test]
fn objectives_over_the_sampled_set_train() {
    for objective in ["{ minimum_risk = { alpha = 0.5 } }", "\"max_margin\""] {
        let workplace = workplace(&format!("objective = {objective}"));
        workplace.succeed(&["train", "config.toml"]);
        let metrics = workplace.text("runs/tiny/metrics.jsonl");
        let scst = metrics.lines().find(|line| line.contains("reward_spread"));
        let scst = scst.expect("a record of the second stage");
        assert!(
            scst.contains("\"advantage\"") && !scst.contains("\"baseline\""),
            "{scst}"
        );
    }
}

#[test]
fn every_policy_objective_trains_and_says_how_far_it_has_gone_from_its_samples() {
    for objective in [
        "{ token_clip = { low = 0.2, high = 0.28, dual = 3.0 } }",
        "{ gspo = {} }",
        "{ gmpo = {} }",
        "{ cispo = {} }",
        "{ sapo = {} }",
    ] {
        let workplace = workplace(&format!(
            "baseline = \"mean\"\nadvantage_scale = \"group\"\nupdates_per_rollout = 3\nobjective = {objective}"
        ));
        workplace.succeed(&["train", "config.toml"]);
        let metrics = workplace.text("runs/tiny/metrics.jsonl");
        let scst = metrics.lines().find(|line| line.contains("reward_spread"));
        let scst = scst.expect("a record of the second stage");
        for name in ["clipped_share", "effective_sample_share", "kl_from_rollout"] {
            assert!(scst.contains(name), "{objective}: {scst}");
        }
    }
}

#[test]
fn objectives_that_compare_captions_train() {
    for objective in [
        "\"multi_margin\"",
        "\"sequence_nll\"",
        "\"softmax_margin\"",
        "\"best_of_n\"",
        "{ dpo = { beta = 0.1 } }",
        "{ dico = { beta = 0.2, temperature = 1.0 } }",
        "{ rebel = { eta = 1.0 } }",
        "{ dap = { sigma = 1.0 } }",
    ] {
        let workplace = workplace(&format!("objective = {objective}\nupdates_per_rollout = 2"));
        workplace.succeed(&["train", "config.toml"]);
    }
}

#[test]
fn several_updates_a_rollout_resume_as_if_never_stopped() {
    let workplace = workplace(
        "baseline = \"leave_one_out\"\nobjective = { token_clip = {} }\nupdates_per_rollout = 4\nsources_per_update = 4\n\
         xe_weight = 0.2\nkl_weight = 0.05\ndivergence = \"k3\"\nleave_out_cut_off = true\nleave_out_equal_rewards = true",
    );
    let options = [
        "--set",
        "stages.1.dropout=0",
        "--set",
        "stages.1.sources_per_batch=8",
    ];
    let train = |more: &[&str]| {
        let arguments = [&["train", "config.toml"], &options[..], more].concat();
        workplace.succeed(&arguments);
    };
    train(&[]);
    train(&["--out", "stopped"]);
    let last = |run: &str| {
        let mut steps: Vec<String> = std::fs::read_dir(workplace.path(run).join("checkpoints"))
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.into_string().expect("UTF-8"))
            .filter(|name| name.starts_with("step-"))
            .collect();
        steps.sort();
        steps
    };
    let steps = last("runs/tiny");
    let (before, end) = (&steps[steps.len() - 2], &steps[steps.len() - 1]);
    assert_eq!(*before, last("stopped")[steps.len() - 2]);
    forget_from(&workplace.path("stopped"), end);
    train(&["--out", "stopped", "--resume"]);
    for file in ["model.safetensors", "optimiser.safetensors"] {
        let bytes = |run: &str| workplace.read(&format!("{run}/checkpoints/{end}/{file}"));
        assert!(bytes("runs/tiny") == bytes("stopped"), "{file}");
    }
    let metrics = workplace.text("runs/tiny/metrics.jsonl");
    assert!(metrics.contains("xe_loss"), "{metrics}");
}

#[test]
fn divergence_from_the_start_resumes_as_if_never_stopped_and_changes_the_run() {
    let run = |scst: &str| {
        let workplace = workplace(scst);
        workplace.succeed(&["train", "config.toml"]);
        workplace
    };
    let held = run("baseline = \"none\"\nkl_weight = 0.5\nentropy_bonus = 0.01");
    held.succeed(&["train", "config.toml", "--out", "stopped"]);
    forget_from(&held.path("stopped"), "step-00000066");
    held.succeed(&["train", "config.toml", "--out", "stopped", "--resume"]);
    let last = "checkpoints/step-00000072/model.safetensors";
    let weights = |run: &str| held.read(&format!("{run}/{last}"));
    assert!(weights("runs/tiny") == weights("stopped"));
    let free = run("baseline = \"none\"");
    assert!(free.read(&format!("runs/tiny/{last}")) != weights("stopped"));
}

#[test]
fn mixer_is_refused_with_hard_attention() {
    let workplace = workplace("baseline = \"none\"\nmixer = {}");
    let hard = "[model.show_attend_tell]\nattention = \"hard\"\nhidden = 24";
    let config = workplace.text("config.toml");
    let config = config.replace("[model.fc]\nhidden = 24", hard);
    workplace.write("config.toml", config.as_bytes());
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert!(message.contains("stages.1.scst.mixer"), "{message}");
}

#[test]
fn settings_that_contradict_are_named() {
    for (scst, part) in [
        (
            "mixer = {}\nbaseline = \"greedy\"",
            "stages.1.scst.baseline",
        ),
        (
            "mixer = {}\nobjective = \"max_margin\"",
            "stages.1.scst.objective",
        ),
        (
            "candidates = \"beam\"",
            "stages.1.scst.candidates`: found `beam`, expected `samples`",
        ),
        (
            "objective = { rebel = { eta = 1.0 } }\nsampling = {}",
            "stages.1.scst.sampling`: found a table, expected none with the objective `rebel`",
        ),
        (
            "sampling = { temperature = 0.8 }",
            "stages.1.scst.objective`: found `policy_gradient`, expected one with a ratio",
        ),
        (
            "objective = { cispo = {} }\nsampling = { temperature = 0.0 }",
            "stages.1.scst.sampling.temperature",
        ),
        (
            "updates_per_rollout = 2",
            "stages.1.scst.objective`: found `policy_gradient`, expected one with a ratio",
        ),
        (
            "objective = { token_clip = {} }\nupdates_per_rollout = 4\nsources_per_update = 7",
            "stages.1.scst.sources_per_update`: found 7, expected a divisor",
        ),
        (
            "objective = \"max_margin\"\nadvantage_scale = \"group\"",
            "stages.1.scst.advantage_scale",
        ),
        (
            "objective = { token_clip = { low = 1.0 } }",
            "stages.1.scst.objective.token_clip.low",
        ),
        ("divergence = \"forward\"", "stages.1.scst.divergence"),
        (
            "mixer = { shrink = 0 }\nbaseline = \"none\"",
            "mixer.shrink",
        ),
        (
            "objective = { minimum_risk = { alpha = 0.0 } }",
            "objective.minimum_risk.alpha",
        ),
        (
            "objective = \"max_margin\"\nsamples_per_source = 1",
            "samples_per_source",
        ),
    ] {
        let workplace = workplace(scst);
        let config = workplace.text("config.toml");
        if scst.contains("samples_per_source") {
            let config = config.replace("samples_per_source = 3\n", "");
            workplace.write("config.toml", config.as_bytes());
        }
        let message = workplace.refuse(2, &["train", "config.toml"]);
        assert!(message.contains(part), "{part} in: {message}");
    }
}
