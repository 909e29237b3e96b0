//! Features of the images of a batch.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use crate::{
    ModelError,
    rows::{index, scatter_rows},
};

/// Features of images, one vector a region, the regions of the first image first.
///
/// Vectors exist for regions that exist, so nothing is masked. An image with one pooled vector has one region.
#[derive(Debug, Clone)]
pub struct ImageFeatures {
    vectors: Tensor<2>,
    regions: Arc<[usize]>,
}

impl ImageFeatures {
    /// One vector an image, `[images, feature]`.
    pub fn pooled(vectors: Tensor<2>) -> Self {
        let regions = vec![1; vectors.dims()[0]].into();
        Self { vectors, regions }
    }

    /// Vectors of all regions, `[regions of all images, feature]`, and the number of regions of every image.
    ///
    /// # Errors
    /// [`ModelError::Rows`] when there are not as many vectors as regions, or an image has no region.
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
        Ok(Self { vectors, regions })
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.regions.len()
    }

    /// Length of a vector.
    pub fn dimension(&self) -> usize {
        self.vectors.dims()[1]
    }

    /// All vectors, `[regions of all images, feature]`.
    pub(crate) fn vectors(&self) -> Tensor<2> {
        self.vectors.clone()
    }

    /// The number of regions of every image.
    pub(crate) fn region_counts(&self) -> &Arc<[usize]> {
        &self.regions
    }

    /// The mean over the regions of every image, `[images, columns]`, of rows, one a region.
    pub(crate) fn mean_of_regions(&self, rows: Tensor<2>) -> Tensor<2> {
        let counts = self.counts(&rows);
        scatter_rows(rows, &self.image_of_region(), self.images()) / counts
    }

    /// The gradient at rows, one a region, from that at their means.
    pub(crate) fn mean_of_regions_backward(&self, d_mean: Tensor<2>) -> Tensor<2> {
        let image_of_region = index(&self.image_of_region(), &d_mean.device());
        let counts = self.counts(&d_mean);
        (d_mean / counts).select(0, image_of_region)
    }

    /// The image of every region.
    fn image_of_region(&self) -> Vec<usize> {
        let images = self.regions.iter().enumerate();
        images
            .flat_map(|(image, &count)| std::iter::repeat_n(image, count))
            .collect()
    }

    /// The number of regions of every image, `[images, 1]`, where `like` is.
    fn counts(&self, like: &Tensor<2>) -> Tensor<2> {
        let counts: Vec<f32> = self.regions.iter().map(|&count| count as f32).collect();
        let data = TensorData::new(counts, [self.images(), 1]);
        Tensor::from_data(data, (&like.device(), like.dtype()))
    }
}
