//! References in the simplest layout, by the name of their image: `{"x.jpg": ["a dog runs", [4, 7, 0]]}`.
//!
//! A caption is text or a list of token ids. Names may be ids, as text.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::Place;
use crate::{DataError, json};

/// The references of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedImage {
    /// The image's name or id.
    pub name: String,
    /// One or more captions.
    pub captions: Vec<GivenCaption>,
}

/// A caption as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenCaption {
    /// A raw caption.
    Text(String),
    /// Token ids.
    Ids(Vec<u32>),
}

/// The references of every image, in the order of the file.
///
/// # Errors
///
/// The file cannot be read or has another form, an image is listed twice, has no caption, or there is no image.
pub fn read_references_by_image(path: &Path) -> Result<Vec<NamedImage>, DataError> {
    let Images(images) = json::read(path)?;
    let mut seen = std::collections::HashSet::new();
    for image in &images {
        let value = |found: &str, expected: &str| DataError::Value {
            path: path.to_owned(),
            at: Place::Key(image.name.clone()),
            found: found.to_owned(),
            expected: expected.to_owned(),
        };
        if !seen.insert(&image.name) {
            return Err(value("the image twice", "each once"));
        }
        if image.captions.is_empty() {
            return Err(value("no caption", "one or more"));
        }
    }
    if images.is_empty() {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    }
    Ok(images)
}

struct Images(Vec<NamedImage>);

impl<'de> Deserialize<'de> for Images {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Images;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"an object {"x.jpg": ["a dog runs", [4, 7, 0]]}"#)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Images, A::Error> {
                let mut images = Vec::new();
                while let Some((name, captions)) = map.next_entry()? {
                    images.push(NamedImage { name, captions });
                }
                Ok(Images(images))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for GivenCaption {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Caption;
        impl<'de> Visitor<'de> for Caption {
            type Value = GivenCaption;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a caption or a list of token ids")
            }

            fn visit_str<E>(self, text: &str) -> Result<GivenCaption, E> {
                Ok(GivenCaption::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<GivenCaption, A::Error> {
                let mut ids = Vec::new();
                while let Some(id) = items.next_element()? {
                    ids.push(id);
                }
                Ok(GivenCaption::Ids(ids))
            }
        }
        deserializer.deserialize_any(Caption)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<NamedImage>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        read_references_by_image(file.path()).map_err(|error| {
            let message = error.to_string();
            message.replace(&file.path().display().to_string(), "refs.json")
        })
    }

    #[test]
    fn text_and_ids_are_told_apart_in_the_order_of_the_file() {
        let images = read(r#"{"b.jpg": ["a dog", [4, 7, 0]], "7": [[]]}"#).unwrap();
        assert_eq!(images[0].name, "b.jpg");
        assert_eq!(
            images[0].captions,
            [
                GivenCaption::Text("a dog".to_owned()),
                GivenCaption::Ids(vec![4, 7, 0])
            ]
        );
        assert_eq!(images[1].name, "7");
        assert_eq!(images[1].captions, [GivenCaption::Ids(vec![])]);
    }

    #[test]
    fn problems_name_the_image_when_references_are_bad() {
        for (content, expected) in [
            ("{}", "no images"),
            (r#"{"a": []}"#, "a: found no caption, expected one or more"),
            (
                r#"{"a": ["b"], "a": ["c"]}"#,
                "a: found the image twice, expected each once",
            ),
            (r#"{"a": [3]}"#, "expected a caption or a list of token ids"),
            (r#"{"a": [[-1]]}"#, "a[0][0]"),
            (r#"{"a": "b"}"#, "expected a list"),
        ] {
            let message = read(content).unwrap_err();
            assert!(message.contains(expected), "{content}: {message}");
            assert!(message.contains("refs.json"), "{message}");
        }
    }
}
