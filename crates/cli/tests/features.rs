//! `scst features`, from pictures to files: killed, with broken images, and with mistakes.

mod support;
#[path = "../../encoder/tests/support/mod.rs"]
mod weights;

use std::{fs, path::Path, process::Stdio, sync::LazyLock, thread, time::Duration};

use image::RgbImage;
use scst_data::{FeatureSource, FeatureStore, ImageNames, NpySource};
use scst_encoder::{Architecture, Element, Encoder, EncoderRecord, Features, Orientation, Part};
use tempfile::TempDir;

use support::Workplace;
use weights::{RandomWeights, write_pth};

/// A file of random weights of EfficientNet-Lite0.
static WEIGHTS: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = TempDir::new().expect("a temporary directory");
    let mut weights = RandomWeights::default();
    Encoder::load(ARCHITECTURE, &mut weights).expect("random weights");
    write_pth(&directory.path().join(FILE), &weights.tensors);
    directory
});

const ARCHITECTURE: Architecture = Architecture::EfficientNetLite0;
const FILE: &str = "lite0.pth";

/// A workplace with a folder of small pictures, in `photos`.
fn workplace(pictures: usize) -> Workplace {
    let workplace = Workplace::new();
    let folder = workplace.path("photos");
    fs::create_dir(&folder).expect("a folder");
    for k in 0..pictures {
        let picture = RgbImage::from_fn(40, 30, |x, y| {
            let shade = (x as usize * (k + 3) + y as usize * 7) % 256;
            [shade as u8, (k * 5) as u8, 200].into()
        });
        let path = folder.join(format!("picture{k:02}.png"));
        picture.save(path).expect("a picture");
    }
    fs::write(folder.join("notes.txt"), "not a picture").expect("a file");
    workplace
}

/// The arguments of a run, and more.
fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let weights: &'static str = {
        static PATH: LazyLock<String> =
            LazyLock::new(|| WEIGHTS.path().join(FILE).display().to_string());
        &PATH
    };
    let all = ["features", "--images", "photos", "--weights", weights];
    let encoder = ["--encoder", "efficientnet_lite0"];
    [&all[..], &encoder, more].concat()
}

fn encode(picture: &Path) -> Features {
    static ENCODER: LazyLock<Encoder> =
        LazyLock::new(|| Encoder::open(ARCHITECTURE, &WEIGHTS.path().join(FILE)).expect("weights"));
    let picture = scst_encoder::read(picture, ARCHITECTURE.image_size(), Orientation::Exif);
    ENCODER.encode(&picture.expect("a picture"))
}

/// The values of a feature file as training reads them, image after image.
fn read(workplace: &Workplace, file: &str, names: &[&str]) -> Vec<f32> {
    let source = FeatureSource::Npy(NpySource {
        path: workplace.path(file),
        names: None,
    });
    let mut store = FeatureStore::open(&source).expect("a feature file");
    let image = |&file_name| ImageNames {
        file_name,
        folder: None,
        id: None,
    };
    let images: Vec<_> = names.iter().map(image).collect();
    let rows = store.locate_all(&images).expect("all images");
    store.read_batch(&rows).expect("features").values
}

fn files(workplace: &Workplace) -> Vec<String> {
    let entries = fs::read_dir(workplace.path("")).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with("pooled") || name.starts_with("grid"))
        .collect();
    names.sort();
    names
}

