//! One gradient per parameter name.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

/// Gradients by parameter name, flattened, in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Gradients {
    by_name: BTreeMap<String, Tensor<1>>,
}

impl Gradients {
    /// Adds `gradient` to that of parameter `name`.
    pub fn add<const D: usize>(&mut self, name: &str, gradient: Tensor<D>) {
        let gradient = gradient.reshape([-1]);
        let sum = match self.by_name.remove(name) {
            None => gradient,
            Some(earlier) => earlier + gradient,
        };
        self.by_name.insert(name.to_owned(), sum);
    }

    /// The gradient of parameter `name`, flattened.
    pub fn get(&self, name: &str) -> Option<&Tensor<1>> {
        self.by_name.get(name)
    }

    /// Takes the gradient of parameter `name` out.
    pub fn remove(&mut self, name: &str) -> Option<Tensor<1>> {
        self.by_name.remove(name)
    }

    /// Adds all of `other`, name by name.
    pub fn merge(&mut self, other: Self) {
        for (name, gradient) in other.by_name {
            self.add(&name, gradient);
        }
    }

    /// Every gradient changed by `change`.
    #[must_use]
    pub fn map(self, mut change: impl FnMut(Tensor<1>) -> Tensor<1>) -> Self {
        let by_name = self.by_name.into_iter().map(|(n, g)| (n, change(g)));
        Self {
            by_name: by_name.collect(),
        }
    }

    /// Sum of squares of every gradient, one number a parameter, on the device.
    pub fn squared_norms(&self) -> Option<Tensor<1>> {
        let squares = self.by_name.values().map(|g| g.clone().square().sum());
        let squares: Vec<Tensor<1>> = squares.collect();
        (!squares.is_empty()).then(|| Tensor::cat(squares, 0))
    }
}
