//! From a table of captions alone to a run: `scst split`, `scst check`, `scst train`.

mod support;

use std::fs;

use support::{Workplace, npy};

/// A workplace with captions and features, and no splits.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    fs::remove_file(workplace.path("splits.csv")).expect("a file less");
    fs::rename(workplace.path("captions.csv"), workplace.path("captions")).expect("another name");
    workplace
}

const CAPTIONS: [&str; 2] = ["--set", "data.captions.kaggle.captions=captions"];

fn with<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command, "config.toml"][..], &CAPTIONS, more].concat()
}

const SPLIT: [&str; 8] = [
    "split",
    "captions",
    "--ratio",
    "0.7,0.2,0.1",
    "--seed",
    "5",
    "--out",
    "splits.csv",
];

#[test]
fn captions_are_enough_for_a_run() {
    let workplace = workplace();
    let printed = workplace.succeed(&SPLIT);
    assert_eq!(
        printed,
        "60 images: 42 train, 12 val, 6 test\nwrote splits.csv\n"
    );
    let splits = workplace.text("splits.csv");
    assert!(splits.starts_with("image,split\nimage0.png,"), "{splits}");
    let message = workplace.refuse(2, &SPLIT);
    assert_eq!(
        message,
        "error: `splits.csv` is there already and would be lost: --force replaces it"
    );
    workplace.succeed(&[&SPLIT[..], &["--force"]].concat());
    assert_eq!(workplace.text("splits.csv"), splits);

    let printed = workplace.succeed(&with("check", &[]));
    for part in [
        "images      42 train, 12 val, 6 test\n",
        "captions    210 to train on, 924 words; 0 without words left out\n",
        "features    60 images, one vector an image, 8 numbers each\n",
        "captioner   fc, ",
        "stage       xe: 40 steps, 4.0 epochs of 10 steps, 2 images left out of each\n",
        "stage       scst: 20 steps, 2.0 epochs of 10 steps, 2 images left out of each\n",
        "no problems\n",
    ] {
        assert!(printed.contains(part), "{part}{printed}");
    }
    assert!(!workplace.path("runs").exists());
    let epochs = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    workplace.succeed(&with("train", &epochs));
    assert!(workplace.path("runs/tiny/summary.json").is_file());
}

#[test]
fn check_tells_all_mistakes_at_once() {
    let workplace = workplace();
    let error = workplace.refuse(2, &with("check", &[]));
    assert!(error.contains("cannot read `splits.csv`"), "{error}");
    workplace.succeed(&SPLIT);
    let mistakes = [
        "--set",
        "stages.0.sources_per_batch=43",
        "--set",
        "stages.0.start_from.checkpoint=nowhere",
        "--set",
        "stages.1.scst.rewards=[{ command = { program = [\"./no-such-program\"] } }]",
    ];
    let output = workplace.run(&with("check", &mistakes));
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    let found: Vec<&str> = errors
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(found.len(), 3, "{errors}");
    assert!(!errors.contains("note: "), "{errors}");
    for part in ["stage `xe`", "no-such-program", "nowhere"] {
        assert!(found.iter().any(|line| line.contains(part)), "{errors}");
    }
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(printed.contains("images      42 train"), "{printed}");
    assert!(!printed.contains("no problems"), "{printed}");
}

#[test]
fn check_reads_the_features_of_test_images_too() {
    let workplace = workplace();
    workplace.succeed(&SPLIT);
    let splits = workplace.text("splits.csv");
    let test = splits
        .lines()
        .skip(1)
        .position(|line| line.ends_with(",test"));
    let name = splits.lines().nth(test.expect("a test image") + 1);
    let name = name.expect("a line").split(',').next().expect("a name");
    let names = workplace.text("features.names.txt");
    let row = names.lines().position(|line| line == name).expect("a row");
    let mut values = vec![0.5; 60 * 8];
    for (k, value) in values.iter_mut().enumerate() {
        *value += (k % 7) as f32;
    }
    values[row * 8 + 3] = f32::NAN;
    workplace.write("features.npy", &npy(&[60, 8], &values));
    let said = workplace.run(&with("check", &[])).stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(
        said.contains("note: of a data file, the first problem is told"),
        "{said}"
    );
    let error = workplace.refuse(2, &with("check", &[]));
    let expected = format!(
        "error: `features.npy`: image `{name}`: found NaN at region 0, dimension 3, expected finite numbers"
    );
    assert_eq!(error, expected);
}

#[test]
fn shares_and_files_that_make_no_sense_are_refused() {
    let workplace = workplace();
    let refuse = |images: &str, ratio: &str, expected: &str| {
        let arguments = ["split", images, "--ratio", ratio, "--out", "splits.csv"];
        let output = workplace.run(&arguments);
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(!workplace.path("splits.csv").exists());
    };
    refuse("captions", "0.8,0.1", "add up to 0.9, expected 1");
    refuse(
        "captions",
        "50,5,4",
        "--ratio: found counts that add up to 59, expected 60",
    );
    refuse("captions", "0,0.5,0.5", "found a share of 0 for `train`");
    refuse("nowhere", "0.8,0.2", "cannot read `nowhere`");
    refuse("features.npy", "0.8,0.2", "seems to be a NumPy array");
    fs::create_dir_all(workplace.path("photos/more")).expect("folders");
    refuse("photos", "0.5,0.5", "found no image in `photos`");
    workplace.write("photos/b.jpg", b"");
    workplace.write("photos/more/a.jpg", b"");
    let arguments = [
        "split",
        "photos",
        "--ratio",
        "0.5,0.5",
        "--out",
        "splits.csv",
    ];
    let printed = workplace.succeed(&[&arguments[..], &["--recursive"]].concat());
    assert!(printed.starts_with("2 images: 1 train, 1 val, 0 test\n"));
    let table = workplace.text("splits.csv");
    assert!(table.contains("\nmore/a.jpg,"), "{table}");
}
