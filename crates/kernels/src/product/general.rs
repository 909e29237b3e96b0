//! Products of any two matrices of 32 bits, by the crate `gemm`, whose bits Burn's own products have on the CPU: without
//! the copy of the result that these make.

use burn::{
    backend::{BackendTypes, Flex},
    tensor::Tensor,
};
use gemm::Parallelism;

use crate::host::Values;

/// Multiplications from which a product is one of several threads, as Burn's.
const PARALLEL: usize = 192 * 192 * 192;

/// A matrix of the host, read where its values are.
pub(super) struct Matrix {
    tensor: <Flex as BackendTypes>::FloatTensorPrimitive,
    dims: [usize; 2],
    /// From a row to the next, and from a column to the next.
    steps: [usize; 2],
}

impl Matrix {
    /// Of a tensor for which [`is_host`](crate::host::is_host) holds.
    pub(super) fn of(tensor: Tensor<2>) -> Self {
        let dims = tensor.dims();
        let tensor = tensor.try_into_primitive::<Flex>();
        let tensor = tensor.expect("a tensor of the host");
        let steps = match tensor.layout().strides()[..] {
            [rows, columns] => [rows, columns].map(|step| step.try_into().ok()),
            _ => [None; 2],
        };
        match steps {
            [Some(rows), Some(columns)] => Self {
                tensor,
                dims,
                steps: [rows, columns],
            },
            // Values that are read backwards.
            _ => Self {
                tensor: tensor.to_contiguous(),
                dims,
                steps: [dims[1], 1],
            },
        }
    }

    pub(super) fn transposed(self) -> Self {
        let ([rows, columns], [to_row, to_column]) = (self.dims, self.steps);
        Self {
            dims: [columns, rows],
            steps: [to_column, to_row],
            ..self
        }
    }

    /// The values from the first on.
    fn values(&self) -> &[f32] {
        &self.tensor.storage()[self.tensor.layout().start_offset()..]
    }

    /// Whether all elements are among the values.
    fn is_inside(&self) -> bool {
        let last = |k: usize| self.dims[k].saturating_sub(1) * self.steps[k];
        self.dims.contains(&0) || last(0) + last(1) < self.values().len()
    }
}

/// `x w`, `[rows, columns]`, of `x`, `[rows, inner]`, and `w`, `[inner, columns]`.
///
/// # Panics
/// When the sizes do not fit.
pub(super) fn product(x: &Matrix, w: &Matrix) -> Values {
    let ([rows, inner], [also_inner, columns]) = (x.dims, w.dims);
    assert_eq!(inner, also_inner, "inner dimensions of a product");
    assert!(
        x.is_inside() && w.is_inside(),
        "a matrix goes beyond its values"
    );
    let mut product = Values::zeros([rows, columns]);
    let multiplications = rows.saturating_mul(inner).saturating_mul(columns);
    if multiplications == 0 {
        return product;
    }
    let parallelism = if multiplications >= PARALLEL {
        Parallelism::Rayon(0)
    } else {
        Parallelism::None
    };
    let [(x_rows, x_columns), (w_rows, w_columns)] =
        [x, w].map(|matrix| (matrix.steps[0] as isize, matrix.steps[1] as isize));
    #[expect(unsafe_code, reason = "the crate takes matrices as pointers")]
    // SAFETY: all elements of `x` and `w` are inside of slices that outlive the call, as has just been asserted, and the
    // product has as many values as rows times columns and is borrowed by nobody else.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            product.get_mut().as_mut_ptr(),
            1,
            columns as isize,
            false,
            x.values().as_ptr(),
            x_columns,
            x_rows,
            w.values().as_ptr(),
            w_columns,
            w_rows,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
    product
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData, s};

    use super::*;
    use crate::host::View;

    fn tensor(shape: [usize; 2], seed: usize) -> Tensor<2> {
        let value = |k: usize| ((k * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0;
        let values: Vec<f32> = (0..shape[0] * shape[1]).map(value).collect();
        let place = (&Device::flex(), DType::F32);
        Tensor::from_data(TensorData::new(values, shape), place)
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// Products of wholes, of transposes and of parts, with one thread and with several.
    #[test]
    fn products_have_the_bits_of_burns() {
        for [rows, inner, columns] in [[1, 1, 1], [3, 0, 2], [5, 70, 33], [210, 300, 190]] {
            let (x, w) = (tensor([rows, inner], 1), tensor([inner, columns], 2));
            let wide = tensor([inner + 3, columns + 7], 3);
            let part = wide.slice(s![2..2 + inner, 4..4 + columns]);
            let standing = tensor([columns, inner], 4);
            for w in [w, part, standing.transpose()] {
                let expected = View::of(x.clone().matmul(w.clone()));
                let expected = bits(expected.get());
                let found = product(&Matrix::of(x.clone()), &Matrix::of(w.clone()));
                assert_eq!(bits(found.get()), expected);
                let turned = product(
                    &Matrix::of(x.clone().transpose()).transposed(),
                    &Matrix::of(w.transpose()).transposed(),
                );
                assert_eq!(bits(turned.get()), expected);
            }
        }
    }

    #[test]
    #[should_panic(expected = "inner dimensions")]
    fn matrices_that_do_not_fit_are_refused() {
        let [x, w] = [[2, 3], [4, 2]].map(|shape| Matrix::of(tensor(shape, 1)));
        product(&x, &w);
    }
}
