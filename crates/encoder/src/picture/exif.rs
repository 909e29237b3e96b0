//! The orientation in EXIF data, wherever PIL finds one.

/// The tag of the orientation.
const ORIENTATION: u16 = 0x0112;

/// The orientation that PIL's `Image.getexif()` has of EXIF data and of an XMP packet, which is asked where the former
/// has none; `None` if neither says anything that can be read.
pub(super) fn orientation(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Option<u8> {
    match exif.map(of_exif) {
        Some(Tag::Found(value)) => value,
        Some(Tag::Missing) | None => xmp.and_then(of_xmp),
    }
}

/// What EXIF data say.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tag {
    /// Nothing, or they are damaged.
    Missing,
    /// There is a tag; its value if that is a number of an orientation.
    Found(Option<u8>),
}

/// Reads EXIF data: up to two headers `Exif`, then a TIFF whose first directory has the tag.
fn of_exif(exif: &[u8]) -> Tag {
    let header = b"Exif\0\0";
    let exif = exif.strip_prefix(header).unwrap_or(exif);
    let exif = exif.strip_prefix(header).unwrap_or(exif);
    let Some(directory) = Directory::open(exif) else {
        return Tag::Missing;
    };
    let entry = directory.entries().find(|entry| entry.tag == ORIENTATION);
    entry.map_or(Tag::Missing, |entry| Tag::Found(entry.orientation()))
}

/// The first digit after `tiff:Orientation`, as an attribute or an element.
fn of_xmp(xmp: &[u8]) -> Option<u8> {
    let name = b"tiff:Orientation";
    let after = |at: usize| {
        let rest = &xmp[at + name.len()..];
        let value = rest
            .strip_prefix(b"=\"")
            .or_else(|| rest.strip_prefix(b">"))?;
        value.first().filter(|digit| digit.is_ascii_digit())
    };
    let places = xmp.windows(name.len()).enumerate();
    let mut digits = places
        .filter(|(_, text)| text == name)
        .filter_map(|(at, _)| after(at));
    digits.next().map(|digit| digit - b'0')
}

/// The first directory of a TIFF.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
    /// Where it begins.
    start: usize,
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) tag: u16,
    kind: u16,
    /// Its value, never empty.
    value: &'a [u8],
    is_little_endian: bool,
    /// Where a short value stands in the file.
    pub(super) place: usize,
}

impl<'a> Directory<'a> {
    /// Reads a header; offsets of eight bytes (`BigTIFF`) are not known here.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let is_little_endian = match bytes.get(..4)? {
            b"II*\0" | b"II\0*" => true,
            b"MM\0*" | b"MM*\0" => false,
            _ => return None,
        };
        let mut directory = Self {
            bytes,
            is_little_endian,
            start: 0,
        };
        directory.start = number(bytes.get(4..8)?, is_little_endian) as usize;
        Some(directory)
    }

    /// Its entries, as far as PIL reads them: up to one that ends outside of the data; those of unknown types and
    /// those without a value are passed over, and of several with the same tag, only the first counts.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        let count = self.bytes.get(self.start..).and_then(|rest| rest.get(..2));
        let count = count.map_or(0, |count| number(count, self.is_little_endian) as usize);
        let mut total = 0;
        let entries = (0..count).map_while(move |k| self.entry(k, &mut total));
        entries.filter(|entry| !entry.value.is_empty())
    }

    /// The entry at a place: nothing when the directory ends there, and one without a value when it is passed over.
    fn entry(self, k: usize, total: &mut u64) -> Option<Entry<'a>> {
        let place = self.start.checked_add(2 + 12 * k)?;
        let fields = self.bytes.get(place..)?.get(..12)?;
        let number = |bytes| number(bytes, self.is_little_endian);
        let kind = number(&fields[2..4]) as u16;
        let mut entry = Entry {
            tag: number(&fields[..2]) as u16,
            kind,
            value: &[],
            is_little_endian: self.is_little_endian,
            place: place + 8,
        };
        let Some(unit) = unit(kind) else {
            return Some(entry);
        };
        let size = number(&fields[4..8]) * unit;
        if size <= 4 {
            entry.value = &fields[8..8 + size as usize];
            return Some(entry);
        }
        *total += size;
        if *total <= self.bytes.len() as u64 {
            let offset = number(&fields[8..]) as usize;
            entry.value = self.bytes.get(offset..)?.get(..size as usize)?;
        }
        Some(entry)
    }
}

