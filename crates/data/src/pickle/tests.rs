//! Files that Python, NumPy and PyTorch have written (`scripts/pickle_fixtures.py`), and hostile ones.

use std::fs;
use std::path::PathBuf;

use super::{Pickle, bytes, is_pickle};
use crate::samples::Folder;
use crate::{DataError, PickledFrequencies, RenumberedVocabulary};

fn fixture(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pickles");
    PathBuf::from(folder).join(name)
}

/// The names of fixtures that begin with `start`.
fn fixtures(start: &str) -> Vec<String> {
    let entries = fs::read_dir(fixture("")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(start)).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

#[test]
fn words_are_read_whatever_stands_beside_them() {
    let names = fixtures("infos_");
    assert_eq!(names.len(), 11);
    for name in names {
        let found = RenumberedVocabulary::read_self_critical(&fixture(&name));
        let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
        let words = ["<end>", "<unk>", "a", "dog", "café", "狗", "runs"];
        assert_eq!(found.vocabulary.words(), words, "{name}");
        let before = [0, 6, 1, 2, 3, 4, 5].map(Some);
        assert_eq!(found.ids_before, before, "{name}");
    }
}

#[test]
fn options_and_numbers_are_those_that_were_pickled() {
    for protocol in 0..=5 {
        let file = bytes(&fixture(&format!("infos_{protocol}.pkl"))).unwrap();
        assert!(is_pickle(&file));
        let pickle = Pickle::read(&file).unwrap();
        let root = pickle.root();
        let number = |key: &str| root.get(key).unwrap().number();
        assert_eq!(number("best_val_score"), Some(0.5), "{protocol}");
        assert_eq!(number("epoch"), Some(1.0), "{protocol}");
        assert_eq!(number("negative"), Some(-300.0), "{protocol}");
        assert_eq!(number("large"), None);
        let options = root.get("opt").unwrap();
        assert_eq!(options.kind(), "an object of `argparse.Namespace`");
        assert_eq!(options.get("rnn_size").unwrap().integer(), Some(8));
        assert_eq!(options.get("learning_rate").unwrap().number(), Some(5e-4));
        assert_eq!(
            options.get("caption_model").unwrap().text().unwrap(),
            "newfc"
        );
        let losses = root.get("histories").unwrap().get("loss").unwrap();
        let (step, loss) = losses.entries().unwrap()[0];
        assert_eq!((step.integer(), loss.number()), (Some(10), Some(3.25)));
    }
}

#[test]
fn frequencies_are_those_that_were_counted() {
    let names = [fixtures("words_"), fixtures("logarithm_")].concat();
    assert_eq!(names.len(), 7);
    for name in names {
        let found = PickledFrequencies::read(&fixture(&name));
        let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.images, 4, "{name}");
        assert_eq!(found.logarithm.is_some(), name.starts_with("logarithm"));
        let frequency = |ngram: &str| {
            let position = |word: &str| found.words.iter().position(|w| w == word);
            let ids: Option<Vec<u32>> = ngram
                .split(' ')
                .map(|w| Some(position(w)? as u32))
                .collect();
            let ids = ids.unwrap();
            found
                .ngrams
                .iter()
                .find(|(ngram, _)| *ngram == ids)
                .map(|(_, f)| *f)
        };
        let expected = [
            ("a", 3),
            ("dog", 2),
            ("<eos>", 4),
            ("a dog runs", 2),
            ("狗 runs", 1),
            ("café <eos>", 1),
        ];
        for (ngram, expected) in expected {
            assert_eq!(frequency(ngram), Some(expected), "{name}: {ngram}");
        }
        assert_eq!(frequency("dog a"), None);
        assert_eq!(found.ngrams.len(), 40, "{name}");
    }
}

fn table_error(name: &str) -> String {
    let error = PickledFrequencies::read(&fixture(name)).unwrap_err();
    assert!(error.is_mistake());
    let folder = fixture("").display().to_string();
    error.to_string().replace(&folder, "")
}

