//! Captions of every layout, under names that say nothing.

use super::*;
use crate::samples::Folder;

const TABLE: &str = "image,caption\nb.jpg,\"a dog, running\"\na.jpg,a cat\nb.jpg,a brown dog\n";
const KARPATHY: &str = r#"{"images": [
    {"filename": "a.jpg", "cocoid": 7, "split": "val", "sentences": [{"raw": "A cat.", "tokens": ["a", "cat"]}]},
    {"filename": "b.jpg", "cocoid": 9, "split": "train", "sentences": [{"raw": "A dog.", "tokens": ["a", "dog"]}]}]}"#;

/// Images as `id/file name: captions`.
fn shown(file: &CaptionFile) -> Vec<String> {
    let images = file.images.iter().map(|image| {
        let name = image.file_name.as_deref().unwrap_or("-");
        format!(
            "{}/{name}: {}",
            image.id.to_text(),
            image.captions.join("; ")
        )
    });
    images.collect()
}

fn read(text: &str) -> Result<(CaptionLayout, Vec<String>), String> {
    let folder = Folder::new();
    let path = folder.file("captions", text);
    let file = read_captions(&path, None, None).map_err(|error| folder.shorten(error))?;
    assert!(file.notices.is_empty());
    Ok((file.layout, shown(&file)))
}

#[test]
fn captions_are_read_when_the_name_of_their_file_says_nothing() {
    let coco = r#"{"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 9}], "annotations": [
        {"image_id": 9, "caption": "A dog."}, {"image_id": 7, "caption": "A cat."}]}"#;
    let of_coco = ["7/a.jpg: A cat.", "9/-: A dog."];
    let of_table = ["b.jpg/-: a dog, running; a brown dog", "a.jpg/-: a cat"];
    let of_flickr = ["b.jpg/-: a dog; a brown dog"];
    let cases: [(&str, CaptionLayout, &[&str]); 10] = [
        (coco, CaptionLayout::Json(JsonLayout::Coco), &of_coco),
        (
            KARPATHY,
            CaptionLayout::Json(JsonLayout::Karpathy),
            &["7/a.jpg: A cat.", "9/b.jpg: A dog."],
        ),
        (TABLE, CaptionLayout::Table, &of_table),
        (
            "b.jpg#0\ta dog\nb.jpg#1\ta brown dog\n",
            CaptionLayout::Table,
            &of_flickr,
        ),
        (
            "image_name| comment_number| comment\nb.jpg| 0| a dog\nb.jpg| 1| a brown dog\n",
            CaptionLayout::Table,
            &of_flickr,
        ),
        (
            r#"[{"image_id": "x", "caption": "one"}, {"image_id": "x", "caption": "two"}]"#,
            CaptionLayout::Results,
            &["x/-: one; two"],
        ),
        (
            "{\"image_id\": 3, \"caption\": \"one\"}\n\n{\"image\": \"3\", \"captions\": [\"two\", \"three\"]}\n",
            CaptionLayout::JsonLines,
            &["3/-: one; two; three"],
        ),
        (
            "{\"image\": \"a.jpg\", \"caption\": \"one\"}",
            CaptionLayout::JsonLines,
            &["a.jpg/-: one"],
        ),
        (
            "a dog\n\na cat, too\n",
            CaptionLayout::Lines,
            &["1/-: a dog", "2/-: ", "3/-: a cat, too"],
        ),
        (
            "a dog, running\na cat, too\n",
            CaptionLayout::Lines,
            &["1/-: a dog, running", "2/-: a cat, too"],
        ),
    ];
    for (text, layout, images) in cases {
        let images = images.iter().map(|&image| image.to_owned()).collect();
        assert_eq!(read(text), Ok((layout, images)), "{text}");
        let marked = format!("\u{feff}{text}");
        assert_eq!(read(&marked).map(|read| read.0), Ok(layout), "{text}");
    }
}

#[test]
fn split_is_taken_where_there_is_one() {
    let folder = Folder::new();
    let karpathy = folder.file("k", KARPATHY);
    let file = read_captions(&karpathy, None, Some(Split::Val)).unwrap();
    assert_eq!(shown(&file), ["7/a.jpg: A cat."]);
    let table = folder.file("t.json", TABLE);
    let splits = folder.file("s", "image,split\na.jpg,val\nb.jpg,train\n");
    let file = read_captions(&table, Some(&splits), Some(Split::Train)).unwrap();
    assert_eq!(shown(&file), ["b.jpg/b.jpg: a dog, running; a brown dog"]);
    let refused = |path: &Path, splits, split| {
        let error = read_captions(path, splits, split).unwrap_err();
        folder.shorten(error)
    };
    assert_eq!(
        refused(&table, None, Some(Split::Val)),
        "`t.json` is a table, expected --splits with it where a split is asked for"
    );
    let text = folder.file("x", "a dog\n");
    assert_eq!(
        refused(&text, Some(&splits), None),
        "`x` has no splits, expected no --split and no --splits with it"
    );
    let error = refused(&karpathy, None, Some(Split::Test));
    assert_eq!(error, "`k` holds no test images, expected one or more");
}

#[test]
fn files_without_captions_are_told_by_what_they_are() {
    let refused = |text: &str, parts: &[&str]| {
        let error = read(text).unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    };
    refused(
        "",
        &["`captions`: this seems to be an empty file, expected captions: JSON"],
    );
    refused("<html></html>", &["a web page (HTML)", "plain text"]);
    refused(
        "\u{1f}\u{0}\u{1}",
        &["`captions`: this seems to be data of an unknown kind"],
    );
    refused(
        r#"{"ix_to_word": {}, "images": []}"#,
        &["list of images and words", "COCO's JSON"],
    );
    refused("[1, 2]", &["`captions`: [0]: found 1, expected an object"]);
    let first = "{\"image\": 1, \"caption\": \"a\"}\n";
    for (second, problem) in [
        (
            "{\"image\": 1}",
            "line 2: found no key `caption`, expected one",
        ),
        ("{\"caption\": \"a\"}", "line 2: "),
        (
            "{\"image\": 1, \"caption\": 3}",
            "line 2: caption: found 3, expected text",
        ),
        (
            "{\"image\": 1, \"caption\": \"a\", \"captions\": []}",
            "line 2: found `caption` and `captions`",
        ),
        ("{\"image\": 1, ", "line 2: column "),
    ] {
        refused(&format!("{first}{second}"), &["`captions`: ", problem]);
    }
}

#[test]
fn lines_are_those_of_the_images_in_order() {
    let folder = Folder::new();
    let refs = folder.file("refs", TABLE);
    let references = read_captions(&refs, None, None).unwrap();
    let numbered = |text: &str| {
        let path = folder.file("cands", text);
        let mut file = read_captions(&path, None, None).unwrap();
        let numbered = file.number_lines(&path, (&refs, &references));
        let ids = file
            .captions
            .iter()
            .map(|caption| caption.image_id.to_text());
        numbered
            .map(|()| ids.collect::<Vec<_>>())
            .map_err(|error| folder.shorten(error))
    };
    assert_eq!(numbered("one\ntwo\n").unwrap(), ["b.jpg", "a.jpg"]);
    assert_eq!(
        numbered("img,text\na.jpg,one\nb.jpg,two\n").unwrap_err(),
        "`cands`: found 3 lines of plain text, expected 2: a caption for every image of `refs`, in its order (its \
         first line \"img,text\" is no header such as `image,caption`)"
    );
}
