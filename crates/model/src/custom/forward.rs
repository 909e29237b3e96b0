//! What another crate says of its captioner: how it goes forward.

use std::fmt;

use burn::tensor::Tensor;

use super::weights::{CustomParameter, Weights};
use crate::{Dimensions, Dropout, ModelError, SourceVectors, dropout::dropped};

/// A captioner of another crate.
///
/// ```text
/// s_0 = start(image),   x_t, s_t = step(w_(t-1), s_(t-1)),   p(w_t given w_<t, image) = softmax(x_t W_o + b_o)
/// ```
///
/// It says how `x_t` is computed, in tensor operations; the output layer, `W_o` and `b_o`, is not its business. The
/// captioners of this crate go back through themselves by hand; this one goes back by autodiff, which costs memory and
/// time, and nothing else has to be written.
///
/// What it is asked for on a device has to be computed there, with the `weights` that it is handed: they are those of
/// this very run, and their gradients are what training needs. The same inputs have to give the same bits.
pub trait CustomCaptioner: fmt::Debug + Send + Sync {
    /// Columns of `x_t`.
    fn hidden(&self) -> usize;

    /// Whether it reads vectors of regions; else it reads one vector an image.
    fn reads_regions(&self) -> bool {
        false
    }

    /// Its parameters, for features and a vocabulary of these sizes, without the output layer.
    fn parameters(&self, dimensions: Dimensions) -> Vec<CustomParameter>;

    /// The state before the first word: tensors with one row an image. The framework selects rows of them as captions
    /// are opened, end, or are copied by a search.
    ///
    /// # Errors
    /// [`ModelError`], such as that of a weight that is asked for and is none of its
    /// [`parameters`](Self::parameters).
    fn start(
        &self,
        weights: &Weights,
        sources: &SourceVectors,
        units: Units<'_>,
    ) -> Result<Vec<Tensor<2>>, ModelError>;

    /// `x_t`, `[rows, hidden]`, and the state that follows, from one word a row, each within the vocabulary, and the
    /// state before.
    ///
    /// # Errors
    /// As of [`start`](Self::start).
    fn step(
        &self,
        weights: &Weights,
        words: &[u32],
        state: Vec<Tensor<2>>,
        units: Units<'_>,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>), ModelError>;
}

/// The units of a layer, some of which dropout removes in training.
#[derive(Debug)]
pub struct Units<'a>(pub(super) Option<&'a mut Dropout>);

impl Units<'_> {
    /// `x`, `[rows, columns]`, with a mask of its own in training; as it is else.
    #[must_use]
    pub fn drop(&mut self, x: Tensor<2>) -> Tensor<2> {
        dropped(x, self.0.as_deref_mut()).0
    }
}
