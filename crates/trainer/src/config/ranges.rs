//! The ranges that are documented, held against those that are checked: every number just inside and outside of them.

use std::path::Path;

use scst_model::CaptionerRegistry;

use super::{
    Config, ConfigError, Override,
    example::of_variant,
    root::root,
    shape::{Range, Shape},
};

/// A stage of every kind, for tests that set one value over it.
pub(super) const TWO_STAGES: &str = r#"
[data]
captions.karpathy = { path = "c.json" }
features.npy = { path = "f.npy" }
[model.att2in]
[[stages]]
epochs = 1
xe = {}
[[stages]]
name = "scst"
epochs = 1
[stages.scst]
[[stages.scst.rewards]]
cider_d = {}
"#;
/// Keys whose ends of the range other keys forbid: what is said of them speaks of these.
const HELD_BY_OTHERS: [&str; 15] = [
    "max_length", // words a step
    "sources_per_batch",
    "targets_per_source",
    "samples_per_source",
    "minimum_length",     // at most the longest caption
    "samples",            // of a sampling search
    "groups",             // divide the width
    "heads",              // divide the units
    "positions",          // the longest caption
    "kl_weight",          // a stored start
    "position_weight",    // another captioner
    "sources_per_update", // divide the batch
    "parts",              // at most the batch
    "minimum",            // at most the maximum
    "maximum",
];
/// The sizes of captioners, which are too large together.
const SIZES: &str = "parameters";

/// Texts, of which each key is then set.
const TEXT: &str = r#"data.text={pairs={file={path="pairs.tsv"}},source="words",target="words"}"#;

/// A number in the configuration, and what has to be set before it is there.
struct Place {
    path: String,
    before: Vec<String>,
    range: Range,
    is_whole: bool,
}

fn places(shape: &Shape, path: &str, before: &[String], all: &mut Vec<Place>) {
    match shape {
        Shape::Whole(range) | Shape::Number(range) => all.push(Place {
            path: path.to_owned(),
            before: before.to_vec(),
            range: range.clone(),
            is_whole: matches!(shape, Shape::Whole(_)),
        }),
        Shape::Table(table) => {
            for key in &table.keys {
                let below = if path.is_empty() {
                    key.name.clone()
                } else {
                    format!("{path}.{}", key.name)
                };
                // The objectives have stages of their own.
                let is_other = matches!(below.as_str(), "stages.0.scst" | "stages.1.xe");
                let mut before = before.to_vec();
                if below == "data.text" {
                    before.push(TEXT.to_owned());
                }
                if !is_other {
                    places(&key.shape, &below, &before, all);
                }
            }
        }
        Shape::List(element) if path == "stages" => {
            places(element, "stages.0", before, all);
            if let Some(scst) = element.below("scst") {
                places(scst, "stages.1.scst", before, all);
            }
        }
        Shape::List(element) => {
            let is_table = matches!(**element, Shape::Table(_));
            if is_table {
                places(element, &format!("{path}.0"), before, all);
            }
        }
        Shape::Choice(variants) => {
            for variant in variants {
                if let Some(shape) = &variant.shape {
                    let mut before = before.to_vec();
                    before.push(format!("{path}={}", of_variant(variant)));
                    places(shape, &format!("{path}.{}", variant.name), &before, all);
                }
            }
        }
        Shape::Flag | Shape::Text | Shape::Free => {}
    }
}

impl Place {
    /// What is said of the key when it has this value, if that is a mistake.
    fn said(&self, value: &str) -> Option<String> {
        let last = format!("{}={value}", self.path);
        let sets = self.before.iter().chain([&last]);
        let sets: Vec<Override> = sets.map(|set| Override::parse(set).unwrap()).collect();
        let parsed = Config::parse(
            TWO_STAGES,
            Path::new("c.toml"),
            sets,
            &CaptionerRegistry::default(),
        );
        let Err(ConfigError::Problems { complaints, .. }) = parsed else {
            assert!(parsed.is_ok(), "{last}: {parsed:?}");
            return None;
        };
        let name = self.path.rsplit('.').next().unwrap_or_default();
        let of_key = |text: &String| {
            let ends = [
                format!("{name}`: found"),
                format!(".{name}: found"),
                format!(": {name}: found"),
            ];
            ends.iter().any(|end| text.contains(end))
        };
        let mut problems = complaints
            .iter()
            .map(|complaint| complaint.problem().to_string());
        problems.find(of_key)
    }

    /// Numbers outside of the range, and the ends of it.
    fn numbers(&self) -> (Vec<String>, Vec<String>) {
        let Range {
            least,
            most,
            above,
            below,
        } = self.range;
        let (mut outside, mut inside) = (Vec::new(), Vec::new());
        let shown = |number: f64| {
            if self.is_whole {
                format!("{number:.0}")
            } else {
                format!("{number:e}")
            }
        };
        let step = |number: f64| {
            if self.is_whole {
                1.0
            } else {
                1e-9_f64.max(number.abs() * 1e-9)
            }
        };
        match (least, above) {
            (Some(least), _) => {
                outside.push(shown(least - step(least)));
                inside.push(shown(least));
            }
            (None, Some(above)) => {
                outside.push(shown(above));
                inside.push(shown(above + step(above)));
            }
            (None, None) => inside.push(shown(-1e300)),
        }
        match (most, below) {
            // The largest whole number of TOML.
            (Some(most), _) if most == i64::MAX as f64 => inside.push(i64::MAX.to_string()),
            (Some(most), _) => {
                outside.push(shown(most + step(most)));
                inside.push(shown(most));
            }
            (None, Some(below)) => {
                outside.push(shown(below));
                inside.push(shown(below - step(below)));
            }
            (None, None) if self.is_whole => inside.push(i64::MAX.to_string()),
            (None, None) => inside.push(shown(1e300)),
        }
        if !self.is_whole {
            outside.extend(["inf", "nan"].map(str::to_owned));
        }
        (outside, inside)
    }
}

#[test]
fn documented_ranges_are_those_that_are_checked() {
    let mut all = Vec::new();
    places(root(), "", &[], &mut all);
    assert!(all.len() > 90, "{}", all.len());
    let mut wrong = Vec::new();
    for place in &all {
        let name = place.path.rsplit('.').next().unwrap_or_default();
        let (outside, inside) = place.numbers();
        for value in outside {
            if place.said(&value).is_none() {
                wrong.push(format!(
                    "{} = {value} is taken, outside of {:?}",
                    place.path, place.range
                ));
            }
        }
        for value in inside {
            let said = place.said(&value).filter(|said| !said.contains(SIZES));
            if let Some(said) = said.filter(|_| !HELD_BY_OTHERS.contains(&name)) {
                wrong.push(format!(
                    "{} = {value} is refused, inside of {:?}: {said}",
                    place.path, place.range
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
