//! The files of a checkpoint.

/// Version of the layout; checkpoints of other versions are refused.
pub(super) const FORMAT_VERSION: u32 = 2;

pub(super) const STATE: &str = "state.json";
pub(super) const CONFIG: &str = "config.toml";
pub(crate) const TOKENIZER: &str = "tokenizer.json";
pub(super) const SOURCE_TOKENIZER: &str = "source_tokenizer.json";
pub(super) const MODEL: &str = "model.safetensors";
pub(super) const OPTIMISER: &str = "optimiser.safetensors";
pub(super) const STANDARDISATION: &str = "standardisation.safetensors";
pub(super) const ENCODER: &str = "encoder.json";
pub(super) const FEATURES: &str = "features.json";

/// Every file that a manifest may list.
pub(super) const FILES: [&str; 9] = [
    STATE,
    CONFIG,
    TOKENIZER,
    SOURCE_TOKENIZER,
    MODEL,
    OPTIMISER,
    STANDARDISATION,
    ENCODER,
    FEATURES,
];
/// Name of the manifest in a checkpoint.
pub(super) const MANIFEST: &str = "manifest.json";
