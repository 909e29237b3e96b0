//! Every key of a configuration with its kind, range, default and meaning.

use super::{
    error::ConfigError,
    example::toml,
    guess::nearest,
    root::root,
    shape::{Key, Shape, Variant},
};

/// What stands for the number of a list's element in a path.
const ANY: &str = "N";

/// A key of a configuration, as it is explained to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// Its path, `N` for the number of a list's element: `stages.N.epochs`.
    pub path: String,
    /// What it holds, with its range: `whole number, 1 to 1000`.
    pub kind: String,
    /// Its default as TOML; none if it may be absent, or has to be given.
    pub default: Option<String>,
    /// The default in stages of self-critical training, where it is another one.
    pub default_of_scst: Option<String>,
    /// Whether it has to be given.
    pub is_required: bool,
    /// What it means.
    pub meaning: String,
    /// The names that it may have or hold, and what they mean.
    pub choices: Vec<(String, String)>,
    /// Whether it is a table, whose keys follow it.
    pub is_table: bool,
}

/// The keys that `key` names, with all keys below them: a path, the end of one, or the name of a value; all keys without it.
/// They come in the order in which a configuration is written.
///
/// Numbers in paths count for nothing: `stages.0.scst` and `stages.scst` are `stages.N.scst`.
///
/// # Errors
/// [`ConfigError::UnknownKey`].
pub fn explain(key: Option<&str>) -> Result<Vec<KeyDescription>, ConfigError> {
    let mut all = every_key();
    let Some(key) = key else { return Ok(all) };
    let asked = segments(key);
    let named: Vec<Vec<String>> = all
        .iter()
        .map(|entry| segments(&entry.path))
        .filter(|path| path.ends_with(&asked))
        .collect();
    if !asked.is_empty() && !named.is_empty() {
        all.retain(|entry| {
            let path = segments(&entry.path);
            named.iter().any(|named| path.starts_with(named))
        });
        return Ok(all);
    }
    let has_choice = |entry: &KeyDescription| entry.choices.iter().any(|(name, _)| name == key);
    if all.iter().any(has_choice) {
        all.retain(has_choice);
        return Ok(all);
    }
    let last = asked.last().map_or(key, String::as_str);
    let names = all.iter().filter_map(|entry| entry.path.rsplit('.').next());
    Err(ConfigError::UnknownKey {
        key: key.to_owned(),
        near: nearest(last, names).map(str::to_owned),
    })
}

/// Paths of the keys that have this name, or are likely meant by it.
pub fn keys_like(name: &str) -> Vec<String> {
    let exact = places(&name.replace('-', "_"));
    if !exact.is_empty() {
        return exact;
    }
    let all = every_key();
    let names = all.iter().filter_map(|entry| entry.path.rsplit('.').next());
    nearest(name, names).map(places).unwrap_or_default()
}

/// Paths of the keys of this name, by the alphabet.
pub(super) fn places(name: &str) -> Vec<String> {
    let paths = every_key().into_iter().map(|entry| entry.path);
    let of_name = paths.filter(|path| path.rsplit('.').next() == Some(name));
    let mut paths: Vec<String> = of_name.collect();
    paths.sort();
    paths
}

/// The parts of a path, without numbers of elements.
fn segments(path: &str) -> Vec<String> {
    let parts = path.split('.').map(|part| part.trim().replace('-', "_"));
    parts
        .filter(|part| part != ANY && part.parse::<usize>().is_err() && !part.is_empty())
        .collect()
}

fn every_key() -> Vec<KeyDescription> {
    let mut all = Vec::new();
    below(root(), "", &mut all);
    all
}

/// Adds what lies below a path.
fn below(shape: &Shape, path: &str, all: &mut Vec<KeyDescription>) {
    match shape {
        Shape::Table(table) => {
            // Values first, as a file has them; then tables.
            let (values, tables): (Vec<_>, Vec<_>) =
                table.keys.iter().partition(|key| !is_table(&key.shape));
            for key in values.into_iter().chain(tables) {
                let path = joined(path, &key.name);
                all.push(of_key(key, &path));
                below(&key.shape, &path, all);
            }
        }
        Shape::List(element) => below(element, &joined(path, ANY), all),
        Shape::Choice(variants) => {
            for variant in variants {
                if let Some(shape) = &variant.shape {
                    let path = joined(path, &variant.name);
                    all.push(of_variant(variant, shape, &path));
                    below(shape, &path, all);
                }
            }
        }
        Shape::Flag | Shape::Whole(_) | Shape::Number(_) | Shape::Text | Shape::Free => {}
    }
}

