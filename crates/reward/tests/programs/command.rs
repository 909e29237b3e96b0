//! Programs as rewards: the protocol, restarts and workers.

use std::{borrow::Cow, fs};

use scst_reward::{CommandOptions, CommandReward, Reward, RewardError, RewardMixture};

use crate::support::{FIRST_TOKENS, LONG, executable, is_gone, references, score, shell};

#[test]
fn scores_arrive_when_standard_error_is_flooded() {
    let script = format!(
        "{FIRST_TOKENS} while read -r request; do yes flood | head -c 3000000 >&2; answer \"$request\"; done"
    );
    let references = references();
    let mut reward =
        CommandReward::start(shell(&script), &references, None).expect("a good program");
    let scores = score(&mut reward, &references, &[(0, &[5, 0], "x")]);
    assert_eq!(scores.expect("scores"), [5.0]);
}

#[test]
fn large_request_arrives_when_the_program_writes_to_standard_error_first() {
    // `head` reads quickly what the shell's own `read` would take a byte at a time.
    let script = "yes x | head -c 1000000 >&2; read -r request; echo '{\"scores\":[1]}'; head -c 10000000 >/dev/null; echo '{\"scores\":[2]}'; cat >/dev/null";
    let references = references();
    let mut reward = CommandReward::start(shell(script), &references, None).expect("a good check");
    let text = "dog ".repeat(2_500_000);
    let scores = score(&mut reward, &references, &[(0, &[5, 0], &text)]);
    assert_eq!(scores.expect("scores"), [2.0]);
}

/// Dies at its second request, the first after the check, unless the marker is there.
fn dying_once(marker: &str) -> String {
    format!(
        "{FIRST_TOKENS}
        checked=
        while read -r request; do
            if [ \"$checked\" ] && [ ! -e '{marker}' ]; then : > '{marker}'; exit 1; fi
            checked=1
            answer \"$request\"
        done"
    )
}

#[test]
fn scores_arrive_when_a_program_that_died_may_be_restarted() {
    let references = references();
    let directory = tempfile::tempdir().expect("a directory");
    let run = |restarts, marker: &str| {
        let marker = directory.path().join(marker);
        let script = dying_once(&marker.display().to_string());
        let options = CommandOptions {
            restarts,
            ..shell(&script)
        };
        let mut reward = CommandReward::start(options, &references, None).expect("a good check");
        let first = score(&mut reward, &references, &[(0, &[5, 0], "x")])?;
        let second = score(&mut reward, &references, &[(1, &[6, 0], "x")])?;
        Ok::<_, RewardError>([first, second].concat())
    };
    assert_eq!(run(1, "one").expect("scores"), [5.0, 6.0]);
    let error = run(0, "two").expect_err("no restart");
    let message = error.to_string();
    assert!(
        message.ends_with(": found exit status 1, expected an answer"),
        "{message}"
    );
}

#[test]
fn restarts_are_counted_over_the_run_when_the_program_keeps_dying() {
    let directory = tempfile::tempdir().expect("a directory");
    let starts = directory.path().join("starts");
    let script = format!(
        "{FIRST_TOKENS} echo >> '{}'; read -r request; answer \"$request\"; read -r request",
        starts.display()
    );
    let options = CommandOptions {
        restarts: 3,
        ..shell(&script)
    };
    let references = references();
    let mut reward = CommandReward::start(options, &references, None).expect("a good check");
    let mut ask = || score(&mut reward, &references, &[(0, &[5, 0], "x")]);
    // Each copy gives one answer: the first one went to the check.
    for _ in 0..3 {
        assert_eq!(ask().expect("scores"), [5.0]);
    }
    let error = ask().expect_err("no restart left");
    assert!(!error.is_mistake());
    let starts = fs::read_to_string(starts).expect("starts");
    assert_eq!(starts.lines().count(), 4);
}

#[test]
fn scores_keep_their_order_when_several_workers_share_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let seen = directory.path().join("seen");
    let script = format!(
        "{FIRST_TOKENS} while read -r request; do echo \"$request\" >> '{}'.$$; answer \"$request\"; done",
        seen.display()
    );
    let options = CommandOptions {
        workers: 3,
        ..shell(&script)
    };
    let references = references();
    let mut reward = CommandReward::start(options, &references, None).expect("a good program");
    let tokens: Vec<[u32; 2]> = (1..=10).chain(1..=10).map(|token| [token, 0]).collect();
    let captions: Vec<_> = tokens.iter().map(|tokens| (0, &tokens[..], "x")).collect();
    let scores = score(&mut reward, &references, &captions).expect("scores");
    let expected: Vec<_> = tokens.iter().map(|tokens| f64::from(tokens[0])).collect();
    assert_eq!(scores, expected);
    // One caption, fewer than workers, and none.
    let scores = score(&mut reward, &references, &[(1, &[9, 0], "x")]);
    assert_eq!(scores.expect("scores"), [9.0]);
    assert_eq!(
        score(&mut reward, &references, &[]).expect("scores"),
        [0.0; 0]
    );
    drop(reward);
    let files = fs::read_dir(directory.path()).expect("a directory");
    let mut sent = Vec::new();
    for file in files {
        let text = fs::read_to_string(file.expect("a file").path()).expect("requests");
        let counts = text.lines().map(|line| line.matches("image_id").count());
        sent.push(counts.collect::<Vec<_>>());
    }
    sent.sort();
    assert_eq!(
        sent,
        [vec![1, 3], vec![1, 3, 1], vec![1, 4]],
        "one check each, ten distinct captions"
    );
}

