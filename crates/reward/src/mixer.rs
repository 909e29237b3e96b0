//! The rewards of MIXER (Ranzato et al. 2016): smoothed sentence BLEU and ROUGE-4 recall against one reference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ngram::{MAX_ORDER, NgramCounter, ngram_tokens};
use crate::references::token_name;
use crate::reward::before_end_token;
use crate::{Batch, References, Reward, RewardError, VERSION};

/// The choices of MIXER's BLEU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MixerBleuOptions {
    /// Whether 1 is added to matches, n-grams and the length of a longer reference, as MIXER does in training.
    pub smooth: bool,
}

impl Default for MixerBleuOptions {
    fn default() -> Self {
        Self { smooth: true }
    }
}

impl MixerBleuOptions {
    /// The options outside their ranges: none ever are.
    pub fn problems(&self) -> Vec<RewardError> {
        Vec::new()
    }

    /// The number added.
    fn smoothing(self) -> f64 {
        f64::from(u8::from(self.smooth))
    }
}

/// Compares captions with one reference as MIXER does; neither side holds an end token.
///
/// n-grams with the unknown word count where they stand in the candidate and are skipped in the reference. `given`
/// tokens at the front of both sides were not sampled: n-grams that lie wholly within them do not count.
#[derive(Debug, Clone)]
pub struct MixerScorer {
    unknown: Option<u32>,
    candidate: NgramCounter,
    reference: NgramCounter,
}

/// What two sentences have in common.
struct Matches {
    /// Matched n-grams, clipped.
    correct: u32,
    /// N-grams of the candidate.
    candidate: u32,
    /// N-grams of the reference without the unknown word.
    reference: u32,
}

impl MixerScorer {
    /// A scorer for captions whose unknown word has this id.
    pub fn new(unknown: Option<u32>) -> Self {
        Self {
            unknown,
            candidate: NgramCounter::default(),
            reference: NgramCounter::default(),
        }
    }

    /// Sentence BLEU, 0 to 1.
    ///
    /// ```text
    /// N    = min(4, len_c - given, len_r - given)
    /// BLEU = brevity * exp(1/N sum_{n = 1..N} ln((correct_n + s) / (guess_n + s)))       s = 1 if smooth, else 0
    /// brevity = exp(1 - (len_r + s) / len_c) if len_c < len_r, else 1
    /// ```
    /// 0 when `N` is not positive.
    pub fn bleu(
        &mut self,
        candidate: &[u32],
        reference: &[u32],
        options: MixerBleuOptions,
        given: usize,
    ) -> f64 {
        let sampled = candidate.len().min(reference.len()).saturating_sub(given);
        let orders = sampled.min(MAX_ORDER);
        if orders == 0 {
            return 0.0;
        }
        let add = options.smoothing();
        let mut logs = 0.0;
        for order in 1..=orders {
            let matches = self.matches(candidate, reference, order, given);
            logs +=
                ((f64::from(matches.correct) + add) / (f64::from(matches.candidate) + add)).ln();
        }
        let mean = (logs / orders as f64).exp();
        let (length, target) = (candidate.len() as f64, reference.len() as f64);
        if length < target {
            mean * (1.0 - (target + add) / length).exp()
        } else {
            mean
        }
    }

    /// ROUGE-4 recall, 0 to 1: the share of the reference's 4-grams that the candidate holds, clipped.
    ///
    /// 0 when a side has fewer than 4 tokens beyond the given ones, or every 4-gram holds the unknown word.
    pub fn rouge_4(&mut self, candidate: &[u32], reference: &[u32], given: usize) -> f64 {
        let sampled = candidate.len().min(reference.len()).saturating_sub(given);
        if sampled < MAX_ORDER {
            return 0.0;
        }
        let matches = self.matches(candidate, reference, MAX_ORDER, given);
        f64::from(matches.correct) / f64::from(matches.reference.max(1))
    }

    fn matches(
        &mut self,
        candidate: &[u32],
        reference: &[u32],
        order: usize,
        given: usize,
    ) -> Matches {
        let first = given.saturating_sub(order - 1);
        let candidate = self.candidate.count(&candidate[first..], order);
        let reference = self.reference.count(&reference[first..], order);
        let mut matches = Matches {
            correct: 0,
            candidate: candidate.iter().map(|&(_, count)| count).sum(),
            reference: 0,
        };
        let mut rest = candidate.iter().peekable();
        for &(key, count) in reference {
            if ngram_tokens(key, order).any(|token| Some(token) == self.unknown) {
                continue;
            }
            matches.reference += count;
            while rest.next_if(|&&(held, _)| held < key).is_some() {}
            if let Some(&(_, held)) = rest.next_if(|&&(held, _)| held == key) {
                matches.correct += count.min(held);
            }
        }
        matches
    }
}

/// MIXER's BLEU as a reward, 0 to 1: the mean over an image's references.
///
/// MIXER compares with one reference, chosen at random; the mean is the expectation of that. End tokens do not count.
#[derive(Debug)]
pub struct MixerBleuReward {
    scorer: MixerScorer,
    options: MixerBleuOptions,
    end: Option<u32>,
    signature: String,
}

