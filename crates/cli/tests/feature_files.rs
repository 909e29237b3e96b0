//! Features as users have them: named in their own ways, changed between runs, of other data, without captions.

mod support;

use std::{
    fs::{self, File, FileTimes},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use support::{CONFIG, Workplace};

const SHORT: [&str; 4] = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
const LONGER: [&str; 4] = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=2"];
const ROW_BYTES: usize = 4 * 8;

fn train(workplace: &Workplace) {
    workplace.succeed(&[&["train", "config.toml"][..], &SHORT].concat());
}

fn resume<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "config.toml", "--resume"][..], &LONGER, more].concat()
}

fn evaluated(workplace: &Workplace, more: &[&str]) -> Value {
    let text = workplace.succeed(&[&["eval", "runs/tiny", "--json"][..], more].concat());
    let report: Value = serde_json::from_str(&text).expect("JSON");
    report["metrics"].clone()
}

fn set_time(workplace: &Workplace, name: &str, secs: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
    let file = File::options().write(true).open(workplace.path(name));
    let times = FileTimes::new().set_modified(time);
    file.and_then(|file| file.set_times(times)).expect("a file");
}

/// The vectors of the tiny data set, one after the other.
fn values(npy: &[u8]) -> Vec<f32> {
    let bytes = &npy[npy.len() - 60 * ROW_BYTES..];
    let value = |four: &[u8; 4]| f32::from_le_bytes(*four);
    bytes.as_chunks::<4>().0.iter().map(value).collect()
}

/// A list of the images in COCO's layout, the last first, image `k` under the id `1000 + k`.
fn coco_list(images: usize) -> Vec<u8> {
    let image = |k| json!({"id": 1000 + k, "file_name": format!("image{k}.png"), "license": 1});
    let images: Vec<Value> = (0..images).rev().map(image).collect();
    json!({"info": {}, "images": images, "categories": []})
        .to_string()
        .into_bytes()
}

#[test]
fn rows_named_by_numbers_are_refused_when_captions_have_no_ids() {
    let workplace = Workplace::new();
    let numbers: String = (0..60).fold(String::new(), |list, row| list + &format!("{row}\n"));
    workplace.write("features.names.txt", numbers.as_bytes());
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert_eq!(
        message,
        "error: `features.names.txt`: no features for 60 of 60 images: \"image0.png\", \"image1.png\", \"image2.png\" \
         and 57 more; found rows of no image: \"0\", \"1\", \"2\" and 57 more; expected rows named by the file names of \
         the images, with or without ending (these images have no ids)"
    );
    assert!(!workplace.path("runs").exists());
}

#[test]
fn features_are_read_as_the_run_reads_them_when_they_are_elsewhere() {
    let workplace = Workplace::new();
    let folder = "features.folder = { path = \"pooled\", normalise = true }";
    let config = CONFIG.replace("features.npy = { path = \"features.npy\" }", folder);
    workplace.write("config.toml", config.as_bytes());
    let whole = workplace.read("features.npy");
    for copy in ["pooled", "moved"] {
        fs::create_dir(workplace.path(copy)).expect("a folder");
        for (row, vector) in values(&whole).chunks(8).enumerate() {
            let mut bytes = support::npy(&[1, 8], vector);
            // One vector: a shape of one dimension.
            let shape = bytes.windows(6).position(|six| six == b"(1, 8)");
            let shape = shape.expect("a shape");
            bytes[shape..shape + 6].copy_from_slice(b"(8,)  ");
            workplace.write(&format!("{copy}/image{row}.npy"), &bytes);
        }
    }
    train(&workplace);
    let own = evaluated(&workplace, &[]);
    assert_eq!(evaluated(&workplace, &["--features", "moved"]), own);
    let other = ["--captions", "captions.csv", "--splits", "splits.csv"];
    assert_eq!(
        evaluated(&workplace, &[&other[..], &["--features", "moved"]].concat()),
        own
    );
    let message = workplace.refuse(2, &["eval", "runs/tiny", "--features", "features.npy"]);
    assert!(
        message.contains("--features `features.npy`: expected a folder")
            && message.contains("`normalise = true`"),
        "{message}"
    );
    let message = workplace.refuse(
        2,
        &["eval", "runs/tiny", "--features", "moved", "--boxes", "b"],
    );
    assert!(
        message.contains("found --boxes, but the run was trained without boxes"),
        "{message}"
    );
}

