//! Image encoders: from photos to feature files.
//!
//! Networks compute on Burn's CPU backend `flex`, one image at a time: a map of values is `[pixels, channels]`, 1 x 1
//! convolutions are matrix products, and what stands around them are loops of [`scst_kernels::convolution`]. There is
//! no second path for other backends: one CPU encodes a data set in minutes, once.
//!
//! | module | what it holds |
//! |---|---|
//! | `architecture` | the encoders by name |
//! | `encoder` | a network with its weights |
//! | `efficientnet_lite`, `resnet` | the networks |
//! | `layer` | convolutions with their batch normalisation folded in |
//! | `weights` | PyTorch's state dicts |
//! | `picture`, `resize` | from an image file to pixels, as PIL has them |
//! | `extract` | from a folder of images to feature files |

mod architecture;
mod efficientnet_lite;
mod encoder;
mod error;
mod extract;
mod layer;
mod picture;
mod resize;
mod resnet;
mod weights;

pub use architecture::Architecture;
pub use encoder::{Encoder, Features};
pub use error::{EncoderError, PictureError, WeightsError};
pub use extract::{Element, Extracted, Extraction, ExtractionEvent, OnError, extract};
pub use picture::read;
pub use weights::{FloatTensor, StateDict, WeightSource};
