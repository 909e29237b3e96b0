//! How precisely products are taken.

use burn::tensor::{DType, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bfloat16::{self, Packed},
    general::{self, Matrix},
};
use crate::{
    host::{Values, View, is_host},
    traffic::count_product,
};

/// What the inputs of matrix products are rounded to. Sums are of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Nothing: 32-bit floats.
    #[default]
    F32,
    /// bfloat16, of 8 bits of precision.
    Bf16,
}

impl Precision {
    /// Whether products of tensors of this device and type can be taken so: in bfloat16 those of 32 bits on the host, if
    /// its processor has AVX-512 BF16.
    pub fn is_available(self, device: &Device, dtype: DType) -> bool {
        match self {
            Self::F32 => true,
            Self::Bf16 => is_host(device, dtype) && bfloat16::is_available(),
        }
    }

    /// `x W`, `[rows, columns]`, of `x`, `[rows, inner]`, and `w`, `[inner, columns]`.
    ///
    /// # Panics
    /// When it is not [available](Self::is_available).
    pub fn product(self, x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
        let ([rows, inner], [_, columns]) = (x.dims(), w.dims());
        count_product([rows, inner, columns]);
        match self {
            Self::F32 if is_host(&x.device(), x.dtype()) => {
                of_host(&x.device(), &Matrix::of(x), &Matrix::of(w))
            }
            Self::F32 => x.matmul(w),
            Self::Bf16 => {
                let dims = w.dims();
                multiply(x, &Packed::new(View::of(w).get(), dims))
            }
        }
    }

    /// `x W^T`, `[rows, inner]`, of `x`, `[rows, columns]`, and `w`, `[inner, columns]`.
    ///
    /// # Panics
    /// When it is not [available](Self::is_available).
    pub fn product_with_transpose(self, x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
        let ([rows, columns], [inner, _]) = (x.dims(), w.dims());
        count_product([rows, columns, inner]);
        match self {
            Self::F32 if is_host(&x.device(), x.dtype()) => {
                of_host(&x.device(), &Matrix::of(x), &Matrix::of(w).transposed())
            }
            Self::F32 => x.matmul(w.transpose()),
            Self::Bf16 => {
                let dims = w.dims();
                multiply(x, &Packed::transposed(View::of(w).get(), dims))
            }
        }
    }

    /// `x^T y`, `[x_columns, y_columns]`, of `x`, `[rows, x_columns]`, and `y`, `[rows, y_columns]`.
    ///
    /// # Panics
    /// When it is not [available](Self::is_available).
    pub fn transposed_product(self, x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
        let ([rows, x_columns], [_, y_columns]) = (x.dims(), y.dims());
        count_product([rows, x_columns, y_columns]);
        match self {
            Self::F32 if is_host(&x.device(), x.dtype()) => {
                of_host(&x.device(), &Matrix::of(x).transposed(), &Matrix::of(y))
            }
            Self::F32 => x.transpose().matmul(y),
            Self::Bf16 => {
                let device = x.device();
                let (x, y) = (View::of(x), View::of(y));
                let mut z = Values::zeros([x_columns, y_columns]);
                let dims = [rows, x_columns, y_columns];
                bfloat16::transposed_product(x.get(), y.get(), dims, z.get_mut());
                z.into_tensor(&device)
            }
        }
    }
}

/// The product in 32 bits, on the device that the matrices are of.
fn of_host(device: &Device, x: &Matrix, w: &Matrix) -> Tensor<2> {
    general::product(x, w).into_tensor(device)
}

fn multiply(x: Tensor<2>, w: &Packed) -> Tensor<2> {
    let (device, [rows, _]) = (x.device(), x.dims());
    let mut y = Values::zeros([rows, w.columns()]);
    bfloat16::product(View::of(x).get(), w, None, y.get_mut());
    y.into_tensor(&device)
}
