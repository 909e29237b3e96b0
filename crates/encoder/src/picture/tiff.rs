//! The first image of a TIFF.

use std::{borrow::Cow, io::Cursor};

use image::RgbImage;
use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits},
    tags::Tag,
};

use super::{
    exif::{self, Directory},
    format::{Decoded, Format, MEMORY_BYTES, check_size, damage},
    inks::of_inks,
};
use crate::error::{Damage, PictureError};

/// The tag that says what samples mean, and what it says of numbers of colours.
const INTERPRETATION: (u16, u16) = (262, 3);

/// The tag of the colours, all red ones first.
const COLOURS: u16 = 320;

/// The tag of an XMP packet.
const XMP: u16 = 700;

/// What a sample beside red, green and blue is: transparency by which they are multiplied.
const ASSOCIATED_ALPHA: u16 = 1;

/// How bits may lie in bytes, which is not read.
const LOWEST_BIT_FIRST: u16 = 2;

/// Decodes greys, colours, numbers of colours and inks of 8 and 16 bits a sample, greys and numbers also of fewer.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, PictureError> {
    let wrap = |size: (u32, u32)| move |error| of_tiff(&error, size);
    let (bytes, palette) = Palette::take(bytes);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MEMORY_BYTES as usize;
    limits.intermediate_buffer_size = MEMORY_BYTES as usize;
    let decoder = Decoder::new(Cursor::new(&*bytes)).map_err(wrap((0, 0)))?;
    let mut decoder = decoder.with_limits(limits);
    let size = decoder.dimensions().map_err(wrap((0, 0)))?;
    let colours = decoder.colortype().map_err(wrap(size))?;
    let layout = Layout::of(colours, palette)?;
    check_size(size.0, size.1, layout.pixel_bytes())?;
    let order = decoder.find_tag_unsigned::<u16>(Tag::FillOrder);
    if order.is_ok_and(|order| order == Some(LOWEST_BIT_FIRST)) {
        return Err(Format::Tiff.unsupported());
    }
    let mut samples = DecodingResult::U8(Vec::new());
    let buffer = decoder.read_image_to_buffer(&mut samples);
    let buffer = buffer.map_err(wrap(size))?;
    let planes = (buffer.planes > 1).then_some(layout.channels);
    let alpha = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples);
    let is_multiplied = alpha.is_ok_and(|alpha| alpha == Some(vec![ASSOCIATED_ALPHA]));
    let samples = match samples {
        DecodingResult::U8(samples) => interleaved(samples, planes),
        // As everywhere, the upper bytes.
        DecodingResult::U16(samples) => {
            let samples = interleaved(samples, planes).into_iter();
            samples.map(|sample| (sample >> 8) as u8).collect()
        }
        _ => return Err(Format::Tiff.unsupported()),
    };
    let pixels = layout.pixels(&samples, size, is_multiplied);
    let orientation = orientation(&mut decoder);
    let image = RgbImage::from_raw(size.0, size.1, pixels);
    let image = image.ok_or(Format::Tiff.damaged(Damage::Content))?;
    Ok(Decoded { image, orientation })
}

fn orientation(decoder: &mut Decoder<Cursor<&[u8]>>) -> Option<u8> {
    let tag = decoder.find_tag(Tag::Orientation).ok().flatten();
    if let Some(value) = tag {
        return value
            .into_u64()
            .ok()
            .and_then(|value| value.try_into().ok());
    }
    let xmp = decoder.get_tag_u8_vec(Tag::Unknown(XMP)).ok();
    exif::orientation(None, xmp.as_deref())
}

/// Samples pixel after pixel, where they may stand channel after channel.
fn interleaved<T: Copy>(samples: Vec<T>, planes: Option<usize>) -> Vec<T> {
    let Some(planes) = planes else {
        return samples;
    };
    let pixels = samples.len() / planes;
    let pixel = |k: usize| (0..planes).map(move |plane| plane * pixels + k);
    (0..pixels).flat_map(pixel).map(|at| samples[at]).collect()
}

/// Colours by number.
struct Palette(Vec<[u8; 3]>);

impl Palette {
    /// Takes the colours of a file with numbers of colours, which then reads as one of shades of grey.
    fn take(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<Self>) {
        let unchanged = (Cow::Borrowed(bytes), None);
        let Some(directory) = Directory::open(bytes) else {
            return unchanged;
        };
        let find = |tag| directory.entries().find(|entry| entry.tag == tag);
        let (Some(meaning), Some(colours)) = (find(INTERPRETATION.0), find(COLOURS)) else {
            return unchanged;
        };
        let (Some(meaning_of), Some(colours)) = (meaning.shorts(), colours.shorts()) else {
            return unchanged;
        };
        let count = colours.len() / 3;
        if meaning_of != [INTERPRETATION.1] || count == 0 {
            return unchanged;
        }
        let high = |at: usize| (colours[at] >> 8) as u8;
        let colour = |k: usize| [k, k + count, k + 2 * count].map(high);
        let palette = (0..count).map(colour).collect();
        let mut grey = bytes.to_vec();
        let black_is_zero = match bytes.first() {
            Some(b'I') => 1u16.to_le_bytes(),
            _ => 1u16.to_be_bytes(),
        };
        grey[meaning.place..meaning.place + 2].copy_from_slice(&black_is_zero);
        (Cow::Owned(grey), Some(Self(palette)))
    }

