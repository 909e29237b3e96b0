//! Tokens of texts: characters and pieces of words.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const TEXTS: [&str; 6] = [
    "The quick brown fox jumps over the lazy dog.",
    "In the beginning God created the heavens and the earth.",
    "the the the théâtre, 東京 and the thing",
    "En el principio creó Dios los cielos y la tierra.",
    "quick quicker quickest; lazy lazier laziest",
    "“Let there be light,” and there was light.",
];

fn made(tokens: Tokens) -> Vocabulary {
    Vocabulary::of_texts(&tokens, TEXTS.into_iter(), 1).unwrap()
}

static ALL: LazyLock<[Vocabulary; 4]> = LazyLock::new(|| {
    [
        Tokens::Words,
        Tokens::Characters,
        Tokens::Unigram(80),
        Tokens::Bpe(280),
    ]
    .map(made)
});

fn reloaded(vocabulary: &Vocabulary) -> Vocabulary {
    let json = vocabulary.to_json(None).unwrap();
    Vocabulary::from_json(json.as_bytes(), Path::new("tokenizer.json")).unwrap()
}

#[test]
fn text_comes_back_as_it_was_written() {
    for tokens in [Tokens::Characters, Tokens::Bpe(300), Tokens::Unigram(90)] {
        let vocabulary = made(tokens.clone());
        assert_eq!(vocabulary.words()[..2], ["<end>", "<unk>"], "{tokens:?}");
        for text in TEXTS {
            let ids = vocabulary.encode_text(text);
            assert!(
                ids.iter()
                    .all(|&id| id > 1 && (id as usize) < vocabulary.len())
            );
            assert_eq!(vocabulary.decode(&ids), text, "{tokens:?}");
            assert_eq!(vocabulary.encode_reference(text).1, text);
            let behind_the_end = [ids, vec![0, 2, 2]].concat();
            assert_eq!(vocabulary.decode(&behind_the_end), text);
        }
    }
}

#[test]
fn saved_vocabularies_are_read_as_they_were() {
    for tokens in [
        Tokens::Words,
        Tokens::Given,
        Tokens::Characters,
        Tokens::Bpe(300),
        Tokens::Unigram(90),
    ] {
        let vocabulary = made(tokens.clone());
        let again = reloaded(&vocabulary);
        assert_eq!(vocabulary, again, "{tokens:?}");
        assert_eq!(vocabulary.fingerprint(), again.fingerprint());
        assert_eq!(vocabulary.to_json(None), again.to_json(None));
        for text in TEXTS.into_iter().chain(["Strange Ωords, <end> <unk>!"]) {
            assert_eq!(
                vocabulary.encode_text(text),
                again.encode_text(text),
                "{tokens:?}"
            );
        }
    }
}

#[test]
fn tokens_are_the_same_whatever_the_order_of_texts() {
    let mut reversed = TEXTS;
    reversed.reverse();
    for tokens in [Tokens::Characters, Tokens::Bpe(330), Tokens::Unigram(75)] {
        let first = made(tokens.clone()).to_json(None).unwrap();
        for texts in [TEXTS, reversed, TEXTS, reversed] {
            let again = Vocabulary::of_texts(&tokens, texts.into_iter(), 1).unwrap();
            assert_eq!(again.to_json(None).unwrap(), first, "{tokens:?}");
        }
    }
}

#[test]
fn sizes_are_those_asked_for() {
    assert_eq!(made(Tokens::Bpe(290)).len(), 290);
    // Pieces that no text needs go.
    assert!((60..=80).contains(&made(Tokens::Unigram(80)).len()));
    let few = Vocabulary::of_texts(&Tokens::Unigram(5), TEXTS.into_iter(), 1);
    assert!(
        matches!(few, Err(VocabularyError::Training(VocabularyProblem::Size { size: 5, least })) if least > 40)
    );
}

