//! EfficientNet-Lite 0 to 4: inverted residual blocks with ReLU6, no squeeze-and-excitation.
//!
//! Tan and Le 2019, in the variant for small devices (Liu 2020). A block widens its channels by a 1 x 1 convolution,
//! convolves each for itself, and narrows them by another 1 x 1 convolution; where sizes allow, its input is added.
//! Larger variants are Lite0 with more channels and blocks; stem and head stay as they are.

use scst_kernels::convolution::Activation;

use crate::{
    architecture::EFFICIENTNET_LITE_DIMENSION,
    error::WeightsError,
    layer::{Convolution, DepthwiseConvolution, Family, Map, Padding, Sizes},
    weights::WeightSource,
};

const FAMILY: Family = Family {
    padding: Padding::Same,
    epsilon: 1e-3,
};

/// Channels after the stem.
const STEM: usize = 32;

/// Lite0's stages.
const STAGES: [Stage; 7] = [
    Stage::new(1, 3, 1, 1, 16),
    Stage::new(2, 3, 2, 6, 24),
    Stage::new(2, 5, 2, 6, 40),
    Stage::new(3, 3, 2, 6, 80),
    Stage::new(3, 5, 1, 6, 112),
    Stage::new(4, 5, 2, 6, 192),
    Stage::new(1, 3, 1, 6, 320),
];

/// Blocks with the same number of channels.
#[derive(Debug, Clone, Copy)]
struct Stage {
    blocks: usize,
    kernel: usize,
    /// Stride of the first block.
    stride: usize,
    /// Channels within a block for every channel before it.
    expansion: usize,
    channels: usize,
}

impl Stage {
    const fn new(
        blocks: usize,
        kernel: usize,
        stride: usize,
        expansion: usize,
        channels: usize,
    ) -> Self {
        Self {
            blocks,
            kernel,
            stride,
            expansion,
            channels,
        }
    }
}

/// How much larger than Lite0 a variant is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Factor of channels.
    pub(crate) width: f64,
    /// Factor of blocks.
    pub(crate) depth: f64,
}

impl Scale {
    /// A multiple of 8 channels near the factor's, at most a tenth below.
    fn channels(self, channels: usize) -> usize {
        let exact = channels as f64 * self.width;
        let rounded = (((exact + 4.0) as usize) / 8 * 8).max(8);
        if (rounded as f64) < 0.9 * exact {
            rounded + 8
        } else {
            rounded
        }
    }

    /// Blocks of a stage; the first and the last stage stay as they are.
    fn blocks(self, stage: usize) -> usize {
        let blocks = STAGES[stage].blocks;
        if stage == 0 || stage == STAGES.len() - 1 {
            blocks
        } else {
            (blocks as f64 * self.depth).ceil() as usize
        }
    }
}

/// The network up to its last map.
#[derive(Debug)]
pub(crate) struct EfficientNetLite {
    stem: Convolution,
    blocks: Vec<Block>,
    head: Convolution,
}

impl EfficientNetLite {
    /// Reads the network under the names of `efficientnet_lite_pytorch`.
    pub(crate) fn load(source: &mut dyn WeightSource, scale: Scale) -> Result<Self, WeightsError> {
        let sizes = Sizes {
            channels: 3,
            out: STEM,
            kernel: 3,
            stride: 2,
        };
        let stem = Convolution::load(source, FAMILY, ["_conv_stem", "_bn0"], sizes)?;
        let mut blocks = Vec::new();
        let mut channels = STEM;
        for (number, stage) in STAGES.into_iter().enumerate() {
            for repeat in 0..scale.blocks(number) {
                let stage = Stage {
                    stride: if repeat == 0 { stage.stride } else { 1 },
                    channels: scale.channels(stage.channels),
                    ..stage
                };
                let name = format!("_blocks.{}", blocks.len());
                blocks.push(Block::load(source, &name, channels, stage)?);
                channels = stage.channels;
            }
        }
        let sizes = Sizes::pointwise(channels, EFFICIENTNET_LITE_DIMENSION);
        let head = Convolution::load(source, FAMILY, ["_conv_head", "_bn1"], sizes)?;
        Ok(Self { stem, blocks, head })
    }

    /// The last map, of [`EFFICIENTNET_LITE_DIMENSION`] channels.
    pub(crate) fn forward(&self, image: Map) -> Map {
        let mut map = self.stem.forward(image, Activation::Relu6);
        for block in &self.blocks {
            map = block.forward(map);
        }
        self.head.forward(map, Activation::Relu6)
    }
}

#[derive(Debug)]
struct Block {
    expand: Option<Convolution>,
    depthwise: DepthwiseConvolution,
    project: Convolution,
    has_skip: bool,
}

impl Block {
    fn load(
        source: &mut dyn WeightSource,
        name: &str,
        channels: usize,
        stage: Stage,
    ) -> Result<Self, WeightsError> {
        let name = |part: &str| format!("{name}.{part}");
        let inner = channels * stage.expansion;
        let expand = (stage.expansion > 1)
            .then(|| {
                let names = [&*name("_expand_conv"), &name("_bn0")];
                Convolution::load(source, FAMILY, names, Sizes::pointwise(channels, inner))
            })
            .transpose()?;
        let sizes = Sizes {
            channels: inner,
            out: inner,
            kernel: stage.kernel,
            stride: stage.stride,
        };
        let names = [&*name("_depthwise_conv"), &name("_bn1")];
        let depthwise = DepthwiseConvolution::load(source, FAMILY, names, sizes)?;
        let sizes = Sizes::pointwise(inner, stage.channels);
        let names = [&*name("_project_conv"), &name("_bn2")];
        Ok(Self {
            expand,
            depthwise,
            project: Convolution::load(source, FAMILY, names, sizes)?,
            has_skip: stage.stride == 1 && channels == stage.channels,
        })
    }

    fn forward(&self, map: Map) -> Map {
        let skip = self.has_skip.then(|| map.clone());
        let map = match &self.expand {
            Some(expand) => expand.forward(map, Activation::Relu6),
            None => map,
        };
        let map = self.depthwise.forward(map, Activation::Relu6);
        self.project.forward_with(map, skip, Activation::Identity)
    }
}
