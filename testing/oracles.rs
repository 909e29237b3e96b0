//! What a test compares with, and what not every machine has: numbers, programs, devices. Included by the tests of all crates.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stderr,
    reason = "every crate's tests include this, use a part of it, and say which parts they skip"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Set to 1, nothing may be missing.
const REQUIRED: &str = "SCST_REQUIRE_ORACLES";

/// Says that a test, or a part of it, has nothing to compare with: a failure where everything has to be there.
pub fn skip(missing: &str) {
    let required = std::env::var(REQUIRED).is_ok_and(|value| value == "1");
    assert!(!required, "{missing}, and {REQUIRED} is 1");
    eprintln!("SKIPPED: {missing}");
}

/// A file or folder of `shared`, which lies beside the repository.
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
pub fn runs(program: &str, argument: &str) -> bool {
    let output = Command::new(program).arg(argument).output();
    let runs = output.is_ok_and(|output| output.status.success());
    if !runs {
        skip(&format!("{program} does not run"));
    }
    runs
}
