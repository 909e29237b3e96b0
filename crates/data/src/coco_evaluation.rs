//! What COCO's evaluation compares: references as annotations, candidates as results.
//!
//! | file | layout |
//! |---|---|
//! | references | `{"images": [{"id"}], "annotations": [{"image_id", "caption"}]}` |
//! | candidates | `[{"image_id", "caption"}]` |
//!
//! Other keys are ignored. Ids are whole numbers or strings.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::Place;
use crate::json::Object;
use crate::{DataError, ExampleId, Notice, json};

/// The longest caption that is taken for one, in bytes.
const LONGEST_CAPTION: usize = 1 << 20;

/// The references of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedImage {
    /// The image.
    pub id: ExampleId,
    /// Its file name, if the file gives one.
    pub file_name: Option<String>,
    /// Raw captions; who scores against them checks that there are some ([`check_referenced`], [`pair`]).
    pub captions: Vec<String>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CaptionResult {
    /// The image.
    pub image_id: ExampleId,
    /// The caption.
    pub caption: String,
    /// Where it stands, unless that is a list of results.
    #[serde(skip)]
    pub at: Option<Place>,
}

impl CaptionResult {
    /// Where the image of the result with this index is named.
    pub(crate) fn place(&self, index: usize) -> Place {
        let of_list = || Place::Key(format!("[{index}].image_id"));
        self.at.clone().unwrap_or_else(of_list)
    }
}

#[derive(Deserialize)]
struct Annotations {
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
    #[serde(default, deserialize_with = "json::some_objects")]
    annotations: Option<Vec<CaptionResult>>,
}

impl Object for Annotations {
    const SHAPE: &'static str = r#"{"images": [...], "annotations": [...]}"#;
}

impl Object for Image {
    const SHAPE: &'static str = r#"{"id"}"#;
}

impl Object for CaptionResult {
    const SHAPE: &'static str = r#"{"image_id", "caption"}"#;
}

#[derive(Deserialize)]
struct Image {
    id: ExampleId,
    file_name: Option<String>,
}

/// The references of every image, in the order of `images`.
///
/// # Errors
///
/// The file cannot be read or is malformed, an id is listed twice, an annotation belongs to no image, there is no
/// image or no annotation, or a caption is longer than 1 MiB.
pub fn read_references(path: &Path) -> Result<Vec<ReferencedImage>, DataError> {
    let Annotations {
        images,
        annotations,
    } = json::read_object(path)?;
    let Some(annotations) = annotations.filter(|some| !some.is_empty() || images.is_empty()) else {
        return Err(DataError::NoAnnotations {
            path: path.to_owned(),
        });
    };
    let mut numbers = HashMap::with_capacity(images.len());
    let mut referenced: Vec<ReferencedImage> = Vec::with_capacity(images.len());
    for (index, Image { id, file_name }) in images.into_iter().enumerate() {
        if let Some(first) = numbers.insert(id.clone(), index) {
            return Err(DataError::Duplicate {
                path: path.to_owned(),
                at: Place::Key(format!("images[{index}].id")),
                key: format!("image id {id}"),
                first: format!("images[{first}].id"),
            });
        }
        referenced.push(ReferencedImage {
            id,
            file_name,
            captions: Vec::new(),
        });
    }
    for (
        index,
        CaptionResult {
            image_id, caption, ..
        },
    ) in annotations.into_iter().enumerate()
    {
        check_length(path, || format!("annotations[{index}].caption"), &caption)?;
        let Some(&image) = numbers.get(&image_id) else {
            return Err(DataError::UnlistedImage {
                path: path.to_owned(),
                at: Place::Key(format!("annotations[{index}].image_id")),
                image: image_id.to_string(),
                listing: path.to_owned(),
            });
        };
        referenced[image].captions.push(caption);
    }
    if referenced.is_empty() {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    }
    Ok(referenced)
}

/// Holds every image to having a reference.
///
/// # Errors
///
/// An image has none.
pub fn check_referenced(path: &Path, references: &[ReferencedImage]) -> Result<(), DataError> {
    match references
        .iter()
        .position(|image| image.captions.is_empty())
    {
        None => Ok(()),
        Some(index) => Err(unreferenced(path, index, &references[index])),
    }
}

fn unreferenced(path: &Path, index: usize, image: &ReferencedImage) -> DataError {
    DataError::Value {
        path: path.to_owned(),
        at: Place::Key(format!("images[{index}]")),
        found: format!("no annotation of image {}", image.id),
        expected: "at least one".to_owned(),
    }
}

