//! From the bytes of an image file to the pixels that PIL has of it.

use std::{io, panic};

use image::{
    DynamicImage, ImageDecoder, ImageError, Limits, RgbImage,
    codecs::{bmp::BmpDecoder, png::PngDecoder, webp::WebPDecoder},
};
use libjpeg_turbo_rs::{ComponentInfo, DecodeLimits, Decoder, JpegError, PixelFormat};

use super::{
    format::{Decoded, Format, MEMORY_BYTES, check_size, damage},
    gif,
    inks::of_inks,
    orientation, tiff,
};
use crate::{
    error::{Damage, PictureError},
    sniff,
};

/// Passes over the pixels of a JPEG; programs that write progressive ones make about ten.
const JPEG_SCANS: usize = 500;

/// Decodes as [`decode_with_panics`] does; where a decoder fails on a file that no test of its own has foreseen, the
/// file is damaged.
///
/// # Errors
/// It is no image that is read, not a whole one, or too large.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, PictureError> {
    let format = Format::of(&bytes[..bytes.len().min(sniff::HEAD_BYTES)])?;
    let decoded = panic::catch_unwind(|| decode_with_panics(bytes, format));
    decoded.unwrap_or(Err(format.damaged(Damage::Content)))
}

/// Decodes an image in red, green and blue without transparency, the first one where there are several.
///
/// # Errors
/// It is not a whole image, of a kind that is not read, or too large.
fn decode_with_panics(bytes: &[u8], format: Format) -> Result<Decoded, PictureError> {
    let reader = io::Cursor::new(bytes);
    let (image, orientation) = match format {
        Format::Jpeg => (jpeg(bytes)?, orientation::of_jpeg(bytes)),
        Format::Png => {
            let decoder = PngDecoder::with_limits(reader, limits());
            (pixels(decoder, format)?, orientation::of_png(bytes))
        }
        Format::WebP => {
            let decoder = WebPDecoder::new(reader);
            (pixels(decoder, format)?, orientation::of_webp(bytes))
        }
        Format::Bmp => {
            let mut image = pixels(BmpDecoder::new(reader), format)?;
            cut_as_pil(bytes, &mut image);
            (image, None)
        }
        Format::Gif => (gif::decode(bytes)?, None),
        Format::Tiff => return tiff::decode(bytes),
    };
    Ok(Decoded { image, orientation })
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_BYTES);
    limits
}

/// The pixels of a decoder of the crate `image`.
fn pixels<D: ImageDecoder>(
    decoder: Result<D, ImageError>,
    format: Format,
) -> Result<RgbImage, PictureError> {
    let wrap = |size: (u32, u32)| move |error| of_image(error, format, size);
    let mut decoder = decoder.map_err(wrap((0, 0)))?;
    let size = decoder.dimensions();
    check_size(
        size.0,
        size.1,
        decoder.color_type().bytes_per_pixel().into(),
    )?;
    decoder.set_limits(limits()).map_err(wrap(size))?;
    let image = DynamicImage::from_decoder(decoder).map_err(wrap(size))?;
    let pixels = match &image {
        DynamicImage::ImageLuma16(image) => high_bytes(image, 1),
        DynamicImage::ImageLumaA16(image) => high_bytes(image, 2),
        DynamicImage::ImageRgb16(image) => high_bytes(image, 3),
        DynamicImage::ImageRgba16(image) => high_bytes(image, 4),
        _ => return Ok(image.into_rgb8()),
    };
    RgbImage::from_raw(size.0, size.1, pixels).ok_or(PictureError::Pixels)
}

/// Red, green and blue of pixels of 16 bits a channel: PIL takes the upper 8, and does not round.
fn high_bytes(samples: &[u16], channels: usize) -> Vec<u8> {
    let colours = if channels < 3 { [0; 3] } else { [0, 1, 2] };
    let pixels = samples.chunks_exact(channels);
    let bytes = pixels.flat_map(|pixel| colours.map(|colour| (pixel[colour] >> 8) as u8));
    bytes.collect()
}

