//! Resizing as PIL does it, to the bit: networks see the difference that a rounding makes.

use scst_kernels::simd::vectorised;

/// Bits after the point of a weight.
const PRECISION: u32 = 22;

/// Half of the last place of a result, before it is cut off.
const HALF: i32 = 1 << (PRECISION - 1);

/// The pixels that one pixel of the result is made of, along one axis.
#[derive(Debug)]
struct Weights {
    first: usize,
    weights: Vec<i32>,
}

/// Weights of a triangle, which is as wide as two pixels of the larger side (PIL's `BILINEAR`).
///
/// ```text
/// scale = from / to,   width = max(scale, 1),   centre = (k + 1/2) scale
/// w_x = max(0, 1 - |x + 1/2 - centre| / width) / sum,   |x + 1/2 - centre| <= width
/// ```
fn triangle(from: usize, to: usize) -> Vec<Weights> {
    let scale = from as f64 / to as f64;
    let width = scale.max(1.0);
    let weights = |k: usize| {
        let centre = (k as f64 + 0.5) * scale;
        let first = (centre - width + 0.5).max(0.0) as usize;
        let end = ((centre + width + 0.5) as usize).min(from);
        let exact = (first..end).map(|x| {
            let distance = (x as f64 - centre + 0.5) / width;
            (1.0 - distance.abs()).max(0.0)
        });
        let exact: Vec<f64> = exact.collect();
        let sum: f64 = exact.iter().sum();
        let fixed = |weight: f64| (weight / sum * f64::from(1 << PRECISION) + 0.5) as i32;
        Weights {
            first,
            weights: exact.into_iter().map(fixed).collect(),
        }
    };
    (0..to).map(weights).collect()
}

/// Brings pixels of red, green and blue from one width and height to another: first along rows, then along columns.
///
/// # Shapes
/// `pixels`: `[height, width, 3]` of `from = [width, height]`.
pub(crate) fn resize(pixels: Vec<u8>, from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let pixels = if from[0] == to[0] {
        pixels
    } else {
        resize_rows(&pixels, from[0], to[0])
    };
    if from[1] == to[1] {
        pixels
    } else {
        resize_columns(&pixels, from[1], to[1])
    }
}

fn resize_rows(pixels: &[u8], from: usize, to: usize) -> Vec<u8> {
    let weights = triangle(from, to);
    let mut resized = Vec::with_capacity(pixels.len() / from * to);
    for row in pixels.chunks_exact(from * 3) {
        let (row, _) = row.as_chunks::<3>();
        for Weights { first, weights } in &weights {
            let mut sums = [HALF; 3];
            for (pixel, weight) in row[*first..].iter().zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(value) * weight;
                }
            }
            resized.extend(sums.map(byte));
        }
    }
    resized
}

fn resize_columns(pixels: &[u8], from: usize, to: usize) -> Vec<u8> {
    let width = pixels.len() / from;
    let mut resized = Vec::with_capacity(width * to);
    let mut sums = vec![0; width];
    for Weights { first, weights } in triangle(from, to) {
        sums.fill(HALF);
        let rows = pixels[first * width..].chunks_exact(width);
        for (row, weight) in rows.zip(weights) {
            vectorised(
                #[inline(always)]
                || {
                    for (sum, &value) in sums.iter_mut().zip(row) {
                        *sum += i32::from(value) * weight;
                    }
                },
            );
        }
        resized.extend(sums.iter().map(|&sum| byte(sum)));
    }
    resized
}

fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from 0 to 254 in no order.
    fn pixels(width: usize, height: usize) -> Vec<u8> {
        let count = 3 * width * height;
        (0..count).map(|k| (k * k % 251 + k % 5) as u8).collect()
    }

    // From here on, golden values are those of Pillow 12, with `crc32c` of the bytes:
    // ```python
    // k = np.arange(3 * w * h); a = (k * k % 251 + k % 5).astype(np.uint8).reshape(h, w, 3)
    // np.array(Image.fromarray(a).resize((W, H), Image.BILINEAR)).tobytes()
    // ```

    #[test]
    fn pixels_are_those_of_pil_when_an_image_shrinks() {
        let found = resize(pixels(7, 5), [7, 5], [4, 4]);
        let first_row = [41, 53, 37, 78, 70, 78, 133, 130, 149, 115, 79, 125];
        assert_eq!(found[..12], first_row);
        let cases = [
            ([53, 37], [24, 24], 0x377b_44ea),
            ([20, 30], [20, 11], 0xc46d_1dda),
            ([500, 375], [224, 224], 0x2964_b109),
        ];
        for (from, to, expected) in cases {
            let found = resize(pixels(from[0], from[1]), from, to);
            assert_eq!(found.len(), 3 * to[0] * to[1]);
            assert_eq!(crc32c::crc32c(&found), expected, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn pixels_are_those_of_pil_when_an_image_grows() {
        let found = resize(pixels(3, 2), [3, 2], [5, 4]);
        let first_row = [0, 2, 6, 5, 9, 14, 12, 20, 25, 27, 39, 50, 37, 51, 67];
        assert_eq!(found[..15], first_row);
        let cases = [
            ([9, 9], [224, 224], 0xdf4c_5863),
            ([1, 1], [3, 3], 0xd2b8_13c3),
        ];
        for (from, to, expected) in cases {
            let found = resize(pixels(from[0], from[1]), from, to);
            assert_eq!(crc32c::crc32c(&found), expected, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn image_is_left_alone_when_it_has_the_size() {
        assert_eq!(resize(pixels(4, 3), [4, 3], [4, 3]), pixels(4, 3));
    }
}