#[test]
fn unknown_characters_are_unknown_and_reserved_tokens_are_text() {
    let unigram = made(Tokens::Unigram(90));
    let ids = unigram.encode_text("the Ω");
    assert_eq!(ids.iter().filter(|&&id| id == UNKNOWN_ID).count(), 1);
    assert_eq!(unigram.decode(&ids), "the <unk>");
    assert_eq!(
        made(Tokens::Characters)
            .decode(&[2, 1, 2])
            .matches("<unk>")
            .count(),
        1
    );
    for vocabulary in [unigram, made(Tokens::Bpe(300)), made(Tokens::Characters)] {
        assert!(!vocabulary.encode_text("a <end> b").contains(&END_ID));
        assert_eq!(vocabulary.encode_text(""), [0; 0]);
        assert_eq!(vocabulary.decode(&[]), "");
    }
    let bpe = made(Tokens::Bpe(300));
    assert_eq!(
        bpe.decode(&bpe.encode_text("a <end> <unk> b")),
        "a <end> <unk> b"
    );
    // Ids that no text has.
    assert_eq!(bpe.decode(&[9999, 1]), "<unk><unk>");
}

/// A tokenizer of another program: its own ids for its own special tokens.
const FOREIGN: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [
    {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 6, "content": "<pad>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
    "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
    "split": true}, "post_processor": {"type": "Nonsense"}, "decoder": {"type": "Metaspace", "replacement": "▁",
    "prepend_scheme": "always", "split": true}, "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": false,
    "vocab": {"<s>": 0, "<unk>": 1, "▁": 2, "a": 3, "b": 4, "ab": 5}, "merges": ["a b"]}}"#;

fn foreign(change: (&str, &str)) -> Result<Vocabulary, String> {
    assert!(FOREIGN.contains(change.0));
    let json = FOREIGN.replace(change.0, change.1);
    Vocabulary::from_json(json.as_bytes(), Path::new("t.json")).map_err(|error| error.to_string())
}

#[test]
fn ids_of_other_tokenizers_follow_the_reserved_ones() {
    let vocabulary = foreign(("a b", "a b")).unwrap();
    assert_eq!(
        vocabulary.words(),
        [
            "<end>", "<unk>", "<s>", "<unk>", "▁", "a", "b", "ab", "<pad>"
        ]
    );
    assert_eq!(vocabulary.encode_text("AB b"), [4, 7, 4, 6]);
    assert_eq!(vocabulary.encode_text("ac"), [4, 5, 1]);
    assert_eq!(vocabulary.decode(&[4, 7, 4, 6, 0, 5]), "ab b");
    assert_eq!(reloaded(&vocabulary), vocabulary);
}

#[test]
fn tokenizers_that_cannot_be_used_are_told_why() {
    for (change, expected) in [
        (
            (r#""dropout": null"#, r#""dropout": 0.1"#),
            "model.dropout: found dropout",
        ),
        (
            (r#""type": "Lowercase""#, r#""type": "Precompiled""#),
            "normalizer: found the kind \"Precompiled\"",
        ),
        ((r#""ab": 5"#, r#""ab": 7"#), "found 7 words and id"),
        (
            (r#"["a b"]"#, r#"["a c"]"#),
            "found a part that cannot be used",
        ),
        (
            (r#""type": "BPE""#, r#""type": "WordPiece""#),
            "found a model of type \"WordPiece\", expected WordLevel, BPE or Unigram",
        ),
        (
            (
                r#""fuse_unk": false"#,
                r###""continuing_subword_prefix": "##""###,
            ),
            "model.continuing_subword_prefix: found a prefix",
        ),
        (
            (r#""content": "<pad>""#, r#""content": """#),
            "added_tokens: found an empty token",
        ),
        (
            (r#""type": "BPE""#, r#""type": "Unigram""#),
            "model.unk_id: found none",
        ),
    ] {
        let message = foreign(change).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_from_byte_pairs(text in "\\PC{0,24}") {
        let [.., bpe] = &*ALL;
        prop_assert_eq!(bpe.decode(&bpe.encode_text(&text)), text);
    }

    #[test]
    fn any_ids_are_text(ids in prop::collection::vec(0..400u32, 0..12)) {
        for vocabulary in &*ALL {
            let before_the_end = ids.iter().take_while(|&&id| id != END_ID);
            let unknown = before_the_end.filter(|&&id| id == UNKNOWN_ID || id as usize >= vocabulary.len());
            let count = unknown.count();
            prop_assert_eq!(vocabulary.decode(&ids).matches(UNKNOWN).count(), count);
        }
    }
}
