//! What a trainer sees: candidates, batches and the trait that scores them.

use std::borrow::Cow;
use std::sync::OnceLock;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::{ImageReferences, References, RewardError};

/// One caption to score.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Index of its image in the [`References`].
    pub image: usize,
    /// Token ids up to and including the first end token, if one was emitted.
    pub tokens: &'a [u32],
    /// The words, without the end token.
    pub text: &'a str,
}

/// The part of a sampled sequence that is the caption: up to and including the first end token.
///
/// Without any end token it is the whole sequence.
pub fn through_end_token(sequence: &[u32], end: u32) -> &[u32] {
    let length = sequence
        .iter()
        .position(|&token| token == end)
        .map_or(sequence.len(), |position| position + 1);
    &sequence[..length]
}

/// The words of a sequence: everything before its first end token.
pub(crate) fn before_end_token(sequence: &[u32], end: Option<u32>) -> &[u32] {
    let length = sequence.iter().position(|&token| Some(token) == end);
    &sequence[..length.unwrap_or(sequence.len())]
}

/// Fewer captions are not worth another thread.
const CAPTIONS_PER_TASK: usize = 32;

/// Captions that are scored together, with the references of their images.
#[derive(Debug)]
pub struct Batch<'a> {
    references: &'a References,
    candidates: &'a [Candidate<'a>],
    /// The first candidate of each distinct caption.
    firsts: Vec<usize>,
    /// For every candidate, the position in `firsts` of its like.
    groups: Vec<usize>,
    /// For every candidate, the position of its image's references in `read`.
    places: Vec<usize>,
    /// The references of every image of the batch, once somebody asks for them.
    read: Vec<OnceLock<Cow<'a, ImageReferences>>>,
}

impl<'a> Batch<'a> {
    /// A batch, in which captions of one image with the same tokens are known as equal.
    ///
    /// # Errors
    /// [`RewardError::UnknownImage`] when a candidate's image has no references.
    pub fn new(
        references: &'a References,
        candidates: &'a [Candidate<'a>],
    ) -> Result<Self, RewardError> {
        let images = references.len();
        let mut seen = FxHashMap::default();
        let mut seen_images = FxHashMap::default();
        let mut places = Vec::with_capacity(candidates.len());
        let mut firsts = Vec::new();
        let mut groups = Vec::with_capacity(candidates.len());
        for (index, &Candidate { image, tokens, .. }) in candidates.iter().enumerate() {
            if image >= images {
                return Err(RewardError::UnknownImage { image, images });
            }
            let group = *seen.entry((image, tokens)).or_insert(firsts.len());
            if group == firsts.len() {
                firsts.push(index);
            }
            groups.push(group);
            let place = seen_images.len();
            places.push(*seen_images.entry(image).or_insert(place));
        }
        let read = (0..seen_images.len()).map(|_| OnceLock::new()).collect();
        Ok(Self {
            references,
            candidates,
            firsts,
            groups,
            places,
            read,
        })
    }

    /// The references of all images.
    pub fn references(&self) -> &'a References {
        self.references
    }

    /// The captions.
    pub fn candidates(&self) -> &'a [Candidate<'a>] {
        self.candidates
    }

    /// Every caption with its image's id and references.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a Candidate<'a>, &ImageReferences)> {
        (0..self.candidates.len()).map(|candidate| self.of(candidate))
    }

    /// A caption with its image's id and references.
    pub(crate) fn of(&self, candidate: usize) -> (&'a Candidate<'a>, &ImageReferences) {
        let (place, candidate) = (self.places[candidate], &self.candidates[candidate]);
        let image = self.read[place].get_or_init(|| self.references.read(candidate.image));
        (candidate, image)
    }

    /// The first caption of every group of equal ones, with its image's id and references.
    pub fn distinct(&self) -> impl ExactSizeIterator<Item = (&'a Candidate<'a>, &ImageReferences)> {
        self.firsts.iter().map(|&first| self.of(first))
    }

    /// One score per caption, from one score per caption of [`Batch::distinct`], in its order.
    ///
    /// # Errors
    /// [`RewardError::ScoreCount`], in the name of `reward`, when the number of scores is another.
    pub fn spread<T: Copy>(&self, reward: &str, scores: &[T]) -> Result<Vec<T>, RewardError> {
        let (found, expected) = (scores.len(), self.firsts.len());
        if found != expected {
            return Err(RewardError::ScoreCount {
                reward: reward.to_owned(),
                found,
                expected,
            });
        }
        Ok(self.groups.iter().map(|&group| scores[group]).collect())
    }

    /// One score per caption, from a function that is called once per distinct caption, on all threads, each with
    /// its own copy of `scorer`.
    ///
    /// # Errors
    /// An error of `score`.
    pub fn score_distinct<S: Clone + Send + Sync>(
        &self,
        scorer: &S,
        score: impl Fn(&mut S, &Candidate<'a>, &ImageReferences) -> Result<f64, RewardError> + Sync,
    ) -> Result<Vec<f64>, RewardError> {
        let distinct = self
            .firsts
            .par_iter()
            .with_min_len(CAPTIONS_PER_TASK)
            .map_init(
                || scorer.clone(),
                |scorer, &first| {
                    let (candidate, image) = self.of(first);
                    score(scorer, candidate, image)
                },
            )
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.groups.iter().map(|&group| distinct[group]).collect())
    }
}

