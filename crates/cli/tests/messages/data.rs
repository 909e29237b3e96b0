//! Errors of captions, features and words.

use scst_data::{
    DataError, JsonLayout, Listed, Place, Split, Vocabulary, VocabularyProblem, WordSplit,
    looks_like::Kind, scenes::ScenesError, splitting::SplitError,
};

use super::{check, file, key, sample, system, text};

fn at() -> Place {
    Place::Key(key())
}

fn listed() -> Listed {
    Listed {
        first: vec!["\"a.jpg\"".to_owned(), "\"b.jpg\"".to_owned()],
        all: 3,
    }
}

fn problems() -> Vec<VocabularyProblem> {
    let read = Vocabulary::from_json(b"{\"version\": 1}", &file());
    let Err(DataError::Vocabulary { problem, .. }) = read else {
        panic!("{read:?}");
    };
    vec![
        problem,
        VocabularyProblem::Model("WordPiece".to_owned()),
        VocabularyProblem::Size {
            size: 20,
            least: 43,
        },
        VocabularyProblem::Character {
            id: 3,
            word: text(),
        },
        VocabularyProblem::NotWords,
        VocabularyProblem::Reserved {
            id: 0,
            found: None,
            expected: "<end>",
        },
        VocabularyProblem::Ids { words: 3, id: 7 },
        VocabularyProblem::Word {
            id: 3,
            word: text(),
        },
    ]
}

/// Pairs of texts, and their tokens.
fn of_texts() -> Vec<DataError> {
    vec![
        DataError::NoPairs { path: file() },
        DataError::NoTrainingPairs,
        DataError::ParallelLines {
            path: file(),
            found: 3,
            source_path: file(),
            expected: 4,
        },
        DataError::Shares {
            path: file(),
            problem: SplitError::Sum { sum: 1.5 },
        },
        DataError::Tokens {
            key: "source",
            problem: VocabularyProblem::Size {
                size: 20,
                least: 43,
            },
        },
        DataError::NoFrequentTokens {
            key: "target",
            minimum_count: 7,
        },
    ]
}

/// Images, and what counts or names them.
fn of_captions() -> Vec<DataError> {
    vec![
        DataError::Duplicate {
            path: file(),
            at: at(),
            key: "image id 3".to_owned(),
            first: "images[0]".to_owned(),
        },
        DataError::NoCaptions {
            path: file(),
            at: at(),
            file_name: text(),
        },
        DataError::UnlistedImage {
            path: file(),
            at: at(),
            image: "3".to_owned(),
            listing: file(),
        },
        DataError::NoCandidates {
            path: file(),
            missing: 1,
            images: 2,
            references: file(),
            first: "3".to_owned(),
        },
        DataError::NoAnnotations { path: file() },
        DataError::OnlyWords { path: file() },
        DataError::NoImagesOfSplit {
            path: file(),
            split: Split::Test,
        },
        DataError::NoTable { path: file() },
        DataError::LineCount {
            path: file(),
            found: 3,
            first: Some(text()),
            references: file(),
            expected: 4,
        },
        DataError::WithoutSplits {
            path: file(),
            is_table: false,
        },
        DataError::NoImages { path: file() },
        DataError::NoAnnotationFiles,
        DataError::NoTrainingImages,
        DataError::NoFrequentWords {
            minimum_count: 5,
            largest: 3,
            word: text(),
        },
        DataError::NotAFile { path: file() },
        DataError::SeemsToBe {
            path: file(),
            kind: Kind::Html,
            expected: "a table".to_owned(),
        },
        DataError::OtherLayout {
            path: file(),
            found: JsonLayout::Coco,
            expected: JsonLayout::Karpathy,
        },
        DataError::CustomLayout {
            path: file(),
            name: text(),
        },
        DataError::OnlyGivenWords {
            path: file(),
            words: WordSplit::Characters,
        },
        DataError::UncaptionedImage {
            path: file(),
            seen_as: Some("a table with semicolons"),
            file_name: text(),
            listing: file(),
            line: 3,
        },
    ]
}

fn of_features() -> Vec<DataError> {
    vec![
        DataError::FeatureFormat {
            path: file(),
            format: "npy",
            problem: "it ends within its header".to_owned(),
        },
        DataError::FeatureType {
            path: file(),
            array: "feat".to_owned(),
            found: "<i8".to_owned(),
        },
        DataError::FeatureShape {
            path: file(),
            array: "feat".to_owned(),
            found: vec![1, 2, 3, 4],
            expected: "[N, D] or [N, R, D]".to_owned(),
        },
        DataError::FeatureLength {
            path: file(),
            found: 3,
            expected: 4,
        },
        DataError::NameCount {
            path: file(),
            names: 3,
            features: file(),
            rows: 4,
        },
        DataError::NoFeatures { path: file() },
        DataError::MissingFeatures {
            path: file(),
            of: 4,
            images: listed(),
            rows: listed(),
            with_ids: false,
        },
        DataError::SharedFeatures {
            path: file(),
            rows: listed(),
        },
        DataError::AmbiguousFeatures {
            path: file(),
            images: listed(),
        },
        DataError::NotFinite {
            path: file(),
            image: text(),
            region: 0,
            dimension: 1,
            value: f32::NAN,
        },
        DataError::StandardiserWidth { found: 3, dim: 2 },
        DataError::StandardiserParts {
            problem: "found a deviation of 0, expected more",
        },
    ]
}

fn of_shares() -> Vec<SplitError> {
    vec![
        SplitError::Form { found: text() },
        SplitError::Sum { sum: 1.5 },
        SplitError::Sources { sum: 3, sources: 4 },
        SplitError::Nothing {
            split: Split::Train,
        },
        SplitError::TooFew {
            sources: 3,
            split: Split::Val,
        },
    ]
}

#[test]
fn messages_of_data_keep_the_rules() {
    let problems = problems();
    let of_problems = problems.clone().into_iter().map(sample);
    let mut errors = vec![
        DataError::Read {
            path: file(),
            source: system(),
        },
        DataError::Write {
            path: file(),
            source: system(),
        },
        DataError::Temporary {
            folder: file(),
            source: system(),
        },
        DataError::Json {
            path: file(),
            at: at(),
            problem: "found a list, expected an object".to_owned(),
        },
        DataError::Csv {
            path: file(),
            at: Place::Line(3),
            problem: "found 1 field, expected 2".to_owned(),
        },
        DataError::Value {
            path: file(),
            at: at(),
            found: text(),
            expected: "a number".to_owned(),
        },
    ];
    errors.extend(of_captions());
    errors.extend(of_texts());
    errors.extend(of_features());
    let of_vocabularies = problems.into_iter().map(|problem| DataError::Vocabulary {
        path: file(),
        problem,
    });
    errors.extend(of_vocabularies);
    let scenes = ScenesError::Write {
        path: file(),
        source: system(),
    };
    let mut samples: Vec<_> = errors.into_iter().map(sample).chain(of_problems).collect();
    samples.push(sample(scenes));
    samples.extend(of_shares().into_iter().map(sample));
    let sources = [
        include_str!("../../../data/src/error.rs"),
        include_str!("../../../data/src/scenes/files.rs"),
        include_str!("../../../data/src/splitting/problem.rs"),
    ];
    // The library that encodes pictures gives its errors to nobody.
    let without = ["ScenesError::Encode"];
    check(&sources, &samples, &without);
}
