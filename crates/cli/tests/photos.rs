//! `scst features` on folders of photos as they are: turned by their EXIF data, of many kinds, changed meanwhile.

mod support;
#[path = "../../encoder/tests/support/mod.rs"]
mod weights;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    process::Output,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::png::PngEncoder, imageops};
use scst_data::{FeatureSource, FeatureStore, ImageNames, NpySource};
use scst_encoder::{Architecture, Encoder};
use tempfile::TempDir;

use support::Workplace;
use weights::{RandomWeights, write_pth};

/// A file of random weights of EfficientNet-Lite0.
static WEIGHTS: LazyLock<(TempDir, String)> = LazyLock::new(|| {
    let directory = TempDir::new().expect("a temporary directory");
    let mut weights = RandomWeights::default();
    Encoder::load(Architecture::EfficientNetLite0, &mut weights).expect("random weights");
    let path = directory.path().join("lite0.pth");
    write_pth(&path, &weights.tensors);
    let path = path.display().to_string();
    (directory, path)
});

/// A workplace with an empty folder `photos`.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path("photos")).expect("a folder");
    workplace
}

/// `scst features` on the folder, into `pooled.npy`.
fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let all = [
        "features",
        "--images",
        "photos",
        "--out",
        "pooled.npy",
        "--dtype",
        "f32",
        "--force",
    ];
    let encoder = ["--encoder", "efficientnet_lite0", "--weights", &WEIGHTS.1];
    [&all[..], &encoder, more].concat()
}

/// Standard output and standard error of a run that succeeds.
fn succeed(workplace: &Workplace, more: &[&str]) -> [String; 2] {
    let Output {
        status,
        stdout,
        stderr,
    } = workplace.run(&arguments(more));
    let printed = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert!(status.success(), "{printed:?}");
    printed
}

/// The features of images.
fn features(workplace: &Workplace, file: &str, names: &[&str]) -> Vec<Vec<f32>> {
    let path = workplace.path(file);
    let store = FeatureStore::open(&FeatureSource::Npy(NpySource { path, names: None }));
    let mut store = store.expect("a feature file");
    let images = names.iter().map(|&file_name| ImageNames {
        file_name,
        folder: None,
        id: None,
    });
    let images: Vec<_> = images.collect();
    let rows = store.locate_all(&images).expect("all images");
    let row = |row: &_| store.read_batch(&[*row]).expect("features").values;
    rows.iter().map(row).collect()
}

fn picture(k: usize) -> RgbImage {
    RgbImage::from_fn(40, 30, |x, y| {
        let shade = (x as usize * (k + 3) + y as usize * 7) % 256;
        [shade as u8, (k * 50) as u8, 200].into()
    })
}

/// A PNG with an orientation in its EXIF data.
fn png(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec();
    exif[19] = orientation;
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_exif_metadata(exif).expect("EXIF data");
    let (width, height) = picture.dimensions();
    let written = encoder.write_image(picture, width, height, ExtendedColorType::Rgb8);
    written.expect("a PNG");
    png
}

#[test]
fn photos_that_lie_on_their_side_have_the_features_of_upright_ones() {
    let workplace = workplace();
    let upright = picture(1);
    workplace.write("photos/upright.png", &png(&upright, 1));
    // A camera that was turned: its pixels have to be turned clockwise to be seen as they were.
    let lying = imageops::rotate270(&upright);
    workplace.write("photos/phone.png", &png(&lying, 6));
    workplace.write(
        "photos/mirrored.png",
        &png(&imageops::flip_horizontal(&upright), 2),
    );
    workplace.write("photos/without.png", &png(&lying, 0));
    succeed(&workplace, &[]);
    let names = ["upright.png", "phone.png", "mirrored.png", "without.png"];
    let [upright, phone, mirrored, without] = features(&workplace, "pooled.npy", &names)
        .try_into()
        .expect("four rows");
    assert!(upright == phone && upright == mirrored);
    assert!(upright != without);
    let record = workplace.text("pooled.encoder.json");
    assert!(record.contains("\"orientation\": \"exif\""), "{record}");
}

