//! Stages whose words have credits of their own, that train on their best samples again, or whose rewards do not apply
//! everywhere: training, resuming, and settings that contradict.

mod support;

use serde_json::Value;
use support::{CONFIG, Workplace, assert_resumes};

const BASELINE: &str = "baseline = \"moving_average\"";
const REWARDS: &str = "[[stages.scst.rewards]]";

fn workplace(scst: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.write("config.toml", CONFIG.replace(BASELINE, scst).as_bytes());
    workplace
}

/// The same with other rewards than the configuration's.
fn with_rewards(scst: &str, rewards: &str) -> Workplace {
    let workplace = workplace(scst);
    let config = workplace.text("config.toml");
    let (before, _) = config.split_once(REWARDS).expect("rewards");
    workplace.write("config.toml", format!("{before}{rewards}").as_bytes());
    workplace
}

/// The training records of the second stage.
fn records(workplace: &Workplace) -> Vec<Value> {
    let metrics = workplace.text("runs/tiny/metrics.jsonl");
    let records = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let of_stage = |record: &Value| record["stage"] == "scst" && record["kind"] == "train";
    records.filter(of_stage).collect()
}

#[test]
fn what_a_stage_remembers_of_its_samples_resumes_as_if_never_stopped() {
    let workplace = workplace(
        "baseline = \"leave_one_out\"\ncredit = { rollouts = { every = 2, samples = 1 } }\nreplay_weight = 0.3\n\
         unlikelihood = { repeated_ngram = 1 }\nentropy = \"tsallis\"\nentropy_bonus = 0.01",
    );
    // In the second epoch, in which samples of the first are the best so far.
    assert_resumes(&workplace);
    let records = records(&workplace);
    for name in [
        "replay_loss",
        "replay_reward",
        "unwanted_share",
        "credit_secs",
    ] {
        assert!(records[0][name].is_number(), "{name}: {}", records[0]);
    }
    // The best samples of a source so far are no worse than all samples.
    let last = &records[records.len() - 1];
    let number = |name: &str| last[name].as_f64().expect("a number");
    assert!(number("replay_reward") > number("reward"), "{last}");
}

#[test]
fn values_of_all_words_lower_the_error_rate_that_they_are_of() {
    let workplace = with_rewards(
        "objective = \"all_action\"",
        "[[stages.scst.rewards]]\nword_error_rate = {}\n",
    );
    workplace.succeed(&["train", "config.toml", "--set", "stages.1.epochs=12"]);
    let records = records(&workplace);
    let reward = |k: usize| records[k]["reward"].as_f64().expect("a number");
    let (first, last) = (reward(0), reward(records.len() - 1));
    assert!(last > first, "{first} {last}");
    assert!(records[0]["baseline"].is_null());
}

/// A reward that has nothing to say of captions with an even number of tokens.
const ODD: &str = r#"
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    assert request["version"] == 2, request
    scores = [len(c["tokens"]) / 10 if len(c["tokens"]) % 2 else None for c in request["captions"]]
    assert all(c["features"]["file"].endswith("features.npy") for c in request["captions"]), request
    print(json.dumps({"scores": scores}), flush=True)
"#;
const COMMAND: &str =
    "[[stages.scst.rewards]]\ncommand = { program = [\"python3\", \"odd.py\"], protocol = 2 }\n";

#[test]
fn captions_that_no_reward_applies_to_train_nothing() {
    if !scst_testing::oracles::runs("python3", "--version") {
        return;
    }
    for scst in [
        "baseline = \"leave_one_out\"",
        "baseline = \"greedy\"",
        "baseline = \"learned\"",
        "baseline = \"mean\"\nadvantage_scale = \"group\"",
        "baseline = \"moving_average\"\nadvantage_scale = \"batch\"",
        "baseline = \"leave_one_out\"\ncredit = \"prefix\"",
        "baseline = \"leave_one_out\"\ncredit = { rollouts = { every = 3, samples = 2 } }",
        "objective = { dap = { sigma = 1.0 } }",
    ] {
        let workplace = with_rewards(scst, COMMAND);
        workplace.write("odd.py", ODD.as_bytes());
        workplace.succeed(&["train", "config.toml"]);
        let records = records(&workplace);
        let scored = records.iter().filter(|record| record["reward"].is_number());
        assert!(scored.clone().count() > 0, "{records:?}");
        for record in scored {
            let reward = record["reward"].as_f64().expect("a number");
            assert!((0.1..=0.9).contains(&reward), "{record}");
            assert_eq!(record["reward"], record["reward_command"]);
            // Nor is one in a baseline, where it would count as 0; a moving average begins there.
            if scst.contains("leave_one_out\"") && !scst.contains("credit") {
                assert!(record["baseline"].as_f64() > Some(0.1), "{record}");
            }
        }
    }
    // Where captions are compared with each other, every one needs a reward.
    let workplace = with_rewards("objective = \"best_of_n\"", COMMAND);
    workplace.write("odd.py", ODD.as_bytes());
    let message = workplace.refuse(1, &["train", "config.toml"]);
    assert!(
        message.contains("found no score, since the reward does not apply"),
        "{message}"
    );
}

