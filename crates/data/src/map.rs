//! Files mapped into memory.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use memmap2::Mmap;

use crate::DataError;

/// Maps a file for reading: nothing is read before it is used, and the file may be larger than
/// memory.
///
/// # Errors
///
/// The file cannot be opened or mapped, or is a folder or a pipe.
pub(crate) fn open(path: &Path) -> Result<Mmap, DataError> {
    // Before it is opened: opening a pipe waits for somebody to write.
    let metadata = fs::metadata(path).map_err(DataError::read(path))?;
    if metadata.is_dir() {
        let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(DataError::read(path)(source));
    }
    if !metadata.is_file() {
        return Err(DataError::not_a_file(path));
    }
    let file = File::open(path).map_err(DataError::read(path))?;
    whole(&file).map_err(DataError::read(path))
}

/// Maps an open file for reading, as long as it is now.
///
/// # Errors
///
/// It cannot be mapped.
pub(crate) fn whole(file: &File) -> io::Result<Mmap> {
    #[expect(
        unsafe_code,
        reason = "mapping is what lets a file larger than memory open at once; the map is only \
                  read, as numbers, which are valid whatever they hold. What remains is that \
                  another process must not shorten the file during a run, as the documentation of \
                  `FeatureStore::open` says; files of a spill have no name by which one could"
    )]
    unsafe {
        Mmap::map(file)
    }
}

/// Has the system read what is asked for alone, without what stands behind it. It is told what will be asked for by [`expect`].
pub(crate) fn read_nothing_ahead(map: &Mmap) {
    // A system that takes no advice reads the same bytes, only later.
    #[cfg(unix)]
    drop(map.advise(memmap2::Advice::Random));
}

/// Has the system begin to read a part of the file that will be asked for soon.
pub(crate) fn expect(map: &Mmap, offset: usize, bytes: usize) {
    #[cfg(unix)]
    drop(map.advise_range(memmap2::Advice::WillNeed, offset, bytes));
}
