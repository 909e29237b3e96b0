//! Label files of self-critical.pytorch.

use super::*;

/// The same captions again and again, in a file that is compressed as `compression = "gzip"` of h5py does it.
fn compressed_label_file(copies: usize) -> Vec<u8> {
    let mut file = hdf5_pure::FileBuilder::new();
    let labels = file.create_dataset("labels");
    labels
        .with_u32_data(&LABELS.repeat(copies))
        .with_shape(&[4 * copies as u64, 4])
        .with_chunks(&[1024, 4])
        .with_deflate(4);
    let last = 4 * copies as u32;
    for (name, values) in [
        ("label_start_ix", [1, 3, 4]),
        ("label_end_ix", [2, 3, last]),
    ] {
        let dataset = file.create_dataset(name);
        dataset.with_u32_data(&values).with_shape(&[3]);
    }
    file.finish().unwrap()
}

#[test]
fn self_critical_is_read_when_well_formed() {
    let labels = label_file(&LABELS, &[1, 3, 4], &[2, 3, 4]);
    let captions = self_critical(&Folder::new(), COCOTALK, &labels).unwrap();
    let [a, b, c] = captions.images.as_slice() else {
        panic!("three images");
    };
    assert_eq!((a.file_name.as_str(), &*id(a)), ("a.jpg", "7"));
    assert_eq!(a.folder.as_deref(), Some("val2014"));
    assert_eq!((b.file_name.as_str(), &*id(b)), ("9", "9"));
    let splits = [a.split, b.split, c.split];
    assert_eq!(splits, [Split::Train, Split::Train, Split::Test]);
    assert_eq!(words(a), ["a dog", "a <unk> dog a"]);
    assert_eq!(
        (words(b), words(c)),
        (vec!["dog".into()], vec!["a <unk>".into()])
    );
}

/// A label file whose arrays have the values and the type that `write` gives to them, as integers or as fractions.
fn typed_label_file<T: Copy>(
    one: T,
    two: T,
    odd: (usize, T),
    write: impl Fn(&mut hdf5_pure::DatasetBuilder, &[T], &[u64]),
) -> Vec<u8> {
    let mut labels = [one; 8];
    let (mut first, last) = ([one, two], [one, two]);
    match odd {
        (at @ 0..8, value) => labels[at] = value,
        (_, value) => first[1] = value,
    }
    let mut file = hdf5_pure::FileBuilder::new();
    write(file.create_dataset("labels"), &labels, &[2, 4]);
    write(file.create_dataset("label_start_ix"), &first, &[2]);
    write(file.create_dataset("label_end_ix"), &last, &[2]);
    file.finish().unwrap()
}

#[test]
fn ids_are_refused_when_they_are_no_whole_numbers_within_range() {
    let folder = Folder::new();
    let json = r#"{"ix_to_word": {"1": "a", "2": "dog"}, "images": [{"id": 1, "split": "train"}, {"id": 2, "split": "val"}]}"#;
    let read = |labels: Vec<u8>| {
        let read = self_critical(&folder, json, &labels);
        read.map(|captions| words(&captions.images[1]))
            .map_err(|error| folder.shorten(error))
    };
    let float = |odd| {
        typed_label_file(1.0, 2.0, odd, |array, values, shape| {
            array.with_f64_data(values).with_shape(shape);
        })
    };
    let single = |odd| {
        typed_label_file(1.0, 2.0, odd, |array, values, shape| {
            array.with_f32_data(values).with_shape(shape);
        })
    };
    let signed = |odd| {
        typed_label_file(1, 2, odd, |array, values, shape| {
            array.with_i64_data(values).with_shape(shape);
        })
    };
    let unsigned = |odd| {
        typed_label_file(1, 2, odd, |array, values, shape| {
            array.with_u64_data(values).with_shape(shape);
        })
    };
    for good in [
        float((5, 2.0)),
        single((5, 2.0)),
        signed((5, 2)),
        unsigned((5, 2)),
    ] {
        assert_eq!(read(good).unwrap(), ["a dog a a"]);
    }
    for (labels, found) in [
        (float((5, 0.5)), "0.5"),
        (float((5, f64::NAN)), "NaN"),
        (float((5, -1.0)), "-1.0"),
        (float((5, f64::INFINITY)), "inf"),
        (float((5, 1e300)), "1e300"),
        (float((5, 4_294_967_297.0)), "4294967297.0"),
        (single((5, 1.5)), "1.5"),
        (signed((5, -1)), "-1"),
        (signed((5, i64::MIN)), "-9223372036854775808"),
        (signed((5, (1 << 32) + 1)), "4294967297"),
        (unsigned((5, u64::MAX)), "18446744073709551615"),
        (unsigned((5, 3)), "3"),
    ] {
        let expected = format!(
            "`labels.h5`: labels[1][1]: found {found}, expected 0 or the id of one of 2 words"
        );
        assert_eq!(read(labels), Err(expected));
    }
    for (labels, expected) in [
        (
            signed((8, -1)),
            "found -1, expected one of the captions 1 to 2",
        ),
        (
            float((8, 1.5)),
            "found 1.5, expected one of the captions 1 to 2",
        ),
        (
            unsigned((8, u64::MAX)),
            "found captions 18446744073709551615 to 2, expected some of the captions 1 to 2",
        ),
    ] {
        assert_eq!(
            read(labels),
            Err(format!("`labels.h5`: label_start_ix[1]: {expected}"))
        );
    }
    assert_eq!(
        read(b"\x80\x04\x95".to_vec()),
        Err("`labels.h5`: this seems to be a pickle of Python, expected an HDF5 file with `labels`, `label_start_ix` and \
            `label_end_ix`".to_owned())
    );
}

