//! Readers on small files, good and bad, and on Flickr8k.

use proptest::prelude::*;

use super::*;
use crate::samples::{Folder, flickr8k};

const KARPATHY: &str = r#"{"dataset": "tiny", "images": [
    {"filename": "a.jpg", "imgid": 3, "split": "train", "sentids": [0], "sentences": [
        {"raw": "A dog .", "tokens": ["a", "dog"], "imgid": 3, "sentid": 0},
        {"raw": ".", "tokens": [], "imgid": 3, "sentid": 1}]},
    {"filename": "b.jpg", "filepath": "val2014", "cocoid": 77, "imgid": 4, "split": "restval", "sentences": [
        {"raw": "Two cats", "tokens": ["two", "cats"], "imgid": 4, "sentid": 2}]}]}"#;

fn karpathy(folder: &Folder, json: &str) -> Result<Captions, DataError> {
    let path = folder.file("dataset.json", json);
    CaptionSource::Karpathy(KarpathySource { path }).read()
}

fn kaggle(folder: &Folder, captions: &str, splits: &str) -> Result<Captions, DataError> {
    CaptionSource::Kaggle(KaggleSource {
        captions: folder.file("captions.csv", captions),
        splits: folder.file("splits.csv", splits),
    })
    .read()
}

fn coco(folder: &Folder, train: &str, val: &str) -> Result<Captions, DataError> {
    CaptionSource::Coco(CocoSource {
        train: Some(folder.file("train.json", train)),
        val: Some(folder.file("val.json", val)),
        test: None,
    })
    .read()
}

fn message(folder: &Folder, result: Result<Captions, DataError>) -> String {
    let error = result.unwrap_err();
    assert!(error.is_mistake());
    folder.shorten(error)
}

fn id(image: &CaptionedImage) -> String {
    image
        .image_id
        .as_ref()
        .map_or("none".into(), ImageId::to_text)
}

fn words(image: &CaptionedImage) -> Vec<String> {
    let captions = image.captions.iter();
    captions.map(|caption| caption.tokens.join(" ")).collect()
}

#[test]
fn karpathy_is_read_when_well_formed() {
    let captions = karpathy(&Folder::new(), KARPATHY).unwrap();
    let [a, b] = captions.images.as_slice() else {
        panic!("two images");
    };
    assert_eq!((a.file_name.as_str(), &*id(a)), ("a.jpg", "3"));
    // The first image has no `cocoid`: ids are `imgid` for both.
    assert_eq!((b.file_name.as_str(), &*id(b)), ("b.jpg", "4"));
    assert_eq!((a.split, b.split), (Split::Train, Split::Train));
    assert_eq!(a.folder, None);
    assert_eq!(b.folder.as_deref(), Some("val2014"));
    assert_eq!(a.captions[0].raw, "A dog .");
    assert_eq!(
        (words(a), words(b)),
        (vec!["a dog".into()], vec!["two cats".into()])
    );
    assert_eq!(captions.wordless, 1);
}

