//! Additive attention over the regions of a source: a launch forward, two backward.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        fusion::custom::TensorSpec,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{Device, Int, Tensor},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
};

use super::{
    UNITS, cube_a_row, empty, lists::send_numbers, one_each, rows_in_place, sums::sum_of_lanes,
};
use crate::attention::Span;

/// Units that sum up one energy.
const LANES: usize = 32;
/// The most regions of a source: their energies are in the memory of a cube.
pub const MOST_REGIONS: usize = 4_096;

/// What is attended to.
#[derive(Debug, Clone)]
pub struct Attended {
    /// `[regions of all sources, attention]`.
    pub keys: Tensor<2>,
    /// `[regions of all sources, hidden]`.
    pub values: Tensor<2>,
    /// `[attention, 1]`.
    pub score: Tensor<2>,
}

/// Rows and the regions of their sources, on a device.
#[derive(Debug, Clone)]
pub struct Looks {
    /// First region and number of regions of every row.
    spans: Tensor<1, Int>,
    /// As [`lists`] has it.
    lists: Tensor<1, Int>,
    longest: usize,
}

impl Looks {
    /// `sources`: the regions of every source; `source_of_row`: `[rows]`.
    pub fn new(sources: &[Span], source_of_row: &[usize], device: &Device) -> Self {
        let spans = source_of_row.iter().flat_map(|&source| {
            let Span { first, count } = sources[source];
            [first as i32, count as i32]
        });
        let spans: Vec<i32> = spans.collect();
        let lists = lists(sources, source_of_row);
        Self {
            spans: send_numbers(spans, device),
            lists: send_numbers(lists, device),
            longest: sources.iter().map(|span| span.count).max().unwrap_or(0),
        }
    }
}

/// Of every source first region, number of regions, and where its rows begin and end in the list of rows behind.
fn lists(sources: &[Span], source_of_row: &[usize]) -> Vec<i32> {
    let mut rows_of = vec![Vec::new(); sources.len()];
    for (row, &source) in source_of_row.iter().enumerate() {
        rows_of[source].push(row as i32);
    }
    let mut next = 4 * sources.len();
    let mut all = Vec::with_capacity(next + source_of_row.len());
    for (span, rows) in sources.iter().zip(&rows_of) {
        let end = next + rows.len();
        all.extend([span.first, span.count, next, end].map(|number| number as i32));
        next = end;
    }
    all.extend(rows_of.into_iter().flatten());
    all
}

/// `alpha`, `[rows, longest]`, 0 behind a source's regions, and contexts, `[rows, hidden]`:
/// [`attention::attend`](crate::attention::attend).
///
/// # Shapes
/// `queries`: `[rows, attention]`.
pub fn attend(attended: &Attended, queries: Tensor<2>, looks: &Looks) -> (Tensor<2>, Tensor<2>) {
    let Attended {
        keys,
        values,
        score,
    } = attended.clone();
    let (weights, contexts) = <Dispatch as Attention>::attend(
        keys.into_dispatch(),
        values.into_dispatch(),
        score.into_dispatch(),
        queries.into_dispatch(),
        looks.spans.clone().into_dispatch(),
        looks.longest,
    );
    (
        Tensor::from_dispatch(weights),
        Tensor::from_dispatch(contexts),
    )
}

/// Gradients that backward passes add to.
#[derive(Debug, Clone)]
pub struct Sums {
    /// `[regions of all sources, attention]`.
    pub keys: Tensor<2>,
    /// `[regions of all sources, hidden]`.
    pub values: Tensor<2>,
    /// `[sources, attention]`: the parts of `dL/dw` by source.
    pub score: Tensor<2>,
}

/// The gradient at the energies, `[rows, longest]`, from that at the contexts, `[rows, hidden]`.
pub fn energies_backward(
    attended: &Attended,
    weights: Tensor<2>,
    d_contexts: Tensor<2>,
    looks: &Looks,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Attention>::energies_backward(
        attended.values.clone().into_dispatch(),
        weights.into_dispatch(),
        d_contexts.into_dispatch(),
        looks.spans.clone().into_dispatch(),
    ))
}

