//! Changes of files: of bits and bytes, of lengths, and of what stands in texts and headers.

use proptest::{collection::vec, prelude::*, sample::Index};

/// What is put into files: numbers that are too large, nesting, and the beginnings of other things.
const PIECES: [&[u8]; 26] = [
    b"18446744073709551615",
    b"9223372036854775808",
    b"4294967296",
    b"-1",
    b"1e308",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
    b"\"\"",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80\x00\x00\x00\x00",
    b"\x00\x00\x00\x00",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\"",
    b"'",
    b",",
    b"\r",
    b"\n\n",
    b"\\ud800",
    b"\x80\x04\x95",
    b"PK\x03\x04",
    b"../",
    b"e\xcc\x81\xe2\x80\x8d",
];
/// What is repeated to nest values in values.
const NESTS: [&[u8]; 7] = [b"[", b"{\"a\":", b"(", b"]", b"a", b"{a=", b"("];
const DEEPEST: usize = 20_000;

/// A change at a place.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    /// A word of 1, 2, 4 or 8 bytes, little-endian.
    Word(Index, u8, u64),
    Cut(Index),
    Drop(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Index),
    /// A number in digits, at the place or behind it, by another.
    Number(Index, Index),
    Nest(Index, Index, usize),
    /// The end of another file.
    Splice(Index, Index, Index),
}

/// Some changes, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Changes(Vec<Change>);

pub(super) fn changes() -> impl Strategy<Value = Changes> {
    let at = any::<Index>;
    let word = prop_oneof![
        any::<u64>(),
        Just(u64::MAX),
        Just(1 << 31),
        Just(1 << 40),
        Just(0)
    ];
    let change = prop_oneof![
        3 => (at(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at(), 0..4u8, word).prop_map(|(at, size, word)| Change::Word(at, size, word)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), at()).prop_map(|(at, to)| Change::Drop(at, to)),
        1 => (at(), at()).prop_map(|(at, to)| Change::Repeat(at, to)),
        3 => (at(), at()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        3 => (at(), at()).prop_map(|(at, piece)| Change::Number(at, piece)),
        1 => (at(), at(), 1..DEEPEST).prop_map(|(at, nest, depth)| Change::Nest(at, nest, depth)),
        1 => (at(), at(), at()).prop_map(|(at, other, from)| Change::Splice(at, other, from)),
    ];
    vec(change, 1..4).prop_map(Changes)
}

impl Changes {
    /// The file with all changes; `others`: files whose parts may come in.
    pub(super) fn apply(&self, contents: &[u8], others: &[&[u8]]) -> Vec<u8> {
        let mut changed = contents.to_vec();
        for change in &self.0 {
            change.apply(&mut changed, others);
        }
        changed
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, others: &[&[u8]]) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let between = |at: &Index, to: &Index| {
            let (at, to) = (at.index(length), to.index(length));
            at.min(to)..at.max(to)
        };
        match self {
            Self::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Self::Set(at, byte) => bytes[at.index(length)] = *byte,
            Self::Word(at, size, word) => {
                let word = &word.to_le_bytes()[..1 << size];
                for (byte, new) in bytes[at.index(length)..].iter_mut().zip(word) {
                    *byte = *new;
                }
            }
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Drop(at, to) => drop(bytes.drain(between(at, to))),
            Self::Repeat(at, to) => {
                let range = between(at, to);
                let again = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, again);
            }
            Self::Insert(at, piece) => {
                let at = at.index(length);
                bytes.splice(at..at, piece.get(&PIECES).iter().copied());
            }
            Self::Number(at, piece) => {
                let at = at.index(length);
                let is_digit = |byte: &u8| byte.is_ascii_digit();
                let Some(start) = bytes[at..].iter().position(is_digit) else {
                    return;
                };
                let start = at + start;
                let digits = bytes[start..]
                    .iter()
                    .take_while(|byte| is_digit(byte))
                    .count();
                bytes.splice(
                    start..start + digits,
                    piece.get(&PIECES[..9]).iter().copied(),
                );
            }
            Self::Nest(at, nest, depth) => {
                let at = at.index(length);
                bytes.splice(at..at, nest.get(&NESTS).repeat(*depth));
            }
            Self::Splice(at, other, from) => {
                let other = other.get(others);
                bytes.truncate(at.index(length));
                if !other.is_empty() {
                    bytes.extend_from_slice(&other[from.index(other.len())..]);
                }
            }
        }
    }
}