#[test]
fn error_names_the_place_when_karpathy_is_malformed() {
    let cases = [
        (
            r#""split": "train""#,
            r#""split": "tset""#,
            "`dataset.json`: images[0].split: found \"tset\", expected `train`, `restval`, `val` or `test`",
        ),
        (
            r#"["a", "dog"]"#,
            r#"["a", "", "dog"]"#,
            "`dataset.json`: images[0].sentences[0].tokens[1]: found \"\", expected a word without white space",
        ),
        (
            r#"["two", "cats"]"#,
            r#"["two cats"]"#,
            "`dataset.json`: images[1].sentences[0].tokens[0]: found \"two cats\", expected a word without white space",
        ),
        (
            r#"["two", "cats"]"#,
            r#"["two", 5]"#,
            "`dataset.json`: images[1].sentences[0].tokens[1]: found 5, expected text",
        ),
        (
            r#""tokens": ["two", "cats"], "#,
            "",
            "`dataset.json`: images[1].sentences[0]: the key `tokens` is missing",
        ),
        (
            r#""cocoid": 77"#,
            r#""cocoid": 7.7"#,
            "`dataset.json`: images[1].cocoid: found 7.7, expected a whole number or text",
        ),
        (
            r#""imgid": 4, "split""#,
            r#""imgid": 3, "split""#,
            "`dataset.json`: images[1]: image id 3 appears twice, first at images[0]",
        ),
        (
            r#""imgid": 3, "split""#,
            r#""split""#,
            "`dataset.json`: images[0]: found no `cocoid`, expected one as of images[1], or none of any image",
        ),
        (
            r#""filename": "b.jpg""#,
            r#""filename": "a.jpg""#,
            "`dataset.json`: images[1]: file name \"a.jpg\" appears twice, first at images[0]",
        ),
        (
            r#""filename": "b.jpg""#,
            r#""filename": """#,
            "`dataset.json`: images[1]: found an empty file name, expected the name of an image",
        ),
        (
            r#"["a", "dog"]"#,
            "[]",
            "`dataset.json`: images[0]: image `a.jpg` has no captions",
        ),
        (
            "]}]}",
            "]}]",
            "`dataset.json`: line 6, column 82: the file ends in the middle of an object: it is cut short",
        ),
        (
            "]}]}",
            "]}]} x",
            "`dataset.json`: line 6, column 85: found \"x\" behind the end of the document, expected nothing",
        ),
        (
            r#""images""#,
            r#""pictures""#,
            "`dataset.json`: the key `images` is missing",
        ),
    ];
    let folder = Folder::new();
    for (good, bad, expected) in cases {
        assert!(KARPATHY.contains(good), "{good}");
        let json = KARPATHY.replacen(good, bad, 1);
        assert_eq!(message(&folder, karpathy(&folder, &json)), expected);
    }
    assert_eq!(
        message(&folder, karpathy(&folder, r#"{"images": []}"#)),
        "`dataset.json` holds no images"
    );
}

#[test]
fn mistake_is_named_when_file_is_missing() {
    let folder = Folder::new();
    let path = folder.path("none.json");
    let error = CaptionSource::Karpathy(KarpathySource { path }).read();
    assert_eq!(message(&folder, error), "cannot read `none.json`");
    let path = folder.root().to_owned();
    let error = CaptionSource::Karpathy(KarpathySource { path }).read();
    assert!(error.unwrap_err().is_mistake(), "a folder");
}

const CAPTIONS: &str = "image,caption\n\
    b.jpg,Two cats .\n\
    a.jpg,\"A dog , \"\"Rex\"\" ,\nruns\"\n\
    b.jpg,A cat's friend\n\
    a.jpg, . \n";
const SPLITS: &str = "image,split\r\na.jpg,val\r\nb.jpg,train\r\n";

#[test]
fn kaggle_is_read_when_captions_hold_commas_and_quotes() {
    let captions = kaggle(&Folder::new(), CAPTIONS, SPLITS).unwrap();
    let [b, a] = captions.images.as_slice() else {
        panic!("two images");
    };
    assert_eq!((b.file_name.as_str(), &*id(b)), ("b.jpg", "none"));
    assert_eq!((a.file_name.as_str(), &*id(a)), ("a.jpg", "none"));
    assert_eq!((b.split, a.split), (Split::Train, Split::Val));
    assert_eq!(words(b), ["two cats", "a cat s friend"]);
    assert_eq!(words(a), ["a dog rex runs"]);
    assert_eq!(a.captions[0].raw, "A dog , \"Rex\" ,\nruns");
    assert_eq!(captions.wordless, 1);
}

#[test]
fn header_is_found_when_a_byte_order_mark_precedes_it() {
    let captions = format!("\u{feff}{CAPTIONS}");
    assert!(kaggle(&Folder::new(), &captions, SPLITS).is_ok());
}

#[test]
fn error_names_the_line_when_kaggle_is_malformed() {
    let cases = [
        (
            "image,caption\na.jpg,A dog, running\nb.jpg,Cats\n",
            SPLITS,
            "`captions.csv`: line 2: found 3 fields, expected 2 (a value with a comma must stand in quotes)",
        ),
        (
            "image,caption\na.jpg,A dog\n\nb.jpg\n",
            SPLITS,
            "`captions.csv`: line 4: found 1 fields, expected 2 (a value with a comma must stand in quotes)",
        ),
        (
            "image,comment\na.jpg,A dog\n",
            SPLITS,
            "`captions.csv`: line 1: found header \"image,comment\", expected `image,caption`",
        ),
        ("", SPLITS, "`captions.csv` holds no images"),
        (
            "image,caption\n",
            "image,split\n",
            "`captions.csv` holds no images",
        ),
        (
            "image,caption\na.jpg,A dog\nb.jpg,Cats\nc.jpg,A cow\n",
            SPLITS,
            "`captions.csv`: line 4: image \"c.jpg\" is not listed in `splits.csv`",
        ),
        (
            "image,caption\na.jpg,A dog\n",
            SPLITS,
            "`splits.csv`: line 3: image `b.jpg` has no captions",
        ),
        (
            "image,caption\na.jpg,A dog\nb.jpg,.\n",
            SPLITS,
            "`captions.csv`: line 3: image `b.jpg` has no captions",
        ),
        (
            CAPTIONS,
            "image,split\na.jpg,val\nb.jpg,training\n",
            "`splits.csv`: line 3: found split \"training\", expected `train`, `val` or `test`",
        ),
        (
            CAPTIONS,
            "image,split\na.jpg,val\nb.jpg,train\na.jpg,train\n",
            "`splits.csv`: line 4: file name \"a.jpg\" appears twice, first at line 2",
        ),
        (
            CAPTIONS,
            "a.jpg,val\nb.jpg,train\n",
            "`splits.csv`: line 1: found header \"a.jpg,val\", expected `image,split`",
        ),
    ];
    let folder = Folder::new();
    for (captions, splits, expected) in cases {
        assert_eq!(
            message(&folder, kaggle(&folder, captions, splits)),
            expected
        );
    }
    folder.file("latin1.csv", b"image,caption\na.jpg,caf\xe9\n");
    let latin1 = CaptionSource::Kaggle(KaggleSource {
        captions: folder.path("latin1.csv"),
        splits: folder.file("splits.csv", SPLITS),
    });
    assert_eq!(
        message(&folder, latin1.read()),
        "`latin1.csv`: line 2: found bytes that are not UTF-8, expected text"
    );
}

const TRAIN: &str = r#"{"info": {}, "images": [{"id": 9, "file_name": "a.jpg"}, {"id": 5, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 5, "id": 1, "caption": "Two cats ."}, {"image_id": 9, "id": 2, "caption": "A dog"},
    {"image_id": 5, "id": 3, "caption": "Cats ."}]}"#;
