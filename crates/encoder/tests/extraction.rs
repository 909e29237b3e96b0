//! Extractions whose images change while they are at work.

mod support;

use std::{fs, num::NonZeroUsize, path::Path};

use image::RgbImage;
use scst_encoder::{
    Architecture, Element, Encoder, EncoderError, Extracted, Extraction, ExtractionEvent, OnError,
    extract, extract_in,
};
use scst_group::Threads;
use tempfile::TempDir;

use support::{RandomWeights, write_pth};

fn write(path: &Path, shade: u8) {
    let picture = RgbImage::from_pixel(9 + u32::from(shade), 8, [shade, 90, 200].into());
    picture.save(path).expect("a picture");
}

/// A folder with random weights and pictures of these names and shades.
fn folder(pictures: &[(&str, u8)]) -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name);
    let mut weights = RandomWeights::default();
    Encoder::load(Architecture::EfficientNetLite0, &mut weights).expect("random weights");
    write_pth(&path("lite0.pth"), &weights.tensors);
    fs::create_dir(path("photos")).expect("a folder");
    for &(name, shade) in pictures {
        write(&path("photos").join(name), shade);
    }
    directory
}

/// Pooled features of its pictures.
fn extraction(directory: &Path, file: &str, on_error: OnError) -> Extraction {
    Extraction {
        images: directory.join("photos"),
        is_recursive: false,
        replaces: false,
        architecture: Architecture::EfficientNetLite0,
        weights: directory.join("lite0.pth"),
        pooled: Some(directory.join(file)),
        grid: None,
        element: Element::F32,
        on_error,
        threads: NonZeroUsize::MIN,
    }
}

#[test]
fn ranks_make_the_files_of_one_process() {
    let directory = folder(&[
        ("0.png", 0),
        ("1.png", 1),
        ("2.png", 2),
        ("3.png", 3),
        ("4.png", 4),
    ]);
    let path = |name: &str| directory.path().join(name);
    // One that nobody can read, in the share of another rank than the first.
    fs::write(path("photos").join("9.png"), "no picture").expect("a file");
    let extraction = |file: &str| extraction(directory.path(), file, OnError::Skip);
    let alone = extract(&extraction("one.npy"), &mut |_| {}).expect("features");
    let of_ranks = Threads::run(3, |group| {
        let mut skipped = Vec::new();
        let extracted = extract_in(group, &extraction("three.npy"), &mut |event| {
            if let ExtractionEvent::Skipped { path, .. } = event {
                skipped.push(path.to_path_buf());
            }
        });
        (extracted.expect("features"), skipped)
    });
    assert_eq!(of_ranks[0], (alone, vec![path("photos").join("9.png")]));
    assert_eq!(of_ranks[2], (Extracted::default(), Vec::new()));
    for file in ["npy", "names.txt"] {
        let bytes = |name: &str| fs::read(path(&format!("{name}.{file}"))).expect("a file");
        assert!(bytes("three") == bytes("one"), "{file}");
    }
}

#[test]
fn work_is_not_finished_when_an_image_changed_after_it_was_encoded() {
    let directory = folder(&[("a.png", 0), ("b.png", 1), ("c.png", 2)]);
    let path = |name: &str| directory.path().join(name);
    let extraction = extraction(directory.path(), "pooled.npy", OnError::Stop);
    let changed = path("photos").join("b.png");
    let mut encoded = 0;
    let outcome = extract(&extraction, &mut |event| {
        encoded += usize::from(matches!(event, ExtractionEvent::Encoded));
        if encoded == 3 {
            write(&changed, 7);
        }
    });
    match outcome {
        Err(EncoderError::ChangedMeanwhile { path }) => assert_eq!(path, changed),
        other => panic!("{other:?}"),
    }
    assert!(!path("pooled.npy").exists());
    let going_on = |expected: Extracted| {
        let extracted = extract(&extraction, &mut |_| {}).expect("features");
        assert_eq!(extracted, expected);
        fs::read(path("pooled.npy")).expect("features")
    };
    let mut expected = Extracted {
        images: 3,
        skipped: 0,
        done_before: 1,
        passed_over: 0,
    };
    let resumed = going_on(expected);
    let refused = extract(&extraction, &mut |_| {});
    assert!(matches!(refused, Err(EncoderError::OutputExists { .. })));
    fs::remove_file(path("pooled.npy")).expect("a file less");
    expected.done_before = 0;
    assert!(resumed == going_on(expected), "as if made at once");
}
