//! What a file that is not what it should be seems to be, by how it begins.

/// Beginnings of files that are mistaken for feature files.
const KINDS: [(&[u8], &str); 16] = [
    (b"\x93NUMPY", "an .npy array"),
    (b"PK\x03\x04", "a zip archive, such as .npz or .pth"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (
        b"version ",
        "a pointer of Git LFS, in place of the file itself",
    ),
    (b"<", "HTML or XML"),
    (b"{", "JSON"),
];

/// What begins so; eight bytes are enough.
pub(super) fn likeness(start: &[u8]) -> &'static str {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let trimmed = text.trim_ascii_start();
    for (beginning, kind) in KINDS {
        if start.starts_with(beginning) || trimmed.starts_with(beginning) {
            return kind;
        }
    }
    match start {
        [] => "an empty file",
        start if start.iter().all(|&byte| byte == 0) => "zeros",
        _ if !text.is_empty()
            && text
                .iter()
                .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')) =>
        {
            "text"
        }
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_how_they_begin() {
        for (start, kind) in [
            (&b"\x93NUMPY\x01\x00"[..], "an .npy array"),
            (
                b"PK\x03\x04\x14\x00\x00\x00",
                "a zip archive, such as .npz or .pth",
            ),
            (b"<!DOCTYP", "HTML or XML"),
            (b"\xef\xbb\xbf\n<htm", "HTML or XML"),
            (
                b"version ",
                "a pointer of Git LFS, in place of the file itself",
            ),
            (b"\x80\x04\x95\x10\x00", "a pickle"),
            (b"a.jpg\nb.", "text"),
            (b"", "an empty file"),
            (&[0; 8], "zeros"),
            (b"\x01\x02", "something else"),
        ] {
            assert_eq!(likeness(start), kind, "{start:?}");
        }
    }
}