const VAL: &str = r#"{"images": [{"id": 6, "file_name": "c.jpg"}],
    "annotations": [{"image_id": 6, "caption": "A cow .\n"}]}"#;

#[test]
fn coco_is_read_when_one_split_is_absent() {
    let captions = coco(&Folder::new(), TRAIN, VAL).unwrap();
    let ids: Vec<_> = captions.images.iter().map(id).collect();
    assert_eq!(ids, ["9", "5", "6"]);
    assert_eq!(words(&captions.images[1]), ["two cats", "cats"]);
    assert_eq!(captions.images[2].split, Split::Val);
    assert_eq!(captions.images[2].captions[0].raw, "A cow .\n");
}

#[test]
fn error_names_the_place_when_coco_is_malformed() {
    let cases = [
        (
            r#""image_id": 6"#,
            r#""image_id": 7"#,
            "`val.json`: annotations[0].image_id: image 7 is not listed in `val.json`",
        ),
        (
            r#""image_id": 6"#,
            r#""image_id": 9"#,
            "`val.json`: annotations[0].image_id: image 9 is not listed in `val.json`",
        ),
        (
            r#""id": 6"#,
            r#""id": 5"#,
            "`val.json`: images[0]: image id 5 appears twice, first at images[1] of `train.json`",
        ),
        (
            r#""file_name": "c.jpg""#,
            r#""file_name": "a.jpg""#,
            "`val.json`: images[0]: file name \"a.jpg\" appears twice, first at images[0] of `train.json`",
        ),
        (
            r#"{"image_id": 6, "caption": "A cow .\n"}"#,
            "",
            "`val.json`: images[0]: image `c.jpg` has no captions",
        ),
        (
            r#""id": 6"#,
            r#""id": null"#,
            "`val.json`: images[0].id: found null, expected a whole number or text",
        ),
        (
            r#"{"id": 6, "file_name": "c.jpg"}"#,
            "",
            "`val.json` holds no images",
        ),
    ];
    let folder = Folder::new();
    for (good, bad, expected) in cases {
        assert!(VAL.contains(good), "{good}");
        let val = VAL.replacen(good, bad, 1);
        assert_eq!(message(&folder, coco(&folder, TRAIN, &val)), expected);
    }
    assert_eq!(
        message(&folder, CaptionSource::Coco(CocoSource::default()).read()),
        "`captions.coco` names no file, expected at least one of `train`, `val` and `test`"
    );
}

