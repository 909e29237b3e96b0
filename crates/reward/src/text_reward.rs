//! Metrics of raw text as rewards.

use std::fmt;

use crate::error_rate::{ErrorRateOptions, ErrorRateScorer, ErrorUnit};
use crate::text_scorer::TextScorer;
use crate::{
    Batch, ChrfOptions, ChrfScorer, ExactMatchOptions, ExactMatchScorer, References, Reward,
    RewardError, RougeScoreOptions, RougeScorer, SacrebleuOptions, SacrebleuScorer, VERSION,
};

/// A metric of raw text as a reward: of the words of a caption and of its references, as they stand in
/// [`Candidate::text`](crate::Candidate::text) and [`ImageReferences::texts`](crate::ImageReferences::texts).
pub struct TextReward {
    name: String,
    signature: String,
    score: Score,
}

type Score = Box<dyn FnMut(&Batch<'_>) -> Result<Vec<f64>, RewardError> + Send>;

impl TextReward {
    /// Minus an error rate, at most 0: its logged number is the rate, and better is larger.
    ///
    /// ```text
    /// reward = -edits / max(1, length)        0 for a caption without error, -1 for an empty one
    /// ```
    pub fn error_rate(unit: ErrorUnit, options: ErrorRateOptions, references: &References) -> Self {
        let scorer = ErrorRateScorer::new(unit, options);
        let signature = format!("{}|sign:minus", scorer.signature());
        Self::new(unit.key(), &signature, references, scorer, -1.0)
    }

    /// 1 for a caption that is a reference, else 0.
    pub fn exact_match(options: ExactMatchOptions, references: &References) -> Self {
        let scorer = ExactMatchScorer::new(options);
        Self::new("exact_match", &scorer.signature(), references, scorer, 1.0)
    }

    /// chrF or chrF++, 0 to 1.
    ///
    /// # Errors
    /// The first of [`ChrfOptions::problems`].
    pub fn chrf(options: ChrfOptions, references: &References) -> Result<Self, RewardError> {
        let (scorer, name) = (ChrfScorer::new(options)?, options.name());
        Ok(Self::new(
            &name,
            &scorer.signature(),
            references,
            scorer,
            1.0,
        ))
    }

    /// sacrebleu's sentence BLEU, 0 to 1.
    ///
    /// # Errors
    /// The first of [`SacrebleuOptions::problems`].
    pub fn sacrebleu(
        options: SacrebleuOptions,
        references: &References,
    ) -> Result<Self, RewardError> {
        let scorer = SacrebleuScorer::new(options)?;
        Ok(Self::new(
            options.name(),
            &scorer.signature(),
            references,
            scorer,
            1.0,
        ))
    }

    /// ROUGE of rouge-score, 0 to 1.
    pub fn rouge_score(options: RougeScoreOptions, references: &References) -> Self {
        let scorer = RougeScorer::new(options);
        let name = options.kind.key();
        Self::new(name, &scorer.signature(), references, scorer, 1.0)
    }

    fn new<S: TextScorer + 'static>(
        name: &str,
        signature: &str,
        references: &References,
        scorer: S,
        sign: f64,
    ) -> Self {
        let refs = references.count_range();
        let cached = Cached { scorer, last: None };
        Self {
            name: name.to_owned(),
            signature: format!("{signature}|input:text|nrefs:{refs}|version:{VERSION}"),
            score: Box::new(move |batch| {
                batch.score_distinct(&cached, |cached, candidate, image| {
                    // Minus 0 would be logged as such.
                    Ok(0.0 + sign * cached.score(candidate.image, candidate.text, &image.texts))
                })
            }),
        }
    }
}

impl Reward for TextReward {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        (self.score)(batch)
    }
}

impl fmt::Debug for TextReward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TextReward").field(&self.signature).finish()
    }
}

/// A scorer that keeps the references of the image it scored last: a batch has the captions of an image side by side.
#[derive(Clone)]
struct Cached<S: TextScorer> {
    scorer: S,
    last: Option<(usize, S::References)>,
}

impl<S: TextScorer> Cached<S> {
    fn score(&mut self, image: usize, text: &str, references: &[String]) -> f64 {
        let scorer = &self.scorer;
        let prepared = match self.last.take() {
            Some((last, prepared)) if last == image => prepared,
            _ => scorer.prepare(&references.iter().map(String::as_str).collect::<Vec<_>>()),
        };
        let score = scorer.of_sentence(&scorer.statistics(text, &prepared));
        self.last = Some((image, prepared));
        score
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Candidate, ImageReferences};

    fn references() -> References {
        let image = |id: &str, texts: &[&str]| {
            let tokens = vec![vec![1, 0]; texts.len()];
            let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            ImageReferences::new(id, tokens, texts)
        };
        let images = vec![image("0", &["a b c d", "a x"]), image("1", &["b"])];
        References::new(Some(0), images).expect("good references")
    }

    fn scores(mut reward: TextReward) -> Vec<f64> {
        let references = references();
        let captions = [(0, "a b c d"), (1, "b"), (0, "a"), (0, ""), (1, "a c")];
        let tokens: Vec<[u32; 2]> = (1..=5).map(|id| [id, 0]).collect();
        let candidates: Vec<_> = captions
            .into_iter()
            .zip(&tokens)
            .map(|((image, text), tokens)| Candidate {
                image,
                tokens,
                text,
            })
            .collect();
        let batch = Batch::new(&references, &candidates).expect("known images");
        reward.score(&batch).expect("scores")
    }

    #[test]
    fn error_rates_are_negative_when_they_are_rewards() {
        let options = ErrorRateOptions::default();
        let reward = TextReward::error_rate(ErrorUnit::Phoneme, options, &references());
        assert_eq!(reward.name(), "phoneme_error_rate");
        assert_eq!(
            reward.signature(),
            format!(
                "phoneme_error_rate|refs:lowest|case:mixed|sign:minus|input:text|nrefs:1-2|version:{VERSION}"
            )
        );
        let scores = scores(reward);
        assert_eq!(scores, [0.0, 0.0, -0.5, -1.0, -2.0]);
        assert!(scores[0].is_sign_positive());
    }

    #[test]
    fn references_are_those_of_each_image_when_images_alternate() {
        let reward = TextReward::exact_match(ExactMatchOptions::default(), &references());
        assert_eq!(scores(reward), [1.0, 1.0, 0.0, 0.0, 0.0]);
        let chrf = TextReward::chrf(ChrfOptions::plus_plus(), &references()).expect("good");
        assert_eq!(chrf.name(), "chrf++");
        assert_eq!(scores(chrf)[..2], [1.0, 1.0]);
        let options = SacrebleuOptions::default();
        let bleu = TextReward::sacrebleu(options, &references()).expect("good");
        assert_eq!(scores(bleu)[3..], [0.0, 0.0]);
        let rouge = TextReward::rouge_score(RougeScoreOptions::default(), &references());
        assert_eq!(scores(rouge)[2], 2.0 / 3.0);
    }
}
