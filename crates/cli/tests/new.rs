//! `scst new`: what it writes passes `scst check` and trains, and what it refuses leaves nothing.

mod support;

use std::{collections::BTreeSet, fmt::Write, fs};

use serde_json::json;
use support::{Workplace, npy};

/// Images of the tiny data set.
const IMAGES: usize = 60;
const WITH_FEATURES: [&str; 6] = [
    "new",
    "mine",
    "--captions",
    "captions.csv",
    "--features",
    "features.npy",
];

/// The configuration passes `scst check`, and trains for a few small steps.
fn check_and_train(workplace: &Workplace, sizes: &[&str]) {
    let checked = workplace.succeed(&["check", "mine.toml"]);
    assert!(checked.ends_with("no problems\n"), "{checked}");
    let mut train = vec!["train", "mine.toml", "-q", "--set", "validation.sources=6"];
    let stages = ["stages.0.epochs=1", "stages.1.epochs=1"];
    for set in stages.iter().chain(sizes) {
        train.extend(["--set", set]);
    }
    workplace.succeed(&train);
    assert!(workplace.path("runs/mine/best").exists());
}

fn lines_of(text: &str, key: &str) -> String {
    let lines = text.lines().filter(|line| line.starts_with(key));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn captions_with_vectors_are_split_and_train() {
    let workplace = Workplace::new();
    let printed = workplace.succeed(&WITH_FEATURES);
    let splits = workplace.text("mine.splits.csv");
    assert_eq!(splits.lines().count(), 1 + IMAGES);
    assert_eq!(splits.matches(",val").count(), 6);
    let config = workplace.text("mine.toml");
    for line in ["[model.fc]", "minimum_count = 1", "max_length = 6"] {
        assert!(
            config.lines().any(|found| found == line),
            "{line}: {config}"
        );
    }
    assert!(config.contains("baseline = \"leave_one_out\"") && config.contains("dropout = 0.0"));
    for part in [
        "48 images to train on with 240 captions",
        "one vector an image",
        " train mine.toml",
    ] {
        assert!(printed.contains(part), "{printed}");
    }
    check_and_train(&workplace, &["model.fc.hidden=16", "model.fc.embedding=16"]);
    // As the last command that was printed.
    workplace.succeed(&["caption", "runs/mine", "--split", "test"]);
}

#[test]
fn regions_are_attended_to_and_given_splits_kept() {
    let workplace = Workplace::new();
    workplace.succeed(&[
        "new",
        "mine",
        "--captions",
        "captions.csv",
        "--splits",
        "splits.csv",
        "--features",
        "regions",
    ]);
    assert!(!workplace.path("mine.splits.csv").exists());
    let config = workplace.text("mine.toml");
    assert!(config.contains("[model.att2in]") && config.contains("splits = \"splits.csv\""));
    check_and_train(&workplace, &["model.att2in.hidden=16"]);
}

/// Images of COCO keep their ids, by which features may be named.
#[test]
fn annotations_of_coco_become_one_file_for_each_split() {
    let workplace = Workplace::new();
    let images =
        (0..IMAGES).map(|k| json!({ "id": 1000 + k, "file_name": format!("image{k}.png") }));
    let captions =
        (0..IMAGES).map(|k| json!({ "image_id": 1000 + k, "caption": format!("a dog {}", k % 7) }));
    let coco = json!({
        "images": images.collect::<Vec<_>>(),
        "annotations": captions.collect::<Vec<_>>(),
    });
    workplace.write("coco.json", coco.to_string().as_bytes());
    let ids: Vec<String> = (1000..1000 + IMAGES).map(|id| id.to_string()).collect();
    workplace.write("features.names.txt", ids.join("\n").as_bytes());
    workplace.succeed(&[
        "new",
        "mine",
        "--captions",
        "coco.json",
        "--features",
        "features.npy",
    ]);
    assert!(workplace.path("mine.val.json").exists());
    check_and_train(&workplace, &["model.fc.hidden=16", "model.fc.embedding=16"]);
}

#[test]
fn splits_of_karpathy_are_those_of_the_file() {
    let workplace = Workplace::new();
    let images = (0..IMAGES).map(|k| {
        json!({
            "filename": format!("image{k}.png"),
            "split": if k % 5 == 4 { "val" } else { "train" },
            "sentences": [{ "tokens": ["a", "dog"], "raw": "A dog." }, { "tokens": ["dogs"], "raw": "Dogs" }],
        })
    });
    let document = json!({ "images": images.collect::<Vec<_>>() });
    workplace.write("dataset.json", document.to_string().as_bytes());
    workplace.succeed(&[
        "new",
        "mine",
        "--captions",
        "dataset.json",
        "--features",
        "features.npy",
    ]);
    let config = workplace.text("mine.toml");
    assert_eq!(
        lines_of(&config, "captions"),
        "captions.karpathy = { path = \"dataset.json\" }"
    );
    assert!(config.contains("targets_per_source = 2"), "{config}");
    let checked = workplace.succeed(&["check", "mine.toml"]);
    assert!(checked.contains("48 train, 12 val, 0 test"), "{checked}");
}

#[test]
fn images_without_features_get_the_command_that_makes_them() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path("photos")).expect("a folder");
    for image in 0..=IMAGES {
        workplace.write(&format!("photos/image{image}.png"), b"");
    }
    let new = [
        "new",
        "mine",
        "--captions",
        "captions.csv",
        "--images",
        "photos",
    ];
    let printed = workplace.succeed(&new);
    let features = "features --images photos --encoder efficientnet_lite0";
    for part in [
        features,
        "--grid mine.grid.npy",
        "1 of them without captions",
        "caption runs/mine photos/image0.png",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    // What that command would write.
    workplace.write("mine.grid.npy", &grid(IMAGES));
    let names = workplace.read("features.names.txt");
    workplace.write("mine.grid.names.txt", &names);
    check_and_train(&workplace, &["model.att2in.hidden=16"]);

    fs::remove_file(workplace.path("photos/image7.png")).expect("a file");
    let message = workplace.refuse(2, &[&new[..], &["--out", "other.toml"]].concat());
    assert!(
        message.contains("1 of 60 images with captions") && message.contains("`image7.png`"),
        "{message}"
    );
}

