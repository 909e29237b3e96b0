//! CIDEr-D of captions against references, over token ids: what self-critical training asks of a reward at every step.
#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::sync::Arc;

use scst_reward::{
    Batch, Candidate, CiderDOptions, CiderDReward, DocumentFrequency, ImageReferences, Interner,
    ReferenceNgrams, References, Reward, RewardError, ptb,
};

/// Images with their references.
const IMAGES: [(&str, [&str; 2]); 3] = [
    (
        "dog.jpg",
        ["A dog runs over the grass.", "A brown dog running."],
    ),
    ("cats.jpg", ["Two cats are asleep.", "Two sleeping cats."]),
    ("bus.jpg", ["A bus on a street.", "The red bus stops."]),
];

/// Captions of these images, by index.
const CAPTIONS: [(usize, &str); 5] = [
    (0, "a dog runs over the grass"),
    (0, "a dog on a street"),
    (1, "two cats"),
    (1, "cats cats cats cats"),
    (2, "the bus stops on a street"),
];

fn main() -> Result<(), RewardError> {
    let texts = IMAGES.map(|(_, references)| references.map(ptb::tokenize));
    let mut words = Interner::default();
    let images = IMAGES.iter().zip(&texts).map(|((name, _), texts)| {
        let tokens: Vec<Vec<u32>> = texts.iter().map(|text| words.words(text)).collect();
        ImageReferences::new(*name, tokens, texts.to_vec())
    });
    let images = images.collect();
    let candidates = CAPTIONS.map(|(image, text)| (image, words.words(text), text));

    // Once before training: n-grams of the references, and in how many images each occurs.
    let references = References::new(None, images)?;
    let ngrams = Arc::new(ReferenceNgrams::new(&references));
    let frequency = Arc::new(DocumentFrequency::from_ngrams(&ngrams)?);
    let mut reward = CiderDReward::new(CiderDOptions::COCO, &references, ngrams, frequency)?;

    // At every step: the captions that were drawn.
    let candidates = candidates
        .each_ref()
        .map(|(image, tokens, text)| Candidate {
            image: *image,
            tokens,
            text,
        });
    let scores = reward.score(&Batch::new(&references, &candidates)?)?;
    for (score, (image, text)) in scores.iter().zip(CAPTIONS) {
        println!("{score:8.4}  {:<9} {text}", IMAGES[image].0);
    }
    println!("{}", reward.signature());
    Ok(())
}