#[test]
fn evaluation_reads_the_split_it_scores_and_no_other() {
    let workplace = Workplace::new();
    train(&workplace);
    let mut bytes = workplace.read("features.npy");
    // A validation image.
    let start = bytes.len() - 60 * ROW_BYTES + 4 * ROW_BYTES;
    bytes[start..start + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    workplace.write("features.npy", &bytes);
    let output = workplace.run(&["eval", "runs/tiny", "--split", "train"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains(
            "note: `features.npy` has changed since `runs/tiny` was trained on it: found other rows"
        ),
        "{errors}"
    );
    let output = workplace.run(&["caption", "runs/tiny", "--split", "train"]);
    assert!(output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("note: `features.npy` has changed since `runs/tiny` was trained on it"),
        "{errors}"
    );
    let message = workplace.refuse(2, &["eval", "runs/tiny", "--split", "val"]);
    assert!(
        message.contains("image `image4.png`: found NaN"),
        "{message}"
    );
    // Training needs both.
    let message = workplace.refuse(2, &["train", "config.toml", "--out", "again"]);
    assert!(
        message.contains("image `image4.png`: found NaN"),
        "{message}"
    );
}

#[test]
fn resumed_run_refuses_features_that_have_changed_and_takes_those_that_were_copied() {
    let workplace = Workplace::new();
    train(&workplace);
    let (features, names) = (
        workplace.read("features.npy"),
        workplace.read("features.names.txt"),
    );
    let refused = |found: &str| {
        let message = workplace.refuse(2, &resume(&[]));
        let start = "has changed since checkpoint `runs/tiny/checkpoints/step-000000";
        assert!(
            message.contains(start) && message.contains(found),
            "{message}"
        );
    };
    let start = features.len() - 60 * ROW_BYTES;
    let mut reversed = features[..start].to_vec();
    reversed.extend(features[start..].chunks(ROW_BYTES).rev().flatten());
    workplace.write("features.npy", &reversed);
    refused("found other rows, expected those of then");
    workplace.write("features.npy", &[&features[..], &[0]].concat());
    let message = workplace.refuse(2, &resume(&[]));
    assert!(message.contains("the file is too long"), "{message}");
    workplace.write("features.npy", &features);
    let swapped =
        String::from_utf8_lossy(&names).replace("image0.png\nimage1.png", "image1.png\nimage0.png");
    workplace.write("features.names.txt", swapped.as_bytes());
    refused("`features.names.txt` has changed");
    workplace.write("features.names.txt", &names);
    set_time(&workplace, "features.npy", 1_000_000);
    let output = workplace.run(&resume(&[]));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains("note: `features.npy` has another modification time"),
        "{errors}"
    );
    // The run has noted the new time. Data that have moved are the same.
    for ending in ["npy", "names.txt"] {
        let old = workplace.path(&format!("features.{ending}"));
        fs::rename(old, workplace.path(&format!("moved.{ending}"))).expect("a file moves");
    }
    let again = resume(&[
        "--set",
        "stages.1.epochs=3",
        "--set",
        "data.features.npy.path=moved.npy",
    ]);
    let output = workplace.run(&again);
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains("note:"));
}

#[test]
fn change_of_rows_that_are_not_sampled_is_noticed_by_time_or_by_checksum() {
    let workplace = Workplace::new();
    // Rows that no image has: most of the file is not sampled.
    let unused: String = (0..400).fold(String::new(), |list, row| list + &format!("unused{row}\n"));
    let names = workplace.text("features.names.txt") + &unused;
    workplace.write("features.names.txt", names.as_bytes());
    let whole = workplace.read("features.npy");
    let values = [values(&whole), vec![0.0; 400 * 8]].concat();
    workplace.write("features.npy", &support::npy(&[460, 8], &values));
    set_time(&workplace, "features.npy", 1_000_000);
    train(&workplace);
    let mut by_checksum = 0;
    for row in 0..4 {
        let mut changed = values.clone();
        changed[row * 8] += 0.5;
        workplace.write("features.npy", &support::npy(&[460, 8], &changed));
        let message = workplace.refuse(2, &resume(&[]));
        if message.contains("found other rows") {
            continue;
        }
        assert!(
            message.contains("`features.npy` has changed since"),
            "{message}"
        );
        assert!(
            message.contains("found other values, expected those of then"),
            "{message}"
        );
        by_checksum += 1;
        // With the time of then, only the checksum tells.
        set_time(&workplace, "features.npy", 1_000_000);
        let message = workplace.refuse(2, &resume(&["--verify-features"]));
        assert!(message.contains("found other values"), "{message}");
    }
    assert!(by_checksum > 0);
    workplace.write("features.npy", &support::npy(&[460, 8], &values));
    set_time(&workplace, "features.npy", 1_000_000);
    workplace.succeed(&resume(&["--verify-features"]));
}

