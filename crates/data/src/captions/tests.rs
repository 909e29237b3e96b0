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
            "`captions.csv`: line 2 (row 1): found 3 fields, expected 2 (a value with a comma must stand in quotation marks)",
        ),
        (
            "image,caption\na.jpg,A dog\n\nb.jpg\n",
            SPLITS,
            "`captions.csv`: line 4 (row 2): found 1 field, expected 2 as in the header",
        ),
        (
            "image,text\na.jpg,A dog\n",
            SPLITS,
            "`captions.csv`: line 1: found header \"image,text\", expected `image,caption`",
        ),
        ("", SPLITS, "`captions.csv` holds no images"),
        (
            "image,caption\n",
            "image,split\n",
            "`splits.csv` holds no images",
        ),
        (
            "image,caption\na.jpg,A dog\nb.jpg,Cats\nc.jpg,A cow\n",
            SPLITS,
            "`captions.csv`: line 4: image \"c.jpg\" is not listed in `splits.csv`",
        ),
        (
            "image,caption\na.jpg,A dog\n",
            SPLITS,
            "`captions.csv`: found no caption of image `b.jpg`, which line 3 of `splits.csv` lists, expected one or more",
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
        message(&folder, latin1.read(None)),
        "`latin1.csv`: line 2: found bytes that are not UTF-8, expected text"
    );
}

/// The message of a table of captions in which only the images a, b and c have splits.
fn message_of_table(captions: &str) -> String {
    let folder = Folder::new();
    let splits = "image,split\na.jpg,train\nb.jpg,train\nc.jpg,val\n";
    message(&folder, kaggle(&folder, captions, splits))
}

#[test]
fn table_is_refused_when_quotation_marks_are_amiss() {
    let of_rows = |rows: &str| message_of_table(&format!("image,caption\n{rows}"));
    for (rows, expected) in [
        (
            "a.jpg,\"stop\" in red\na.jpg,\"a sign by the road\na.jpg,a red sign\na.jpg,it says \"stop\"\nb.jpg,a dog\n",
            "line 2 (row 1): `caption`: found text behind a closing quotation mark, expected the whole field in quotation \
             marks and those inside doubled, as in \"a \"\"stop\"\" sign\"; lines 3, 5 are wrong too",
        ),
        (
            "a.jpg,a dog\nb.jpg,\"a sign\nb.jpg,a dog\nc.jpg,a dog\n",
            "line 3 (row 2): `caption`: found a quotation mark that opens a field and is not closed, expected one at the \
             end of the field",
        ),
        (
            "a.jpg,a \"red\" dog\n",
            "line 2 (row 1): `caption`: found a quotation mark inside a field that does not begin with one, expected the \
             whole field in quotation marks and those inside doubled, as in \"a \"\"stop\"\" sign\"",
        ),
        (
            "a.jpg,\"a sign\nb.jpg,a dog\nb.jpg,it says stop\"\nc.jpg,a dog\n",
            "line 2 (row 1): found a quotation mark that opens a field and is closed no sooner than in line 4, behind the \
             row that begins in line 3, expected one at the end of the field",
        ),
        (
            "a.jpg,\"a sign\nunlisted.PNG,a dog\"\n",
            "line 2 (row 1): found a quotation mark that opens a field and is closed no sooner than in line 3, behind the \
             row that begins in line 3, expected one at the end of the field",
        ),
        (
            "a.jpg,a dog\n\"b.jpg,a cat\nc.jpg\",a dog\n",
            "line 3 (row 2): found a line break in the name of an image, expected none",
        ),
        (
            "a.jpg,a dog,\n",
            "line 2 (row 1): found 3 fields, expected 2 (a value with a comma must stand in quotation marks)",
        ),
        (
            "a.jpg,a dog\nb.jpg,a\0b\n",
            "line 3: found a byte 0, expected text",
        ),
    ] {
        assert_eq!(
            of_rows(rows),
            format!("`captions.csv`: {expected}"),
            "{rows}"
        );
    }
}

#[test]
fn table_of_splits_is_held_to_the_same() {
    let folder = Folder::new();
    let captions = "image,caption\na.jpg,a dog\nb.jpg,a cat\n";
    for (splits, expected) in [
        (
            "a.jpg,\"train\nb.jpg,val\n",
            "line 2 (row 1): `split`: found a quotation mark that opens a field and is not closed, expected one at the end of the field",
        ),
        (
            "a.jpg,train,x\nb.jpg,val\n",
            "line 2 (row 1): found 3 fields, expected 2 (a value with a comma must stand in quotation marks)",
        ),
        (
            "a.jpg\n",
            "line 2 (row 1): found 1 field, expected 2 as in the header",
        ),
    ] {
        let found = message(
            &folder,
            kaggle(&folder, captions, &format!("image,split\n{splits}")),
        );
        assert_eq!(found, format!("`splits.csv`: {expected}"));
    }
}

