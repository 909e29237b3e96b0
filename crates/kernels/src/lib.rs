//! Vectorised loops over the values of tensors on the CPU.
//!
//! Burn's default CPU backend, `flex`, hands a tensor's values over without a copy when nobody else holds them. What
//! takes many passes of one tensor operation each takes one pass here: the gates of an LSTM, the gradient at the
//! softmax inputs, an optimiser's step. Callers keep the plain tensor operations for all other backends and element
//! types, and as the oracle of tests.
//!
//! | module | what it holds |
//! |---|---|
//! | [`host`] | values in and out of tensors |
//! | [`traffic`] | values between the host and devices, counted |
//! | [`simd`] | loops compiled for the vector unit that the machine has; `exp`, `sigmoid`, `tanh` |
//! | [`lstm`] | the cell, forward and backward |
//! | [`attention`] | additive attention, forward and backward |
//! | [`multi_head`] | scaled dot-product attention with several heads, forward and backward |
//! | [`layer_norm`] | layer normalisation, forward and backward |
//! | [`product`] | products with a matrix that many are taken with, laid out once; products of bfloat16 |
//! | [`relu`] | the rectified linear unit, forward and backward |
//! | [`softmax`] | the gradient of cross-entropy at the softmax inputs |
//! | [`brier`] | that of the Brier score |
//! | [`convolution`] | of one image, around matrix products: depthwise, windows, bias and activation |
//! | [`adam`] | sum of squares, and Adam with clipping in one pass |
//!
//! With a feature `wgpu` or `cuda`, `cube` has the same as kernels of devices.
//!
//! Invariants: results do not depend on the number of threads: every element is computed by the same operations in the
//! same order, and sums run over blocks of fixed size. Nor do they depend on the width of the vector unit: nothing is
//! contracted to fused multiply-adds, but in [`product`], and there wherever the machine has them.

#![expect(
    clippy::inline_always,
    reason = "a function that is not inlined is not compiled for the vector unit"
)]

pub mod adam;
pub mod attention;
pub mod brier;
pub mod convolution;
#[cfg(feature = "cube")]
pub mod cube;
pub mod host;
pub mod layer_norm;
pub mod lstm;
pub mod multi_head;
pub mod product;
pub mod relu;
pub mod simd;
pub mod softmax;
pub mod traffic;

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
