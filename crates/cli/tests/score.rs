//! `scst score`, `document-frequency`, `tokenize` and `rewards`, as scripts use them.

mod support;

use std::{
    io::Write,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use support::Workplace;

fn refs() -> Value {
    json!({
        "info": {"year": 2014},
        "images": [{"id": 7, "file_name": "7.jpg"}, {"id": 9}, {"id": "eleven"}],
        "annotations": [
            {"image_id": 7, "id": 1, "caption": "A dog runs across the grass."},
            {"image_id": 7, "id": 2, "caption": "The dog isn't standing on grass!"},
            {"image_id": 9, "id": 3, "caption": "Two men play football."},
            {"image_id": 9, "id": 4, "caption": "Men are playing a football game"},
            {"image_id": "eleven", "id": 5, "caption": "A red bus on a street"},
        ]
    })
}

fn cands() -> Value {
    json!([
        {"image_id": 9, "caption": "Two men playing football."},
        {"image_id": "eleven", "caption": "A red bus on a street"},
        {"image_id": 7, "caption": "A dog runs on the grass"},
    ])
}

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("refs.json", refs().to_string().as_bytes());
    workplace.write("cands.json", cands().to_string().as_bytes());
    workplace
}

const SCORE: [&str; 5] = [
    "score",
    "--references",
    "refs.json",
    "--candidates",
    "cands.json",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SCORE, more].concat()
}

fn score(workplace: &Workplace, more: &[&str]) -> Value {
    let printed = workplace.succeed(&with(more));
    serde_json::from_str(&printed).expect("one JSON object and nothing else")
}

#[test]
fn score_prints_the_promised_object() {
    let workplace = workplace();
    let report = score(&workplace, &["--json", "--per-caption"]);
    assert_eq!(report["images"], 3);
    let metrics = report["metrics"].as_object().expect("an object");
    let names: Vec<&str> = metrics.keys().map(String::as_str).collect();
    let expected = [
        "bleu_1", "bleu_2", "bleu_3", "bleu_4", "cider", "cider_d", "rouge_l",
    ];
    assert_eq!(names, expected);
    assert_eq!(captions_of(&report)[0]["image"], "7.jpg");
    let captions = report["per_caption"].as_array().expect("captions");
    let ids: Vec<&Value> = captions
        .iter()
        .map(|caption| &caption["image_id"])
        .collect();
    assert_eq!(ids, [&json!(7), &json!(9), &json!("eleven")]);
    // An exact copy of the only reference.
    let perfect = captions[2]["cider_d"].as_f64().expect("a number");
    assert!((perfect - 10.0).abs() < 1e-12, "{perfect}");
    let mean: f64 = captions
        .iter()
        .filter_map(|c| c["cider_d"].as_f64())
        .sum::<f64>()
        / 3.0;
    assert!((mean - metrics["cider_d"].as_f64().expect("a number")).abs() < 1e-12);
    let signature = report["signature"].as_str().expect("text");
    for part in [
        "cider_d|",
        "df:corpus",
        "+cider|",
        "bleu|",
        "rouge_l|",
        "|tokenizer:ptb",
    ] {
        assert!(signature.contains(part), "{signature}");
    }
    assert!(score(&workplace, &["--json"]).get("per_caption").is_none());
    let text = workplace.succeed(&with(&["--metrics", "bleu,rouge_l"]));
    assert!(
        text.contains("\nBLEU-4 ") && text.contains("\nROUGE-L "),
        "{text}"
    );
    assert!(!text.to_lowercase().contains("cider"), "{text}");
    let table = workplace.succeed(&with(&["--metrics", "bleu_4,cider_d", "--per-caption"]));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "image     BLEU-4  CIDEr-D  caption",
            "7 7.jpg   0.0001   2.9294  A dog runs on the grass",
            "9         0.0000   2.1474  Two men playing football.",
            "eleven    1.0000  10.0000  A red bus on a street",
        ]
    );
    assert_eq!(lines[4..6], ["", "3 images"]);
}

/// The captions of a report.
fn captions_of(report: &Value) -> &Vec<Value> {
    report["per_caption"].as_array().expect("captions")
}

