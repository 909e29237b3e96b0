//! Captions and ids as people have them: in any script, in tables of several programs, with ids as numbers or text.

mod support;

use serde_json::{Value, json};
use support::Workplace;

/// A captioner that learns four captions by heart.
const CONFIG: &str = r#"
name = "four"
threads = 1

[data]
captions.kaggle = { captions = "four.csv", splits = "four_splits.csv" }
features.npy = { path = "four.npy" }
minimum_count = 1
max_length = 14

[model.fc]
hidden = 16
embedding = 16
dropout = 0.0

[[stages]]
name = "xe"
epochs = 40
sources_per_batch = 2
learning_rate = 3e-2
xe = {}
"#;

/// Two captions, each of a training and of a validation image with the same features.
fn with_captions(one: &str, two: &str) -> Workplace {
    let workplace = Workplace::new();
    let rows = format!("image,caption\na.jpg,{one}\nb.jpg,{two}\nc.jpg,{one}\nd.jpg,{two}\n");
    workplace.write("four.csv", rows.as_bytes());
    workplace.write(
        "four_splits.csv",
        b"image,split\na.jpg,train\nb.jpg,train\nc.jpg,val\nd.jpg,val\n",
    );
    workplace.write("four.names.txt", b"a.jpg\nb.jpg\nc.jpg\nd.jpg\n");
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    for value in [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0f32] {
        bytes.extend(value.to_le_bytes());
    }
    workplace.write("four.npy", &bytes);
    workplace.write("config.toml", CONFIG.as_bytes());
    workplace
}

/// The captions that a trained run writes, and the signature of its evaluation.
fn learnt(workplace: &Workplace, options: &[&str]) -> (Value, String) {
    workplace.succeed(&[&["train", "config.toml"], options].concat());
    let report = workplace.succeed(&["eval", "runs/four", "--out", "results.json", "--json"]);
    let results = serde_json::from_str(&workplace.text("results.json")).expect("JSON");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    (
        results,
        report["signature"].as_str().expect("text").to_owned(),
    )
}

#[test]
fn captions_of_any_script_come_out_as_they_went_in() {
    let (one, two) = ("एक कुत्ता घास पर दौड़ रहा है", "สุนัข วิ่ง บน หญ้า ที่ น้ำ");
    let workplace = with_captions(one, two);
    let (results, signature) = learnt(&workplace, &[]);
    // Nukta after its letter, as NFC has it: where the caption holds the composed letter, it is taken apart.
    let one = one.replace('\u{95c}', "\u{921}\u{93c}");
    let expected =
        json!([{"image_id": "c.jpg", "caption": one}, {"image_id": "d.jpg", "caption": two}]);
    assert_eq!(results, expected);
    assert!(!signature.contains("words:"), "{signature}");
}