/// Anything that turns captions into numbers, larger for better.
///
/// A reward sees, for every caption, its ids, its words, its image's id, that image's references as ids and as words,
/// and the other captions of the batch. A reward of another crate reports its own failures as
/// [`RewardError::Failed`].
pub trait Reward: Send {
    /// A short name, under which its scores are logged.
    fn name(&self) -> &str;

    /// Every choice that changes the scores, as `key:value` joined by `|`.
    fn signature(&self) -> String;

    /// One finite score per caption, in order.
    ///
    /// # Errors
    /// Whatever keeps the batch from being scored.
    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError>;

    /// The same, with nothing for captions that the reward says nothing about: these count neither in its own mean and
    /// deviation nor in what captions are rewarded with. Every caption has a score unless a reward has its own method.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    fn applicable_scores(&mut self, batch: &Batch<'_>) -> Result<Vec<Option<f64>>, RewardError> {
        Ok(self.score(batch)?.into_iter().map(Some).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn references() -> References {
        let image = |id| ImageReferences::new(id, [vec![1, 0]], ["a".to_owned()]);
        References::new(Some(0), vec![image("a.jpg"), image("b.jpg")]).expect("good references")
    }

    fn candidate(image: usize, tokens: &[u32]) -> Candidate<'_> {
        Candidate {
            image,
            tokens,
            text: "",
        }
    }

    #[test]
    fn caption_stops_at_the_first_end_token_when_garbage_follows() {
        assert_eq!(through_end_token(&[3, 0, 5, 0], 0), [3, 0]);
        assert_eq!(through_end_token(&[0, 5], 0), [0]);
        assert_eq!(through_end_token(&[3, 5], 0), [3, 5]);
        assert_eq!(before_end_token(&[3, 0, 5, 0], Some(0)), [3]);
        assert_eq!(before_end_token(&[0, 5], Some(0)), [0u32; 0]);
        assert_eq!(before_end_token(&[3, 0], None), [3, 0]);
    }

    #[test]
    fn score_is_computed_once_when_captions_repeat() {
        let references = references();
        let candidates = [
            candidate(0, &[1, 0]),
            candidate(1, &[1, 0]),
            candidate(0, &[1, 0]),
            candidate(0, &[2, 0]),
        ];
        let batch = Batch::new(&references, &candidates).expect("known images");
        let calls = Mutex::new(Vec::new());
        let scores = batch.score_distinct(&(), |(), candidate, image| {
            calls
                .lock()
                .expect("no thread panics")
                .push((image.id.to_string(), candidate.tokens[0]));
            Ok(f64::from(candidate.tokens[0]) + candidate.image as f64 / 2.0)
        });
        assert_eq!(scores.expect("scores"), [1.0, 1.5, 1.0, 2.0]);
        let mut calls = calls.into_inner().expect("no thread panics");
        calls.sort();
        assert_eq!(
            calls,
            [
                ("a.jpg".to_owned(), 1),
                ("a.jpg".to_owned(), 2),
                ("b.jpg".to_owned(), 1)
            ]
        );
    }

    #[test]
    fn scores_reach_every_caption_when_distinct_ones_are_spread() {
        let references = references();
        let candidates = [
            candidate(0, &[1, 0]),
            candidate(0, &[1, 0]),
            candidate(1, &[1, 0]),
        ];
        let batch = Batch::new(&references, &candidates).expect("known images");
        let images: Vec<_> = batch.distinct().map(|(_, image)| &*image.id).collect();
        assert_eq!(images, ["a.jpg", "b.jpg"]);
        let scores = batch.spread("mine", &[0.5, 2.0]).expect("two scores");
        assert_eq!(scores, [0.5, 0.5, 2.0]);
        let error = batch.spread("mine", &[0.5]).expect_err("one score");
        assert_eq!(
            error.to_string(),
            "reward mine: found 1 scores, expected 2, one per caption"
        );
    }

    #[test]
    fn batch_is_refused_when_an_image_is_unknown() {
        let error = Batch::new(&references(), &[candidate(2, &[1])])
            .expect_err("unknown image")
            .to_string();
        assert_eq!(
            error,
            "found a candidate for image 2, expected an index below 2"
        );
    }
}
