//! Tables, as Kaggle, Flickr and other programs write them.

use super::*;

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
fn error_says_what_a_table_was_taken_for_when_captions_lack() {
    let folder = Folder::new();
    for (captions, seen_as) in [
        (
            "image_name| comment_number| comment\na.jpg| 0| A dog\n",
            "`results.csv` of Flickr30k",
        ),
        ("a.jpg#0\tA dog .\n", "`Flickr8k.token.txt`"),
        (
            ",image,caption\n0,a.jpg,A dog\n",
            "a table with more columns",
        ),
        (
            "image;caption\na.jpg;A dog\n",
            "a table with semicolons between its columns",
        ),
    ] {
        assert_eq!(
            message(&folder, kaggle(&folder, captions, SPLITS)),
            format!(
                "`captions.csv`, read as {seen_as}: found no caption of image `b.jpg`, which line 3 of `splits.csv` \
                 lists, expected one or more"
            )
        );
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