#[test]
fn table_is_read_when_programs_write_it_otherwise() {
    let splits = "image;split\r\na.jpg;val\r\nb.jpg;train\r\n";
    for captions in [
        "image,caption\na.jpg,A dog\nb.jpg,Two cats\n",
        "image,caption\ra.jpg,A dog\r\rb.jpg,Two cats\r",
        "\u{feff}Image, Caption\n\na.jpg,A dog\n  \n\"b.jpg\",\"Two cats\"",
        ",image,caption\n0,a.jpg,A dog\n1,b.jpg,Two cats\n",
        "Unnamed: 0,image,caption\n0,a.jpg,A dog\n1,b.jpg,Two cats\n",
        "image;caption\na.jpg;A dog\nb.jpg;\"Two; cats\"\n",
        "image\tcaption\na.jpg\tA dog\nb.jpg\tTwo, cats\n",
        "\"image\",\"caption\"\n\"a.jpg\",\"A dog\"\n\"b.jpg\",\"Two cats\"\n",
        "image_name| comment_number| comment\na.jpg| 0| A dog\nb.jpg| 0| Two | \"cats\n",
        "image|caption\na.jpg|A dog\nb.jpg|Two cats\n",
        "a.jpg#0\tA dog .\nb.jpg#1\tTwo cats .\n",
    ] {
        let read = kaggle(&Folder::new(), captions, splits).expect(captions);
        let [a, b] = read.images.as_slice() else {
            panic!("two images");
        };
        assert_eq!(
            (a.file_name.as_str(), words(a)),
            ("a.jpg", vec!["a dog".to_owned()]),
            "{captions}"
        );
        assert_eq!(
            (b.split, words(b)),
            (Split::Train, vec!["two cats".to_owned()]),
            "{captions}"
        );
        assert_eq!(read.notices, [], "{captions}");
    }
}

#[test]
fn files_of_flickr_are_read_with_what_is_odd_in_them() {
    let folder = Folder::new();
    let notices = |captions: &str| {
        let read = kaggle(&folder, captions, SPLITS).unwrap();
        let notices = read
            .notices
            .iter()
            .map(|notice| folder.shorten(notice))
            .collect::<Vec<_>>();
        (words(&read.images[1]), notices)
    };
    let (b, told) = notices(
        "image_name| comment_number| comment\na.jpg| 0| A dog .\nb.jpg| 4   Two cats .\nb.jpg| 5|\nb.jpg| 6\nc.jpg| 0| A cow\nd.jpg| 0| A cow\n",
    );
    assert_eq!(b, ["two cats"]);
    assert_eq!(
        told,
        [
            "`captions.csv`: line 3: the delimiter in front of the caption is missing; \"Two cats .\" is taken for it",
            "`captions.csv`: 2 rows without a caption are left out, the first at line 4",
            "`captions.csv`: 2 images are left out, since `splits.csv` does not list them; the first is `c.jpg`",
        ]
    );
    let (_, told) = notices("a.jpg#0\tA dog .\na.jpg.1#0\tA cat .\nb.jpg#0\tTwo cats\n");
    assert_eq!(
        told,
        [
            "`captions.csv`: 1 images are left out, since `splits.csv` does not list them; the first is `a.jpg.1`"
        ]
    );
    let found = kaggle(&folder, "a.jpg#0\tA dog\nA cat\n", SPLITS);
    assert_eq!(
        message(&folder, found),
        "`captions.csv`: line 2 (row 2): found \"A cat\", expected a row such as name.jpg#0, a tab and a caption"
    );
}

#[test]
fn file_is_told_when_it_is_no_table() {
    for (bytes, seems) in [
        (
            &b"<!DOCTYPE html>\n<html>"[..],
            "a web page (HTML), expected a table with the header `image,caption`",
        ),
        (
            b"{\"images\": []}",
            "JSON, expected a table with the header `image,caption`",
        ),
        (
            b"PK\x03\x04\0\0",
            "a zip archive (unpack it first), expected text",
        ),
        (
            b"\xff\xfei\0m\0a\0",
            "text in UTF-16 (save it as UTF-8), expected text",
        ),
    ] {
        let folder = Folder::new();
        let source = CaptionSource::Kaggle(KaggleSource {
            captions: folder.file("captions.csv", bytes),
            splits: folder.file("splits.csv", SPLITS),
        });
        let found = message(&folder, source.read(None));
        assert_eq!(found, format!("`captions.csv`: this seems to be {seems}"));
    }
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
    let captions = coco(&Folder::new(), &TRAIN.replace("5", "\"b7\""), &val).unwrap();
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
    .read(None)
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