#[test]
fn files_hold_the_features_of_every_picture_in_one_pass() {
    let workplace = workplace(3);
    let both = ["--out", "pooled.npy", "--grid", "grid.npy"];
    let printed = workplace.succeed(&arguments(&[&both[..], &["--dtype", "f32"]].concat()));
    assert!(printed.contains("3 images, 0 left out"), "{printed}");
    let all = [
        "grid.encoder.json",
        "grid.names.txt",
        "grid.npy",
        "pooled.encoder.json",
        "pooled.names.txt",
        "pooled.npy",
    ];
    assert_eq!(files(&workplace), all);
    // Rows are sorted by name; training finds them in any order.
    let names = ["picture02.png", "picture00.png", "picture01.png"];
    let sorted = "picture00.png\npicture01.png\npicture02.png\n";
    assert_eq!(workplace.text("pooled.names.txt"), sorted);
    let expected: Vec<Features> = names
        .iter()
        .map(|name| encode(&workplace.path("photos").join(name)))
        .collect();
    let pooled: Vec<f32> = expected.iter().flat_map(|f| f.pooled.clone()).collect();
    let grid: Vec<f32> = expected.iter().flat_map(|f| f.grid.clone()).collect();
    assert!(read(&workplace, "pooled.npy", &names) == pooled);
    assert!(read(&workplace, "grid.npy", &names) == grid);
    // In 16 bits, to their precision.
    let again = arguments(&["--out", "pooled.npy"]);
    let message = workplace.refuse(2, &again);
    assert_eq!(
        message,
        "error: `pooled.npy` is there already and would be lost: --force replaces it"
    );
    assert!(read(&workplace, "pooled.npy", &names) == pooled);
    workplace.succeed(&[&again[..], &["--force"]].concat());
    let halves = read(&workplace, "pooled.npy", &names);
    for (found, exact) in halves.iter().zip(&pooled) {
        assert!(
            (found - exact).abs() <= 5e-4 * exact.abs() + 1e-7,
            "{found} {exact}"
        );
    }
    let mut rounded = pooled;
    Element::F16.round(&mut rounded);
    assert!(rounded == halves);
}

#[test]
fn record_beside_a_file_tells_its_encoder() {
    let workplace = workplace(1);
    fs::copy(WEIGHTS.path().join(FILE), workplace.path("here.pth")).expect("a copy");
    let mut arguments = arguments(&["--out", "pooled.npy", "--grid", "grid.npy"]);
    arguments[4] = "here.pth";
    workplace.succeed(&arguments);
    let crc = crc32c(&workplace.read("here.pth"));
    for (part, features) in [("pooled", Part::Pooled), ("grid", Part::Grid)] {
        let record = workplace.read(&format!("{part}.encoder.json"));
        let expected = EncoderRecord {
            encoder: ARCHITECTURE,
            weights: fs::canonicalize(workplace.path("here.pth")).expect("a path"),
            weights_crc32c: crc,
            features,
            orientation: Orientation::Exif,
            element: Element::F16,
        };
        assert_eq!(EncoderRecord::parse(&record).expect("a record"), expected);
    }
}

/// CRC-32C bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

#[test]
fn resumed_files_have_the_same_bytes_when_the_work_was_killed() {
    let workplace = workplace(56);
    let outputs = |name: &'static str| match name {
        "whole" => ["--out", "pooled_whole.npy", "--grid", "grid_whole.npy"],
        _ => ["--out", "pooled.npy", "--grid", "grid.npy"],
    };
    workplace.succeed(&arguments(
        &[&outputs("whole")[..], &["--threads", "3"]].concat(),
    ));
    let killed = arguments(&[&outputs("killed")[..], &["--threads", "1"]].concat());
    let mut child = workplace
        .command(&killed)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("scst starts");
    // One line of settings, and those of the first batch.
    let progress = workplace.path("pooled.npy.progress");
    let lines = || fs::read_to_string(&progress).map_or(0, |text| text.lines().count());
    while lines() < 2 {
        assert!(
            child.try_wait().expect("a status").is_none(),
            "it ended early"
        );
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let done = lines() - 1;
    assert!(done < 56, "it was killed before its end");
    assert!(!workplace.path("pooled.npy").exists() && !workplace.path("grid.npy").exists());
    // What a kill in the middle of a write leaves behind: rows and lines that are not whole.
    for name in ["pooled.npy.partial", "grid.npy.partial"] {
        let bytes = [&workplace.read(name)[..], &[7; 1001]].concat();
        workplace.write(name, &bytes);
    }
    let record = [&workplace.read("pooled.npy.progress")[..], b"+pictu"].concat();
    workplace.write("pooled.npy.progress", &record);

    let output = workplace.run(&killed);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains(&format!("going on after {done} of 56 images")),
        "{errors}"
    );
    for part in ["pooled", "grid"] {
        for ending in ["npy", "names.txt", "encoder.json"] {
            let whole = workplace.read(&format!("{part}_whole.{ending}"));
            assert!(
                whole == workplace.read(&format!("{part}.{ending}")),
                "{part}.{ending}"
            );
        }
    }
    assert_eq!(files(&workplace).len(), 12, "nothing else is left");
}