/// `scst` with something on standard input.
fn fed(workplace: &Workplace, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = workplace.command(arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("scst starts");
    let written = child.stdin.take().expect("a pipe").write_all(input);
    // A program that has refused its input may be gone.
    drop(written);
    child.wait_with_output().expect("scst ends")
}

/// References and candidates as in `refs` and `cands`, in other layouts.
const KARPATHY: &str = r#"{"images": [
    {"filename": "7.jpg", "cocoid": 7, "split": "val", "sentences": [
        {"raw": "A dog runs across the grass.", "tokens": ["a"]},
        {"raw": "The dog isn't standing on grass!", "tokens": ["a"]}]},
    {"filename": "9.jpg", "cocoid": 9, "split": "val", "sentences": [
        {"raw": "Two men play football.", "tokens": ["a"]},
        {"raw": "Men are playing a football game", "tokens": ["a"]}]},
    {"filename": "11.jpg", "cocoid": "eleven", "split": "val", "sentences": [
        {"raw": "A red bus on a street", "tokens": ["a"]}]},
    {"filename": "other.jpg", "cocoid": 1, "split": "train", "sentences": [{"raw": "x", "tokens": ["x"]}]}]}"#;
const TABLE: &str = "image,caption\n7.jpg,A dog runs across the grass.\n9.jpg,Two men play football.\n\
    9.jpg,Men are playing a football game\n7.jpg,The dog isn't standing on grass!\n11.jpg,A red bus on a street\n";
const LINES: &str = "A dog runs on the grass\nTwo men playing football.\nA red bus on a street\n";
const BY_NAME: &str = "image;caption\n9.jpg;Two men playing football.\n11.jpg;A red bus on a street\n\
    7.jpg;A dog runs on the grass\n";
const JSON_LINES: &str = "{\"image_id\": \"eleven\", \"caption\": \"A red bus on a street\"}\n\
    {\"image\": \"7.jpg\", \"caption\": \"A dog runs on the grass\"}\n\
    {\"image_id\": 9, \"captions\": [\"Two men playing football.\"]}\n";

#[test]
fn scores_do_not_depend_on_the_layout() {
    let workplace = workplace();
    let expected = score(&workplace, &["--json"]);
    for (name, text) in [
        ("karpathy.txt", KARPATHY),
        ("table", TABLE),
        ("lines.csv", LINES),
        ("names.txt", BY_NAME),
        ("lines.jsonl", JSON_LINES),
        ("splits", "image,split\n7.jpg,val\n9.jpg,val\n11.jpg,val\n"),
    ] {
        workplace.write(name, text.as_bytes());
    }
    let cases: [&[&str]; 6] = [
        &["karpathy.txt", "cands.json", "--split", "val"],
        &["karpathy.txt", "names.txt", "--subset"],
        &["karpathy.txt", "lines.jsonl", "--split", "val"],
        &["table", "lines.csv"],
        &["table", "names.txt", "--splits", "splits", "--split", "val"],
        &["refs.json", "lines.csv"],
    ];
    for case in cases {
        let files = [
            "score",
            "--json",
            "--references",
            case[0],
            "--candidates",
            case[1],
        ];
        let printed = workplace.succeed(&[&files[..], &case[2..]].concat());
        let report: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(report, expected, "{case:?}");
    }
    for (references, candidates) in [("-", "cands.json"), ("refs.json", "-")] {
        let arguments = [
            "score",
            "--json",
            "--references",
            references,
            "--candidates",
            candidates,
        ];
        let input = if references == "-" { refs() } else { cands() };
        let output = fed(&workplace, &arguments, input.to_string().as_bytes());
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report, expected);
    }
}

