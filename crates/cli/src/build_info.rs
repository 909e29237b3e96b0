//! What this program was built from.

use std::sync::LazyLock;

use scst_kernels::simd::vector_unit;

/// Its version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit and its date, such as `abc1234 2026-11-28`; none where it was not built from the project's repository.
pub(crate) const COMMIT: Option<&str> = option_env!("SCST_COMMIT");

/// The kind of machine that it was built for, such as `x86_64-unknown-linux-gnu`.
const TARGET: &str = env!("SCST_TARGET");

/// The backends, and what else it was built with, by their cargo features.
pub(crate) fn features() -> Vec<&'static str> {
    let optional = [
        ("ndarray", cfg!(feature = "ndarray")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("cuda", cfg!(feature = "cuda")),
        ("mpi", cfg!(feature = "mpi")),
    ];
    let built = optional.iter().filter(|(_, is_built)| *is_built);
    std::iter::once("flex")
        .chain(built.map(|(name, _)| *name))
        .collect()
}

/// Most of it in a line, as `-V` prints it after the program's name.
pub(crate) fn line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| {
        let commit = COMMIT.map_or_else(String::new, |commit| format!("{commit}, "));
        format!("{VERSION} ({commit}features: {})", features().join(", "))
    });
    &LINE
}

/// All of it, and what it finds on this machine, as `--version` prints it after the program's name.
pub(crate) fn lines() -> &'static str {
    static LINES: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{VERSION}\ncommit       {}\nfeatures     {}\ntarget       {TARGET}\nvector unit  {}",
            COMMIT.unwrap_or("unknown"),
            features().join(", "),
            vector_unit(),
        )
    });
    &LINES
}
