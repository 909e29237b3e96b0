//! Layer normalisation (Ba et al. 2016).

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor},
};
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::{
    host::{Values, View, is_host},
    layer_norm as kernel,
};

use crate::{Gradients, rows::stack};

/// ```text
/// n = (x - mean(x)) s,   s = 1 / sqrt(variance(x) + 1e-5),   y = n gain + bias
/// ```
#[derive(Module, Debug)]
pub(crate) struct LayerNorm {
    /// `[1, hidden]`.
    gain: Param<Tensor<2>>,
    /// `[1, hidden]`.
    bias: Param<Tensor<2>>,
}

/// What the backward pass needs, of every run over some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct NormRecord {
    /// `n`, `[rows, hidden]`.
    normalised: Vec<Tensor<2>>,
    /// `s`, `[rows, 1]`.
    scales: Vec<Tensor<2>>,
    /// `y`, `[rows, hidden]`.
    outputs: Vec<Tensor<2>>,
}

impl NormRecord {
    /// `y` of all rows, `[rows, hidden]`; `None` before the first.
    pub(crate) fn output(&self) -> Option<Tensor<2>> {
        (!self.outputs.is_empty()).then(|| stack(&self.outputs))
    }
}

impl LayerNorm {
    /// Gain 1 and bias 0.
    pub(crate) fn init(hidden: usize, place: (&Device, DType)) -> Self {
        let constant = |value: f64| Param::from_tensor(Tensor::full([1, hidden], value, place));
        Self {
            gain: constant(1.0),
            bias: constant(0.0),
        }
    }

    /// `y`, `[rows, hidden]`, of `x`, `[rows, hidden]`.
    pub(crate) fn forward(&self, x: Tensor<2>, record: &mut NormRecord) -> Tensor<2> {
        let (device, [rows, hidden]) = (x.device(), x.dims());
        let (gain, bias) = (self.gain.val(), self.bias.val());
        let (normalised, scales, output) = if is_host(&device, x.dtype()) {
            let mut x = Values::take(x);
            let mut scales = Values::zeros([rows, 1]);
            let mut output = Values::zeros([rows, hidden]);
            kernel::layer_norm(
                View::of(gain).get(),
                View::of(bias).get(),
                x.get_mut(),
                scales.get_mut(),
                output.get_mut(),
            );
            (
                x.into_tensor(&device),
                scales.into_tensor(&device),
                output.into_tensor(&device),
            )
        } else if let Some(on_device) = layer_norm_on_device(&gain, &bias, &x) {
            on_device
        } else {
            let centred = x.clone() - x.mean_dim(1);
            let variance = centred.clone().square().mean_dim(1);
            let deviation = variance.add_scalar(f64::from(kernel::EPSILON)).sqrt();
            let scales = deviation.recip();
            let normalised = centred * scales.clone();
            let output = normalised.clone() * gain + bias;
            (normalised, scales, output)
        };
        record.normalised.push(normalised);
        record.scales.push(scales);
        record.outputs.push(output.clone());
        output
    }

    /// The gradient at `x` from that at `y`; adds those of the parameters below `name`.
    ///
    /// ```text
    /// dn = dy gain,   dx = s (dn - mean(dn) - n mean(dn n)),   d gain = sum dy n,   d bias = sum dy
    /// ```
    pub(crate) fn backward(
        &self,
        d_y: Tensor<2>,
        record: &NormRecord,
        name: &str,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let (normalised, scales) = (stack(&record.normalised), stack(&record.scales));
        #[cfg(feature = "cube")]
        if cube::runs_on(&d_y.device(), d_y.dtype()) {
            let of_parameters = cube::layer_norm::parameter_gradients;
            let (d_gain, d_bias) = of_parameters(normalised.clone(), d_y.clone());
            gradients.add(&format!("{name}.gain"), d_gain);
            gradients.add(&format!("{name}.bias"), d_bias);
            let gain = self.gain.val();
            return cube::layer_norm::layer_norm_backward(gain, normalised, scales, d_y);
        }
        let d_gain = (d_y.clone() * normalised.clone()).sum_dim(0);
        gradients.add(&format!("{name}.gain"), d_gain);
        gradients.add(&format!("{name}.bias"), d_y.clone().sum_dim(0));
        let gain = self.gain.val();
        let device = d_y.device();
        if is_host(&device, d_y.dtype()) {
            let mut gradient = Values::take(d_y);
            kernel::layer_norm_backward(
                View::of(gain).get(),
                View::of(normalised).get(),
                View::of(scales).get(),
                gradient.get_mut(),
            );
            return gradient.into_tensor(&device);
        }
        let d = d_y * gain;
        let along = (d.clone() * normalised.clone()).mean_dim(1);
        scales * (d.clone() - d.mean_dim(1) - normalised * along)
    }
}

