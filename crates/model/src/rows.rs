//! Rows of tensors by number.

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};

/// Row numbers as a tensor, `[rows]`.
pub(crate) fn index(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), device)
}

/// A tensor of `rows` rows whose row `to[k]` is the sum of the rows `k` of `values`.
pub(crate) fn scatter_rows(values: Tensor<2>, to: &[usize], rows: usize) -> Tensor<2> {
    let columns = values.dims()[1];
    let place = (&values.device(), values.dtype());
    Tensor::zeros([rows, columns], place).select_assign(
        0,
        index(to, &values.device()),
        values,
        IndexingUpdateOp::Add,
    )
}
