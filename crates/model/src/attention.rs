//! Additive attention over the regions of an image (Bahdanau et al. 2015; Xu et al. 2015).

use std::sync::Arc;

use burn::tensor::{Bool, Tensor, TensorData, activation::softmax};
use scst_kernels::{
    attention as kernel,
    attention::{Attended, AttendedGradient, Span},
    host::{Values, contiguous, is_host},
};

use crate::rows::{index, scatter_rows};

/// What captions attend to: keys and values of all regions of all images.
#[derive(Debug, Clone)]
pub(crate) struct Regions {
    images: Arc<[Span]>,
    /// Number of regions of all images, columns of the keys, columns of the values.
    dims: [usize; 3],
    vectors: Vectors,
}

#[derive(Debug, Clone)]
enum Vectors {
    /// Read in place by every step.
    Host(Arc<[Values; 2]>),
    Device([Tensor<2>; 2]),
}

impl Regions {
    /// `keys`: `[regions of all images, attention]`; `values`: `[regions of all images, hidden]`; `counts`: the
    /// number of regions of every image.
    pub(crate) fn new(keys: Tensor<2>, values: Tensor<2>, counts: &[usize]) -> Self {
        let mut first = 0;
        let spans = counts.iter().map(|&count| {
            let span = Span { first, count };
            first += count;
            span
        });
        let images = spans.collect();
        let ([all, attention], [_, hidden]) = (keys.dims(), values.dims());
        let vectors = if is_host(&keys.device(), keys.dtype()) {
            Vectors::Host(Arc::new([keys, values].map(Values::take)))
        } else {
            Vectors::Device([keys, values])
        };
        Self {
            images,
            dims: [all, attention, hidden],
            vectors,
        }
    }

    /// The regions for the loops on the host.
    fn attended<'a>(&'a self, [keys, values]: &'a [Values; 2], score: &'a Values) -> Attended<'a> {
        Attended {
            keys: keys.get(),
            values: values.get(),
            score: score.get(),
            hidden: self.dims[2],
            images: &self.images,
        }
    }

    /// The most regions of an image.
    fn longest(&self) -> usize {
        self.images.iter().map(|span| span.count).max().unwrap_or(0)
    }

    /// The regions of every row's image, filled up with region 0, `[rows longest]`, and where they are filled up.
    fn of_rows(&self, image_of_row: &[usize]) -> (Vec<usize>, Vec<bool>) {
        let longest = self.longest();
        let spans = image_of_row.iter().map(|&image| self.images[image]);
        let regions = spans.flat_map(|Span { first, count }| {
            (0..longest).map(move |k| {
                let exists = k < count;
                (if exists { first + k } else { 0 }, !exists)
            })
        });
        regions.unzip()
    }
}

/// What the backward pass of one step needs.
#[derive(Debug, Clone)]
pub(crate) struct AttentionRecord {
    /// `[rows, attention]`.
    queries: Tensor<2>,
    /// `alpha`, `[rows, longest]`, 0 where an image has no such region.
    pub(crate) weights: Tensor<2>,
    /// `[rows, hidden]`.
    pub(crate) context: Tensor<2>,
    image_of_row: Vec<usize>,
}

/// What a backward pass carries from step to step: sums, and a weight in the layout that it wants.
#[derive(Debug)]
pub(crate) struct AttentionBackward {
    /// `[regions of all images, attention]`.
    pub(crate) d_keys: Tensor<2>,
    /// `[regions of all images, hidden]`.
    pub(crate) d_values: Tensor<2>,
    /// Rows whose sum is the gradient at `w`, `[images, attention]`.
    pub(crate) d_score: Tensor<2>,
    /// The contexts of the steps, the last step first.
    pub(crate) contexts: Vec<Tensor<2>>,
    /// The weight that contexts are multiplied by, transposed.
    pub(crate) context_transposed: Tensor<2>,
}

impl AttentionBackward {
    /// No step yet; `context_weight` is the weight that contexts are multiplied by.
    pub(crate) fn new(regions: &Regions, context_weight: Tensor<2>) -> Self {
        let [all, attention, hidden] = regions.dims;
        let place = (&context_weight.device(), context_weight.dtype());
        let zeros = |shape: [usize; 2]| Tensor::zeros(shape, place);
        Self {
            d_keys: zeros([all, attention]),
            d_values: zeros([all, hidden]),
            d_score: zeros([regions.images.len(), attention]),
            contexts: Vec::new(),
            // Every step multiplies by it, and only a contiguous matrix is multiplied without being packed again.
            context_transposed: contiguous(context_weight.transpose()),
        }
    }
}

