//! Captions to score: those of the drawn scenes, or of a table that `SCST_BENCH_CAPTIONS` names.

use std::collections::HashMap;

use scst_reward::{ImageReferences, Interner};

/// The end token.
pub(crate) const END: u32 = 0;

/// The captions of every image, lower-case words joined by single spaces.
pub(crate) fn read() -> Vec<Vec<String>> {
    let path = std::env::var("SCST_BENCH_CAPTIONS").unwrap_or_else(|_| {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../data/scenes/captions.csv"
        )
        .to_owned()
    });
    let table = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut texts: Vec<Vec<String>> = Vec::new();
    let mut images: HashMap<&str, usize> = HashMap::new();
    for line in table.lines().skip(1) {
        let (image, caption) = line.split_once(',').expect("two columns");
        let next = images.len();
        let image = *images.entry(image).or_insert(next);
        texts.resize(texts.len().max(image + 1), Vec::new());
        let words = caption.split(|letter: char| !letter.is_alphanumeric());
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        if !words.is_empty() {
            texts[image].push(words.join(" "));
        }
    }
    texts
}

/// The same with token ids, ended.
pub(crate) fn with_ids(texts: Vec<Vec<String>>) -> Vec<ImageReferences> {
    let mut interner = Interner::default();
    assert_eq!(interner.id("<end>"), END);
    let ids: Vec<Vec<Vec<u32>>> = texts
        .iter()
        .map(|texts| {
            let mut ended = |text| [interner.words(text), vec![END]].concat();
            texts.iter().map(|text| ended(text)).collect()
        })
        .collect();
    let images = ids.into_iter().zip(texts).enumerate();
    images
        .map(|(image, (tokens, texts))| {
            ImageReferences::new(format!("{image:012}.jpg"), tokens, texts)
        })
        .collect()
}