#[test]
fn files_that_do_not_go_together_are_told() {
    let workplace = workplace();
    workplace.write("lines", b"A dog\nTwo men\n");
    workplace.write("table", TABLE.as_bytes());
    let refuse = |references, candidates, more: &[&str], expected: &str| {
        let files = [
            "score",
            "--references",
            references,
            "--candidates",
            candidates,
        ];
        let error = workplace.refuse(2, &[&files[..], more].concat());
        assert!(error.contains(expected), "{error}");
    };
    let number = "`lines`: found 2 lines of plain text, expected 3: a caption for every image of `refs.json`";
    refuse("refs.json", "lines", &[], number);
    refuse(
        "lines",
        "cands.json",
        &[],
        "`lines` is plain text, expected references with the names",
    );
    refuse(
        "-",
        "-",
        &[],
        "found `-` for both references and candidates",
    );
    refuse(
        "table",
        "cands.json",
        &["--split", "val"],
        "`table` is a table, expected --splits with it",
    );
    refuse(
        "refs.json",
        "table",
        &[],
        "line 3: image `9.jpg` is not listed in `refs.json`",
    );
    refuse(
        "table",
        "table",
        &[],
        "appears twice, first at line 3; --several scores several captions an image",
    );
    let arguments = ["score", "--references", "refs.json", "--candidates", "-"];
    let output = fed(
        &workplace,
        &arguments,
        b"[{\"image_id\": 3, \"caption\": \"a\"}]",
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: standard input: [0].image_id: image 3 is not listed in `refs.json`\n"
    );
    // A metric that is mistyped is guessed.
    let output = workplace.run(&with(&["--metrics", "cider-d"]));
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2));
    for part in ["did you mean `cider_d`?", "bleu_4", "rouge_l"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn several_captions_are_scored_together_and_by_the_best_of_every_image() {
    let workplace = workplace();
    let one = score(&workplace, &["--json", "--several"]);
    let alone = score(&workplace, &["--json"]);
    assert_eq!(one["metrics"], alone["metrics"]);
    assert_eq!(one["best"], alone["metrics"]);
    let mut several = cands();
    let more = json!([
        {"image_id": 9, "caption": "a red bus"},
        {"image_id": 7, "caption": "The dog isn't standing on grass!"},
        {"image_id": 9, "caption": "Two men play football."},
    ]);
    let list = several.as_array_mut().expect("a list");
    list.extend(more.as_array().expect("a list").clone());
    workplace.write("cands.json", several.to_string().as_bytes());
    let report = score(&workplace, &["--json", "--several", "--per-caption"]);
    assert_eq!(
        (&report["images"], &report["captions"]),
        (&json!(3), &json!(6))
    );
    let captions = captions_of(&report);
    assert_eq!(captions.len(), 6);
    for metric in ["cider_d", "rouge_l"] {
        let of_image = |id: Value| {
            let captions = captions.iter().filter(|caption| caption["image_id"] == id);
            captions
                .filter_map(|caption| caption[metric].as_f64())
                .collect::<Vec<_>>()
        };
        let scores = [json!(7), json!(9), json!("eleven")].map(of_image);
        let mean = scores.iter().flatten().sum::<f64>() / 6.0;
        let best = scores
            .iter()
            .map(|of| of.iter().copied().fold(0.0, f64::max))
            .sum::<f64>()
            / 3.0;
        for (found, expected) in [(&report["metrics"], mean), (&report["best"], best)] {
            let found = found[metric].as_f64().expect("a number");
            assert!(
                (found - expected).abs() < 1e-12,
                "{metric}: {found} {expected}"
            );
        }
    }
    // Every image has a candidate that is a reference.
    for order in 1..=4 {
        let best = report["best"][format!("bleu_{order}")]
            .as_f64()
            .expect("a number");
        assert!(best > 0.999, "{best}");
    }
    let text = workplace.succeed(&with(&["--several", "--metrics", "bleu_1,diversity"]));
    for part in [
        "3 images, 6 captions\n",
        "all     best\n",
        "\nBLEU-1 ",
        "\nself-CIDEr ",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let error = workplace.refuse(2, &with(&["--several", "--metrics", "spice"]));
    assert!(
        error.contains("found meteor or spice with --several"),
        "{error}"
    );
}

#[test]
fn score_depends_on_tokenizer_and_table_as_asked() {
    let workplace = workplace();
    let ptb = score(&workplace, &["--json"]);
    let raw = score(&workplace, &["--json", "--tokenizer", "none"]);
    assert_ne!(ptb["metrics"]["rouge_l"], raw["metrics"]["rouge_l"]);
    let built = [
        "document-frequency",
        "--captions",
        "refs.json",
        "--out",
        "refs.df",
    ];
    let printed = workplace.succeed(&built);
    assert!(printed.starts_with("3 images, "), "{printed}");
    let table = score(&workplace, &["--json", "--document-frequency", "refs.df"]);
    // The table of the references themselves changes nothing but the signature.
    assert_eq!(table["metrics"], ptb["metrics"]);
    assert!(
        table["signature"]
            .as_str()
            .expect("text")
            .contains("df:table-3-")
    );
    let from_csv = workplace.succeed(&[
        "document-frequency",
        "--captions",
        "captions.csv",
        "--splits",
        "splits.csv",
        "--split",
        "val",
        "--out",
        "val.df",
    ]);
    assert!(from_csv.starts_with("12 images, "), "{from_csv}");
}

#[test]
fn diversity_compares_the_captions_of_an_image() {
    let workplace = workplace();
    let several = json!([
        {"image_id": 7, "caption": "a dog runs"}, {"image_id": 7, "caption": "a dog runs"},
        {"image_id": 9, "caption": "two men play"}, {"image_id": 9, "caption": "a football game"},
    ]);
    workplace.write("cands.json", several.to_string().as_bytes());
    let report = score(&workplace, &["--metrics", "diversity", "--json"]);
    assert_eq!(report["images"], 2);
    assert_eq!(report["metrics"]["distinct_1"], 0.75);
    assert!(report["metrics"]["mbleu_1"].as_f64().expect("a number") < 0.6);
    assert!(report["metrics"]["self_cider"].is_f64(), "{report}");
    let error = workplace.refuse(2, &with(&["--metrics", "diversity,bleu"]));
    assert!(error.contains("expected it alone"), "{error}");
}

#[test]
fn cider_that_is_always_zero_is_told() {
    let workplace = workplace();
    let warned = |more: &[&str]| {
        let output = workplace.run(&with(more));
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).contains("warning: CIDEr-D and CIDEr are 0")
    };
    assert!(!warned(&[]));
    let mut one = cands();
    one.as_array_mut().expect("a list").truncate(1);
    workplace.write("cands.json", one.to_string().as_bytes());
    assert!(warned(&["--subset"]));
    assert!(!warned(&["--subset", "--metrics", "bleu"]));
    workplace.succeed(&[
        "document-frequency",
        "--captions",
        "refs.json",
        "--out",
        "refs.df",
    ]);
    assert!(!warned(&["--subset", "--document-frequency", "refs.df"]));
}

#[test]
fn mistakes_name_file_and_item() {
    let workplace = workplace();
    let refuse = |refs: &Value, cands: &Value, more: &[&str]| {
        workplace.write("refs.json", refs.to_string().as_bytes());
        workplace.write("cands.json", cands.to_string().as_bytes());
        workplace.refuse(2, &with(more))
    };
    let mut missing = cands();
    missing.as_array_mut().expect("a list").pop();
    assert_eq!(
        refuse(&refs(), &missing, &[]),
        "error: `cands.json`: no candidate for 1 of 3 images of `refs.json`, the first is image 7"
    );
    assert_eq!(score(&workplace, &["--json", "--subset"])["images"], 2);
    let mut twice = cands();
    twice[2]["image_id"] = json!(9);
    assert_eq!(
        refuse(&refs(), &twice, &[]),
        "error: `cands.json`: [2].image_id: image id 9 appears twice, first at [0].image_id; --several scores several captions \
         an image"
    );
    let mut unknown = cands();
    unknown[0]["image_id"] = json!(8);
    assert_eq!(
        refuse(&refs(), &unknown, &[]),
        "error: `cands.json`: [0].image_id: image 8 is not listed in `refs.json`"
    );
    let mut bare = refs();
    bare["annotations"].as_array_mut().expect("a list").pop();
    assert_eq!(
        refuse(&bare, &cands(), &[]),
        "error: `refs.json`: images[2]: found no annotation of image `eleven`, expected at least one"
    );
    let long = json!([{"image_id": 7, "caption": "a".repeat(2 << 20)}]);
    assert_eq!(
        refuse(&refs(), &long, &[]),
        "error: `cands.json`: [0].caption: found a caption of 2097152 bytes, expected at most 1048576"
    );
    workplace.write("cands.json", b"[{\"image_id\": 7,");
    let error = workplace.refuse(2, &SCORE);
    assert!(
        error.contains("`cands.json`: line 1, column 16: the file ends in the middle of a value"),
        "{error}"
    );
    workplace.write("cands.json", cands().to_string().as_bytes());
    let error = workplace.refuse(2, &with(&["--document-frequency", "nowhere.df"]));
    assert!(error.contains("cannot read `nowhere.df`"), "{error}");
    workplace.write("bad.df", b"not a table");
    let error = workplace.refuse(2, &with(&["--document-frequency", "bad.df"]));
    assert!(
        error.contains("`bad.df`: found plain text, expected a table of `"),
        "{error}"
    );
    let error = workplace.refuse(2, &with(&["--metrics", "meteor"]));
    assert!(error.contains("--meteor-jar"), "{error}");
    let jar = [
        "--metrics",
        "meteor",
        "--meteor-jar",
        "nowhere/meteor-1.5.jar",
    ];
    let error = workplace.refuse(2, &with(&jar));
    assert!(error.contains("nowhere/meteor-1.5.jar"), "{error}");
}

fn tokenize(workplace: &Workplace, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = workplace.command(&[&["tokenize"], arguments].concat());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("scst starts");
    let written = child.stdin.take().expect("a pipe").write_all(input);
    // A program that has refused its input may be gone.
    drop(written);
    child.wait_with_output().expect("scst ends")
}

#[test]
fn tokenize_answers_line_by_line() {
    let workplace = Workplace::new();
    let output = tokenize(
        &workplace,
        &[],
        b"A man's dog, isn't it?\r\n\nTwo (2) dogs.",
    );
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text, "a man 's dog is n't it\n\ntwo -lrb- 2 -rrb- dogs\n");
    let output = tokenize(&workplace, &["--tokenizer", "none"], b"  A  dog. \n");
    assert_eq!(output.stdout, b"A dog.\n");
    let output = tokenize(&workplace, &[], b"good\n\xff\n");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"good\n");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        error.contains("standard input: line 2: invalid utf-8"),
        "{error}"
    );
    let output = tokenize(&workplace, &[], &vec![b'a'; 3 << 20]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        error.contains("line 1: found more than 1048576 bytes"),
        "{error}"
    );
}

