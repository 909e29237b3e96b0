//! Values that need not fit into memory: written one after the other, and read where they lie.

use std::fs::File;
use std::io::{self, Write};

use bytemuck::Pod;
use memmap2::Mmap;

use crate::{DataError, map};

/// The most bytes that are held back before they go to the file, unless they are pushed at once.
const TAIL_BYTES: usize = 1 << 20;

/// Values one after the other. The last of them are in memory; those before, once they are a megabyte, in a temporary
/// file that has no name, so that nothing of it is left behind however the program ends. It is mapped into memory.
#[derive(Debug, Default)]
pub(crate) struct Spill<T> {
    file: Option<(File, Mmap)>,
    /// What follows the values of the file.
    tail: Vec<T>,
}

impl<T: Pod> Spill<T> {
    /// Adds values, which stay side by side, and says where they begin.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be made, written or mapped.
    pub(crate) fn push(&mut self, values: &[T]) -> Result<usize, DataError> {
        let bytes = size_of_val(self.tail.as_slice()) + size_of_val(values);
        if bytes > TAIL_BYTES && !self.tail.is_empty() {
            self.write()?;
        }
        let start = self.len();
        self.tail.extend_from_slice(values);
        Ok(start)
    }

    /// The values from a place on, as far as they lie side by side: those of one push do.
    pub(crate) fn at(&self, start: usize) -> &[T] {
        let values = match start.checked_sub(self.in_file().len()) {
            Some(start) => self.tail.get(start..),
            None => self.in_file().get(start..),
        };
        values.unwrap_or_default()
    }

    /// All values, in two runs.
    pub(crate) fn runs(&self) -> [&[T]; 2] {
        [self.in_file(), &self.tail]
    }

    /// All values side by side.
    ///
    /// # Errors
    ///
    /// As for [`Spill::push`].
    pub(crate) fn whole(&mut self) -> Result<&[T], DataError> {
        if self.file.is_none() {
            return Ok(&self.tail);
        }
        if !self.tail.is_empty() {
            self.write()?;
        }
        Ok(self.in_file())
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.in_file().len() + self.tail.len()
    }

    fn in_file(&self) -> &[T] {
        let bytes = self.file.as_ref().map_or(&[][..], |(_, map)| map);
        // A map begins at a page, and whole values were written.
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }

    /// Moves the tail to the file.
    fn write(&mut self) -> Result<(), DataError> {
        let folder = std::env::temp_dir();
        let written = (|| -> io::Result<(File, Mmap)> {
            let mut file = match self.file.take() {
                Some((file, _)) => file,
                None => tempfile::tempfile_in(&folder)?,
            };
            file.write_all(bytemuck::cast_slice(&self.tail))?;
            let map = map::whole(&file)?;
            Ok((file, map))
        })();
        self.file = Some(written.map_err(|source| DataError::Temporary { folder, source })?);
        self.tail.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_are_found_where_they_were_pushed(lengths in prop::collection::vec(0..300_000_usize, 1..12)) {
            let mut spill = Spill::default();
            let pushed: Vec<Vec<u32>> = (0..).zip(lengths).map(|(n, length)| vec![n; length]).collect();
            let mut starts = Vec::new();
            for values in &pushed {
                starts.push(spill.push(values).unwrap());
            }
            for (start, values) in starts.iter().zip(&pushed) {
                prop_assert!(spill.at(*start).starts_with(values));
            }
            let all = pushed.concat();
            prop_assert_eq!(spill.len(), all.len());
            prop_assert!(spill.runs().concat() == all);
            prop_assert!(spill.tail.len() * 4 <= TAIL_BYTES.max(300_000 * 4));
            prop_assert_eq!(spill.file.is_some(), spill.len() > spill.tail.len());
            prop_assert!(spill.whole().unwrap() == all);
            prop_assert!(spill.at(all.len()).is_empty() && spill.at(all.len() + 1).is_empty());
        }
    }

    #[test]
    fn little_needs_no_file() {
        let mut spill = Spill::default();
        spill.push(&vec![7_u8; TAIL_BYTES]).unwrap();
        assert!(spill.file.is_none());
        assert_eq!(spill.push(&[8]).unwrap(), TAIL_BYTES);
        assert!(spill.file.is_some());
        assert_eq!(
            (spill.at(TAIL_BYTES - 1), spill.at(TAIL_BYTES)),
            (&[7][..], &[8][..])
        );
    }
}
