//! What a person sees of a run: captions, lines, how much is said, and no escape codes where no terminal is.

mod support;

use std::{
    collections::BTreeSet,
    process::{Command, Output},
    sync::LazyLock,
};

use serde_json::{Value, json};
use support::Workplace;

/// A workplace with one short run.
static TRAINED: LazyLock<(Workplace, Output)> = LazyLock::new(|| {
    let workplace = Workplace::new();
    let short = [
        "train",
        "config.toml",
        "--set",
        "stages.1.scst.baseline=leave_one_out",
    ];
    let output = workplace.run(&short);
    assert!(output.status.success(), "{}", errors(&output));
    (workplace, output)
});

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn report(arguments: &[&str]) -> Value {
    let printed = TRAINED.0.succeed(arguments);
    serde_json::from_str(&printed).expect("JSON")
}

#[test]
fn lines_say_where_a_run_is_and_show_captions() {
    let text = errors(&TRAINED.1);
    let line = |part: &str| {
        let line = text.lines().find(|line| line.contains(part));
        line.unwrap_or_else(|| panic!("{part} in {text}"))
    };
    assert!(line("48 training images").contains("12 validation images"));
    assert!(line("training captions").starts_with("240 training captions: "));
    assert!(line("stage xe (1 of 2)").contains("48 steps, 12 an epoch"));
    assert!(line("loss ").starts_with("0:0") && line("loss ").contains(" xe, epoch 2/4, step "));
    assert!(
        line("spread ").contains(" scst, epoch ") && line("spread ").contains("; best CIDEr-D ")
    );
    assert!(!text.contains("advantage"), "{text}");
    assert!(line("validation CIDEr-D").contains(" xe, epoch 1/4, step 12/48: "));
    // After the first stage and at the end, three images each with two references.
    assert_eq!(text.matches("sample captions, stage ").count(), 2, "{text}");
    assert_eq!(text.matches("    caption  ").count(), 6, "{text}");
    assert_eq!(text.matches("    reference  ").count(), 12, "{text}");
    let shown = text.lines().filter(|line| line.starts_with("  image"));
    assert!(shown.clone().all(|line| line.contains(".png  CIDEr-D ")));
    // The same images both times.
    let names: BTreeSet<&str> = shown
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names.len(), 3);
}

#[test]
fn quiet_says_warnings_and_results_alone_and_verbose_every_record() {
    let workplace = Workplace::new();
    let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    let train = |more: &[&str]| {
        let output = workplace.run(&[&["train", "config.toml"], &short[..], more].concat());
        assert!(output.status.success(), "{}", errors(&output));
        output
    };
    let quiet = train(&["-q", "--out", "quiet"]);
    let said = errors(&quiet);
    assert!(
        said.lines().all(|line| line.starts_with("warning: ")),
        "{said}"
    );
    assert!(String::from_utf8_lossy(&quiet.stdout).contains("run: quiet"));
    let verbose = errors(&train(&["-v", "--out", "verbose", "--show", "0"]));
    let records = workplace.text("verbose/metrics.jsonl");
    let records = records.matches(r#""kind":"train""#).count();
    let lines = verbose.lines().filter(|line| line.contains(" images/s"));
    assert!(records > 4);
    assert_eq!(lines.count(), records, "{verbose}");
    assert!(
        verbose.contains("checkpoint verbose/checkpoints/step-"),
        "{verbose}"
    );
    assert!(!verbose.contains("sample captions"), "{verbose}");
    let both = workplace.refuse(2, &["train", "config.toml", "-q", "-v"]);
    assert!(
        both.contains("--quiet") && both.contains("--verbose"),
        "{both}"
    );
}

#[test]
fn nothing_but_text_goes_into_pipes() {
    let (workplace, trained) = &*TRAINED;
    let mut outputs = vec![trained.clone()];
    let commands: [&[&str]; 6] = [
        &["eval", "runs/tiny", "--show", "2", "-vv"],
        &["caption", "runs/tiny", "--split", "val"],
        &["eval", "runs/none"],
        &["train", "config.toml", "--set", "stages.0.epochs=0"],
        &["train", "--help"],
        &["no-such-command"],
    ];
    outputs.extend(commands.map(|arguments| workplace.run(arguments)));
    for output in outputs {
        for bytes in [&output.stdout, &output.stderr] {
            assert!(!bytes.contains(&0x1b), "{}", String::from_utf8_lossy(bytes));
        }
    }
}

/// In a terminal (that of `script`), the error is red unless `NO_COLOR` or `TERM=dumb` say otherwise.
#[test]
#[cfg(target_os = "linux")]
fn colours_are_for_terminals_that_want_them() {
    let run = |set: &[(&str, &str)]| {
        let mut command = Command::new("script");
        let scst = format!("{} eval nothing", env!("CARGO_BIN_EXE_scst"));
        command
            .args(["-qec", &scst, "/dev/null"])
            .env_remove("NO_COLOR");
        command.env("TERM", "xterm").envs(set.iter().copied());
        command.output()
    };
    let Ok(coloured) = run(&[]) else {
        scst_testing::oracles::skip("the program `script` is not here");
        return;
    };
    assert!(coloured.stdout.contains(&0x1b));
    for set in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = run(&[set]).expect("script runs").stdout;
        assert!(
            String::from_utf8_lossy(&plain).starts_with("error: "),
            "{set:?}"
        );
        assert!(!plain.contains(&0x1b), "{set:?}");
    }
}

