//! Vectors of the sources of a batch: features of images, or what an encoder made of texts.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use scst_kernels::traffic::send;

use crate::{
    ModelError,
    rows::{blocks, index, scatter_rows},
};

/// Features of images, one vector a region, the regions of the first image first; or vectors of texts, one a token.
///
/// Vectors exist for regions that exist, so nothing is masked. A source with one pooled vector has one region.
#[derive(Debug, Clone)]
pub struct SourceVectors {
    vectors: Tensor<2>,
    regions: Arc<[usize]>,
    /// Whether an encoder with parameters made them, which the backward pass goes on to.
    is_encoded: bool,
}

impl SourceVectors {
    /// One vector a source, `[sources, feature]`.
    pub fn pooled(vectors: Tensor<2>) -> Self {
        let regions = vec![1; vectors.dims()[0]].into();
        Self {
            vectors,
            regions,
            is_encoded: false,
        }
    }

    /// Vectors of all regions, `[regions of all sources, feature]`, and the number of regions of every source.
    ///
    /// # Errors
    /// [`ModelError::Rows`] when there are not as many vectors as regions, or a source has no region.
    pub fn regions(vectors: Tensor<2>, regions: Vec<usize>) -> Result<Self, ModelError> {
        let rows = |what, found, expected| ModelError::Rows {
            what,
            found,
            expected,
        };
        let [found, _] = vectors.dims();
        let expected = regions.iter().sum();
        if found != expected {
            return Err(rows("vectors of regions", found, expected));
        }
        if regions.contains(&0) {
            return Err(rows("regions of an image", 0, 1));
        }
        let regions = regions.into();
        Ok(Self {
            vectors,
            regions,
            is_encoded: false,
        })
    }

    /// The same, as what an encoder with parameters made.
    pub(crate) fn encoded(self) -> Self {
        Self {
            is_encoded: true,
            ..self
        }
    }

    /// Whether the backward pass goes on to them.
    pub(crate) fn needs_gradient(&self) -> bool {
        self.is_encoded
    }

    /// Number of sources.
    pub fn sources(&self) -> usize {
        self.regions.len()
    }

    /// Length of a vector.
    pub fn dimension(&self) -> usize {
        self.vectors.dims()[1]
    }

    /// Whether a captioner that reads vectors of `dimension` can open captions of these sources.
    ///
    /// # Errors
    /// [`ModelError`] when the dimension is another, or a source is not there.
    pub(crate) fn check(
        &self,
        dimension: usize,
        source_of_sequence: &[usize],
    ) -> Result<(), ModelError> {
        if self.dimension() != dimension {
            return Err(ModelError::FeatureDimension {
                found: self.dimension(),
                expected: dimension,
            });
        }
        let sources = self.sources();
        match source_of_sequence.iter().find(|&&source| source >= sources) {
            None => Ok(()),
            Some(&source) => Err(ModelError::Rows {
                what: "image of a caption, counted from 0",
                found: source,
                expected: sources.saturating_sub(1),
            }),
        }
    }

    /// All vectors, `[regions of all sources, feature]`.
    pub fn vectors(&self) -> Tensor<2> {
        self.vectors.clone()
    }

    /// The number of regions of every source.
    pub fn region_counts(&self) -> &Arc<[usize]> {
        &self.regions
    }

    /// Some of the sources, by their places.
    pub(crate) fn select(&self, sources: &[usize]) -> Self {
        let rows = blocks(&self.regions, sources);
        let device = self.vectors.device();
        Self {
            vectors: self.vectors.clone().select(0, index(&rows, &device)),
            regions: sources.iter().map(|&k| self.regions[k]).collect(),
            is_encoded: self.is_encoded,
        }
    }

    /// The same sources, with `change` made of their vectors.
    pub(crate) fn map(&self, change: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        Self {
            vectors: change(self.vectors.clone()),
            regions: self.regions.clone(),
            is_encoded: self.is_encoded,
        }
    }

    /// Vectors side by side, for attention in plain tensor operations: `[sources, longest, feature]`, and 1 where a region
    /// is, 0 where there is none, `[sources, longest]`.
    pub fn padded(&self) -> (Tensor<3>, Tensor<2>) {
        let longest = self.regions.iter().copied().max().unwrap_or(0);
        let mut rows = Vec::with_capacity(self.sources() * longest);
        let mut is_there = Vec::with_capacity(rows.capacity());
        let mut first = 0;
        for &count in self.regions.iter() {
            // Where no region is, any vector will do: nothing looks at it.
            rows.extend((0..longest).map(|k| first + k.min(count - 1)));
            is_there.extend((0..longest).map(|k| if k < count { 1.0f32 } else { 0.0 }));
            first += count;
        }
        let (device, dtype) = (self.vectors.device(), self.vectors.dtype());
        let vectors = self.vectors.clone().select(0, index(&rows, &device));
        let is_there = TensorData::new(is_there, [self.sources(), longest]);
        (
            vectors.reshape([self.sources(), longest, self.dimension()]),
            send(is_there, (&device, dtype)),
        )
    }

    /// The mean over the regions of every source, `[sources, columns]`, of rows, one a region.
    pub fn mean_of_regions(&self, rows: Tensor<2>) -> Tensor<2> {
        let counts = self.counts(&rows);
        scatter_rows(rows, &self.source_of_region(), self.sources()) / counts
    }

    /// The gradient at rows, one a region, from that at their means.
    pub(crate) fn mean_of_regions_backward(&self, d_mean: Tensor<2>) -> Tensor<2> {
        let source_of_region = index(&self.source_of_region(), &d_mean.device());
        let counts = self.counts(&d_mean);
        (d_mean / counts).select(0, source_of_region)
    }

    /// The source of every region.
    fn source_of_region(&self) -> Vec<usize> {
        let sources = self.regions.iter().enumerate();
        sources
            .flat_map(|(source, &count)| std::iter::repeat_n(source, count))
            .collect()
    }

    /// The number of regions of every source, `[sources, 1]`, where `like` is.
    fn counts(&self, like: &Tensor<2>) -> Tensor<2> {
        let counts: Vec<f32> = self.regions.iter().map(|&count| count as f32).collect();
        let data = TensorData::new(counts, [self.sources(), 1]);
        send(data, (&like.device(), like.dtype()))
    }
}
