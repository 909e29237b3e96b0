//! Records of texts and ids, which need not fit into memory.

use std::io;

use crate::DataError;
use crate::spill::Spill;

/// Records one after the other; each is known by where it begins.
///
/// A record is the number of its fields, the bytes of each, and the fields, each filled up to whole ids.
#[derive(Debug, Default)]
pub(crate) struct Records {
    values: Spill<u32>,
    /// The record that is being written.
    record: Vec<u32>,
}

/// The part of a record that is yet to be read: field by field.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    /// Bytes of each.
    lengths: &'a [u32],
    values: &'a [u32],
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a>(&'a [u8]);

const ID: usize = size_of::<u32>();

impl<'a> Field<'a> {
    /// A field of text.
    pub(crate) fn of_text(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    /// A field of ids.
    pub(crate) fn of_ids(ids: &'a [u32]) -> Self {
        Self(bytemuck::cast_slice(ids))
    }

    /// The text of a field of text.
    pub(crate) fn text(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    /// The ids of a field of ids.
    pub(crate) fn ids(self) -> &'a [u32] {
        bytemuck::try_cast_slice(self.0).unwrap_or_default()
    }
}

impl Records {
    /// Adds a record, and says where it begins.
    ///
    /// # Errors
    ///
    /// As for [`Spill::push`]; a field of 4 GiB or more.
    pub(crate) fn push<'a>(
        &mut self,
        fields: impl Iterator<Item = Field<'a>> + Clone,
    ) -> Result<usize, DataError> {
        let record = &mut self.record;
        record.clear();
        record.push(0);
        for Field(bytes) in fields.clone() {
            record.push(u32::try_from(bytes.len()).map_err(|_| too_long())?);
        }
        record[0] = u32::try_from(record.len() - 1).map_err(|_| too_long())?;
        for Field(bytes) in fields {
            let start = record.len();
            record.resize(start + bytes.len().div_ceil(ID), 0);
            bytemuck::cast_slice_mut(&mut record[start..])[..bytes.len()].copy_from_slice(bytes);
        }
        self.values.push(record)
    }

    /// The fields of the record that begins there; none where none does.
    pub(crate) fn fields(&self, start: usize) -> Fields<'_> {
        let (count, values) = self.values.at(start).split_first().unwrap_or((&0, &[]));
        let parts = values.split_at_checked(*count as usize);
        let (lengths, values) = parts.unwrap_or_default();
        Fields { lengths, values }
    }
}

fn too_long() -> DataError {
    DataError::Temporary {
        folder: std::env::temp_dir(),
        source: io::Error::from(io::ErrorKind::FileTooLarge),
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let (bytes, lengths) = self.lengths.split_first()?;
        self.lengths = lengths;
        let bytes = *bytes as usize;
        let field;
        (field, self.values) = self.values.split_at_checked(bytes.div_ceil(ID))?;
        Some(Field(&bytemuck::cast_slice(field)[..bytes]))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.lengths.len(), Some(self.lengths.len()))
    }
}

impl ExactSizeIterator for Fields<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_hold_what_was_pushed() {
        let mut records = Records::default();
        let texts = ["", "a", "né", "four", "a text that is longer"];
        let mut starts = Vec::new();
        // More than a tail.
        for n in 0..100_000_u32 {
            let (text, ids) = (texts[n as usize % texts.len()], [n, 0]);
            let ids = Field::of_ids(&ids[..n as usize % 3]);
            let fields = [Field::of_text(text), ids, Field::of_text(text)];
            let count = 1 + n as usize % 3;
            starts.push(records.push(fields.into_iter().take(count)).unwrap());
        }
        for (n, start) in (0..).zip(starts) {
            let text = texts[n as usize % texts.len()];
            let mut fields = records.fields(start);
            assert_eq!(fields.len(), 1 + n as usize % 3);
            assert_eq!(fields.next().unwrap().text(), text);
            if let Some(field) = fields.next() {
                assert_eq!(field.ids(), &[n, 0][..n as usize % 3]);
            }
            if let Some(field) = fields.next() {
                assert_eq!(field.text(), text);
            }
        }
        assert_eq!(records.fields(usize::MAX).len(), 0);
    }
}
