//! What of a change is noticed.

use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

use super::*;
use crate::features::{FeatureSource, FeatureStore, FolderSource, NpySource};
use crate::samples::{Folder as Files, npy};

const NAMES: &str = "a.jpg\nb.jpg\nc.jpg\n";

fn open(files: &Files) -> FeatureStore {
    let path = files.path("x.npy");
    FeatureStore::open(&FeatureSource::Npy(NpySource { path, names: None })).unwrap()
}

fn write(files: &Files, values: &[f32], names: &str) -> FeatureStore {
    files.file("x.npy", npy(&[values.len() / 2, 2], values));
    files.file("x.names.txt", names);
    open(files)
}

fn set_time(path: &Path, secs: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

fn compared(
    files: &Files,
    store: &FeatureStore,
    then: &FeatureFingerprint,
) -> Result<bool, String> {
    match store.compare(then, &store.fingerprint().unwrap()) {
        FeatureComparison::Same => Ok(true),
        FeatureComparison::Touched => Ok(false),
        FeatureComparison::Changed(difference) => Err(format!(
            "{}: {}, {}",
            files.shorten(difference.path.display()),
            difference.found,
            difference.expected
        )),
    }
}

#[test]
fn change_of_a_file_is_noticed_by_size_time_rows_and_names() {
    let files = Files::new();
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0_f32];
    let store = write(&files, &values, NAMES);
    set_time(&files.path("x.npy"), 1_000);
    let then = store.fingerprint().unwrap();
    let json = serde_json::to_string(&then).unwrap();
    assert_eq!(
        serde_json::from_str::<FeatureFingerprint>(&json).unwrap(),
        then
    );
    assert_eq!(compared(&files, &open(&files), &then), Ok(true));
    set_time(&files.path("x.npy"), 1_001);
    assert_eq!(compared(&files, &open(&files), &then), Ok(false));

    let mut reversed = values;
    reversed.reverse();
    let store = write(&files, &reversed, NAMES);
    set_time(&files.path("x.npy"), 1_000);
    assert_eq!(
        compared(&files, &store, &then),
        Err("x.npy: other rows, those of then".to_owned())
    );
    let store = write(&files, &values, "a.jpg\nc.jpg\nb.jpg\n");
    assert_eq!(
        compared(&files, &store, &then),
        Err("x.names.txt: other names of rows, or another order of them, those of then".to_owned())
    );
    let store = write(
        &files,
        &[values.as_slice(), &[7.0, 8.0]].concat(),
        "a.jpg\nb.jpg\nc.jpg\nd.jpg\n",
    );
    assert_eq!(
        compared(&files, &store, &then),
        Err("x.npy: 160 bytes, 152 bytes".to_owned())
    );
    // Elsewhere, and back: paths do not matter.
    let moved = Files::new();
    write(&moved, &values, NAMES);
    set_time(&moved.path("x.npy"), 1_000);
    assert_eq!(compared(&moved, &open(&moved), &then), Ok(true));
}

#[test]
fn change_of_a_folder_is_noticed_by_number_sizes_times_and_bytes() {
    let files = Files::new();
    let open = || {
        FeatureStore::open(&FeatureSource::Folder(FolderSource {
            path: files.path("f"),
            ..FolderSource::default()
        }))
        .unwrap()
    };
    let write = |name: &str, values: &[f32]| {
        let path = files.file(name, npy(&[values.len() / 2, 2], values));
        set_time(&path, 1_000);
    };
    write("f/a.npy", &[1.0, 2.0]);
    write("f/b.npy", &[3.0, 4.0, 5.0, 6.0]);
    let then = open().fingerprint().unwrap();
    assert_eq!(compared(&files, &open(), &then), Ok(true));
    set_time(&files.path("f/b.npy"), 2_000);
    assert_eq!(compared(&files, &open(), &then), Ok(false));
    write("f/b.npy", &[3.0, 4.0, 5.0, 7.0]);
    assert_eq!(
        compared(&files, &open(), &then),
        Err("f: other rows, those of then".to_owned())
    );
    write("f/a.npy", &[3.0, 4.0, 5.0, 6.0]);
    write("f/b.npy", &[1.0, 2.0]);
    assert_eq!(
        compared(&files, &open(), &then),
        Err("f: files of other sizes, those of then".to_owned())
    );
    write("f/c.npy", &[1.0, 2.0]);
    assert_eq!(
        compared(&files, &open(), &then),
        Err("f: 3 files of 416 bytes, 2 files of 280 bytes".to_owned())
    );
}

#[test]
fn fingerprint_is_refused_when_something_in_a_folder_is_not_a_file() {
    let files = Files::new();
    files.file("f/a.npy", npy(&[2], [1.0_f32; 2].as_slice()));
    std::fs::create_dir(files.path("f/b.npy")).unwrap();
    let store = FeatureStore::open(&FeatureSource::Folder(FolderSource {
        path: files.path("f"),
        ..FolderSource::default()
    }));
    assert_eq!(
        files.shorten(store.unwrap().fingerprint().unwrap_err()),
        "`f/b.npy`: found something that is not a file, expected a file of features"
    );
}

#[test]
fn content_is_the_same_in_any_order_and_another_when_a_value_or_an_image_is() {
    let content = |rows: &[(&str, &[f32])]| {
        let mut content = FeatureContent::default();
        for (name, values) in rows {
            content.add(name, values);
        }
        content
    };
    let long: Vec<f32> = (0..3000).map(|value| value as f32).collect();
    let (a, b) = (("a", &[1.0_f32, 2.0][..]), ("b", long.as_slice()));
    let first = content(&[a, b]);
    assert_eq!(first, content(&[b, a]));
    let mut other = long.clone();
    other[2999] = 0.0;
    for changed in [
        content(&[a, ("b", &other)]),
        content(&[("a", &long), ("b", a.1)]),
    ] {
        assert!(first.is_of_same_images(&changed));
        assert_ne!(first, changed);
    }
    assert!(!first.is_of_same_images(&content(&[a])));
    assert!(!first.is_of_same_images(&content(&[a, ("c", &long)])));
}
