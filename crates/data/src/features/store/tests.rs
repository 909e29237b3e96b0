//! Stores of every layout, good and bad.

use half::f16;
use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::super::{FolderSource, NpySource, SafetensorsSource};
use super::*;
use crate::Standardiser;
use crate::samples::{Folder as Files, flickr8k, npy, npz};

fn open_npy(files: &Files, npy: Vec<u8>, names: &str) -> Result<FeatureStore, DataError> {
    files.file("x.names.txt", names);
    let path = files.file("x.npy", npy);
    FeatureStore::open(&FeatureSource::Npy(NpySource { path, names: None }))
}

fn open_folder(files: &Files, key: Option<&str>) -> Result<FeatureStore, DataError> {
    FeatureStore::open(&FeatureSource::Folder(FolderSource {
        path: files.path("features"),
        key: key.map(str::to_owned),
        ..FolderSource::default()
    }))
}

fn open_safetensors(files: &Files, bytes: &[u8]) -> Result<FeatureStore, DataError> {
    let path = files.file("x.safetensors", bytes);
    FeatureStore::open(&FeatureSource::Safetensors(SafetensorsSource { path }))
}

/// Images by file name and id.
fn images<'a>(images: &[(&'a str, u64)]) -> Vec<ImageNames<'a>> {
    images
        .iter()
        .map(|&(file_name, id)| ImageNames {
            file_name,
            folder: None,
            id: Some(id.to_string()),
        })
        .collect()
}

fn message<T: std::fmt::Debug>(files: &Files, result: Result<T, DataError>) -> String {
    let error = result.unwrap_err();
    assert!(error.is_mistake());
    files.shorten(error)
}

/// Tensors by name, shape and values, as float32.
fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| {
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        })
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
        (*name, view)
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn grid_is_a_list_of_regions_when_it_is_read() {
    let files = Files::new();
    let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
    files.file(
        "features/7.npz",
        npz(&[("feat", npy(&[2, 3, 2], values.as_slice()))]),
    );
    let mut store = open_folder(&files, None).unwrap();
    assert_eq!((store.dim(), store.max_regions()), (2, Some(6)));
    let row = store
        .locate_all(&images(&[("COCO_val2014_000000000007.jpg", 7)]))
        .unwrap()[0];
    assert_eq!(store.read_batch(&[row]).unwrap().values, values);
}

#[test]
fn pooled_rows_are_read_when_elements_are_f16_f32_or_f64() {
    let files = Files::new();
    let values = [1.0, 2.5, -3.0, 0.125, 6.0, 7.0_f32];
    let halves = values.map(f16::from_f32);
    let doubles = values.map(f64::from);
    for array in [
        npy(&[3, 2], halves.as_slice()),
        npy(&[3, 2], values.as_slice()),
        npy(&[3, 2], doubles.as_slice()),
    ] {
        let mut store = open_npy(&files, array, "a.jpg\nb.jpg\nc.jpg\n").unwrap();
        assert_eq!(
            (store.dim(), store.max_regions(), store.len()),
            (2, None, 3)
        );
        let rows = store
            .locate_all(&images(&[("c.jpg", 0), ("a.jpg", 1)]))
            .unwrap();
        let batch = store.read_batch(&rows).unwrap();
        assert_eq!(batch.values, [6.0, 7.0, 1.0, 2.5]);
        assert_eq!(batch.regions, [1, 1]);
        let names: Vec<_> = store.rows().map(|row| store.name(row)).collect();
        assert_eq!(names, ["a.jpg", "b.jpg", "c.jpg"]);
        let mut one = vec![9.0; 5];
        let row = store.locate_all(&images(&[("b.jpg", 0)])).unwrap()[0];
        assert_eq!(store.read(row, &mut one).unwrap(), 1);
        assert_eq!(one, [-3.0, 0.125]);
    }
}