#[test]
fn rewards_in_a_geometric_mean_train() {
    let workplace = with_rewards(
        "baseline = \"leave_one_out\"\ncombine = \"geometric_mean\"",
        "[[stages.scst.rewards]]\nrouge_l = {}\n\n[[stages.scst.rewards]]\nweight = 0.5\nlength_penalty = { minimum = 3 }\n\
         transform = { sigmoid = { centre = -1.0, steepness = 2.0 } }\n",
    );
    workplace.succeed(&["train", "config.toml"]);
    let record = &records(&workplace)[0];
    assert!(
        record["reward_length_penalty"].as_f64() <= Some(0.0),
        "{record}"
    );
    assert!(record["reward"].as_f64() >= Some(0.0), "{record}");
}

#[test]
fn settings_that_contradict_are_one_sentence() {
    let both = |key: &str, found: &str| format!("stages.1.scst.{key}`: found {found}");
    for (scst, key, found, expected) in [
        (
            "credit = \"prefix\"\nobjective = { gspo = {} }",
            "credit",
            "`prefix`",
            "the objective `gspo`",
        ),
        (
            "credit = { rollouts = { every = 2, samples = 2 } }\nbaseline = \"greedy\"",
            "credit",
            "`rollouts`",
            "`baseline`",
        ),
        (
            "credit = { rollouts = { every = 0, samples = 2 } }\nbaseline = \"none\"",
            "credit.rollouts.every",
            "0",
            "1",
        ),
        (
            "credit = \"prefix\"\nadvantage_scale = \"group\"\nbaseline = \"leave_one_out\"",
            "credit",
            "`prefix`",
            "`advantage_scale`",
        ),
        (
            "objective = \"all_action\"",
            "objective",
            "`all_action`",
            "`word_error_rate`",
        ),
        (
            "entropy = \"tsallis\"",
            "entropy",
            "`tsallis`",
            "`entropy_bonus`",
        ),
        (
            "unlikelihood = {}",
            "unlikelihood.words",
            "none",
            "`repeated_ngram`",
        ),
        (
            "unlikelihood = { repeated_ngram = 2, weight = 0.0 }",
            "unlikelihood.weight",
            "0",
            "above 0",
        ),
        ("replay_weight = -1.0", "replay_weight", "-1", "0 or more"),
        (
            "replay_weight = 0.1\nmixer = {}\nbaseline = \"none\"",
            "replay_weight",
            "0.1",
            "`mixer`",
        ),
        (
            "objective = \"all_action\"\nunlikelihood = { repeated_ngram = 2 }",
            "unlikelihood",
            "a table",
            "`all_action`",
        ),
        (
            "objective = \"all_action\"\nkl_weight = 0.1\ndivergence = \"k3\"",
            "divergence",
            "`k2` or `k3`",
            "`reverse`",
        ),
        (
            "objective = \"all_action\"\nleave_out_equal_rewards = true",
            "leave_out_equal_rewards",
            "true",
            "`all_action`",
        ),
    ] {
        let workplace = workplace(scst);
        let message = workplace.refuse(2, &["train", "config.toml"]);
        assert!(message.contains(&both(key, found)), "{key} in: {message}");
        assert!(message.contains(expected), "{expected} in: {message}");
    }
    let workplace = with_rewards(
        "combine = \"geometric_mean\"",
        "[[stages.scst.rewards]]\nword_error_rate = {}\n",
    );
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert!(
        message.contains("combine = \"geometric_mean\""),
        "{message}"
    );
}