#[test]
fn other_workers_scores_stay_right_when_one_is_restarted() {
    let directory = tempfile::tempdir().expect("a directory");
    let marker = directory.path().join("marker");
    // The copy that gets caption 7 dies once.
    let script = format!(
        "{FIRST_TOKENS} while read -r request; do
            case $request in *'[7,'*) if mkdir '{}' 2>/dev/null; then exit 1; fi ;; esac
            answer \"$request\"
        done",
        marker.display()
    );
    let images = references();
    let mut references: Vec<_> = images.images().map(Cow::into_owned).collect();
    for image in &mut references {
        image.tokens = [vec![1, 0], vec![2, 0]].into();
    }
    let references = scst_reward::References::new(Some(0), references).expect("good references");
    let options = CommandOptions {
        workers: 2,
        restarts: 1,
        ..shell(&script)
    };
    let mut reward = CommandReward::start(options, &references, None).expect("a good program");
    let captions: [(usize, &[u32], &str); 4] = [
        (0, &[7, 0], "x"),
        (0, &[8, 0], "x"),
        (1, &[9, 0], "x"),
        (1, &[3, 0], "x"),
    ];
    for _ in 0..2 {
        let scores = score(&mut reward, &references, &captions);
        assert_eq!(scores.expect("scores"), [7.0, 8.0, 9.0, 3.0]);
    }
}

#[test]
fn program_is_gone_when_the_reward_is_dropped() {
    let directory = tempfile::tempdir().expect("a directory");
    let pid = directory.path().join("pid");
    for rest in ["cat >/dev/null", "exec sleep 1000"] {
        let script = format!(
            "echo $$ > '{}'; read -r request; echo '{{\"scores\":[1]}}'; {rest}",
            pid.display()
        );
        let reward =
            CommandReward::start(shell(&script), &references(), None).expect("a good check");
        assert!(!is_gone(&pid));
        drop(reward);
        assert!(is_gone(&pid), "{rest}");
    }
}

#[test]
fn request_holds_every_key_when_it_is_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = executable(
        directory.path(),
        "program",
        "while read -r request; do printf '%s\\n' \"$request\" >> \"$1\"; echo '{\"scores\":[1]}'; done",
    );
    let seen = directory.path().join("seen");
    let options = CommandOptions {
        program: [script, seen.clone()]
            .map(|path| path.display().to_string())
            .to_vec(),
        timeout_secs: LONG,
        ..CommandOptions::default()
    };
    let references = references();
    let mut reward = CommandReward::start(options, &references, None).expect("a good program");
    score(&mut reward, &references, &[(1, &[5, 9, 0], "caf\u{e9}")]).expect("scores");
    let text = fs::read_to_string(seen).expect("requests");
    let check = r#"{"version":1,"captions":[{"image_id":"a.jpg","tokens":[4,7,0],"text":"a dog runs","references":["a dog runs","two \"dogs\" \\ run"]}]}"#;
    let request = r#"{"version":1,"captions":[{"image_id":"b.jpg","tokens":[5,9,0],"text":"café","references":["a cat","café with cats"]}]}"#;
    assert_eq!(text.lines().collect::<Vec<_>>(), [check, request]);
}

#[test]
fn reward_is_one_of_a_mixture_when_it_is_added() {
    let references = references();
    let options = CommandOptions {
        name: "first_token".to_owned(),
        ..shell(&format!(
            "{FIRST_TOKENS} while read -r request; do answer \"$request\"; done"
        ))
    };
    let reward = CommandReward::start(options, &references, None).expect("a good program");
    let signature = reward.signature();
    assert!(
        signature.starts_with("first_token|protocol:1|program:/bin/sh -c "),
        "{signature}"
    );
    assert!(signature.contains("|nrefs:2|end:0|version:"), "{signature}");
    let mut mixture = RewardMixture::new(references.into());
    mixture.add(0.5, Box::new(reward)).expect("a new name");
    let caption = scst_reward::Candidate {
        image: 0,
        tokens: &[4, 0],
        text: "a",
    };
    let scores = mixture.score(&[caption, caption]).expect("scores");
    assert_eq!(scores.total, [2.0, 2.0]);
    assert_eq!(scores.parts[0].name, "first_token");
}

#[test]
fn options_are_refused_when_a_key_is_unknown() {
    let options: CommandOptions =
        toml::from_str("program = ['x', 'y']\nrestarts = 2").expect("good options");
    assert_eq!(options.program, ["x", "y"]);
    assert_eq!((options.restarts, options.workers), (2, 1));
    let error = toml::from_str::<CommandOptions>("programs = ['x']").expect_err("unknown key");
    assert!(error.to_string().contains("unknown field `programs`"));
}
