//! Rewards for other programs: what `scst reward --serve` answers, and training on its answers.

mod support;

use std::{
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use support::Workplace;

/// Runs `scst reward --serve` on lines of requests.
fn serve(workplace: &Workplace, arguments: &[&str], requests: &str) -> Output {
    let mut command = workplace.command(&[&["reward", "--serve"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = command.stderr(Stdio::piped()).spawn().expect("scst starts");
    let mut input = server.stdin.take().expect("a pipe");
    input
        .write_all(requests.as_bytes())
        .expect("requests are read");
    drop(input);
    server.wait_with_output().expect("the server ends")
}

/// The answers to requests that are all good.
fn answers(workplace: &Workplace, arguments: &[&str], requests: &str) -> Vec<Value> {
    let output = serve(workplace, arguments, requests);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let answers = text.lines().map(serde_json::from_str);
    answers.collect::<Result<_, _>>().expect("JSON")
}

fn weights(workplace: &Workplace, run: &str) -> Vec<u8> {
    let newest = support::newest_checkpoint(&workplace.path(run));
    std::fs::read(Path::new(&newest).join("model.safetensors")).expect("weights")
}

#[cfg(unix)]
#[test]
fn training_ends_with_the_same_bits_when_the_server_is_the_program_of_its_reward() {
    let workplace = Workplace::new();
    let built_in = "stages.1.scst.rewards=[{cider_d={}}]";
    workplace.succeed(&["train", "config.toml", "--set", built_in]);
    let program = env!("CARGO_BIN_EXE_scst");
    let served = format!(
        "stages.1.scst.rewards=[{{command={{program=[{program:?},\"reward\",\"--serve\",\"--run\",\"runs/tiny\"],workers=2}}}}]"
    );
    workplace.succeed(&[
        "train",
        "config.toml",
        "--set",
        &served,
        "--out",
        "runs/served",
    ]);
    assert!(
        weights(&workplace, "runs/tiny") == weights(&workplace, "runs/served"),
        "other weights"
    );

    // Without a run, the same from its files.
    let newest = support::newest_checkpoint(&workplace.path("runs/tiny"));
    let vocabulary = newest.join("tokenizer.json").display().to_string();
    let captions = [
        json!({"image_id": "image0.png", "tokens": [2, 3, 1, 4, 0], "text": "a b <unk> c", "references": ["unused"]}),
        json!({"image_id": "image11.png", "text": "a white star that is unheard of"}),
    ];
    let request = format!("{}\n", json!({"version": 1, "captions": captions}));
    let files = ["--references", "captions.csv", "--splits", "splits.csv"];
    let of_files = [&files[..], &["--vocabulary", &vocabulary]].concat();
    let expected = answers(&workplace, &["--run", "runs/tiny"], &request);
    assert_eq!(answers(&workplace, &of_files, &request), expected);
    assert!(
        expected[0]["scores"][1].as_f64() > Some(0.5),
        "{expected:?}"
    );
}

/// References of two images.
const REFERENCES: &str = r#"{"a.jpg": ["A dog runs.", "Two dogs!"], "7": ["a cat sits on a mat"]}"#;

#[test]
fn every_line_is_answered_in_order_when_some_are_bad() {
    let workplace = Workplace::new();
    workplace.write("refs.json", REFERENCES.as_bytes());
    let arguments = ["--references", "refs.json"];
    let good =
        r#"{"captions":[{"image_id":"a.jpg","text":"A dog runs!"},{"image_id":7,"text":"no"}]}"#;
    let unknown = r#"{"captions":[{"image_id":"b.jpg","text":"a"}]}"#;
    let output = serve(
        &workplace,
        &arguments,
        &format!("{good}\nnonsense\n{unknown}\n{good}"),
    );
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], lines[3]);
    assert_eq!(lines[0]["scores"][1], 0.0);
    assert!(lines[0]["scores"][0].as_f64() > Some(1.0), "{}", lines[0]);
    assert_eq!(
        lines[1]["error"],
        r#"found `nonsense`, expected a line such as {"captions":[{"image_id":"x.jpg","text":"a dog"}]}"#
    );
    assert_eq!(
        lines[2]["error"],
        "captions[0].image_id: found \"b.jpg\", expected an image whose references are known from the beginning, or \
         `references` beside it"
    );
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        errors.contains(
            "error: 2 of 4 requests were refused, the first of them request 2: found `nonsense`"
        ),
        "{errors}"
    );
}

#[test]
fn scores_are_those_of_score_and_parts_are_told_by_name() {
    let workplace = Workplace::new();
    let references = json!({
        "images": [{"id": 1}, {"id": 2}],
        "annotations": [
            {"image_id": 1, "caption": "A dog runs."}, {"image_id": 1, "caption": "two dogs"},
            {"image_id": 2, "caption": "A cat sits on a mat."},
        ],
    });
    workplace.write("refs.json", references.to_string().as_bytes());
    let candidates = json!([{"image_id": 1, "caption": "a dog runs on a mat"}, {"image_id": 2, "caption": "Cats sit."}]);
    workplace.write("cands.json", candidates.to_string().as_bytes());
    let files = ["--references", "refs.json", "--candidates", "cands.json"];
    let scored = workplace.succeed(&[&["score", "--json", "--per-caption"], &files[..]].concat());
    let scored: Value = serde_json::from_str(&scored).expect("JSON");
    let request = r#"{"parts":true,"captions":[{"image_id":1,"text":"a dog runs on a mat"},{"image_id":"2","text":"Cats sit."}]}"#;
    let rewards = "[{ cider_d = {} }, { weight = -0.5, rouge_l = {} }]";
    let arguments = ["--references", "refs.json", "--reward", rewards];
    let answer = &answers(&workplace, &arguments, request)[0];
    for caption in 0..2 {
        let number = |value: &Value| value.as_f64().expect("a number");
        let expected = &scored["per_caption"][caption];
        let parts = ["cider_d", "rouge_l"].map(|name| number(&answer["parts"][name][caption]));
        assert!((parts[0] - number(&expected["cider_d"])).abs() < 1e-12);
        assert!((parts[1] - number(&expected["rouge_l"])).abs() < 1e-12);
        assert_eq!(
            number(&answer["scores"][caption]),
            parts[0] - 0.5 * parts[1]
        );
    }
    // References of the request, with the document frequencies of a table.
    let table = [
        "document-frequency",
        "--captions",
        "refs.json",
        "--out",
        "table.bin",
    ];
    workplace.succeed(&table);
    let request = r#"{"captions":[{"image_id":"new","text":"a dog","references":["a dog runs","two dogs"]}]}"#;
    let by_table = ["--document-frequency", "table.bin"];
    assert!(answers(&workplace, &by_table, request)[0]["scores"][0].as_f64() > Some(0.1));
}

#[test]
fn server_does_not_start_when_it_lacks_what_it_needs() {
    let workplace = Workplace::new();
    workplace.write("refs.json", REFERENCES.as_bytes());
    workplace.write("ids.json", br#"{"a.jpg": [[4, 7, 0], [5, 0]]}"#);
    for (arguments, expected) in [
        (&[][..], "reward 0: cider_d: found no document frequencies"),
        (
            &["--references", "ids.json"],
            "`ids.json`: found token ids, expected --ids with them",
        ),
        (
            &["--references", "refs.json", "--ids"],
            "`refs.json`: found text, expected {\"x.jpg\": [[4, 7, 0]]} with --ids",
        ),
        (
            &["--references", "captions.csv"],
            "`captions.csv` is a table, expected --splits with it",
        ),
        (&["--references", "missing.json"], "missing.json"),
        (
            &["--references", "refs.json", "--reward", "cider_d,chrf"],
            "--tokenizer: found ptb with the reward chrf, expected none, since it takes text as it stands",
        ),
        (
            &["--references", "refs.json", "--reward", "cidr"],
            "--reward `cidr`: key `rewards.0.cidr`: no such key, did you mean `rewards.0.cider_d`?",
        ),
        (
            &["--references", "ids.json", "--ids", "--end-token", "9"],
            "reward 0: found no end token 9 in the document frequencies",
        ),
    ] {
        let error = workplace.refuse(2, &[&["reward", "--serve"], arguments].concat());
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let request = r#"{"captions":[{"image_id":"a.jpg","tokens":[4,7,0,0,0]},{"image_id":"a.jpg","tokens":[4,7]}]}"#;
    let ids = [
        "--references",
        "ids.json",
        "--ids",
        "--end-token",
        "0",
        "--reward",
        "bleu",
    ];
    let answer = &answers(&workplace, &ids, request)[0];
    assert!(answer["scores"][0].as_f64() > answer["scores"][1].as_f64());
}

#[cfg(unix)]
#[test]
fn client_in_python_gets_scores_and_hears_of_mistakes() {
    if !scst_testing::oracles::runs("python3", "--version") {
        return;
    }
    let workplace = Workplace::new();
    workplace.write("refs.json", REFERENCES.as_bytes());
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/reward_client.py");
    let ask = |lines: &str| -> Output {
        workplace.write("lines.tsv", lines.as_bytes());
        let lines = std::fs::File::open(workplace.path("lines.tsv")).expect("a file");
        let mut command = std::process::Command::new("python3");
        command.arg(&client).arg(env!("CARGO_BIN_EXE_scst"));
        command.args(["--references", "refs.json"]).stdin(lines);
        command
            .current_dir(workplace.path("."))
            .output()
            .expect("Python starts")
    };
    let output = ask("a.jpg\ta dog runs\n7\tno\n");
    let scores = String::from_utf8(output.stdout).expect("UTF-8");
    let errors = String::from_utf8_lossy(&output.stderr);
    let scores: Vec<f64> = scores
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect();
    assert_eq!(scores.len(), 2, "{errors}");
    assert!(scores[0] > 1.0 && scores[1] == 0.0, "{scores:?}");
    let output = ask("b.jpg\ta dog\n");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("ValueError: captions[0].image_id: found \"b.jpg\""),
        "{errors}"
    );
}
