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

/// Reads an image as by [`read_whole`], and brings it to `size` x `size` pixels, whatever its shape: the values that PIL
/// gives for `convert("RGB")` and `resize((size, size), BILINEAR)`.
///
/// # Errors
/// The file cannot be read, or is not a whole image.
pub fn read(path: &Path, size: usize) -> Result<RgbImage, PictureError> {
    resized(read_whole(path)?, [size; 2])
}

/// Reads a JPEG, PNG or WebP, whatever its file is called, in red, green and blue without transparency.
///
/// # Errors
/// The file cannot be read, or is not a whole image.
pub fn read_whole(path: &Path) -> Result<RgbImage, PictureError> {
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
    if image.width() == 0 || image.height() == 0 {
        return Err(PictureError::Pixels);
    }
    Ok(image)
}

/// Brings an image to another width and height, as PIL does it.
///
/// # Errors
/// It has no pixels.
pub(crate) fn resized(image: RgbImage, to: [usize; 2]) -> Result<RgbImage, PictureError> {
    let from = [image.width(), image.height()].map(|side| side as usize);
    if from.contains(&0) {
        return Err(PictureError::Pixels);
    }
    let pixels = resize(image.into_raw(), from, to);
    RgbImage::from_raw(to[0] as u32, to[1] as u32, pixels).ok_or(PictureError::Pixels)
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use image::{DynamicImage, GrayImage, ImageFormat, RgbaImage};
    use tempfile::TempDir;

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name)
    }

    /// `tests/fixtures/tiny.jpg` and `tiny_progressive.jpg` were written by Pillow 12 with chroma at half the size;
    /// the golden values are its pixels, `convert("RGB").resize((8, 8), Image.BILINEAR)`.
    #[test]
    fn pixels_of_a_jpeg_are_those_of_pil() {
        for name in ["tiny.jpg", "tiny_progressive.jpg"] {
            let image = read(&fixture(name), 8).expect("a JPEG");
            assert_eq!(image.as_raw()[..6], [17, 11, 9, 44, 11, 27]);
            assert_eq!(crc32c::crc32c(image.as_raw()), 0x9306_7270, "{name}");
        }
    }

    #[test]
    fn transparency_is_dropped_and_grey_is_spread_when_an_image_is_not_rgb() {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("image");
        let rgba = RgbaImage::from_fn(2, 2, |x, y| [9, 200, 30, (x + y) as u8 * 90].into());
        let grey = GrayImage::from_pixel(2, 2, [77].into());
        let images: [(DynamicImage, [u8; 3]); 2] =
            [(rgba.into(), [9, 200, 30]), (grey.into(), [77; 3])];
        for (image, expected) in images {
            for format in [ImageFormat::Png, ImageFormat::WebP] {
                image.save_with_format(&path, format).expect("a file");
                let found = read(&path, 2).expect("an image");
                assert!(
                    found.pixels().all(|pixel| pixel.0 == expected),
                    "{format:?}"
                );
            }
        }
    }

    #[test]
    fn broken_image_is_an_error_wherever_it_is_cut() {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("image.jpg");
        for name in ["tiny.jpg", "tiny_progressive.jpg"] {
            let whole = fs::read(fixture(name)).expect("a fixture");
            // Without its last bytes, a JPEG holds all its pixels.
            for length in (0..whole.len() - 40).step_by(5) {
                fs::write(&path, &whole[..length]).expect("the file is written");
                assert!(read(&path, 8).is_err(), "{name} cut after {length} bytes");
            }
        }
        fs::write(&path, "<html>not found</html>").expect("the file is written");
        assert!(matches!(read(&path, 8), Err(PictureError::Decode(_))));
        let missing = read(&directory.path().join("missing.jpg"), 8);
        assert!(matches!(missing, Err(PictureError::Read(_))));
    }

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
