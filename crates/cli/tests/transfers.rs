//! What a step reads from a device or sends to it is counted: no code of a step goes past `kernels/src/traffic.rs`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Ways around it.
const WAYS: [&str; 6] = [
    "from_data(",
    "from_floats(",
    "from_ints(",
    "into_data(",
    "into_scalar",
    "try_into_vec_as",
];

/// What is no step, or knows that its tensors are those of the CPU.
const OTHERS: [&str; 6] = [
    "kernels/src/host.rs",
    "kernels/src/traffic.rs",
    // Weights, before the first step.
    "model/src/init.rs",
    "trainer/src/checkpoint/tensors.rs",
    // Keys and values that were taken out of tensors of the CPU.
    "model/src/transformer/heads.rs",
    // Comparisons of machines and of backends.
    "trainer/src/alike.rs",
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn steps_read_and_send_by_the_functions_that_count() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for name in ["kernels", "loss", "model", "sampler", "trainer"] {
        sources(&crates.join(name).join("src"), &mut files);
    }
    let mut past = Vec::new();
    for file in files {
        let name = file.strip_prefix(&crates).expect("a crate");
        let name = name.to_str().expect("a name in UTF-8").replace('\\', "/");
        let is_test = name.contains("tests") || name.ends_with("gradient_check.rs");
        let is_lab = name.starts_with("trainer/src/lab/agreement");
        let is_toy = name.ends_with("toy.rs") || name.ends_with("transition_table.rs");
        if is_test || is_lab || is_toy || OTHERS.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file");
        let own = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        for (number, line) in own.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if WAYS.iter().any(|way| code.contains(way)) {
                past.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(past.is_empty(), "{}", past.join("\n"));
}
