//! What this program was built from.

use std::sync::LazyLock;

/// Its version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit and its date, such as `abc1234 2026-11-28`; none where it was not built from the project's repository.
pub(crate) const COMMIT: Option<&str> = option_env!("SCST_COMMIT");

/// The backends that it was built with, by their cargo features.
pub(crate) fn features() -> Vec<&'static str> {
    let optional = [
        ("ndarray", cfg!(feature = "ndarray")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("cuda", cfg!(feature = "cuda")),
    ];
    let built = optional.iter().filter(|(_, is_built)| *is_built);
    std::iter::once("flex")
        .chain(built.map(|(name, _)| *name))
        .collect()
}

/// All of it in a line, as `--version` prints it after the program's name.
pub(crate) fn line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| {
        let commit = COMMIT.map_or_else(String::new, |commit| format!("{commit}, "));
        format!("{VERSION} ({commit}features: {})", features().join(", "))
    });
    &LINE
}