#[test]
fn features_are_captioned_without_references_under_the_ids_of_a_list() {
    let workplace = Workplace::new();
    train(&workplace);
    workplace.succeed(&[
        "eval",
        "runs/tiny",
        "--split",
        "train",
        "--beam",
        "2",
        "--out",
        "scored.json",
    ]);
    let read =
        |name: &str| -> Vec<Value> { serde_json::from_str(&workplace.text(name)).expect("JSON") };
    let scored = read("scored.json");
    workplace.write("image_info.json", &coco_list(60));
    let caption = [
        "caption",
        "runs/tiny",
        "--features",
        "features.npy",
        "--beam",
        "2",
    ];
    let listed = ["--images-json", "image_info.json", "--out", "results.json"];
    let text = workplace.succeed(&[&caption[..], &listed].concat());
    assert_eq!(text, "60 images, beam 2: results.json\n");
    let results = read("results.json");
    let ids: Vec<u64> = results
        .iter()
        .filter_map(|r| r["image_id"].as_u64())
        .collect();
    assert_eq!(ids, (1000..1060).rev().collect::<Vec<_>>());
    // The captions are those that `eval` writes for the same images.
    for of_eval in &scored {
        let name = of_eval["image_id"].as_str().expect("a file name");
        let k: usize = name["image".len()..name.len() - ".png".len()]
            .parse()
            .expect("a number");
        assert_eq!(results[59 - k]["caption"], of_eval["caption"], "{name}");
    }
    // Without a list, all rows by their names.
    workplace.succeed(&[&caption[..], &["--out", "named.json"]].concat());
    let named = read("named.json");
    assert_eq!(
        (named.len(), named[7]["image_id"].as_str()),
        (60, Some("image7.png"))
    );
    assert_eq!(named[7]["caption"], results[52]["caption"]);
    let lines = workplace.succeed(&caption);
    let first = format!(
        "image0.png: {}",
        results[59]["caption"].as_str().expect("text")
    );
    assert_eq!(lines.lines().next(), Some(first.as_str()));
    let report: Value =
        serde_json::from_str(&workplace.succeed(&[&caption[..], &["--json"]].concat()))
            .expect("JSON");
    assert_eq!(
        report["images"][0]["captions"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn features_that_cannot_be_captioned_are_one_sentence() {
    let workplace = Workplace::new();
    train(&workplace);
    workplace.write("image_info.json", &coco_list(61));
    let caption = [
        "caption",
        "runs/tiny",
        "--out",
        "results.json",
        "--features",
    ];
    let refuse = |more: &[&str]| {
        let message = workplace.refuse(2, &[&caption[..], more].concat());
        assert!(!workplace.path("results.json").exists());
        message
    };
    assert_eq!(
        refuse(&["features.npy", "--images-json", "image_info.json"]),
        "error: `features.names.txt`: no features for 1 of 61 images: \"image60.png\" (id 1060); every row is that of \
         another image; expected rows named by the file names of the images, with or without ending, or by their ids"
    );
    workplace.write("wide.npy", &support::npy(&[60, 3], &[0.5; 180]));
    workplace.write("wide.names.txt", &workplace.read("features.names.txt"));
    for command in [
        refuse(&["wide.npy"]),
        workplace.refuse(2, &["eval", "runs/tiny", "--features", "wide.npy"]),
    ] {
        assert_eq!(
            command,
            "error: `wide.npy`: found one vector an image of 3 dimensions, expected one vector an image of 8 \
             dimensions, as checkpoint `runs/tiny/best` reads"
        );
    }
    let message = refuse(&["regions"]);
    assert!(
        message.contains(
            "`regions`: found vectors of regions of 8 dimensions, expected one vector an image"
        ),
        "{message}"
    );
    let mut bytes = workplace.read("features.npy");
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    workplace.write("bad.npy", &bytes);
    workplace.write("bad.names.txt", &workplace.read("features.names.txt"));
    let message = refuse(&["bad.npy"]);
    assert!(
        message.contains("`bad.npy`: image `image59.png`: found inf"),
        "{message}"
    );
    let output = workplace.run(&[
        "caption",
        "runs/tiny",
        "photo.png",
        "--features",
        "features.npy",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let photo = ["caption", "runs/tiny", "photo.png", "--out", "results.json"];
    assert_eq!(
        workplace.refuse(2, &photo),
        "error: --out: expected --features or --split with it, and no photos"
    );
}
