//! The state of open captions, and the tape of a run for its backward pass.

use std::sync::Arc;

use burn::tensor::Tensor;
use scst_kernels::multi_head::Sources;

use super::{heads::KeysValues, layer::LayerRecord, norm::NormRecord};
use crate::{Dropout, SourceVectors, dropout::Dropped};

/// The regions of all sources, as the layers attend to them.
#[derive(Debug, Clone)]
pub(crate) struct Regions {
    /// The number of the first region of every source, and of the one behind the last.
    firsts: Vec<usize>,
    /// Keys and values of all regions, layer by layer.
    pub(crate) keys_values: Vec<KeysValues>,
}

impl Regions {
    /// `counts`: the number of regions of every source.
    pub(crate) fn new(counts: &[usize], keys_values: Vec<KeysValues>) -> Self {
        let ends = counts.iter().scan(0, |end, count| {
            *end += count;
            Some(*end)
        });
        let firsts = std::iter::once(0).chain(ends).collect();
        Self {
            firsts,
            keys_values,
        }
    }

    /// The regions that rows attend to.
    pub(crate) fn of_rows(&self, source_of_row: &[usize]) -> Sources {
        let mut sources = Sources::default();
        for &source in source_of_row {
            sources.push(self.firsts[source]..self.firsts[source + 1]);
        }
        sources
    }
}

/// What a transformer remembers of the captions so far, one row a caption.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) regions: Arc<Regions>,
    /// Keys and values of all words that were read, layer by layer, a block a step.
    pub(crate) cache: Vec<Vec<KeysValues>>,
    /// Number of rows of the cache.
    pub(crate) cached: usize,
    /// The rows of the cache that are the words of every open caption.
    pub(crate) words: Sources,
    pub(crate) source_of_row: Vec<usize>,
}

impl State {
    /// No word yet.
    pub(crate) fn new(regions: Arc<Regions>, source_of_row: Vec<usize>) -> Self {
        let mut words = Sources::default();
        for _ in &source_of_row {
            words.push([]);
        }
        Self {
            cache: vec![Vec::new(); regions.keys_values.len()],
            regions,
            cached: 0,
            words,
            source_of_row,
        }
    }

    /// The state of the captions `rows`, in that order; the cache stays where it is.
    pub(crate) fn select(self, rows: &[usize]) -> Self {
        let mut words = Sources::default();
        for &row in rows {
            words.push(self.words.of(row).iter().copied());
        }
        let source_of_row = rows.iter().map(|&row| self.source_of_row[row]).collect();
        Self {
            words,
            source_of_row,
            ..self
        }
    }
}

/// What a transformer made of the sources of a run.
#[derive(Debug, Clone)]
pub(crate) struct SourceRecord {
    /// The features as they came.
    pub(crate) features: SourceVectors,
    /// Their projection after ReLU and dropout, `[regions of all sources, hidden]`.
    pub(crate) projected: Tensor<2>,
    pub(crate) norm: NormRecord,
    pub(crate) regions: Arc<Regions>,
    /// What dropout multiplied kept units of the projection by.
    pub(crate) scale: f64,
}

/// A run over captions; a step adds its rows behind those before it, and teacher forcing adds all at once.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    pub(crate) sources: SourceRecord,
    pub(crate) words: WordRecord,
}

/// What a transformer made of the words of a run; all rows are packed.
#[derive(Debug, Clone, Default)]
pub(crate) struct WordRecord {
    /// Input words, `[rows]`.
    pub(crate) words: Vec<u32>,
    /// The rows that every row attends to.
    pub(crate) of_words: Sources,
    /// The regions that every row attends to.
    pub(crate) of_regions: Sources,
    pub(crate) embedded: Dropped,
    pub(crate) layers: Vec<LayerRecord>,
    pub(crate) norm: NormRecord,
}

impl WordRecord {
    /// No row yet.
    pub(crate) fn new(layers: usize, dropout: Option<&mut Dropout>) -> Self {
        let mut record = Self::default();
        match dropout {
            None => record.layers = vec![LayerRecord::default(); layers],
            Some(dropout) => {
                record.embedded = Dropped::new(dropout.split());
                let layers = (0..layers).map(|_| LayerRecord::with_dropout(dropout));
                record.layers = layers.collect();
            }
        }
        record
    }
}

#[cfg(feature = "cube")]
impl WordRecord {
    /// Where masks are drawn from.
    pub(crate) fn dropouts(&mut self) -> impl Iterator<Item = &mut Dropout> {
        let of_layers = self.layers.iter_mut().flat_map(LayerRecord::dropped);
        let all = std::iter::once(&mut self.embedded).chain(of_layers);
        all.filter_map(Dropped::dropout_mut)
    }
}

impl Tape {
    /// The words that the last rows went on from, where they were not known then, `[rows]`.
    #[cfg(feature = "cube")]
    pub(crate) fn fill_in(&mut self, words: &[Vec<u32>]) {
        let words = words.concat();
        let first = self.words.words.len().saturating_sub(words.len());
        self.words.words.truncate(first);
        self.words.words.extend(words);
    }

    /// The inputs of the output layer, `[rows, hidden]`; `None` before the first step.
    pub(crate) fn hidden(&self) -> Option<Tensor<2>> {
        self.words.norm.output()
    }

    /// Number of packed rows.
    pub(crate) fn rows(&self) -> usize {
        self.words.words.len()
    }
}