#[test]
fn error_names_the_place_when_self_critical_is_malformed() {
    let folder = Folder::new();
    let good = label_file(&LABELS, &[1, 3, 4], &[2, 3, 4]);
    for (from, to, expected) in [
        (
            r#""test""#,
            r#""tset""#,
            "images[2].split: found \"tset\", expected `train`, `restval`, `val` or `test`",
        ),
        (
            r#""3": "UNK""#,
            r#""4": "UNK""#,
            "word \"4\": found id \"4\", expected the ids 1 to 3 of 3 words",
        ),
        (
            r#""id": 9"#,
            r#""id": 7"#,
            "images[1]: image id 7 appears twice, first at images[0]",
        ),
    ] {
        let json = COCOTALK.replacen(from, to, 1);
        let found = message(&folder, self_critical(&folder, &json, &good));
        assert_eq!(found, format!("`cocotalk.json`: {expected}"));
    }
    let mut labels = LABELS;
    labels[5] = 4;
    for (labels, expected) in [
        (
            label_file(&labels, &[1, 3, 4], &[2, 3, 4]),
            "`labels.h5`: labels[1][1]: found 4, expected 0 or the id of one of 3 words",
        ),
        (
            label_file(&LABELS, &[1, 3, 4], &[2, 3, 5]),
            "`labels.h5`: label_start_ix[2]: found captions 4 to 5, expected some of the captions 1 to 4",
        ),
        (
            label_file(&LABELS, &[0, 3, 4], &[2, 3, 4]),
            "`labels.h5`: label_start_ix[0]: found captions 0 to 2, expected some of the captions 1 to 4",
        ),
        (
            label_file(&LABELS, &[1, 4, 4], &[3, 3, 4]),
            "`cocotalk.json`: images[1]: image `9` has no captions",
        ),
    ] {
        let found = message(&folder, self_critical(&folder, COCOTALK, &labels));
        assert_eq!(found, expected);
    }
    let two = label_file(&LABELS, &[1, 3], &[2, 4]);
    let found = message(&folder, self_critical(&folder, COCOTALK, &two));
    let expected =
        "`labels.h5`: not a valid HDF5 file: `label_start_ix`: found 2 images, expected the 3 of `";
    assert!(found.starts_with(expected), "{found}");
}

#[test]
fn self_critical_is_read_when_labels_are_compressed_to_less_than_a_byte_each() {
    let labels = compressed_label_file(1000);
    assert!(labels.len() < 16_000, "found {} bytes", labels.len());
    let captions = self_critical(&Folder::new(), COCOTALK, &labels).unwrap();
    let of_images = captions.images.iter().map(|image| image.captions.len());
    assert_eq!(of_images.collect::<Vec<_>>(), [2, 1, 3997]);
    assert_eq!(
        words(&captions.images[2])[3994..],
        ["a <unk> dog a", "dog", "a <unk>"]
    );
}

#[test]
fn label_file_is_refused_or_read_wherever_it_is_cut_or_damaged() {
    let folder = Folder::new();
    let whole = label_file(&LABELS, &[1, 3, 4], &[2, 3, 4]);
    for length in (0..whole.len()).step_by(5) {
        let found = self_critical(&folder, COCOTALK, &whole[..length]);
        assert!(
            found.is_err_and(|error| error.is_mistake()),
            "cut after {length} bytes"
        );
        let mut damaged = whole.clone();
        damaged[length] ^= 0xff;
        let _ = self_critical(&folder, COCOTALK, &damaged);
    }
}
