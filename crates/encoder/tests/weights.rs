//! State dicts: files that PyTorch 2.15 has written, and broken ones.
//!
//! `fixtures/tiny_zip.pth`, and `tiny_legacy.pth` with `_use_new_zipfile_serialization=False`, are
//! ```python
//! torch.save({"a.weight": torch.arange(6.).reshape(3, 2).t() / 4,   # strided
//!             "a.bias": torch.tensor([0.5, -2.0], dtype=torch.float16),
//!             "bn.num_batches_tracked": torch.tensor(3), "fc.weight": torch.ones(1, 2)}, path)
//! ```

mod support;

use std::{fs, path::PathBuf};

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
        "it has no tensor `a.scale`, the most similar are `a.bias`, `a.weight`, `fc.weight`"
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
