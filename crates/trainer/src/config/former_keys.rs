//! Keys by the names that they had before, which files and overrides may go on using.

use toml::{Table, Value};

use super::problem::Problem;

/// Where a key is, `*` for every element of a list; what it was called; what it is called.
const FORMER: [(&[&str], &str, &str); 5] = [
    (&["validation"], "images", "sources"),
    (&["validation"], "images_per_batch", "sources_per_batch"),
    (&["stages", "*"], "images_per_batch", "sources_per_batch"),
    (
        &["stages", "*", "xe"],
        "captions_per_image",
        "targets_per_source",
    ),
    (
        &["stages", "*", "scst"],
        "samples_per_image",
        "samples_per_source",
    ),
];

/// A key that was given by its former name: dotted paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FormerKey {
    /// As it is called.
    pub(super) key: String,
    /// As it was given.
    pub(super) given: String,
}

/// Gives all keys their names of today.
///
/// # Errors
/// Keys that are there by both names.
pub(super) fn rename(table: &mut Table) -> Result<Vec<FormerKey>, Vec<Problem>> {
    let mut whole = Value::Table(std::mem::take(table));
    let (mut renamed, mut twice) = (Vec::new(), Vec::new());
    for (place, former, name) in FORMER {
        visit(&mut whole, place, &mut Vec::new(), &mut |keys, path| {
            let Some(value) = keys.remove(former) else {
                return;
            };
            let below = |key: &str| {
                let path = path.iter().map(String::as_str).chain([key]);
                path.collect::<Vec<_>>().join(".")
            };
            if keys.contains_key(name) {
                let message =
                    format!("found `{former}` beside it, its former name, expected one of the two");
                twice.push(Problem::new(below(name), message));
            } else {
                keys.insert(name.to_owned(), value);
                renamed.push(FormerKey {
                    key: below(name),
                    given: below(former),
                });
            }
        });
    }
    if let Value::Table(changed) = whole {
        *table = changed;
    }
    if twice.is_empty() {
        Ok(renamed)
    } else {
        Err(twice)
    }
}

/// Calls `change` on every table at a place.
fn visit(
    at: &mut Value,
    place: &[&str],
    path: &mut Vec<String>,
    change: &mut dyn FnMut(&mut Table, &[String]),
) {
    match (place, at) {
        ([], Value::Table(keys)) => change(keys, path),
        (["*", rest @ ..], Value::Array(list)) => {
            for (k, value) in list.iter_mut().enumerate() {
                path.push(k.to_string());
                visit(value, rest, path, change);
                path.pop();
            }
        }
        ([key, rest @ ..], Value::Table(keys)) => {
            if let Some(value) = keys.get_mut(*key) {
                path.push((*key).to_owned());
                visit(value, rest, path, change);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The path of a key by the name that it was given by.
pub(super) fn as_given(former: &[FormerKey], key: String) -> String {
    let former = former.iter().find(|former| former.key == key);
    former.map_or(key, |former| former.given.clone())
}

/// The path of a key by its name of today.
pub(super) fn current(path: &[String]) -> Vec<String> {
    let mut current = path.to_vec();
    for (place, former, name) in FORMER {
        let Some(key) = current.get_mut(place.len()) else {
            continue;
        };
        let fits = |(&of, given): (&&str, &String)| of == "*" || of == given;
        if key == former && place.iter().zip(path).all(fits) {
            name.clone_into(key);
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
[validation]
images = 3
images_per_batch = 4
[[stages]]
xe = { captions_per_image = 2 }
[[stages]]
images_per_batch = 5
scst = { samples_per_image = 6 }
";
    const TODAY: &str = "
[validation]
sources = 3
sources_per_batch = 4
[[stages]]
xe = { targets_per_source = 2 }
[[stages]]
sources_per_batch = 5
scst = { samples_per_source = 6 }
";

    fn table(text: &str) -> Table {
        toml::from_str(text).unwrap()
    }

    fn path(dotted: &str) -> Vec<String> {
        dotted.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn keys_have_their_names_of_today_when_renamed() {
        let mut read = table(FILE);
        let renamed = rename(&mut read).unwrap();
        assert_eq!(read, table(TODAY));
        assert_eq!(renamed.len(), FORMER.len());
        for FormerKey { key, given } in renamed {
            assert_eq!(current(&path(&given)), path(&key));
        }
        assert_eq!(rename(&mut read), Ok(Vec::new()));
    }

    #[test]
    fn keys_of_other_places_are_left_alone() {
        for key in ["images", "stages.0.images", "model.fc.images_per_batch"] {
            assert_eq!(current(&path(key)), path(key));
        }
        let mut other = table("images = 1\n[model.fc]\nimages_per_batch = 2");
        assert_eq!(rename(&mut other), Ok(Vec::new()));
    }

    #[test]
    fn both_names_at_once_are_a_problem() {
        let mut both = table("[[stages]]\nimages_per_batch = 1\nsources_per_batch = 2");
        let problems = rename(&mut both).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "key `stages.0.sources_per_batch`: found `images_per_batch` beside it, its former name, expected one of the two"
        );
    }
}