/// Says so where the same ids are numbers in one file and text in the other.
pub fn ids_of_two_kinds(
    (references_path, references): (&Path, &[ReferencedImage]),
    (results_path, results): (&Path, &[CaptionResult]),
) -> Option<Notice> {
    let listed: HashMap<&ExampleId, &ExampleId> = references
        .iter()
        .map(|image| (&image.id, &image.id))
        .collect();
    results.iter().find_map(|CaptionResult { image_id, .. }| {
        let other = *listed.get(image_id)?;
        let is_of_other_kind = other.is_written_otherwise_than(image_id);
        is_of_other_kind.then(|| Notice::IdsOfTwoKinds {
            path: results_path.to_owned(),
            found: image_id.clone(),
            other_path: references_path.to_owned(),
            other: other.clone(),
        })
    })
}

/// Candidates, as they stand in the file: an image may have several.
///
/// # Errors
///
/// The file cannot be read or is malformed, or a caption is longer than 1 MiB.
pub fn read_results(path: &Path) -> Result<Vec<CaptionResult>, DataError> {
    let results: Vec<CaptionResult> = json::read_objects(path)?;
    for (index, result) in results.iter().enumerate() {
        check_length(path, || format!("[{index}].caption"), &result.caption)?;
    }
    Ok(results)
}

/// The references of an image and the place of its one candidate in the list of results.
pub type Pair<'a> = (&'a ReferencedImage, &'a CaptionResult);

/// Finds the candidate of every image; in the order of `references`.
///
/// With `subset`, images without a candidate are left out.
///
/// # Errors
///
/// A candidate of an image that is not listed, two candidates of one image, an image without a candidate (unless
/// `subset`), no candidate at all, or an image without references among those that are scored.
pub fn pair<'a>(
    (references_path, references): (&Path, &'a [ReferencedImage]),
    (results_path, results): (&Path, &'a [CaptionResult]),
    subset: bool,
) -> Result<Vec<Pair<'a>>, DataError> {
    let places = places(references);
    let mut candidates: Vec<Option<usize>> = vec![None; references.len()];
    for (index, result) in results.iter().enumerate() {
        let image = place_of(result, index, &places, references_path, results_path)?;
        if let Some(first) = candidates[image].replace(index) {
            return Err(DataError::Duplicate {
                path: results_path.to_owned(),
                at: result.place(index),
                key: format!("image id {}", result.image_id),
                first: results[first].place(first).to_string(),
            });
        }
    }
    let missing = candidates.iter().filter(|place| place.is_none()).count();
    let first = references
        .iter()
        .zip(&candidates)
        .find(|(_, p)| p.is_none());
    if let Some((image, _)) = first
        && (!subset || missing == references.len())
    {
        return Err(DataError::NoCandidates {
            path: results_path.to_owned(),
            missing,
            images: references.len(),
            references: references_path.to_owned(),
            first: image.id.to_string(),
        });
    }
    let mut pairs = Vec::with_capacity(results.len());
    for (index, (image, place)) in references.iter().zip(candidates).enumerate() {
        let Some(place) = place else { continue };
        if image.captions.is_empty() {
            return Err(unreferenced(references_path, index, image));
        }
        pairs.push((image, &results[place]));
    }
    Ok(pairs)
}

/// An image with all its candidates.
pub type Group<'a> = (&'a ReferencedImage, Vec<&'a CaptionResult>);

/// The candidates of every image that has some, however many; in the order of `references`.
///
/// # Errors
///
/// A candidate of an image that is not listed, or, without `subset`, an image without candidates.
pub fn group<'a>(
    (references_path, references): (&Path, &'a [ReferencedImage]),
    (results_path, results): (&Path, &'a [CaptionResult]),
    subset: bool,
) -> Result<Vec<Group<'a>>, DataError> {
    let places = places(references);
    let mut groups: Vec<Group<'a>> = references.iter().map(|image| (image, Vec::new())).collect();
    for (index, result) in results.iter().enumerate() {
        let image = place_of(result, index, &places, references_path, results_path)?;
        groups[image].1.push(result);
    }
    let without = |(_, results): &&Group<'_>| results.is_empty();
    let missing = groups.iter().filter(without).count();
    if let Some((first, _)) = groups.iter().find(without)
        && (!subset || missing == groups.len())
    {
        return Err(DataError::NoCandidates {
            path: results_path.to_owned(),
            missing,
            images: groups.len(),
            references: references_path.to_owned(),
            first: first.id.to_string(),
        });
    }
    groups.retain(|(_, results)| !results.is_empty());
    Ok(groups)
}

