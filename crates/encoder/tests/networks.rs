//! Whole networks against plain convolutions and batch normalisations, each by its formula, in Burn's operations.

mod support;

use std::collections::BTreeMap;

use burn::tensor::{
    Device, Tensor, TensorData,
    activation::relu,
    module::conv2d,
    module::max_pool2d,
    ops::{ConvOptions, MaxPoolOptions},
};
use image::RgbImage;
use scst_encoder::{Architecture, Encoder, Features};

use support::{RandomWeights, uniform};

/// A network in its textbook form: maps are `[1, channels, rows, columns]`.
struct Textbook<'a> {
    tensors: &'a BTreeMap<String, support::Tensor>,
    epsilon: f64,
    has_same_padding: bool,
}

impl Textbook<'_> {
    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = &self.tensors[name];
        Tensor::from_data(
            TensorData::new(values.clone(), shape.clone()),
            &Device::flex(),
        )
    }

    /// A convolution, then its batch normalisation.
    fn convolve(&self, x: Tensor<4>, names: [&str; 2], stride: usize) -> Tensor<4> {
        let weights: Tensor<4> = self.tensor(&format!("{}.weight", names[0]));
        let [_, inner, kernel, _] = weights.dims();
        let [_, channels, rows, columns] = x.dims();
        let total = |size: usize| {
            if self.has_same_padding {
                ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size)
            } else {
                kernel / 2 * 2
            }
        };
        let (down, right) = (total(rows), total(columns));
        let around = (right / 2, right - right / 2, down / 2, down - down / 2);
        let x = x.pad(around, 0.0);
        let options = ConvOptions::new([stride; 2], [0; 2], [1; 2], channels / inner);
        self.normalise(conv2d(x, weights, None, options), names[1])
    }

    fn normalise(&self, x: Tensor<4>, name: &str) -> Tensor<4> {
        let read = |part: &str| {
            let vector: Tensor<1> = self.tensor(&format!("{name}.{part}"));
            let channels = vector.dims()[0];
            vector.reshape([1, channels, 1, 1])
        };
        let deviation = (read("running_var") + self.epsilon).sqrt();
        (x - read("running_mean")) / deviation * read("weight") + read("bias")
    }

    fn efficientnet_lite(&self, image: Tensor<4>) -> Tensor<4> {
        let relu6 = |x: Tensor<4>| x.clamp(0.0, 6.0);
        let mut x = relu6(self.convolve(image, ["_conv_stem", "_bn0"], 2));
        let blocks = (0..).take_while(|block| {
            let name = format!("_blocks.{block}._project_conv.weight");
            self.tensors.contains_key(&name)
        });
        let mut kernels = Vec::new();
        for block in blocks {
            let name = |part: &str| format!("_blocks.{block}.{part}");
            let depthwise = &self.tensors[&name("_depthwise_conv.weight")].0;
            let project = &self.tensors[&name("_project_conv.weight")].0;
            // A stage begins where the number of channels changes; these are the stages with a stride.
            let is_first = x.dims()[1] != project[0];
            let stage = kernels.len() + usize::from(is_first);
            let stride = if is_first && [2, 3, 4, 6].contains(&stage) {
                2
            } else {
                1
            };
            if is_first {
                kernels.push(depthwise[2]);
            }
            let mut y = x.clone();
            if self.tensors.contains_key(&name("_expand_conv.weight")) {
                let names = [&*name("_expand_conv"), &name("_bn0")];
                y = relu6(self.convolve(y, names, 1));
            }
            let names = [&*name("_depthwise_conv"), &name("_bn1")];
            y = relu6(self.convolve(y, names, stride));
            y = self.convolve(y, [&name("_project_conv"), &name("_bn2")], 1);
            x = if is_first { y } else { x + y };
        }
        assert_eq!(kernels, [3, 3, 5, 3, 5, 5, 3]);
        relu6(self.convolve(x, ["_conv_head", "_bn1"], 1))
    }

    fn resnet(&self, image: Tensor<4>, stages: [usize; 4]) -> Tensor<4> {
        let mut x = relu(self.convolve(image, ["conv1", "bn1"], 2));
        let options = MaxPoolOptions {
            kernel_size: [3; 2],
            stride: [2; 2],
            padding: [(1, 1); 2],
            dilation: [1; 2],
            ceil_mode: false,
        };
        x = max_pool2d(x, options);
        for (stage, blocks) in (1..).zip(stages) {
            for block in 0..blocks {
                let name = |part: &str| format!("layer{stage}.{block}.{part}");
                let stride = if stage > 1 && block == 0 { 2 } else { 1 };
                let mut y = relu(self.convolve(x.clone(), [&name("conv1"), &name("bn1")], 1));
                y = relu(self.convolve(y, [&name("conv2"), &name("bn2")], stride));
                y = self.convolve(y, [&name("conv3"), &name("bn3")], 1);
                if block == 0 {
                    let names = [&*name("downsample.0"), &name("downsample.1")];
                    x = self.convolve(x, names, stride);
                }
                x = relu(x + y);
            }
        }
        x
    }
}