fn of_key(key: &Key, path: &str) -> KeyDescription {
    KeyDescription {
        path: path.to_owned(),
        kind: kind(&key.shape),
        default: key.default.as_ref().map(toml),
        default_of_scst: key.default_of_scst.as_ref().map(toml),
        is_required: key.is_required,
        meaning: key.meaning.clone(),
        choices: choices(&key.shape),
        is_table: is_table(&key.shape),
    }
}

fn of_variant(variant: &Variant, shape: &Shape, path: &str) -> KeyDescription {
    KeyDescription {
        path: path.to_owned(),
        kind: kind(shape),
        default: None,
        default_of_scst: None,
        is_required: false,
        meaning: variant.meaning.clone(),
        choices: choices(shape),
        is_table: is_table(shape),
    }
}

fn is_table(shape: &Shape) -> bool {
    match shape {
        Shape::Table(_) => true,
        Shape::List(element) => is_table(element),
        Shape::Choice(variants) => variants.iter().all(|variant| variant.shape.is_some()),
        _ => false,
    }
}

fn choices(shape: &Shape) -> Vec<(String, String)> {
    let Shape::Choice(variants) = shape else {
        return Vec::new();
    };
    let choice = |variant: &Variant| (variant.name.clone(), variant.meaning.clone());
    variants.iter().map(choice).collect()
}

fn kind(shape: &Shape) -> String {
    let with = |what: &str, range: String| {
        if range.is_empty() {
            what.to_owned()
        } else {
            format!("{what}, {range}")
        }
    };
    match shape {
        Shape::Flag => "true or false".to_owned(),
        Shape::Whole(range) => with("whole number", range.in_words()),
        Shape::Number(range) => with("number", range.in_words()),
        Shape::Text => "text".to_owned(),
        Shape::List(element) if is_table(element) => "list of tables".to_owned(),
        Shape::List(element) => format!("list of {}", kind(element)),
        Shape::Table(_) | Shape::Free => "table".to_owned(),
        Shape::Choice(variants) => {
            let tables = variants
                .iter()
                .filter(|variant| variant.shape.is_some())
                .count();
            match tables {
                0 => "one of these names",
                _ if tables == variants.len() => "table of one of these",
                _ => "one of these: a name, or a table",
            }
            .to_owned()
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(key: &str) -> Vec<String> {
        let found = explain(Some(key)).unwrap();
        found.into_iter().map(|entry| entry.path).collect()
    }

    #[test]
    fn keys_are_found_by_path_table_and_last_name() {
        let baseline = ["stages.N.scst.baseline"];
        for key in [
            "stages.0.scst.baseline",
            "stages.scst.baseline",
            "baseline",
            "leave_one_out",
        ] {
            assert_eq!(paths(key), baseline, "{key}");
        }
        let keys = ["hidden", "embedding", "candidate", "word_input", "dropout"];
        let mut fc = vec!["model.fc".to_owned()];
        fc.extend(keys.map(|key| format!("model.fc.{key}")));
        assert_eq!(paths("model.fc"), fc);
        let seeds = [
            "seed",
            "data.text.pairs.file.seed",
            "validation.decoder.seed",
        ];
        assert_eq!(paths("seed"), seeds);
        let problem = explain(Some("baselin")).unwrap_err().to_string();
        assert_eq!(
            problem,
            "no key is named `baselin` (did you mean `baseline`?)"
        );
    }

    #[test]
    fn every_key_says_what_it_means() {
        for entry in explain(None).unwrap() {
            assert!(!entry.meaning.is_empty(), "{}", entry.path);
            assert!(!entry.kind.is_empty(), "{}", entry.path);
            assert!(
                entry.choices.iter().all(|(_, meaning)| !meaning.is_empty()),
                "{}",
                entry.path
            );
        }
    }

    #[test]
    fn names_of_other_programs_lead_to_keys() {
        assert_eq!(keys_like("lr"), ["stages.N.learning_rate"]);
        assert_eq!(
            keys_like("batch-size"),
            ["stages.N.sources_per_batch", "validation.sources_per_batch"]
        );
        assert_eq!(keys_like("beam"), ["validation.decoder.search.beam"]);
        assert!(keys_like("zebra").is_empty());
    }
}
