//! Scaled dot-product attention with several heads from rows to lists of rows: a launch forward, two backward.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        fusion::custom::TensorSpec,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::Tensor,
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
};

use super::{UNITS, cube_a_row, empty, one_each};
use crate::multi_head::Sources;

/// The most pairs of a head and a row that a query has: their energies are in the memory of a cube.
pub const MOST_PAIRS: usize = 2_048;

/// Whether lists are short enough for kernels.
pub fn fits(sources: &Sources, heads: usize) -> bool {
    heads * sources.longest() <= MOST_PAIRS
}

/// Contexts, `[queries, hidden]`: [`multi_head::attend`](crate::multi_head::attend).
///
/// # Shapes
/// `keys_values`: `[rows, 2 hidden]`; `queries`: `[queries, hidden]`.
pub fn attend(
    keys_values: Tensor<2>,
    sources: &Sources,
    heads: usize,
    queries: Tensor<2>,
) -> Tensor<2> {
    let lists = sources.on_device(&queries.device());
    Tensor::from_dispatch(<Dispatch as MultiHead>::attend(
        keys_values.into_dispatch(),
        queries.into_dispatch(),
        lists.numbers.into_dispatch(),
        heads,
        sources.longest(),
    ))
}

/// The gradients at the queries, `[queries, hidden]`, and at keys and values, `[rows, 2 hidden]`:
/// [`multi_head::attend_backward`](crate::multi_head::attend_backward).
pub fn attend_backward(
    keys_values: Tensor<2>,
    sources: &Sources,
    heads: usize,
    queries: Tensor<2>,
    d_contexts: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let device = queries.device();
    let lists = sources.on_device(&device);
    let rows = keys_values.dims()[0];
    let uses = sources.uses_on_device(rows, &device);
    let of_lists = lists.numbers.into_dispatch();
    let (queries, d_contexts) = (queries.into_dispatch(), d_contexts.into_dispatch());
    let (d_queries, weights, d_energies) = <Dispatch as MultiHead>::queries_backward(
        keys_values.into_dispatch(),
        queries.clone(),
        d_contexts.clone(),
        of_lists.clone(),
        heads,
        sources.longest(),
        lists.count,
    );
    let d_keys_values = <Dispatch as MultiHead>::rows_backward(
        queries,
        d_contexts,
        weights,
        d_energies,
        of_lists,
        uses.into_dispatch(),
        heads,
        rows,
    );
    (
        Tensor::from_dispatch(d_queries),
        Tensor::from_dispatch(d_keys_values),
    )
}

fn list_of(like: &TensorSpec, length: usize) -> TensorSpec {
    TensorSpec::new([length].into(), like.dtype)
}

#[backend_extension(Cube, Fusion)]
trait MultiHead: Backend {
    #[fusion(meta = |_: &TensorSpec, queries: &TensorSpec, _: &TensorSpec, _: &usize, _: &usize| queries.clone())]
    fn attend(
        keys_values: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        lists: IntTensor<Self>,
        heads: usize,
        longest: usize,
    ) -> FloatTensor<Self>;

    #[fusion(meta = |_: &TensorSpec, queries: &TensorSpec, _: &TensorSpec, _: &TensorSpec, heads: &usize, _: &usize, pairs: &usize| (queries.clone(), list_of(queries, heads * pairs), list_of(queries, heads * pairs)))]
    fn queries_backward(
        keys_values: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        lists: IntTensor<Self>,
        heads: usize,
        longest: usize,
        pairs: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |queries: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &usize, rows: &usize| TensorSpec::new([*rows, 2 * queries.shape[1]].into(), queries.dtype))]
    fn rows_backward(
        queries: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        d_energies: FloatTensor<Self>,
        lists: IntTensor<Self>,
        uses: IntTensor<Self>,
        heads: usize,
        rows: usize,
    ) -> FloatTensor<Self>;
}

#[cube]
fn number(numbers: &Buffer<i32>, place: usize) -> usize {
    u32::cast_from(numbers[place]) as usize
}

/// The scalar product of `width` columns.
#[cube]
fn dot(a: &Buffer<f32>, first_a: usize, b: &Buffer<f32>, first_b: usize, width: usize) -> f32 {
    let mut sum = f32::new(0.0);
    let mut k = 0usize;
    while k < width {
        sum += a[first_a + k] * b[first_b + k];
        k += 1;
    }
    sum
}