/// The gradient at the queries, `[rows, attention]`, from that at the energies, `[rows, longest]`; those at keys and the
/// score are added to `sums`: with [`values_backward`] and [`energies_backward`] before it,
/// [`attention::attend_backward`](crate::attention::attend_backward).
pub fn attend_backward(
    attended: &Attended,
    queries: Tensor<2>,
    d_energies: Tensor<2>,
    looks: &Looks,
    sums: &mut Sums,
) -> Tensor<2> {
    let (keys, score) = (attended.keys.clone(), attended.score.clone());
    let d_queries = <Dispatch as Attention>::queries_backward(
        keys.clone().into_dispatch(),
        score.clone().into_dispatch(),
        queries.clone().into_dispatch(),
        d_energies.clone().into_dispatch(),
        looks.spans.clone().into_dispatch(),
    );
    let (d_keys, d_score) = <Dispatch as Attention>::keys_backward(
        keys.into_dispatch(),
        score.into_dispatch(),
        queries.into_dispatch(),
        d_energies.into_dispatch(),
        looks.lists.clone().into_dispatch(),
        sums.keys.clone().into_dispatch(),
        sums.score.clone().into_dispatch(),
    );
    sums.keys = Tensor::from_dispatch(d_keys);
    sums.score = Tensor::from_dispatch(d_score);
    Tensor::from_dispatch(d_queries)
}

/// Adds the gradient at values from that at contexts, `[rows, hidden]`.
pub fn values_backward(weights: Tensor<2>, d_contexts: Tensor<2>, looks: &Looks, sums: &mut Sums) {
    let d_values = <Dispatch as Attention>::values_backward(
        weights.into_dispatch(),
        d_contexts.into_dispatch(),
        looks.lists.clone().into_dispatch(),
        sums.values.clone().into_dispatch(),
        sums.score.dims()[0],
    );
    sums.values = Tensor::from_dispatch(d_values);
}

fn weights_of(queries: &TensorSpec, longest: usize) -> TensorSpec {
    TensorSpec::new([queries.shape[0], longest].into(), queries.dtype)
}

fn contexts_of(queries: &TensorSpec, values: &TensorSpec) -> TensorSpec {
    TensorSpec::new([queries.shape[0], values.shape[1]].into(), queries.dtype)
}

#[backend_extension(Cube, Fusion)]
trait Attention: Backend {
    #[fusion(meta = |_: &TensorSpec, values: &TensorSpec, _: &TensorSpec, queries: &TensorSpec, _: &TensorSpec, longest: &usize| (weights_of(queries, *longest), contexts_of(queries, values)))]
    fn attend(
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        score: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        spans: IntTensor<Self>,
        longest: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |_: &TensorSpec, weights: &TensorSpec, _: &TensorSpec, _: &TensorSpec| weights.clone())]
    fn energies_backward(
        values: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        spans: IntTensor<Self>,
    ) -> FloatTensor<Self>;

    #[fusion(meta = |_: &TensorSpec, _: &TensorSpec, queries: &TensorSpec, _: &TensorSpec, _: &TensorSpec| queries.clone())]
    fn queries_backward(
        keys: FloatTensor<Self>,
        score: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        d_energies: FloatTensor<Self>,
        spans: IntTensor<Self>,
    ) -> FloatTensor<Self>;

    #[fusion(meta = |keys: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, d_score: &TensorSpec| (keys.clone(), d_score.clone()))]
    fn keys_backward(
        keys: FloatTensor<Self>,
        score: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        d_energies: FloatTensor<Self>,
        lists: IntTensor<Self>,
        d_keys: FloatTensor<Self>,
        d_score: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |_: &TensorSpec, _: &TensorSpec, _: &TensorSpec, d_values: &TensorSpec, _: &usize| d_values.clone())]
    fn values_backward(
        weights: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        lists: IntTensor<Self>,
        d_values: FloatTensor<Self>,
        sources: usize,
    ) -> FloatTensor<Self>;
}

#[cube]
fn at(numbers: &Buffer<i32>, #[comptime] behind: usize, place: usize) -> usize {
    u32::cast_from(numbers[place + behind]) as usize
}