#[test]
fn many_images_with_regions_get_a_transformer_and_a_part_is_validated() {
    const MANY: usize = 21_000;
    let workplace = Workplace::new();
    let mut captions = "image,caption\n".to_owned();
    let mut names = String::new();
    for image in 0..MANY {
        let (one, other) = (image % 40, image % 60);
        let _ = writeln!(captions, "{image}.png,a thing {one} on a thing {other}");
        let _ = writeln!(names, "{image}.png");
    }
    workplace.write("captions.csv", captions.as_bytes());
    workplace.write("grid.npy", &grid(MANY));
    workplace.write("grid.names.txt", names.as_bytes());
    let new = [
        "new",
        "mine",
        "--captions",
        "captions.csv",
        "--features",
        "grid.npy",
    ];
    workplace.succeed(&new);
    let config = workplace.text("mine.toml");
    for part in [
        "[model.transformer]",
        "targets_per_source = 1, label_smoothing",
        "sources = 1000",
        "parts_in_memory = 4",
        "\nparts = 4",
    ] {
        assert!(config.contains(part), "{part}: {config}");
    }
    let checked = workplace.succeed(&["check", "mine.toml"]);
    assert!(checked.ends_with("no problems\n"), "{checked}");
}

/// Two vectors of eight numbers for each of so many images.
fn grid(images: usize) -> Vec<u8> {
    let values: Vec<f32> = (0..images * 16).map(|k| (k % 17) as f32).collect();
    let flat = npy(&[images, 16], &values);
    let (two, three) = (
        format!("({images}, 16), }}  "),
        format!("({images}, 2, 8), }}"),
    );
    let is_shape = |bytes: &[u8]| bytes == two.as_bytes();
    let at = flat.windows(two.len()).position(is_shape).expect("a shape");
    let rest = &flat[at + two.len()..];
    [&flat[..at], three.as_bytes(), rest].concat()
}

/// Words of letters, spelt out; all different.
fn spelling(count: usize, splits: bool) -> String {
    let mut lines = if splits {
        "source\ttarget\tsplit\n"
    } else {
        "source\ttarget\n"
    }
    .to_owned();
    for n in 0..count {
        let letters: String = (0..4)
            .map(|k| char::from(b'a' + (n >> (2 * k) & 3) as u8))
            .collect();
        let spelt: Vec<String> = letters
            .chars()
            .map(|letter| format!("/{letter}/"))
            .collect();
        lines.extend([letters.as_str(), "\t", &spelt.join(" ")]);
        if splits {
            lines.push_str(if n % 4 == 3 { "\tdev" } else { "\ttrain" });
        }
        lines.push('\n');
    }
    lines
}

#[test]
fn spelling_is_learnt_by_letters() {
    let workplace = Workplace::new();
    workplace.write("words.tsv", spelling(100, false).as_bytes());
    let printed = workplace.succeed(&["new", "mine", "--texts", "words.tsv"]);
    assert!(printed.contains("80 sources to train on"), "{printed}");
    let config = workplace.text("mine.toml");
    for part in [
        "shares = \"0.8,0.1,0.1\"",
        "target = \"given\"",
        "phoneme_error_rate",
        "max_length = 5\n",
    ] {
        assert!(config.contains(part), "{part}: {config}");
    }
    check_and_train(
        &workplace,
        &["model.att2in.hidden=16", "encoder.lstm.hidden=16"],
    );
    workplace.succeed(&["generate", "runs/mine", "words.tsv"]);
}

