//! ResNet-50 and ResNet-101 up to their last map.
//!
//! He et al. 2016, with the stride of a bottleneck in its 3 x 3 convolution, as torchvision has it.

use scst_kernels::convolution::Activation;

use crate::{
    error::WeightsError,
    layer::{Convolution, Family, Map, Padding, Sizes},
    weights::WeightSource,
};

const FAMILY: Family = Family {
    padding: Padding::Centred,
    epsilon: 1e-5,
};

/// Channels after the stem.
const STEM: usize = 64;

/// A bottleneck gives this many channels for every channel within.
const EXPANSION: usize = 4;

/// The network up to its last map.
#[derive(Debug)]
pub(crate) struct ResNet {
    stem: Convolution,
    blocks: Vec<Bottleneck>,
}

impl ResNet {
    /// Reads the network under the names of torchvision, with this many bottlenecks in its stages.
    pub(crate) fn load(
        source: &mut dyn WeightSource,
        stages: [usize; 4],
    ) -> Result<Self, WeightsError> {
        let sizes = Sizes {
            channels: 3,
            out: STEM,
            kernel: 7,
            stride: 2,
        };
        let stem = Convolution::load(source, FAMILY, ["conv1", "bn1"], sizes)?;
        let mut blocks = Vec::new();
        let mut channels = STEM;
        for (stage, count) in stages.into_iter().enumerate() {
            let inner = STEM << stage;
            for number in 0..count {
                let name = format!("layer{}.{number}", stage + 1);
                let sizes = Sizes {
                    channels,
                    out: inner,
                    kernel: 3,
                    stride: if stage > 0 && number == 0 { 2 } else { 1 },
                };
                blocks.push(Bottleneck::load(source, &name, sizes)?);
                channels = EXPANSION * inner;
            }
        }
        Ok(Self { stem, blocks })
    }

    /// The last map, of 2048 channels.
    pub(crate) fn forward(&self, image: Map) -> Map {
        let mut map = self.stem.forward(image, Activation::Relu).max_pool();
        for block in &self.blocks {
            map = block.forward(map);
        }
        map
    }
}

#[derive(Debug)]
struct Bottleneck {
    reduce: Convolution,
    convolve: Convolution,
    expand: Convolution,
    /// What makes the input as large as the output, where it is not.
    downsample: Option<Convolution>,
}

impl Bottleneck {
    /// `sizes`: channels of the input and within, kernel and stride of the second convolution.
    fn load(source: &mut dyn WeightSource, name: &str, sizes: Sizes) -> Result<Self, WeightsError> {
        let name = |part: &str| format!("{name}.{part}");
        let Sizes {
            channels,
            out: inner,
            stride,
            ..
        } = sizes;
        let out = EXPANSION * inner;
        let mut load = |convolution: &str, normalisation: &str, sizes| {
            let names = [&*name(convolution), &name(normalisation)];
            Convolution::load(source, FAMILY, names, sizes)
        };
        let reduce = load("conv1", "bn1", Sizes::pointwise(channels, inner))?;
        let inner_sizes = Sizes {
            channels: inner,
            ..sizes
        };
        let convolve = load("conv2", "bn2", inner_sizes)?;
        let expand = load("conv3", "bn3", Sizes::pointwise(inner, out))?;
        let sizes = Sizes {
            stride,
            ..Sizes::pointwise(channels, out)
        };
        let downsample = (channels != out || stride != 1)
            .then(|| load("downsample.0", "downsample.1", sizes))
            .transpose()?;
        Ok(Self {
            reduce,
            convolve,
            expand,
            downsample,
        })
    }

    fn forward(&self, map: Map) -> Map {
        let skip = match &self.downsample {
            Some(downsample) => downsample.forward(map.clone(), Activation::Identity),
            None => map.clone(),
        };
        let map = self.reduce.forward(map, Activation::Relu);
        let map = self.convolve.forward(map, Activation::Relu);
        self.expand.forward_with(map, Some(skip), Activation::Relu)
    }
}
