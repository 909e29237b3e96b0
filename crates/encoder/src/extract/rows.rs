//! A `.npy` file that grows by rows.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    iter,
    path::{Path, PathBuf},
};

use half::f16;
use scst_files::write_bytes_atomically;

use crate::{error::EncoderError, record::Element};

/// Length of the header, which holds the number of rows and so is written last.
const HEADER_BYTES: usize = 128;

impl Element {
    /// The name of the type in a header.
    pub(super) fn descr(self) -> &'static str {
        match self {
            Self::F16 => "<f2",
            Self::F32 => "<f4",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

/// An unfinished file, `FILE.npy.partial`.
#[derive(Debug)]
pub(super) struct RowFile {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    shape: Vec<usize>,
    element: Element,
    rows: usize,
}

impl RowFile {
    /// Makes the finished file of `path` an unfinished one again, unless there is one: its work ended before the files
    /// beside it were finished.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub(super) fn take_back(path: &Path) -> Result<(), EncoderError> {
        let partial = path.with_extension("npy.partial");
        if partial.exists() || !path.exists() {
            return Ok(());
        }
        fs::rename(path, &partial).map_err(EncoderError::write(path))
    }

    /// Opens the unfinished file of `path`, or begins one.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub(super) fn open(
        path: &Path,
        shape: Vec<usize>,
        element: Element,
    ) -> Result<Self, EncoderError> {
        let partial = path.with_extension("npy.partial");
        let options = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&partial);
        let file = options.map_err(EncoderError::write(path))?;
        let length = file.metadata().map_err(EncoderError::write(path))?.len();
        let mut rows = Self {
            path: path.to_owned(),
            partial,
            file: BufWriter::new(file),
            shape,
            element,
            rows: 0,
        };
        rows.rows = (length as usize).saturating_sub(HEADER_BYTES) / rows.row_bytes();
        Ok(rows)
    }

    fn row_bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.bytes()
    }

    /// Whole rows in the file.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Cuts the file after its first `rows` rows, where the next goes.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep_rows(&mut self, rows: usize) -> Result<(), EncoderError> {
        self.rows = rows;
        let end = (HEADER_BYTES + rows * self.row_bytes()) as u64;
        let file = self.file.get_mut();
        let cut = file
            .set_len(end)
            .and_then(|()| file.seek(SeekFrom::Start(end)));
        cut.map_err(EncoderError::write(&self.path))?;
        Ok(())
    }

    /// Appends a row.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn push(&mut self, row: &[f32]) -> Result<(), EncoderError> {
        let bytes: Vec<u8> = match self.element {
            Element::F16 => {
                let halves = row.iter().map(|&value| f16::from_f32(value));
                halves.flat_map(f16::to_le_bytes).collect()
            }
            Element::F32 => row.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        self.rows += 1;
        self.file
            .write_all(&bytes)
            .map_err(EncoderError::write(&self.path))
    }

    /// Forces all rows to the disk.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn sync(&mut self) -> Result<(), EncoderError> {
        let flushed = self.file.flush();
        flushed
            .and_then(|()| self.file.get_ref().sync_data())
            .map_err(EncoderError::write(&self.path))
    }

    /// Writes the header, the names of the rows and the record of the encoder, and renames the files into place, that
    /// of the features last.
    ///
    /// # Errors
    /// They cannot be written.
    pub(super) fn finish(self, names: &[&str], record: &[u8]) -> Result<(), EncoderError> {
        let header = self.header();
        let Self {
            path,
            partial,
            file,
            ..
        } = self;
        let attempt = || -> io::Result<()> {
            let mut file = file.into_inner()?;
            file.rewind()?;
            file.write_all(&header)?;
            file.sync_all()?;
            let names = names.join("\n") + "\n";
            for (ending, content) in [("names.txt", names.as_bytes()), ("encoder.json", record)] {
                let beside = path.with_extension(ending);
                write_bytes_atomically(&beside, content).map_err(|error| error.error)?;
            }
            fs::rename(&partial, &path)?;
            sync_directory(&path)
        };
        attempt().map_err(EncoderError::write(&path))
    }

    /// Deletes the file.
    pub(super) fn discard(self) {
        // What stays is overwritten by the next run.
        let _ = fs::remove_file(self.partial);
    }

    /// Version 1.0 of NumPy's format, filled up with spaces.
    fn header(&self) -> Vec<u8> {
        let sizes = iter::once(&self.rows).chain(&self.shape);
        let sizes: Vec<String> = sizes.map(usize::to_string).collect();
        let dictionary = format!(
            "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
            self.element.descr(),
            sizes.join(", ")
        );
        let width = HEADER_BYTES - 11;
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend((width as u16 + 1).to_le_bytes());
        header.extend(format!("{dictionary:width$}\n").bytes());
        header
    }
}

/// Forces the names of files to the disk, of those in the directory of a file.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
