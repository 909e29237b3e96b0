//! Pairs of texts as ids.

use super::*;
use crate::samples::Folder;
use crate::texts::{PairSource, SplitSource};
use crate::vocabulary::Tokens;

fn source(folder: &Folder, source: Tokens, target: Option<Tokens>) -> TextSource {
    let pairs = PairSource::Splits(SplitSource {
        train: Some(folder.file("train.tsv", "ab c\tX  Y\tY\nba\tX\n")),
        val: Some(folder.file("val.tsv", "abd\tZ X\n")),
        test: None,
    });
    TextSource {
        pairs,
        source,
        target,
        max_source_length: 3,
    }
}

const BUILD: TextVocabularies = TextVocabularies::Build { minimum_count: 1 };

#[test]
fn sources_and_targets_have_ids_of_their_own_vocabularies() {
    let folder = Folder::new();
    let source = source(&folder, Tokens::Characters, Some(Tokens::Given));
    let dataset = Dataset::load_text(&source, BUILD).unwrap();
    assert_eq!(dataset.vocabulary.words(), ["<end>", "<unk>", "X", "Y"]);
    let words = dataset.sources.vocabulary().words();
    assert_eq!(words, ["<end>", "<unk>", "a", "b", " ", "c"]);
    let [first, second] = dataset.split(Split::Train) else {
        panic!("two");
    };
    assert!(first.captions().eq([&[2, 3, 0][..], &[3, 0]]));
    assert!(first.references().eq(["X Y", "Y"]));
    assert_eq!(first.name(), "train.tsv:1");
    // Cut to three tokens.
    assert_eq!(dataset.sources.ids(first.row), [2, 3, 4]);
    assert_eq!(dataset.sources.text(second.row), "ba");
    let [val] = dataset.split(Split::Val) else {
        panic!("one");
    };
    assert_eq!(
        (dataset.sources.ids(val.row), val.captions().collect()),
        (&[2, 3, 1][..], vec![&[1, 2, 0][..]])
    );
    assert!(val.references().eq(["Z X"]));
    let batch = dataset.sources.read_batch(&[val.row, second.row]);
    assert_eq!((batch.ids, batch.counts), (vec![2, 3, 1, 3, 2], vec![3, 2]));
    assert_eq!((dataset.sources.len(), dataset.sources.longest()), (3, 3));
    assert!(matches!(
        dataset.notices.as_slice(),
        [Notice::CutSources {
            sources: 1,
            max_length: 3
        }]
    ));
    let fingerprint = dataset.sources.fingerprint();
    // As a run that goes on reads them.
    let words = TextVocabularies::Use {
        source: dataset.sources.vocabulary().clone(),
        target: dataset.vocabulary.clone(),
    };
    let again = Dataset::load_text(&source, words).unwrap();
    assert_eq!(again.sources.fingerprint(), fingerprint);
    assert_eq!(again.split(Split::Train), dataset.split(Split::Train));
}

#[test]
fn one_vocabulary_serves_both_when_no_other_is_given() {
    let folder = Folder::new();
    let dataset = Dataset::load_text(&source(&folder, Tokens::Bpe(300), None), BUILD).unwrap();
    assert_eq!(&dataset.vocabulary, dataset.sources.vocabulary());
    let [first, _] = dataset.split(Split::Train) else {
        panic!("two");
    };
    assert!(first.references().eq(["X  Y", "Y"]));
    assert_eq!(
        dataset.vocabulary.decode(first.captions().next().unwrap()),
        "X  Y"
    );
}

#[test]
fn what_has_no_tokens_is_left_out_and_what_makes_none_is_an_error() {
    let folder = Folder::new();
    let mut text = source(&folder, Tokens::Words, Some(Tokens::Words));
    folder.file("train.tsv", "a\tb\n...\tc\nd\t!\t?\n");
    let dataset = Dataset::load_text(&text, BUILD).unwrap();
    assert_eq!(dataset.split(Split::Train).len(), 1);
    assert_eq!(dataset.wordless, 2);
    assert!(matches!(
        dataset.notices.as_slice(),
        [Notice::TokenlessPairs { sources: 2, first }] if first == "train.tsv:2"
    ));
    let message = |text: &TextSource, minimum_count| {
        let words = TextVocabularies::Build { minimum_count };
        folder.shorten(Dataset::load_text(text, words).unwrap_err())
    };
    assert_eq!(
        message(&text, 2),
        "`data.minimum_count`: found 2, which no source token of the training texts reaches, expected less"
    );
    text.source = Tokens::Unigram(4);
    assert_eq!(
        message(&text, 1),
        "`data.text.source`: found a size of 4 tokens, expected 7 or more, so many as the texts have characters and 3 more"
    );
    text.source = Tokens::File(folder.file("t.json", "{}"));
    assert!(message(&text, 1).starts_with("`t.json`: not a usable vocabulary: "));
    if let PairSource::Splits(files) = &mut text.pairs {
        files.train = None;
    }
    assert_eq!(message(&text, 1), "no source text is in the split `train`");
}