/// A cube a row.
#[cube(launch)]
fn forward(
    keys: &Buffer<f32>,
    values: &Buffer<f32>,
    score: &Buffer<f32>,
    queries: &Buffer<f32>,
    spans: &Buffer<i32>,
    weights: &mut Buffer<f32>,
    contexts: &mut Buffer<f32>,
    rows: u32,
    longest: u32,
    hidden: u32,
    #[comptime] room: usize,
    #[comptime] units: usize,
    #[comptime] lanes: usize,
) {
    let row = CUBE_POS;
    if row >= rows as usize {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let lanes_of = lanes.runtime();
    let groups = units_of / lanes_of;
    let (group, lane) = (unit / lanes_of, unit % lanes_of);
    let columns = score.len();
    let hidden = hidden as usize;
    let longest = longest as usize;
    let first = at(spans, 0usize, 2 * row);
    let count = at(spans, 1usize, 2 * row);
    let mut energies = Shared::<[f32]>::new_slice(room);
    let mut partial = Shared::<[f32]>::new_slice(units);

    let mut begin = 0usize;
    while begin < count {
        let region = begin + group;
        let mut sum = f32::new(0.0);
        if region < count {
            let key = (first + region) * columns;
            let mut a = lane;
            while a < columns {
                sum += score[a] * (keys[key + a] + queries[row * queries.stride(0) + a]).tanh();
                a += lanes_of;
            }
        }
        let sum = sum_of_lanes(&mut partial, sum, lanes);
        if lane == 0 && region < count {
            energies[region] = sum;
        }
        begin += groups;
    }
    sync_cube();

    let mut top = energies[0];
    let mut region = 1usize;
    while region < count {
        if energies[region] > top {
            top = energies[region];
        }
        region += 1;
    }
    let mut total = f32::new(0.0);
    let mut region = 0usize;
    while region < count {
        total += (energies[region] - top).exp();
        region += 1;
    }
    let mut region = unit;
    while region < longest {
        let mut weight = f32::new(0.0);
        if region < count {
            weight = (energies[region] - top).exp() / total;
        }
        weights[row * longest + region] = weight;
        region += units_of;
    }
    let mut column = unit;
    while column < hidden {
        let mut context = f32::new(0.0);
        let mut region = 0usize;
        while region < count {
            let weight = (energies[region] - top).exp() / total;
            context += weight * values[(first + region) * hidden + column];
            region += 1;
        }
        contexts[row * hidden + column] = context;
        column += units_of;
    }
}

/// A cube a row: `d e_r = alpha_r (d alpha_r - sum_s alpha_s d alpha_s)`.
#[cube(launch)]
fn to_energies(
    values: &Buffer<f32>,
    weights: &Buffer<f32>,
    d_contexts: &Buffer<f32>,
    spans: &Buffer<i32>,
    d_energies: &mut Buffer<f32>,
    rows: u32,
    longest: u32,
    hidden: u32,
    #[comptime] room: usize,
    #[comptime] units: usize,
    #[comptime] lanes: usize,
) {
    let row = CUBE_POS;
    if row >= rows as usize {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let lanes_of = lanes.runtime();
    let groups = units_of / lanes_of;
    let (group, lane) = (unit / lanes_of, unit % lanes_of);
    let hidden = hidden as usize;
    let longest = longest as usize;
    let first = at(spans, 0usize, 2 * row);
    let count = at(spans, 1usize, 2 * row);
    let mut d_weights = Shared::<[f32]>::new_slice(room);
    let mut partial = Shared::<[f32]>::new_slice(units);

    let mut begin = 0usize;
    while begin < count {
        let region = begin + group;
        let mut sum = f32::new(0.0);
        if region < count {
            let value = (first + region) * hidden;
            let mut h = lane;
            while h < hidden {
                sum += values[value + h] * d_contexts[row * d_contexts.stride(0) + h];
                h += lanes_of;
            }
        }
        let sum = sum_of_lanes(&mut partial, sum, lanes);
        if lane == 0 && region < count {
            d_weights[region] = sum;
        }
        begin += groups;
    }
    sync_cube();

    let mut mean = f32::new(0.0);
    let mut region = 0usize;
    while region < count {
        mean += weights[row * longest + region] * d_weights[region];
        region += 1;
    }
    let mut region = unit;
    while region < longest {
        let mut d_energy = f32::new(0.0);
        if region < count {
            d_energy = weights[row * longest + region] * (d_weights[region] - mean);
        }
        d_energies[row * longest + region] = d_energy;
        region += units_of;
    }
}

/// A unit a row and column: `dq = sum_r d e_r w (1 - t_r^2)`.
#[cube(launch)]
fn to_queries(
    keys: &Buffer<f32>,
    score: &Buffer<f32>,
    queries: &Buffer<f32>,
    d_energies: &Buffer<f32>,
    spans: &Buffer<i32>,
    d_queries: &mut Buffer<f32>,
    longest: u32,
) {
    let k = ABSOLUTE_POS;
    if k >= d_queries.len() {
        terminate!();
    }
    let columns = score.len();
    let longest = longest as usize;
    let row = k / columns;
    let a = k - row * columns;
    let first = at(spans, 0usize, 2 * row);
    let count = at(spans, 1usize, 2 * row);
    let query = queries[row * queries.stride(0) + a];
    let mut sum = f32::new(0.0);
    let mut region = 0usize;
    while region < count {
        let t = (keys[(first + region) * columns + a] + query).tanh();
        sum += d_energies[row * longest + region] * (1.0f32 - t * t);
        region += 1;
    }
    d_queries[k] = sum * score[a];
}

/// A unit a source and column: all its regions and rows, one after the other.
#[cube(launch)]
fn to_keys(
    keys: &Buffer<f32>,
    score: &Buffer<f32>,
    queries: &Buffer<f32>,
    d_energies: &Buffer<f32>,
    lists: &Buffer<i32>,
    before_keys: &Buffer<f32>,
    before_score: &Buffer<f32>,
    d_keys: &mut Buffer<f32>,
    d_score: &mut Buffer<f32>,
    longest: u32,
) {
    let k = ABSOLUTE_POS;
    if k >= before_score.len() {
        terminate!();
    }
    let columns = score.len();
    let longest = longest as usize;
    let source = k / columns;
    let a = k - source * columns;
    let first = at(lists, 0usize, 4 * source);
    let count = at(lists, 1usize, 4 * source);
    let begin = at(lists, 2usize, 4 * source);
    let end = at(lists, 3usize, 4 * source);
    let mut of_score = f32::new(0.0);
    let mut region = 0usize;
    while region < count {
        let place = (first + region) * columns + a;
        let key = keys[place];
        let mut of_key = f32::new(0.0);
        let mut next = begin;
        while next < end {
            let row = at(lists, 0usize, next);
            let t = (key + queries[row * queries.stride(0) + a]).tanh();
            let d_energy = d_energies[row * longest + region];
            of_key += d_energy * (1.0f32 - t * t);
            of_score += d_energy * t;
            next += 1;
        }
        d_keys[place] = before_keys[place] + of_key * score[a];
        region += 1;
    }
    d_score[k] = before_score[k] + of_score;
}

/// A unit a source and column: `dv_r = sum_rows alpha_r d context`.
#[cube(launch)]
fn to_values(
    weights: &Buffer<f32>,
    d_contexts: &Buffer<f32>,
    lists: &Buffer<i32>,
    before: &Buffer<f32>,
    d_values: &mut Buffer<f32>,
    sources: u32,
    hidden: u32,
    longest: u32,
) {
    let k = ABSOLUTE_POS;
    let hidden = hidden as usize;
    let longest = longest as usize;
    let source = k / hidden;
    if source >= sources as usize {
        terminate!();
    }
    let h = k - source * hidden;
    let first = at(lists, 0usize, 4 * source);
    let count = at(lists, 1usize, 4 * source);
    let begin = at(lists, 2usize, 4 * source);
    let end = at(lists, 3usize, 4 * source);
    let mut region = 0usize;
    while region < count {
        let place = (first + region) * hidden + h;
        let mut sum = before[place];
        let mut next = begin;
        while next < end {
            let row = at(lists, 0usize, next);
            sum += weights[row * longest + region] * d_contexts[row * d_contexts.stride(0) + h];
            next += 1;
        }
        d_values[place] = sum;
        region += 1;
    }
}

/// Room for numbers of regions, of few sizes, as each is compiled for itself.
fn room(longest: usize) -> usize {
    longest.next_power_of_two().max(64)
}

impl Attention for CubeBackend {
    fn attend(
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        score: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        spans: IntTensor<Self>,
        longest: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [keys, values, score] = [keys, values, score].map(into_contiguous);
        let queries = rows_in_place(queries);
        let spans = into_contiguous(spans);
        let [rows, _] = queries.meta.shape().dims::<2>();
        let [_, hidden] = values.meta.shape().dims::<2>();
        let weights = empty(&queries, vec![rows, longest], queries.dtype);
        let contexts = empty(&queries, vec![rows, hidden], queries.dtype);
        let (count, dim) = cube_a_row(rows);
        let client = queries.client.clone();
        forward::launch(
            &client,
            count,
            dim,
            keys.into_tensor_arg(),
            values.into_tensor_arg(),
            score.into_tensor_arg(),
            queries.into_tensor_arg(),
            spans.into_tensor_arg(),
            weights.clone().into_tensor_arg(),
            contexts.clone().into_tensor_arg(),
            rows as u32,
            longest as u32,
            hidden as u32,
            room(longest),
            UNITS,
            LANES,
        );
        (weights, contexts)
    }

    fn energies_backward(
        values: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        spans: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let [values, weights] = [values, weights].map(into_contiguous);
        let d_contexts = rows_in_place(d_contexts);
        let spans = into_contiguous(spans);
        let [rows, longest] = weights.meta.shape().dims();
        let [_, hidden] = values.meta.shape().dims::<2>();
        let d_energies = empty(&weights, vec![rows, longest], weights.dtype);
        let (count, dim) = cube_a_row(rows);
        let client = weights.client.clone();
        to_energies::launch(
            &client,
            count,
            dim,
            values.into_tensor_arg(),
            weights.into_tensor_arg(),
            d_contexts.into_tensor_arg(),
            spans.into_tensor_arg(),
            d_energies.clone().into_tensor_arg(),
            rows as u32,
            longest as u32,
            hidden as u32,
            room(longest),
            UNITS,
            LANES,
        );
        d_energies
    }

    fn queries_backward(
        keys: FloatTensor<Self>,
        score: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        d_energies: FloatTensor<Self>,
        spans: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let [keys, score, d_energies] = [keys, score, d_energies].map(into_contiguous);
        let queries = rows_in_place(queries);
        let spans = into_contiguous(spans);
        let [rows, columns] = queries.meta.shape().dims();
        let [_, longest] = d_energies.meta.shape().dims::<2>();
        let d_queries = empty(&queries, vec![rows, columns], queries.dtype);
        let (count, dim) = one_each(rows * columns);
        let client = queries.client.clone();
        to_queries::launch(
            &client,
            count,
            dim,
            keys.into_tensor_arg(),
            score.into_tensor_arg(),
            queries.into_tensor_arg(),
            d_energies.into_tensor_arg(),
            spans.into_tensor_arg(),
            d_queries.clone().into_tensor_arg(),
            longest as u32,
        );
        d_queries
    }

    fn keys_backward(
        keys: FloatTensor<Self>,
        score: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        d_energies: FloatTensor<Self>,
        lists: IntTensor<Self>,
        d_keys: FloatTensor<Self>,
        d_score: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [keys, score, d_energies, before_keys, before_score] =
            [keys, score, d_energies, d_keys, d_score].map(into_contiguous);
        let queries = rows_in_place(queries);
        let lists = into_contiguous(lists);
        let [regions, columns] = keys.meta.shape().dims();
        let [sources, _] = before_score.meta.shape().dims::<2>();
        let [_, longest] = d_energies.meta.shape().dims::<2>();
        let d_keys = empty(&keys, vec![regions, columns], keys.dtype);
        let d_score = empty(&keys, vec![sources, columns], keys.dtype);
        let (count, dim) = one_each(sources * columns);
        let client = keys.client.clone();
        to_keys::launch(
            &client,
            count,
            dim,
            keys.into_tensor_arg(),
            score.into_tensor_arg(),
            queries.into_tensor_arg(),
            d_energies.into_tensor_arg(),
            lists.into_tensor_arg(),
            before_keys.into_tensor_arg(),
            before_score.into_tensor_arg(),
            d_keys.clone().into_tensor_arg(),
            d_score.clone().into_tensor_arg(),
            longest as u32,
        );
        (d_keys, d_score)
    }

    fn values_backward(
        weights: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        lists: IntTensor<Self>,
        d_values: FloatTensor<Self>,
        sources: usize,
    ) -> FloatTensor<Self> {
        let [weights, before] = [weights, d_values].map(into_contiguous);
        let d_contexts = rows_in_place(d_contexts);
        let lists = into_contiguous(lists);
        let [regions, hidden] = before.meta.shape().dims();
        let [_, longest] = weights.meta.shape().dims::<2>();
        let d_values = empty(&before, vec![regions, hidden], before.dtype);
        let (count, dim) = one_each(sources * hidden);
        let client = before.client.clone();
        to_values::launch(
            &client,
            count,
            dim,
            weights.into_tensor_arg(),
            d_contexts.into_tensor_arg(),
            lists.into_tensor_arg(),
            before.into_tensor_arg(),
            d_values.clone().into_tensor_arg(),
            sources as u32,
            hidden as u32,
            longest as u32,
        );
        d_values
    }
}
