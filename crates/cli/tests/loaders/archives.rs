//! Files that are small and say that they are large.

use scst_data::{FeatureSource, FeatureStore, FolderSource, RenumberedVocabulary};
use scst_encoder::StateDict;

use super::{FACTOR, Files, Turn};

fn read_all(source: &FeatureSource) -> Result<(), scst_data::DataError> {
    let store = FeatureStore::open(source)?;
    let mut values = Vec::new();
    store
        .rows()
        .try_for_each(|row| store.read(row, &mut values).map(drop))
}

/// A pickled tensor of `count` values, all of them the first of a storage of one, in a legacy file.
fn repeated(count: u32) -> Vec<u8> {
    let text = |text: &str| {
        [
            &b"X"[..],
            &(text.len() as u32).to_le_bytes(),
            text.as_bytes(),
        ]
        .concat()
    };
    let number = |number: u32| [&b"J"[..], &number.to_le_bytes()].concat();
    [
        &b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."[..],
        b"\x80\x02M\xe9\x03.\x80\x02}(",
        &text("little_endian"),
        b"\x88u.\x80\x02}(",
        &text("embed.weight"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((",
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text("0"),
        &text("cpu"),
        &number(1),
        b"NtQ",
        &number(0),
        b"(",
        &number(count),
        b"t(",
        &number(0),
        b"t\x89ccollections\nOrderedDict\n)RtRu.\x80\x02](",
        &text("0"),
        b"e.",
        &1u64.to_le_bytes(),
        &1.0f32.to_le_bytes(),
    ]
    .concat()
}

#[test]
fn tensor_that_repeats_one_value_is_refused_before_it_is_made() {
    let turn = Turn::take();
    for (count, is_taken) in [(4, true), (1 << 30, false)] {
        let weights = repeated(count);
        let sizes = weights.len();
        let files = Files::new(&turn, "repeated", vec![("model.pth", weights)]);
        files.read_within(sizes, FACTOR, &|folder| {
            let floats = StateDict::open(&folder.join("model.pth")).and_then(StateDict::floats);
            assert_eq!(floats.is_ok(), is_taken, "{count}: {floats:?}");
        });
    }
}

/// Zeros in an archive of one member, deflated a thousandfold.
fn bomb(member: &str, start: &[u8], size: u32) -> Vec<u8> {
    // Stored blocks of a stream that says its whole length, but in the end deflated: 258 zeros a few bits.
    let mut deflated = vec![];
    let mut bits = Bits::default();
    // One block of fixed codes.
    bits.push(0b011, 3);
    for &byte in start.iter().chain(&[0]) {
        bits.literal(byte);
    }
    let mut left = size as usize - start.len() - 1;
    while left >= 258 {
        // The length 258 and the distance 1.
        bits.push(0b1010_0011, 8);
        bits.push(0, 5);
        left -= 258;
    }
    for _ in 0..left {
        bits.literal(0);
    }
    bits.push(0, 7);
    deflated.extend(bits.finish());
    let name = member.as_bytes();
    let header = |start: &[u8], middle: &[u8]| {
        [
            start,
            &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0],
            &[0; 4],
            &(deflated.len() as u32).to_le_bytes(),
            &size.to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            middle,
            name,
        ]
        .concat()
    };
    let local = header(b"PK\x03\x04", &[0; 2]);
    let central = header(b"PK\x01\x02\x14\x00", &[0; 16]);
    let start_of_central = (local.len() + deflated.len()) as u32;
    [
        &local[..],
        &deflated,
        &central,
        b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00",
        &(central.len() as u32).to_le_bytes(),
        &start_of_central.to_le_bytes(),
        &[0; 2],
    ]
    .concat()
}

/// Bits from the lowest on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    filled: usize,
}

impl Bits {
    fn push(&mut self, bits: u32, count: usize) {
        for bit in 0..count {
            if self.filled.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if bits >> bit & 1 == 1 {
                *self.bytes.last_mut().expect("a byte") |= 1 << (self.filled % 8);
            }
            self.filled += 1;
        }
    }

    /// The fixed code of a byte, from its highest bit on.
    fn literal(&mut self, byte: u8) {
        let (code, count) = match byte {
            0..=143 => (0x30 + u32::from(byte), 8),
            _ => (0x190 + u32::from(byte) - 144, 9),
        };
        self.push(code.reverse_bits() >> (32 - count), count);
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[test]
fn archive_that_unpacks_to_far_more_is_refused_before_it_is_unpacked() {
    let turn = Turn::take();
    let header = format!(
        "{:<117}\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }"
    );
    let npy = [&b"\x93NUMPY\x01\x00\x76\x00"[..], header.as_bytes()].concat();
    let archive = bomb("feat.npy", &npy, 400_000_000);
    // A hundredth: what such an archive unpacks to is more than a hundred times its size.
    let sizes = archive.len() / 100;
    let files = Files::new(&turn, "bomb", vec![("att/1.npz", archive)]);
    files.read_within(sizes, FACTOR, &|folder| {
        let path = folder.join("att");
        let source = FeatureSource::Folder(FolderSource {
            path,
            ..FolderSource::default()
        });
        read_all(&source).expect_err("a bomb");
    });
    drop(files);
    let archive = bomb("archive/data.pkl", b"\x80\x02", 90_000_000);
    let sizes = archive.len() / 100;
    let files = Files::new(&turn, "pickle_bomb", vec![("model.pth", archive)]);
    files.read_within(sizes, FACTOR, &|folder| {
        let path = folder.join("model.pth");
        StateDict::open(&path).map(drop).expect_err("a bomb");
        RenumberedVocabulary::read_self_critical(&path).expect_err("a bomb");
    });
}
