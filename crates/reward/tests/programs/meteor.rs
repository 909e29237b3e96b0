//! METEOR's line protocol, spoken by a shell script in the place of Java.

use std::fs;
use std::path::Path;

use scst_reward::{Meteor, MeteorOptions, MeteorReward, Reward, RewardError, TextItem};
use tempfile::TempDir;

use crate::support::{LONG, executable, is_gone, references, score};

/// Statistics are the number of references and the number of words of the hypothesis; a score is the latter / 10.
const FAKE: &str = r#"
dir=$(dirname "$0")
echo $$ > "$dir/pid"
echo "$*" > "$dir/arguments"
while IFS= read -r line; do
    printf '%s\n' "$line" >> "$dir/lines"
    printf '%s\n' "$line" | awk -F ' [|][|][|] ' '
        /^SCORE/ { print NF - 2 ".0", split($NF, words, " ") ".0" }
        /^EVAL/ {
            for (i = 2; i <= NF; i++) { split($i, numbers, " "); print numbers[2] / 10; sum += numbers[2] }
            print sum / 100
        }'
done
"#;

/// A directory with a jar, its paraphrases and a fake Java.
fn installed(script: &str) -> (TempDir, MeteorOptions) {
    let directory = tempfile::tempdir().expect("a directory");
    let jar = directory.path().join("meteor-1.5.jar");
    fs::write(&jar, "").expect("a jar");
    fs::create_dir(directory.path().join("data")).expect("a directory");
    fs::write(directory.path().join("data/paraphrase-en.gz"), "").expect("paraphrases");
    let options = MeteorOptions {
        java: executable(directory.path(), "java", script),
        jar,
        timeout_secs: LONG,
        ..MeteorOptions::default()
    };
    (directory, options)
}

/// The message without the program's name.
fn message(directory: &Path, error: &RewardError) -> String {
    let directory = directory.display();
    let program = format!(
        "program {directory}/java -jar -Xmx2G {directory}/meteor-1.5.jar - - -stdio -l en -norm: "
    );
    let message = error.to_string();
    let rest = message.strip_prefix(&program);
    rest.unwrap_or_else(|| panic!("{message}")).to_owned()
}

fn start_message(script: &str, timeout_secs: f64) -> String {
    let (directory, mut options) = installed(script);
    options.timeout_secs = timeout_secs;
    let error = Meteor::start(&options).expect_err(script);
    assert!(error.is_mistake());
    message(directory.path(), &error)
}

#[test]
fn scores_come_from_eval_when_meteor_runs() {
    let (directory, options) = installed(FAKE);
    let mut meteor = Meteor::start(&options).expect("a good fake");
    let references = ["a ||| dog", "", "two\ndogs"].map(str::to_owned);
    let item = |hypothesis, count| TextItem {
        hypothesis,
        references: &references[..count],
    };
    let items = [item("a  dog |||", 3), item("", 1), item("a b c", 2)];
    let scores = meteor.score(&items).expect("scores");
    assert_eq!(scores.items, [0.2, 0.0, 0.3]);
    assert_eq!(scores.corpus, 0.05);
    let lines = fs::read_to_string(directory.path().join("lines")).expect("lines");
    assert_eq!(
        lines.lines().skip(2).collect::<Vec<_>>(),
        [
            "SCORE ||| a dog |||  ||| two dogs ||| a dog",
            "SCORE ||| a dog ||| ",
            "SCORE ||| a dog |||  ||| a b c",
            "EVAL ||| 3.0 2.0 ||| 1.0 0.0 ||| 2.0 3.0",
        ]
    );
    let arguments = fs::read_to_string(directory.path().join("arguments")).expect("arguments");
    let jar = options.jar.display();
    assert_eq!(
        arguments.trim(),
        format!("-jar -Xmx2G {jar} - - -stdio -l en -norm")
    );
    let pid = directory.path().join("pid");
    drop(meteor);
    assert!(is_gone(&pid));
}