#[test]
fn characters_are_words_when_the_configuration_says_so() {
    let workplace = with_captions("一只狗在草地上跑。", "两个人走路");
    let output = workplace.run(&["train", "config.toml", "--set", "stages.0.epochs=1"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains("warning: 50 % of the captions hold words such as"),
        "{errors}"
    );
    let workplace = with_captions("一只狗在草地上跑。", "两个人走路");
    let (results, signature) = learnt(&workplace, &["--set", "data.words=characters"]);
    let (one, two) = ("一 只 狗 在 草 地 上 跑", "两 个 人 走 路");
    let expected =
        json!([{"image_id": "c.jpg", "caption": one}, {"image_id": "d.jpg", "caption": two}]);
    assert_eq!(results, expected);
    assert!(signature.ends_with("|words:characters"), "{signature}");
    assert!(
        workplace
            .text("runs/four/config.toml")
            .contains("words = \"characters\"")
    );
}

#[test]
fn minimum_count_is_named_when_it_leaves_no_word() {
    let workplace = with_captions("a red dog", "a cat");
    let set = "data.minimum_count=5";
    let message = workplace.refuse(2, &["train", "config.toml", "--set", set]);
    assert_eq!(
        message,
        "error: `data.minimum_count`: found 5, expected 2 or less: the most frequent word of the training captions, \
         \"a\", stands there 2 times"
    );
}

#[test]
fn table_is_blamed_for_its_own_faults() {
    let workplace = with_captions("\"stop\" in red letters", "a dog");
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert!(
        message.starts_with("error: `four.csv`: line 2 (row 1): `caption`: found text behind a closing quotation mark"),
        "{message}"
    );
    assert!(!workplace.path("runs").exists(), "nothing is left behind");
    workplace.write(
        "four.csv",
        b"image,caption\na.jpg,a dog\nb.jpg,a dog\nc.jpg,a dog\n",
    );
    assert_eq!(
        workplace.refuse(2, &["train", "config.toml"]),
        "error: `four.csv`: found no caption of image `d.jpg`, which line 5 of `four_splits.csv` lists, expected one or \
         more"
    );
}

#[test]
fn references_are_asked_for_when_a_file_lists_images_alone() {
    let workplace = with_captions("a red dog", "a cat");
    workplace.succeed(&["train", "config.toml", "--set", "stages.0.epochs=1"]);
    for info in [
        r#"{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": []}"#,
        r#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []}"#,
    ] {
        workplace.write("info.json", info.as_bytes());
        let eval = [
            "eval",
            "runs/four",
            "--captions",
            "info.json",
            "--features",
            "four.npy",
        ];
        let message = workplace.refuse(2, &eval);
        assert!(
            message.starts_with("error: `info.json` lists images without captions")
                && message.contains(
                    "scst caption RUN --features FILE --images-json info.json --out results.json"
                ),
            "{message}"
        );
    }
    // The table of Kaggle's download ends in .txt.
    workplace.write("captions.txt", &workplace.read("four.csv"));
    workplace.succeed(&[
        "eval",
        "runs/four",
        "--captions",
        "captions.txt",
        "--splits",
        "four_splits.csv",
        "--features",
        "four.npy",
    ]);
}

const REFS: &str = r#"{"images": [{"id": 1}, {"id": 2}], "annotations": [{"image_id": 1, "caption": "a dog runs"}]}"#;
const SCORE: [&str; 8] = [
    "score",
    "--references",
    "refs.json",
    "--candidates",
    "cands.json",
    "--subset",
    "--metrics",
    "bleu",
];

/// What `score --subset` prints on standard error for these results.
fn scored(references: &[u8], candidates: &[u8]) -> (i32, String) {
    let workplace = Workplace::new();
    workplace.write("refs.json", references);
    workplace.write("cands.json", candidates);
    let output = workplace.run(&SCORE);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    (output.status.code().expect("a code"), errors)
}

#[test]
fn score_takes_ids_and_files_as_programs_write_them() {
    let cands = br#"[{"image_id": 1, "caption": "a dog"}]"#;
    assert_eq!(scored(REFS.as_bytes(), cands), (0, String::new()));
    let marked = [b"\xef\xbb\xbf", &cands[..]].concat();
    assert_eq!(
        scored(format!("\u{feff}{REFS}").as_bytes(), &marked),
        (0, String::new())
    );
    let whole = br#"[{"image_id": 1.0, "caption": "a dog"}]"#;
    assert_eq!(scored(REFS.as_bytes(), whole), (0, String::new()));
    let text = br#"[{"image_id": "1", "caption": "a dog"}]"#;
    let warning = "warning: image ids: the text \"1\" in `cands.json` is taken for the number 1 of `refs.json`\n";
    assert_eq!(scored(REFS.as_bytes(), text), (0, warning.to_owned()));
    let twice = br#"[{"image_id": "1", "caption": "a dog"}, {"image_id": 1, "caption": "a dog"}]"#;
    let (code, message) = scored(REFS.as_bytes(), twice);
    assert_eq!(code, 2);
    assert!(
        message.contains("[1].image_id: image id 1 appears twice, first at [0].image_id"),
        "{message}"
    );
}

#[test]
fn score_says_what_a_file_seems_to_be() {
    let cands = br#"[{"image_id": 1, "caption": "a dog"}]"#;
    let seems = |what| {
        format!(
            "this seems to be {what}, expected captions: JSON of Karpathy or COCO, JSON Lines, a table with the header \
             `image,caption`, or plain text"
        )
    };
    for (references, expected) in [
        (
            &b"[[{\"id\": 1}], []]"[..],
            "[0]: found a list, expected an object {\"image_id\", \"caption\"}".to_owned(),
        ),
        (b"", seems("an empty file")),
        (b"<!DOCTYPE html>", seems("a web page (HTML)")),
        (b"\x80\x04\x95", seems("a pickle of Python")),
        (
            b"{\"images\": [,]}",
            "line 1, column 13: found \",\", expected a value (text stands in double quotes)"
                .to_owned(),
        ),
    ] {
        let message = format!("error: `refs.json`: {expected}\n");
        assert_eq!(scored(references, cands), (2, message));
    }
    let (code, message) = scored(REFS.as_bytes(), br#"{"image_id": 1, "captn": "a dog"}"#);
    assert_eq!(code, 2);
    assert_eq!(
        message,
        "error: `cands.json`: line 1: found no key `caption`, expected one\n"
    );
}

#[test]
fn words_are_divided_alike_when_no_tokenizer_is_asked_for() {
    let reference = r#"{"images": [{"id": 1}], "annotations": [{"image_id": 1, "caption": " A  dog,\truns "}]}"#;
    let candidate = r#"[{"image_id": 1, "caption": "A dog, runs"}]"#;
    let workplace = Workplace::new();
    workplace.write("refs.json", reference.as_bytes());
    workplace.write("cands.json", candidate.as_bytes());
    let report = workplace.succeed(
        &[
            &SCORE[..],
            &["--tokenizer", "none", "--metrics", "bleu,rouge_l", "--json"],
        ]
        .concat(),
    );
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["metrics"]["rouge_l"], 1.0);
}
