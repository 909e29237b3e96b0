//! What a case is, and the configuration that it stands for.

use std::{collections::BTreeSet, path::Path};

use scst_trainer::{
    Config,
    config::{Override, ValidConfig, explain},
};
use toml::{Table, Value};

use crate::rewards::registry;

/// Sizes are no multiples of a vector unit's width, so that the ends of loops count too.
const MODELS: [(&str, &str); 12] = [
    ("fc", "fc = { hidden = 20, embedding = 12, dropout = 0.2 }"),
    (
        "fc_maxout_linear",
        "fc = { hidden = 20, embedding = 12, dropout = 0.2, candidate = \"maxout\", word_input = \"linear\" }",
    ),
    (
        "show_tell",
        "show_tell = { hidden = 20, embedding = 12, dropout = 0.2 }",
    ),
    (
        "markov",
        "markov = { hidden = 20, positions = 10, shortlist = 14, rank = 6, dropout = 0.2 }",
    ),
    (
        "att2in",
        "att2in = { hidden = 20, embedding = 12, attention_size = 18, dropout = 0.2 }",
    ),
    (
        "att2in_linear",
        "att2in = { hidden = 20, embedding = 12, attention_size = 18, dropout = 0.2, inputs = \"linear\" }",
    ),
    (
        "att2all",
        "att2all = { hidden = 20, embedding = 12, attention_size = 18, dropout = 0.2 }",
    ),
    (
        "show_attend_tell",
        "show_attend_tell = { hidden = 20, embedding = 12, attention_size = 18, dropout = 0.2 }",
    ),
    (
        "show_attend_tell_hard",
        "show_attend_tell = { attention = \"hard\", hidden = 20, embedding = 12, attention_size = 18, dropout = 0.2 }",
    ),
    (
        "up_down",
        "up_down = { hidden = 20, embedding = 12, attention_size = 18, dropout = 0.2 }",
    ),
    (
        "transformer",
        "transformer = { hidden = 20, layers = 2, heads = 2, feed_forward = 36, dropout = 0.2 }",
    ),
    // Of the same kind as `fc`, and of other weights.
    (
        "fc_wide",
        "fc = { hidden = 28, embedding = 12, dropout = 0.1 }",
    ),
];

/// Data of configurations that read images.
const IMAGES: &str = r#"
data.captions.kaggle = { captions = "HERE/captions.csv", splits = "HERE/splits.csv" }
data.features.npy = { path = "FEATURES" }
data.standardise = true
"#;

/// Data of configurations that read texts: a caption of a scene, whose targets are its other captions.
const TEXTS: &str = r#"
data.text.pairs.splits = { train = "HERE/train.tsv", val = "HERE/val.tsv" }
data.text.source = "words"
"#;

/// All configurations begin so.
const HEAD: &str = r"
seed = 5
log_every_steps = 1
checkpoints.keep = 100
data.minimum_count = 3
data.max_length = 10
validation.samples = 0
validation.sources_per_batch = 7
";

/// The stages of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stages {
    /// Cross-entropy and self-critical training from random weights, 20 steps of each.
    Both,
    /// A few steps of gold words, from trained weights.
    Xe,
    /// A few steps of self-critical training, from trained weights.
    Scst,
    /// What trained weights come from; no case.
    Training,
}

impl Stages {
    fn toml(self) -> &'static str {
        match self {
            Self::Both => {
                r#"
[[stages]]
name = "xe"
steps = 20
validate_every_steps = 20
sources_per_batch = 6
learning_rate = 2e-2
xe = { targets_per_source = 3 }

[[stages]]
name = "scst"
steps = 20
validate_every_steps = 20
sources_per_batch = 6
learning_rate = 5e-3
scst = { samples_per_source = 3 }
"#
            }
            Self::Xe => {
                r#"
[[stages]]
name = "xe"
steps = 5
sources_per_batch = 6
learning_rate = 5e-3
start_from.checkpoint = "TRAINED"
xe = { targets_per_source = 3 }
"#
            }
            Self::Scst => {
                r#"
[[stages]]
name = "scst"
steps = 5
sources_per_batch = 6
learning_rate = 5e-3
start_from.checkpoint = "TRAINED"
scst = { samples_per_source = 3 }
"#
            }
            Self::Training => {
                r#"
[[stages]]
name = "xe"
steps = 60
sources_per_batch = 8
learning_rate = 2e-2
dropout = 0
xe = { targets_per_source = 5 }
"#
            }
        }
    }
}

/// A run whose numbers are recorded.
#[derive(Clone)]
pub(crate) struct Case {
    /// The name of its file.
    pub(crate) name: String,
    /// The captioner, by a name of [`MODELS`].
    pub(crate) model: &'static str,
    /// The encoder of texts; none where images are read.
    pub(crate) encoder: Option<&'static str>,
    pub(crate) stages: Stages,
    /// Keys of the first stage, or of the whole configuration, and what they are set to. `trained:MODEL` is a path.
    pub(crate) set: Vec<&'static str>,
}

