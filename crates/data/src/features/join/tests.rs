//! Names that fit, that do not, and that fit in two ways.

use std::path::Path;

use super::*;
use crate::error::Place;

fn names(names: &[&str]) -> Names {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    Names::new(Path::new("n.txt"), names, |row| Place::Line(row as u64 + 1)).unwrap()
}

/// Images by folder, file name and id; empty where there is none.
fn located(rows_of: &[&str], images: &[(&str, &str, &str)]) -> Result<Vec<u32>, String> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let images: Vec<_> = images
        .iter()
        .map(|&(folder, file_name, id)| ImageNames {
            file_name,
            folder: Some(folder).filter(|folder| !folder.is_empty()),
            id: given(id),
        })
        .collect();
    rows(&names(rows_of), &images)
        .map(|rows| rows.into_iter().map(|row| row.0).collect())
        .map_err(|error| {
            assert!(error.is_mistake());
            error.to_string()
        })
}

#[test]
fn rows_are_found_when_names_are_paths_file_names_stems_or_ids() {
    let images = [("f", "b.jpg", "7"), ("f", "a.jpg", "12")];
    for given in [
        ["f/a.jpg", "f/b.jpg"],
        ["a.jpg", "b.jpg"],
        ["a", "b"],
        ["12", "7"],
    ] {
        assert_eq!(located(&given, &images), Ok(vec![1, 0]));
    }
    let coco = [("val2014", "COCO_val2014_000000391895.jpg", "391895")];
    assert_eq!(located(&["391894", "391895"], &coco), Ok(vec![1]));
}

#[test]
fn rows_are_found_when_one_path_is_the_end_of_the_other() {
    let images = [("val", "a.jpg", ""), ("train", "a.jpg", "")];
    let of_folders = ["photos/train/a.jpg", "photos/val/a.jpg"];
    assert_eq!(located(&of_folders, &images), Ok(vec![1, 0]));
    // Captions with a path, with and without features in folders.
    let images = [("", "val2014/a.jpg", ""), ("", "val2014/b.jpg", "")];
    for rows_of in [
        ["b.jpg", "a.jpg"],
        ["val2014/b.jpg", "val2014/a.jpg"],
        ["coco/val2014/b.jpg", "coco/val2014/a.jpg"],
    ] {
        assert_eq!(located(&rows_of, &images), Ok(vec![1, 0]), "{rows_of:?}");
    }
    let images = [("", "a.jpg", ""), ("", "b.jpg", "")];
    assert_eq!(located(&["y/b.jpg", "x/a.jpg"], &images), Ok(vec![1, 0]));
    // Which of two folders is meant is not guessed.
    let error = located(&["y/b.jpg", "x/a.jpg", "y/a.jpg"], &images).unwrap_err();
    assert!(
        error.contains("no features for 1 of 2 images: \"a.jpg\""),
        "{error}"
    );
    assert_eq!(
        located(&["b.jpg", "a.jpg", "y/a.jpg"], &images),
        Ok(vec![1, 0])
    );
}

#[test]
fn rows_are_refused_when_only_a_number_that_nobody_gave_would_fit() {
    let images = [
        ("", "001.jpg", ""),
        ("", "002.jpg", ""),
        ("", "003.jpg", ""),
    ];
    assert_eq!(
        located(&["0", "1", "2", "3"], &images).unwrap_err(),
        "`n.txt`: no features for 3 of 3 images: \"001.jpg\", \"002.jpg\", \"003.jpg\"; found rows of no image: \
         \"0\", \"1\", \"2\" and 1 more; expected rows named by the file names of the images, with or without \
         ending (these images have no ids)"
    );
    assert_eq!(
        located(&["003", "002", "001", "000"], &images),
        Ok(vec![2, 1, 0])
    );
}

#[test]
fn names_are_compared_as_text_when_capitals_zeros_or_folders_differ() {
    for (row, image) in [
        ("a.JPG", ("", "a.jpg", "")),
        ("A", ("", "a.jpg", "")),
        ("001", ("", "x.jpg", "1")),
        ("1", ("", "x.jpg", "001")),
        ("train/a.jpg", ("val", "a.jpg", "5")),
        ("ba.jpg", ("", "a.jpg", "5")),
        ("a.png", ("", "a.jpg", "5")),
        ("1.0", ("", "x.jpg", "1")),
    ] {
        assert!(located(&[row], &[image]).is_err(), "{row} {image:?}");
    }
    // The same letters, composed and decomposed, are told apart in the message.
    let error = located(&["cafe\u{301}.jpg"], &[("", "caf\u{e9}.jpg", "")]).unwrap_err();
    assert!(
        error.contains("\"café.jpg\"") && error.contains("\"cafe\\u{301}.jpg\""),
        "{error}"
    );
}

#[test]
fn kinds_of_names_do_not_mix_when_an_id_looks_like_a_stem() {
    // "5.jpg" has no features; its id 1 must not give it those of "1.jpg".
    let error = located(&["1", "2"], &[("", "1.jpg", "9"), ("", "5.jpg", "1")]);
    assert_eq!(
        error.unwrap_err(),
        "`n.txt`: no features for 1 of 2 images: \"5.jpg\" (id 1); found rows of no image: \"2\"; expected rows \
         named by the file names of the images, with or without ending, or by their ids"
    );
}

#[test]
fn rows_are_refused_when_stems_and_ids_give_others() {
    let images = [("", "2.jpg", "3"), ("", "3.jpg", "4"), ("", "4.jpg", "2")];
    assert_eq!(
        located(&["1", "2", "3", "4"], &images).unwrap_err(),
        "`n.txt`: found names that fit in two ways: \"2.jpg\" (id 3) has row \"2\" by its file name without ending \
         and row \"3\" by its id, \"3.jpg\" (id 4) has row \"3\" by its file name without ending and row \"4\" by \
         its id, \"4.jpg\" (id 2) has row \"4\" by its file name without ending and row \"2\" by its id; expected \
         rows named by the file names of the images"
    );
    // A name and its stem are both there.
    assert!(located(&["a.jpg", "a"], &[("", "a.jpg", "")]).is_err());
    // Both ways give the same rows.
    let same = [("", "2.jpg", "2"), ("", "1.jpg", "1")];
    assert_eq!(located(&["1", "2"], &same), Ok(vec![1, 0]));
    // Ids do not find all.
    let images = [("", "2.jpg", "3"), ("", "3.jpg", "9")];
    assert_eq!(located(&["3", "2"], &images), Ok(vec![1, 0]));
}

#[test]
fn rows_are_refused_when_two_images_would_have_one() {
    let images = [("", "a.jpg", ""), ("", "b.jpg", ""), ("", "a.png", "")];
    assert_eq!(
        located(&["a", "b"], &images).unwrap_err(),
        "`n.txt`: found a row for two images: \"a\" is that of \"a.jpg\" and \"a.png\"; expected rows named by the \
         file names of the images"
    );
    assert_eq!(
        located(&["a", "b.jpg", "a.png", "a.jpg"], &images),
        Ok(vec![3, 1, 2])
    );
}

#[test]
fn message_says_so_when_every_row_is_taken() {
    let images = [("", "a.jpg", ""), ("", "b.jpg", "")];
    let error = located(&["a"], &images).unwrap_err();
    assert!(
        error.contains(
            "no features for 1 of 2 images: \"b.jpg\"; every row is that of another image"
        ),
        "{error}"
    );
    assert_eq!(located(&["a"], &[]), Ok(vec![]));
}