/// Images by id, and by file name where no other has it.
fn places(references: &[ReferencedImage]) -> HashMap<ExampleId, usize> {
    let mut places = HashMap::with_capacity(2 * references.len());
    let mut names: HashMap<&str, Option<usize>> = HashMap::new();
    for (place, image) in references.iter().enumerate() {
        places.insert(image.id.clone(), place);
        if let Some(name) = &image.file_name {
            let only = names.entry(name).or_insert(Some(place));
            *only = only.filter(|&first| first == place);
        }
    }
    for (name, place) in names {
        if let Some(place) = place {
            places.entry(ExampleId::from(name)).or_insert(place);
        }
    }
    places
}

fn place_of(
    result: &CaptionResult,
    index: usize,
    places: &HashMap<ExampleId, usize>,
    references_path: &Path,
    results_path: &Path,
) -> Result<usize, DataError> {
    let unlisted = || DataError::UnlistedImage {
        path: results_path.to_owned(),
        at: result.place(index),
        image: result.image_id.to_string(),
        listing: references_path.to_owned(),
    };
    places.get(&result.image_id).copied().ok_or_else(unlisted)
}

pub(crate) fn check_length(
    path: &Path,
    place: impl FnOnce() -> String,
    caption: &str,
) -> Result<(), DataError> {
    if caption.len() <= LONGEST_CAPTION {
        return Ok(());
    }
    Err(DataError::Value {
        path: path.to_owned(),
        at: Place::Key(place()),
        found: format!("a caption of {} bytes", caption.len()),
        expected: format!("at most {LONGEST_CAPTION}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    fn refusal(content: &str) -> String {
        let file = file(content);
        let read = read_references(file.path());
        let read = read.and_then(|images| check_referenced(file.path(), &images));
        let error = read.unwrap_err().to_string();
        error.replace(&file.path().display().to_string(), "refs.json")
    }

    #[test]
    fn captions_are_gathered_by_image_when_annotations_are_mixed() {
        let file = file(
            r#"{"info": {}, "images": [{"id": 9, "file_name": "x"}, {"id": "b"}], "annotations": [
                {"image_id": "b", "caption": "B", "id": 1}, {"image_id": 9, "caption": "one"},
                {"image_id": 9, "caption": "two"}]}"#,
        );
        let images = read_references(file.path()).unwrap();
        assert_eq!(images[0].id, ExampleId::Number(9));
        assert_eq!(images[0].captions, ["one", "two"]);
        assert_eq!(images[1].id, ExampleId::Text("b".to_owned()));
        assert_eq!(images[1].captions, ["B"]);
    }

    fn image(id: i64) -> ReferencedImage {
        ReferencedImage {
            id: ExampleId::Number(id),
            file_name: None,
            captions: vec![format!("reference of {id}")],
        }
    }

    fn result(id: i64) -> CaptionResult {
        CaptionResult {
            image_id: ExampleId::Number(id),
            caption: format!("caption of {id}"),
            at: None,
        }
    }

    fn paired(results: &[CaptionResult], subset: bool) -> Result<Vec<String>, String> {
        let references = [image(1), image(2), image(3)];
        let (refs, cands) = (Path::new("refs.json"), Path::new("cands.json"));
        let pairs = pair((refs, &references), (cands, results), subset);
        pairs
            .map(|pairs| pairs.iter().map(|(_, r)| r.caption.clone()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn candidates_are_paired_by_image_whatever_their_order() {
        let all = [result(3), result(1), result(2)];
        let captions = ["caption of 1", "caption of 2", "caption of 3"];
        assert_eq!(paired(&all, false).unwrap(), captions);
        assert_eq!(paired(&all[..2], true).unwrap(), [captions[0], captions[2]]);
    }

    #[test]
    fn errors_name_the_item_when_candidates_are_bad() {
        assert_eq!(
            paired(&[result(1), result(3)], false).unwrap_err(),
            "`cands.json`: no candidate for 1 of 3 images of `refs.json`, the first is image 2"
        );
        assert!(paired(&[], true).unwrap_err().contains("3 of 3 images"));
        assert_eq!(
            paired(&[result(2), result(2)], true).unwrap_err(),
            "`cands.json`: [1].image_id: image id 2 appears twice, first at [0].image_id"
        );
        assert_eq!(
            paired(&[result(9)], true).unwrap_err(),
            "`cands.json`: [0].image_id: image 9 is not listed in `refs.json`"
        );
    }

    #[test]
    fn references_are_needed_of_scored_images_alone_when_a_subset_is_scored() {
        let mut references = [image(1), image(2)];
        references[1].captions.clear();
        let (refs, cands) = (Path::new("refs.json"), Path::new("cands.json"));
        let scored = |results: &[CaptionResult]| {
            let pairs = pair((refs, &references), (cands, results), true);
            pairs
                .map(|pairs| pairs.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(scored(&[result(1)]), Ok(1));
        let message =
            "`refs.json`: images[1]: found no annotation of image 2, expected at least one";
        assert_eq!(scored(&[result(2)]), Err(message.to_owned()));
    }

    #[test]
    fn notice_is_given_when_numbers_meet_text() {
        let references = [image(1), image(2)];
        let mut results = [result(1), result(2)];
        let (refs, cands) = (Path::new("refs.json"), Path::new("cands.json"));
        let notice =
            |results: &[CaptionResult]| ids_of_two_kinds((refs, &references), (cands, results));
        assert_eq!(notice(&results), None);
        results[1].image_id = ExampleId::from("2");
        assert_eq!(
            notice(&results).unwrap().to_string(),
            "image ids: the text \"2\" in `cands.json` is taken for the number 2 of `refs.json`"
        );
        let pairs = pair((refs, &references), (cands, &results), false).unwrap();
        assert_eq!(pairs[1].1.caption, "caption of 2");
    }

    #[test]
    fn candidates_are_grouped_by_image_when_there_are_several() {
        let references = [image(1), image(2)];
        let results = [result(2), result(2)];
        let path = Path::new("x.json");
        let groups = group((path, &references), (path, &results), true).unwrap();
        assert_eq!(groups, [(&references[1], vec![&results[0], &results[1]])]);
        let error = group((path, &references), (path, &results), false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x.json`: no candidate for 1 of 2 images of `x.json`, the first is image 1"
        );
    }

    #[test]
    fn candidates_meet_references_by_file_names_that_are_unique() {
        let named = |id, name: &str| ReferencedImage {
            file_name: Some(name.to_owned()),
            ..image(id)
        };
        let references = [
            named(1, "a.jpg"),
            named(2, "2"),
            named(3, "3"),
            named(4, "a"),
            named(5, "a"),
        ];
        let paired = |name: &str| {
            let results = [CaptionResult {
                image_id: ExampleId::from(name),
                ..result(0)
            }];
            let path = Path::new("x.json");
            let pairs = pair((path, &references), (path, &results), true);
            pairs.ok().map(|pairs| pairs[0].0.id.to_text())
        };
        assert_eq!(paired("a.jpg").as_deref(), Some("1"));
        assert_eq!(paired("3").as_deref(), Some("3"));
        assert_eq!(paired("a"), None);
    }

    #[test]
    fn errors_name_the_item_when_references_are_bad() {
        assert_eq!(
            refusal(
                r#"{"images": [{"id": 1}, {"id": "1"}], "annotations": [{"image_id": 1, "caption": "a"}]}"#
            ),
            "`refs.json`: images[1].id: image id `1` appears twice, first at images[0].id"
        );
        assert_eq!(
            refusal(r#"{"images": [{"id": 1}], "annotations": [{"image_id": 2, "caption": "a"}]}"#),
            "`refs.json`: annotations[0].image_id: image 2 is not listed in `refs.json`"
        );
        assert_eq!(
            refusal(
                r#"{"images": [{"id": 1}, {"id": "b"}], "annotations": [{"image_id": 1, "caption": "a"}]}"#
            ),
            "`refs.json`: images[1]: found no annotation of image `b`, expected at least one"
        );
        assert_eq!(
            refusal(r#"{"images": [], "annotations": []}"#),
            "`refs.json` holds no images"
        );
        assert_eq!(
            refusal(
                r#"{"images": [{"id": 1}], "annotations": [{"image_id": 1.5, "caption": "a"}]}"#
            ),
            "`refs.json`: annotations[0].image_id: found 1.5, expected a whole number or text"
        );
        assert!(refusal(r#"{"images": [{"id": 1}"#).contains("the file ends"));
        assert_eq!(
            refusal(r#"[{"image_id": 1, "caption": "a"}]"#),
            "`refs.json`: found a list, expected an object {\"images\": [...], \"annotations\": [...]}"
        );
        for no_annotations in [
            r#"{"images": [{"id": 1}]}"#,
            r#"{"images": [{"id": 1}], "annotations": []}"#,
        ] {
            assert!(refusal(no_annotations).contains("lists images without captions"));
        }
        let long = "a".repeat(LONGEST_CAPTION + 1);
        assert_eq!(
            refusal(&format!(
                r#"{{"images": [{{"id": 1}}], "annotations": [{{"image_id": 1, "caption": "{long}"}}]}}"#
            )),
            "`refs.json`: annotations[0].caption: found a caption of 1048577 bytes, expected at most 1048576"
        );
    }
}
