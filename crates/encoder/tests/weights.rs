//! State dicts: files that PyTorch 2.15 has written, and broken ones.
//!
//! `fixtures/tiny_zip.pth`, and `tiny_legacy.pth` with `_use_new_zipfile_serialization=False`, are
//! ```python
//! torch.save({"a.weight": torch.arange(6.).reshape(3, 2).t() / 4,   # strided
//!             "a.bias": torch.tensor([0.5, -2.0], dtype=torch.float16),
//!             "bn.num_batches_tracked": torch.tensor(3), "fc.weight": torch.ones(1, 2)}, path)
//! ```

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use scst_encoder::{Architecture, Encoder, StateDict, WeightSource};
use tempfile::TempDir;

use support::{RandomWeights, write_pth};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

#[test]
fn tensors_are_read_when_they_are_strided_or_of_16_bits() {
    for name in ["tiny_zip.pth", "tiny_legacy.pth"] {
        let mut weights = StateDict::open(&fixture(name)).expect("a whole file");
        let tensor = weights.tensor("a.weight", &[2, 3]).expect("a tensor");
        assert_eq!(tensor, [0.0, 0.5, 1.0, 0.25, 0.75, 1.25]);
        assert_eq!(
            weights.tensor("a.bias", &[2]).expect("a tensor"),
            [0.5, -2.0]
        );
        weights
            .finish()
            .expect("the classifier and counts are not of use");
    }
}

#[test]
fn tensors_that_are_wrong_are_named() {
    let message = |name: &str, shape: &[usize]| {
        let mut weights = StateDict::open(&fixture("tiny_zip.pth")).expect("a whole file");
        let error = weights.tensor(name, shape).expect_err("it is wrong");
        error.to_string()
    };
    assert_eq!(
        message("a.scale", &[2]),
        "it has no tensor `a.scale`; nearest to it are `a.bias`, `a.weight`, `fc.weight`"
    );
    assert_eq!(
        message("a.weight", &[3, 2]),
        "tensor `a.weight` has the shape [2, 3], expected [3, 2]"
    );
    assert_eq!(
        message("bn.num_batches_tracked", &[]),
        "tensor `bn.num_batches_tracked` has elements of type int64, expected float32 or float16"
    );
    let weights = StateDict::open(&fixture("tiny_zip.pth")).expect("a whole file");
    let error = weights.finish().expect_err("tensors are left");
    assert_eq!(
        error.to_string(),
        "it has a tensor `a.bias`, which the network does not have"
    );
}

#[test]
fn file_is_refused_wherever_it_is_cut() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("cut.pth");
    for name in ["tiny_zip.pth", "tiny_legacy.pth"] {
        let whole = fs::read(fixture(name)).expect("a fixture");
        for length in (0..whole.len()).step_by(7) {
            fs::write(&path, &whole[..length]).expect("the file is written");
            let read = StateDict::open(&path).and_then(|mut weights| {
                weights.tensor("a.weight", &[2, 3])?;
                weights.tensor("a.bias", &[2])
            });
            assert!(read.is_err(), "{name} cut after {length} bytes");
        }
    }
}

#[test]
fn weights_of_another_network_are_refused() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("weights.pth");
    let mut weights = RandomWeights::default();
    Encoder::load(Architecture::EfficientNetLite0, &mut weights).expect("random weights");
    write_pth(&path, &weights.tensors);
    Encoder::open(Architecture::EfficientNetLite0, &path).expect("the same network");
    let other = Encoder::open(Architecture::EfficientNetLite1, &path).expect_err("another one");
    let message = other.to_string();
    assert!(
        message.contains("weights of efficientnet_lite1 `"),
        "{message}"
    );
    assert!(message.contains("tensor `_blocks."), "{message}");

    let (_, values) = weights.tensors.get_mut("_bn1.bias").expect("a tensor");
    values[3] = f32::NAN;
    write_pth(&path, &weights.tensors);
    let error = Encoder::open(Architecture::EfficientNetLite0, &path).expect_err("NaN");
    let message = error.to_string();
    assert!(
        message.ends_with("tensor `_bn1.bias` holds a number that is not finite"),
        "{message}"
    );
}

/// A file of weights whose tensors have other names, and of several networks where several prefixes are given.
fn write_renamed(path: &Path, prefixes: &[&str], more: &[&str]) {
    let mut weights = RandomWeights::default();
    Encoder::load(Architecture::EfficientNetLite0, &mut weights).expect("random weights");
    let mut tensors = BTreeMap::new();
    for prefix in prefixes {
        let renamed = weights.tensors.iter();
        tensors.extend(renamed.map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())));
    }
    for name in more {
        tensors.insert((*name).to_owned(), (vec![1], vec![0.0]));
    }
    write_pth(path, &tensors);
}

