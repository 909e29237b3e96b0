//! Scaled dot-product attention with several heads (Vaswani et al. 2017, section 3.2) from rows to lists of rows.

use std::sync::Arc;

use burn::tensor::{Bool, Device, Tensor, TensorData, activation::softmax};
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::{
    host::{Values, View, is_host},
    multi_head as kernel,
    multi_head::{Attended, Sources},
    traffic::send,
};

use crate::rows::{index, scatter_rows, stack};

/// Keys and values that are computed together, side by side, `[rows, 2 hidden]`; a cache is a list of such blocks.
#[derive(Debug, Clone)]
pub(crate) enum KeysValues {
    /// Read in place by every step.
    Host(Arc<Values>),
    Device(Box<Tensor<2>>),
}

impl KeysValues {
    pub(crate) fn new(keys_values: Tensor<2>) -> Self {
        if is_host(&keys_values.device(), keys_values.dtype()) {
            Self::Host(Arc::new(Values::take(keys_values)))
        } else {
            Self::Device(Box::new(keys_values))
        }
    }

    /// `[rows, 2 hidden]`.
    fn tensor(&self, hidden: usize, device: &Device) -> Tensor<2> {
        match self {
            Self::Device(keys_values) => (**keys_values).clone(),
            Self::Host(values) => {
                let values = values.get().to_vec();
                let shape = [values.len() / (2 * hidden), 2 * hidden];
                Tensor::from_data(TensorData::new(values, shape), device)
            }
        }
    }
}

/// Puts keys and values behind those of earlier rows. Where kernels read them, all are one block.
pub(crate) fn extend(cache: &mut Vec<KeysValues>, keys_values: KeysValues) {
    cache.push(keys_values);
    #[cfg(feature = "cube")]
    if let Some(all) = on_device(cache) {
        *cache = vec![KeysValues::Device(Box::new(all))];
    }
}

/// All rows of blocks, `[rows, 2 hidden]`, if kernels reach them.
#[cfg(feature = "cube")]
fn on_device(blocks: &[KeysValues]) -> Option<Tensor<2>> {
    let mut tensors = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            KeysValues::Device(values) if cube::runs_on(&values.device(), values.dtype()) => {
                tensors.push((**values).clone());
            }
            _ => return None,
        }
    }
    (!tensors.is_empty()).then(|| stack(&tensors))
}

/// The same where kernels take lists of this length.
#[cfg(feature = "cube")]
fn for_kernels(blocks: &[KeysValues], sources: &Sources, heads: usize) -> Option<Tensor<2>> {
    let fits = cube::multi_head::fits(sources, heads);
    fits.then(|| on_device(blocks)).flatten()
}

/// All rows of blocks, `[2 hidden]` each; `None` if they are not on the host.
fn rows_on_host(blocks: &[KeysValues], hidden: usize) -> Option<Vec<&[f32]>> {
    let mut rows = Vec::new();
    for block in blocks {
        match block {
            KeysValues::Host(values) => rows.extend(values.get().chunks_exact(2 * hidden)),
            KeysValues::Device(_) => return None,
        }
    }
    Some(rows)
}

/// Attends from every query to its rows of `blocks`; returns the queries as they came, and the contexts.
///
/// ```text
/// e_r = q . k_r / sqrt(hidden / heads),   alpha = softmax(e),   context = sum_r alpha_r v_r      in every head
/// ```
///
/// # Shapes
/// `queries` and contexts: `[rows, hidden]`; `sources`: a list a query.
pub(crate) fn attend(
    blocks: &[KeysValues],
    sources: &Sources,
    heads: usize,
    queries: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let (device, shape) = (queries.device(), queries.dims());
    if let Some(rows) = rows_on_host(blocks, shape[1]) {
        let queries = Values::take(queries);
        let mut contexts = Values::zeros(shape);
        let attended = Attended {
            keys_values: &rows,
            sources,
            heads,
        };
        kernel::attend(&attended, queries.get(), contexts.get_mut());
        return (queries.into_tensor(&device), contexts.into_tensor(&device));
    }
    #[cfg(feature = "cube")]
    if let Some(keys_values) = for_kernels(blocks, sources, heads) {
        let contexts = cube::multi_head::attend(keys_values, sources, heads, queries.clone());
        return (queries, contexts);
    }
    let gathered = gather(blocks, sources, heads, queries.clone());
    let contexts = gathered.weights().matmul(gathered.values);
    (queries, contexts.reshape(shape))
}

