//! Shares that go, and shares that do not.

use super::*;
use crate::captions::{CaptionSource, KaggleSource};
use crate::samples::Folder;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|k| format!("image{k}.jpg")).collect()
}

fn counts(shares: &str, sources: usize) -> Result<[usize; 3], String> {
    let shares: Shares = shares
        .parse()
        .map_err(|error: SplitError| error.to_string())?;
    let table = SplitTable::draw(names(sources), &shares, 1).map_err(|error| error.to_string())?;
    Ok(Split::ALL.map(|split| table.count(split)))
}

#[test]
fn sources_are_shared_out_by_fractions_and_counts() {
    for (shares, sources, expected) in [
        ("0.8,0.1,0.1", 8000, [6400, 800, 800]),
        ("0.8, 0.1, 0.1", 8091, [6473, 809, 809]),
        ("0.8,0.2", 10, [8, 2, 0]),
        ("0.34,0.33,0.33", 3, [1, 1, 1]),
        ("0.7,0.2,0.1", 10, [7, 2, 1]),
        ("6,3,1", 10, [6, 3, 1]),
        ("6,4", 10, [6, 4, 0]),
    ] {
        assert_eq!(
            counts(shares, sources),
            Ok(expected),
            "{shares} of {sources}"
        );
    }
}

#[test]
fn shares_that_make_no_sense_are_refused() {
    for (shares, sources, problem) in [
        ("", 10, "found ``, expected shares of train, val and test"),
        ("0.8", 10, "expected shares of"),
        ("a,b,c", 10, "expected shares of"),
        ("0.5,0.5,0.5,0.5", 10, "expected shares of"),
        ("-0.5,1.5", 10, "expected shares of"),
        ("nan,0.5,0.5", 10, "expected shares of"),
        ("0.8,0.1,0.2", 10, "add up to 1.1, expected 1"),
        ("0.0,0.5,0.5", 10, "found a share of 0 for `train`"),
        ("1,0,0", 10, "found a share of 0 for `val`"),
        ("8,0,2", 10, "found a share of 0 for `val`"),
        (
            "8,1,2",
            10,
            "found counts that add up to 11, expected 10, the number of sources",
        ),
        ("80,10,10", 8000, "add up to 100, expected 8000"),
        (
            "0.9,0.05,0.05",
            2,
            "found 2 sources, too few for one in `val`",
        ),
    ] {
        let error = counts(shares, sources).unwrap_err();
        assert!(error.contains(problem), "{shares}: {error}");
    }
}

#[test]
fn splits_depend_on_names_and_seed_and_not_on_order() {
    let shares: Shares = "0.6,0.2,0.2".parse().unwrap();
    let draw = |names, seed| SplitTable::draw(names, &shares, seed).unwrap();
    let forward = draw(names(50), 1);
    let mut twice = names(50);
    twice.reverse();
    twice.extend(names(20));
    assert_eq!(draw(twice, 1), forward);
    assert_ne!(draw(names(50), 2), forward);
    // Printed by this function with rand 0.10.3 and rand_chacha 0.10.0.
    assert_eq!(draw(names(5), 1).to_string(), GOLDEN);
}

const GOLDEN: &str = "image,split\nimage0.jpg,test\nimage1.jpg,train\nimage2.jpg,val\nimage3.jpg,train\nimage4.jpg,train\n";

#[test]
fn training_reads_the_table_whatever_the_names() {
    let folder = Folder::new();
    let captions = folder.file(
        "captions",
        "image,caption\n\"a, b.jpg\",a dog\nc.jpg,a cat\n\"d \"\"e\"\".jpg\",a cow\nc.jpg,one cat\n",
    );
    let names = read_image_names(&captions).unwrap();
    assert_eq!(names, ["a, b.jpg", "c.jpg", "d \"e\".jpg"]);
    let table = SplitTable::draw(names, &"1,1,1".parse().unwrap_or(Shares::Counts([1; 3])), 4);
    let splits = folder.file("splits", table.unwrap().to_string());
    let source = CaptionSource::Kaggle(KaggleSource { captions, splits });
    let read = source.read(None).unwrap();
    let mut found: Vec<Split> = read.images.iter().map(|image| image.split).collect();
    found.sort_unstable_by_key(|split| split.name());
    assert_eq!(found, [Split::Test, Split::Train, Split::Val]);
}

#[test]
fn names_are_read_from_lists_too() {
    let folder = Folder::new();
    let list = folder.file("list", "b.jpg\n\n a.jpg \nc/d.jpg\n");
    assert_eq!(
        read_image_names(&list).unwrap(),
        ["b.jpg", "a.jpg", "c/d.jpg"]
    );
    let refused = |text: &str, problem: &str| {
        let path = folder.file("x", text);
        let error = folder.shorten(read_image_names(&path).unwrap_err());
        assert!(error.contains(problem), "{error}");
    };
    refused(
        "img,caption\na.jpg,a dog\n",
        "line 1: found header \"img,caption\", expected `image,caption`",
    );
    refused("{\"images\": []}", "`x` is JSON, expected a table");
    refused("image,caption\n", "`x` holds no images");
}
