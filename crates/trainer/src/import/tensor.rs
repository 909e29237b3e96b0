//! Weights of another program.

/// A tensor of another program: its shape and its values in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTensor {
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
    /// As many values as the sizes say.
    pub values: Vec<f32>,
}