#[test]
fn network_is_found_under_whatever_its_names_begin_with() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("weights.pth");
    let open = |prefixes: &[&str], more: &[&str]| {
        write_renamed(&path, prefixes, more);
        Encoder::open(Architecture::EfficientNetLite0, &path).map_err(|error| error.to_string())
    };
    for prefix in [
        "",
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "state_dict.module.",
        "model.net.",
    ] {
        open(&[prefix], &[]).unwrap_or_else(|error| panic!("{prefix}: {error}"));
    }
    open(
        &["state_dict.module."],
        &["optimizer.state.0.exp_avg", "epoch"],
    )
    .expect("a checkpoint");
    let message = open(&["module."], &["module.head.weight"]).expect_err("another network");
    assert!(
        message.contains("it has a tensor `head.weight`, which"),
        "{message}"
    );
    let message = open(&[""], &["module.conv1.weight"]).expect_err("another network");
    assert!(
        message.contains("it has a tensor `module.conv1.weight`"),
        "{message}"
    );
    let message = open(&["state_dict.", "ema."], &[]).expect_err("two networks");
    assert!(
        message
            .contains("it holds the network more than once, under `ema.`, `state_dict.`; expected"),
        "{message}"
    );
}

#[test]
fn message_about_a_missing_tensor_lists_what_there_is() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("weights.pth");
    write_renamed(
        &path,
        &[],
        &["module.conv_stem.weight", "head.bias", "bn1.weight", "z"],
    );
    let error = Encoder::open(Architecture::EfficientNetLite0, &path).expect_err("another network");
    let message = error.to_string();
    assert!(
        message.ends_with(
            "it has no tensor `_conv_stem.weight`; nearest to it are `module.conv_stem.weight`, `bn1.weight`, `head.bias`"
        ),
        "{message}"
    );
    write_renamed(&path, &[], &[]);
    let error = Encoder::open(Architecture::ResNet50, &path).expect_err("no tensors");
    let message = error.to_string();
    assert!(
        message.ends_with("it has no tensor `conv1.weight`; it has no other tensor"),
        "{message}"
    );
}

#[test]
fn tensor_that_is_named_is_always_the_same_when_several_are_wrong() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("weights.pth");
    write_renamed(&path, &[""], &["zz", "mm", "aa.b", "ab"]);
    for _ in 0..8 {
        let error =
            Encoder::open(Architecture::EfficientNetLite0, &path).expect_err("more tensors");
        assert!(
            error.to_string().contains("it has a tensor `aa.b`, which"),
            "{error}"
        );
    }
    let tensors = ["b", "a", "c"].map(|name| (name.to_owned(), (vec![1], vec![f32::NAN])));
    write_pth(&path, &BTreeMap::from(tensors));
    for _ in 0..8 {
        let error = StateDict::open(&path)
            .and_then(StateDict::floats)
            .expect_err("NaN");
        assert!(
            error.to_string().contains("tensor `a` holds a number"),
            "{error}"
        );
    }
}

#[test]
fn file_that_is_something_else_is_named_for_what_it_seems_to_be() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("weights.pth");
    let zip = fs::read(fixture("tiny_zip.pth")).expect("a fixture");
    let cut = &zip[..zip.len() - 30];
    let empty_zip = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    let cases: [(&[u8], &str); 9] = [
        (
            b"",
            "it is an empty file, expected weights that PyTorch saved (.pth)",
        ),
        (
            b"<!DOCTYPE html><html>",
            "it is an HTML page, expected weights",
        ),
        (
            b"\x10\0\0\0\0\0\0\0{\"a\": {}}      ",
            "it is a safetensors file, expected",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
            "it is a Git LFS pointer",
        ),
        (b"these are not weights", "it is a text, expected"),
        (&empty_zip, "it is an empty zip archive, expected"),
        (
            cut,
            "it is not a whole file of PyTorch weights: it is damaged or cut off",
        ),
        (
            b"\x80\x02]q\0K\x01a.",
            "it is a pickle of something else than a dictionary, expected",
        ),
        (b"\x80\x02cnumpy\nthing\n)R.", "expected"),
    ];
    for (content, expected) in cases {
        fs::write(&path, content).expect("the file is written");
        let error = Encoder::open(Architecture::EfficientNetLite0, &path).expect_err("no weights");
        let message = error.to_string();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("0x"), "{message}");
    }
}