/// Where the queries look: `alpha`, mean over the heads, `[rows, longest list]`; 0 behind the end of a list.
pub(crate) fn mean_weights(
    block: &KeysValues,
    sources: &Sources,
    heads: usize,
    queries: Tensor<2>,
) -> Tensor<2> {
    let rows = queries.dims()[0];
    let weights = gather(std::slice::from_ref(block), sources, heads, queries).weights();
    weights.mean_dim(1).reshape([rows, sources.longest()])
}

/// The gradients at the queries, `[rows, hidden]`, and at all rows of `blocks`, `[rows of all blocks, 2 hidden]`.
///
/// ```text
/// d alpha_r = v_r . d context,   d e_r = alpha_r (d alpha_r - sum_s alpha_s d alpha_s)      in every head
/// dq = sum_r d e_r k_r / sqrt(hidden / heads),   dk_r = sum_q d e_r q / sqrt(hidden / heads)
/// dv_r = sum_q alpha_r d context
/// ```
pub(crate) fn attend_backward(
    blocks: &[KeysValues],
    sources: &Sources,
    heads: usize,
    queries: Tensor<2>,
    d_contexts: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let (device, [queries_count, hidden]) = (queries.device(), queries.dims());
    if let Some(rows) = rows_on_host(blocks, hidden) {
        let mut d_queries = Values::zeros([queries_count, hidden]);
        let mut d_keys_values = Values::zeros([rows.len(), 2 * hidden]);
        let attended = Attended {
            keys_values: &rows,
            sources,
            heads,
        };
        kernel::attend_backward(
            &attended,
            View::of(queries).get(),
            View::of(d_contexts).get(),
            d_queries.get_mut(),
            d_keys_values.get_mut(),
        );
        return (
            d_queries.into_tensor(&device),
            d_keys_values.into_tensor(&device),
        );
    }
    #[cfg(feature = "cube")]
    if let Some(keys_values) = for_kernels(blocks, sources, heads) {
        return cube::multi_head::attend_backward(keys_values, sources, heads, queries, d_contexts);
    }
    let gathered = gather(blocks, sources, heads, queries);
    let weights = gathered.weights();
    let Gathered {
        queries,
        keys,
        values,
        scale,
        lists,
        rows,
        ..
    } = gathered;
    let [_, _, longest, width] = keys.dims();
    let d_contexts = d_contexts.reshape([queries_count, heads, 1, width]);
    let d_weights = d_contexts.clone().matmul(values.swap_dims(2, 3));
    let mean = (weights.clone() * d_weights.clone()).sum_dim(3);
    let d_energies = (weights.clone() * (d_weights - mean)).mul_scalar(scale);
    let d_queries = d_energies.clone().matmul(keys);
    let d_keys = d_energies.swap_dims(2, 3).matmul(queries);
    let d_values = weights.swap_dims(2, 3).matmul(d_contexts);
    let of_lists = [d_keys, d_values].map(|gradient| {
        let of_rows = gradient.swap_dims(1, 2);
        of_rows.reshape([queries_count * longest, hidden])
    });
    // Where a list is filled up, all gradients are 0.
    let d_keys_values = scatter_rows(Tensor::cat(of_lists.into(), 1), &lists, rows);
    (d_queries.reshape([queries_count, hidden]), d_keys_values)
}

/// What every query attends to, filled up to the longest list.
struct Gathered {
    /// `[queries, heads, 1, width]`.
    queries: Tensor<4>,
    /// `[queries, heads, longest, width]`.
    keys: Tensor<4>,
    /// `[queries, heads, longest, width]`.
    values: Tensor<4>,
    /// Where a list is filled up, `[queries, heads, 1, longest]`.
    none: Tensor<4, Bool>,
    /// `1 / sqrt(width)`.
    scale: f64,
    /// The lists, filled up with row 0, `[queries longest]`.
    lists: Vec<usize>,
    /// Number of rows of all blocks.
    rows: usize,
}

impl Gathered {
    /// `alpha`, `[queries, heads, 1, longest]`.
    fn weights(&self) -> Tensor<4> {
        let keys = self.keys.clone().swap_dims(2, 3);
        let energies = self.queries.clone().matmul(keys).mul_scalar(self.scale);
        softmax(energies.mask_fill(self.none.clone(), f32::NEG_INFINITY), 3)
    }
}

