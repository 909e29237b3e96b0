//! Which files hold pairs of texts, and what their tokens are, as configurations say it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vocabulary::Tokens;

/// Source texts with their targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextSource {
    /// The files.
    pub pairs: PairSource,
    /// What a token of a source is.
    #[schemars(extend("examples" = ["characters"]))]
    pub source: Tokens,
    /// What a token of a target is; without it, sources and targets have one vocabulary, made of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["given"]))]
    pub target: Option<Tokens>,
    /// Longest source in tokens; what is longer is cut.
    #[serde(default = "longest")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_source_length: usize,
}

fn longest() -> usize {
    256
}

/// Where pairs of texts come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PairSource {
    /// A file for each split: a table or JSON Lines.
    Splits(SplitSource),
    /// One file for all splits: a table or JSON Lines.
    File(FileSource),
    /// Parallel files for each split: line by line, one file of sources and one or more of targets.
    Parallel(ParallelSource),
}

/// A table or JSON Lines for each split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("examples" = [serde_json::json!({ "train": "train.tsv", "val": "val.tsv" })]))]
pub struct SplitSource {
    /// Pairs for training.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["train.tsv"]))]
    pub train: Option<PathBuf>,
    /// Pairs for validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["val.tsv"]))]
    pub val: Option<PathBuf>,
    /// Pairs for the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["test.tsv"]))]
    pub test: Option<PathBuf>,
}

/// One file, whose column or key `split` says train, val or test, or which is shared out by a seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// A table or JSON Lines.
    #[schemars(extend("examples" = ["pairs.tsv"]))]
    pub path: PathBuf,
    /// Shares of train, val and test, as fractions or as numbers of sources; without them, the file says the split of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["0.8,0.1,0.1"]))]
    pub shares: Option<String>,
    /// Which of the possible ways of sharing out is taken.
    #[serde(default)]
    pub seed: u64,
}

/// Parallel files for each split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("examples" = [serde_json::json!({ "train": { "source": "train.en", "targets": ["train.es"] } })]))]
pub struct ParallelSource {
    /// Texts for training.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [serde_json::json!({ "source": "train.en", "targets": ["train.es"] })]))]
    pub train: Option<ParallelFiles>,
    /// Texts for validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [serde_json::json!({ "source": "val.en", "targets": ["val.es"] })]))]
    pub val: Option<ParallelFiles>,
    /// Texts for the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [serde_json::json!({ "source": "test.en", "targets": ["test.es"] })]))]
    pub test: Option<ParallelFiles>,
}

/// Files of which the same lines belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelFiles {
    /// A source a line.
    #[schemars(extend("examples" = ["train.en"]))]
    pub source: PathBuf,
    /// A target a line, in one or more files.
    #[schemars(extend("examples" = [["train.es"]]))]
    pub targets: Vec<PathBuf>,
}

impl TextSource {
    /// All paths with their keys below `data.text`.
    pub fn paths_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut paths = self.pairs.paths_mut();
        let tokens = [
            ("source", Some(&mut self.source)),
            ("target", self.target.as_mut()),
        ];
        for (key, tokens) in tokens {
            if let Some(Tokens::File(path)) = tokens {
                paths.push((format!("{key}.file"), path));
            }
        }
        paths
    }

    /// Keys below `data.text` with values that make no sense, and what was found and expected.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = self.pairs.problems();
        let tokens = [
            ("source", Some(&self.source)),
            ("target", self.target.as_ref()),
        ];
        for (key, tokens) in tokens {
            if let Some((size, problem)) = tokens.and_then(Tokens::problem) {
                problems.push((format!("{key}.{size}"), problem));
            }
        }
        if !(1..=100_000).contains(&self.max_source_length) {
            let problem = format!("found {}, expected 1 to 100000", self.max_source_length);
            problems.push(("max_source_length".to_owned(), problem));
        }
        problems
    }
}

impl PairSource {
    /// All paths with their keys below `data.text`.
    fn paths_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        match self {
            Self::Splits(files) => [
                ("train", &mut files.train),
                ("val", &mut files.val),
                ("test", &mut files.test),
            ]
            .into_iter()
            .filter_map(|(split, path)| Some((format!("pairs.splits.{split}"), path.as_mut()?)))
            .collect(),
            Self::File(file) => vec![("pairs.file.path".to_owned(), &mut file.path)],
            Self::Parallel(files) => {
                let mut paths = Vec::new();
                let of_splits = [
                    ("train", &mut files.train),
                    ("val", &mut files.val),
                    ("test", &mut files.test),
                ];
                for (split, files) in of_splits {
                    let Some(files) = files else { continue };
                    let key = format!("pairs.parallel.{split}");
                    paths.push((format!("{key}.source"), &mut files.source));
                    let targets = (0..).zip(&mut files.targets);
                    paths.extend(targets.map(|(at, path)| (format!("{key}.targets.{at}"), path)));
                }
                paths
            }
        }
    }

    fn problems(&self) -> Vec<(String, String)> {
        const FILES: &str = "found no file, expected at least one of `train`, `val` and `test`";
        let mut problems = Vec::new();
        match self {
            Self::Splits(files) => {
                if [&files.train, &files.val, &files.test]
                    .iter()
                    .all(|path| path.is_none())
                {
                    problems.push(("pairs.splits".to_owned(), FILES.to_owned()));
                }
            }
            Self::File(file) => {
                let shares = file
                    .shares
                    .as_ref()
                    .map(|shares| shares.parse::<crate::splitting::Shares>());
                if let Some(Err(problem)) = shares {
                    problems.push(("pairs.file.shares".to_owned(), problem.to_string()));
                }
            }
            Self::Parallel(files) => {
                let of_splits = [
                    ("train", &files.train),
                    ("val", &files.val),
                    ("test", &files.test),
                ];
                if of_splits.iter().all(|(_, files)| files.is_none()) {
                    problems.push(("pairs.parallel".to_owned(), FILES.to_owned()));
                }
                for (split, files) in of_splits {
                    if files.as_ref().is_some_and(|files| files.targets.is_empty()) {
                        let key = format!("pairs.parallel.{split}.targets");
                        problems.push((key, "found no file, expected one or more".to_owned()));
                    }
                }
            }
        }
        problems
    }
}
