//! Features of Flickr8k's photos against those that PyTorch has computed, where both are at hand.

use std::{env, path::PathBuf};

use half::f16;
use scst_encoder::{Architecture, Encoder, Orientation, read};
use scst_testing::oracles::{shared, skip};

/// Names the file of EfficientNet-Lite0's weights.
const WEIGHTS: &str = "SCST_EFFICIENTNET_LITE0";

/// Photos that are compared.
const PHOTOS: usize = 20;

#[test]
fn pooled_features_equal_those_of_pytorch() {
    let Some(weights) = env::var_os(WEIGHTS).map(PathBuf::from) else {
        return skip(&format!("{WEIGHTS}, the file of the weights, is not set"));
    };
    let Some(data) = shared("flickr8k") else {
        return;
    };
    let given = data.join("features/efficientnet_lite0_pooled.npy");
    let architecture = Architecture::EfficientNetLite0;
    let encoder = Encoder::open(architecture, &weights).expect("weights");
    let names = given.with_extension("names.txt");
    let names = std::fs::read_to_string(names).expect("names");
    let given = std::fs::read(given).expect("features");
    let dimension = architecture.dimension();
    let rows = given[128..].chunks_exact(2 * dimension);
    // Photos from all over the data set.
    let step = names.lines().count() / PHOTOS;
    for (name, row) in names.lines().zip(rows).step_by(step) {
        let photo = read(
            &data.join("images").join(name),
            architecture.image_size(),
            Orientation::Exif,
        );
        let found = encoder.encode(&photo.expect("a photo")).pooled;
        let (expected, _) = row.as_chunks();
        let expected = expected
            .iter()
            .map(|&bytes| f32::from(f16::from_le_bytes(bytes)));
        let largest = found.iter().fold(0.0f32, |m, &x| m.max(x));
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-3 * largest,
                "{name}: {found} {expected}, largest {largest}"
            );
        }
    }
}