/// Attends from every row to the regions of its image.
///
/// ```text
/// e_r = w . tanh(k_r + q),   alpha = softmax(e),   context = sum_r alpha_r v_r
/// ```
///
/// # Shapes
/// `score`: `w`, `[attention, 1]`; `queries`: `q`, `[rows, attention]`; the context is `[rows, hidden]`.
pub(crate) fn attend(
    regions: &Regions,
    score: Tensor<2>,
    queries: Tensor<2>,
    image_of_row: &[usize],
) -> AttentionRecord {
    let (queries, weights, context) = match &regions.vectors {
        Vectors::Host(vectors) => {
            let device = queries.device();
            let (score, queries) = (Values::take(score), Values::take(queries));
            let mut weights = Values::zeros([image_of_row.len(), regions.longest()]);
            let mut context = Values::zeros([image_of_row.len(), regions.dims[2]]);
            kernel::attend(
                &regions.attended(vectors, &score),
                queries.get(),
                image_of_row,
                weights.get_mut(),
                context.get_mut(),
            );
            (
                queries.into_tensor(&device),
                weights.into_tensor(&device),
                context.into_tensor(&device),
            )
        }
        Vectors::Device(vectors) => {
            let Gathered { keys, values, none } = gather(regions, vectors, image_of_row);
            let tanh = (keys + queries.clone().unsqueeze_dim::<3>(1)).tanh();
            let energies = tanh.matmul(score.unsqueeze_dim::<3>(0)).squeeze_dim::<2>(2);
            let weights = softmax(energies.mask_fill(none, f32::NEG_INFINITY), 1);
            let context = weights.clone().unsqueeze_dim::<3>(1).matmul(values);
            (queries, weights, context.squeeze_dim::<2>(1))
        }
    };
    AttentionRecord {
        queries,
        weights,
        context,
        image_of_row: image_of_row.to_vec(),
    }
}

/// The gradient at the queries, `[rows, attention]`, from that at the context, `[rows, hidden]`; all others are added
/// to `gradient`.
///
/// ```text
/// d alpha_r = v_r . d context,   d e_r = alpha_r (d alpha_r - sum_s alpha_s d alpha_s)
/// t_r = tanh(k_r + q),   dk_r = d e_r w (1 - t_r^2),   dq = sum_r dk_r,   dw = sum_r d e_r t_r
/// dv_r = alpha_r d context
/// ```
pub(crate) fn attend_backward(
    regions: &Regions,
    score: Tensor<2>,
    record: AttentionRecord,
    d_context: Tensor<2>,
    gradient: &mut AttentionBackward,
) -> Tensor<2> {
    let AttentionRecord {
        queries,
        weights,
        context,
        image_of_row,
    } = record;
    gradient.contexts.push(context);
    let vectors = match &regions.vectors {
        Vectors::Device(vectors) => vectors,
        Vectors::Host(vectors) => {
            let score = Values::take(score);
            let attended = regions.attended(vectors, &score);
            let saved = (queries, weights, image_of_row.as_slice());
            return attend_backward_on_host(&attended, saved, d_context, gradient);
        }
    };
    let (rows, longest) = (image_of_row.len(), regions.longest());
    let [all, attention, _] = regions.dims;
    let Gathered { keys, values, .. } = gather(regions, vectors, &image_of_row);
    let d_context = d_context.unsqueeze_dim::<3>(2);
    let d_weights = values.matmul(d_context.clone()).squeeze_dim::<2>(2);
    let mean = (weights.clone() * d_weights.clone()).sum_dim(1);
    let d_energies = weights.clone() * (d_weights - mean);
    let d_values = weights
        .unsqueeze_dim::<3>(2)
        .matmul(d_context.swap_dims(1, 2));

    let tanh = (keys + queries.unsqueeze_dim::<3>(1)).tanh();
    let d_energies = d_energies.unsqueeze_dim::<3>(2);
    let score = score.transpose().unsqueeze_dim::<3>(0);
    let d_keys = d_energies.clone() * score * tanh.clone().square().neg().add_scalar(1.0);
    let d_score = (d_energies * tanh).sum_dim(1).squeeze_dim::<2>(1);

    let (region_of_row, _) = regions.of_rows(&image_of_row);
    let add = |to: &mut Tensor<2>, values: Tensor<3>| {
        let [_, _, columns] = values.dims();
        let values = values.reshape([rows * longest, columns]);
        // Of regions that do not exist, all gradients are 0.
        *to = to.clone() + scatter_rows(values, &region_of_row, all);
    };
    add(&mut gradient.d_keys, d_keys.clone());
    add(&mut gradient.d_values, d_values);
    let images = regions.images.len();
    gradient.d_score = gradient.d_score.clone() + scatter_rows(d_score, &image_of_row, images);
    d_keys.sum_dim(1).reshape([rows, attention])
}