#[test]
fn rewards_lists_every_key_with_its_default() {
    let printed = Workplace::new().succeed(&["rewards"]);
    for part in [
        "stages.N.scst.rewards.N.cider_d.sigma",
        "default 6.0",
        "stages.N.scst.rewards.N.command.restarts",
        "stages.N.scst.rewards.N.weight",
        "has to be given",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_nobody_reads_or_that_is_full_is_no_panic() {
    let workplace = Workplace::new();
    let mut command = workplace.command(&["rewards"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().expect("scst starts");
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
    let full = std::fs::File::create("/dev/full").expect("a full device");
    let mut command = workplace.command(&["rewards"]);
    let output = command.stdout(full).output().expect("scst starts");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        error.starts_with("error: cannot write standard output: No space left"),
        "{error}"
    );
}

/// A table of `data/tests/fixtures/pickles`.
fn pickled(name: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../data/tests/fixtures/pickles"
    );
    format!("{folder}/{name}")
}

#[test]
fn pickled_frequencies_score_as_those_counted_here() {
    let workplace = Workplace::new();
    // The captions that the pickled tables were counted from (`scripts/pickle_fixtures.py`).
    let training = [
        &["a dog runs", "a café"][..],
        &["a dog runs in the grass"],
        &["two dogs"],
        &["a 狗 runs"],
    ];
    let images: Vec<_> = (0..training.len()).map(|id| json!({"id": id})).collect();
    let annotations = training.iter().enumerate();
    let annotations: Vec<_> = annotations
        .flat_map(|(id, texts)| {
            texts
                .iter()
                .map(move |text| json!({"image_id": id, "caption": text}))
        })
        .collect();
    let captions = json!({"images": images, "annotations": annotations});
    workplace.write("refs.json", captions.to_string().as_bytes());
    let candidates = ["a dog runs in grass", "a dog", "two two dogs", "狗 runs"];
    let candidates: Vec<_> = (0..4)
        .map(|id| json!({"image_id": id, "caption": candidates[id]}))
        .collect();
    workplace.write("cands.json", json!(candidates).to_string().as_bytes());
    let plain = ["--tokenizer", "none"];
    let count = [
        "document-frequency",
        "--captions",
        "refs.json",
        "--out",
        "counted.df",
    ];
    workplace.succeed(&[&count[..], &plain].concat());
    let score = |table: &str| {
        let arguments = [
            "score",
            "--references",
            "refs.json",
            "--candidates",
            "cands.json",
            "--json",
            "--per-caption",
            "--document-frequency",
            table,
        ];
        let output = workplace.run(&[&arguments[..], &plain].concat());
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success(), "{said}");
        let mut report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let report = report.as_object_mut().expect("an object");
        let signature = report.remove("signature").expect("a signature").to_string();
        assert!(signature.contains("table-4-"), "{signature}");
        (json!(report), said)
    };
    let (expected, said) = score("counted.df");
    assert_eq!(said, "");
    for name in [
        "words_0.p",
        "words_2.p",
        "words_4.p",
        "words_5.p",
        "words_python2_0.p",
        "words_python2_2.p",
    ] {
        assert_eq!(
            score(&pickled(name)),
            (expected.clone(), String::new()),
            "{name}"
        );
    }
    let (found, said) = score(&pickled("logarithm_2.p"));
    assert_eq!(found, expected);
    assert!(
        said.contains("`ref_len` is 1.3862943611198906, taken for the logarithm of 4 images"),
        "{said}"
    );

    let refuse = |name: &str, expected: &str| {
        let arguments = [
            "score",
            "--references",
            "refs.json",
            "--candidates",
            "cands.json",
            "--document-frequency",
            name,
        ];
        let message = workplace.refuse(2, &arguments);
        assert!(message.contains(expected), "{message}");
    };
    refuse(
        &pickled("idxs_2.p"),
        "found ids of words, such as 0, 1, 2, expected words",
    );
    refuse(
        &pickled("bare_2.p"),
        "found a dictionary of n-grams without the number of images",
    );
    refuse(
        "refs.json",
        "`refs.json`: found JSON, expected a table of `",
    );
}
