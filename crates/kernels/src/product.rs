//! Products with a matrix that many are taken with, the weights of a step that is repeated, and all products of a step in
//! bfloat16.
//!
//! General products lay out both matrices anew every time, which for the rows of one step costs as much as the
//! multiplications. Here the matrix is laid out once.
//!
//! In bfloat16 both inputs are rounded to the nearest value, and sums are of 32 bits, by AVX-512 BF16: of neighbours along
//! the inner dimension, the second product is added, then the first, each rounded once. A number below the smallest normal
//! one counts as 0, as an input and as a sum; infinities and NaN go through.

mod bfloat16;
mod general;
mod precision;
mod single;

use burn::tensor::Tensor;

use crate::{
    host::{Values, View},
    traffic::count_product,
};

pub use precision::Precision;

/// A matrix, `[inner, columns]`, laid out for products with it.
#[derive(Debug, Clone)]
pub struct Packed(Layout);

#[derive(Debug, Clone)]
enum Layout {
    Single(single::Packed),
    Bfloat16(bfloat16::Packed),
}

impl Packed {
    /// Lays out `w`, `[inner, columns]`, for products of this precision.
    ///
    /// # Panics
    /// When `w` has another number of values.
    pub fn new(w: &[f32], dims: [usize; 2], precision: Precision) -> Self {
        Self(match precision {
            Precision::F32 => Layout::Single(single::Packed::new(w, dims)),
            Precision::Bf16 => Layout::Bfloat16(bfloat16::Packed::new(w, dims)),
        })
    }

    /// Lays out the transpose of `w`, `[columns, inner]`, for products of this precision.
    ///
    /// # Panics
    /// When `w` has another number of values.
    pub fn transposed(w: &[f32], dims: [usize; 2], precision: Precision) -> Self {
        Self(match precision {
            Precision::F32 => Layout::Single(single::Packed::transposed(w, dims)),
            Precision::Bf16 => Layout::Bfloat16(bfloat16::Packed::transposed(w, dims)),
        })
    }

    /// Columns of the matrix.
    pub fn columns(&self) -> usize {
        match &self.0 {
            Layout::Single(packed) => packed.columns(),
            Layout::Bfloat16(packed) => packed.columns(),
        }
    }
}

/// `y = x W`, or `y = x W + b`, in the precision that `w` is laid out for.
///
/// Every value is a sum in the order of the columns of `x`, the bias last, whatever the number of rows: a row's bits do
/// not depend on what other rows there are, nor on the number of threads. Of 32 bits, multiplications and additions are
/// fused where the machine can.
///
/// # Shapes
/// `x`: `[rows, inner]`; `w`: `[inner, columns]`; `bias`: `[columns]`; `y`: `[rows, columns]`.
///
/// # Panics
/// When the sizes do not fit, or the machine has no products of this precision.
pub fn product(x: &[f32], w: &Packed, bias: Option<&[f32]>, y: &mut [f32]) {
    match &w.0 {
        Layout::Single(w) => single::product(x, w, bias, y),
        Layout::Bfloat16(w) => bfloat16::product(x, w, bias, y),
    }
}

/// The same of tensors for which [`is_host`](crate::host::is_host) holds; `bias`: `[1, columns]`.
///
/// # Panics
/// Where [`product`] does, or when [`is_host`](crate::host::is_host) does not hold.
pub fn product_of_tensors(x: Tensor<2>, w: &Packed, bias: Option<Tensor<2>>) -> Tensor<2> {
    let (device, [rows, inner]) = (x.device(), x.dims());
    count_product([rows, inner, w.columns()]);
    let (x, bias) = (View::of(x), bias.map(View::of));
    let mut y = Values::zeros([rows, w.columns()]);
    product(x.get(), w, bias.as_ref().map(View::get), y.get_mut());
    y.into_tensor(&device)
}
