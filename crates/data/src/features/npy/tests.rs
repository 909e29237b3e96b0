//! Headers, good and bad.

use proptest::prelude::*;

use super::*;
use crate::samples::{npy, npy_of};

const GOOD: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";

/// 65 of them.
const MANY_DIMENSIONS: &str = "{'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}";

fn header(bytes: &[u8]) -> Result<Header, String> {
    read_header(Path::new("x.npy"), "array", bytes).map_err(|error| error.to_string())
}

#[test]
fn header_is_read_when_numpy_wrote_it() {
    let bytes = npy(&[3, 2], [0.0_f32; 6].as_slice());
    let expected = Header {
        element: Element::F32,
        shape: vec![3, 2],
        length: 128,
        data_bytes: 24,
    };
    assert_eq!(header(&bytes), Ok(expected));
}

#[test]
fn header_is_read_when_spelled_otherwise() {
    // One dimension, another order, no trailing comma, double quotes, long integers of Python 2.
    let text = r#"{"shape":(12L,),"fortran_order":False,"descr":"<f2"}"#;
    let found = header(&npy_of(text, &[])).unwrap();
    assert_eq!((found.shape.as_slice(), found.data_bytes), (&[12][..], 24));
}

#[test]
fn header_is_read_when_the_version_is_2() {
    let text = format!("{GOOD}\n");
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    let bytes = [b"\x93NUMPY\x02\x00", &length[..], text.as_bytes()].concat();
    assert_eq!(header(&bytes).unwrap().length, 12 + text.len());
}

#[test]
fn error_says_what_is_wrong_when_header_is_malformed() {
    let start = "`x.npy`: not a valid npy file: array: ";
    let cases = [
        (
            "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }",
            "found Fortran order, expected C order (`numpy.ascontiguousarray`)",
        ),
        (
            "{'descr': '<f4', 'fortran_order': no, 'shape': (3, 2), }",
            "expected `True` or `False` in the header \"{'descr': '<f4', 'fortran_order': no, 'shape': (3, 2), }\"",
        ),
        (
            "{'descr': '<f4', 'shape': (3, 2), }",
            "no `fortran_order` in the header \"{'descr': '<f4', 'shape': (3, 2), }\"",
        ),
        (
            "{'desrc': '<f4'}",
            "unknown key \"desrc\" in the header \"{'desrc': '<f4'}\"",
        ),
        (
            "{'descr: 4}",
            "expected a closing quote in the header \"{'descr: 4}\"",
        ),
        (
            "{'shape': (-3, 2)}",
            "expected a size of `shape` in the header \"{'shape': (-3, 2)}\"",
        ),
        (
            "{'shape': (3; 2)}",
            "expected `)` in the header \"{'shape': (3; 2)}\"",
        ),
        ("3", "expected `{` in the header \"3\""),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
            "the shape [4294967296, 4294967296] is too large",
        ),
        (
            MANY_DIMENSIONS,
            "more than 64 dimensions in the header \"{'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\"...",
        ),
    ];
    for (text, problem) in cases {
        assert_eq!(header(&npy_of(text, &[])), Err(format!("{start}{problem}")));
    }
    let good = npy_of(GOOD, &[]);
    let mut magic = good.clone();
    magic[0] = b'P';
    assert_eq!(
        header(&magic),
        Err(format!(
            "{start}it looks like data of an unknown kind, expected an .npy array"
        ))
    );
    let mut version = good.clone();
    version[6] = 9;
    assert_eq!(
        header(&version),
        Err(format!("{start}found format version 9, expected 1 to 3"))
    );
    assert_eq!(
        header(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"),
        Err(format!(
            "{start}found a header of 4294967295 bytes, expected at most 65536"
        ))
    );
    for length in [0, 7, 9, 50] {
        let error = header(&good[..length]);
        assert_eq!(error, Err(format!("{start}it ends within its header")));
    }
}

#[test]
fn error_names_the_type_when_elements_are_not_floats() {
    let found = |descr: &str| {
        let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}");
        header(&npy_of(&text, &[])).unwrap_err()
    };
    let expected = ", expected little-endian float16, float32 or float64";
    assert_eq!(
        found("'>f4'"),
        format!("`x.npy`: array: found elements of type `>f4`{expected}")
    );
    assert_eq!(
        found("[('x', '<f4'), ('y', '<f4')]"),
        format!("`x.npy`: array: found elements of type `[('x', '<f4'), ('y', '<f4')]`{expected}")
    );
}

proptest! {
    #[test]
    fn no_panic_when_header_is_random(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = header(&bytes);
        let _ = header(&[b"\x93NUMPY\x01\x00\x40\x00", bytes.as_slice()].concat());
    }

    #[test]
    fn no_panic_when_header_is_damaged(
        position in 0..128_usize,
        byte: u8,
        length in 0..=128_usize,
    ) {
        let mut bytes = npy_of(GOOD, &[]);
        bytes[position] = byte;
        let _ = header(&bytes[..length]);
    }

    #[test]
    fn no_panic_when_text_is_like_a_header(text in "[{}()\\[\\]',:\"a-z0-9L ]{0,60}") {
        let _ = header(&npy_of(&text, &[]));
        let _ = header(&npy_of(&format!("{{'descr': {text}"), &[]));
        let _ = header(&npy_of(&format!("{{'shape': ({text}"), &[]));
    }
}
