//! Additive attention over the regions of a source (Bahdanau et al. 2015; Xu et al. 2015).

use std::sync::Arc;

use burn::tensor::{Bool, Float, Tensor, TensorData, activation::softmax};
#[cfg(feature = "cube")]
use scst_kernels::cube::{
    attention::{self as cube, Looks},
    runs_on,
};
use scst_kernels::{
    attention as kernel,
    attention::{Attended, AttendedGradient, Signal, Span},
    host::{Values, View, is_host},
    traffic::{read, send},
};

use crate::{
    ModelError,
    locations::{LocationSignal, Look},
    rows::{index, scatter_rows},
    step_product::StepProduct,
    weight::Weight,
};

/// What captions attend to: keys and values of all regions of all sources.
#[derive(Debug, Clone)]
pub(crate) struct Regions {
    sources: Arc<[Span]>,
    /// Number of regions of all sources, columns of the keys, columns of the values.
    dims: [usize; 3],
    vectors: Vectors,
}

#[derive(Debug, Clone)]
enum Vectors {
    /// Read in place by every step.
    Host(Arc<[Values; 2]>),
    Device(Box<[Tensor<2>; 2]>),
}

impl Regions {
    /// `keys`: `[regions of all sources, attention]`; `values`: `[regions of all sources, hidden]`; `counts`: the
    /// number of regions of every source.
    pub(crate) fn new(keys: Tensor<2>, values: Tensor<2>, counts: &[usize]) -> Self {
        let mut first = 0;
        let spans = counts.iter().map(|&count| {
            let span = Span { first, count };
            first += count;
            span
        });
        let sources = spans.collect();
        let ([all, attention], [_, hidden]) = (keys.dims(), values.dims());
        let vectors = if is_host(&keys.device(), keys.dtype()) {
            Vectors::Host(Arc::new([keys, values].map(Values::take)))
        } else {
            Vectors::Device(Box::new([keys, values]))
        };
        Self {
            sources,
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
            sources: &self.sources,
        }
    }

    /// The regions for kernels, where there are any.
    #[cfg(feature = "cube")]
    fn on_device(&self, score: &Tensor<2>) -> Option<cube::Attended> {
        let Vectors::Device(vectors) = &self.vectors else {
            return None;
        };
        let [keys, values] = &**vectors;
        let reaches = runs_on(&keys.device(), keys.dtype());
        (reaches && self.longest() <= cube::MOST_REGIONS).then(|| cube::Attended {
            keys: keys.clone(),
            values: values.clone(),
            score: score.clone(),
        })
    }

    /// The numbers of chosen regions among those of all sources.
    fn chosen(&self, source_of_row: &[usize], drawn: &[usize]) -> Vec<usize> {
        let rows = source_of_row.iter().zip(drawn);
        rows.map(|(&source, &k)| self.sources[source].first + k)
            .collect()
    }

    /// The values of regions, a row each, on the device of `like`.
    fn values(&self, regions: &[usize], like: &Tensor<2>) -> Tensor<2> {
        match &self.vectors {
            Vectors::Device(vectors) => {
                vectors[1].clone().select(0, index(regions, &like.device()))
            }
            Vectors::Host(vectors) => {
                let hidden = self.dims[2];
                let mut chosen = Values::zeros([regions.len(), hidden]);
                let rows = chosen.get_mut().chunks_exact_mut(hidden);
                for (row, &region) in rows.zip(regions) {
                    row.copy_from_slice(&vectors[1].get()[region * hidden..][..hidden]);
                }
                chosen.into_tensor(&like.device())
            }
        }
    }

    /// The most regions of a source.
    fn longest(&self) -> usize {
        self.sources
            .iter()
            .map(|span| span.count)
            .max()
            .unwrap_or(0)
    }

