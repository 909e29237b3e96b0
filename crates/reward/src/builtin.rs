//! The metrics of this crate as rewards.

use std::sync::Arc;

use crate::rouge_l::RougeLOptions;
use crate::{
    Batch, BleuOptions, BleuScorer, CiderDOptions, CiderFormula, CiderScorer, DocumentFrequency,
    ReferenceNgrams, References, Reward, RewardError, RougeLScorer, VERSION,
};

/// CIDEr-D with frozen document frequencies, 0 to 10 at its usual scale: the reward of Rennie et al. 2017.
#[derive(Debug)]
pub struct CiderDReward {
    scorer: CiderScorer,
    signature: String,
}

impl CiderDReward {
    /// Prepares the reference vectors; `ngrams` are those of `references`.
    ///
    /// # Errors
    /// [`RewardError::OptionRange`] when an option is outside its range, [`RewardError::EndTokenUnseen`] when the references end with a token that the frequencies were built without.
    pub fn new(
        options: CiderDOptions,
        references: &References,
        ngrams: Arc<ReferenceNgrams>,
        frequency: Arc<DocumentFrequency>,
    ) -> Result<Self, RewardError> {
        if let Some(end) = references.end_token()
            && frequency.frequency(&[end]) == 0
        {
            return Err(RewardError::EndTokenUnseen { end });
        }
        let formula = CiderFormula::CiderD(options);
        let signature = format!(
            "{}|df:{}|{}|version:{VERSION}",
            formula.signature(),
            frequency.signature(),
            references.signature()
        );
        Ok(Self {
            scorer: CiderScorer::new(formula, ngrams, frequency)?,
            signature,
        })
    }
}

impl Reward for CiderDReward {
    fn name(&self) -> &'static str {
        "cider_d"
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        batch.score_distinct(&self.scorer, |scorer, candidate, _| {
            scorer.score(candidate.image, candidate.tokens)
        })
    }
}

/// Sentence BLEU, 0 to 1; the end token counts as a word where the captions hold it.
#[derive(Debug)]
pub struct BleuReward {
    scorer: BleuScorer,
    options: BleuOptions,
    name: String,
    signature: String,
}

impl BleuReward {
    /// Sentence BLEU of `options.order`; `ngrams` are those of `references`.
    ///
    /// # Errors
    /// The first of [`BleuOptions::problems`].
    pub fn new(
        options: BleuOptions,
        references: &References,
        ngrams: Arc<ReferenceNgrams>,
    ) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        Ok(Self {
            scorer: BleuScorer::new(ngrams),
            options,
            name: format!("bleu_{}", options.order),
            signature: format!(
                "bleu|{}|{}|version:{VERSION}",
                options.signature(),
                references.signature()
            ),
        })
    }
}

impl Reward for BleuReward {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        batch.score_distinct(&self.scorer, |scorer, candidate, _| {
            let statistics = scorer.statistics(candidate.image, candidate.tokens)?;
            Ok(statistics.score(&self.options).score)
        })
    }
}

/// ROUGE-L, 0 to 1; the end token counts as a word where the captions hold it.
#[derive(Debug)]
pub struct RougeLReward {
    scorer: RougeLScorer,
    signature: String,
}

impl RougeLReward {
    /// ROUGE-L against the references of each batch.
    ///
    /// # Errors
    /// [`RewardError::OptionRange`] when an option is outside its range.
    pub fn new(options: RougeLOptions, references: &References) -> Result<Self, RewardError> {
        let signature = format!(
            "rouge_l|beta:{}|{}|version:{VERSION}",
            options.beta,
            references.signature()
        );
        Ok(Self {
            scorer: RougeLScorer::new(options)?,
            signature,
        })
    }
}

impl Reward for RougeLReward {
    fn name(&self) -> &'static str {
        "rouge_l"
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        batch.score_distinct(&self.scorer, |scorer, candidate, image| {
            Ok(scorer.score(candidate.tokens, &image.tokens))
        })
    }
}