impl MixerBleuReward {
    /// A reward for captions whose unknown word has this id.
    ///
    /// # Errors
    /// The first of [`MixerBleuOptions::problems`].
    pub fn new(
        options: MixerBleuOptions,
        references: &References,
        unknown: Option<u32>,
    ) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        let smooth = if options.smooth { "yes" } else { "no" };
        let skipped = token_name(unknown);
        Ok(Self {
            scorer: MixerScorer::new(unknown),
            options,
            end: references.end_token(),
            signature: format!(
                "mixer_bleu|n:{MAX_ORDER}|smooth:{smooth}|refs:mean|unk:{skipped}|{}|version:{VERSION}",
                references.signature()
            ),
        })
    }
}

impl Reward for MixerBleuReward {
    fn name(&self) -> &'static str {
        "mixer_bleu"
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let Self {
            scorer,
            options,
            end,
            ..
        } = self;
        batch.score_distinct(scorer, |scorer, candidate, image| {
            let caption = before_end_token(candidate.tokens, *end);
            let score = |reference: &Vec<u32>| {
                scorer.bleu(caption, before_end_token(reference, *end), *options, 0)
            };
            let total: f64 = image.tokens.iter().map(score).sum();
            Ok(total / image.tokens.len() as f64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Candidate, ImageReferences};

    const SMOOTH: MixerBleuOptions = MixerBleuOptions { smooth: true };
    const PLAIN: MixerBleuOptions = MixerBleuOptions { smooth: false };

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-15,
            "found {found}, expected {expected}"
        );
    }

    #[test]
    fn bleu_equals_the_hand_computed_when_sides_are_short() {
        let mut scorer = MixerScorer::new(None);
        // 2 of 2 words and 1 of 1 pair match; the reference is one word longer.
        close(
            scorer.bleu(&[1, 2], &[1, 2, 3], SMOOTH, 0),
            (1.0f64 - 4.0 / 2.0).exp(),
        );
        close(
            scorer.bleu(&[1, 2], &[1, 2, 3], PLAIN, 0),
            (1.0f64 - 3.0 / 2.0).exp(),
        );
        // 1 of 3 words, 0 of 2 pairs; order 2 is the longest that the reference has.
        close(
            scorer.bleu(&[1, 1, 1], &[1, 2], SMOOTH, 0),
            (2.0f64 / 4.0 / 3.0).sqrt(),
        );
        assert_eq!(scorer.bleu(&[1, 1, 1], &[1, 2], PLAIN, 0), 0.0);
        assert_eq!(scorer.bleu(&[], &[1, 2], SMOOTH, 0), 0.0);
        assert_eq!(scorer.bleu(&[1], &[], SMOOTH, 0), 0.0);
        assert_eq!(scorer.bleu(&[1], &[1], SMOOTH, 1), 0.0);
    }

    #[test]
    fn unknown_word_does_not_match_when_the_reference_holds_it() {
        let mut scorer = MixerScorer::new(Some(9));
        close(scorer.bleu(&[9], &[9], SMOOTH, 0), 0.5);
        assert_eq!(scorer.bleu(&[9], &[9], PLAIN, 0), 0.0);
        assert_eq!(scorer.rouge_4(&[1, 2, 3, 9], &[1, 2, 3, 9], 0), 0.0);
        let reference = [1, 2, 3, 4, 9];
        assert_eq!(scorer.rouge_4(&reference, &reference, 0), 1.0);
    }

    #[test]
    fn ngrams_do_not_match_when_only_rounding_makes_them_equal() {
        // 4-grams that differ in the last id only, at a size where a product in double precision loses it.
        let mut scorer = MixerScorer::new(None);
        let id = u32::MAX - 1;
        assert_eq!(scorer.rouge_4(&[id, id, id, 1], &[id, id, id, 2], 0), 0.0);
    }

    #[test]
    fn score_is_the_mean_over_references_when_there_are_several() {
        let tokens = [vec![1, 2, 0], vec![3, 0]];
        let image = ImageReferences::new("a.jpg", tokens, vec![String::new(); 2]);
        let references = References::new(Some(0), vec![image]).expect("good references");
        let mut reward = MixerBleuReward::new(SMOOTH, &references, Some(9)).expect("good options");
        let candidates = [&[1, 2, 0][..], &[1, 2], &[0]].map(|tokens| Candidate {
            image: 0,
            tokens,
            text: "",
        });
        let batch = Batch::new(&references, &candidates).expect("known images");
        let scores = reward.score(&batch).expect("scores");
        // Against the second reference: 0 of 2 words.
        close(scores[0], 2.0 / 3.0);
        assert_eq!(scores[1..], [scores[0], 0.0]);
        assert_eq!(
            reward.signature(),
            format!("mixer_bleu|n:4|smooth:yes|refs:mean|unk:9|nrefs:2|end:0|version:{VERSION}")
        );
    }
}
