//! Files that say of themselves what is not so.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::samples::{Folder, npy, npy_of, npz};

fn message(folder: &Folder, name: &str, bytes: Vec<u8>) -> String {
    let path = folder.file(name, bytes);
    let header = read_header(&path, None)
        .err()
        .map(|error| folder.shorten(error));
    let error = read_array(&path, None, |_| Ok(())).unwrap_err();
    assert!(error.is_mistake());
    let error = folder.shorten(error);
    if let Some(header) = header {
        assert_eq!(header, error);
    }
    error
}

fn header_of(shape: &str) -> String {
    format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}")
}

#[test]
fn array_is_refused_before_it_is_read_when_it_is_longer_than_its_header_says() {
    let folder = Folder::new();
    // 64 MiB of zeros behind a header of two numbers.
    let bomb = npy_of(&header_of("(2,)"), &vec![0; 64 << 20]);
    let bytes = npz(&[("feat", bomb)]);
    assert!(bytes.len() < 1 << 20);
    let path = folder.file("a.npz", bytes);
    assert_eq!(
        folder.shorten(read_header(&path, None).unwrap_err()),
        format!(
            "`a.npz`: found {} bytes, expected 136 from its header; the file is too long",
            128 + (64 << 20)
        )
    );
    // The same with a size that the archive makes smaller than it is: no more is read than the header says.
    let mut bytes = std::fs::read(&path).unwrap();
    let size = (128_u32 + (64 << 20)).to_le_bytes();
    let lied = 136_u32.to_le_bytes();
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == size {
            bytes[at..at + 4].copy_from_slice(&lied);
        }
    }
    let found = message(&folder, "a.npz", bytes);
    assert!(found.starts_with("`a.npz`: "), "{found}");
}

#[test]
fn array_is_refused_when_it_is_shorter_than_its_header_says() {
    let folder = Folder::new();
    for shape in ["(1000000000,)", "(1000000, 2048)", "(4611686018427387904,)"] {
        let short = npy_of(&header_of(shape), &[0; 8]);
        for (name, bytes) in [("a.npz", npz(&[("feat", short.clone())])), ("b.npy", short)] {
            let found = message(&folder, name, bytes);
            assert!(
                found.contains("the file is cut short") || found.contains("is too large"),
                "{found}"
            );
        }
    }
}

#[test]
fn archive_is_refused_when_it_declares_more_than_deflate_can_make() {
    let folder = Folder::new();
    let shape = "(1000000000,)";
    let short = npy_of(&header_of(shape), &[0; 8]);
    let length = short.len() as u32;
    let mut bytes = npz(&[("feat", short)]);
    let declared = (4_000_000_000_u32 + length - 8).to_le_bytes();
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == length.to_le_bytes() {
            bytes[at..at + 4].copy_from_slice(&declared);
        }
    }
    let found = message(&folder, "a.npz", bytes);
    assert!(
        found.starts_with("`a.npz`: not a valid npz file: array `feat.npy`: 4000000"),
        "{found}"
    );
}

#[test]
fn message_says_what_it_is_when_the_file_is_another() {
    let folder = Folder::new();
    let good = || npy(&[2], [1.0_f32; 2].as_slice());
    assert_eq!(
        message(&folder, "a.npz", good()),
        "`a.npz`: not a valid npz file: it looks like a NumPy array (.npy), expected an archive of NumPy arrays"
    );
    assert_eq!(
        message(&folder, "a.npz", b"<!DOCTYPE html>".to_vec()),
        "`a.npz`: not a valid npz file: it looks like a web page (HTML), expected an archive of NumPy arrays"
    );
    assert_eq!(
        message(&folder, "a.npy", npz(&[("feat", good())])),
        "`a.npy`: not a valid npy file: array: it looks like an archive of NumPy arrays (.npz), expected an .npy array"
    );
    assert_eq!(
        message(&folder, "a.npy", b"\x80\x04\x95\0\0\0\0\0\0\0".to_vec()),
        "`a.npy`: not a valid npy file: array: it looks like a pickle of Python, expected an .npy array"
    );
    let object = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
    assert_eq!(
        message(
            &folder,
            "a.npz",
            npz(&[("feat", npy_of(object, b"\x80\x04"))])
        ),
        "`a.npz`: array `feat.npy`: found elements of type `|O`, expected little-endian float16, float32 or float64"
    );
    let path = folder.path("folder.npy");
    std::fs::create_dir(&path).unwrap();
    assert_eq!(
        folder.shorten(read_array(&path, None, |_| Ok(())).unwrap_err()),
        "`folder.npy`: found something that is not a file, expected a file of features"
    );
}