    fn colour(&self, number: u8) -> [u8; 3] {
        *self.0.get(usize::from(number)).unwrap_or(&[number; 3])
    }
}

/// What samples are.
struct Layout {
    bits: u8,
    channels: usize,
    meaning: Meaning,
}

enum Meaning {
    Grey,
    Number(Palette),
    Colours,
    Inks,
}

impl Layout {
    fn of(colours: ColorType, palette: Option<Palette>) -> Result<Self, PictureError> {
        let colours = match colours {
            ColorType::Multiband {
                bit_depth,
                num_samples: 2,
            } => ColorType::GrayA(bit_depth),
            colours => colours,
        };
        let (bits, channels, meaning) = match (colours, palette) {
            (ColorType::Gray(bits @ (1 | 2 | 4 | 8)), Some(palette)) => {
                (bits, 1, Meaning::Number(palette))
            }
            (ColorType::Gray(bits @ (1 | 2 | 4 | 8 | 16)), None) => (bits, 1, Meaning::Grey),
            (ColorType::GrayA(bits @ (8 | 16)), None) => (bits, 2, Meaning::Grey),
            (ColorType::RGB(bits @ (8 | 16)), None) => (bits, 3, Meaning::Colours),
            (ColorType::RGBA(bits @ (8 | 16)), None) => (bits, 4, Meaning::Colours),
            (ColorType::CMYK(bits @ (8 | 16)), None) => (bits, 4, Meaning::Inks),
            _ => return Err(Format::Tiff.unsupported()),
        };
        Ok(Self {
            bits,
            channels,
            meaning,
        })
    }

    fn pixel_bytes(&self) -> u64 {
        self.channels as u64 * u64::from(self.bits.div_ceil(8))
    }

    /// Red, green and blue of samples of up to 8 bits; rows begin at whole bytes.
    fn pixels(&self, samples: &[u8], (width, _): (u32, u32), is_multiplied: bool) -> Vec<u8> {
        match &self.meaning {
            Meaning::Grey if self.bits < 8 => {
                let scale = 255 / ((1 << self.bits) - 1);
                let samples = unpacked(samples, self.bits, width as usize);
                samples.flat_map(|grey| [grey * scale; 3]).collect()
            }
            Meaning::Number(palette) => unpacked(samples, self.bits, width as usize)
                .flat_map(|number| palette.colour(number))
                .collect(),
            Meaning::Grey => {
                let greys = samples.iter().step_by(self.channels);
                greys.flat_map(|&grey| [grey; 3]).collect()
            }
            Meaning::Colours => {
                let pixels = samples.chunks_exact(self.channels);
                let colours = pixels.flat_map(|pixel| {
                    let alpha = pixel.get(3).filter(|_| is_multiplied);
                    [0, 1, 2].map(|k| divided(pixel[k], alpha))
                });
                colours.collect()
            }
            Meaning::Inks => samples
                .as_chunks()
                .0
                .iter()
                .copied()
                .flat_map(of_inks)
                .collect(),
        }
    }
}

/// A colour without the transparency that it was multiplied by.
fn divided(colour: u8, alpha: Option<&u8>) -> u8 {
    match alpha {
        None | Some(255) => colour,
        Some(0) => 0,
        Some(&alpha) => (u32::from(colour) * 255 / u32::from(alpha)).min(255) as u8,
    }
}

/// Samples of fewer than 8 bits, of which the first stands in the uppermost.
fn unpacked(samples: &[u8], bits: u8, width: usize) -> impl Iterator<Item = u8> {
    let each = usize::from(8 / bits);
    let rows = samples.chunks_exact(width.div_ceil(each).max(1));
    let mask = (0xff_u16 >> (8 - bits)) as u8;
    rows.flat_map(move |row| {
        (0..width).map(move |x| {
            let shift = 8 - bits as usize * (x % each + 1);
            row[x / each] >> shift & mask
        })
    })
}

fn of_tiff(error: &TiffError, (width, height): (u32, u32)) -> PictureError {
    match error {
        TiffError::LimitsExceeded | TiffError::IntSizeError => {
            PictureError::TooLarge { width, height }
        }
        TiffError::UnsupportedError(_) => Format::Tiff.unsupported(),
        _ => Format::Tiff.damaged(damage(error)),
    }
}
