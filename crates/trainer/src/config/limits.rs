//! How large sizes may be, each by itself.

/// CPU threads.
pub(super) const THREADS: u64 = 1024;
/// Things that are counted one by one, such as steps between two records; a TOML file holds such numbers.
pub(crate) const COUNT: u64 = 1_000_000_000_000_000;
/// Words of a caption.
pub(super) const WORDS: u64 = 1000;
/// Sources that are decoded at a time.
pub(super) const SOURCES_DECODED: u64 = 10_000;
/// Validation captions that are kept of every validation.
pub(super) const SAMPLES_SHOWN: u64 = 1000;
/// Sources of a training step.
pub(crate) const SOURCES: u64 = 100_000;
/// Captions of a source in a training step, gold or sampled.
pub(crate) const CAPTIONS: u64 = 1000;
/// Steps of the optimiser on the same samples.
pub(super) const UPDATES: u64 = 1000;
/// Captions of a source that are sampled for evaluation.
pub(super) const SAMPLES: u64 = 100_000;
/// Passes over the training sources.
pub(super) const EPOCHS: u64 = 1_000_000;
/// Training steps: epochs of the largest training sets, and more.
pub(super) const STEPS: u64 = 1_000_000_000_000;
/// Units, columns and the like of a captioner.
pub(super) const SIZE: u64 = 1_000_000;
/// Layers of a text encoder.
pub(super) const LAYERS: u64 = 100;
/// Rows that are decoded at a time: captions of all sources of a batch.
pub(crate) const ROWS: usize = 10_000;
/// Words of all captions of a training step.
pub(crate) const WORDS_OF_A_STEP: u128 = 1_000_000;
/// Parameters of a captioner: 2 GB of weights, 8 GB with gradient and moments of an optimiser.
pub(super) const PARAMETERS: u128 = 500_000_000;
