//! The first frame of a GIF.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use image::RgbImage;

use super::format::{Format, MEMORY_BYTES, check_size, damage};
use crate::error::{Damage, PictureError};

/// The first frame on its screen, which grows where the frame is larger. As in PIL, transparent pixels keep the colour
/// that their number has, pixels outside of the frame get that of the transparent number or of number 0, and numbers
/// without a colour are shades of grey.
pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage, PictureError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    if let Some(limit) = NonZeroU64::new(MEMORY_BYTES) {
        options.set_memory_limit(MemoryLimit::Bytes(limit));
    }
    let wrap = |size: (u32, u32)| move |error| of_gif(&error, size);
    let mut decoder = options.read_info(bytes).map_err(wrap((0, 0)))?;
    let screen = (u32::from(decoder.width()), u32::from(decoder.height()));
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let frame = decoder.next_frame_info().map_err(wrap(screen))?;
    let frame = frame.ok_or(Format::Gif.damaged(Damage::EndsEarly))?;
    let [left, top] = [frame.left, frame.top].map(u32::from);
    let [columns, rows] = [frame.width, frame.height].map(u32::from);
    let size = (screen.0.max(left + columns), screen.1.max(top + rows));
    check_size(size.0, size.1, 4)?;
    let palette = frame.palette.clone().or(global).unwrap_or_default();
    let colour = |number: u8| {
        let colours = palette.as_chunks::<3>().0;
        *colours.get(usize::from(number)).unwrap_or(&[number; 3])
    };
    let outside = frame.transparent.unwrap_or(0);
    let mut numbers = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut numbers).map_err(wrap(size))?;
    let mut image = RgbImage::from_pixel(size.0, size.1, colour(outside).into());
    for (row, numbers) in numbers.chunks_exact(columns.max(1) as usize).enumerate() {
        for (column, &number) in numbers.iter().enumerate() {
            let place = (left + column as u32, top + row as u32);
            image.put_pixel(place.0, place.1, colour(number).into());
        }
    }
    Ok(image)
}

fn of_gif(error: &DecodingError, (width, height): (u32, u32)) -> PictureError {
    match error {
        DecodingError::MemoryLimit | DecodingError::OutOfMemory => {
            PictureError::TooLarge { width, height }
        }
        _ => Format::Gif.damaged(damage(error)),
    }
}
