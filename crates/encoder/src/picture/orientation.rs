//! How a photo is turned, by what stands beside its pixels.

use std::iter;

use image::{DynamicImage, RgbImage, metadata};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::{Deserialize, Serialize};

use super::exif;

/// Texts of a PNG are no longer than this when they are inflated (1 MiB, as in PIL).
const TEXT_BYTES: usize = 1 << 20;

/// Which way up photos are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// As their pixels are stored.
    #[default]
    Stored,
    /// As their EXIF data say, and every viewer shows them: PIL's `ImageOps.exif_transpose`.
    Exif,
}

/// Turns and mirrors an image as a number from 2 to 8 says; other numbers say nothing.
pub(super) fn turned(image: RgbImage, orientation: u8) -> RgbImage {
    match metadata::Orientation::from_exif(orientation) {
        Some(orientation) if orientation != metadata::Orientation::NoTransforms => {
            let mut image = DynamicImage::ImageRgb8(image);
            image.apply_orientation(orientation);
            image.into_rgb8()
        }
        _ => image,
    }
}

/// What a JPEG says: the EXIF data of all its segments joined, and the last XMP packet.
pub(super) fn of_jpeg(bytes: &[u8]) -> Option<u8> {
    let mut exif: Option<Vec<u8>> = None;
    let mut xmp = None;
    for segment in application_segments(bytes) {
        if let Some(rest) = segment.strip_prefix(b"Exif\0\0") {
            match &mut exif {
                Some(exif) => exif.extend(rest),
                None => exif = Some(segment.to_vec()),
            }
        }
        if let Some(packet) = segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
            xmp = Some(packet);
        }
    }
    exif::orientation(exif.as_deref(), xmp)
}

/// The contents of the segments `APP1` before the pixels.
fn application_segments(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    let next = move || {
        // Any number of bytes 0xff, and bytes between segments, are passed over.
        let start = rest.windows(2).position(|pair| {
            let [first, marker] = pair else { return false };
            *first == 0xff && !matches!(marker, 0 | 0xff)
        })?;
        let marker = rest[start + 1];
        rest = &rest[start + 2..];
        if matches!(marker, 0xd0..=0xd7 | 0x01 | 0xd8) {
            return Some(None);
        }
        if marker == 0xda || marker == 0xd9 {
            return None;
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let segment = rest.get(2..length)?;
        rest = &rest[length..];
        Some((marker == 0xe1).then_some(segment))
    };
    iter::from_fn(next).flatten()
}

/// What a PNG says in `eXIf`, in ImageMagick's text of EXIF data, or in XMP, before or after its pixels.
pub(super) fn of_png(bytes: &[u8]) -> Option<u8> {
    let (mut exif, mut profile, mut xmp) = (None, None, None);
    for (kind, content) in png_chunks(bytes) {
        match kind {
            b"eXIf" => exif = Some(content.to_vec()),
            b"tEXt" | b"zTXt" | b"iTXt" => match png_text(*kind, content) {
                Some((b"Raw profile type exif", text)) => profile = hexadecimal(&text),
                Some((b"XML:com.adobe.xmp", text)) => xmp = Some(text),
                _ => {}
            },
            _ => {}
        }
    }
    exif::orientation(exif.or(profile).as_deref(), xmp.as_deref())
}

/// The chunks of a PNG.
fn png_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let (kind, after) = after.split_first_chunk()?;
        let content = after.get(..u32::from_be_bytes(*length) as usize)?;
        rest = after.get(content.len() + 4..)?;
        Some((kind, content))
    })
}

/// Keyword and text of a chunk of text.
fn png_text(kind: [u8; 4], content: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let (keyword, rest) = split(content)?;
    let inflate = |text| decompress_to_vec_zlib_with_limit(text, TEXT_BYTES).ok();
    let text = match &kind {
        b"tEXt" => rest.to_vec(),
        b"zTXt" => inflate(rest.get(1..)?)?,
        _ => {
            // Language, and keyword in that language.
            let (_, after) = split(rest.get(2..)?)?;
            let (_, text) = split(after)?;
            match rest[0] {
                0 => text.to_vec(),
                _ => inflate(text)?,
            }
        }
    };
    Some((keyword, text))
}

/// What stands before and after the first zero.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// The bytes that stand in hexadecimal from the fourth line on, after a name and a length.
fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let lines = text.split(|&byte| byte == b'\n').skip(3);
    let digits = lines.flatten().filter(|byte| !byte.is_ascii_whitespace());
    let digit = |&byte: &u8| char::from(byte).to_digit(16);
    let digits = digits.map(digit).collect::<Option<Vec<_>>>()?;
    let (pairs, rest) = digits.as_chunks();
    let byte = |&[high, low]: &[u32; 2]| (high << 4 | low) as u8;
    rest.is_empty().then(|| pairs.iter().map(byte).collect())
}

/// What a WebP says in its chunks, as far as its header announces them.
pub(super) fn of_webp(bytes: &[u8]) -> Option<u8> {
    let (mut exif, mut xmp, mut flags) = (None, None, 0);
    for (kind, content) in riff_chunks(bytes) {
        match kind {
            b"VP8X" => flags = *content.first()?,
            b"EXIF" if flags & 8 != 0 => exif = exif.or(Some(content)),
            b"XMP " if flags & 4 != 0 => xmp = xmp.or(Some(content)),
            _ => {}
        }
    }
    exif::orientation(exif, xmp)
}

/// The chunks of a WebP.
fn riff_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    iter::from_fn(move || {
        let (kind, after) = rest.split_first_chunk()?;
        let (length, after) = after.split_first_chunk()?;
        let content = after.get(..u32::from_le_bytes(*length) as usize)?;
        // Chunks begin at even places.
        rest = after
            .get(content.len().next_multiple_of(2)..)
            .unwrap_or_default();
        Some((kind, content))
    })
}
