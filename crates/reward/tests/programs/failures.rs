//! Everything that a program can do wrong, and the message for it.

use std::time::{Duration, Instant};

use scst_reward::{CommandOptions, CommandReward, RewardError};

use crate::support::{LONG, references, score, shell};

/// The message of a program that does not pass its start-up check, without the program's name.
fn check_message(script: &str, timeout_secs: f64) -> String {
    let options = CommandOptions {
        timeout_secs,
        ..shell(script)
    };
    let error = CommandReward::start(options, &references(), None).expect_err(script);
    assert!(error.is_mistake());
    without_program(&error, script)
}

fn without_program(error: &RewardError, script: &str) -> String {
    let message = error.to_string();
    let start = format!("program /bin/sh -c {script}: ");
    let rest = message.strip_prefix(&start);
    rest.unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[test]
fn message_names_the_program_when_it_cannot_be_started() {
    let message = |program: &str| {
        let options = CommandOptions {
            program: vec![program.to_owned(), "-x".to_owned()],
            ..CommandOptions::default()
        };
        let error = CommandReward::start(options, &references(), None).expect_err(program);
        assert!(error.is_mistake());
        error.to_string()
    };
    assert_eq!(
        message("/no/such/program"),
        "program /no/such/program -x: found no such program, expected the path of one or a name on the PATH"
    );
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(
        message(file),
        format!(
            "program {file} -x: found a file that may not be executed, expected an executable one (chmod +x)"
        )
    );
    assert_eq!(
        message(""),
        "command.program: found \"\", expected a list of a program and its arguments"
    );
}

#[test]
fn message_tells_the_status_when_the_program_exits() {
    assert_eq!(
        check_message("echo 'no model' >&2; echo '  at line 2' >&2; exit 3", LONG),
        "start-up check: found exit status 3, expected an answer; its standard error ended with\n    no model\n      at line 2"
    );
    assert_eq!(
        check_message("read -r request; exit 0", LONG),
        "start-up check: found exit status 0, expected an answer"
    );
    assert_eq!(
        check_message("kill -KILL $$", LONG),
        "start-up check: found signal 9 (SIGKILL), expected an answer"
    );
    assert_eq!(
        check_message("exec >&-; exec sleep 1000", LONG),
        "start-up check: found its standard output closed, expected an answer"
    );
}

#[test]
fn message_tells_the_time_when_there_is_no_answer() {
    let start = Instant::now();
    assert_eq!(
        check_message("echo loading >&2; read -r request; sleep 1000", 2.0),
        "start-up check: found no answer after 2 s, expected a line within that time (does it flush its standard output after every line?); its standard error ended with\n    loading"
    );
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[test]
fn message_shows_the_beginning_when_the_answer_is_garbage() {
    assert_eq!(
        check_message("read -r request; echo hello", LONG),
        "start-up check: found \"hello\", which is not JSON, expected a line such as {\"scores\":[0.5]}"
    );
    assert_eq!(
        check_message("read -r request; printf '{\"scores\\377\\n'", LONG),
        "start-up check: found \"{\\\"scores\u{fffd}\", which is not all of a JSON value, expected a line such as {\"scores\":[0.5]}"
    );
    let message = check_message(
        "read -r request; yes x | head -n 1000 | tr '\\n' x; echo; cat",
        LONG,
    );
    let beginning = "x".repeat(200);
    let start = format!("start-up check: found \"{beginning}...\", which is not JSON, expected");
    assert!(message.starts_with(&start), "{message}");
}

#[test]
fn message_tells_what_is_wrong_when_the_scores_are() {
    let message = |answer: &str| check_message(&format!("read -r request; echo '{answer}'"), LONG);
    assert_eq!(
        message(r#"{"scores":[]}"#),
        "start-up check: found 0 scores, expected 1, one per caption"
    );
    assert_eq!(
        message(r#"{"scores":[null]}"#),
        "start-up check: found null as the score of caption 0 (\"a dog runs\" of image a.jpg), expected a finite number"
    );
    assert_eq!(
        message(r#"{"score":[1]}"#),
        "start-up check: found an answer with the key \"score\", expected exactly one of the keys scores and error"
    );
    assert_eq!(
        message(r#"{"error":"no table"}"#),
        "start-up check: found a refusal (no table), expected scores"
    );
}

#[test]
fn message_tells_the_limit_when_a_line_never_ends() {
    assert_eq!(
        check_message("yes | tr -d '\\n'", LONG),
        "start-up check: found a line of more than 67108864 bytes, expected a shorter one"
    );
}

#[test]
fn failure_is_no_mistake_when_it_comes_after_the_check() {
    let script = "read -r request; echo '{\"scores\":[1]}'; read -r request; echo oh >&2; exit 5";
    let references = references();
    let mut reward = CommandReward::start(shell(script), &references, None).expect("a good check");
    let mut fail = || {
        let scores = score(&mut reward, &references, &[(0, &[5, 0], "x")]);
        let error = scores.expect_err("no scores");
        assert!(!error.is_mistake());
        without_program(&error, script)
    };
    assert_eq!(
        fail(),
        "found exit status 5, expected an answer; its standard error ended with\n    oh"
    );
    assert_eq!(
        fail(),
        "found it stopped after an earlier failure, expected no further captions"
    );
}

#[test]
fn answer_is_refused_when_nobody_asked_for_it() {
    let script =
        "read -r request; printf '%s\\n' '{\"scores\":[1]}' '{\"scores\":[2]}'; cat >/dev/null";
    let references = references();
    let mut reward = CommandReward::start(shell(script), &references, None).expect("a good check");
    // Without the pause the second line might come too late to be known as unasked.
    std::thread::sleep(Duration::from_secs(1));
    let error = score(&mut reward, &references, &[(0, &[5, 0], "x")]).expect_err("no scores");
    assert_eq!(
        without_program(&error, script),
        "found \"{\\\"scores\\\":[2]}\", which was not asked for, expected one line per request"
    );
}

#[test]
fn large_request_times_out_when_it_is_not_read() {
    let script = "read -r request; echo '{\"scores\":[1]}'; exec sleep 1000";
    let options = CommandOptions {
        timeout_secs: 4.0,
        ..shell(script)
    };
    let references = references();
    let mut reward = CommandReward::start(options, &references, None).expect("a good check");
    let text = "dog ".repeat(2_500_000);
    let error = score(&mut reward, &references, &[(0, &[5, 0], &text)]).expect_err("no scores");
    assert_eq!(
        without_program(&error, script),
        "found its request still unread after 4 s, expected an answer within that time"
    );
}

#[test]
fn refusal_is_final_when_restarts_are_left() {
    let script = "read -r request; echo '{\"scores\":[1]}'; read -r request; echo '{\"error\":\"not this one\"}'";
    let options = CommandOptions {
        restarts: 5,
        ..shell(script)
    };
    let references = references();
    let mut reward = CommandReward::start(options, &references, None).expect("a good check");
    let mut ask = || {
        let scores = score(&mut reward, &references, &[(0, &[5, 0], "x")]);
        without_program(&scores.expect_err("no scores"), script)
    };
    assert_eq!(ask(), "found a refusal (not this one), expected scores");
    assert_eq!(
        ask(),
        "found it stopped after an earlier failure, expected no further captions"
    );
}
