//! Convolutions with their batch normalisation folded in, over one image.

use burn::tensor::{Device, Tensor, TensorData};
use scst_kernels::{
    convolution::{self, Activation, Depthwise, Window},
    host::Values,
    product::Precision,
};

use crate::{error::WeightsError, weights::WeightSource};

/// Values of one image, `[pixels, channels]`.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    /// Rows and columns.
    pub(crate) size: [usize; 2],
    /// `[rows * columns, channels]`.
    pub(crate) values: Tensor<2>,
}

impl Map {
    /// A map of values on the CPU.
    pub(crate) fn new(size: [usize; 2], values: Values) -> Self {
        Self {
            size,
            values: values.into_tensor(&Device::flex()),
        }
    }

    /// The largest value of every channel in windows of 3 x 3 at every second pixel.
    pub(crate) fn max_pool(self) -> Self {
        let window = Window::centred(self.size, 3, 2);
        let [_, channels] = self.values.dims();
        let input = Values::take(self.values);
        let mut output = Values::zeros([window.windows(), channels]);
        convolution::max_pool(&window, channels, input.get(), output.get_mut());
        Self::new(window.out, output)
    }
}

/// Where a network's windows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// See [`Window::same`].
    Same,
    /// See [`Window::centred`].
    Centred,
}

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) channels: usize,
    pub(crate) out: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

impl Sizes {
    /// A 1 x 1 convolution.
    pub(crate) fn pointwise(channels: usize, out: usize) -> Self {
        Self {
            channels,
            out,
            kernel: 1,
            stride: 1,
        }
    }
}

/// What a network's convolutions share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    /// Where windows stand.
    pub(crate) padding: Padding,
    /// What batch normalisation adds to variances.
    pub(crate) epsilon: f64,
}

impl Family {
    fn window(self, size: [usize; 2], kernel: usize, stride: usize) -> Window {
        match self.padding {
            Padding::Same => Window::same(size, kernel, stride),
            Padding::Centred => Window::centred(size, kernel, stride),
        }
    }
}

/// A convolution over all channels, and the batch normalisation after it.
#[derive(Debug)]
pub(crate) struct Convolution {
    family: Family,
    sizes: Sizes,
    /// `[kernel * kernel * channels, out]`.
    weights: Tensor<2>,
    bias: Vec<f32>,
}

impl Convolution {
    /// Reads `convolution.weight`, `[out, channels, kernel, kernel]`, and its batch normalisation.
    pub(crate) fn load(
        source: &mut dyn WeightSource,
        family: Family,
        [convolution, normalisation]: [&str; 2],
        sizes: Sizes,
    ) -> Result<Self, WeightsError> {
        let Sizes {
            channels,
            out,
            kernel,
            ..
        } = sizes;
        let shape = [out, channels, kernel, kernel];
        let weights = source.tensor(&format!("{convolution}.weight"), &shape)?;
        let folded = Folded::load(source, family, normalisation, weights, out)?;
        let rows = kernel * kernel * channels;
        let data = TensorData::new(folded.weights_by_place(channels), [rows, out]);
        Ok(Self {
            family,
            sizes,
            weights: Tensor::from_data(data, &Device::flex()),
            bias: folded.bias,
        })
    }

    /// The convolution, then its activation.
    pub(crate) fn forward(&self, map: Map, activation: Activation) -> Map {
        self.forward_with(map, None, activation)
    }

    /// The convolution, then the sum with `skip`, then the activation.
    pub(crate) fn forward_with(&self, map: Map, skip: Option<Map>, activation: Activation) -> Map {
        let Sizes {
            channels,
            kernel,
            stride,
            ..
        } = self.sizes;
        let (size, values) = if kernel == 1 && stride == 1 {
            (map.size, map.values)
        } else {
            let window = self.family.window(map.size, kernel, stride);
            let mut patches = Values::zeros([window.windows(), kernel * kernel * channels]);
            let input = Values::take(map.values);
            convolution::patches(&window, channels, input.get(), patches.get_mut());
            (window.out, Map::new(window.out, patches).values)
        };
        let mut output = Values::take(Precision::F32.product(values, self.weights.clone()));
        let skip = skip.map(|skip| Values::take(skip.values));
        let skip = skip.as_ref().map(Values::get);
        convolution::finish(output.get_mut(), &self.bias, skip, activation);
        Map::new(size, output)
    }
}

