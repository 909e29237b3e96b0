//! Readers on small files, good and bad, and on Flickr8k.

mod labels;
mod tables;

use proptest::prelude::*;

use super::*;
use crate::ExampleId;
use crate::samples::{Folder, flickr8k};

const KARPATHY: &str = r#"{"dataset": "tiny", "images": [
    {"filename": "a.jpg", "imgid": 3, "split": "train", "sentids": [0], "sentences": [
        {"raw": "A dog .", "tokens": ["a", "dog"], "imgid": 3, "sentid": 0},
        {"raw": ".", "tokens": [], "imgid": 3, "sentid": 1}]},
    {"filename": "b.jpg", "filepath": "val2014", "cocoid": 77, "imgid": 4, "split": "restval", "sentences": [
        {"raw": "Two cats", "tokens": ["two", "cats"], "imgid": 4, "sentid": 2}]}]}"#;

fn karpathy(folder: &Folder, json: &str) -> Result<Captions, DataError> {
    let path = folder.file("dataset.json", json);
    CaptionSource::Karpathy(KarpathySource { path }).read(None)
}

fn kaggle(folder: &Folder, captions: &str, splits: &str) -> Result<Captions, DataError> {
    CaptionSource::Kaggle(KaggleSource {
        captions: folder.file("captions.csv", captions),
        splits: folder.file("splits.csv", splits),
    })
    .read(None)
}

fn coco(folder: &Folder, train: &str, val: &str) -> Result<Captions, DataError> {
    CaptionSource::Coco(CocoSource {
        train: Some(folder.file("train.json", train)),
        val: Some(folder.file("val.json", val)),
        test: None,
    })
    .read(None)
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
        .map_or("none".into(), ExampleId::to_text)
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
    // The first image has no `cocoid`, and `imgid` is no id: neither has one.
    assert_eq!((a.file_name.as_str(), &*id(a)), ("a.jpg", "none"));
    assert_eq!((b.file_name.as_str(), &*id(b)), ("b.jpg", "none"));
    let all = KARPATHY.replace("\"imgid\": 3, \"split\"", "\"cocoid\": 5, \"split\"");
    let all = karpathy(&Folder::new(), &all).unwrap();
    assert_eq!(
        (id(&all.images[0]).as_str(), id(&all.images[1]).as_str()),
        ("5", "77")
    );
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
            r#""imgid": 3, "split""#,
            r#""cocoid": "77", "split""#,
            "`dataset.json`: images[1]: image id 77 appears twice, first at images[0]",
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
    let error = CaptionSource::Karpathy(KarpathySource { path }).read(None);
    assert_eq!(message(&folder, error), "cannot read `none.json`");
    let path = folder.root().to_owned();
    let error = CaptionSource::Karpathy(KarpathySource { path }).read(None);
    assert!(error.unwrap_err().is_mistake(), "a folder");
}

