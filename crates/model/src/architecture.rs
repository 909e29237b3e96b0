//! What the configuration of a captioner says of it.

/// Sizes that the data set decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    /// Length of an image's feature vector.
    pub feature: usize,
    /// Words in the vocabulary, end token included.
    pub vocab: usize,
}

/// Sizes that the data set decides, of a captioner that reads texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextDimensions {
    /// Tokens in the vocabulary of sources.
    pub source_vocab: usize,
    /// Words in the vocabulary of targets, end token included.
    pub vocab: usize,
}

/// A captioner's name and sizes, before it has weights.
pub(crate) trait Architecture {
    /// Its name in a configuration file.
    fn name(&self) -> &'static str;

    /// Share of units that dropout removes in training.
    fn dropout(&self) -> f64;

    /// Its sizes, by their names in a configuration file.
    fn sizes(&self) -> Vec<(&'static str, usize)>;

    /// How many parameters it has in these dimensions.
    fn parameter_count(&self, dimensions: Dimensions) -> u128;

    /// Whether it reads vectors of regions; else it reads one vector an image.
    fn reads_regions(&self) -> bool;
}

/// A size for products that cannot overflow: it counts up to 2^40.
pub(crate) fn capped(size: usize) -> u128 {
    (size as u128).min(1 << 40)
}

/// The parameters that face `v` words: embeddings of length `e`, and an output layer that reads `h` units.
pub(crate) fn word_parameters(v: u128, h: u128, e: u128) -> u128 {
    v * (e + h + 1)
}
