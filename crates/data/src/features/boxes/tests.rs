//! Boxes that go with features, and boxes and sizes that do not fit.

use super::*;
use crate::features::{FeatureSource, FeatureStore, FolderSource};
use crate::samples::{Folder as Files, npy};

const SIZES: &str =
    r#"{"images": [{"id": 7, "width": 8, "height": 4}, {"id": 8, "width": 4, "height": 2}]}"#;
const BOXES: [f32; 8] = [2.0, 1.0, 6.0, 3.0, 0.0, 0.0, 8.0, 2.0];

fn image(file_name: &str, id: u64) -> ImageNames<'_> {
    ImageNames {
        file_name,
        folder: None,
        id: Some(id.to_string()),
    }
}

/// Features and boxes of two images, the first with two regions; files are named by `features` and `boxes`.
fn write(files: &Files, features: [&str; 2], boxes: [&str; 2], corners: &[f32]) {
    let vectors: [f32; 4] = [3.0, 4.0, 0.0, 0.0];
    let file = |folder: &str, name: &str, bytes: Vec<u8>| {
        files.file(&format!("{folder}/{name}.npy"), bytes);
    };
    file("features", features[0], npy(&[2, 2], vectors.as_slice()));
    file(
        "features",
        features[1],
        npy(&[1, 2], [6.0_f32, 8.0].as_slice()),
    );
    file("boxes", boxes[0], npy(&[corners.len() / 4, 4], corners));
    file(
        "boxes",
        boxes[1],
        npy(&[1, 4], [0.0_f32, 0.0, 4.0, 2.0].as_slice()),
    );
}

fn open(files: &Files, sizes: &str, normalise: bool) -> Result<FeatureStore, DataError> {
    FeatureStore::open(&FeatureSource::Folder(FolderSource {
        path: files.path("features"),
        key: None,
        normalise,
        boxes: Some(BoxSource {
            path: files.path("boxes"),
            sizes: files.file("sizes.json", sizes),
            normalise,
        }),
    }))
}

/// All values of the two images, in the order 7, 8.
fn values(files: &Files, sizes: &str, normalise: bool) -> Result<Vec<f32>, DataError> {
    let mut store = open(files, sizes, normalise)?;
    assert_eq!((store.dim(), store.max_regions()), (7, Some(2)));
    let rows = store.locate_all(&[image("dog.jpg", 7), image("cat.jpg", 8)])?;
    store.check(&rows, |_, _| {})?;
    let batch = store.read_batch(&rows)?;
    assert_eq!(batch.regions, [2, 1]);
    Ok(batch.values)
}

fn message<T: std::fmt::Debug>(files: &Files, result: Result<T, DataError>) -> String {
    let error = result.unwrap_err();
    assert!(error.is_mistake());
    files.shorten(error)
}

#[test]
fn vectors_go_on_with_the_geometry_of_their_boxes() {
    let files = Files::new();
    write(&files, ["7", "8"], ["7", "8"], &BOXES);
    let first = [3.0, 4.0, 0.25, 0.25, 0.75, 0.75, 0.25];
    let second = [0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.5];
    let third = [6.0, 8.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    assert_eq!(
        values(&files, SIZES, false).unwrap(),
        [first, second, third].concat()
    );
    // As numpy.linalg.norm(x, 2, 1) divides.
    let normalised = values(&files, SIZES, true).unwrap();
    let third = 1.0 / 3.0_f32.sqrt();
    let third = [0.6, 0.8, 0.0, 0.0, third, third, third];
    for (found, expected) in normalised[14..].iter().zip(third) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    assert_eq!(normalised[7..9], [0.0, 0.0]);
}

#[test]
fn boxes_and_sizes_are_those_of_the_image_when_they_are_named_otherwise_than_features() {
    let by_ids = Files::new();
    write(&by_ids, ["7", "8"], ["7", "8"], &BOXES);
    let expected = values(&by_ids, SIZES, false).unwrap();
    // Features by file names, boxes by ids, sizes by both or by file names alone.
    let files = Files::new();
    write(&files, ["dog", "cat"], ["7", "8"], &BOXES);
    let named = SIZES
        .replace("\"id\": 7", "\"id\": 7, \"file_path\": \"train/dog.jpg\"")
        .replace("\"id\": 8", "\"id\": 8, \"file_name\": \"cat.jpg\"");
    for sizes in [SIZES, named.as_str()] {
        assert_eq!(values(&files, sizes, false).unwrap(), expected);
    }
    let renumbered = named
        .replace("\"id\": 7", "\"id\": \"x\"")
        .replace("\"id\": 8", "\"id\": 9");
    assert_eq!(values(&files, &renumbered, false).unwrap(), expected);
    // Where file names look like ids of other images, these images' sizes are not taken.
    let swapped = Files::new();
    write(&swapped, ["8", "7"], ["8", "7"], &BOXES);
    let mut store = open(&swapped, SIZES, false).unwrap();
    let images = [image("8.jpg", 107), image("7.jpg", 108)];
    let message = message(&swapped, store.locate_all(&images));
    assert_eq!(
        message,
        "`sizes.json`: images: found none that is \"8.jpg\" (id 107), expected its width and height"
    );
}

#[test]
fn error_names_the_file_when_boxes_do_not_fit() {
    let files = Files::new();
    write(&files, ["7", "8"], ["7", "8"], &BOXES[..4]);
    assert_eq!(
        message(&files, values(&files, SIZES, false)),
        "`boxes/7.npy`: array: found shape [1, 4], expected [2, 4], the corners of every region's box"
    );
    write(&files, ["7", "8"], ["7", "8"], &BOXES);
    let refusal = |sizes: &str| message(&files, values(&files, sizes, false));
    assert_eq!(
        refusal(r#"{"images": [{"id": 8, "width": 4, "height": 2}]}"#),
        "`sizes.json`: images: found none that is \"dog.jpg\" (id 7), expected its width and height"
    );
    assert_eq!(
        refusal(&SIZES.replace("\"height\": 4", "\"height\": 0")),
        "`sizes.json`: images[0]: found width 8 and height 0, expected numbers above 0"
    );
    assert_eq!(
        refusal(&SIZES.replace("\"id\": 8", "\"id\": \"7\"")),
        "`sizes.json`: images[1].id: image id 7 appears twice, first at images[0].id"
    );
    assert_eq!(
        refusal(&SIZES.replace("\"id\": 8", "\"id\": 8, \"file_name\": \"dog.jpg\"")),
        "`sizes.json`: images: found id 7 as images[0] and file name \"dog.jpg\" as images[1], expected one image of both"
    );
    let store = open(&files, SIZES, false).unwrap();
    assert_eq!(
        message(&files, store.check(&[Row(0)], |_, _| {})),
        "`features/7.npy`: boxes: found no image that the features are known to be of, expected one, whose boxes go with them"
    );
    std::fs::remove_file(files.path("boxes/8.npy")).unwrap();
    assert_eq!(
        refusal(SIZES),
        "`boxes`: no features for 1 of 2 images: \"cat.jpg\" (id 8); every row is that of another image; expected \
         rows named by the file names of the images, with or without ending, or by their ids"
    );
}

#[test]
fn error_names_the_file_when_features_with_boxes_are_pooled() {
    let files = Files::new();
    write(&files, ["7", "8"], ["7", "8"], &BOXES);
    files.file("features/7.npy", npy(&[2], [6.0_f32, 8.0].as_slice()));
    assert_eq!(
        message(&files, open(&files, SIZES, false)),
        "`features/7.npy`: array: found shape [2], expected [regions, dimensions], for `boxes` say where regions lie"
    );
}
