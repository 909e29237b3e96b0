//! Captioners of other crates: their forward pass in tensor operations, which autodiff takes back.

mod config;
mod forward;
mod model;
mod registry;
mod run;
mod weights;

pub use config::{CustomConfig, OptionProblem};
pub use forward::{CustomCaptioner, Units};
pub(crate) use model::CustomModel;
pub use registry::CaptionerRegistry;
pub(crate) use run::{CustomState, CustomTape};
pub use weights::{CustomParameter, Initial, Weights};

#[cfg(test)]
mod tests;