#[test]
fn configuration_is_refused_when_a_key_is_unknown() {
    let parse = serde_json::from_str::<CaptionSource>;
    assert!(parse(r#"{"coco": {"train": "t.json"}}"#).is_ok());
    assert!(parse(r#"{"kaggle": {"captions": "c", "splits": "s"}}"#).is_ok());
    let error = parse(r#"{"karpathy": {"path": "d.json", "spilt": "train"}}"#).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `spilt`"),
        "{error}"
    );
    let error = parse(r#"{"flickr": {}}"#).unwrap_err();
    assert!(
        error.to_string().contains("unknown variant `flickr`"),
        "{error}"
    );
}

#[test]
fn readers_agree_when_flickr8k_comes_in_both_layouts() {
    let Some(folder) = flickr8k() else { return };
    let karpathy = CaptionSource::Karpathy(KarpathySource {
        path: folder.join("dataset_flickr8k.json"),
    });
    let kaggle = CaptionSource::Kaggle(KaggleSource {
        captions: folder.join("captions.csv"),
        splits: folder.join("splits.csv"),
    });
    let (karpathy, kaggle) = (karpathy.read().unwrap(), kaggle.read().unwrap());
    assert_eq!((karpathy.images.len(), kaggle.images.len()), (7000, 7000));
    let in_split = |split| {
        let images = karpathy.images.iter();
        images.filter(|image| image.split == split).count()
    };
    assert_eq!(Split::ALL.map(in_split), [6000, 1000, 0]);
    assert_eq!(karpathy.wordless + kaggle.wordless, 0);
    for (one, other) in karpathy.images.iter().zip(&kaggle.images) {
        assert_eq!(one.file_name, other.file_name);
        assert_eq!(one.split, other.split);
        assert_eq!(one.captions, other.captions, "{}", one.file_name);
    }
}

#[test]
fn tokens_agree_with_karpathys_when_raw_captions_of_flickr8k_are_split() {
    let Some(folder) = flickr8k() else { return };
    let path = folder.join("dataset_flickr8k.json");
    let captions = CaptionSource::Karpathy(KarpathySource { path })
        .read()
        .unwrap();
    let all = || captions.images.iter().flat_map(|image| &image.captions);
    let differing = all().filter(|caption| tokenise(&caption.raw) != caption.tokens);
    assert_eq!((differing.count(), all().count()), (0, 35_000));
}

proptest! {
    #[test]
    fn no_panic_when_a_table_is_random(
        captions in "(image,caption\n)?[ab.jpg,\"\r\n\\PC]{0,60}",
        splits in "image,split\n([ab]{1,2}(,(train|val|\"))?\r?\n){0,5}",
    ) {
        let _ = kaggle(&Folder::new(), &captions, &splits);
    }

    #[test]
    fn no_panic_when_json_is_cut_or_damaged(
        position in 0..KARPATHY.len(),
        byte: u8,
        length in 0..=KARPATHY.len(),
    ) {
        let folder = Folder::new();
        let mut json = KARPATHY.as_bytes().to_vec();
        json[position] = byte;
        json.truncate(length);
        let path = folder.file("dataset.json", json);
        let _ = CaptionSource::Karpathy(KarpathySource { path }).read();
    }
}

const COCOTALK: &str = r#"{"ix_to_word": {"1": "a", "2": "dog", "3": "UNK"}, "images": [
    {"split": "train", "file_path": "val2014/a.jpg", "id": 7, "width": 4, "height": 3},
    {"split": "restval", "id": 9}, {"split": "test", "file_path": "c.jpg", "id": 8}]}"#;
const LABELS: [u32; 16] = [1, 2, 0, 0, 1, 3, 2, 1, 2, 0, 0, 0, 1, 3, 0, 0];

/// A label file with these captions of 4 words and the first and last caption of every image.
fn label_file(labels: &[u32], first: &[u32], last: &[u32]) -> Vec<u8> {
    let mut file = hdf5_pure::FileBuilder::new();
    let rows = labels.len() as u64 / 4;
    let dataset = file.create_dataset("labels");
    dataset.with_u32_data(labels).with_shape(&[rows, 4]);
    for (name, values) in [("label_start_ix", first), ("label_end_ix", last)] {
        let dataset = file.create_dataset(name);
        dataset
            .with_u32_data(values)
            .with_shape(&[values.len() as u64]);
    }
    file.finish().unwrap()
}

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

fn self_critical(folder: &Folder, json: &str, labels: &[u8]) -> Result<Captions, DataError> {
    CaptionSource::SelfCritical(SelfCriticalSource {
        json: folder.file("cocotalk.json", json),
        labels: folder.file("labels.h5", labels),
    })
    .read()
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
            "word 4: found id \"4\", expected the ids 1 to 3 of 3 words",
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
            "`labels.h5`: labels[1][1]: found id 4, expected 0 or the id of one of 3 words",
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