impl Case {
    /// A case named after its captioner and `variant`.
    pub(crate) fn new(
        variant: &str,
        model: &'static str,
        stages: Stages,
        set: &[&'static str],
    ) -> Self {
        let name = match (stages, variant) {
            (Stages::Both | Stages::Training, "") => model.to_owned(),
            (Stages::Both | Stages::Training, _) => format!("{model}-{variant}"),
            (Stages::Xe, _) => format!("xe-{model}-{variant}"),
            (Stages::Scst, _) => format!("scst-{model}-{variant}"),
        };
        Self {
            name,
            model,
            encoder: None,
            stages,
            set: set.to_vec(),
        }
    }

    /// The same, reading texts through an encoder.
    pub(crate) fn of_texts(self, encoder: &'static str) -> Self {
        Self {
            encoder: Some(encoder),
            ..self
        }
    }

    /// Captioners whose trained weights it begins with or learns from.
    pub(crate) fn needs(&self) -> Vec<&'static str> {
        let begins = matches!(self.stages, Stages::Xe | Stages::Scst).then_some(self.model);
        let names = MODELS.iter().map(|(name, _)| *name);
        let asks = |name: &&str| {
            let path = format!("\"trained:{name}\"");
            self.set.iter().any(|set| set.contains(&path))
        };
        names.filter(asks).chain(begins).collect()
    }

    /// `trained`: the run directory of a captioner's trained weights.
    pub(crate) fn config(&self, here: &Path, trained: impl Fn(&str) -> String) -> ValidConfig {
        let model = MODELS.iter().find(|(name, _)| *name == self.model);
        let (_, model) = model.expect("a known captioner");
        let data = match self.encoder {
            Some(encoder) => format!("{TEXTS}encoder.{encoder}\n"),
            None => IMAGES.to_owned(),
        };
        let stages = self.stages.toml();
        let text = format!("{HEAD}{data}model.{model}\n{stages}");
        let reads_vectors = ["fc", "show_tell", "markov"];
        let features = reads_vectors.iter().any(|name| model.starts_with(name));
        let scenes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");
        let features = format!(
            "{scenes}/{}",
            if features {
                "pooled.npy"
            } else {
                "regions.npy"
            }
        );
        let text = text
            .replace("HERE", &here.display().to_string())
            .replace("FEATURES", &features)
            .replace("TRAINED", &trained(self.model));
        let with_paths = |set: &str| {
            MODELS.iter().fold(whole_key(set), |set, (name, _)| {
                set.replace(
                    &format!("\"trained:{name}\""),
                    &format!("{:?}", trained(name)),
                )
            })
        };
        let set = self.set.iter().map(|set| Override::parse(&with_paths(set)));
        let set = set.collect::<Result<_, _>>().expect("overrides");
        let config = Config::parse(&text, Path::new("trace.toml"), set, &registry().captioners);
        config.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// Keys are those of the first stage, unless they begin with another section.
fn whole_key(set: &str) -> String {
    let sections = [
        "data.",
        "model.",
        "precision",
        "validation.",
        "stages.",
        "checkpoints.",
    ];
    if sections.iter().any(|section| set.starts_with(section)) {
        set.to_owned()
    } else {
        format!("stages.0.{set}")
    }
}

/// What other programs and crates are needed for, or what changes no number.
const EXCEPTIONS: [&str; 9] = [
    "model.custom",
    "stages.N.epochs",
    "stages.N.patience",
    "stages.N.scst.objective.custom",
    "validation.decoder.search.custom",
    "stages.N.scst.rewards.N.meteor",
    "stages.N.scst.rewards.N.command",
    "stages.N.start_from",
    "validation.decoder.seed",
];

/// Keys of stages and decoders that no case sets, and choices that none makes.
pub(crate) fn options_without_a_case(cases: impl Iterator<Item = Case>) -> Vec<String> {
    let mut used = BTreeSet::new();
    for case in cases {
        let (_, model) = MODELS
            .iter()
            .find(|(name, _)| *name == case.model)
            .expect("known");
        let text = format!("model.{model}\n{}", case.stages.toml());
        let mut tables = vec![toml::from_str::<Table>(&text).expect("TOML")];
        tables.extend(case.set.iter().map(|set| {
            let whole = whole_key(set)
                .replace("stages.0.", "stages.N.")
                .replace("stages.1.", "stages.N.");
            let (key, value) = whole.split_once('=').expect("a key and a value");
            let as_string = format!("{key} = {value:?}");
            toml::from_str(&whole)
                .or_else(|_| toml::from_str(&as_string))
                .expect("TOML")
        }));
        for table in tables {
            add(&Value::Table(table), "", &mut used);
        }
    }
    let keys = explain(None).expect("all keys");
    let mut missing = Vec::new();
    for key in keys {
        let is_held = ["stages.N.", "validation.decoder."]
            .iter()
            .any(|section| key.path.starts_with(section));
        let is_exception = EXCEPTIONS.iter().any(|path| key.path.starts_with(path));
        // What a reward can be told is held by the tests of rewards.
        let of_reward = key.path.strip_prefix("stages.N.scst.rewards.N.");
        let is_of_one = of_reward.is_some_and(|rest| rest.contains('.'));
        if (key.path != "model" && !is_held) || is_exception || is_of_one {
            continue;
        }
        if !used.contains(&key.path) {
            missing.push(key.path.clone());
        }
        for (choice, _) in &key.choices {
            let as_value = format!("{} = {choice}", key.path);
            let as_table = format!("{}.{choice}", key.path);
            let is_default = key.default.as_deref() == Some(&format!("{choice:?}"));
            let is_exception = EXCEPTIONS.iter().any(|path| as_table.starts_with(path));
            if !(used.contains(&as_value) || used.contains(&as_table) || is_default || is_exception)
            {
                missing.push(as_value);
            }
        }
    }
    missing
}

/// Adds all paths of a value, and its strings.
fn add(value: &Value, path: &str, used: &mut BTreeSet<String>) {
    used.insert(path.to_owned());
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                add(value, &below(name), used);
            }
        }
        Value::Array(values) => {
            for value in values {
                add(value, &below("N"), used);
            }
        }
        Value::String(text) => {
            used.insert(format!("{path} = {text}"));
        }
        _ => {}
    }
}