/// A cube a query.
#[cube(launch)]
fn forward(
    keys_values: &Buffer<f32>,
    queries: &Buffer<f32>,
    lists: &Buffer<i32>,
    contexts: &mut Buffer<f32>,
    count_queries: u32,
    hidden: u32,
    heads: u32,
    scale: f32,
    #[comptime] room: usize,
    #[comptime] units: usize,
) {
    let query = CUBE_POS;
    if query >= count_queries as usize {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let (hidden, heads) = (hidden as usize, heads as usize);
    let width = hidden / heads;
    let rows = count_queries as usize + 1;
    let begin = number(lists, query);
    let count = number(lists, query + 1) - begin;
    let mut energies = Shared::<[f32]>::new_slice(room);
    let mut pair = unit;
    while pair < heads * count {
        let head = pair / count;
        let row = number(lists, rows + begin + pair - head * count);
        let column = head * width;
        let key = row * 2 * hidden + column;
        energies[pair] = dot(queries, query * hidden + column, keys_values, key, width) * scale;
        pair += units_of;
    }
    sync_cube();
    let mut column = unit;
    while column < hidden {
        let mut context = f32::new(0.0);
        if count > 0 {
            let first = column / width * count;
            let mut top = energies[first];
            let mut k = 1usize;
            while k < count {
                if energies[first + k] > top {
                    top = energies[first + k];
                }
                k += 1;
            }
            let mut total = f32::new(0.0);
            let mut k = 0usize;
            while k < count {
                let e = (energies[first + k] - top).exp();
                let row = number(lists, rows + begin + k);
                total += e;
                context += e * keys_values[row * 2 * hidden + hidden + column];
                k += 1;
            }
            context /= total;
        }
        contexts[query * hidden + column] = context;
        column += units_of;
    }
}

/// A cube a query: the weights again, the gradients at energies and at the query.
#[cube(launch)]
fn to_queries(
    keys_values: &Buffer<f32>,
    queries: &Buffer<f32>,
    d_contexts: &Buffer<f32>,
    lists: &Buffer<i32>,
    d_queries: &mut Buffer<f32>,
    weights: &mut Buffer<f32>,
    d_energies: &mut Buffer<f32>,
    count_queries: u32,
    hidden: u32,
    heads: u32,
    scale: f32,
    #[comptime] room: usize,
    #[comptime] units: usize,
) {
    let query = CUBE_POS;
    if query >= count_queries as usize {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let (hidden, heads) = (hidden as usize, heads as usize);
    let width = hidden / heads;
    let rows = count_queries as usize + 1;
    let begin = number(lists, query);
    let count = number(lists, query + 1) - begin;
    let mut energies = Shared::<[f32]>::new_slice(room);
    let mut of_weights = Shared::<[f32]>::new_slice(room);
    let mut pair = unit;
    while pair < heads * count {
        let head = pair / count;
        let row = number(lists, rows + begin + pair - head * count);
        let column = head * width;
        let (key, own) = (row * 2 * hidden + column, query * hidden + column);
        energies[pair] = dot(queries, own, keys_values, key, width) * scale;
        of_weights[pair] = dot(d_contexts, own, keys_values, key + hidden, width);
        pair += units_of;
    }
    sync_cube();
    // A unit a head: weights and gradients take the place of energies.
    let mut head = unit;
    while head < heads && count > 0 {
        let first = head * count;
        let mut top = energies[first];
        let mut k = 1usize;
        while k < count {
            if energies[first + k] > top {
                top = energies[first + k];
            }
            k += 1;
        }
        let mut total = f32::new(0.0);
        let mut along = f32::new(0.0);
        let mut k = 0usize;
        while k < count {
            let e = (energies[first + k] - top).exp();
            total += e;
            along += e * of_weights[first + k];
            energies[first + k] = e;
            k += 1;
        }
        let mean = along / total;
        let mut k = 0usize;
        while k < count {
            let weight = energies[first + k] / total;
            let d_energy = weight * (of_weights[first + k] - mean) * scale;
            of_weights[first + k] = d_energy;
            weights[heads * begin + first + k] = weight;
            d_energies[heads * begin + first + k] = d_energy;
            k += 1;
        }
        head += units_of;
    }
    sync_cube();
    let mut column = unit;
    while column < hidden {
        let first = column / width * count;
        let mut sum = f32::new(0.0);
        let mut k = 0usize;
        while k < count {
            let row = number(lists, rows + begin + k);
            sum += of_weights[first + k] * keys_values[row * 2 * hidden + column];
            k += 1;
        }
        d_queries[query * hidden + column] = sum;
        column += units_of;
    }
}

/// A unit a row and column of `hidden`: its key and its value, from all queries that attend to it, in their order.
#[cube(launch)]
fn to_rows(
    queries: &Buffer<f32>,
    d_contexts: &Buffer<f32>,
    weights: &Buffer<f32>,
    d_energies: &Buffer<f32>,
    lists: &Buffer<i32>,
    uses: &Buffer<i32>,
    d_keys_values: &mut Buffer<f32>,
    rows: u32,
    hidden: u32,
    heads: u32,
) {
    let k = ABSOLUTE_POS;
    let (hidden, heads, rows) = (hidden as usize, heads as usize, rows as usize);
    let row = k / hidden;
    if row >= rows {
        terminate!();
    }
    let column = k - row * hidden;
    let head = column / (hidden / heads);
    let mut next = number(uses, row);
    let end = number(uses, row + 1);
    let mut of_key = f32::new(0.0);
    let mut of_value = f32::new(0.0);
    while next < end {
        let query = number(uses, rows + 1 + 2 * next);
        let place = number(uses, rows + 2 + 2 * next);
        let begin = number(lists, query);
        let count = number(lists, query + 1) - begin;
        let at = heads * begin + head * count + place;
        of_key += d_energies[at] * queries[query * hidden + column];
        of_value += weights[at] * d_contexts[query * hidden + column];
        next += 1;
    }
    d_keys_values[row * 2 * hidden + column] = of_key;
    d_keys_values[row * 2 * hidden + hidden + column] = of_value;
}

/// Room for energies, of few sizes, as each is compiled for itself.
fn room(pairs: usize) -> usize {
    pairs.next_power_of_two().max(64)
}

fn scale(hidden: usize, heads: usize) -> f32 {
    1.0 / ((hidden / heads) as f32).sqrt()
}

impl MultiHead for CubeBackend {
    fn attend(
        keys_values: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        lists: IntTensor<Self>,
        heads: usize,
        longest: usize,
    ) -> FloatTensor<Self> {
        let [keys_values, queries] = [keys_values, queries].map(into_contiguous);
        let lists = into_contiguous(lists);
        let [rows, hidden] = queries.meta.shape().dims();
        let contexts = empty(&queries, vec![rows, hidden], queries.dtype);
        let (count, dim) = cube_a_row(rows);
        let client = queries.client.clone();
        forward::launch(
            &client,
            count,
            dim,
            keys_values.into_tensor_arg(),
            queries.into_tensor_arg(),
            lists.into_tensor_arg(),
            contexts.clone().into_tensor_arg(),
            rows as u32,
            hidden as u32,
            heads as u32,
            scale(hidden, heads),
            room(heads * longest),
            UNITS,
        );
        contexts
    }

    fn queries_backward(
        keys_values: FloatTensor<Self>,
        queries: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        lists: IntTensor<Self>,
        heads: usize,
        longest: usize,
        pairs: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [keys_values, queries, d_contexts] =
            [keys_values, queries, d_contexts].map(into_contiguous);
        let lists = into_contiguous(lists);
        let [rows, hidden] = queries.meta.shape().dims();
        let d_queries = empty(&queries, vec![rows, hidden], queries.dtype);
        let [weights, d_energies] =
            [(); 2].map(|()| empty(&queries, vec![heads * pairs], queries.dtype));
        let (count, dim) = cube_a_row(rows);
        let client = queries.client.clone();
        to_queries::launch(
            &client,
            count,
            dim,
            keys_values.into_tensor_arg(),
            queries.into_tensor_arg(),
            d_contexts.into_tensor_arg(),
            lists.into_tensor_arg(),
            d_queries.clone().into_tensor_arg(),
            weights.clone().into_tensor_arg(),
            d_energies.clone().into_tensor_arg(),
            rows as u32,
            hidden as u32,
            heads as u32,
            scale(hidden, heads),
            room(heads * longest),
            UNITS,
        );
        (d_queries, weights, d_energies)
    }

    fn rows_backward(
        queries: FloatTensor<Self>,
        d_contexts: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        d_energies: FloatTensor<Self>,
        lists: IntTensor<Self>,
        uses: IntTensor<Self>,
        heads: usize,
        rows: usize,
    ) -> FloatTensor<Self> {
        let [queries, d_contexts, weights, d_energies] =
            [queries, d_contexts, weights, d_energies].map(into_contiguous);
        let [lists, uses] = [lists, uses].map(into_contiguous);
        let [_, hidden] = queries.meta.shape().dims::<2>();
        let d_keys_values = empty(&queries, vec![rows, 2 * hidden], queries.dtype);
        let (count, dim) = one_each(rows * hidden);
        let client = queries.client.clone();
        to_rows::launch(
            &client,
            count,
            dim,
            queries.into_tensor_arg(),
            d_contexts.into_tensor_arg(),
            weights.into_tensor_arg(),
            d_energies.into_tensor_arg(),
            lists.into_tensor_arg(),
            uses.into_tensor_arg(),
            d_keys_values.clone().into_tensor_arg(),
            rows as u32,
            hidden as u32,
            heads as u32,
        );
        d_keys_values
    }
}