#[test]
fn images_of_all_kinds_are_read_and_other_files_are_counted_by_kind() {
    let workplace = workplace();
    let formats = ["a.gif", "b.bmp", "c.tif", "d.webp", "e.jpg"];
    // Named as they are; and a PNG that is called a JPEG, and one that is called nothing.
    for name in ["b.bmp", "d.webp"] {
        picture(2)
            .save(workplace.path("photos").join(name))
            .expect("an image");
    }
    let fixtures = fs::read_to_string("../encoder/tests/fixtures/pictures.json").expect("fixtures");
    let fixtures: Vec<BTreeMap<String, serde_json::Value>> =
        serde_json::from_str(&fixtures).expect("JSON");
    for (name, fixture) in [("a.gif", "plain.gif"), ("c.tif", "palette.tif")] {
        let fixture = fixtures.iter().find(|other| other["name"] == fixture);
        let hexadecimal = fixture.expect("the fixture")["file"]
            .as_str()
            .expect("text");
        let digits = hexadecimal.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).expect("text"), 16);
        let bytes: Result<Vec<u8>, _> = digits.map(byte).collect();
        workplace.write(&format!("photos/{name}"), &bytes.expect("hexadecimal"));
    }
    let png = png(&picture(2), 1);
    workplace.write("photos/e.jpg", &png);
    workplace.write("photos/nameless", &png);
    workplace.write("photos/notes.txt", b"not a picture");
    workplace.write("photos/one.heic", b"\0\0\0\x18ftypheic");
    workplace.write("photos/two.HEIC", b"\0\0\0\x18ftypheic");
    workplace.write("photos/._e.jpg", b"\0\x05\x16\x07");
    fs::create_dir(workplace.path("photos/more")).expect("a folder");
    let [printed, errors] = succeed(&workplace, &[]);
    let sentence = "3 files of other types passed over: 2 .heic, .txt; 1 hidden file passed over; 1 folder without images passed over";
    assert!(printed.contains(sentence), "{printed}");
    let counts = "6 images, 0 left out, 4 other files passed over, ";
    assert!(printed.contains(counts), "{printed}");
    assert_eq!(errors, "");
    let names = [&formats[..], &["nameless", ""]].concat().join("\n");
    assert_eq!(workplace.text("pooled.names.txt"), names);
    let rows = features(
        &workplace,
        "pooled.npy",
        &["b.bmp", "d.webp", "e.jpg", "nameless"],
    );
    assert!(rows.iter().all(|row| *row == rows[0]));
    // Where nothing else is in the folder, that is said too.
    for name in ["notes.txt", "one.heic", "two.HEIC", "._e.jpg"] {
        fs::remove_file(workplace.path("photos").join(name)).expect("a file less");
    }
    fs::remove_dir(workplace.path("photos/more")).expect("a folder less");
    let [printed, _] = succeed(&workplace, &[]);
    assert!(
        printed.contains("6 images, 0 left out, 0 other files passed over, "),
        "{printed}"
    );
    assert_eq!(printed.matches("passed over").count(), 1, "{printed}");
}

#[test]
fn images_that_are_something_else_are_named_for_it() {
    let workplace = workplace();
    let cases: [(&[u8], &str); 3] = [
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1",
            "it is a HEIC photo, expected a JPEG, PNG, WebP, GIF, BMP or TIFF",
        ),
        (
            b"<!DOCTYPE html><html>404</html>",
            "it is an HTML page, expected",
        ),
        (b"", "it is an empty file, expected"),
    ];
    for (content, expected) in cases {
        workplace.write("photos/photo.jpg", content);
        let message = workplace.refuse(2, &arguments(&[]));
        let named = format!("cannot read image `photos/photo.jpg`: {expected}");
        assert!(message.contains(&named), "{message}");
    }
    // Only what is said of the folder helps when nothing in it is an image.
    fs::remove_file(workplace.path("photos/photo.jpg")).expect("a file less");
    fs::create_dir(workplace.path("photos/train")).expect("a folder");
    workplace.write("photos/photo.heic", b"\0\0\0\x18ftypheic");
    let message = workplace.refuse(2, &arguments(&[]));
    let parts = [
        "1 file of another type passed over: .heic; 1 folder without images passed over",
        "no image in `photos`",
    ];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
}

/// Sets the time of an image's file, by seconds from now.
fn touch(workplace: &Workplace, name: &str, seconds: u64) {
    let file = File::options()
        .append(true)
        .open(workplace.path("photos").join(name));
    let time = SystemTime::now() - Duration::from_secs(seconds);
    file.and_then(|file| file.set_modified(time))
        .expect("a time");
}

/// Three images and a broken one, `d.png`, at which the work has stopped.
fn stopped() -> Workplace {
    let workplace = workplace();
    for (k, name) in ["a.png", "b.png", "c.png"].into_iter().enumerate() {
        workplace.write(&format!("photos/{name}"), &png(&picture(k), 1));
        touch(&workplace, name, 1000);
    }
    workplace.write("photos/d.png", b"\x89PNG\r\n\x1a\n");
    workplace.refuse(2, &arguments(&[]));
    workplace.write("photos/d.png", &png(&picture(3), 1));
    workplace
}

