//! Which layout a JSON file of images has, by its keys.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json_layout::JsonLayout;
use crate::{DataError, json};

#[derive(Deserialize)]
struct Keys {
    images: Option<FirstKeys>,
    annotations: Option<FirstKeys>,
    ix_to_word: Option<IgnoredAny>,
}

impl json::Object for Keys {
    const SHAPE: &'static str = r#"{"images": [...]}"#;
}

/// The keys of the first object of a list; the others are passed over.
#[derive(Default)]
struct FirstKeys {
    is_empty: bool,
    keys: BTreeSet<String>,
}

impl<'de> Deserialize<'de> for FirstKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = FirstKeys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FirstKeys, A::Error> {
                let first: Option<ObjectKeys> = items.next_element()?;
                let is_empty = first.is_none();
                while items.next_element::<IgnoredAny>()?.is_some() {}
                let keys = first.map(|ObjectKeys(keys)| keys).unwrap_or_default();
                Ok(FirstKeys { is_empty, keys })
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

/// The keys of an object.
struct ObjectKeys(BTreeSet<String>);

impl<'de> Deserialize<'de> for ObjectKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = ObjectKeys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ObjectKeys, A::Error> {
                let mut keys = BTreeSet::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.insert(key);
                }
                Ok(ObjectKeys(keys))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Tells the layout of a JSON file.
///
/// # Errors
///
/// The file cannot be read, is not JSON, or is no object with lists of objects.
pub fn json_layout(path: &Path) -> Result<JsonLayout, DataError> {
    let keys: Keys = json::read_object(path)?;
    if keys.ix_to_word.is_some() {
        return Ok(JsonLayout::SelfCritical);
    }
    if keys
        .annotations
        .is_some_and(|annotations| !annotations.is_empty)
    {
        return Ok(JsonLayout::Coco);
    }
    let images = keys.images.unwrap_or_default().keys;
    let has = |key: &str| images.contains(key);
    Ok(if has("sentences") || has("filename") {
        JsonLayout::Karpathy
    } else if has("id") || has("file_name") {
        JsonLayout::ImageList
    } else {
        JsonLayout::Other
    })
}

/// The error of a reader of `expected`, or a better one where the file has another layout.
pub(super) fn or_other_layout(error: DataError, expected: JsonLayout) -> DataError {
    let DataError::Json { path, .. } = &error else {
        return error;
    };
    let path = path.clone();
    match (json_layout(&path), expected) {
        (Ok(JsonLayout::ImageList), _) => DataError::NoAnnotations { path },
        (Ok(found), expected) if found != expected && found != JsonLayout::Other => {
            DataError::OtherLayout {
                path,
                found,
                expected,
            }
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Folder;

    #[test]
    fn layout_is_told_by_its_keys() {
        let folder = Folder::new();
        for (json, layout) in [
            (
                r#"{"images": [{"filename": "a", "sentences": []}, 3]}"#,
                JsonLayout::Karpathy,
            ),
            (
                r#"{"images": [{"id": 1}], "annotations": [{"caption": ""}]}"#,
                JsonLayout::Coco,
            ),
            (
                r#"{"images": [{"id": 1}], "annotations": []}"#,
                JsonLayout::ImageList,
            ),
            (
                r#"{"images": [{"id": 1, "file_name": "a.jpg"}], "info": {}}"#,
                JsonLayout::ImageList,
            ),
            (
                r#"{"ix_to_word": {}, "images": [{"id": 1}]}"#,
                JsonLayout::SelfCritical,
            ),
            (r#"{"images": []}"#, JsonLayout::Other),
            ("{}", JsonLayout::Other),
        ] {
            let path = folder.file("x.json", json);
            assert_eq!(json_layout(&path).unwrap(), layout, "{json}");
        }
        let path = folder.file("x.json", "[]");
        let error = json_layout(&path).unwrap_err();
        assert_eq!(
            folder.shorten(error),
            "`x.json`: found a list, expected an object {\"images\": [...]}"
        );
    }
}