#[test]
fn table_of_something_else_is_named_for_what_it_holds() {
    let cases = [
        (
            "idxs_2.p",
            "document_frequency: found ids of words, such as 0, 1, 2, expected words, as in the table whose name ends in -words.p",
        ),
        (
            "bare_2.p",
            "pickle: found a dictionary of n-grams without the number of images, expected a table of document frequencies: a dictionary of `document_frequency` and `ref_len`",
        ),
        (
            "infos_2.pkl",
            "pickle: found a dictionary that begins with \"iter\", expected a table of document frequencies: a dictionary of `document_frequency` and `ref_len`",
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(table_error(name), format!("`{name}`: {expected}"));
    }
    let error = RenumberedVocabulary::read_self_critical(&fixture("words_2.p")).unwrap_err();
    let expected = "vocab: found nothing beside \"document_frequency\", \"ref_len\", expected a dictionary of ids and words";
    assert!(error.to_string().ends_with(expected), "{error}");
}

fn table_of(contents: &[u8]) -> Result<PickledFrequencies, String> {
    let folder = Folder::new();
    let path = folder.file("table.p", contents);
    let table = PickledFrequencies::read(&path);
    table.map_err(|error: DataError| folder.shorten(error).replace("`table.p`: ", ""))
}

/// `{"document_frequency": {NGRAM: FREQUENCY}, "ref_len": IMAGES}` in protocol 0, from opcodes.
fn made(ngram: &str, frequency: &str, images: &str) -> Vec<u8> {
    format!("(dVdocument_frequency\n(d{ngram}{frequency}ssVref_len\n{images}s.").into_bytes()
}

#[test]
fn number_of_images_is_checked_against_frequencies() {
    let table = |frequency: &str, images: &str| table_of(&made("(Va\nt", frequency, images));
    assert_eq!(table("F5\n", "I100\n").unwrap().images, 100);
    assert_eq!(table("I5\n", "F5.0\n").unwrap().images, 5);
    // The logarithm of a hundred, in few digits.
    let found = table("F5\n", "F4.605\n").unwrap();
    assert_eq!((found.images, found.logarithm), (100, Some(4.605)));
    let expected = "the number of images, which is no smaller than any frequency";
    for (images, found) in [
        ("I4\n", "4"),
        ("I0\n", "0"),
        ("F1.5\n", "1.5"),
        ("F-0.5\n", "-0.5"),
        ("Fnan\n", "NaN"),
        ("Finf\n", "inf"),
        ("F800.5\n", "800.5"),
        ("Vx\n", "\"x\""),
        ("N", "nothing"),
    ] {
        let message = table("F5\n", images).unwrap_err();
        assert_eq!(
            message,
            format!("ref_len: found {found}, expected {expected}")
        );
    }
    for (frequency, found) in [
        ("F1.5\n", "1.5"),
        ("I-1\n", "-1"),
        ("I4294967296\n", "4294967296"),
        ("Va\n", "\"a\""),
        ("Fnan\n", "NaN"),
    ] {
        let message = table(frequency, "I9\n").unwrap_err();
        let expected = format!(
            "document_frequency: found {found}, expected frequencies that are whole numbers"
        );
        assert_eq!(message, expected);
    }
    assert!(
        table("I0\n", "I9\n")
            .unwrap_err()
            .contains("found no n-gram")
    );
}

#[test]
fn ngrams_are_tuples_of_words() {
    let table = |ngram: &str| table_of(&made(ngram, "I1\n", "I9\n")).unwrap_err();
    let expected = "expected n-grams that are tuples of 1 to 4 words";
    for (ngram, found) in [
        ("Va b\n", "\"a b\""),
        ("(t", "a tuple"),
        ("(VaVbVcVdVet", ""),
        ("I3\n", "3"),
    ] {
        let ngram = ngram.replace("VaVbVcVdVe", "Va\nVb\nVc\nVd\nVe\n");
        let found = if found.is_empty() { "a tuple" } else { found };
        assert_eq!(
            table(&ngram),
            format!("document_frequency: found {found}, {expected}")
        );
    }
    assert_eq!(
        table("(Va\nNt"),
        "document_frequency: found nothing in an n-gram, expected words"
    );
    assert!(table("(I3\nt").contains("found ids of words, such as 3, expected words"));
    let twice = b"(dVdocument_frequency\n(d(Va\ntI1\ns(Va\ntI2\nssVref_len\nI3\ns.";
    assert_eq!(
        table_of(twice).unwrap_err(),
        "document_frequency: found the n-gram \"a\" twice, expected each n-gram once"
    );
}

#[test]
fn pickle_is_refused_wherever_it_is_cut() {
    for name in [fixtures("infos_"), fixtures("words_")].concat() {
        let whole = bytes(&fixture(&name)).unwrap();
        let end = whole.len();
        // Behind the pickle of old files of PyTorch lie numbers of tensors.
        let end = if name == "infos_torch_legacy.pkl" {
            end - 200
        } else {
            end
        };
        for length in 0..end {
            assert!(
                Pickle::read(&whole[..length]).is_err(),
                "{name} cut after {length} bytes"
            );
        }
    }
}

/// What is wrong, without the byte.
fn broken(contents: &[u8]) -> (usize, &'static str) {
    let broken = Pickle::read(contents).unwrap_err();
    (broken.at, broken.found)
}

#[test]
fn operations_on_values_that_are_not_there_are_refused() {
    let nothing = "an operation on a value that is not there";
    let cases: [&[u8]; 14] = [
        b".",
        b"0",
        b"1",
        b"2",
        b"a",
        b"(a",
        b"N(.",
        b"(\x85",
        b"R",
        b"NR",
        b"(b",
        b"t",
        b"\x93",
        b"(Nq\x00(q\x01",
    ];
    for case in cases {
        assert_eq!(broken(case).1, nothing, "{case:?}");
    }
    assert_eq!(broken(b"h\x00.").1, "a value that was not there before");
    assert_eq!(broken(b"}N(N\x85u.").1, "items for something that has none");
    assert_eq!(broken(b"}(Nu.").1, "a key without a value");
    assert_eq!(broken(b"NNs.").1, nothing);
    assert_eq!(broken(b"<html>"), (0, "a byte that is no operation"));
    let end = "the end of the file";
    for case in [
        &b""[..],
        b"X\xff\xff\xff\xffabc",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc",
        b"Vabc",
        b"\x8a\x09",
    ] {
        assert_eq!(broken(case), (case.len(), end), "{case:?}");
    }
    for line in [&b"Iabc\n."[..], b"I\n.", b"L-\n.", b"Fx\n."] {
        assert_eq!(broken(line).1, "a number without digits");
    }
    assert_eq!(broken(b"Sabc\n.").1, "a text without quotes");
    assert_eq!(broken(b"S'\n.").1, "a text without quotes");
    assert_eq!(broken(b"V\\u12\n.").1, "a broken escape");
    assert_eq!(broken(b"px\n").1, "a place that is no number");
}

#[test]
fn texts_are_unescaped_as_python_does() {
    let text = |contents: &[u8]| {
        let pickle = Pickle::read(contents).unwrap();
        pickle.root().text().unwrap().into_owned()
    };
    assert_eq!(text(b"S'a\\'b\\\\\\n\\t\\x41\\101\\0'\n."), "a'b\\\n\tAA\0");
    assert_eq!(text(b"S\"caf\\xc3\\xa9\"\n."), "café");
    assert_eq!(text(b"S'caf\\xe9'\n."), "café");
    assert_eq!(
        text(b"Vcaf\xe9 \\u72d7 \\U0001f600 \\ud83d\\ude00 \\x\n."),
        "café 狗 😀 😀 \\x"
    );
}

#[test]
fn values_that_refer_to_themselves_or_nest_deeply_are_read() {
    // A list that holds itself, then a million lists in one another, and a million numbers of nothing.
    assert!(Pickle::read(b"]q\x00h\x00a.").is_ok());
    let deep = [&b"]".repeat(1_000_000)[..], &b"a".repeat(999_999), b"."].concat();
    let pickle = Pickle::read(&deep).unwrap();
    assert_eq!(pickle.root().kind(), "a list");
    // Ten lists of ten, eight deep: a hundred million values, of which eight are kept.
    let mut shared = b"]q\x00".to_vec();
    for _ in 0..8 {
        shared.extend(b"](".iter().chain(&b"h\x00".repeat(10)).chain(b"eq\x00"));
    }
    shared.push(b'.');
    assert!(Pickle::read(&shared).unwrap().values.len() < 20);
}

#[test]
fn word_that_is_shared_by_many_ids_takes_no_room() {
    let folder = Folder::new();
    let long = "x".repeat(10_000);
    let mut contents = format!("(dVvocab\n(dV1\nV{long}\np0\ns").into_bytes();
    for id in 2..10_000 {
        contents.extend(format!("I{id}\ng0\ns").bytes());
    }
    contents.extend(b"s.");
    let path = folder.file("infos.pkl", contents);
    let error = RenumberedVocabulary::read_self_critical(&path).unwrap_err();
    assert!(error.to_string().contains("several times"), "{error}");
}

#[test]
fn file_of_another_kind_is_named_for_what_it_is() {
    let cases: [(&[u8], &str); 5] = [
        (b"<!DOCTYPE html><html>", "a web page (HTML)"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "a pointer of Git LFS in the place of the file (`git lfs pull` fetches it)",
        ),
        (b"{\"a\": 1}", "JSON"),
        (b"", "an empty file"),
        (b"PK\x03\x04", "a zip archive (unpack it first)"),
    ];
    for (contents, found) in cases {
        let message = table_of(contents).unwrap_err();
        assert_eq!(
            message,
            format!("found {found}, expected a pickle of Python")
        );
    }
    let message = table_of(b"\x80\x02}q").unwrap_err();
    let expected = "byte 4: found the end of the file, expected more of a pickle: it is cut short or something else";
    assert_eq!(message, expected);
}

#[test]
fn archive_is_read_no_further_than_it_is_long() {
    use std::io::{Cursor, Write};
    use zip::{ZipWriter, write::SimpleFileOptions};
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("archive/data.pkl", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(&vec![b'N'; 10_000_000]).unwrap();
    let archive = writer.finish().unwrap().into_inner();
    let message = table_of(&archive).unwrap_err();
    assert_eq!(
        message,
        "archive: found no whole `data.pkl`, expected what `torch.save` has written"
    );
}