/// A convolution of every channel with a kernel of its own, and the batch normalisation after it.
#[derive(Debug)]
pub(crate) struct DepthwiseConvolution {
    family: Family,
    kernel: usize,
    stride: usize,
    /// `[kernel, kernel, channels]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl DepthwiseConvolution {
    /// Reads `convolution.weight`, `[channels, 1, kernel, kernel]`, and its batch normalisation.
    pub(crate) fn load(
        source: &mut dyn WeightSource,
        family: Family,
        [convolution, normalisation]: [&str; 2],
        sizes: Sizes,
    ) -> Result<Self, WeightsError> {
        let Sizes {
            channels,
            kernel,
            stride,
            ..
        } = sizes;
        let shape = [channels, 1, kernel, kernel];
        let weights = source.tensor(&format!("{convolution}.weight"), &shape)?;
        let folded = Folded::load(source, family, normalisation, weights, channels)?;
        Ok(Self {
            family,
            kernel,
            stride,
            weights: folded.weights_by_place(1),
            bias: folded.bias,
        })
    }

    /// The convolution, then its activation.
    pub(crate) fn forward(&self, map: Map, activation: Activation) -> Map {
        let window = self.family.window(map.size, self.kernel, self.stride);
        let input = Values::take(map.values);
        let mut output = Values::zeros([window.windows(), self.bias.len()]);
        let layer = Depthwise {
            window,
            weights: &self.weights,
            bias: &self.bias,
            activation,
        };
        convolution::depthwise(&layer, input.get(), output.get_mut());
        Map::new(window.out, output)
    }
}

/// Weights and bias that do what a convolution without bias and a batch normalisation do.
///
/// Ioffe and Szegedy 2015, with the statistics of the whole training set:
/// ```text
/// scale = gamma / sqrt(variance + epsilon),   weights' = scale weights,   bias' = beta - scale mean
/// ```
#[derive(Debug)]
struct Folded {
    /// `[out, channels, kernel, kernel]`.
    weights: Vec<f32>,
    /// `[out]`.
    bias: Vec<f32>,
}

impl Folded {
    fn load(
        source: &mut dyn WeightSource,
        family: Family,
        normalisation: &str,
        mut weights: Vec<f32>,
        out: usize,
    ) -> Result<Self, WeightsError> {
        let mut read = |name: &str| source.tensor(&format!("{normalisation}.{name}"), &[out]);
        let (gamma, beta) = (read("weight")?, read("bias")?);
        let (mean, variance) = (read("running_mean")?, read("running_var")?);
        let mut bias = Vec::with_capacity(out);
        let inner = weights.len() / out;
        for (k, weights) in weights.chunks_exact_mut(inner).enumerate() {
            let scale = f64::from(gamma[k]) / (f64::from(variance[k]) + family.epsilon).sqrt();
            for weight in weights {
                *weight = (scale * f64::from(*weight)) as f32;
            }
            bias.push((f64::from(beta[k]) - scale * f64::from(mean[k])) as f32);
        }
        Ok(Self { weights, bias })
    }

    /// The weights as `[kernel, kernel, channels, out]`.
    fn weights_by_place(&self, channels: usize) -> Vec<f32> {
        let out = self.bias.len();
        let places = self.weights.len() / (out * channels);
        let mut ordered = Vec::with_capacity(self.weights.len());
        for place in 0..places {
            for channel in 0..channels {
                let weight = |k| self.weights[(k * channels + channel) * places + place];
                ordered.extend((0..out).map(weight));
            }
        }
        ordered
    }
}
