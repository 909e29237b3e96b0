//! Lists of images without captions, such as `image_info_test2014.json` of COCO.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Place, quoted};
use crate::{DataError, ExampleId, json};

/// An image of which a list says no more than name and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedImage {
    /// The file name without folders, unique.
    pub file_name: String,
    /// The id that the list gives, unique.
    pub id: Option<ExampleId>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
}

/// As in COCO (`file_name`, `id`) or in Karpathy's splits (`filename`, `cocoid`).
#[derive(Deserialize)]
struct Image {
    #[serde(alias = "filename")]
    file_name: String,
    #[serde(alias = "cocoid")]
    id: Option<ExampleId>,
}

impl json::Object for Document {
    const SHAPE: &'static str = r#"{"images": [...]}"#;
}

impl json::Object for Image {
    const SHAPE: &'static str = r#"{"id", "file_name"}"#;
}

/// Reads the images of a JSON file `{"images": [{"id", "file_name"}]}`; other keys, captions too, are ignored.
///
/// # Errors
///
/// The file cannot be read or is malformed, lists no image, or lists a name or an id twice.
pub fn read_image_list(path: &Path) -> Result<Vec<ListedImage>, DataError> {
    let document: Document = json::read_object(path)?;
    if document.images.is_empty() {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    }
    let mut names = HashMap::with_capacity(document.images.len());
    let mut ids = HashMap::with_capacity(document.images.len());
    let mut listed = Vec::with_capacity(document.images.len());
    for (index, image) in document.images.into_iter().enumerate() {
        let file_name = image.file_name;
        let id = image.id;
        let twice = |key: String, first: usize| DataError::Duplicate {
            path: path.to_owned(),
            at: Place::Key(format!("images[{index}]")),
            key,
            first: format!("images[{first}]"),
        };
        if file_name.is_empty() {
            return Err(DataError::Value {
                path: path.to_owned(),
                at: Place::Key(format!("images[{index}]")),
                found: "an empty file name".to_owned(),
                expected: "the name of an image".to_owned(),
            });
        }
        if let Some(first) = names.insert(file_name.clone(), index) {
            return Err(twice(format!("file name {}", quoted(&file_name)), first));
        }
        if let Some(id) = &id
            && let Some(first) = ids.insert(id.clone(), index)
        {
            return Err(twice(format!("image id {id}"), first));
        }
        listed.push(ListedImage { file_name, id });
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Folder;

    fn read(json: &str) -> Result<Vec<(String, String)>, String> {
        let folder = Folder::new();
        let path = folder.file("info.json", json);
        let images = read_image_list(&path).map_err(|error| folder.shorten(error))?;
        let id = |image: &ListedImage| image.id.as_ref().map_or(String::new(), ExampleId::to_text);
        Ok(images
            .iter()
            .map(|image| (image.file_name.clone(), id(image)))
            .collect())
    }

    fn pairs(pairs: [(&str, &str); 2]) -> Vec<(String, String)> {
        pairs
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .into()
    }

    #[test]
    fn images_are_listed_when_the_file_has_no_captions() {
        let coco = r#"{"images": [{"id": 1, "file_name": "a.jpg", "license": 3}, {"id": "x", "file_name": "b.jpg"}],
            "categories": [], "info": {}}"#;
        assert_eq!(read(coco).unwrap(), pairs([("a.jpg", "1"), ("b.jpg", "x")]));
        let karpathy = r#"{"images": [{"imgid": 0, "cocoid": 9, "filename": "a.jpg", "sentences": []},
            {"imgid": 1, "filename": "b.jpg"}]}"#;
        assert_eq!(
            read(karpathy).unwrap(),
            pairs([("a.jpg", "9"), ("b.jpg", "")])
        );
        let flickr = karpathy.replace("\"cocoid\": 9, ", "");
        assert_eq!(
            read(&flickr).unwrap(),
            pairs([("a.jpg", ""), ("b.jpg", "")])
        );
    }

    #[test]
    fn error_names_the_image_when_the_list_is_bad() {
        for (images, expected) in [
            (
                r#"{"id": 1, "file_name": "a.jpg"}, {"id": "1", "file_name": "b.jpg"}"#,
                "`info.json`: images[1]: image id `1` appears twice, first at images[0]",
            ),
            (
                r#"{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "a.jpg"}"#,
                "`info.json`: images[1]: file name \"a.jpg\" appears twice, first at images[0]",
            ),
            (
                r#"{"file_name": ""}"#,
                "`info.json`: images[0]: found an empty file name, expected the name of an image",
            ),
            ("", "`info.json` holds no images"),
        ] {
            let message = read(&format!(r#"{{"images": [{images}]}}"#)).unwrap_err();
            assert_eq!(message, expected);
        }
    }
}
