//! From an image file to the numbers that a network takes.

mod decode;
mod exif;
mod format;
mod gif;
mod inks;
mod orientation;
mod tiff;

use std::{fs::File, io::Read, path::Path};

use image::RgbImage;
use libjpeg_turbo_rs::{Encoder, PixelFormat};

pub use self::orientation::Orientation;
use self::{
    decode::decode,
    format::{Format, MEMORY_BYTES},
    orientation::turned,
};
use crate::{error::PictureError, resize::resize, sniff};

/// Of 100: small pictures are looked at, not computed with.
const THUMBNAIL_QUALITY: u8 = 72;

/// Reads an image as by [`read_whole`], and brings it to `size` x `size` pixels, whatever its shape: the values that PIL
/// gives for `convert("RGB")` and `resize((size, size), BILINEAR)`.
///
/// # Errors
/// The file cannot be read, or is not a whole image.
pub fn read(path: &Path, size: usize, orientation: Orientation) -> Result<RgbImage, PictureError> {
    resized(read_whole(path, orientation)?, [size; 2])
}

/// Reads a JPEG, PNG, WebP, GIF, BMP or TIFF, whatever its file is called, in red, green and blue without transparency;
/// of several images in a file, the first.
///
/// # Errors
/// The file cannot be read, or is not a whole image.
pub fn read_whole(path: &Path, orientation: Orientation) -> Result<RgbImage, PictureError> {
    let decoded = decode(&bytes(path)?)?;
    Ok(match (orientation, decoded.orientation) {
        (Orientation::Exif, Some(number)) => turned(decoded.image, number),
        _ => decoded.image,
    })
}

/// Whether an image looks otherwise as its EXIF data say than as it is stored.
///
/// # Errors
/// The file cannot be read, or is not a whole image.
pub fn is_turned(path: &Path) -> Result<bool, PictureError> {
    let decoded = decode(&bytes(path)?)?;
    Ok(matches!(decoded.orientation, Some(2..=8)))
}

