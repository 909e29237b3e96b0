//! What a file seems to be, by its first bytes: for messages about files that are something else.

/// Bytes that are looked at.
pub(crate) const HEAD_BYTES: usize = 4096;

/// First bytes by which a kind of file is known, and its name.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\xff\xd8\xff", "a JPEG"),
    (b"\x89PNG\r\n\x1a\n", "a PNG"),
    (b"GIF87a", "a GIF"),
    (b"GIF89a", "a GIF"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"II+\0", "a TIFF"),
    (b"MM\0+", "a TIFF"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
    (b"\0\0\x01\0", "an icon"),
    (b"qoif", "a QOI image"),
    (b"FUJIFILMCCD-RAW", "a raw photo"),
    (b"IIRO", "a raw photo"),
    (b"IIU\0", "a raw photo"),
    (b"\0\x05\x16\x07", "what macOS stores beside a file"),
    (b"%PDF-", "a PDF"),
    (b"%!PS", "a PostScript document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a file compressed by gzip"),
    (b"BZh", "a file compressed by bzip2"),
    (b"\xfd7zXZ\0", "a file compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "a GGUF model"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
    (b"version https://git-lfs.github.com/", LFS),
    (b"#!", "a script"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
];

const LFS: &str = "a Git LFS pointer, which stands for a file that was not downloaded";

/// What the brands of files say that begin as MP4 does.
const BRANDS: &[(&[u8], &str)] = &[
    (b"heic", "a HEIC photo"),
    (b"heix", "a HEIC photo"),
    (b"heim", "a HEIC photo"),
    (b"heis", "a HEIC photo"),
    (b"hevc", "a HEIC photo"),
    (b"mif1", "a HEIF photo"),
    (b"msf1", "a HEIF photo"),
    (b"avif", "an AVIF image"),
    (b"avis", "an AVIF image"),
    (b"crx ", "a raw photo"),
    (b"qt  ", "a QuickTime video"),
];

/// What a file with these first bytes seems to be, with its article; `None` if nothing is known of it.
pub(crate) fn kind(head: &[u8]) -> Option<&'static str> {
    if head.is_empty() {
        return Some("an empty file");
    }
    if head.iter().all(|&byte| byte == 0) {
        return Some("a file of zeros");
    }
    let is_safetensors = head.get(8) == Some(&b'{')
        && matches!(head.first_chunk(), Some(length) if u64::from_le_bytes(*length) < 1 << 32);
    if is_safetensors {
        return Some("a safetensors file");
    }
    if head.get(4..8) == Some(b"ftyp") {
        let brand = head.get(8..12).unwrap_or_default();
        let known = BRANDS.iter().find(|(known, _)| *known == brand);
        return Some(known.map_or("an MP4 video", |(_, name)| name));
    }
    if let (Some(b"RIFF"), Some(form)) = (head.get(..4), head.get(8..12)) {
        return Some(match form {
            b"WEBP" => "a WebP",
            b"AVI " => "an AVI video",
            b"WAVE" => "a WAV recording",
            _ => "a RIFF file",
        });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic));
    known
        .map(|(_, name)| *name)
        .or_else(|| is_bitmap(head).then_some("a BMP"))
        .or_else(|| text(head))
}

/// Whether a file begins as a BMP: two letters are few, so the length of its header counts too.
fn is_bitmap(head: &[u8]) -> bool {
    let length = head.get(14..18).and_then(<[u8]>::first_chunk);
    let length = length.map(|&length| u32::from_le_bytes(length));
    head.starts_with(b"BM") && matches!(length, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// What a text is about.
fn text(head: &[u8]) -> Option<&'static str> {
    let utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if utf16 {
        return Some("a text");
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        // The last letter may be cut in two.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_control = |letter: char| letter.is_control() && !letter.is_whitespace();
    if text.contains(is_control) {
        return None;
    }
    let start = text.trim_start().to_ascii_lowercase();
    let begins = |with: &str| start.starts_with(with);
    Some(
        if begins("<!doctype html") || begins("<html") || begins("<head") {
            "an HTML page"
        } else if start.contains("<svg") && begins("<") {
            "an SVG drawing"
        } else if start.contains("<html") && begins("<") {
            "an HTML page"
        } else if begins("<?xml") {
            "an XML document"
        } else if begins("{") || begins("[") {
            "a JSON text"
        } else {
            "a text"
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        let cases: [(&[u8], Option<&str>); 21] = [
            (b"", Some("an empty file")),
            (b"\0\0\0\0\0", Some("a file of zeros")),
            (b"\xff\xd8\xff\xe0", Some("a JPEG")),
            (heic, Some("a HEIC photo")),
            (b"\0\0\0\x20ftypavif", Some("an AVIF image")),
            (b"\0\0\0\x20ftypisom", Some("an MP4 video")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("a WebP")),
            (b"RIFF\x24\0\0\0AVI LIST", Some("an AVI video")),
            (b"\x40\0\0\0\0\0\0\0{\"a\":{", Some("a safetensors file")),
            (
                b"version https://git-lfs.github.com/spec/v1\noid",
                Some(LFS),
            ),
            (b"\n <!DOCTYPE html><html>", Some("an HTML page")),
            (b"\xef\xbb\xbf<html>", Some("an HTML page")),
            (b"<!-- error --><html>", Some("an HTML page")),
            (b"<?xml version='1.0'?><svg>", Some("an SVG drawing")),
            (b"<?xml version='1.0'?><Error>", Some("an XML document")),
            (b"{\"error\": 404}", Some("a JSON text")),
            (b"BMW\nAudi\n", Some("a text")),
            (b"na\xc3\xafve caf\xc3", Some("a text")),
            (b"\xff\xfea\0", Some("a text")),
            (b"\x80\x02}q\0.", Some("a pickle")),
            (b"\x12\x34\x01\xfe", None),
        ];
        for (head, expected) in cases {
            assert_eq!(kind(head), expected, "{}", head.escape_ascii());
        }
        let mut bitmap = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        assert_eq!(kind(&bitmap), Some("a BMP"));
        bitmap[14] = 0xff;
        assert_eq!(kind(&bitmap), None);
        let mut tar = vec![b'a'; 300];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(kind(&tar), Some("a tar archive"));
    }
}
