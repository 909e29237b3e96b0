//! The state of open captions of a recurrent captioner, and the tape of a run for its backward pass.

use burn::tensor::Tensor;

use crate::{
    Dropout, Locations, SourceVectors,
    attention::{AttentionRecord, Regions},
    lstm::CellRecord,
    rows::{index, stack},
};

/// What a captioner remembers of the captions so far, one row a caption.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// `h`, `[rows, hidden]`.
    pub(crate) hidden: Tensor<2>,
    /// `c`, and behind it whatever else a captioner carries from step to step, `[rows, columns]`.
    pub(crate) cell: Tensor<2>,
    /// The source of every row.
    pub(crate) source_of_row: Vec<usize>,
    /// What the captions attend to, if they attend.
    pub(crate) regions: Option<Regions>,
}

impl State {
    /// The state of the captions `rows`, in that order; a row may be asked for more than once.
    pub(crate) fn select(self, rows: &[usize]) -> Self {
        let index = index(rows, &self.hidden.device());
        Self {
            hidden: self.hidden.select(0, index.clone()),
            cell: self.cell.select(0, index),
            source_of_row: rows.iter().map(|&row| self.source_of_row[row]).collect(),
            regions: self.regions,
        }
    }
}

/// What a step leaves inside of the captioner.
#[derive(Debug, Clone)]
pub(crate) struct CoreRecord {
    /// The cell's own record.
    pub(crate) cell: CellRecord,
    /// The attention's, if the captioner attends.
    pub(crate) attention: Option<AttentionRecord>,
    /// That of an LSTM below, if there is one.
    pub(crate) below: Option<BelowRecord>,
}

/// What a step leaves inside of an LSTM whose output another one reads.
#[derive(Debug, Clone)]
pub(crate) struct BelowRecord {
    /// The cell's own record.
    pub(crate) cell: CellRecord,
    /// Its output, `[rows, hidden]`.
    pub(crate) output: Tensor<2>,
}

/// One timestep as the backward pass needs it; rows are the captions still open.
#[derive(Debug, Clone)]
pub(crate) struct StepRecord {
    /// Rows of the step before that this step goes on with; all of them if `None`.
    pub(crate) kept: Option<Vec<usize>>,
    /// Input words, `[rows]`.
    pub(crate) words: Vec<u32>,
    /// Word inputs after ReLU and dropout, `[rows, embedding]`.
    pub(crate) input: Tensor<2>,
    /// `h` before the step, `[rows, hidden]`.
    pub(crate) hidden_before: Tensor<2>,
    /// What the captioner itself recorded.
    pub(crate) core: CoreRecord,
    /// Dropout mask of `output`, `[rows, hidden]`.
    pub(crate) output_mask: Option<Tensor<2>>,
    /// `h` after dropout, `[rows, hidden]`: the input of the output layer.
    pub(crate) output: Tensor<2>,
}

/// What a captioner made of the sources of a run.
#[derive(Debug, Clone)]
pub(crate) struct SourceRecord {
    /// The features as they came.
    pub(crate) features: SourceVectors,
    /// Their projection, `[regions of all sources, columns]`.
    pub(crate) projected: Tensor<2>,
    /// The step whose input is the source, if there is one; rows are sources.
    pub(crate) cell: Option<CellRecord>,
    /// Where the state before the first word comes from, if it is computed from the mean region.
    pub(crate) start: Option<StartRecord>,
    /// What captions attend to, if they attend.
    pub(crate) regions: Option<Regions>,
}

/// What a captioner makes of the mean region before the first word.
#[derive(Debug, Clone)]
pub(crate) struct StartRecord {
    /// The mean region, as it came or projected, `[sources, columns]`.
    pub(crate) mean: Tensor<2>,
    /// What a layer made of it, `[sources, columns]`.
    pub(crate) start: Tensor<2>,
}

/// A run over captions, step by step.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    /// Dropout of this run.
    pub(crate) dropout: Option<Dropout>,
    /// The regions that are looked at, where they are drawn.
    pub(crate) locations: Option<Locations>,
    /// The sources.
    pub(crate) sources: SourceRecord,
    /// Source of every caption of step 0.
    pub(crate) source_of_sequence: Vec<usize>,
    /// Timesteps, in order.
    pub(crate) steps: Vec<StepRecord>,
    /// Rows that the next step goes on with.
    pub(crate) kept: Option<Vec<usize>>,
}

impl Tape {
    /// The inputs of the output layer of all timesteps, packed, `[rows, hidden]`; `None` before
    /// the first step.
    pub(crate) fn hidden(&self) -> Option<Tensor<2>> {
        let outputs: Vec<Tensor<2>> = self.steps.iter().map(|s| s.output.clone()).collect();
        (!outputs.is_empty()).then(|| stack(&outputs))
    }

    /// The next step goes on with these rows of the last one only, in this order, each at most
    /// once.
    pub(crate) fn keep(&mut self, rows: &[usize]) {
        let earlier = self.kept.take();
        let original = |&row: &usize| earlier.as_ref().map_or(row, |earlier| earlier[row]);
        self.kept = Some(rows.iter().map(original).collect());
    }

    /// The words that the last steps went on from, where they were not known then, step by step.
    #[cfg(feature = "cube")]
    pub(crate) fn fill_in(&mut self, words: &[Vec<u32>]) {
        let first = self.steps.len().saturating_sub(words.len());
        for (step, words) in self.steps[first..].iter_mut().zip(words) {
            step.words.clone_from(words);
        }
    }

    /// Number of packed rows.
    pub(crate) fn rows(&self) -> usize {
        self.steps.iter().map(|step| step.words.len()).sum()
    }
}
