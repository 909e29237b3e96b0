//! Small files for tests.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use half::f16;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The folder with Flickr8k, where a copy of it lies beside the workspace.
pub(crate) fn flickr8k() -> Option<PathBuf> {
    scst_testing::oracles::shared("flickr8k")
}

/// A folder that goes away with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// A message without the name of the folder.
    pub(crate) fn shorten(&self, error: impl std::fmt::Display) -> String {
        let folder = format!("{}/", self.0.path().display());
        error.to_string().replace(&folder, "")
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }
}

/// Elements as little-endian bytes with NumPy's name of their type.
pub(crate) trait Elements {
    const DESCR: &'static str;
    fn bytes(&self) -> Vec<u8>;
}

impl Elements for [f32] {
    const DESCR: &'static str = "<f4";
    fn bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|value| value.to_le_bytes()).collect()
    }
}

impl Elements for [f64] {
    const DESCR: &'static str = "<f8";
    fn bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|value| value.to_le_bytes()).collect()
    }
}

impl Elements for [f16] {
    const DESCR: &'static str = "<f2";
    fn bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|value| value.to_le_bytes()).collect()
    }
}

/// A `.npy` file as NumPy writes it.
pub(crate) fn npy<E: Elements + ?Sized>(shape: &[usize], elements: &E) -> Vec<u8> {
    let sizes: Vec<_> = shape.iter().map(|size| format!("{size}, ")).collect();
    let sizes = sizes.concat();
    npy_of(
        &format!(
            "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
            E::DESCR,
            sizes.trim_end()
        ),
        &elements.bytes(),
    )
}

/// A `.npy` file of version 1.0 with any header.
pub(crate) fn npy_of(header: &str, data: &[u8]) -> Vec<u8> {
    let padding = 64 - (10 + header.len() + 1) % 64;
    let header = format!("{header}{}\n", " ".repeat(padding));
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

/// A `.npz` file as `numpy.savez_compressed` writes it.
pub(crate) fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default();
        writer.start_file(format!("{name}.npy"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
