//! The bytes of a pickle, taken piece by piece.

use std::borrow::Cow;

use super::broken::Broken;

/// Bytes, and how many of them were taken.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// What is wrong with the byte before the next one.
    pub(super) fn broken(&self, found: &'static str, expected: &'static str) -> Broken {
        let at = self.at.saturating_sub(1);
        Broken {
            at,
            found,
            expected,
        }
    }

    fn end(&self) -> Broken {
        Broken {
            at: self.bytes.len(),
            found: "the end of the file",
            expected: "more of a pickle: it is cut short or something else",
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or_else(|| self.end())?;
        self.at += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.end())
    }

    pub(super) fn byte(&mut self) -> Result<u8, Broken> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A length of `N` bytes, little-endian.
    pub(super) fn length<const N: usize>(&mut self) -> Result<usize, Broken> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.array::<N>()?);
        // One that does not fit is longer than any file.
        usize::try_from(u64::from_le_bytes(wide)).map_err(|_| self.end())
    }

    /// Bytes after their length of `N` bytes.
    pub(super) fn counted<const N: usize>(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.length::<N>()?;
        self.take(length)
    }

    /// A line without its end.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Broken> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or_else(|| self.end())?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    /// A line of text.
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Broken> {
        self.line().map(String::from_utf8_lossy)
    }
}

/// The bytes that a literal of Python 2 stands for, quotes and all.
pub(super) fn unquoted(literal: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = literal.trim_ascii_end().split_first()?;
    let (&last, mut rest) = rest.split_last()?;
    if quote != last || !matches!(quote, b'\'' | b'"') {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first()?;
        rest = after;
        match escape {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'v' => bytes.push(11),
            b'x' => {
                let digits = rest.split_off(..2)?;
                bytes.push(hexadecimal(digits)? as u8);
            }
            b'0'..=b'7' => {
                let more = rest.iter().take(2);
                let more = more.take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = rest.split_off(..more)?.iter();
                let value = |value: u32, digit: &u8| value * 8 + u32::from(digit - b'0');
                bytes.push(digits.fold(u32::from(escape - b'0'), value) as u8);
            }
            other => bytes.push(other),
        }
    }
    Some(bytes)
}

/// The text of a line in which characters outside of Latin-1 are escaped (`\u4e2d`, `\U0001f600`).
pub(super) fn unescaped(mut line: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(line.len());
    while let Some((&byte, after)) = line.split_first() {
        line = after;
        let digits = match (byte, line.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                units.push(u16::from(byte));
                continue;
            }
        };
        let value = hexadecimal(line.split_off(..=digits)?.get(1..)?)?;
        match u16::try_from(value) {
            // As Python 2 has written halves of pairs.
            Ok(unit) => units.push(unit),
            Err(_) => units.extend_from_slice(char::from_u32(value)?.encode_utf16(&mut [0; 2])),
        }
    }
    Some(String::from_utf16_lossy(&units))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, 16).ok()
}