#[test]
fn images_that_changed_meanwhile_are_encoded_again() {
    // Whoever makes the change, and what is said of it; the others are kept.
    type Change = (fn(&Workplace), &'static str, usize);
    let changes: [Change; 6] = [
        (|_| (), "", 3),
        (
            |w| w.write("photos/b.png", &png(&picture(7), 1)),
            "image `photos/b.png` has changed",
            1,
        ),
        // The size is the same.
        (
            |w| {
                let mut same = w.read("photos/a.png");
                let orientation = same
                    .windows(2)
                    .position(|pair| pair == [1, 0x12])
                    .expect("a tag");
                same[orientation + 9] = 1;
                w.write("photos/a.png", &same);
            },
            "image `photos/a.png` has changed",
            0,
        ),
        (
            |w| w.write("photos/aa.png", &png(&picture(7), 1)),
            "image `photos/aa.png` is new",
            1,
        ),
        (
            |w| fs::remove_file(w.path("photos/b.png")).expect("a file less"),
            "image `photos/b.png` is gone",
            1,
        ),
        (
            |w| {
                let photos = w.path("photos");
                fs::rename(photos.join("c.png"), photos.join("e.png")).expect("another name");
            },
            "image `photos/c.png` is gone",
            2,
        ),
    ];
    for (change, said, kept) in changes {
        let workplace = stopped();
        change(&workplace);
        let [_, errors] = succeed(&workplace, &[]);
        assert!(errors.contains(said), "{said}: {errors}");
        let going_on = format!("going on after {kept} of ");
        assert_eq!(errors.contains(&going_on), kept > 0, "{said}: {errors}");
        let resumed = workplace.read("pooled.npy");
        let names = workplace.text("pooled.names.txt");
        fs::remove_file(workplace.path("pooled.npy")).expect("a file less");
        succeed(&workplace, &[]);
        assert!(
            workplace.read("pooled.npy") == resumed,
            "{said}: as if made at once"
        );
        assert_eq!(workplace.text("pooled.names.txt"), names, "{said}");
    }
}

#[test]
fn finished_files_are_made_anew_from_the_folder_as_it_is() {
    let workplace = workplace();
    workplace.write("photos/a.png", &png(&picture(1), 1));
    succeed(&workplace, &[]);
    let before = features(&workplace, "pooled.npy", &["a.png"]);
    workplace.write("photos/a.png", &png(&picture(5), 1));
    workplace.write("photos/b.png", &png(&picture(1), 1));
    succeed(&workplace, &[]);
    let after = features(&workplace, "pooled.npy", &["a.png", "b.png"]);
    assert!(after[0] != before[0] && after[1] == before[0]);
}

#[test]
fn nothing_is_encoded_again_when_the_work_ended_between_two_files() {
    let workplace = workplace();
    for k in 0..3 {
        workplace.write(&format!("photos/{k}.png"), &png(&picture(k), 1));
    }
    let both = ["--grid", "grid.npy"];
    succeed(&workplace, &both);
    let expected = ["pooled.npy", "grid.npy"].map(|name| workplace.read(name));
    for name in ["pooled.npy", "grid.npy"] {
        fs::remove_file(workplace.path(name)).expect("a file less");
    }
    // A folder in its place keeps the second file from being finished.
    fs::create_dir(workplace.path("grid.npy")).expect("a folder");
    workplace.refuse(1, &arguments(&both));
    assert!(
        workplace.read("pooled.npy") == expected[0],
        "the first is finished"
    );
    let is_there = |name: &str| workplace.path(name).exists();
    assert!(!is_there("pooled.npy.partial") && is_there("grid.npy.partial"));
    fs::remove_dir(workplace.path("grid.npy")).expect("a folder less");
    let [printed, errors] = succeed(&workplace, &both);
    assert!(errors.contains("going on after 3 of 3 images"), "{errors}");
    assert!(printed.contains("3 images, 0 left out"), "{printed}");
    for (name, expected) in ["pooled.npy", "grid.npy"].into_iter().zip(expected) {
        assert!(workplace.read(name) == expected, "{name}");
    }
    assert!(!is_there("pooled.npy.progress") && !is_there("grid.npy.partial"));

    // The same, but an image changed before the work went on: its features do not stay.
    for name in ["pooled.npy", "grid.npy"] {
        fs::remove_file(workplace.path(name)).expect("a file less");
    }
    fs::create_dir(workplace.path("grid.npy")).expect("a folder");
    workplace.refuse(1, &arguments(&both));
    fs::remove_dir(workplace.path("grid.npy")).expect("a folder less");
    workplace.write("photos/1.png", &png(&picture(8), 1));
    let [_, errors] = succeed(&workplace, &both);
    assert!(
        errors.contains("image `photos/1.png` has changed"),
        "{errors}"
    );
    let resumed = workplace.read("grid.npy");
    succeed(&workplace, &both);
    assert!(workplace.read("grid.npy") == resumed);
}