fn gather(blocks: &[KeysValues], sources: &Sources, heads: usize, queries: Tensor<2>) -> Gathered {
    let (device, [count, hidden]) = (queries.device(), queries.dims());
    let (longest, width) = (sources.longest(), hidden / heads);
    let blocks = blocks.iter().map(|block| block.tensor(hidden, &device));
    let keys_values = stack(&blocks.collect::<Vec<_>>());
    let filled = sources.iter().flat_map(|list| {
        (0..longest).map(|k| (list.get(k).copied().unwrap_or(0), k >= list.len()))
    });
    let (lists, none): (Vec<usize>, Vec<bool>) = filled.unzip();
    let none = send::<4, Bool>(TensorData::new(none, [count, 1, 1, longest]), &device);
    let of_lists = keys_values.clone().select(0, index(&lists, &device));
    let columns = |first: usize| {
        let columns = of_lists.clone().narrow(1, first, hidden);
        let columns = columns.reshape([count, longest, heads, width]);
        columns.swap_dims(1, 2)
    };
    Gathered {
        queries: queries.reshape([count, heads, 1, width]),
        keys: columns(0),
        values: columns(hidden),
        none: none.expand([count, heads, 1, longest]),
        scale: 1.0 / (width as f64).sqrt(),
        lists,
        rows: keys_values.dims()[0],
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Gradients};

    use super::*;

    const HEADS: usize = 3;
    const HIDDEN: usize = 57;

    fn values(rows: usize, columns: usize, place: (&Device, DType), seed: usize) -> Tensor<2> {
        let value = |k: usize| ((k * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0;
        let values: Vec<f64> = (0..rows * columns).map(value).collect();
        Tensor::from_data(TensorData::new(values, [rows, columns]), place)
    }

    /// Lists of different lengths, in any order; row 3 is in none.
    fn sources() -> Sources {
        let mut sources = Sources::default();
        for list in [&[0, 1][..], &[4, 2, 0], &[5], &[1, 4, 2, 5, 0], &[0]] {
            sources.push(list.iter().copied());
        }
        sources
    }

    /// Keys and values in two blocks.
    fn blocks(keys_values: &Tensor<2>) -> Vec<KeysValues> {
        let part = |first, rows| KeysValues::new(keys_values.clone().narrow(0, first, rows));
        vec![part(0, 4), part(4, 2)]
    }

    /// Contexts, and gradients at queries and at keys and values.
    fn run(dtype: DType) -> Vec<Vec<f64>> {
        let place = (&Device::flex(), dtype);
        let blocks = blocks(&values(6, 2 * HIDDEN, place, 1));
        let (queries, contexts) = attend(&blocks, &sources(), HEADS, values(5, HIDDEN, place, 2));
        let d_contexts = values(5, HIDDEN, place, 3);
        let (d_queries, d_keys_values) =
            attend_backward(&blocks, &sources(), HEADS, queries, d_contexts);
        [contexts, d_queries, d_keys_values]
            .map(|t| t.try_into_vec_as().unwrap())
            .into()
    }

    #[test]
    fn attention_on_the_host_equals_tensor_operations_of_64_bits() {
        for (found, expected) in run(DType::F32).iter().zip(run(DType::F64)) {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 5e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn backward_equals_autodiff() {
        let device = Device::flex().autodiff();
        let place = (&device, DType::F32);
        let keys_values = values(6, 2 * HIDDEN, place, 1).require_grad();
        let queries = values(5, HIDDEN, place, 2).require_grad();
        let (_, contexts) = attend(&blocks(&keys_values), &sources(), HEADS, queries.clone());
        let loss = (contexts * values(5, HIDDEN, place, 3)).sum();
        let gradients: Gradients = loss.backward();
        let expected = [queries, keys_values].map(|t| t.grad(&gradients).unwrap());
        let expected = expected.map(|t| t.try_into_vec_as::<f64>().unwrap());
        for (found, expected) in run(DType::F32)[1..].iter().zip(&expected) {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn query_with_one_source_gets_its_value() {
        let place = (&Device::flex(), DType::F32);
        let keys_values = values(6, 2 * HIDDEN, place, 1);
        let expected: Vec<f64> = keys_values
            .slice([5..6, HIDDEN..2 * HIDDEN])
            .try_into_vec_as()
            .unwrap();
        let found = &run(DType::F32)[0][2 * HIDDEN..3 * HIDDEN];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
