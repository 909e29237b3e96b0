//! The encoders by name, and what they take and give.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::normalisation::Normalisation;

/// Length of a feature vector: the channels of the last stage.
const RESNET_DIMENSION: usize = 2048;

/// Length of a feature vector: the channels of the head.
pub(crate) const EFFICIENTNET_LITE_DIMENSION: usize = 1280;

/// Mean and deviation of ImageNet's channels, of bytes.
const RESNET_NORMALISATION: Normalisation = Normalisation {
    mean: [0.485 * 255.0, 0.456 * 255.0, 0.406 * 255.0],
    deviation: [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0],
};

/// `(x - 127) / 128`.
const EFFICIENTNET_LITE_NORMALISATION: Normalisation = Normalisation {
    mean: [127.0; 3],
    deviation: [128.0; 3],
};

/// An image encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Architecture {
    /// EfficientNet-Lite0, 224 x 224.
    EfficientNetLite0,
    /// EfficientNet-Lite1, 240 x 240.
    EfficientNetLite1,
    /// EfficientNet-Lite2, 260 x 260.
    EfficientNetLite2,
    /// EfficientNet-Lite3, 280 x 280.
    EfficientNetLite3,
    /// EfficientNet-Lite4, 300 x 300.
    EfficientNetLite4,
    /// ResNet-50, 224 x 224.
    ResNet50,
    /// ResNet-101, 224 x 224.
    ResNet101,
}

impl Architecture {
    /// All encoders.
    pub const ALL: [Self; 7] = [
        Self::EfficientNetLite0,
        Self::EfficientNetLite1,
        Self::EfficientNetLite2,
        Self::EfficientNetLite3,
        Self::EfficientNetLite4,
        Self::ResNet50,
        Self::ResNet101,
    ];

    /// The name under which it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::EfficientNetLite0 => "efficientnet_lite0",
            Self::EfficientNetLite1 => "efficientnet_lite1",
            Self::EfficientNetLite2 => "efficientnet_lite2",
            Self::EfficientNetLite3 => "efficientnet_lite3",
            Self::EfficientNetLite4 => "efficientnet_lite4",
            Self::ResNet50 => "resnet50",
            Self::ResNet101 => "resnet101",
        }
    }

    /// Rows and columns of the images that it takes, in pixels.
    pub fn image_size(self) -> usize {
        match self {
            Self::EfficientNetLite0 | Self::ResNet50 | Self::ResNet101 => 224,
            Self::EfficientNetLite1 => 240,
            Self::EfficientNetLite2 => 260,
            Self::EfficientNetLite3 => 280,
            Self::EfficientNetLite4 => 300,
        }
    }

    /// Regions of an image: five strides of 2 in each direction.
    pub fn regions(self) -> usize {
        self.image_size().div_ceil(32).pow(2)
    }

    /// Length of a feature vector.
    pub fn dimension(self) -> usize {
        match self {
            Self::ResNet50 | Self::ResNet101 => RESNET_DIMENSION,
            _ => EFFICIENTNET_LITE_DIMENSION,
        }
    }

    /// Tensors by which a network is found in a file that holds more than it: no part of a network has them all.
    pub(crate) fn landmarks(self) -> [&'static str; 2] {
        match self {
            Self::ResNet50 | Self::ResNet101 => ["conv1.weight", "layer1.0.conv1.weight"],
            _ => ["_conv_stem.weight", "_blocks.0._depthwise_conv.weight"],
        }
    }

    /// How bytes become the numbers that it was trained on.
    pub(crate) fn normalisation(self) -> Normalisation {
        match self {
            Self::ResNet50 | Self::ResNet101 => RESNET_NORMALISATION,
            _ => EFFICIENTNET_LITE_NORMALISATION,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.name().to_owned()
    }
}

impl TryFrom<String> for Architecture {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|architecture| architecture.name() == name)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("found {name:?}, expected one of {names}")
            })
    }
}