fn attend_backward_on_host(
    attended: &Attended<'_>,
    (queries, weights, image_of_row): (Tensor<2>, Tensor<2>, &[usize]),
    d_context: Tensor<2>,
    gradient: &mut AttentionBackward,
) -> Tensor<2> {
    let (device, shape) = (queries.device(), queries.dims());
    // Taken out and put back: held by nobody else, the values are not copied.
    let take =
        |sum: &mut Tensor<2>| Values::take(std::mem::replace(sum, Tensor::empty([0, 0], &device)));
    let mut d_keys = take(&mut gradient.d_keys);
    let mut d_values = take(&mut gradient.d_values);
    let mut d_score = take(&mut gradient.d_score);
    let mut d_queries = Values::zeros(shape);
    kernel::attend_backward(
        attended,
        Values::take(queries).get(),
        image_of_row,
        Values::take(weights).get(),
        Values::take(d_context).get(),
        d_queries.get_mut(),
        AttendedGradient {
            d_keys: d_keys.get_mut(),
            d_values: d_values.get_mut(),
            d_score: d_score.get_mut(),
        },
    );
    gradient.d_keys = d_keys.into_tensor(&device);
    gradient.d_values = d_values.into_tensor(&device);
    gradient.d_score = d_score.into_tensor(&device);
    d_queries.into_tensor(&device)
}

/// Keys and values of every row, filled up to the most regions of an image.
struct Gathered {
    /// `[rows, longest, attention]`.
    keys: Tensor<3>,
    /// `[rows, longest, hidden]`.
    values: Tensor<3>,
    /// Where there is no such region, `[rows, longest]`.
    none: Tensor<2, Bool>,
}

fn gather(regions: &Regions, [keys, values]: &[Tensor<2>; 2], image_of_row: &[usize]) -> Gathered {
    let (rows, longest) = (image_of_row.len(), regions.longest());
    let device = keys.device();
    let (region_of_row, none) = regions.of_rows(image_of_row);
    let index = index(&region_of_row, &device);
    let select = |from: &Tensor<2>| {
        let columns = from.dims()[1];
        let rows_of = from.clone().select(0, index.clone());
        rows_of.reshape([rows, longest, columns])
    };
    Gathered {
        keys: select(keys),
        values: select(values),
        none: Tensor::from_data(TensorData::new(none, [rows, longest]), &device),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};

    use super::*;

    fn values(shape: [usize; 2], dtype: DType, seed: usize) -> Tensor<2> {
        let value = |k: usize| ((k * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0;
        let values: Vec<f64> = (0..shape[0] * shape[1]).map(value).collect();
        Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), dtype))
    }

    /// Weights, context and all gradients; images of different numbers of regions, one without a row.
    fn run(dtype: DType) -> Vec<Vec<f64>> {
        let (attention, hidden, counts) = (35, 21, [3, 5, 2, 4]);
        let image_of_row = [0, 0, 3, 1, 1, 0];
        let tensor = |rows, columns, seed| values([rows, columns], dtype, seed);
        let regions = Regions::new(tensor(14, attention, 1), tensor(14, hidden, 2), &counts);
        let score = tensor(attention, 1, 3);
        let queries = tensor(6, attention, 4);
        let record = attend(&regions, score.clone(), queries, &image_of_row);
        let d_context = tensor(6, hidden, 5);
        let mut sums = AttentionBackward::new(&regions, tensor(hidden, 7, 6));
        let (weights, context) = (record.weights.clone(), record.context.clone());
        let d_queries = attend_backward(&regions, score, record, d_context, &mut sums);
        let AttentionBackward {
            d_keys,
            d_values,
            d_score,
            ..
        } = sums;
        let d_score = d_score.sum_dim(0);
        [weights, context, d_queries, d_keys, d_values, d_score]
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
    fn weights_are_a_distribution_over_the_regions_that_exist() {
        let weights = &run(DType::F32)[0];
        for (row, regions) in weights.chunks(5).zip([3, 3, 4, 5, 5, 3]) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            assert!(row[..regions].iter().all(|&weight| weight > 0.0));
            assert!(row[regions..].iter().all(|&weight| weight == 0.0));
        }
    }
}