#[test]
fn regions_are_read_when_the_array_has_three_dimensions() {
    let files = Files::new();
    let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let array = npy(&[2, 3, 2], values.as_slice());
    let store = open_npy(&files, array, "a.jpg\r\nb.jpg").unwrap();
    assert_eq!((store.dim(), store.max_regions()), (2, Some(3)));
    let batch = store.read_batch(&[Row(1)]).unwrap();
    assert_eq!(batch.values, [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(batch.regions, [3]);
}

#[test]
fn error_gives_bytes_when_npy_is_cut_or_too_long() {
    let files = Files::new();
    let good = npy(&[2, 2], [1.0_f32; 4].as_slice());
    let cut = good[..good.len() - 1].to_vec();
    assert_eq!(
        message(&files, open_npy(&files, cut, "a\nb\n")),
        "`x.npy`: found 143 bytes, expected 144 from its header; the file is cut short"
    );
    let long = [good.as_slice(), b"!"].concat();
    assert_eq!(
        message(&files, open_npy(&files, long, "a\nb\n")),
        "`x.npy`: found 145 bytes, expected 144 from its header; the file is too long"
    );
}

#[test]
fn error_names_file_and_shape_when_npy_does_not_fit() {
    let files = Files::new();
    let expected = "expected [images, dimensions], [images, regions, dimensions] or [images, rows, columns, dimensions], none of them 0";
    for shape in [
        vec![4],
        vec![1, 2, 2, 2, 1],
        vec![0, 4],
        vec![4, 0],
        vec![1, 0, 4],
        vec![],
    ] {
        let count = shape.iter().product();
        let array = npy(&shape, vec![0.0_f32; count].as_slice());
        assert_eq!(
            message(&files, open_npy(&files, array, "a\n")),
            format!("`x.npy`: array: found shape {shape:?}, {expected}")
        );
    }
}

#[test]
fn error_names_both_files_when_names_and_rows_differ() {
    let files = Files::new();
    let array = || npy(&[2, 2], [1.0_f32; 4].as_slice());
    assert_eq!(
        message(&files, open_npy(&files, array(), "a\nb\nc\n")),
        "`x.names.txt`: found 3 names, expected 2, one for each row of `x.npy`"
    );
    assert_eq!(
        message(&files, open_npy(&files, array(), "a\n\nb\n")),
        "`x.names.txt`: line 2: found an empty name, expected the name of an image"
    );
    assert_eq!(
        message(&files, open_npy(&files, array(), "")),
        "`x.names.txt` holds no features"
    );
    files.file("bad.txt", b"a.jpg\n\xff.jpg\n");
    let source = FeatureSource::Npy(NpySource {
        path: files.path("x.npy"),
        names: Some(files.path("bad.txt")),
    });
    assert_eq!(
        message(&files, FeatureStore::open(&source)),
        "`bad.txt`: line 2: found bytes that are not UTF-8, expected text"
    );
}

#[test]
fn mistake_is_named_when_a_source_is_missing_or_empty() {
    let files = Files::new();
    let path = files.path("none.npy");
    let missing = FeatureSource::Npy(NpySource { path, names: None });
    assert_eq!(
        message(&files, FeatureStore::open(&missing)),
        "cannot read `none.npy`"
    );
    let path = files.root().to_owned();
    let folder = FeatureSource::Npy(NpySource { path, names: None });
    assert!(FeatureStore::open(&folder).unwrap_err().is_mistake());
    assert_eq!(
        message(&files, open_npy(&files, Vec::new(), "a\n")),
        "`x.npy`: not a valid npy file: array: it ends within its header"
    );
    assert_eq!(
        message(&files, open_folder(&files, None)),
        "cannot read `features`"
    );
    files.file("features/README.txt", "not features");
    assert_eq!(
        message(&files, open_folder(&files, None)),
        "`features` holds no features"
    );
    assert_eq!(
        message(&files, open_safetensors(&files, &safetensors(&[]))),
        "`x.safetensors` holds no features"
    );
}

#[test]
fn error_counts_and_names_when_images_have_no_features() {
    let files = Files::new();
    let mut store = open_npy(&files, npy(&[1, 1], [1.0_f32].as_slice()), "a.jpg").unwrap();
    let three = images(&[("a.jpg", 1), ("b.jpg", 2), ("c.jpg", 3)]);
    assert_eq!(
        message(&files, store.locate_all(&three)),
        "`x.names.txt`: no features for 2 of 3 images: \"b.jpg\" (id 2), \"c.jpg\" (id 3); every row is that of \
         another image; expected rows named by the file names of the images, with or without ending, or by their ids"
    );
}

#[test]
fn check_names_image_and_position_when_a_value_is_not_finite() {
    let files = Files::new();
    let mut values = [1.0_f32; 12];
    values[9] = f32::NAN;
    let store = open_npy(&files, npy(&[2, 3, 2], values.as_slice()), "a.jpg\nb.jpg").unwrap();
    assert!(store.check(&[Row(0)], |_, _| {}).is_ok());
    assert_eq!(
        message(&files, store.check(&[Row(0), Row(1)], |_, _| {})),
        "`x.npy`: image `b.jpg`: found NaN at region 1, dimension 1, expected finite numbers"
    );
    let halves = [f16::ONE, f16::NEG_INFINITY];
    let store = open_npy(&files, npy(&[2, 1], halves.as_slice()), "a.jpg\nb.jpg").unwrap();
    assert_eq!(
        message(&files, store.check(&[Row(1)], |_, _| {})),
        "`x.npy`: image `b.jpg`: found -inf at region 0, dimension 0, expected finite numbers"
    );
}

#[test]
fn folder_is_read_when_files_are_npy_by_image_id() {
    let files = Files::new();
    files.file("features/42.npy", npy(&[2], [1.0_f32, 2.0].as_slice()));
    files.file("features/7.npy", npy(&[2], [3.0_f32, 4.0].as_slice()));
    let mut store = open_folder(&files, None).unwrap();
    assert_eq!(
        (store.dim(), store.max_regions(), store.len()),
        (2, None, 2)
    );
    let rows = store
        .locate_all(&images(&[("x.jpg", 7), ("y.jpg", 42)]))
        .unwrap();
    assert_eq!(
        store.read_batch(&rows).unwrap().values,
        [3.0, 4.0, 1.0, 2.0]
    );
    store.check(&rows, |_, _| {}).unwrap();
}

#[test]
fn regions_are_counted_when_npz_files_differ_in_them() {
    let files = Files::new();
    let one = npy(&[1, 2], [1.0_f32, 2.0].as_slice());
    let three = npy(&[3, 2], [f16::ONE; 6].as_slice());
    files.file("features/a.npz", npz(&[("feat", one)]));
    files.file("features/b.npz", npz(&[("feat", three)]));
    let mut store = open_folder(&files, None).unwrap();
    assert_eq!((store.dim(), store.max_regions()), (2, Some(3)));
    let rows = store
        .locate_all(&images(&[("a.jpg", 0), ("b.jpg", 1)]))
        .unwrap();
    let mut batch = store.read_batch(&rows).unwrap();
    assert_eq!(batch.regions, [1, 3]);
    assert_eq!(batch.values, [1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);

    let standardiser = Standardiser::from_parts(vec![1.0, 2.0], vec![0.999, 0.999]).unwrap();
    batch.standardise(&standardiser).unwrap();
    assert_eq!(batch.values, [0.0, 0.0, 0.0, -1.0, 0.0, -1.0, 0.0, -1.0]);
}

#[test]
fn array_is_chosen_when_npz_holds_several() {
    let files = Files::new();
    let array = |value: f32| npy(&[1], [value].as_slice());
    files.file(
        "features/a.npz",
        npz(&[
            ("bbox", array(1.0)),
            ("feat", array(2.0)),
            ("x", array(3.0)),
        ]),
    );
    let first = |key| {
        let store = open_folder(&files, key)?;
        store.read_batch(&[Row(0)]).map(|batch| batch.values[0])
    };
    assert_eq!(first(None).unwrap(), 2.0);
    assert_eq!(first(Some("x")).unwrap(), 3.0);
    assert_eq!(
        message(&files, first(Some("att"))),
        "`features/a.npz`: arrays: found `bbox`, `feat`, `x`, expected `att`, or another `key` for `features.folder`"
    );
    files.file("features/a.npz", npz(&[("arr_0", array(5.0))]));
    assert_eq!(first(None).unwrap(), 5.0);
}

#[test]
fn error_names_the_file_when_one_of_a_folder_is_bad() {
    let files = Files::new();
    files.file("features/a.npy", npy(&[2], [1.0_f32; 2].as_slice()));
    files.file("features/b.npy", npy(&[3], [1.0_f32; 3].as_slice()));
    files.file("features/c.npy", &npy(&[2], [1.0_f32; 2].as_slice())[..135]);
    files.file("features/d.npz", b"PK not a zip");
    files.file(
        "features/e.npy",
        npy(&[2], [1.0_f32, f32::INFINITY].as_slice()),
    );
    let store = open_folder(&files, None).unwrap();
    let check = |row| message(&files, store.check(&[Row(row)], |_, _| {}));
    assert!(store.check(&[Row(0)], |_, _| {}).is_ok());
    assert_eq!(
        check(1),
        "`features/b.npy`: array: found shape [3], expected [2] as in the other images"
    );
    assert_eq!(
        check(2),
        "`features/c.npy`: found 135 bytes, expected 136 from its header; the file is cut short"
    );
    let zip = check(3);
    assert!(
        zip.starts_with("`features/d.npz`: not a valid npz file: "),
        "{zip}"
    );
    assert_eq!(
        check(4),
        "`features/e.npy`: image `e`: found inf at region 0, dimension 1, expected finite numbers"
    );
}

#[test]
fn opening_fails_when_region_files_differ_in_form() {
    let files = Files::new();
    files.file("features/a.npy", npy(&[1, 2], [1.0_f32; 2].as_slice()));
    files.file("features/b.npy", npy(&[2], [1.0_f32; 2].as_slice()));
    assert_eq!(
        message(&files, open_folder(&files, None)),
        "`features/b.npy`: array: found shape [2], expected [regions, 2] as in the other images"
    );
    files.file("features/b.npy", npy(&[0, 2], [0.0_f32; 0].as_slice()));
    assert_eq!(
        message(&files, open_folder(&files, None)),
        "`features/b.npy`: array: found shape [0, 2], expected [dimensions], [regions, dimensions] or [rows, columns, dimensions], none of them 0"
    );
}

#[test]
fn opening_fails_when_two_files_have_one_stem() {
    let files = Files::new();
    let array = npy(&[1], [1.0_f32].as_slice());
    files.file("features/a.npz", npz(&[("feat", array.clone())]));
    files.file("features/a.npy", array);
    assert_eq!(
        message(&files, open_folder(&files, None)),
        "`features`: a.npz: name \"a\" appears twice, first at a.npy"
    );
}

#[test]
fn safetensors_are_read_when_images_differ_in_regions() {
    let files = Files::new();
    let bytes = safetensors(&[
        ("a.jpg", &[1, 2], &[1.0, 2.0]),
        ("b.jpg", &[2, 2], &[3.0, 4.0, 5.0, 6.0]),
    ]);
    let mut store = open_safetensors(&files, &bytes).unwrap();
    assert_eq!((store.dim(), store.max_regions()), (2, Some(2)));
    let rows = store
        .locate_all(&images(&[("b.jpg", 0), ("a.jpg", 1)]))
        .unwrap();
    let batch = store.read_batch(&rows).unwrap();
    assert_eq!(batch.values, [3.0, 4.0, 5.0, 6.0, 1.0, 2.0]);
    assert_eq!(batch.regions, [2, 1]);
}

#[test]
fn error_names_the_tensor_when_safetensors_do_not_fit() {
    let files = Files::new();
    let mixed = safetensors(&[("a", &[1, 2], &[0.0; 2]), ("b", &[3], &[0.0; 3])]);
    assert_eq!(
        message(&files, open_safetensors(&files, &mixed)),
        "`x.safetensors`: tensor `b`: found shape [3], expected [regions, 2] as in the other images"
    );
    let scalar = safetensors(&[("a", &[], &[0.0])]);
    assert_eq!(
        message(&files, open_safetensors(&files, &scalar)),
        "`x.safetensors`: tensor `a`: found shape [], expected [dimensions], [regions, dimensions] or [rows, columns, dimensions], none of them 0"
    );
    let integers = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
    let integers = safetensors::serialize([("a", integers)], None).unwrap();
    assert_eq!(
        message(&files, open_safetensors(&files, &integers)),
        "`x.safetensors`: tensor `a`: found elements of type `I64`, expected little-endian float16, float32 or float64"
    );
    let good = safetensors(&[("a", &[2], &[0.0; 2]), ("b", &[2], &[0.0; 2])]);
    let (found, expected) = (good.len() - 3, good.len());
    assert_eq!(
        message(&files, open_safetensors(&files, &good[..found])),
        format!(
            "`x.safetensors`: found {found} bytes, expected {expected} from its header; the file is cut short"
        )
    );
    assert_eq!(
        message(&files, open_safetensors(&files, b"no")),
        "`x.safetensors`: not a valid safetensors file: found 2 bytes, expected at least 8"
    );
    assert_eq!(
        message(
            &files,
            open_safetensors(&files, b"PK\x03\x04\0\0\0\0\x08\0")
        ),
        "`x.safetensors`: not a valid safetensors file: it looks like a zip archive (unpack it first), expected \
         the length of a header and JSON"
    );
    let long = [&1_000_000_u64.to_le_bytes()[..], b"{}"].concat();
    assert_eq!(
        message(&files, open_safetensors(&files, &long)),
        "`x.safetensors`: not a valid safetensors file: found a header of 1000000 bytes in a file of 10"
    );
    let claims = [
        r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,80000000000]}}"#,
        r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2]}}"#,
    ];
    for claim in claims {
        let length = (claim.len() as u64).to_le_bytes();
        let bytes = [&length[..], claim.as_bytes(), &[0; 8]].concat();
        let found = message(&files, open_safetensors(&files, &bytes));
        assert!(
            !found.contains(" line 1 ") && found.starts_with("`x.safetensors`: "),
            "{found}"
        );
    }
}