#[test]
fn captions_are_scored_once_when_meteor_is_a_reward() {
    let (directory, options) = installed(FAKE);
    let references = references();
    let mut reward = MeteorReward::start(&options, &references).expect("a good fake");
    let captions: [(usize, &[u32], &str); 3] =
        [(0, &[5, 0], "a"), (0, &[5, 0], "a"), (1, &[5, 6, 0], "a b")];
    let scores = score(&mut reward, &references, &captions).expect("scores");
    assert_eq!(scores, [0.1, 0.1, 0.2]);
    assert!(
        score(&mut reward, &references, &[])
            .expect("no scores")
            .is_empty()
    );
    let lines = fs::read_to_string(directory.path().join("lines")).expect("lines");
    assert_eq!(lines.lines().count(), 2 + 3);
    assert_eq!(reward.name(), "meteor");
    let signature = reward.signature();
    let start = "meteor|jar:meteor-1.5.jar|language:en|norm:true|nrefs:2|end:0|version:";
    assert!(signature.starts_with(start), "{signature}");
}

#[test]
fn message_names_the_file_when_one_is_missing() {
    let (directory, good) = installed(FAKE);
    let path = directory.path().display();
    let message = |options: &MeteorOptions| {
        let error = Meteor::start(options).expect_err("a missing file");
        assert!(error.is_mistake());
        error.to_string()
    };
    let mut options = good.clone();
    options.java = "/no/such/java".into();
    assert_eq!(
        message(&options),
        format!(
            "program /no/such/java -jar -Xmx2G {path}/meteor-1.5.jar - - -stdio -l en -norm: found no such program, expected the path of one or a name on the PATH"
        )
    );
    options.jar = "/no/such/meteor.jar".into();
    assert_eq!(
        message(&options),
        "meteor.jar: found no file /no/such/meteor.jar, expected meteor-1.5.jar"
    );
    fs::remove_file(directory.path().join("data/paraphrase-en.gz")).expect("paraphrases");
    assert_eq!(
        message(&good),
        format!(
            "meteor.jar: found no file {path}/data/paraphrase-en.gz, expected METEOR's paraphrases beside its jar"
        )
    );
}

#[test]
fn start_fails_when_meteor_does_not_answer_well() {
    assert_eq!(
        start_message("echo 'Error: Unable to access jarfile' >&2; exit 1", LONG),
        "start-up check: found exit status 1, expected an answer; its standard error ended with\n    Error: Unable to access jarfile"
    );
    assert_eq!(
        start_message("exec sleep 1000", 1.0),
        "start-up check: found no answer after 1 s, expected one within that time"
    );
    assert_eq!(
        start_message("read -r line; echo 'Usage: java'; cat >/dev/null", LONG),
        "start-up check: found \"Usage: java\", expected a line of numbers"
    );
    assert_eq!(
        start_message("while read -r line; do echo '1.0 2.0'; done", LONG),
        "start-up check: found \"1.0 2.0\", expected a line with one score"
    );
}

#[test]
fn meteor_stays_stopped_when_it_has_crashed() {
    let crash = FAKE.replace("do\n", "do\n case $line in *crash*) exit 134;; esac\n");
    let (directory, options) = installed(&crash);
    let mut meteor = Meteor::start(&options).expect("a good start");
    let references = ["a dog".to_owned()];
    let mut fail = |hypothesis| {
        let item = TextItem {
            hypothesis,
            references: &references,
        };
        let error = meteor.score(&[item]).expect_err("no scores");
        assert!(!error.is_mistake());
        message(directory.path(), &error)
    };
    assert_eq!(fail("crash"), "found exit status 134, expected an answer");
    assert_eq!(
        fail("a dog"),
        "found it stopped after an earlier failure, expected no further captions"
    );
}

#[test]
fn score_fails_when_there_is_nothing_to_compare() {
    let (_directory, options) = installed(FAKE);
    let mut meteor = Meteor::start(&options).expect("a good fake");
    let mut message = |items: &[TextItem<'_>]| {
        let scores = meteor.score(items);
        scores.expect_err("nothing to compare").to_string()
    };
    assert_eq!(message(&[]), "found no image, expected at least one");
    let item = TextItem {
        hypothesis: "a",
        references: &[],
    };
    assert_eq!(
        message(&[item]),
        "image 0: found no reference, expected at least one"
    );
}

#[test]
fn problems_are_all_listed_when_options_have_several() {
    let options = MeteorOptions {
        java: "".into(),
        memory: "much".to_owned(),
        timeout_secs: 0.0,
        ..MeteorOptions::default()
    };
    let messages: Vec<_> = options.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "meteor.jar: found \"\", expected the path of the jar",
            "meteor.java: found \"\", expected java or the path of a java program",
            "meteor.memory: found \"much\", expected the largest heap, such as 2G",
            "meteor.timeout_secs: found 0, expected seconds above 0 and up to 1e6",
        ]
    );
}