fn jpeg(bytes: &[u8]) -> Result<RgbImage, PictureError> {
    let limits = DecodeLimits {
        max_memory: Some(MEMORY_BYTES),
        max_scans: JPEG_SCANS,
        ..DecodeLimits::default()
    };
    let wrap = |size: (u32, u32)| move |error| of_jpeg(&error, size);
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(wrap((0, 0)))?;
    let header = decoder.header();
    let size = (u32::from(header.width), u32::from(header.height));
    let inks = header.components.len() == 4;
    if header.precision != 8 || (inks && !are_inks_read(&header.components)) {
        return Err(Format::Jpeg.unsupported());
    }
    check_size(size.0, size.1, 3)?;
    decoder.set_output_format(if inks {
        PixelFormat::Cmyk
    } else {
        PixelFormat::Rgb
    });
    let image = decoder.decode_image().map_err(wrap(size))?;
    let pixels = if inks {
        // Adobe's programs store light rather than ink, and PIL takes all files for theirs.
        let (pixels, _) = image.data.as_chunks();
        let inks = pixels
            .iter()
            .map(|light: &[u8; 4]| light.map(|light| 255 - light));
        inks.flat_map(of_inks).collect()
    } else {
        image.data
    };
    RgbImage::from_raw(image.width as u32, image.height as u32, pixels).ok_or(PictureError::Pixels)
}

/// Whether four inks are stored in sizes that the decoder brings to one as libjpeg does: all in full, or the second and
/// third at half the width, or at half of both.
fn are_inks_read(components: &[ComponentInfo]) -> bool {
    let sizes = components
        .iter()
        .map(|ink| [ink.horizontal_sampling, ink.vertical_sampling]);
    let sizes: Vec<_> = sizes.collect();
    matches!(sizes[..], [first, second, third, fourth] if first == fourth
        && second == third
        && second == [1; 2]
        && [[1, 1], [2, 1], [2, 2]].contains(&first))
}

/// Brings colours of five and six bits from the nearest of 256 to the one that PIL cuts them off to.
fn cut_as_pil(bytes: &[u8], image: &mut RgbImage) {
    let number = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    };
    let bits = number(28).map(|bits| bits & 0xffff);
    let (length, compression, green) = (number(14), number(30), number(58));
    if bits != Some(16) || length < Some(40) {
        return;
    }
    let largest = match (compression, green) {
        (Some(0), _) | (Some(3), Some(0x3e0)) => [31; 3],
        (Some(3), Some(0x7e0)) => [31, 63, 31],
        _ => return,
    };
    for pixel in image.pixels_mut() {
        for (colour, largest) in pixel.0.iter_mut().zip(largest) {
            let stored = (u32::from(*colour) * largest + 127) / 255;
            *colour = (stored * 255 / largest) as u8;
        }
    }
}

fn of_jpeg(error: &JpegError, (width, height): (u32, u32)) -> PictureError {
    match error {
        JpegError::UnexpectedEof => Format::Jpeg.damaged(Damage::EndsEarly),
        JpegError::LimitExceeded { what, .. } if what.contains("memory") || width > 0 => {
            PictureError::TooLarge { width, height }
        }
        JpegError::AllocationFailed { .. } => PictureError::TooLarge { width, height },
        JpegError::Unsupported(_) => Format::Jpeg.unsupported(),
        _ => Format::Jpeg.damaged(Damage::Content),
    }
}

fn of_image(error: ImageError, format: Format, (width, height): (u32, u32)) -> PictureError {
    match &error {
        ImageError::Limits(_) => PictureError::TooLarge { width, height },
        ImageError::Unsupported(_) => format.unsupported(),
        ImageError::IoError(error) => format.damaged(damage(error)),
        _ => format.damaged(damage(&error)),
    }
}
