//! Hand-computed standardisation.

use super::*;
use crate::features::{FeatureSource, NpySource};
use crate::samples::{Folder, npy};

fn store(folder: &Folder, shape: &[usize], values: &[f32]) -> (FeatureStore, Vec<Row>) {
    let images: Vec<String> = (0..shape[0]).map(|image| format!("{image}.jpg")).collect();
    folder.file("x.names.txt", images.join("\n"));
    let path = folder.file("x.npy", npy(shape, values));
    let store = FeatureStore::open(&FeatureSource::Npy(NpySource { path, names: None })).unwrap();
    let rows = store.rows().collect();
    (store, rows)
}

#[test]
fn mean_and_deviation_are_those_of_the_given_rows_when_fitted() {
    let folder = Folder::new();
    let (store, rows) = store(&folder, &[3, 2], &[1.0, 5.0, 3.0, 5.0, 100.0, 100.0]);
    let standardiser = Standardiser::fit(&store, &rows[..2]).unwrap();
    assert_eq!(standardiser.mean(), [2.0, 5.0]);
    assert_eq!(standardiser.deviation(), [1.0, 0.0]);
    let mut values = [3.001, 5.0, 0.999, 5.001];
    standardiser.apply(&mut values).unwrap();
    for (value, expected) in values.iter().zip([1.0, 0.0, -1.0, 1.0]) {
        assert!((value - expected).abs() < 1e-3, "{values:?}");
    }
}

#[test]
fn every_region_counts_when_fitted() {
    let folder = Folder::new();
    let (store, rows) = store(&folder, &[1, 4, 1], &[1.0, 3.0, 1.0, 3.0]);
    let standardiser = Standardiser::fit(&store, &rows).unwrap();
    assert_eq!(
        (standardiser.mean(), standardiser.deviation()),
        (&[2.0][..], &[1.0][..])
    );
}

#[test]
fn deviation_is_exact_when_the_mean_is_large() {
    let folder = Folder::new();
    let (store, rows) = store(&folder, &[2, 1], &[16_000_000.0, 16_000_002.0]);
    let standardiser = Standardiser::fit(&store, &rows).unwrap();
    assert_eq!(standardiser.deviation(), [1.0]);
}

#[test]
fn error_is_returned_when_nothing_can_be_fitted() {
    let folder = Folder::new();
    let (store, rows) = store(&folder, &[1, 1], &[f32::NAN]);
    let empty = Standardiser::fit(&store, &[]).unwrap_err();
    assert!(matches!(empty, DataError::NoTrainingImages));
    let error = Standardiser::fit(&store, &rows).unwrap_err();
    assert_eq!(
        folder.shorten(error),
        "`x.npy`: image `0.jpg`: found NaN at region 0, dimension 0, expected finite numbers"
    );
}

#[test]
fn error_gives_both_widths_when_values_are_not_whole_vectors() {
    let standardiser = Standardiser::from_parts(vec![0.0; 3], vec![1.0; 3]).unwrap();
    assert_eq!(
        standardiser.apply(&mut [0.0; 4]).unwrap_err().to_string(),
        "found 4 values, expected a multiple of the 3 dimensions of the standardisation"
    );
}

#[test]
fn serialised_form_is_checked_when_it_comes_back() {
    let standardiser = Standardiser::from_parts(vec![0.1, -2.0], vec![1.0, 0.3]).unwrap();
    let json = serde_json::to_string(&standardiser).unwrap();
    assert_eq!(
        serde_json::from_str::<Standardiser>(&json).unwrap(),
        standardiser
    );
    for bad in [
        r#"{"mean": [0], "deviation": [1, 2]}"#,
        r#"{"mean": [], "deviation": []}"#,
        r#"{"mean": [0], "deviation": [-1]}"#,
        r#"{"mean": [0], "deviation": [1], "count": 3}"#,
    ] {
        assert!(serde_json::from_str::<Standardiser>(bad).is_err(), "{bad}");
    }
}