/// `n`, `s` and `y` by a kernel, where there is one.
#[cfg(feature = "cube")]
fn layer_norm_on_device(
    gain: &Tensor<2>,
    bias: &Tensor<2>,
    x: &Tensor<2>,
) -> Option<(Tensor<2>, Tensor<2>, Tensor<2>)> {
    if !cube::runs_on(&x.device(), x.dtype()) {
        return None;
    }
    let found = cube::layer_norm::layer_norm(gain.clone(), bias.clone(), x.clone());
    Some((found.normalised, found.scales, found.output))
}

#[cfg(not(feature = "cube"))]
fn layer_norm_on_device(
    _: &Tensor<2>,
    _: &Tensor<2>,
    _: &Tensor<2>,
) -> Option<(Tensor<2>, Tensor<2>, Tensor<2>)> {
    None
}

#[cfg(test)]
mod tests {
    use burn::tensor::{IndexingUpdateOp, TensorData};

    use super::*;
    use crate::{rows::index, update_parameters};

    const SHAPE: [usize; 2] = [9, 21];

    fn values(shape: [usize; 2], place: (&Device, DType), seed: usize) -> Tensor<2> {
        let value = |k: usize| ((k * 37 + seed * 11) % 101) as f64 / 25.0 - 2.0;
        let values: Vec<f64> = (0..shape[0] * shape[1]).map(value).collect();
        Tensor::from_data(TensorData::new(values, shape), place)
    }

    fn norm(place: (&Device, DType)) -> LayerNorm {
        let norm = LayerNorm::init(SHAPE[1], place);
        update_parameters(norm, |name, old| {
            let seed = if name == "gain" { 5 } else { 6 };
            old + values([1, SHAPE[1]], place, seed).reshape([-1])
        })
    }

    /// Output, and gradients at `x`, gain and bias of `sum(y d_y)`, by rows in two parts.
    fn run(dtype: DType) -> Vec<Vec<f64>> {
        let place = (&Device::flex(), dtype);
        let norm = norm(place);
        let x = values(SHAPE, place, 1);
        let mut record = NormRecord::default();
        norm.forward(x.clone().narrow(0, 0, 4), &mut record);
        norm.forward(x.narrow(0, 4, 5), &mut record);
        let mut gradients = Gradients::default();
        let dx = norm.backward(values(SHAPE, place, 2), &record, "norm", &mut gradients);
        let parameter = |name| gradients.get(name).unwrap().clone();
        let flat = [record.output().unwrap(), dx].map(|t| t.reshape([-1]));
        let of_parameters = ["norm.gain", "norm.bias"].map(parameter);
        let all = flat.into_iter().chain(of_parameters);
        all.map(|t| t.try_into_vec_as().unwrap()).collect()
    }

    #[test]
    fn norm_on_the_host_equals_tensor_operations_of_64_bits() {
        for (found, expected) in run(DType::F32).iter().zip(run(DType::F64)) {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 2e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn rows_have_mean_0_and_variance_1_before_gain_and_bias() {
        let place = (&Device::flex(), DType::F32);
        let mut record = NormRecord::default();
        let norm = LayerNorm::init(SHAPE[1], place);
        let output = norm.forward(values(SHAPE, place, 3), &mut record);
        let output: Vec<f64> = output.try_into_vec_as().unwrap();
        for row in output.chunks(SHAPE[1]) {
            let n = row.len() as f64;
            let mean = row.iter().sum::<f64>() / n;
            let square = row.iter().map(|x| x * x).sum::<f64>() / n;
            assert!(
                mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-4,
                "{mean} {square}"
            );
        }
    }

    #[test]
    fn backward_equals_finite_differences_in_f64() {
        let place = (&Device::flex(), DType::F64);
        let (norm, x) = (norm(place), values(SHAPE, place, 1));
        let loss = |x: Tensor<2>| {
            let y = norm.forward(x, &mut NormRecord::default());
            (y * values(SHAPE, place, 2)).sum().into_scalar::<f64>()
        };
        let found = &run(DType::F64)[1];
        let step = 1e-5;
        for k in (0..found.len()).step_by(7) {
            let moved = |by: f64| {
                let one = Tensor::full([1], by, place);
                let flat = x.clone().reshape([-1]);
                let at = index(&[k], place.0);
                let flat: Tensor<1> = flat.select_assign(0, at, one, IndexingUpdateOp::Add);
                loss(flat.reshape(SHAPE))
            };
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (found[k] - expected).abs() < 1e-7,
                "{} {expected}",
                found[k]
            );
        }
    }
}
