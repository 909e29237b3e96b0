//! Parameters of a captioner of another crate, by name.

use burn::tensor::{DType, Device, Gradients as TensorGradients, Tensor};
use rand::Rng;

use crate::{Gradients, ModelError, init, words::embed};

/// A parameter of a captioner, before it has values.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomParameter {
    /// Its name in checkpoints: unlike all others, and not beginning with `words.output`, which is the output layer.
    pub name: String,
    /// Rows and columns; a bias has one row.
    pub shape: [usize; 2],
    /// How its values begin.
    pub initial: Initial,
}

/// How the values of a parameter begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// Uniform within `+-bound`.
    Uniform {
        /// The bound.
        bound: f64,
    },
    /// Normal with mean 0.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
    /// All the same.
    Constant(f64),
}

impl CustomParameter {
    /// The weight `[inputs, outputs]` of a linear layer, uniform in `+-1 / sqrt(inputs)`, as `torch.nn.Linear` begins.
    pub fn linear(name: impl Into<String>, [inputs, outputs]: [usize; 2]) -> Self {
        let bound = 1.0 / (inputs as f64).sqrt();
        Self {
            name: name.into(),
            shape: [inputs, outputs],
            initial: Initial::Uniform { bound },
        }
    }

    /// A bias `[1, columns]` of zeros.
    pub fn bias(name: impl Into<String>, columns: usize) -> Self {
        Self {
            name: name.into(),
            shape: [1, columns],
            initial: Initial::Constant(0.0),
        }
    }

    /// An embedding `[words, columns]`, standard normal, as `torch.nn.Embedding` begins.
    pub fn embedding(name: impl Into<String>, [words, columns]: [usize; 2]) -> Self {
        Self {
            name: name.into(),
            shape: [words, columns],
            initial: Initial::Normal { deviation: 1.0 },
        }
    }

    pub(super) fn init(&self, place: (&Device, DType), rng: &mut impl Rng) -> Tensor<2> {
        let values = match self.initial {
            Initial::Uniform { bound } => init::uniform(self.shape, bound, place, rng),
            Initial::Normal { deviation } => init::normal(self.shape, deviation, place, rng),
            Initial::Constant(value) => return Tensor::full(self.shape, value, place),
        };
        values.val()
    }
}

/// Values of the parameters of a captioner.
#[derive(Debug, Clone)]
pub struct Weights {
    by_name: Vec<(String, Tensor<2>)>,
}

impl Weights {
    pub(super) fn new(by_name: Vec<(String, Tensor<2>)>) -> Self {
        Self { by_name }
    }

    /// The parameter `name`, `[rows, columns]`.
    ///
    /// # Errors
    /// [`ModelError::MissingParameter`] when the captioner has none of this name.
    pub fn get(&self, name: &str) -> Result<Tensor<2>, ModelError> {
        let found = self.by_name.iter().find(|(own, _)| own == name);
        let missing = || ModelError::MissingParameter {
            name: name.to_owned(),
        };
        found.map(|(_, values)| values.clone()).ok_or_else(missing)
    }

    /// The rows of the parameter `name` that belong to words, `[words, columns]`.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); [`ModelError::WordOutOfRange`] for a word beyond its rows.
    pub fn embed(&self, name: &str, words: &[u32]) -> Result<Tensor<2>, ModelError> {
        embed(&self.get(name)?, words)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(String, Tensor<2>)> {
        self.by_name.iter()
    }

    /// The two parameters of the output layer, which stand behind all others.
    pub(super) fn last_two(&self) -> (Tensor<2>, Tensor<2>) {
        let [.., (_, weight), (_, bias)] = self.by_name.as_slice() else {
            unreachable!("a captioner is made with an output layer")
        };
        (weight.clone(), bias.clone())
    }

    /// The same values, with every parameter replaced by what `change` makes of its flattened values.
    pub(super) fn update(self, mut change: impl FnMut(&str, Tensor<1>) -> Tensor<1>) -> Self {
        let changed = self.by_name.into_iter().map(|(name, values)| {
            let shape = values.shape();
            let values = change(&name, values.reshape([-1])).reshape(shape);
            (name, values)
        });
        Self::new(changed.collect())
    }

    /// The same values, from which autodiff takes gradients.
    pub(super) fn tracked(&self) -> Self {
        let tracked = self.by_name.iter().map(|(name, values)| {
            let values = Tensor::from_inner(values.clone()).require_grad();
            (name.clone(), values)
        });
        Self::new(tracked.collect())
    }

    /// Adds the gradient of every parameter but the output layer's, 0 where nothing depends on it.
    pub(super) fn collect(&self, found: &TensorGradients, gradients: &mut Gradients) {
        let output = self.by_name.len().saturating_sub(2);
        for (name, values) in &self.by_name[..output] {
            let gradient = values.grad(found);
            let gradient = gradient.unwrap_or_else(|| values.clone().inner().zeros_like());
            gradients.add(name, gradient);
        }
    }
}
