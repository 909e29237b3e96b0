//! Which machines have the same bits.

use std::env::consts::{ARCH, OS};

/// What decides the bits of floating-point numbers beside the program: the processor's vector unit, for which loops and
/// matrix products are compiled and which decides the order of their sums, and the system, whose library of mathematics
/// logarithms are taken with. Tensors are too small for the sizes of caches to matter.
pub(crate) fn machine() -> String {
    format!("{ARCH} {} {OS}", vector_unit())
}

/// The vector unit, as the crates `pulp` and `gemm` ask for it.
#[cfg(target_arch = "x86_64")]
fn vector_unit() -> &'static str {
    let has_512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let has_256 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    match (has_512, has_256) {
        (true, true) => "avx512",
        (false, true) => "avx2",
        _ => "sse",
    }
}

/// Others have one of a width.
#[cfg(not(target_arch = "x86_64"))]
fn vector_unit() -> &'static str {
    "native"
}
