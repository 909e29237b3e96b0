//! What a test compares with, and what not every machine has: numbers, programs, devices.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Set to 1, nothing may be missing.
const REQUIRED: &str = "SCST_REQUIRE_ORACLES";

/// Says that a test, or a part of it, has nothing to compare with: a failure where everything has to be there.
///
/// # Panics
/// `SCST_REQUIRE_ORACLES` is 1.
#[expect(clippy::print_stderr, reason = "what is skipped has to be seen")]
pub fn skip(missing: &str) {
    let required = std::env::var(REQUIRED).is_ok_and(|value| value == "1");
    assert!(!required, "{missing}, and {REQUIRED} is 1");
    eprintln!("SKIPPED: {missing}");
}

/// A file or folder of `shared`, which lies beside the repository.
///
/// # Panics
/// It is missing, and `SCST_REQUIRE_ORACLES` is 1.
pub fn shared(name: &str) -> Option<PathBuf> {
    // From the folder of a crate.
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if !path.exists() {
        skip(&format!("{} is not there", path.display()));
        return None;
    }
    Some(path)
}

/// Whether a program runs with one argument that makes it end at once.
///
/// # Panics
/// It does not, and `SCST_REQUIRE_ORACLES` is 1.
pub fn runs(program: &str, argument: &str) -> bool {
    let output = Command::new(program).arg(argument).output();
    let runs = output.is_ok_and(|output| output.status.success());
    if !runs {
        skip(&format!("{program} does not run"));
    }
    runs
}
