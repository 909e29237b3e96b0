//! A network with its weights.

use std::path::Path;

use image::RgbImage;
use scst_kernels::host::Values;

use crate::{
    architecture::Architecture,
    efficientnet_lite::{EfficientNetLite, Scale},
    error::{EncoderError, WeightsError},
    layer::Map,
    resnet::ResNet,
    weights::{StateDict, WeightSource},
};

/// What an encoder says of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// `[regions, dimension]`, regions row after row.
    pub grid: Vec<f32>,
    /// `[dimension]`, their mean.
    pub pooled: Vec<f32>,
}

/// An image encoder with its weights. It computes on Burn's CPU backend `flex`.
#[derive(Debug)]
pub struct Encoder {
    architecture: Architecture,
    network: Network,
}

#[derive(Debug)]
enum Network {
    EfficientNetLite(Box<EfficientNetLite>),
    ResNet(Box<ResNet>),
}

impl Encoder {
    /// Reads the weights of a `.pth` file.
    ///
    /// # Errors
    /// The file cannot be read, or its tensors are not those of the network.
    pub fn open(architecture: Architecture, path: &Path) -> Result<Self, EncoderError> {
        let attempt = || {
            let weights = StateDict::open(path)?;
            let mut weights = weights.enter(&architecture.landmarks())?;
            let encoder = Self::load(architecture, &mut weights)?;
            weights.finish()?;
            Ok(encoder)
        };
        attempt().map_err(|error| EncoderError::Weights {
            path: path.to_owned(),
            architecture,
            error,
        })
    }

    /// Reads the weights of any source.
    ///
    /// # Errors
    /// The source's.
    pub fn load(
        architecture: Architecture,
        source: &mut dyn WeightSource,
    ) -> Result<Self, WeightsError> {
        let network = match architecture {
            Architecture::EfficientNetLite0 => lite(source, 1.0, 1.0)?,
            Architecture::EfficientNetLite1 => lite(source, 1.0, 1.1)?,
            Architecture::EfficientNetLite2 => lite(source, 1.1, 1.2)?,
            Architecture::EfficientNetLite3 => lite(source, 1.2, 1.4)?,
            Architecture::EfficientNetLite4 => lite(source, 1.4, 1.8)?,
            Architecture::ResNet50 => resnet(source, [3, 4, 6, 3])?,
            Architecture::ResNet101 => resnet(source, [3, 4, 23, 3])?,
        };
        Ok(Self {
            architecture,
            network,
        })
    }

    /// The encoder's kind.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The features of an image of any size; sizes other than [`Architecture::image_size`] give another number of
    /// regions.
    pub fn encode(&self, image: &RgbImage) -> Features {
        let size = [image.height() as usize, image.width() as usize];
        let mut pixels = Values::zeros([size[0] * size[1], 3]);
        let normalisation = self.architecture.normalisation();
        normalisation.apply(image, pixels.get_mut());
        let image = Map::new(size, pixels);
        let map = match &self.network {
            Network::EfficientNetLite(network) => network.forward(image),
            Network::ResNet(network) => network.forward(image),
        };
        let grid = Values::take(map.values).get().to_vec();
        let pooled = mean(&grid, self.architecture.dimension());
        Features { grid, pooled }
    }
}

fn lite(source: &mut dyn WeightSource, width: f64, depth: f64) -> Result<Network, WeightsError> {
    let network = EfficientNetLite::load(source, Scale { width, depth })?;
    Ok(Network::EfficientNetLite(Box::new(network)))
}

fn resnet(source: &mut dyn WeightSource, stages: [usize; 4]) -> Result<Network, WeightsError> {
    Ok(Network::ResNet(Box::new(ResNet::load(source, stages)?)))
}

/// The mean of all rows.
fn mean(rows: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for row in rows.chunks_exact(columns) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let count = (rows.len() / columns) as f32;
    sums.iter().map(|sum| sum / count).collect()
}
