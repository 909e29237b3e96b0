//! Images of data, found by the names that people give them.

use std::{collections::BTreeSet, path::Path};

use scst_data::{ExampleId, ListedImage};

use crate::failure::Failure;

/// Names that a message proposes for one that is not there.
const PROPOSED: usize = 3;

/// The indices of the images that `names` name, in the order of the names, each once; all of them if there are no names.
///
/// A name is a file name, an id, a path, the end of one, or a file name without its ending: of these the first that is
/// an image's. `place` says where is looked, and `elsewhere` where else an image of such a name is.
///
/// # Errors
/// A [`Failure::Mistake`] when a name is no image's, or that of several.
pub(super) fn selected(
    images: &[ListedImage],
    names: &[String],
    place: &str,
    elsewhere: impl Fn(&str) -> Option<String>,
) -> Result<Vec<usize>, Failure> {
    if names.is_empty() {
        return Ok((0..images.len()).collect());
    }
    let mut taken = BTreeSet::new();
    let mut selected = Vec::with_capacity(names.len());
    for name in names {
        let found = found(images, name);
        let index = match found.as_slice() {
            [index] => *index,
            [] => return Err(unknown(images, name, place, elsewhere(name))),
            [one, other, ..] => {
                return Err(Failure::Mistake(format!(
                    "--image `{name}`: {place} holds {} of that name, such as `{}` and `{}`",
                    found.len(),
                    images[*one].file_name,
                    images[*other].file_name
                )));
            }
        };
        if taken.insert(index) {
            selected.push(index);
        }
    }
    Ok(selected)
}

/// Whether one of the images is called so.
pub(super) fn is_among(images: &[ListedImage], name: &str) -> bool {
    !found(images, name).is_empty()
}

fn found(images: &[ListedImage], name: &str) -> Vec<usize> {
    let last = Path::new(name).file_name().and_then(|name| name.to_str());
    let by_name = |image: &ListedImage| image.file_name == name;
    let by_id = |image: &ListedImage| image.id.as_ref().is_some_and(|id| id.to_text() == name);
    let by_end = |image: &ListedImage| {
        let ends = |longer: &str, shorter: &str| {
            let before = longer.strip_suffix(shorter);
            before.is_some_and(|before| before.ends_with('/'))
        };
        ends(name, &image.file_name) || ends(&image.file_name, name)
    };
    let by_stem = |image: &ListedImage| {
        let stem = Path::new(&image.file_name).file_stem();
        stem.is_some() && (stem == Some(name.as_ref()) || stem == last.map(AsRef::as_ref))
    };
    let ways: [&dyn Fn(&ListedImage) -> bool; 4] = [&by_name, &by_id, &by_end, &by_stem];
    let of_way = |way: &&dyn Fn(&ListedImage) -> bool| -> Vec<usize> {
        let numbered = images.iter().enumerate();
        numbered
            .filter(|(_, image)| way(image))
            .map(|(k, _)| k)
            .collect()
    };
    let mut found = ways.iter().map(of_way);
    found.find(|found| !found.is_empty()).unwrap_or_default()
}

fn unknown(images: &[ListedImage], name: &str, place: &str, elsewhere: Option<String>) -> Failure {
    if let Some(elsewhere) = elsewhere {
        return Failure::Mistake(format!(
            "--image `{name}`: {place} does not hold it, it is in {elsewhere}"
        ));
    }
    let names = images.iter().flat_map(|image| {
        let id = image.id.as_ref().map(ExampleId::to_text);
        std::iter::once(image.file_name.clone()).chain(id)
    });
    let mut near: Vec<(usize, String)> = names
        .map(|known| (strsim::levenshtein(name, &known), known))
        .collect();
    near.sort();
    near.dedup();
    let near = near.into_iter().take(PROPOSED);
    let near: Vec<String> = near.map(|(_, known)| format!("`{known}`")).collect();
    Failure::Mistake(format!(
        "--image `{name}`: {place} holds no such image; the nearest names are {}",
        near.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Vec<ListedImage> {
        let image = |(name, id): (&str, i64)| ListedImage {
            file_name: name.to_owned(),
            id: Some(ExampleId::Number(id)),
        };
        [
            ("dog.jpg", 1),
            ("cat.jpg", 2),
            ("a/bird.jpg", 3),
            ("b/bird.jpg", 4),
        ]
        .map(image)
        .to_vec()
    }

    fn of(names: &[&str]) -> Result<Vec<usize>, String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let elsewhere = |name: &str| (name == "fox.jpg").then(|| "the split `val`".to_owned());
        selected(&images(), &names, "the split `test`", elsewhere)
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn images_are_found_by_name_id_path_and_stem() {
        assert_eq!(of(&[]), Ok(vec![0, 1, 2, 3]));
        assert_eq!(of(&["cat.jpg", "1", "cat"]), Ok(vec![1, 0]));
        assert_eq!(
            of(&["photos/dog.jpg", "b/bird.jpg", "x/a/bird.jpg"]),
            Ok(vec![0, 3, 2])
        );
        assert_eq!(of(&["photos/dog"]), Ok(vec![0]));
        assert!(of(&["photos/dog.png"]).is_err());
    }

    #[test]
    fn names_that_are_none_or_several_are_refused_with_what_there_is() {
        let message = of(&["dug.jpg"]).expect_err("no such image");
        assert!(
            message.contains("`dug.jpg`") && message.contains("are `dog.jpg`"),
            "{message}"
        );
        let message = of(&["bird.jpg"]).expect_err("two images");
        assert!(
            message.contains("2 of that name, such as `a/bird.jpg` and `b/bird.jpg`"),
            "{message}"
        );
        let message = of(&["fox.jpg"]).expect_err("elsewhere");
        assert!(message.ends_with("it is in the split `val`"), "{message}");
    }
}