#[test]
fn rows_are_made_again_when_an_unfinished_file_is_shorter_than_its_record() {
    let workplace = workplace(5);
    workplace.write("photos/picture03.png", b"not a picture");
    let both = arguments(&["--out", "pooled.npy", "--grid", "grid.npy"]);
    workplace.refuse(2, &both);
    let partial = workplace.read("grid.npy.partial");
    // Two of three rows, and a part of the third.
    workplace.write("grid.npy.partial", &partial[..partial.len() - 100]);
    let skipping = [&both[..], &["--on-error", "skip"]].concat();
    let output = workplace.run(&skipping);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("going on after 2 of 5 images"), "{errors}");
    let names = [
        "picture00.png",
        "picture01.png",
        "picture02.png",
        "picture04.png",
    ];
    let found = read(&workplace, "grid.npy", &names);
    for (row, name) in found.chunks(49 * 1280).zip(names) {
        let expected = encode(&workplace.path("photos").join(name)).grid;
        let differs = |(x, y): (&f32, &f32)| (x - y).abs() > 5e-4 * y.abs() + 1e-6;
        assert!(!row.iter().zip(&expected).any(differs), "{name}");
    }
}

#[test]
fn broken_image_ends_the_work_or_is_left_out() {
    let workplace = workplace(3);
    workplace.write("photos/picture01.png", b"\x89PNG\r\n\x1a\nnot all of it");
    let stopping = arguments(&["--out", "pooled.npy"]);
    let message = workplace.refuse(2, &stopping);
    let parts = [
        "cannot read image `photos/picture01.png`: ",
        "add --on-error skip",
    ];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    assert_eq!(
        files(&workplace),
        ["pooled.npy.partial", "pooled.npy.progress"]
    );

    let output = workplace.run(&[&stopping[..], &["--on-error", "skip"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains("left out: image `photos/picture01.png`: "),
        "{errors}"
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("2 images, 1 left out"), "{printed}");
    assert_eq!(
        workplace.text("pooled.names.txt"),
        "picture00.png\npicture02.png\n"
    );
    let all = ["pooled.encoder.json", "pooled.names.txt", "pooled.npy"];
    assert_eq!(files(&workplace), all);
}

#[test]
fn nothing_is_left_when_no_image_can_be_read() {
    let workplace = workplace(0);
    workplace.write("photos/broken.jpg", b"\xff\xd8\xff\xe0 not a JPEG");
    let skipping = arguments(&["--out", "pooled.npy", "--on-error", "skip"]);
    let message = workplace.refuse(2, &skipping);
    assert!(
        message.contains("none of the images in `photos` can be read"),
        "{message}"
    );
    assert_eq!(files(&workplace), [""; 0]);
}

#[test]
fn unfinished_work_is_not_mixed_with_other_work() {
    let workplace = workplace(3);
    workplace.write("photos/picture02.png", b"broken");
    let begun = arguments(&["--out", "pooled.npy"]);
    workplace.refuse(2, &begun);
    let message = workplace.refuse(2, &[&begun[..], &["--dtype", "f32"]].concat());
    let parts = [
        "pooled.npy.progress",
        "other options",
        "delete it to begin anew",
    ];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    // What an earlier version left behind was made of photos as stored.
    let record = workplace.text("pooled.npy.progress");
    let before = record.replace("\"version\":2", "\"version\":1");
    let before = before.replace("\"orientation\":\"exif\",", "");
    workplace.write("pooled.npy.progress", before.as_bytes());
    let message = workplace.refuse(2, &begun);
    let parts = [
        "pooled.npy.progress",
        "earlier version",
        "delete it to begin anew",
    ];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    fs::remove_file(workplace.path("pooled.npy.progress")).expect("it is deleted");
    workplace.succeed(&[&begun[..], &["--on-error", "skip"]].concat());
    assert_eq!(
        workplace.text("pooled.names.txt"),
        "picture00.png\npicture01.png\n"
    );
}

#[test]
fn mistakes_are_one_sentence_and_leave_nothing_behind() {
    let workplace = workplace(1);
    fs::create_dir(workplace.path("empty")).expect("a folder");
    let weights = fs::read(WEIGHTS.path().join(FILE)).expect("weights");
    workplace.write("cut.pth", &weights[..weights.len() / 2]);
    workplace.write("text.pth", b"these are not weights");
    let out = ["--out", "pooled.npy"];
    let with = |flag: &'static str, value: &'static str| {
        let mut arguments = arguments(&out);
        let at = arguments.iter().position(|argument| *argument == flag);
        arguments[at.expect("the flag") + 1] = value;
        arguments
    };
    let cases: [(Vec<&str>, &[&str]); 11] = [
        (
            with("--images", "nowhere"),
            &["list the images of `nowhere`", "No such file"],
        ),
        (
            with("--images", "empty"),
            &["no image in `empty`", "JPEG, PNG, WebP, GIF, BMP or TIFF"],
        ),
        (
            with("--weights", "nowhere.pth"),
            &["`nowhere.pth`", "No such file"],
        ),
        (with("--weights", "photos"), &["`photos`", "directory"]),
        (
            with("--weights", "cut.pth"),
            &["`cut.pth`", "not a whole file of PyTorch weights"],
        ),
        (
            with("--weights", "text.pth"),
            &[
                "`text.pth`",
                "it is a text, expected weights that PyTorch saved",
            ],
        ),
        (
            with("--encoder", "efficientnet_lite1"),
            &["tensor `_blocks.", "expected"],
        ),
        (
            with("--encoder", "resnet50"),
            &["it has no tensor `conv1.weight`; nearest to it are `_"],
        ),
        (
            with("--out", "nowhere/pooled.npy"),
            &["write `nowhere/pooled.npy`", "No such file"],
        ),
        (
            with("--out", "pooled.npz"),
            &["`pooled.npz`", "ending in .npy"],
        ),
        (
            arguments(&["--out", "pooled.npy", "--grid", "pooled.npy"]),
            &["both pooled and grid"],
        ),
    ];
    for (arguments, parts) in cases {
        let message = workplace.refuse(2, &arguments);
        for part in parts {
            assert!(message.contains(part), "{part} in: {message}");
        }
        assert_eq!(files(&workplace), [""; 0], "{message}");
    }
    let message = workplace.refuse(2, &with("--encoder", "vgg16"));
    assert!(message.contains("efficientnet_lite0, "), "{message}");
    let output = workplace.run(&arguments(&[]));
    assert_eq!(output.status.code(), Some(2), "no file to write");
}

#[test]
#[cfg(target_os = "linux")]
fn full_disk_is_a_failure() {
    let workplace = workplace(1);
    std::os::unix::fs::symlink("/dev/full", workplace.path("pooled.npy.partial")).expect("a link");
    let message = workplace.refuse(1, &arguments(&["--out", "pooled.npy"]));
    assert!(message.contains("cannot write `pooled.npy`: "), "{message}");
    assert!(!workplace.path("pooled.npy").exists());
}