#[test]
fn archive_is_refused_when_a_name_stands_twice_or_it_is_encrypted() {
    let folder = Folder::new();
    let array = |value: f32| npy(&[1], [value].as_slice());
    let mut bytes = npz(&[("feat", array(1.0)), ("fear", array(2.0))]);
    for at in 0..bytes.len() - 4 {
        if &bytes[at..at + 4] == b"fear" {
            bytes[at + 3] = b't';
        }
    }
    assert_eq!(
        message(&folder, "a.npz", bytes),
        "`a.npz`: not a valid npz file: two arrays have one name"
    );
    let mut bytes = npz(&[("feat", array(1.0))]);
    // Bit 0 of the flags, in the local header and in the central directory.
    for at in 0..bytes.len() - 12 {
        match &bytes[at..at + 4] {
            b"PK\x03\x04" => bytes[at + 6] |= 1,
            b"PK\x01\x02" => bytes[at + 8] |= 1,
            _ => {}
        }
    }
    assert_eq!(
        message(&folder, "a.npz", bytes),
        "`a.npz`: not a valid npz file: it is encrypted"
    );
}

#[test]
fn values_are_not_read_when_the_header_is_refused() {
    let folder = Folder::new();
    let bytes = npz(&[("feat", npy(&[2], [1.0_f32; 2].as_slice()))]);
    let path = folder.file("a.npz", bytes);
    let refuse = |_: &Header| Err(DataError::not_a_file(&path));
    let error = read_array(&path, None, refuse).unwrap_err();
    assert!(matches!(error, DataError::NotAFile { .. }), "{error}");
}

#[test]
fn archive_is_refused_when_it_is_compressed_by_another_method() {
    let folder = Folder::new();
    let mut bytes = npz(&[("feat", npy(&[1], [1.0_f32].as_slice()))]);
    // LZMA, in the local header and in the central directory.
    for at in 0..bytes.len() - 12 {
        match &bytes[at..at + 4] {
            b"PK\x03\x04" => bytes[at + 8] = 14,
            b"PK\x01\x02" => bytes[at + 10] = 14,
            _ => {}
        }
    }
    assert_eq!(
        message(&folder, "a.npz", bytes),
        "`a.npz`: not a valid npz file: it is compressed otherwise than by deflate, as `numpy.savez_compressed` does"
    );
}

#[test]
fn array_is_read_when_the_archive_is_stored_or_of_large_files() {
    let folder = Folder::new();
    let options = [
        SimpleFileOptions::default().compression_method(CompressionMethod::Stored),
        // As NumPy writes it.
        SimpleFileOptions::default().large_file(true),
    ];
    for options in options {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("feat.npy", options).unwrap();
        let zeros = npy(&[36, 2048], vec![0.0_f32; 36 * 2048].as_slice());
        writer.write_all(&zeros).unwrap();
        let path = folder.file("a.npz", writer.finish().unwrap().into_inner());
        let (header, bytes) = read_array(&path, None, |_| Ok(())).unwrap();
        assert_eq!(
            (header.shape.as_slice(), bytes.len()),
            (&[36, 2048][..], 4 * 36 * 2048)
        );
    }
}
