//! From the bytes of a picture to the numbers that a network takes.

use image::RgbImage;

/// How bytes become numbers: `(byte - mean) / deviation`, for red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Normalisation {
    pub(crate) mean: [f32; 3],
    pub(crate) deviation: [f32; 3],
}

impl Normalisation {
    /// The pixels of an image, `[rows * columns, 3]`.
    pub(crate) fn apply(&self, image: &RgbImage, pixels: &mut [f32]) {
        let pixels = pixels.as_chunks_mut().0.iter_mut();
        for (pixel, bytes) in pixels.zip(image.as_raw().as_chunks().0) {
            let _: (&mut [f32; 3], &[u8; 3]) = (pixel, bytes);
            for channel in 0..3 {
                let value = f32::from(bytes[channel]) - self.mean[channel];
                pixel[channel] = value / self.deviation[channel];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisation_is_by_channel() {
        let image = RgbImage::from_pixel(1, 2, [10, 20, 30].into());
        let mut pixels = [0.0; 6];
        let normalisation = Normalisation {
            mean: [0.0, 10.0, 40.0],
            deviation: [2.0, 1.0, 5.0],
        };
        normalisation.apply(&image, &mut pixels);
        assert_eq!(pixels, [5.0, 10.0, -2.0, 5.0, 10.0, -2.0]);
    }
}