/// The bytes of an image file, of which only the first are read when it is something else.
fn bytes(path: &Path) -> Result<Vec<u8>, PictureError> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    let head = sniff::HEAD_BYTES as u64;
    file.by_ref().take(head).read_to_end(&mut bytes)?;
    Format::of(&bytes)?;
    // One byte more shows that there are too many.
    file.take(MEMORY_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MEMORY_BYTES {
        return Err(PictureError::TooLong);
    }
    Ok(bytes)
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

/// A small picture of an image, as every viewer shows it, whose longer side has `side` pixels or fewer: a JPEG.
///
/// # Errors
/// The file cannot be read, or is not a whole image.
pub fn thumbnail(path: &Path, side: usize) -> Result<Vec<u8>, PictureError> {
    let image = read_whole(path, Orientation::Exif)?;
    let from = [image.width(), image.height()].map(|side| side as usize);
    let longer = from[0].max(from[1]).max(1);
    let scaled = |pixels: usize| (pixels * side.min(longer) / longer).max(1);
    let [width, height] = from.map(scaled);
    jpeg(&resized(image, [width, height])?)
}

/// A small picture as a JPEG.
pub(crate) fn jpeg(image: &RgbImage) -> Result<Vec<u8>, PictureError> {
    let [width, height] = [image.width(), image.height()].map(|side| side as usize);
    let encoder = Encoder::new(image.as_raw(), width, height, PixelFormat::Rgb);
    let jpeg = encoder.quality(THUMBNAIL_QUALITY).encode();
    jpeg.map_err(|_| PictureError::Pixels)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use image::metadata;
    use serde::Deserialize;
    use tempfile::TempDir;

    use super::*;
    use crate::error::Damage;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name)
    }

    /// An image of `scripts/picture_fixtures.py`, and what Pillow 13 has of it.
    #[derive(Deserialize)]
    struct Fixture {
        name: String,
        file: String,
        width: u32,
        height: u32,
        pixels: String,
    }

    fn fixtures() -> Vec<Fixture> {
        let json = fs::read(fixture("pictures.json")).expect("the fixtures");
        serde_json::from_slice(&json).expect("JSON")
    }

    fn of_hexadecimal(digits: &str) -> Vec<u8> {
        let byte = |k| u8::from_str_radix(&digits[k..k + 2], 16).expect("hexadecimal");
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    /// `tests/fixtures/tiny.jpg` and `tiny_progressive.jpg` were written by Pillow 12 with chroma at half the size;
    /// the golden values are its pixels, `convert("RGB").resize((8, 8), Image.BILINEAR)`.
    #[test]
    fn small_pictures_keep_their_shape_and_are_never_larger() {
        let folder = TempDir::new().expect("a temporary directory");
        let sizes = |width: u32, height: u32, side: usize| {
            let path = folder.path().join("image.png");
            let image = RgbImage::from_pixel(width, height, image::Rgb([200, 40, 10]));
            image.save(&path).expect("an image is written");
            let jpeg = folder.path().join("small.jpg");
            fs::write(&jpeg, thumbnail(&path, side).expect("a picture")).expect("a file");
            let small = read_whole(&jpeg, Orientation::Stored).expect("an image");
            assert!(small.pixels().all(|pixel| pixel[0] > 180 && pixel[2] < 40));
            small.dimensions()
        };
        assert_eq!(sizes(300, 100, 150), (150, 50));
        assert_eq!(sizes(20, 40, 150), (20, 40));
        assert_eq!(sizes(500, 1, 100), (100, 1));
    }

    #[test]
    fn pixels_of_a_jpeg_are_those_of_pil() {
        for name in ["tiny.jpg", "tiny_progressive.jpg"] {
            let image = read(&fixture(name), 8, Orientation::Exif).expect("a JPEG");
            assert_eq!(image.as_raw()[..6], [17, 11, 9, 44, 11, 27]);
            assert_eq!(crc32c::crc32c(image.as_raw()), 0x9306_7270, "{name}");
        }
    }

    #[test]
    fn pixels_of_all_kinds_of_images_are_those_of_pil_the_right_way_up() {
        let directory = TempDir::new().expect("a temporary directory");
        // Content decides, not the name.
        let path = directory.path().join("image.jpg");
        let fixtures = fixtures();
        assert!(fixtures.len() > 100);
        for fixture in fixtures {
            let Fixture { name, .. } = &fixture;
            fs::write(&path, of_hexadecimal(&fixture.file)).expect("the file is written");
            let image = read_whole(&path, Orientation::Exif);
            let image = image.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                image.dimensions(),
                (fixture.width, fixture.height),
                "{name}"
            );
            assert_eq!(*image.as_raw(), of_hexadecimal(&fixture.pixels), "{name}");
        }
    }

    #[test]
    fn photos_are_as_stored_when_that_is_asked_for() {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("image");
        for fixture in fixtures() {
            let Some(number) = fixture.name.strip_prefix("turned") else {
                continue;
            };
            fs::write(&path, of_hexadecimal(&fixture.file)).expect("the file is written");
            let stored = read_whole(&path, Orientation::Stored).expect("an image");
            assert_eq!(stored.dimensions(), (7, 5), "{}", fixture.name);
            let upright = read_whole(&path, Orientation::Exif).expect("an image");
            let is_turned = is_turned(&path).expect("an image");
            assert_eq!(stored != upright, is_turned, "{}", fixture.name);
            let number = number.split('.').next().map(str::parse);
            if let Some(Ok(number)) = number {
                let orientation = metadata::Orientation::from_exif(number);
                let expected = orientation.is_some_and(|orientation| orientation.to_exif() > 1);
                assert_eq!(is_turned, expected, "{}", fixture.name);
            }
        }
    }

    /// PIL makes white of nearly all grey of 16 bits; here it is what its upper bytes are.
    #[test]
    fn grey_of_16_bits_is_that_of_its_upper_bytes() {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("image.png");
        let pixels = vec![0, 0x00ff, 0x1234, 0x80ff, 0xfeff, 0xffff];
        let grey = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(6, 1, pixels);
        let grey = image::DynamicImage::ImageLuma16(grey.expect("six pixels"));
        grey.save(&path).expect("a file");
        let image = read_whole(&path, Orientation::Exif).expect("an image");
        let found: Vec<u8> = image.pixels().map(|pixel| pixel.0[1]).collect();
        assert_eq!(found, [0, 0, 0x12, 0x80, 0xfe, 0xff]);
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
                let cut = read(&path, 8, Orientation::Exif);
                assert!(cut.is_err(), "{name} cut after {length} bytes");
            }
        }
        let missing = read(&directory.path().join("missing.jpg"), 8, Orientation::Exif);
        assert!(matches!(missing, Err(PictureError::Read(_))));
    }

    /// Bytes of images of all kinds are changed and cut: there are pixels or an error, no panic.
    #[test]
    fn damaged_images_are_an_error_or_an_image() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize
        };
        for fixture in fixtures() {
            let whole = of_hexadecimal(&fixture.file);
            for _ in 0..30 {
                let mut damaged = whole.clone();
                for _ in 0..=random() % 4 {
                    let at = random() % damaged.len();
                    damaged[at] = random() as u8;
                }
                damaged.truncate(damaged.len() - random() % 8 / 7 * (random() % damaged.len()));
                if let Ok(decoded) = decode(&damaged) {
                    assert!(decoded.image.width() > 0 && decoded.image.height() > 0);
                }
            }
        }
    }

    #[test]
    fn files_that_are_something_else_are_named_for_what_they_seem_to_be() {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("image.jpg");
        let cases: [(&[u8], &str); 6] = [
            (b"", "it is an empty file, expected a JPEG, PNG, "),
            (b"<html>not found</html>", "it is an HTML page, expected"),
            (
                b"\0\0\0\x18ftypheic\0\0\0\0",
                "it is a HEIC photo, expected",
            ),
            (b"\x12\x34\x01\xfe", "does not begin as an image does"),
            (b"\xff\xd8\xff\xe0 not all", "it is not a whole JPEG: "),
            (
                b"\x89PNG\r\n\x1a\n",
                "it is not a whole PNG: it ends too early",
            ),
        ];
        for (content, expected) in cases {
            fs::write(&path, content).expect("the file is written");
            let error = read(&path, 8, Orientation::Exif).expect_err("no image");
            let message = error.to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("0x"), "{message}");
        }
    }

    /// Headers of images of hundreds of millions of pixels, in a few bytes.
    #[test]
    fn images_that_would_take_too_much_memory_are_refused_by_their_headers() {
        let side = [0, 0, 0xa0, 0];
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([side, side].concat());
        png.extend(b"\x08\x02\0\0\0");
        let crc = crc_of_png(&png[12..]);
        png.extend(crc.to_be_bytes());
        png.extend(b"\0\0\0\x08IDAT\x78\x9c\x03\0\0\0\0\x01");
        let crc = crc_of_png(b"IDAT\x78\x9c\x03\0\0\0\0\x01");
        png.extend(crc.to_be_bytes());
        let mut gif = b"GIF89a\0\xa0\0\xa0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
        gif.extend(b",\0\0\0\0\0\xa0\0\xa0\0\x02\x02\x44\x01\0;");
        let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bmp.extend(b"\0\xa0\0\0\0\xa0\0\0\x01\0\x18\0");
        bmp.resize(64, 0);
        let fixtures = fixtures();
        let named = |name: &str| {
            let fixture = fixtures.iter().find(|fixture| fixture.name == name);
            of_hexadecimal(&fixture.expect("the fixture").file)
        };
        let mut jpeg = named("420.jpg");
        let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]);
        let frame = frame.expect("a header") + 5;
        jpeg[frame..frame + 4].copy_from_slice(&[0xa0, 0, 0xa0, 0]);
        for (name, bytes) in [("PNG", png), ("GIF", gif), ("BMP", bmp), ("JPEG", jpeg)] {
            match decode(&bytes) {
                Err(PictureError::TooLarge { width, height }) => {
                    assert_eq!([width, height], [0xa000; 2], "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        let size = format::check_size(u32::MAX, u32::MAX, u64::MAX);
        assert!(size.is_err(), "no overflow");
        let cut = Format::Jpeg.damaged(Damage::EndsEarly).to_string();
        assert_eq!(cut, "it is not a whole JPEG: it ends too early");
    }

    /// CRC-32 bit by bit, as PNG has it.
    fn crc_of_png(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| {
                (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        })
    }
}
