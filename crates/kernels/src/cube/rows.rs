//! Sums of rows by target, in a fixed order: one launch, without atomics.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        fusion::custom::TensorSpec,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{Tensor, TensorData},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
};

use super::{empty, one_each};
use crate::traffic::send;

/// A tensor of `rows` rows whose row `to[k]` is the sum of the rows `k` of `values`, `[to, columns]`, in their order.
///
/// # Panics
/// When a target is not below `rows`.
pub fn scatter(values: Tensor<2>, to: &[usize], rows: usize) -> Tensor<2> {
    // The rows of target 0, then those of target 1; before them, where those of each target begin.
    let mut begins = vec![0i32; rows + 1];
    for &target in to {
        begins[target + 1] += 1;
    }
    for target in 0..rows {
        begins[target + 1] += begins[target];
    }
    let mut next = begins.clone();
    let first = begins.len();
    let mut lists = begins;
    lists.resize(first + to.len(), 0);
    for (row, &target) in to.iter().enumerate() {
        lists[first + next[target] as usize] = row as i32;
        next[target] += 1;
    }
    let length = lists.len();
    let lists = send::<1, burn::tensor::Int>(TensorData::new(lists, [length]), &values.device());
    let (values, lists) = (values.into_dispatch(), lists.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Rows>::sum_rows(values, lists, rows))
}

#[backend_extension(Cube, Fusion)]
trait Rows: Backend {
    #[fusion(meta = |values: &TensorSpec, _: &TensorSpec, rows: &usize| TensorSpec::new([*rows, values.shape[1]].into(), values.dtype))]
    fn sum_rows(
        values: FloatTensor<Self>,
        lists: IntTensor<Self>,
        rows: usize,
    ) -> FloatTensor<Self>;
}

#[cube(launch)]
fn sums(
    values: &Buffer<f32>,
    lists: &Buffer<i32>,
    sums: &mut Buffer<f32>,
    rows: u32,
    columns: u32,
) {
    let k = ABSOLUTE_POS;
    if k >= sums.len() {
        terminate!();
    }
    let columns = columns as usize;
    let rows = rows as usize;
    let row = k / columns;
    let column = k - row * columns;
    let mut at = u32::cast_from(lists[row]) as usize;
    let end = u32::cast_from(lists[row + 1]) as usize;
    let mut total = f32::new(0.0);
    while at < end {
        total += values[u32::cast_from(lists[rows + 1 + at]) as usize * columns + column];
        at += 1;
    }
    sums[k] = total;
}

impl Rows for CubeBackend {
    fn sum_rows(
        values: FloatTensor<Self>,
        lists: IntTensor<Self>,
        rows: usize,
    ) -> FloatTensor<Self> {
        let (values, lists) = (into_contiguous(values), into_contiguous(lists));
        let [_, columns] = values.meta.shape().dims::<2>();
        let found = empty(&values, vec![rows, columns], values.dtype);
        let (count, dim) = one_each(rows * columns);
        let client = values.client.clone();
        sums::launch(
            &client,
            count,
            dim,
            values.into_tensor_arg(),
            lists.into_tensor_arg(),
            found.clone().into_tensor_arg(),
            rows as u32,
            columns as u32,
        );
        found
    }
}