#[test]
fn eval_shows_captions_with_the_scores_that_score_gives_them() {
    let workplace = &TRAINED.0;
    let lines = |order: &str| -> Vec<Value> {
        let printed = workplace.succeed(&["eval", "runs/tiny", order, "--json"]);
        let lines = printed.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let mut captions = lines("--per-caption=split");
    let summary = captions.pop().expect("the scores of the split");
    assert_eq!(summary, report(&["eval", "runs/tiny", "--json"]));
    assert_eq!(captions.len(), 12);

    let annotation = |caption: &Value| {
        let references = caption["references"].as_array().expect("a list").clone();
        let id = caption["image_id"].clone();
        references
            .into_iter()
            .map(move |text| json!({"image_id": id, "caption": text}))
    };
    let annotations: Vec<Value> = captions.iter().flat_map(annotation).collect();
    let images: Vec<Value> = captions
        .iter()
        .map(|caption| json!({"id": caption["image_id"]}))
        .collect();
    let references = json!({"images": images, "annotations": annotations});
    workplace.write("references.json", references.to_string().as_bytes());
    workplace.succeed(&["eval", "runs/tiny", "--out", "candidates.json"]);
    let scored = report(&[
        "score",
        "--references",
        "references.json",
        "--candidates",
        "candidates.json",
        "--per-caption",
        "--json",
    ]);
    let scored = scored["per_caption"].as_array().expect("a list");
    for (scored, caption) in scored.iter().zip(&captions) {
        assert_eq!(scored["image_id"], caption["image_id"]);
        assert_eq!(caption["image_id"], caption["image"]);
        for metric in ["cider_d", "rouge_l"] {
            assert_eq!(scored[metric], caption[metric], "{metric}");
        }
    }
    assert_eq!(scored.len(), 12);

    let scores = |captions: &[Value]| -> Vec<f64> {
        let captions = captions.iter();
        captions
            .map(|caption| caption["cider_d"].as_f64().expect("a number"))
            .collect()
    };
    let best = scores(&lines("--per-caption")[..12]);
    assert!(best.is_sorted_by(|one, next| one >= next), "{best:?}");
    let worst = scores(&lines("--per-caption=worst")[..12]);
    assert!(worst.is_sorted(), "{worst:?}");

    let table = workplace.succeed(&["eval", "runs/tiny", "--per-caption"]);
    assert!(
        table.starts_with("CIDEr-D  BLEU-4  ROUGE-L  image\n"),
        "{table}"
    );
    assert_eq!(table.matches("         caption    ").count(), 12);
    assert_eq!(table.matches("         reference  ").count(), 60);
    let shown = workplace.succeed(&["eval", "runs/tiny", "--show", "4"]);
    assert_eq!(shown.matches(".png  CIDEr-D ").count(), 4, "{shown}");
    assert!(
        shown.contains(&format!("CIDEr-D {:.4}", best[0])),
        "{shown}"
    );
    assert!(
        shown.contains(&format!("CIDEr-D {:.4}", best[11])),
        "{shown}"
    );
}

#[test]
fn eval_takes_other_values_over_those_of_the_run() {
    let workplace = &TRAINED.0;
    workplace.write_data("moved_");
    let moved = ["--set", "data.features.npy.path=moved_features.npy"];
    let plain = ["eval", "runs/tiny", "--json"];
    assert_eq!(report(&[&plain[..], &moved].concat()), report(&plain));
    let beam = [
        "--set",
        "validation.decoder.search={beam={width=3}}",
        "--set",
        "threads=1",
    ];
    assert_eq!(
        report(&[&plain[..], &beam].concat()),
        report(&[&plain[..], &["--beam", "3"]].concat())
    );
    for (set, parts) in [
        (
            "stages.0.epochs=3",
            ["--set stages.0.epochs", "below `data` and `validation`"],
        ),
        (
            "data.max_length=4",
            ["--set data.max_length", "cannot change"],
        ),
        ("data.features.npy.pth=x", ["pth", "path"]),
        ("data.features.npy.path=nowhere.npy", ["nowhere.npy", ""]),
    ] {
        let message = workplace.refuse(2, &["eval", "runs/tiny", "--set", set]);
        for part in parts {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}

#[test]
fn captions_of_a_split_are_those_that_eval_scores() {
    let workplace = &TRAINED.0;
    for decoder in [
        &[][..],
        &["--beam", "3"],
        &["--samples", "3", "--rerank", "consensus"],
    ] {
        workplace.succeed(&[&["eval", "runs/tiny", "--out", "scored.json"], decoder].concat());
        let caption = [
            "caption",
            "runs/tiny",
            "--split",
            "val",
            "--out",
            "own.json",
        ];
        workplace.succeed(&[&caption[..], decoder].concat());
        assert_eq!(
            workplace.text("own.json"),
            workplace.text("scored.json"),
            "{decoder:?}"
        );
    }
    let all = workplace.succeed(&["caption", "runs/tiny", "--split", "val"]);
    let all: Vec<&str> = all.lines().collect();
    assert_eq!(all.len(), 12);
    let two = ["--image", "photos/image9.png", "--image", "image4"];
    let two = workplace.succeed(&[&["caption", "runs/tiny", "--split", "val"], &two[..]].concat());
    assert_eq!(two.lines().collect::<Vec<_>>(), [all[1], all[0]]);
    let json = report(&[
        "caption",
        "runs/tiny",
        "--split",
        "val",
        "--image",
        "image9.png",
        "--json",
    ]);
    let image = &json["images"][0];
    assert_eq!(
        (&image["file"], &image["image_id"]),
        (&json!("image9.png"), &json!("image9.png"))
    );
    // The same from the features themselves.
    let features = [
        "caption",
        "runs/tiny",
        "--features",
        "features.npy",
        "--image",
        "image9.png",
    ];
    assert_eq!(workplace.succeed(&features).trim_end(), all[1]);
}

#[test]
fn images_that_are_not_there_are_refused_with_near_names() {
    let refuse = |arguments: &[&str]| {
        TRAINED
            .0
            .refuse(2, &[&["caption", "runs/tiny"], arguments].concat())
    };
    for (arguments, parts) in [
        (
            &["--split", "val", "--image", "imag9.png"][..],
            ["the split `val` holds no such image", "`image9.png`"],
        ),
        (
            &["--split", "val", "--image", "image8.png"],
            ["`image8.png`", "it is in the split `train`"],
        ),
        (
            &["--split", "test"],
            ["hold nothing in the split `test`", ""],
        ),
        (&[], ["nothing to caption", "--split val"]),
        (
            &["photo.png", "--image", "image9.png"],
            ["--image", "--features or --split"],
        ),
        (
            &["photo.png", "--out", "x.json"],
            ["--out", "--features or --split"],
        ),
        (
            &["--split", "val", "--attention", "x.png"],
            ["--attention", "without photos"],
        ),
    ] {
        let message = refuse(arguments);
        for part in parts {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}