/// An image of noise, which is not square.
fn noise(width: u32, height: u32) -> RgbImage {
    let bytes =
        uniform((3 * width * height) as usize, 5).map(|value| (127.5 * (value + 1.0)) as u8);
    RgbImage::from_raw(width, height, bytes.collect()).expect("as many bytes as pixels")
}

/// `[1, 3, rows, columns]`, normalised.
fn input(image: &RgbImage, normalise: impl Fn(f64, usize) -> f64) -> Tensor<4> {
    let (width, height) = image.dimensions();
    let mut values = Vec::new();
    for channel in 0..3 {
        for pixel in image.pixels() {
            values.push(normalise(f64::from(pixel.0[channel]), channel) as f32);
        }
    }
    let data = TensorData::new(values, [1, 3, height as usize, width as usize]);
    Tensor::from_data(data, &Device::flex())
}

fn assert_agree(found: &Features, map: Tensor<4>) {
    let [_, channels, rows, columns] = map.dims();
    let regions = map.reshape([channels, rows * columns]).transpose();
    let pooled = regions.clone().mean_dim(0).into_data();
    let grid = regions.into_data();
    for (found, expected) in [(&found.grid, grid), (&found.pooled, pooled)] {
        let expected = expected.as_slice::<f32>().expect("32-bit floats");
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!(largest > 0.1, "values that say something: {largest}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-4 * largest,
                "{found} {expected}, largest {largest}"
            );
        }
    }
}

#[test]
fn efficientnet_lite_equals_plain_convolutions() {
    for architecture in [
        Architecture::EfficientNetLite0,
        Architecture::EfficientNetLite2,
    ] {
        let mut weights = RandomWeights::default();
        let encoder = Encoder::load(architecture, &mut weights).expect("random weights");
        let textbook = Textbook {
            tensors: &weights.tensors,
            epsilon: 1e-3,
            has_same_padding: true,
        };
        for (width, height) in [(64, 64), (75, 52)] {
            let image = noise(width, height);
            let map = textbook.efficientnet_lite(input(&image, |byte, _| (byte - 127.0) / 128.0));
            assert_agree(&encoder.encode(&image), map);
        }
    }
}

#[test]
fn resnet_equals_plain_convolutions() {
    let mut weights = RandomWeights::default();
    let encoder = Encoder::load(Architecture::ResNet50, &mut weights).expect("random weights");
    let textbook = Textbook {
        tensors: &weights.tensors,
        epsilon: 1e-5,
        has_same_padding: false,
    };
    let image = noise(75, 52);
    let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let image_map = input(&image, |byte, channel| {
        (byte / 255.0 - mean[channel]) / deviation[channel]
    });
    assert_agree(
        &encoder.encode(&image),
        textbook.resnet(image_map, [3, 4, 6, 3]),
    );
}

#[test]
fn networks_have_their_published_sizes() {
    // Parameters with the classifier of 1,000 classes, in millions: Liu 2020 and torchvision.
    let published = [
        (Architecture::EfficientNetLite0, 4.7),
        (Architecture::EfficientNetLite1, 5.4),
        (Architecture::EfficientNetLite2, 6.1),
        (Architecture::EfficientNetLite3, 8.2),
        (Architecture::EfficientNetLite4, 13.0),
        (Architecture::ResNet50, 25.6),
        (Architecture::ResNet101, 44.5),
    ];
    for (architecture, millions) in published {
        let mut weights = RandomWeights::default();
        Encoder::load(architecture, &mut weights).expect("random weights");
        let learned = weights.tensors.iter();
        let learned = learned.filter(|(name, _)| !name.contains("running_"));
        let count: usize = learned.map(|(_, (_, values))| values.len()).sum();
        let classifier = 1000 * (architecture.dimension() + 1);
        let found = (count + classifier) as f64 / 1e6;
        assert!((found - millions).abs() < 0.06, "{architecture}: {found}");
    }
}

#[test]
fn number_of_regions_is_what_the_architecture_says() {
    let mut weights = RandomWeights::default();
    let architecture = Architecture::EfficientNetLite1;
    let encoder = Encoder::load(architecture, &mut weights).expect("random weights");
    let size = architecture.image_size() as u32;
    let features = encoder.encode(&noise(size, size));
    assert_eq!(
        features.grid.len(),
        architecture.regions() * architecture.dimension()
    );
    assert_eq!(features.pooled.len(), architecture.dimension());
}
