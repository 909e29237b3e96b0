//! One gradient per parameter name.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorReadError};
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::{
    adam::sum_of_squares,
    host::{Values, is_host},
    traffic::{read, read_all},
};

/// Takes groups of gradients that are complete while a backward pass goes on: the number of a group, and its gradients. The
/// groups of a captioner come in the order of their numbers, and always have the same names; those after some group may not
/// come at all.
pub type HandOut<'a> = &'a mut dyn FnMut(usize, Gradients);

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

    /// Every name, in their order, and how many numbers its gradient has.
    pub fn lengths(&self) -> impl Iterator<Item = (&str, usize)> {
        let all = self.by_name.iter();
        all.map(|(name, gradient)| (name.as_str(), gradient.dims()[0]))
    }

    /// Adds all of `other`, name by name.
    pub fn merge(&mut self, other: Self) {
        for (name, gradient) in other.by_name {
            self.add(&name, gradient);
        }
    }

    /// Adds all of `other`, whose names are below `prefix`.
    pub(crate) fn merge_below(&mut self, prefix: &str, other: Self) {
        for (name, gradient) in other.by_name {
            self.add(&format!("{prefix}{name}"), gradient);
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

    /// Scalar product with gradients of the same names.
    ///
    /// # Errors
    /// [`TensorReadError`] when the device does not hand the sums back.
    pub fn dot(&self, other: &Self) -> Result<f64, TensorReadError> {
        let mut total = 0.0;
        for (name, gradient) in &self.by_name {
            if let Some(other) = other.by_name.get(name) {
                let products = gradient.clone() * other.clone();
                let sum: Vec<f32> = read(products.sum())?;
                total += sum.iter().map(|&sum| f64::from(sum)).sum::<f64>();
            }
        }
        Ok(total)
    }

    /// Sum of squares of all gradients.
    ///
    /// # Errors
    /// [`TensorReadError`] when the device does not hand the sums back.
    pub fn squared_norm(&mut self) -> Result<f64, TensorReadError> {
        let mut total = 0.0;
        let mut on_device = Vec::new();
        for gradient in self.by_name.values_mut() {
            let device = gradient.device();
            if !is_host(&device, gradient.dtype()) {
                on_device.push(gradient.clone());
                continue;
            }
            // Taken out and put back: held by nobody else, the values are not copied.
            let taken = std::mem::replace(gradient, Tensor::empty([0], &device));
            let values = Values::take(taken);
            total += sum_of_squares(values.get());
            *gradient = values.into_tensor(&device);
        }
        let sums: Vec<Vec<f32>> = read_all(partial_squares(on_device))?;
        total += sums.iter().flatten().map(|&s| f64::from(s)).sum::<f64>();
        Ok(total)
    }
}

/// Sums of squares whose sum is that of all.
fn partial_squares(gradients: Vec<Tensor<1>>) -> Vec<Tensor<1>> {
    #[cfg(feature = "cube")]
    if (gradients.iter()).all(|gradient| cube::runs_on(&gradient.device(), gradient.dtype())) {
        return cube::adam::partial_squares(&gradients);
    }
    let squares = gradients
        .into_iter()
        .map(|gradient| gradient.square().sum());
    squares.collect()
}