#[test]
fn running_text_is_learnt_in_pieces_and_splits_of_the_file_are_kept() {
    let workplace = Workplace::new();
    let mut lines = String::new();
    for line in spelling(100, true).lines() {
        let line = line.replace('/', "").replacen('\t', " is spelt\tit is ", 1);
        lines += &(line + "\n");
    }
    let lines = lines.replacen("source is spelt\tit is target", "source\ttarget", 1);
    workplace.write("text.tsv", lines.as_bytes());
    workplace.succeed(&["new", "mine", "--texts", "text.tsv"]);
    let config = workplace.text("mine.toml");
    assert!(
        config.contains("bpe = 1000") && !config.contains("shares"),
        "{config}"
    );
    check_and_train(
        &workplace,
        &["model.att2in.hidden=16", "encoder.lstm.hidden=16"],
    );
    // Inflection, say: words on both sides.
    workplace.write(
        "words.tsv",
        spelling(100, false).replace([' ', '/'], "").as_bytes(),
    );
    workplace.succeed(&["new", "words", "--texts", "words.tsv"]);
    let checked = workplace.succeed(&["check", "words.toml"]);
    assert!(checked.ends_with("no problems\n"), "{checked}");
    assert!(
        workplace
            .text("words.toml")
            .contains("character_error_rate")
    );
}

/// Files of which no configuration can be made.
fn write_useless_files(workplace: &Workplace) {
    let captions = workplace.text("captions.csv");
    let few: Vec<&str> = captions.lines().take(1 + 5 * 49).collect();
    let no_val = workplace.text("splits.csv").replace(",val", ",test");
    let line = r#"{"image_id": "a", "caption": "a dog"}"#;
    fs::create_dir(workplace.path("photos")).expect("a folder");
    for (name, text) in [
        ("few.csv", few.join("\n").as_str()),
        ("no_val.csv", &no_val),
        ("captions.jsonl", line),
        ("words.tsv", &spelling(49, false)),
        ("mine.txt", ""),
        ("photos/other.png", ""),
        ("other.names.txt", "other.png"),
    ] {
        workplace.write(name, text.as_bytes());
    }
    workplace.write("other.npy", &npy(&[1, 8], &[0.0; 8]));
}

#[test]
fn what_cannot_be_trained_is_refused_and_nothing_written() {
    let workplace = Workplace::new();
    write_useless_files(&workplace);
    let listing = || -> BTreeSet<String> {
        let entries = fs::read_dir(workplace.path(".")).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.map(|name| name.to_string_lossy().into()).collect()
    };
    let before = listing();
    for (arguments, expected) in [
        (
            "mine --captions few.csv --features features.npy",
            "found 49 images with captions, expected 50 or more to share out",
        ),
        (
            "mine --captions captions.csv --splits no_val.csv --features features.npy",
            "48 images with captions of train and 0 of val",
        ),
        (
            "mine --captions captions.jsonl --features features.npy",
            "`captions.jsonl`: expected a table",
        ),
        (
            "mine --captions captions.csv --features mine.txt",
            "expected a folder or a file ending in .npy",
        ),
        (
            "mine --captions captions.csv --features other.npy",
            "other.png",
        ),
        (
            "mine --captions captions.csv --images photos",
            "60 of 60 images with captions in `captions.csv` are not there",
        ),
        (
            "mine/run --captions captions.csv --features features.npy",
            "key `name`: found \"mine/run\"",
        ),
        (
            "mine --texts words.tsv",
            "found 49 sources, expected 50 or more",
        ),
        ("mine --texts missing.tsv", "missing.tsv"),
        (
            "mine --captions captions.csv --features features.npy --out config.toml",
            "`config.toml` is there already",
        ),
    ] {
        let words: Vec<&str> = ["new"].into_iter().chain(arguments.split(' ')).collect();
        let message = workplace.refuse(2, &words);
        assert!(message.contains(expected), "{arguments}: {message}");
        assert_eq!(listing(), before, "{arguments}");
    }
    for arguments in [&["mine"][..], &["mine", "--captions", "captions.csv"]] {
        let output = workplace.run(&[&["new"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    workplace.succeed(&WITH_FEATURES);
    let again = workplace.refuse(2, &WITH_FEATURES);
    assert!(
        again.contains("mine.splits.csv` is there already"),
        "{again}"
    );
}
