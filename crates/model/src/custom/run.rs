//! Open captions of a captioner of another crate, and the tape of a run.

use burn::tensor::Tensor;

use super::Weights;
use crate::{Dropout, rows::index};

/// What the captioner remembers of the captions so far.
#[derive(Debug, Clone)]
pub(crate) struct CustomState {
    /// Number of captions.
    pub(super) rows: usize,
    /// One row a caption each.
    pub(super) tensors: Vec<Tensor<2>>,
    /// Whether autodiff follows them.
    pub(super) is_tracked: bool,
}

impl CustomState {
    /// The state of the captions `rows`, in that order; a row may be asked for more than once.
    pub(crate) fn select(self, rows: &[usize]) -> Self {
        let select = |tensor: Tensor<2>| {
            let index = index(rows, &tensor.device());
            tensor.select(0, index)
        };
        Self {
            rows: rows.len(),
            tensors: self.tensors.into_iter().map(select).collect(),
            ..self
        }
    }

    /// The same values, without what autodiff has noted.
    pub(super) fn untracked(self) -> Self {
        if !self.is_tracked {
            return self;
        }
        Self {
            tensors: self.tensors.into_iter().map(Tensor::inner).collect(),
            is_tracked: false,
            ..self
        }
    }
}

/// A run over captions, as autodiff has noted it.
#[derive(Debug, Clone)]
pub(crate) struct CustomTape {
    /// The weights that autodiff takes gradients from.
    pub(super) weights: Weights,
    /// The vectors that were read, `[regions of all sources, feature]`, where the backward pass goes on to them.
    pub(super) read: Option<Tensor<2>>,
    pub(super) dropout: Option<Dropout>,
    /// The inputs of the output layer of all steps, `[rows, hidden]` each.
    pub(super) outputs: Vec<Tensor<2>>,
}

impl CustomTape {
    /// The inputs of the output layer of all steps, packed; `None` before the first step.
    pub(crate) fn hidden(&self) -> Option<Tensor<2>> {
        let outputs = self.outputs.iter().map(|output| output.clone().inner());
        let outputs: Vec<Tensor<2>> = outputs.collect();
        (!outputs.is_empty()).then(|| Tensor::cat(outputs, 0))
    }

    /// Number of packed rows.
    pub(crate) fn rows(&self) -> usize {
        self.outputs.iter().map(|output| output.dims()[0]).sum()
    }
}
