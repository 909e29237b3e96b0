//! Tells the program the machine that it is built for, and the commit that it is built from, where that is a repository.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo::rustc-env=SCST_TARGET={target}");
    }
    let Ok(manifest) = std::env::var("CARGO_MANIFEST_DIR") else {
        return;
    };
    let root = Path::new(&manifest).join("../..");
    // Inside of another project's repository, the commit would be that project's.
    let top = git(&root, &["rev-parse", "--show-toplevel"]).map(PathBuf::from);
    let is_own = top.is_some_and(|top| match (top.canonicalize(), root.canonicalize()) {
        (Ok(top), Ok(root)) => top == root,
        _ => false,
    });
    if !is_own {
        return;
    }
    if let Some(commit) = git(&root, &["show", "--no-patch", "--format=%h %cs", "HEAD"]) {
        println!("cargo::rustc-env=SCST_COMMIT={commit}");
    }
    // What changes with a commit or a checkout, and with nothing else.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&root, &["rev-parse", "--git-path", name]);
        let path = path.map(|path| root.join(path));
        if let Some(path) = path.filter(|path| path.is_file()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}

/// What git prints, where there is git and it succeeds.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