impl Entry<'_> {
    /// The value, if it is a list of whole numbers of 16 bits.
    pub(super) fn shorts(self) -> Option<Vec<u16>> {
        let numbers = self.value.chunks_exact(2);
        let read = |value| number(value, self.is_little_endian) as u16;
        (self.kind == 3).then(|| numbers.map(read).collect())
    }

    /// The first of its numbers, if that is a digit; texts and bytes are no numbers.
    fn orientation(self) -> Option<u8> {
        let size = unit(self.kind)? as usize;
        let value = self.value.get(..size)?;
        let whole = number(value, self.is_little_endian);
        let bits = u32::try_from(whole).ok();
        let half = |at: usize| number(&value[at..at + 4], self.is_little_endian);
        let found = match self.kind {
            // Signed numbers that are positive look as unsigned ones do.
            3 | 4 | 6 | 8 | 9 | 13 | 16 => whole,
            11 => exact(f64::from(f32::from_bits(bits?)))?,
            12 => exact(f64::from_bits(whole))?,
            5 | 10 => {
                let (above, below) = (half(0), half(4));
                (below > 0 && above % below == 0).then(|| above / below)?
            }
            _ => return None,
        };
        u8::try_from(found).ok().filter(|&found| found < 10)
    }
}

/// A small whole number.
fn exact(value: f64) -> Option<u64> {
    (0..10).find(|&digit| digit as f64 == value)
}

/// Bytes of a value of a type.
fn unit(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 => 8,
        _ => return None,
    })
}

/// A whole number of up to eight bytes.
fn number(bytes: &[u8], is_little_endian: bool) -> u64 {
    let add = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
    if is_little_endian {
        bytes.iter().rev().fold(0, add)
    } else {
        bytes.iter().fold(0, add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF data with one entry, its four bytes of value given.
    fn exif(header: &[u8], kind: u16, count: u32, value: [u8; 4]) -> Vec<u8> {
        let is_little = header.starts_with(b"II");
        let short = |x: u16| {
            if is_little {
                x.to_le_bytes()
            } else {
                x.to_be_bytes()
            }
        };
        let long = |x: u32| {
            if is_little {
                x.to_le_bytes()
            } else {
                x.to_be_bytes()
            }
        };
        let mut bytes = header.to_vec();
        bytes.extend(long(8));
        bytes.extend(short(1));
        bytes.extend(short(ORIENTATION));
        bytes.extend(short(kind));
        bytes.extend(long(count));
        bytes.extend(value);
        bytes.extend(long(0));
        bytes
    }

    /// The expected values are those of `Image.getexif().get(274)` in Pillow 13.
    #[test]
    fn orientation_is_read_as_pil_reads_it() {
        let little = |kind, count, value| exif(b"II*\0", kind, count, value);
        let big = |kind, count, value| exif(b"MM\0*", kind, count, value);
        let cases = [
            (little(3, 1, [6, 0, 0, 0]), Some(6)),
            (big(3, 1, [0, 6, 0, 0]), Some(6)),
            (exif(b"MM*\0", 3, 1, [0, 6, 0, 0]), Some(6)),
            (little(4, 1, [6, 0, 0, 0]), Some(6)),
            (big(4, 1, [0, 0, 0, 6]), Some(6)),
            (little(3, 2, [8, 0, 6, 0]), Some(8)),
            (little(11, 1, 6f32.to_le_bytes()), Some(6)),
            (little(11, 1, 6.5f32.to_le_bytes()), None),
            // Bytes and texts are no numbers, no value is no tag, and other types are unknown.
            (little(1, 1, [6, 0, 0, 0]), None),
            (little(2, 2, [b'6', 0, 0, 0]), None),
            (little(3, 0, [6, 0, 0, 0]), None),
            (little(99, 1, [6, 0, 0, 0]), None),
            (little(9, 1, [0xfa, 0xff, 0xff, 0xff]), None),
            (exif(b"XX*\0", 3, 1, [6, 0, 0, 0]), None),
        ];
        for (exif, expected) in cases {
            let twice = [&b"Exif\0\0Exif\0\0"[..], &exif].concat();
            for exif in [&exif, &twice] {
                assert_eq!(orientation(Some(exif), None), expected, "{exif:?}");
            }
        }
    }

    #[test]
    fn damaged_data_are_no_orientation_wherever_they_are_cut() {
        let whole = exif(b"II*\0", 3, 1, [6, 0, 0, 0]);
        // The tag itself is whole without the offset of the next directory.
        for length in 0..whole.len() - 4 {
            assert_eq!(orientation(Some(&whole[..length]), None), None, "{length}");
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _: Option<u8> = orientation(Some(&damaged), Some(&damaged));
            }
        }
    }

    #[test]
    fn xmp_is_asked_when_exif_has_no_orientation() {
        let packet = b"<x tiff:Orientation='3' tiff:Orientation=\"8\"/>";
        let element = b"<tiff:Orientation>5</tiff:Orientation>";
        let other = exif(b"II*\0", 99, 1, [6, 0, 0, 0]);
        assert_eq!(orientation(None, Some(packet)), Some(8));
        assert_eq!(orientation(Some(&other), Some(element)), Some(5));
        let upright = exif(b"II*\0", 3, 1, [1, 0, 0, 0]);
        assert_eq!(orientation(Some(&upright), Some(element)), Some(1));
        let bytes = exif(b"II*\0", 1, 1, [6, 0, 0, 0]);
        assert_eq!(orientation(Some(&bytes), Some(element)), None);
        assert_eq!(orientation(None, Some(b"tiff:Orientation=\"")), None);
        assert_eq!(orientation(None, Some(b"tiff:Orientation")), None);
    }
}
