//! Captioners: networks that score the next word of a caption.
//!
//! A [`Captioner`] runs captions through its network and keeps a [`Tape`]: what its own,
//! hand-written backward pass needs. Words may be given (teacher forcing) or chosen one step at a
//! time by a search (a rollout); both leave the same tape. The objective turns the hidden states
//! of the tape into their gradients, and [`Captioner::backward`] turns those into gradients of
//! all parameters. What is read are vectors of images, or texts that an encoder makes vectors of ([`Source`]); the
//! backward pass goes on to the encoder. Autodiff is the oracle in tests, never the path in training.
//!
//! Parameters are known by name: [`Captioner::parameters`] lists them, [`Captioner::update`]
//! changes them, [`Gradients`] holds one gradient per name.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod architecture;
mod att2all;
mod att2in;
mod attention;
#[cfg(test)]
mod autodiff;
mod captioner;
mod custom;
mod dropout;
mod encoder;
mod error;
mod family;
mod fc;
mod gradients;
mod init;
mod locations;
mod lstm;
mod markov;
mod parameters;
mod recurrent;
mod region_layers;
mod relu;
mod rows;
mod show_attend_tell;
mod show_tell;
mod signal;
mod source;
mod source_vectors;
mod state_gradient;
mod step_product;
mod tape;
mod transformer;
mod up_down;
mod weight;
mod words;

pub use architecture::{Dimensions, TextDimensions};
pub use att2all::Att2allConfig;
pub use att2in::Att2inConfig;
pub use captioner::{Captioner, CaptionerConfig};
pub use custom::{
    CaptionerRegistry, CustomCaptioner, CustomConfig, CustomParameter, Initial, OptionProblem,
    Units, Weights,
};
pub use dropout::Dropout;
pub use encoder::{LstmEncoderConfig, TextEncoderConfig, TransformerEncoderConfig};
pub use error::ModelError;
pub use family::{State, Tape};
pub use fc::{CandidateKind, FcConfig};
pub use gradients::{Gradients, HandOut};
pub use locations::{LocationSignal, Locations};
pub use markov::{CaptionLoss, MarkovConfig};
pub use parameters::Parameter;
pub(crate) use parameters::{parameters, update_parameters};
pub use recurrent::Noise;
pub use show_attend_tell::{AttentionKind, ShowAttendTellConfig};
pub use show_tell::ShowTellConfig;
pub use signal::{Backward, OutputGradients, Signal};
pub use source::{Source, SourceTokens};
pub use source_vectors::SourceVectors;
pub use transformer::TransformerConfig;
pub use up_down::UpDownConfig;
pub use words::InputKind;
