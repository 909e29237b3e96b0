//! Pictures of attention: a photo for every word, in warm light where the captioner looked.

use std::io::Cursor;

use image::{GenericImage, ImageFormat, Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::{
    error::AttentionPictureError,
    picture::{jpeg, resized},
};

/// The longer side of a photo in the picture, in pixels.
const LONG_SIDE: f64 = 240.0;

/// Photos beside one another.
const COLUMNS: usize = 4;

/// White around photos, in pixels.
const MARGIN: usize = 8;

/// What is left of the brightness where there is no attention.
const DIMMED: f32 = 0.4;

/// The light of attention.
const WARM: [f32; 3] = [255.0, 140.0, 0.0];

/// Its share where attention is largest, so that it shows on black and on white.
const WARMTH: f32 = 0.4;

const FONT: (FontWeight, RasterHeight) = (FontWeight::Regular, RasterHeight::Size20);

/// Draws the photo as it is, then once for every word with the word beneath, and returns a PNG.
///
/// A region of an encoder is a cell of the grid that divides the whole photo, whatever its shape: photos are resized
/// to the encoder's square, not cut. (Where a region looks is not for arithmetic on strides to say, which would have it
/// half a cell to the lower right: by the changes that grey stripes over photos make to features of EfficientNet-Lite0,
/// it is the middle of the cell to a tenth.) Weights stand at the centres of their cells and are interpolated between them, and
/// count by their share of the largest of the word: from dimmed grey at 0 to the photo in orange light at 1.
///
/// # Shapes
/// Weights of a word: one a region, row after row of a square grid.
///
/// # Errors
/// Regions do not fill a square, or a weight is no weight.
pub fn attention_picture(
    photo: RgbImage,
    words: &[(String, Vec<f32>)],
) -> Result<Vec<u8>, AttentionPictureError> {
    let mut png = Cursor::new(Vec::new());
    drawn(photo, words)?.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

/// As [`attention_picture`], as a JPEG, which is a tenth as large.
///
/// # Errors
/// Those of [`attention_picture`].
pub fn attention_jpeg(
    photo: RgbImage,
    words: &[(String, Vec<f32>)],
) -> Result<Vec<u8>, AttentionPictureError> {
    Ok(jpeg(&drawn(photo, words)?)?)
}

fn drawn(photo: RgbImage, words: &[(String, Vec<f32>)]) -> Result<RgbImage, AttentionPictureError> {
    let photo = shrunk(photo)?;
    let mut panels = vec![(photo.clone(), "")];
    for (word, weights) in words {
        panels.push((Grid::new(weights)?.shade(&photo), word));
    }
    let [width, height] = size(&photo);
    let cell = [width + MARGIN, height + 2 * MARGIN + FONT.1.val()];
    let columns = COLUMNS.min(panels.len());
    let rows = panels.len().div_ceil(columns);
    let (width, height) = (MARGIN + columns * cell[0], MARGIN + rows * cell[1]);
    let mut picture = RgbImage::from_pixel(width as u32, height as u32, Rgb([255; 3]));
    for (k, (panel, word)) in panels.iter().enumerate() {
        let left = MARGIN + k % columns * cell[0];
        let top = MARGIN + k / columns * cell[1];
        picture.copy_from(panel, left as u32, top as u32)?;
        let beneath = top + size(panel)[1] + MARGIN / 2;
        write(&mut picture, word, [left, beneath], size(panel)[0]);
    }
    Ok(picture)
}

fn size(image: &RgbImage) -> [usize; 2] {
    [image.width(), image.height()].map(|side| side as usize)
}

/// The photo in the size of the picture's photos.
fn shrunk(photo: RgbImage) -> Result<RgbImage, AttentionPictureError> {
    let from = size(&photo).map(|side| side as f64);
    let scale = LONG_SIDE / from[0].max(from[1]);
    let to = from.map(|side| (side * scale).round().max(1.0) as usize);
    Ok(resized(photo, to)?)
}

/// Weights of attention in a square, the largest of them 1.
struct Grid {
    side: usize,
    weights: Vec<f32>,
}

impl Grid {
    fn new(weights: &[f32]) -> Result<Self, AttentionPictureError> {
        let regions = weights.len();
        let side = regions.isqrt();
        if regions == 0 || side * side != regions {
            return Err(AttentionPictureError::Regions { regions });
        }
        let is_weight = |weight: &&f32| weight.is_finite() && **weight >= 0.0;
        if let Some(&weight) = weights.iter().find(|weight| !is_weight(weight)) {
            return Err(AttentionPictureError::Weight { weight });
        }
        let largest = weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let weights = weights.iter().map(|weight| weight / largest).collect();
        Ok(Self { side, weights })
    }

    /// The weight at a place from 0 to 1 in either direction: that of a cell at its centre, bilinear in between, and
    /// constant from the outermost centres to the edges.
    fn at(&self, place: [f32; 2]) -> f32 {
        let last = self.side - 1;
        let [(x, right), (y, down)] = place.map(|place| {
            let cells = (place * self.side as f32 - 0.5).clamp(0.0, last as f32);
            (cells as usize, cells.fract())
        });
        let row = |y: usize| {
            let weight = |x: usize| self.weights[y.min(last) * self.side + x.min(last)];
            weight(x) * (1.0 - right) + weight(x + 1) * right
        };
        row(y) * (1.0 - down) + row(y + 1) * down
    }

    fn shade(&self, photo: &RgbImage) -> RgbImage {
        let sides = size(photo).map(|side| side as f32);
        let mut shaded = photo.clone();
        for (x, y, pixel) in shaded.enumerate_pixels_mut() {
            let weight = self.at([(x as f32 + 0.5) / sides[0], (y as f32 + 0.5) / sides[1]]);
            let colours = pixel.0.map(f32::from);
            let grey = DIMMED * colours.iter().sum::<f32>() / 3.0;
            for ((value, colour), warm) in pixel.0.iter_mut().zip(colours).zip(WARM) {
                let lit = colour + WARMTH * (warm - colour);
                *value = (grey + weight * (lit - grey)).round() as u8;
            }
        }
        shaded
    }
}

/// Writes what fits of a word, in black and centred within `width` pixels from `left`.
fn write(picture: &mut RgbImage, word: &str, [left, top]: [usize; 2], width: usize) {
    let advance = get_raster_width(FONT.0, FONT.1);
    let fitting = word.chars().count().min(width / advance);
    let left = left + (width - fitting * advance) / 2;
    for (k, character) in word.chars().take(fitting).enumerate() {
        let raster = |character| get_raster(character, FONT.0, FONT.1);
        let Some(raster) = raster(character).or_else(|| raster('?')) else {
            continue;
        };
        for (y, row) in raster.rows().enumerate() {
            for (x, &ink) in row.iter().enumerate() {
                let place = [left + k * advance + x, top + y].map(|side| side as u32);
                picture.put_pixel(place[0], place[1], Rgb([255 - ink; 3]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(photo: RgbImage, words: &[(String, Vec<f32>)]) -> RgbImage {
        let png = attention_picture(photo, words).expect("a picture");
        image::load_from_memory(&png).expect("a PNG").into_rgb8()
    }

    fn one_hot(regions: usize, region: usize) -> Vec<f32> {
        (0..regions)
            .map(|k| f32::from(u8::from(k == region)))
            .collect()
    }

    /// A white photo of 480 x 360 pixels, drawn in 240 x 180.
    fn white() -> RgbImage {
        RgbImage::from_pixel(480, 360, Rgb([255; 3]))
    }

    /// The panel of word `k`.
    fn panel(picture: &RgbImage, k: usize) -> RgbImage {
        let (column, row) = ((k + 1) % COLUMNS, (k + 1) / COLUMNS);
        let left = (MARGIN + column * (240 + MARGIN)) as u32;
        let top = (MARGIN + row * (180 + 2 * MARGIN + 20)) as u32;
        image::imageops::crop_imm(picture, left, top, 240, 180).to_image()
    }

    /// The mean place of what is redder than dimmed white, in shares of width and height.
    fn centre(panel: &RgbImage) -> [f64; 2] {
        let mut sums = [0.0; 3];
        for (x, y, pixel) in panel.enumerate_pixels() {
            let light = f64::from(pixel.0[0]) - 102.0;
            let place = [f64::from(x) + 0.5, f64::from(y) + 0.5, 1.0];
            for (sum, place) in sums.iter_mut().zip(place) {
                *sum += light * place;
            }
        }
        [sums[0] / sums[2] / 240.0, sums[1] / sums[2] / 180.0]
    }

    #[test]
    fn light_stands_in_the_middle_of_the_region_that_was_looked_at() {
        let regions = [8, 24, 16, 30, 40];
        let words = regions.map(|region| (format!("word{region}"), one_hot(49, region)));
        let picture = picture(white(), &words);
        assert_eq!(size(&picture), [8 + 4 * 248, 8 + 2 * 216]);
        for (k, region) in regions.into_iter().enumerate() {
            let panel = panel(&picture, k);
            let expected = [region % 7, region / 7].map(|cell| (cell as f64 + 0.5) / 7.0);
            for (found, expected) in centre(&panel).into_iter().zip(expected) {
                assert!((found - expected).abs() < 0.01, "{found} {expected}");
            }
            let pixel = |[x, y]: [f64; 2]| panel.get_pixel((x * 240.0) as u32, (y * 180.0) as u32);
            assert!(pixel(expected).0[0] >= 247, "the largest weight is bright");
            assert_eq!(panel.get_pixel(0, 0).0, [102; 3]);
        }
    }

    #[test]
    fn photo_comes_first_as_it_is_and_even_attention_is_even_light() {
        let photo = RgbImage::from_fn(100, 240, |x, y| [x as u8, y as u8, 77].into());
        let picture = picture(photo.clone(), &[("all".to_owned(), vec![0.25; 4])]);
        assert_eq!(size(&picture), [8 + 2 * 108, 8 + 276]);
        for (x, y, pixel) in photo.enumerate_pixels() {
            assert_eq!(picture.get_pixel(x + 8, y + 8), pixel);
            let [red, green, blue] = pixel.0.map(f64::from);
            let lit = [0.6 * red + 102.0, 0.6 * green + 56.0, 0.6 * blue];
            let found = picture.get_pixel(x + 8 + 108, y + 8).0;
            for (found, lit) in found.into_iter().zip(lit) {
                assert!((f64::from(found) - lit).abs() < 0.51, "{found} {lit}");
            }
        }
    }

    #[test]
    fn words_are_written_beneath_and_cut_at_the_width_of_the_photo() {
        let ink = |word: &str| {
            let picture = picture(white(), &[(word.to_owned(), vec![1.0])]);
            let beneath = image::imageops::crop_imm(&picture, 256, 190, 240, 28).to_image();
            let dark = beneath.pixels().filter(|pixel| pixel.0[0] < 128).count();
            let whole = picture.pixels().filter(|pixel| pixel.0[0] < 128).count();
            assert_eq!(dark, whole, "all ink is beneath the panel");
            dark
        };
        assert_eq!(ink(""), 0);
        assert!(ink("i") > 10 && ink("dog") > ink("i"));
        assert_eq!(ink(&"w".repeat(100)), ink(&"w".repeat(1000)));
        // Letters beyond Latin are question marks.
        assert_eq!(ink("犬"), ink("?"));
    }

    #[test]
    fn weights_that_cannot_be_drawn_are_refused() {
        for (weights, expected) in [
            (vec![0.1; 50], "50 regions, expected a square number"),
            (vec![], "0 regions"),
            (vec![f32::NAN], "a weight of attention of NaN"),
            (vec![1.0, -0.5, 0.3, 0.2], "a weight of attention of -0.5"),
        ] {
            let error = attention_picture(white(), &[("a".to_owned(), weights)]);
            let message = error.expect_err("no picture").to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn photos_of_any_shape_have_a_picture() {
        for (width, height) in [(1, 1), (3000, 1), (2, 500)] {
            let photo = RgbImage::from_pixel(width, height, Rgb([9; 3]));
            picture(photo, &[("word".to_owned(), one_hot(49, 48))]);
        }
    }
}
