//! The position of a run: with the seed, all that its future depends on beside weights, moments
//! and data.

use std::{collections::BTreeMap, path::Path};

use scst_loss::MovingAverage;
use scst_reward::CorpusScores;
use serde::{Deserialize, Serialize};

use crate::{
    decode::{collapse::Collapse, evaluate::report::score_values},
    objective::sequence::{Replay, baseline::BaselineState},
    run::window::Window,
};

/// The position of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Index of the current stage.
    pub(crate) stage: usize,
    /// Steps of the current stage that are done: also the state of every random generator.
    pub(crate) step: u64,
    /// Steps of the run that are done.
    pub(crate) global_step: u64,
    /// Whether the step before is still to be followed by a validation, which was interrupted.
    #[serde(default)]
    pub(crate) validation_due: bool,
    /// The validation of the weights that the current stage began with, unless they were random.
    #[serde(default)]
    pub(crate) start: Option<Best>,
    /// The last validation of the current stage.
    #[serde(default)]
    pub(crate) last_validation: Option<LastValidation>,
    /// What was said of the captions of the current stage.
    #[serde(default)]
    pub(crate) collapsed: Vec<Collapse>,
    /// Training metrics since the last record of them.
    #[serde(default)]
    pub(crate) window: Window,
    /// Fingerprints of the checkpoints of other runs that this one uses, by path.
    #[serde(default)]
    pub(crate) foreign: BTreeMap<String, String>,
    /// Whether the current stage has ended.
    pub(crate) stage_ended: bool,
    /// Best validation of the current stage.
    pub(crate) stage_best: Option<Best>,
    /// Validations of the current stage since its best.
    pub(crate) since_best: u64,
    /// Best validation of the run.
    pub(crate) best: Option<Best>,
    /// What the baseline of the current stage has learnt, if the stage has one.
    pub(crate) baseline: Option<BaselineState>,
    /// The best samples of the current stage, if it trains on them again.
    #[serde(default)]
    pub(crate) replay: Replay,
    /// Moving average that the choice of regions is compared with in the current stage.
    pub(crate) location_baseline: Option<MovingAverage>,
    /// Fingerprint of the document frequencies of the current stage's rewards, or of the references where no reward
    /// has these.
    pub(crate) document_frequency: Option<String>,
    /// Time spent in the current stage, in training, validation and writing.
    pub(crate) stage_secs: f64,
    /// Signature of the validation scores.
    pub(crate) signature: String,
    /// Stages that are done.
    pub(crate) summaries: Vec<StageSummary>,
}

impl Progress {
    /// A checkpoint of another run has moved; it still has to be the same.
    pub(crate) fn rename_foreign(&mut self, was: &Path, now: &Path) {
        let key = |path: &Path| path.to_string_lossy().into_owned();
        if let Some(fingerprint) = self.foreign.get(&key(was)).cloned() {
            self.foreign.entry(key(now)).or_insert(fingerprint);
        }
    }

    /// The best validations so far.
    pub(crate) fn best_so_far(&self) -> BestSoFar<'_> {
        BestSoFar {
            stage: self.stage_best.as_ref(),
            run: self.best.as_ref(),
        }
    }
}

/// The best validations so far, in the validation metric of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BestSoFar<'a> {
    /// Of the stage, after a step of it.
    pub stage: Option<&'a Best>,
    /// Of the run, what stages began with included: what `best/` holds.
    pub run: Option<&'a Best>,
}

/// The last validation of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastValidation {
    /// Step of the run.
    pub(crate) step: u64,
    /// Its scores.
    pub(crate) scores: CorpusScores,
    /// How many validations in a row, this one included, had exactly these scores.
    pub(crate) alike: u64,
    /// All of it.
    #[serde(default)]
    pub(crate) validation: Option<Best>,
}

/// A validation: the best so far, or another one that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Name of the stage.
    pub stage: String,
    /// Step of the run.
    pub step: u64,
    /// Value of the validation metric.
    pub metric: f64,
    /// BLEU-1..4, ROUGE-L, CIDEr-D.
    #[serde(flatten)]
    pub scores: CorpusScores,
    /// How many different captions there were.
    pub distinct_captions: usize,
    /// Mean length in words.
    pub mean_length: f64,
    /// Share of captions that reached the maximum length without ending.
    #[serde(default)]
    pub cut_off_share: f64,
    /// What the captions had become, if they were degenerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collapse: Vec<Collapse>,
}

impl Best {
    /// All values by name, for logs.
    pub(crate) fn values(&self) -> Vec<(String, f64)> {
        let mut values = score_values(&self.scores);
        values.extend([
            (
                "distinct_captions".to_owned(),
                self.distinct_captions as f64,
            ),
            ("mean_length".to_owned(), self.mean_length),
            ("cut_off_share".to_owned(), self.cut_off_share),
        ]);
        values
    }

    /// Whether the captions were degenerate in the same way.
    pub(crate) fn has(&self, collapse: &Collapse) -> bool {
        self.collapse.iter().any(|own| own.is_like(collapse))
    }
}

/// What a stage achieved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSummary {
    /// Name of the stage.
    pub name: String,
    /// Its objective, `xe` or `scst`.
    pub kind: String,
    /// Steps taken.
    pub steps: u64,
    /// Time spent.
    pub seconds: f64,
    /// The validation of the weights that it began with, unless they were random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Best>,
    /// Its best validation after a step.
    pub best: Option<Best>,
    /// Its last validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Best>,
}
