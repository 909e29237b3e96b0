//! Rows of tensors by number.

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::traffic::send;

use crate::ModelError;

/// Row numbers as a tensor, `[rows]`.
pub(crate) fn index(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let count = rows.len();
    send(TensorData::new(rows, [count]), device)
}

/// The row numbers of some blocks, one after the other, where all blocks lie one below the other and have these `heights`.
pub(crate) fn blocks(heights: &[usize], some: &[usize]) -> Vec<usize> {
    let mut firsts = Vec::with_capacity(heights.len());
    let mut first = 0;
    for height in heights {
        firsts.push(first);
        first += height;
    }
    let rows = |&block: &usize| firsts[block]..firsts[block] + heights[block];
    some.iter().flat_map(rows).collect()
}

/// A tensor of `rows` rows whose row `to[k]` is the sum of the rows `k` of `values`.
pub(crate) fn scatter_rows(values: Tensor<2>, to: &[usize], rows: usize) -> Tensor<2> {
    #[cfg(feature = "cube")]
    if cube::runs_on(&values.device(), values.dtype()) {
        return cube::rows::scatter(values, to, rows);
    }
    let columns = values.dims()[1];
    let place = (&values.device(), values.dtype());
    Tensor::zeros([rows, columns], place).select_assign(
        0,
        index(to, &values.device()),
        values,
        IndexingUpdateOp::Add,
    )
}

/// The rows of all blocks, one below the other; there is at least one block.
pub(crate) fn stack(blocks: &[Tensor<2>]) -> Tensor<2> {
    match blocks {
        [block] => block.clone(),
        #[cfg(feature = "cube")]
        [block, ..] if cube::runs_on(&block.device(), block.dtype()) => {
            cube::rows::stack(blocks.to_vec())
        }
        _ => Tensor::cat(blocks.to_vec(), 0),
    }
}

/// The captions that have an input word at every step, in the order of rows that are packed time first.
///
/// # Errors
/// [`ModelError::Rows`] when there are not as many captions as sources of captions.
pub(crate) fn time_first(
    input_words: &[&[u32]],
    source_of_sequence: &[usize],
) -> Result<Vec<Vec<usize>>, ModelError> {
    if input_words.len() != source_of_sequence.len() {
        return Err(ModelError::Rows {
            what: "captions",
            found: input_words.len(),
            expected: source_of_sequence.len(),
        });
    }
    let steps = input_words.iter().map(|words| words.len()).max();
    let open = |t: usize| (0..input_words.len()).filter(move |&n| input_words[n].len() > t);
    Ok((0..steps.unwrap_or(0)).map(|t| open(t).collect()).collect())
}
