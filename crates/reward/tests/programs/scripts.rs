//! The example programs of `scripts/`.

use scst_reward::{CommandOptions, CommandReward, command::PROTOCOL_VERSIONS};

use crate::support::{LONG, references, score};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts");

/// Captions with everything that JSON escapes, of images a.jpg and b.jpg.
const CAPTIONS: [(usize, &[u32], &str); 5] = [
    (0, &[1, 0], "a dog runs"),
    (0, &[2, 0], "a dog"),
    (0, &[3, 0], "two \"dogs\" \\ run \\\""),
    (1, &[4, 0], "caf\u{e9} caf\u{e9} a b c d e f g h i j k l"),
    (1, &[5, 0], ""),
];

fn scores(interpreter: &str, script: &str, protocol: u32) -> Vec<f64> {
    let options = CommandOptions {
        program: vec![interpreter.to_owned(), format!("{SCRIPTS}/{script}")],
        protocol,
        timeout_secs: LONG,
        workers: 2,
        ..CommandOptions::default()
    };
    let references = references();
    let mut reward = CommandReward::start(options, &references, None).expect("a good program");
    score(&mut reward, &references, &CAPTIONS).expect("scores")
}

#[test]
fn python_example_scores_unigram_f1_when_it_runs() {
    if !scst_testing::oracles::runs("python3", "--version") {
        return;
    }
    // F1 = 2 * matches / (words + words of the reference): 2 of 2 and 3, 4 of 5 and 4, 1 of 14 and 2 words.
    let expected = [1.0, 4.0 / 5.0, 8.0 / 9.0, 2.0 / 16.0, 0.0];
    for protocol in PROTOCOL_VERSIONS {
        let scores = scores("python3", "reward_command.py", protocol);
        for (found, expected) in scores.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{scores:?}");
        }
    }
}

#[test]
fn shell_example_scores_the_length_when_texts_hold_quotes() {
    for protocol in PROTOCOL_VERSIONS {
        let scores = scores("/bin/sh", "reward_command.sh", protocol);
        assert_eq!(scores, [0.3, 0.2, 0.5, 1.0, 0.0]);
    }
}