#[test]
fn configuration_is_refused_when_a_key_is_unknown() {
    let parse = serde_json::from_str::<FeatureSource>;
    for good in [
        r#"{"npy": {"path": "x.npy"}}"#,
        r#"{"npy": {"path": "x.npy", "names": "n.txt"}}"#,
        r#"{"folder": {"path": "att", "key": "feat"}}"#,
        r#"{"safetensors": {"path": "x.safetensors"}}"#,
    ] {
        parse(good).unwrap();
    }
    let error = parse(r#"{"npy": {"path": "x.npy", "dim": 5}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `dim`"), "{error}");
}

#[test]
fn features_are_found_when_flickr8k_is_opened() {
    let Some(folder) = flickr8k() else { return };
    let path = folder.join("features/efficientnet_lite0_pooled.npy");
    let store = FeatureStore::open(&FeatureSource::Npy(NpySource { path, names: None })).unwrap();
    assert_eq!(
        (store.len(), store.dim(), store.max_regions()),
        (7000, 1280, None)
    );
    let rows: Vec<_> = (0..7000).map(Row).collect();
    store.check(&rows, |_, _| {}).unwrap();
    // ReLU6, then an average.
    let batch = store.read_batch(&rows[..100]).unwrap();
    assert!(batch.values.iter().all(|value| (0.0..=6.0).contains(value)));
    let standardiser = Standardiser::fit(&store, &rows[..6000]).unwrap();
    let mut all = store.read_batch(&rows[..6000]).unwrap();
    all.standardise(&standardiser).unwrap();
    let first: Vec<f64> = all
        .values
        .chunks_exact(1280)
        .map(|row| f64::from(row[0]))
        .collect();
    let mean = first.iter().sum::<f64>() / 6000.0;
    let variance = first.iter().map(|value| value * value).sum::<f64>() / 6000.0;
    assert!(mean.abs() < 1e-5, "{mean}");
    assert!((0.95..=1.0).contains(&variance), "{variance}");
}

proptest! {
    #[test]
    fn no_panic_when_npy_is_damaged(
        position in 0..144_usize,
        byte: u8,
        length in 0..=144_usize,
    ) {
        let files = Files::new();
        let mut bytes = npy(&[2, 2], [1.0_f32; 4].as_slice());
        bytes[position] = byte;
        bytes.truncate(length);
        if let Ok(store) = open_npy(&files, bytes, "a\nb\n") {
            let _ = store.check(&[Row(0), Row(1)], |_, _| {});
        }
    }

    #[test]
    fn no_panic_when_npz_is_damaged(position in 0..200_usize, byte: u8, length in 0..=400_usize) {
        let files = Files::new();
        let mut bytes = npz(&[("feat", npy(&[2], [1.0_f32; 2].as_slice()))]);
        let position = position % bytes.len();
        bytes[position] = byte;
        bytes.truncate(length);
        files.file("features/a.npz", bytes);
        if let Ok(store) = open_folder(&files, None) {
            let _ = store.check(&[Row(0)], |_, _| {});
        }
    }

    #[test]
    fn no_panic_when_safetensors_are_damaged(
        position in 0..200_usize,
        byte: u8,
        length in 0..=200_usize,
    ) {
        let files = Files::new();
        let mut bytes = safetensors(&[("a", &[1, 2], &[1.0; 2]), ("b", &[2, 2], &[2.0; 4])]);
        let position = position % bytes.len();
        bytes[position] = byte;
        bytes.truncate(length);
        if let Ok(store) = open_safetensors(&files, &bytes) {
            let rows: Vec<_> = (0..store.len() as u32).map(Row).collect();
            let _ = store.check(&rows, |_, _| {});
        }
    }
}
