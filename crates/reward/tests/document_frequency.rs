//! The stored table: round trips, damage, and the bytes themselves.

use std::io::{self, Read, Write};

use proptest::collection::vec;
use proptest::prelude::*;
use scst_reward::{DocumentFrequency, RewardError};
use sha2::{Digest, Sha256};

fn table(images: &[Vec<Vec<u32>>]) -> DocumentFrequency {
    let mut builder = DocumentFrequency::builder();
    for references in images {
        builder.add_image(references.iter());
    }
    builder.build().expect("some images")
}

fn small() -> DocumentFrequency {
    table(&[
        vec![vec![5, 2, 5, 0], vec![2, 0]],
        vec![vec![2, u32::MAX, 0]],
    ])
}

/// The bytes with the checksum that belongs to them.
fn sealed(mut contents: Vec<u8>) -> Vec<u8> {
    let checksum = Sha256::digest(&contents);
    contents.extend(checksum);
    contents
}

fn message(bytes: &[u8]) -> String {
    DocumentFrequency::from_bytes(bytes)
        .expect_err("damaged bytes")
        .to_string()
}

#[test]
fn table_comes_back_when_saved_and_loaded() {
    let table = small();
    let mut bytes = Vec::new();
    table.save(&mut bytes).expect("memory takes all bytes");
    let loaded = DocumentFrequency::load(&bytes[..]).expect("the same bytes");
    assert_eq!(loaded.to_bytes(), bytes);
    assert_eq!(loaded.fingerprint(), table.fingerprint());
    assert_eq!(loaded.images(), 2);
    for (ngram, frequency) in [
        (&[2][..], 2),
        (&[0], 2),
        (&[5], 1),
        (&[2, 0], 1),
        (&[5, 2, 5, 0], 1),
        (&[7], 0),
    ] {
        assert_eq!(loaded.frequency(ngram), frequency, "{ngram:?}");
        assert_eq!(loaded.inverse(ngram), table.inverse(ngram), "{ngram:?}");
    }
}

#[test]
fn words_come_back_when_a_table_has_them() {
    let words = ["a", "dog", "\u{e9}t\u{e9}", ""].map(str::to_owned);
    let table = small().with_words(words.to_vec()).expect("distinct words");
    let loaded = DocumentFrequency::from_bytes(&table.to_bytes()).expect("the same bytes");
    assert_eq!(loaded.words(), words);
    assert_eq!(loaded.frequency(&[2, 0]), 1);
    assert_ne!(loaded.fingerprint(), small().fingerprint());
    let twice = small().with_words(vec!["a".to_owned(); 2]);
    assert_eq!(
        twice.expect_err("a duplicate").to_string(),
        "document frequencies: found the word \"a\" twice, expected each once"
    );
}

#[test]
fn fingerprint_stays_when_the_crate_changes() {
    assert_eq!(small().signature(), "table-2-c7dae4550eb39082");
}

#[test]
fn fingerprint_differs_when_one_image_or_token_does() {
    let fingerprints = [
        small().fingerprint(),
        small().with_images(3).expect("some images").fingerprint(),
        table(&[
            vec![vec![5, 2, 5, 1], vec![2, 0]],
            vec![vec![2, u32::MAX, 0]],
        ])
        .fingerprint(),
    ];
    assert_ne!(fingerprints[0], fingerprints[1]);
    assert_ne!(fingerprints[0], fingerprints[2]);
}

#[test]
fn load_fails_when_the_table_is_cut_short() {
    let bytes = small().to_bytes();
    for length in 0..bytes.len() {
        assert!(
            DocumentFrequency::from_bytes(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn load_fails_when_any_bit_is_flipped() {
    let bytes = small().to_bytes();
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(
            DocumentFrequency::from_bytes(&damaged).is_err(),
            "bit {bit}"
        );
    }
}

#[test]
fn errors_say_what_was_found_when_a_table_is_bad() {
    let good = small().to_bytes();
    let contents = good[..good.len() - 32].to_vec();
    assert_eq!(
        message(b"PK\x03\x04"),
        "found no table of document frequencies, expected one that `scst document-frequency` wrote"
    );
    let mut newer = contents.clone();
    newer[8] = 3;
    assert_eq!(
        message(&sealed(newer)),
        "document frequencies: found format version 3, expected 2"
    );
    let mut cut = good.clone();
    cut.pop();
    assert!(
        message(&cut).ends_with("it is damaged or cut short"),
        "{}",
        message(&cut)
    );
    let mut longer = contents.clone();
    longer.push(0);
    assert_eq!(
        message(&sealed(longer)),
        format!(
            "document frequencies: byte {}: expected the checksum",
            contents.len()
        )
    );
    let mut crowded = contents.clone();
    crowded[28..36].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(
        message(&sealed(crowded)),
        "document frequencies: byte 36: expected no more n-grams than the table has room for"
    );
    let mut empty = contents.clone();
    empty[12..20].copy_from_slice(&0u64.to_le_bytes());
    assert_eq!(
        message(&sealed(empty)),
        "found no image, expected at least one"
    );
    let mut zero = contents.clone();
    zero[40..44].copy_from_slice(&0u32.to_le_bytes());
    assert_eq!(
        message(&sealed(zero)),
        "document frequencies: byte 44: expected a document frequency of at least 1 before it"
    );
    let mut orphan = contents.clone();
    orphan[44..48].copy_from_slice(&1u32.to_le_bytes());
    assert!(
        message(&sealed(orphan)).ends_with("an n-gram whose beginning has a frequency before it")
    );
    let mut wordy = contents.clone();
    wordy[20..28].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(message(&sealed(wordy)).ends_with("expected more bytes"));
    let mut unsorted = contents;
    unsorted[44..48].copy_from_slice(&0u32.to_le_bytes());
    assert_eq!(
        message(&sealed(unsorted)),
        "document frequencies: byte 48: expected n-grams in ascending order before it"
    );
}

#[test]
fn errors_keep_their_cause_when_reading_or_writing_fails() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no disk"))
        }
    }
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("no disk"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(matches!(
        DocumentFrequency::load(Broken),
        Err(RewardError::TableRead(_))
    ));
    assert!(matches!(
        small().save(Broken),
        Err(RewardError::TableWrite(_))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn load_never_panics_when_sealed_contents_are_random(
        start in 8usize..200,
        noise in vec(any::<u8>(), 0..60),
    ) {
        let good = small().to_bytes();
        let mut contents = good[..good.len() - 32].to_vec();
        contents.truncate(start);
        contents.extend(noise);
        let bytes = sealed(contents);
        if let Ok(table) = DocumentFrequency::from_bytes(&bytes) {
            prop_assert_eq!(table.to_bytes(), bytes);
        }
    }

    #[test]
    fn table_comes_back_when_captions_are_random(
        images in vec(vec(vec(prop_oneof![0u32..5, any::<u32>()], 0..9), 0..4), 1..5),
    ) {
        let bytes = table(&images).to_bytes();
        let loaded = DocumentFrequency::from_bytes(&bytes).expect("the same bytes");
        prop_assert_eq!(loaded.to_bytes(), bytes);
    }
}
