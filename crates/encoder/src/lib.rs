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
//! | `normalisation` | from bytes to the numbers that networks take |
//! | `picture`, `resize` | from an image file to pixels the right way up, as PIL has them |
//! | `sniff` | what a file seems to be, for messages |
//! | `extract` | from a folder of images to feature files |
//! | `record` | what stands beside a feature file about its encoder |
//! | `attention_picture` | a photo for every word, in warm light where the captioner looked |

mod architecture;
mod attention_picture;
mod efficientnet_lite;
mod encoder;
mod error;
mod extract;
mod layer;
mod normalisation;
mod picture;
mod record;
mod resize;
mod resnet;
mod sniff;
mod weights;

pub use architecture::Architecture;
pub use attention_picture::{attention_jpeg, attention_picture};
pub use encoder::{Encoder, Features};
pub use error::{
    AttentionPictureError, Damage, EncoderError, PictureError, RecordError, WeightsError,
};
pub use extract::{
    Change, Extracted, Extraction, ExtractionEvent, OnError, PassedOver, encode_all, extract,
    extract_in, fingerprint, list_images,
};
pub use picture::{Orientation, is_turned, read, read_whole, thumbnail};
pub use record::{Element, EncoderRecord, Part};
pub use weights::{FloatTensor, StateDict, WeightSource};

/// An image in red, green and blue, as [`read`] gives it.
pub use image::RgbImage;
