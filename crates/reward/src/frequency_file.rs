//! The bytes of a table of document frequencies.
//!
//! All integers are little-endian:
//! ```text
//! 8 bytes   "scst-df\n"
//! u32       format version, 2
//! u64       number of images N
//! u64       number of words; 0 for a table over a vocabulary's ids
//! for each word: u32 length in bytes, UTF-8
//! for each order n = 1, 2, 3, 4:
//!   u64     number of n-grams
//!   for each n-gram, ascending: n x u32 token ids, u32 df
//! 32 bytes  SHA-256 of everything before
//! ```

use std::io::{Read, Write};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::ngram::{MAX_ORDER, ngram_key, ngram_tokens};
use crate::ngram_index::NgramIndex;
use crate::{DocumentFrequency, RewardError};

const MAGIC: &[u8; 8] = b"scst-df\n";
const VERSION: u32 = 2;
const CHECKSUM_BYTES: usize = 32;

impl DocumentFrequency {
    /// Writes the table: its format version, words and contents with a checksum; equal tables give equal bytes.
    ///
    /// # Errors
    /// [`RewardError::TableWrite`] when the writer fails.
    pub fn save(&self, mut writer: impl Write) -> Result<(), RewardError> {
        writer
            .write_all(&self.to_bytes())
            .map_err(RewardError::TableWrite)
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// [`RewardError::TableMagic`], [`RewardError::TableVersion`], [`RewardError::TableChecksum`] or
    /// [`RewardError::TableContent`] for bytes that are no whole table of this version, [`RewardError::TableRead`]
    /// when the reader fails.
    pub fn load(mut reader: impl Read) -> Result<Self, RewardError> {
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(RewardError::TableRead)?;
        Self::from_bytes(&bytes)
    }

    /// The bytes that [`save`](Self::save) writes.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// The table in `bytes`; see [`load`](Self::load).
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RewardError> {
        decode(bytes)
    }

    /// 16 hexadecimal digits that name words, contents and number of images: the start of the SHA-256 of the file's
    /// bytes.
    pub fn fingerprint(&self) -> String {
        hexadecimal(&Sha256::digest(payload(self))[..8])
    }

    /// `table-IMAGES-FINGERPRINT`.
    pub fn signature(&self) -> String {
        format!("table-{}-{}", self.images(), self.fingerprint())
    }
}

/// The whole file.
fn encode(table: &DocumentFrequency) -> Vec<u8> {
    let mut bytes = payload(table);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn payload(table: &DocumentFrequency) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&table.images().to_le_bytes());
    bytes.extend_from_slice(&(table.words().len() as u64).to_le_bytes());
    for word in table.words() {
        bytes.extend_from_slice(&(word.len() as u32).to_le_bytes());
        bytes.extend_from_slice(word.as_bytes());
    }
    for order in 1..=MAX_ORDER {
        let entries = table.sorted(order);
        bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
        for (key, frequency) in entries {
            for number in ngram_tokens(key, order).chain([frequency]) {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
    }
    bytes
}

/// Reads a whole file; see [`DocumentFrequency::load`] for the errors.
fn decode(bytes: &[u8]) -> Result<DocumentFrequency, RewardError> {
    let mut reader = Reader { bytes, offset: 0 };
    if !bytes.starts_with(MAGIC) {
        return Err(RewardError::TableMagic);
    }
    reader.offset = MAGIC.len();
    let version = reader.u32()?;
    if version != VERSION {
        return Err(RewardError::TableVersion {
            found: version,
            expected: VERSION,
        });
    }
    let Some((contents, checksum)) = bytes.split_last_chunk::<CHECKSUM_BYTES>() else {
        return Err(RewardError::TableContent {
            offset: bytes.len(),
            expected: "a checksum of 32 bytes at the end",
        });
    };
    if Sha256::digest(contents)[..] != checksum[..] {
        return Err(RewardError::TableChecksum);
    }
    reader.bytes = contents;
    let images = reader.u64()?;
    let words = read_words(&mut reader)?;
    let mut index = NgramIndex::default();
    let mut frequencies = Vec::new();
    for order in 1..=MAX_ORDER {
        read_order(&mut reader, order, &mut index, &mut frequencies)?;
    }
    if reader.offset < contents.len() {
        return Err(reader.fault("the checksum"));
    }
    DocumentFrequency::new(images, Arc::new(index), frequencies)?.with_words(words)
}

fn read_words(reader: &mut Reader<'_>) -> Result<Vec<String>, RewardError> {
    let count = reader.u64()?;
    let mut words = Vec::new();
    for _ in 0..count {
        let length = reader.u32()?;
        let bytes = reader.slice(length as usize)?;
        let word = std::str::from_utf8(bytes);
        words.push(
            word.map_err(|_| reader.fault("a word in UTF-8 before it"))?
                .to_owned(),
        );
    }
    Ok(words)
}

fn read_order(
    reader: &mut Reader<'_>,
    order: usize,
    index: &mut NgramIndex,
    frequencies: &mut Vec<u32>,
) -> Result<(), RewardError> {
    let count = reader.u64()?;
    let room = (reader.bytes.len() - reader.offset) / (4 * (order + 1));
    if count > room as u64 {
        return Err(reader.fault("no more n-grams than the table has room for"));
    }
    let mut last = None;
    for _ in 0..count {
        let mut tokens = [0; MAX_ORDER];
        for token in &mut tokens[..order] {
            *token = reader.u32()?;
        }
        let key = ngram_key(&tokens[..order]);
        if last.is_some_and(|last| last >= key) {
            return Err(reader.fault("n-grams in ascending order before it"));
        }
        let frequency = reader.u32()?;
        if frequency == 0 {
            return Err(reader.fault("a document frequency of at least 1 before it"));
        }
        let beginning = &tokens[..order - 1];
        if index.insert(beginning, tokens[order - 1]).is_none() {
            return Err(reader.fault("an n-gram whose beginning has a frequency before it"));
        }
        frequencies.push(frequency);
        last = Some(key);
    }
    Ok(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn u32(&mut self) -> Result<u32, RewardError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, RewardError> {
        self.array().map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RewardError> {
        let rest = self
            .bytes
            .get(self.offset..)
            .and_then(|rest| rest.first_chunk());
        let array = *rest.ok_or_else(|| self.fault("more bytes"))?;
        self.offset += N;
        Ok(array)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], RewardError> {
        let end = self.offset.checked_add(length);
        let slice = end.and_then(|end| self.bytes.get(self.offset..end));
        let slice = slice.ok_or_else(|| self.fault("more bytes"))?;
        self.offset += length;
        Ok(slice)
    }

    fn fault(&self, expected: &'static str) -> RewardError {
        RewardError::TableContent {
            offset: self.offset,
            expected,
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
