//! What the decoders of all formats share.

use std::{error::Error, io};

use image::RgbImage;

use crate::{
    error::{Damage, PictureError},
    sniff,
};

/// Memory that the pixels of a file may take: those of 178 million, of which PIL reads no more either.
pub(super) const MEMORY_BYTES: u64 = 512 << 20;

/// An image as it is stored, and the number of its orientation, if there is one.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) image: RgbImage,
    pub(super) orientation: Option<u8>,
}

/// A kind of image that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
    Tiff,
}

impl Format {
    /// The format of a file with these first bytes, whatever it is called.
    ///
    /// # Errors
    /// It is of no format that is read.
    pub(super) fn of(head: &[u8]) -> Result<Self, PictureError> {
        match sniff::kind(head) {
            Some("a JPEG") => Ok(Self::Jpeg),
            Some("a PNG") => Ok(Self::Png),
            Some("a WebP") => Ok(Self::WebP),
            Some("a GIF") => Ok(Self::Gif),
            Some("a BMP") => Ok(Self::Bmp),
            Some("a TIFF") => Ok(Self::Tiff),
            Some(found) => Err(PictureError::Foreign { found }),
            None => Err(PictureError::Unknown),
        }
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        }
    }

    /// An error for what is damaged.
    pub(super) fn damaged(self, damage: Damage) -> PictureError {
        PictureError::Damaged {
            format: self.name(),
            damage,
        }
    }

    /// An error for an image of this format that is not read.
    pub(super) fn unsupported(self) -> PictureError {
        PictureError::Unsupported {
            format: self.name(),
        }
    }
}

/// Checks the pixels that a header announces, of which each takes so many bytes, before there is memory for them.
///
/// # Errors
/// There are none, or too many.
pub(super) fn check_size(width: u32, height: u32, pixel_bytes: u64) -> Result<(), PictureError> {
    if width == 0 || height == 0 {
        return Err(PictureError::Pixels);
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels.saturating_mul(pixel_bytes.max(3)) > MEMORY_BYTES {
        return Err(PictureError::TooLarge { width, height });
    }
    Ok(())
}

/// Whether a file ends early, as far as the causes of an error tell.
pub(super) fn damage(error: &(dyn Error + 'static)) -> Damage {
    let mut next = Some(error);
    while let Some(cause) = next {
        let io = cause.downcast_ref::<io::Error>();
        let is_end = io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof);
        if is_end || cause.to_string().to_lowercase().contains("unexpected end") {
            return Damage::EndsEarly;
        }
        next = cause.source();
    }
    Damage::Content
}
