//! From an image file to the numbers that a network takes.

use std::{fs, io::Cursor, path::Path};

use image::{ImageReader, Limits, RgbImage};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, PixelFormat};

use crate::{error::PictureError, resize::resize};

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

/// Memory that a file may ask for: a photo of 40 million pixels takes a quarter.
const MEMORY_BYTES: u64 = 512 << 20;

/// Reads a JPEG, PNG or WebP, whatever its file is called, in red, green and blue without transparency, and brings it
/// to `size` x `size` pixels: the values that PIL gives for `convert("RGB")` and `resize((size, size), BILINEAR)`.
///
/// # Errors
/// The file cannot be read, or is not a whole image.
pub fn read(path: &Path, size: usize) -> Result<RgbImage, PictureError> {
    let bytes = fs::read(path).map_err(PictureError::Read)?;
    let image = if bytes.starts_with(b"\xff\xd8\xff") {
        decode_jpeg(&bytes)?
    } else {
        let mut reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format()?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MEMORY_BYTES);
        reader.limits(limits);
        reader.decode()?.into_rgb8()
    };
    let [width, height] = [image.width(), image.height()].map(|side| side as usize);
    if width == 0 || height == 0 {
        return Err(PictureError::Pixels);
    }
    let pixels = resize(image.into_raw(), [width, height], [size; 2]);
    RgbImage::from_raw(size as u32, size as u32, pixels).ok_or(PictureError::Pixels)
}

fn decode_jpeg(bytes: &[u8]) -> Result<RgbImage, PictureError> {
    let limits = DecodeLimits {
        max_memory: Some(MEMORY_BYTES),
        ..DecodeLimits::default()
    };
    let mut decoder = Decoder::new_with_limits(bytes, limits)?;
    decoder.set_output_format(PixelFormat::Rgb);
    let image = decoder.decode_image()?;
    RgbImage::from_raw(image.width as u32, image.height as u32, image.data)
        .ok_or(PictureError::Pixels)
}