    /// The regions of every row's source, filled up with region 0, `[rows longest]`, and where they are filled up.
    fn of_rows(&self, source_of_row: &[usize]) -> (Vec<usize>, Vec<bool>) {
        let longest = self.longest();
        let spans = source_of_row.iter().map(|&source| self.sources[source]);
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
    /// `alpha`, `[rows, longest]`, 0 where a source has no such region.
    pub(crate) weights: Tensor<2>,
    /// `z`, `[rows, hidden]`.
    pub(crate) context: Tensor<2>,
    source_of_row: Vec<usize>,
    /// The regions that were drawn, counted from the first of the row's source; `None` where `z` is expected.
    drawn: Option<Vec<usize>>,
    /// The rows and their regions as kernels read them, where kernels attended.
    #[cfg(feature = "cube")]
    looks: Option<Looks>,
}

/// What a backward pass carries from step to step.
#[derive(Debug)]
pub(crate) struct AttentionBackward {
    /// `[regions of all sources, attention]`.
    pub(crate) d_keys: Tensor<2>,
    /// `[regions of all sources, hidden]`.
    pub(crate) d_values: Tensor<2>,
    /// Rows whose sum is the gradient at `w`, `[sources, attention]`.
    pub(crate) d_score: Tensor<2>,
    /// `z W_z`.
    pub(crate) context: StepProduct,
}

impl AttentionBackward {
    /// No step yet; `context_weight` is the weight that contexts are multiplied by.
    pub(crate) fn new(regions: &Regions, context_weight: Weight) -> Self {
        let [all, attention, hidden] = regions.dims;
        let values = context_weight.val();
        let place = (&values.device(), values.dtype());
        let zeros = |shape: [usize; 2]| Tensor::zeros(shape, place);
        Self {
            d_keys: zeros([all, attention]),
            d_values: zeros([all, hidden]),
            d_score: zeros([regions.sources.len(), attention]),
            context: StepProduct::new(context_weight),
        }
    }
}

/// Attends from every row to the regions of its source.
///
/// ```text
/// e_r = w . tanh(k_r + q),   alpha = softmax(e),   z = sum_r alpha_r v_r,   or z = v_r for one region r (hard attention)
/// ```
///
/// # Shapes
/// `score`: `w`, `[attention, 1]`; `queries`: `q`, `[rows, attention]`; `z` is `[rows, hidden]`.
///
/// # Errors
/// [`ModelError::Read`] when the device does not hand the weights back that regions are chosen by.
pub(crate) fn attend(
    regions: &Regions,
    score: Tensor<2>,
    queries: Tensor<2>,
    source_of_row: &[usize],
    look: &mut Look<'_>,
) -> Result<AttentionRecord, ModelError> {
    let mut record = attend_softly(regions, score, queries, source_of_row);
    if !matches!(look, Look::Expected) {
        let counts: Vec<usize> = source_of_row
            .iter()
            .map(|&k| regions.sources[k].count)
            .collect();
        let weights = read::<f32, _, _>(record.weights.clone());
        let weights = weights.map_err(|error| ModelError::Read {
            reason: error.to_string(),
        })?;
        let drawn = look.choose(&weights, &counts);
        record.context = regions.values(&regions.chosen(source_of_row, &drawn), &record.context);
        record.drawn = Some(drawn);
    }
    Ok(record)
}

fn attend_softly(
    regions: &Regions,
    score: Tensor<2>,
    queries: Tensor<2>,
    source_of_row: &[usize],
) -> AttentionRecord {
    #[cfg(feature = "cube")]
    if let Some(attended) = regions.on_device(&score) {
        let looks = Looks::new(&regions.sources, source_of_row, &queries.device());
        let (weights, context) = cube::attend(&attended, queries.clone(), &looks);
        return AttentionRecord {
            queries,
            weights,
            context,
            source_of_row: source_of_row.to_vec(),
            drawn: None,
            looks: Some(looks),
        };
    }
    let (queries, weights, context) = match &regions.vectors {
        Vectors::Host(vectors) => {
            let device = queries.device();
            let (score, queries) = (Values::take(score), Values::take(queries));
            let mut weights = Values::zeros([source_of_row.len(), regions.longest()]);
            let mut context = Values::zeros([source_of_row.len(), regions.dims[2]]);
            kernel::attend(
                &regions.attended(vectors, &score),
                queries.get(),
                source_of_row,
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
            let Gathered { keys, values, none } = gather(regions, vectors, source_of_row);
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
        source_of_row: source_of_row.to_vec(),
        drawn: None,
        #[cfg(feature = "cube")]
        looks: None,
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
///
/// Of regions that were drawn, only their own values get a gradient from the context; that at the energies is the
/// one of `location`, see [`LocationSignal`].
pub(crate) fn attend_backward(
    regions: &Regions,
    score: Tensor<2>,
    record: AttentionRecord,
    d_context: Tensor<2>,
    location: Option<LocationSignal<'_>>,
    gradient: &mut AttentionBackward,
) -> Tensor<2> {
    let AttentionRecord {
        queries,
        weights,
        source_of_row,
        drawn,
        #[cfg(feature = "cube")]
            looks: record_looks,
        ..
    } = record;
    let d_drawn = drawn.map(|drawn| {
        let chosen = regions.chosen(&source_of_row, &drawn);
        let d_values = scatter_rows(d_context.clone(), &chosen, regions.dims[0]);
        gradient.d_values = gradient.d_values.clone() + d_values;
        location_gradient(&weights, &drawn, location)
    });
    #[cfg(feature = "cube")]
    if let Some((attended, looks)) = regions.on_device(&score).zip(record_looks) {
        let saved = (queries, weights, &looks);
        return attend_backward_on_device(&attended, saved, d_context, d_drawn, gradient);
    }
    let vectors = match &regions.vectors {
        Vectors::Device(vectors) => vectors,
        Vectors::Host(vectors) => {
            let score = Values::take(score);
            let attended = regions.attended(vectors, &score);
            let saved = (queries, weights, source_of_row.as_slice());
            let of_energies = d_drawn.is_some();
            let signal = View::of(d_drawn.unwrap_or(d_context));
            let signal = if of_energies {
                Signal::Energies(signal.get())
            } else {
                Signal::Contexts(signal.get())
            };
            return attend_backward_on_host(&attended, saved, signal, gradient);
        }
    };
    let (rows, longest) = (source_of_row.len(), regions.longest());
    let [all, attention, _] = regions.dims;
    let Gathered { keys, values, .. } = gather(regions, vectors, &source_of_row);
    let (region_of_row, _) = regions.of_rows(&source_of_row);
    let add = |to: &mut Tensor<2>, values: Tensor<3>| {
        let [_, _, columns] = values.dims();
        let values = values.reshape([rows * longest, columns]);
        // Of regions that do not exist, all gradients are 0.
        *to = to.clone() + scatter_rows(values, &region_of_row, all);
    };
    let d_energies = d_drawn.unwrap_or_else(|| {
        let d_context = d_context.unsqueeze_dim::<3>(2);
        let d_weights = values.matmul(d_context.clone()).squeeze_dim::<2>(2);
        let mean = (weights.clone() * d_weights.clone()).sum_dim(1);
        let d_energies = weights.clone() * (d_weights - mean);
        let of_rows = weights.unsqueeze_dim::<3>(2);
        add(
            &mut gradient.d_values,
            of_rows.matmul(d_context.swap_dims(1, 2)),
        );
        d_energies
    });

    let tanh = (keys + queries.unsqueeze_dim::<3>(1)).tanh();
    let d_energies = d_energies.unsqueeze_dim::<3>(2);
    let score = score.transpose().unsqueeze_dim::<3>(0);
    let d_keys = d_energies.clone() * score * tanh.clone().square().neg().add_scalar(1.0);
    let d_score = (d_energies * tanh).sum_dim(1).squeeze_dim::<2>(1);

    add(&mut gradient.d_keys, d_keys.clone());
    let sources = regions.sources.len();
    gradient.d_score = gradient.d_score.clone() + scatter_rows(d_score, &source_of_row, sources);
    d_keys.sum_dim(1).reshape([rows, attention])
}

#[cfg(feature = "cube")]
fn attend_backward_on_device(
    attended: &cube::Attended,
    (queries, weights, looks): (Tensor<2>, Tensor<2>, &Looks),
    d_context: Tensor<2>,
    d_drawn: Option<Tensor<2>>,
    gradient: &mut AttentionBackward,
) -> Tensor<2> {
    let mut sums = cube::Sums {
        keys: gradient.d_keys.clone(),
        values: gradient.d_values.clone(),
        score: gradient.d_score.clone(),
    };
    let d_energies = d_drawn.unwrap_or_else(|| {
        cube::values_backward(weights.clone(), d_context.clone(), looks, &mut sums);
        cube::energies_backward(attended, weights, d_context, looks)
    });
    let d_queries = cube::attend_backward(attended, queries, d_energies, looks, &mut sums);
    gradient.d_keys = sums.keys;
    gradient.d_values = sums.values;
    gradient.d_score = sums.score;
    d_queries
}

fn attend_backward_on_host(
    attended: &Attended<'_>,
    (queries, weights, source_of_row): (Tensor<2>, Tensor<2>, &[usize]),
    signal: Signal<'_>,
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
        View::of(queries).get(),
        source_of_row,
        View::of(weights).get(),
        signal,
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

/// `dL/de` of regions that were drawn, `[rows, longest]`.
fn location_gradient(
    weights: &Tensor<2>,
    drawn: &[usize],
    location: Option<LocationSignal<'_>>,
) -> Tensor<2> {
    let Some(LocationSignal {
        weights: a,
        entropy,
    }) = location
    else {
        return weights.zeros_like();
    };
    let ([rows, longest], place) = (weights.dims(), (&weights.device(), weights.dtype()));
    let mut one_hot = vec![0.0f32; rows * longest];
    for (row, &k) in drawn.iter().enumerate() {
        one_hot[row * longest + k] = 1.0;
    }
    let one_hot = send::<2, Float>(TensorData::new(one_hot, [rows, longest]), place);
    let a = send::<2, Float>(TensorData::new(a.to_vec(), [rows, 1]), place);
    // alpha log alpha is 0 where alpha is: the logarithm is that of a number above 0.
    let log = weights.clone().clamp_min(f32::MIN_POSITIVE).log();
    let negative_entropy = (weights.clone() * log.clone()).sum_dim(1);
    let d_entropy = weights.clone() * (log - negative_entropy);
    a * (weights.clone() - one_hot) + d_entropy.mul_scalar(entropy)
}

/// Keys and values of every row, filled up to the most regions of a source.
struct Gathered {
    /// `[rows, longest, attention]`.
    keys: Tensor<3>,
    /// `[rows, longest, hidden]`.
    values: Tensor<3>,
    /// Where there is no such region, `[rows, longest]`.
    none: Tensor<2, Bool>,
}

fn gather(regions: &Regions, [keys, values]: &[Tensor<2>; 2], source_of_row: &[usize]) -> Gathered {
    let (rows, longest) = (source_of_row.len(), regions.longest());
    let device = keys.device();
    let (region_of_row, none) = regions.of_rows(source_of_row);
    let index = index(&region_of_row, &device);
    let select = |from: &Tensor<2>| {
        let columns = from.dims()[1];
        let rows_of = from.clone().select(0, index.clone());
        rows_of.reshape([rows, longest, columns])
    };
    Gathered {
        keys: select(keys),
        values: select(values),
        none: send(TensorData::new(none, [rows, longest]), &device),
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Param,
        tensor::{DType, Device},
    };

    use super::*;

    fn values(shape: [usize; 2], dtype: DType, seed: usize) -> Tensor<2> {
        let value = |k: usize| ((k * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0;
        let values: Vec<f64> = (0..shape[0] * shape[1]).map(value).collect();
        Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), dtype))
    }

    /// Weights, context and all gradients; sources of different numbers of regions, one without a row.
    fn run(dtype: DType) -> Vec<Vec<f64>> {
        let (attention, hidden, counts) = (35, 21, [3, 5, 2, 4]);
        let source_of_row = [0, 0, 3, 1, 1, 0];
        let tensor = |rows, columns, seed| values([rows, columns], dtype, seed);
        let regions = Regions::new(tensor(14, attention, 1), tensor(14, hidden, 2), &counts);
        let score = tensor(attention, 1, 3);
        let queries = tensor(6, attention, 4);
        let mut look = Look::Expected;
        let record = attend(&regions, score.clone(), queries, &source_of_row, &mut look).unwrap();
        let d_context = tensor(6, hidden, 5);
        let weight = Param::from_tensor(tensor(hidden, 7, 6));
        let mut sums = AttentionBackward::new(&regions, weight.into());
        let (weights, context) = (record.weights.clone(), record.context.clone());
        let d_queries = attend_backward(&regions, score, record, d_context, None, &mut sums);
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