#[test]
fn words_are_made_as_asked_for() {
    let folder = Folder::new();
    let path = folder.file(
        "dataset.json",
        KARPATHY.replace("A dog .", "A doge\u{301} ."),
    );
    let karpathy = CaptionSource::Karpathy(KarpathySource { path });
    for (split, expected) in [
        (None, "a dog"),
        (Some(WordSplit::Given), "a dog"),
        (Some(WordSplit::Words), "a dogé"),
        (Some(WordSplit::Characters), "a d o g é"),
    ] {
        assert_eq!(words(&karpathy.read(split).unwrap().images[0]), [expected]);
    }
    let read = |captions: &str, words| {
        CaptionSource::Kaggle(KaggleSource {
            captions: folder.file("captions.csv", captions),
            splits: folder.file("splits.csv", "image,split\na.jpg,train\n"),
        })
        .read(words)
        .unwrap()
    };
    let chinese = "image,caption\na.jpg,一只狗在草地上跑。\n";
    let captions = read(chinese, None);
    assert_eq!(words(&captions.images[0]), ["一只狗在草地上跑"]);
    let [notice] = captions.notices.as_slice() else {
        panic!("a notice");
    };
    let notice = notice.to_string();
    assert!(
        notice.contains("100 %") && notice.contains("data.words = \"characters\""),
        "{notice}"
    );
    let captions = read(chinese, Some(WordSplit::Characters));
    assert_eq!(words(&captions.images[0]), ["一 只 狗 在 草 地 上 跑"]);
    assert_eq!(captions.notices, []);
    let captions = read(
        "image,caption\na.jpg,一只 狗 跑 。\n",
        Some(WordSplit::Given),
    );
    assert_eq!(words(&captions.images[0]), ["一只 狗 跑 。"]);
    let labels = label_file(&LABELS, &[1, 3, 4], &[2, 3, 4]);
    let source = CaptionSource::SelfCritical(SelfCriticalSource {
        json: folder.file("cocotalk.json", COCOTALK),
        labels: folder.file("labels.h5", labels),
    });
    assert!(source.read(Some(WordSplit::Given)).is_ok());
    let found = message(&folder, source.read(Some(WordSplit::Characters)));
    assert_eq!(
        found,
        "`labels.h5` gives words and no raw captions: found `data.words = \"characters\"`, expected \"given\" or none"
    );
}

#[test]
fn layout_is_named_when_another_reader_takes_it() {
    let folder = Folder::new();
    let found = message(&folder, karpathy(&folder, TRAIN));
    assert!(
        found.starts_with("`dataset.json`: this seems to be COCO annotations")
            && found.contains("`captions.coco` reads"),
        "{found}"
    );
    let found = message(&folder, coco(&folder, KARPATHY, VAL));
    assert!(
        found.starts_with("`train.json`: this seems to be a file of Karpathy's splits"),
        "{found}"
    );
    let found = message(
        &folder,
        karpathy(&folder, r#"{"images": [{"id": 1, "file_name": "a.jpg"}]}"#),
    );
    assert!(found.contains("lists images without captions"), "{found}");
    assert_eq!(
        message(&folder, karpathy(&folder, r#"[{"filename": "a.jpg"}]"#)),
        "`dataset.json`: found a list, expected an object {\"images\": [...]}"
    );
}

#[test]
fn ids_are_joined_when_they_are_numbers_here_and_text_there() {
    let val = VAL.replace(r#""image_id": 6"#, r#""image_id": "6""#);
    let captions = coco(&Folder::new(), &TRAIN.replace('5', "\"b7\""), &val).unwrap();
    assert_eq!(
        captions.images.iter().map(id).collect::<Vec<_>>(),
        ["9", "b7", "6"]
    );
    let [notice] = captions.notices.as_slice() else {
        panic!("one notice");
    };
    assert!(notice.to_string().contains("the text \"6\" in"), "{notice}");
    let twice = VAL.replace(
        r#"{"id": 6, "file_name": "c.jpg"}"#,
        r#"{"id": 6, "file_name": "c.jpg"}, {"id": "6", "file_name": "d.jpg"}"#,
    );
    let folder = Folder::new();
    assert_eq!(
        message(&folder, coco(&folder, TRAIN, &twice)),
        "`val.json`: images[1]: image id `6` appears twice, first at images[0]"
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
            "`val.json` lists images without captions, as COCO's image_info files do, expected captions to learn from or \
             to compare with; `scst caption RUN --features FILE --images-json val.json --out results.json` captions \
             such images",
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
        message(
            &folder,
            CaptionSource::Coco(CocoSource::default()).read(None)
        ),
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
    let (karpathy, kaggle) = (karpathy.read(None).unwrap(), kaggle.read(None).unwrap());
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
        .read(None)
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
        let _ = CaptionSource::Karpathy(KarpathySource { path }).read(None);
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

fn self_critical(folder: &Folder, json: &str, labels: &[u8]) -> Result<Captions, DataError> {
    CaptionSource::SelfCritical(SelfCriticalSource {
        json: folder.file("cocotalk.json", json),
        labels: folder.file("labels.h5", labels),
    })
    .read(None)
}
