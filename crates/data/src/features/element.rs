//! Elements of feature arrays: their types, and their conversion to `f32`.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// The type of the elements of an array, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    F32,
    F64,
}

impl Element {
    /// The size of an element in bytes.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number of bytes of an array, `None` if that is beyond the address space.
    pub(super) fn bytes_of(self, shape: &[usize]) -> Option<usize> {
        shape
            .iter()
            .try_fold(self.bytes(), |bytes, &size| bytes.checked_mul(size))
    }

    /// Appends the elements in `bytes`, which need no alignment, to `values`.
    ///
    /// A float64 beyond the range of float32 becomes infinite.
    pub(super) fn append(self, bytes: &[u8], values: &mut Vec<f32>) {
        match self {
            Self::F16 => append_f16(bytes, values),
            Self::F32 => {
                let (elements, _) = bytes.as_chunks::<4>();
                values.extend(elements.iter().map(|&element| f32::from_le_bytes(element)));
            }
            Self::F64 => {
                let (elements, _) = bytes.as_chunks::<8>();
                let narrow = |&element: &[u8; 8]| f64::from_le_bytes(element) as f32;
                values.extend(elements.iter().map(narrow));
            }
        }
    }
}

/// Converts in blocks, so that the processor's conversion of whole vectors is used.
fn append_f16(bytes: &[u8], values: &mut Vec<f32>) {
    const BLOCK: usize = 256;
    let mut halves = [f16::ZERO; BLOCK];
    let (elements, _) = bytes.as_chunks::<2>();
    for block in elements.chunks(BLOCK) {
        for (half, &element) in halves.iter_mut().zip(block) {
            *half = f16::from_le_bytes(element);
        }
        let start = values.len();
        values.resize(start + block.len(), 0.0);
        halves[..block.len()].convert_to_f32_slice(&mut values[start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_agree_when_types_differ() {
        // Long enough for more than one block of float16.
        let wanted: Vec<f32> = (0..600).map(|i| i as f32 / 8.0 - 30.0).collect();
        let f16s: Vec<u8> = wanted
            .iter()
            .flat_map(|&value| f16::from_f32(value).to_le_bytes())
            .collect();
        let f32s: Vec<u8> = wanted
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let f64s: Vec<u8> = wanted
            .iter()
            .flat_map(|&value| f64::from(value).to_le_bytes())
            .collect();
        for (element, bytes) in [
            (Element::F16, f16s),
            (Element::F32, f32s),
            (Element::F64, f64s),
        ] {
            let mut values = vec![7.0];
            element.append(&bytes, &mut values);
            assert_eq!(values[0], 7.0);
            assert_eq!(&values[1..], &wanted, "{element:?}");
        }
    }

    #[test]
    fn no_size_when_shape_overflows() {
        assert_eq!(Element::F32.bytes_of(&[usize::MAX, 2]), None);
        assert_eq!(Element::F64.bytes_of(&[3, 4]), Some(96));
    }
}
