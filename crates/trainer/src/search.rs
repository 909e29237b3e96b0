//! From a decoder configuration to captions.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use scst_data::{Vocabulary, vocabulary::UNKNOWN_ID};
use scst_model::{Captioner, ImageFeatures, ModelError};
use scst_reward::{
    CiderDOptions, CiderFormula, CiderScorer, DocumentFrequency, ImageReferences, ReferenceNgrams,
    References, RewardError,
};
use scst_sampler::{
    BadEndings, BlockImmediateRepeats, Constraint, Ensemble, ForbiddenWords, Hypothesis, Limits,
    MinimumLength, NoRepeatedNgram, Prefix, RequiredWords, StepModel, beam, consensus,
    greedy_hypotheses, ranking, sample_with,
};

use crate::{
    TrainError,
    config::{DecoderConfig, Rerank, SearchConfig},
    corpus::Corpus,
    decode::Decoder,
    draws::{Purpose, generator},
    objective::repeat,
};

/// A decoder at work on the images of a split, batch after batch.
pub(crate) struct Search<'a> {
    config: &'a DecoderConfig,
    limits: Limits,
    rng: ChaCha8Rng,
    /// Document frequencies of the training captions, for consensus.
    frequency: Option<Arc<DocumentFrequency>>,
}

impl<'a> Search<'a> {
    /// # Errors
    /// [`TrainError`] when words that captions are to hold are not in the vocabulary, or consensus
    /// lacks training captions.
    pub(crate) fn new(config: &'a DecoderConfig, corpus: &Corpus) -> Result<Self, TrainError> {
        let (vocabulary, max_length) = (corpus.vocabulary(), corpus.max_length());
        Self::with_words(config, vocabulary, max_length, Some(corpus))
    }

    /// With the words of a vocabulary; only consensus needs a corpus.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn with_words(
        config: &'a DecoderConfig,
        vocabulary: &Vocabulary,
        max_length: usize,
        corpus: Option<&Corpus>,
    ) -> Result<Self, TrainError> {
        let frequency = match config.rerank {
            Rerank::Probability => None,
            Rerank::Consensus => {
                let corpus = corpus.ok_or(TrainError::ConsensusWithoutTraining)?;
                let references = corpus.references(true).map_err(|error| match error {
                    TrainError::EmptySplit { .. } => TrainError::ConsensusWithoutTraining,
                    other => other,
                })?;
                let frequency = DocumentFrequency::from_references(&references)?;
                Some(Arc::new(frequency))
            }
        };
        Ok(Self {
            config,
            limits: limits(config, vocabulary, max_length)?,
            rng: generator(config.seed, Purpose::Decoding, 0, 0),
            frequency,
        })
    }

    /// One caption an image; the probabilities of several captioners are averaged.
    ///
    /// # Errors
    /// [`TrainError`] when captioner and features do not fit, or the search fails.
    pub(crate) fn captions(
        &mut self,
        captioner: &Captioner,
        others: &[Captioner],
        features: &ImageFeatures,
    ) -> Result<Vec<Vec<u32>>, TrainError> {
        let found = self.hypotheses(captioner, others, features)?;
        let first = |hypotheses: Vec<Hypothesis>| hypotheses.into_iter().next();
        let words = found
            .into_iter()
            .map(|found| first(found).unwrap_or_default().words);
        Ok(words.collect())
    }

    /// All captions that the search found of every image of a batch, the one to be taken first.
    ///
    /// # Errors
    /// Those of [`captions`](Self::captions).
    pub(crate) fn hypotheses(
        &mut self,
        captioner: &Captioner,
        others: &[Captioner],
        features: &ImageFeatures,
    ) -> Result<Vec<Vec<Hypothesis>>, TrainError> {
        let images = features.images();
        let captions_per_image = match self.config.search {
            SearchConfig::Greedy | SearchConfig::Beam(_) => 1,
            SearchConfig::Sample(_) => self.config.samples,
        };
        let image_of_caption = repeat(images, captions_per_image);
        let maximises = matches!(self.config.search, SearchConfig::Greedy);
        let open = |captioner: &Captioner| {
            let state = captioner.start(features.clone(), &image_of_caption)?;
            Ok(if maximises { state.maximising() } else { state })
        };
        let first = Decoder::reading(captioner);
        if others.is_empty() {
            return self.search(first, open(captioner)?, images);
        }
        let states: Result<Vec<_>, ModelError> =
            std::iter::once(captioner).chain(others).map(open).collect();
        let others = others.iter().map(Decoder::reading).collect();
        self.search(Ensemble::new(first, others), states?, images)
    }

    fn search<M: StepModel<Error = ModelError>>(
        &mut self,
        mut model: M,
        state: M::State,
        images: usize,
    ) -> Result<Vec<Vec<Hypothesis>>, TrainError> {
        let limits = &self.limits;
        let found = match &self.config.search {
            SearchConfig::Greedy => {
                let captions = greedy_hypotheses(&mut model, state, images, limits)?;
                captions.into_iter().map(|caption| vec![caption]).collect()
            }
            SearchConfig::Beam(options) => beam(&mut model, state, images, options, limits)?,
            SearchConfig::Sample(options) => {
                let samples = self.config.samples;
                let (rows, rng) = (images * samples, &mut self.rng);
                let drawn = sample_with(&mut model, state, rows, options, limits, rng)?;
                drawn.chunks(samples).map(<[Hypothesis]>::to_vec).collect()
            }
        };
        let scores = match &self.frequency {
            None => {
                let normalisation = self.config.length_normalisation;
                let score = |h: &Hypothesis| normalisation.score(h);
                found
                    .iter()
                    .map(|h| h.iter().map(score).collect())
                    .collect()
            }
            Some(frequency) => consensus_scores(&found, frequency)?,
        };
        let ranked = found.iter().zip(scores);
        Ok(ranked
            .map(|(hypotheses, scores): (&Vec<Hypothesis>, Vec<f64>)| {
                let order = ranking(&scores).into_iter();
                order.map(|k| hypotheses[k].clone()).collect()
            })
            .collect())
    }
}

/// Mean CIDEr-D of every caption against the others of its image, end tokens counted.
fn consensus_scores(
    images: &[Vec<Hypothesis>],
    frequency: &Arc<DocumentFrequency>,
) -> Result<Vec<Vec<f64>>, RewardError> {
    // To the scorer every caption is the one reference of an image of its own.
    let references = images.iter().flatten().map(|hypothesis| ImageReferences {
        id: String::new(),
        tokens: vec![hypothesis.words.clone()],
        texts: vec![String::new()],
    });
    let references = References::new(None, references.collect())?;
    let ngrams = ReferenceNgrams::new(&references);
    let formula = CiderFormula::CiderD(CiderDOptions::COCO);
    let mut scorer = CiderScorer::new(formula, ngrams.into(), Arc::clone(frequency))?;
    let mut first = 0;
    let mut scores = Vec::with_capacity(images.len());
    for hypotheses in images {
        let similarity = |i: usize, j: usize| scorer.score(first + j, &hypotheses[i].words);
        scores.push(consensus(hypotheses.len(), similarity)?);
        first += hypotheses.len();
    }
    Ok(scores)
}

/// What captions may be, in the ids of a vocabulary.
///
/// Words that captions may not hold or end with may be missing from it.
///
/// # Errors
/// [`TrainError::UnknownWord`] when one that they are to hold is.
fn limits(
    config: &DecoderConfig,
    vocabulary: &Vocabulary,
    max_length: usize,
) -> Result<Limits, TrainError> {
    let known = |word: &str| Some(vocabulary.id(word)).filter(|&id| id != UNKNOWN_ID);
    let all = |key, words: Vec<&str>| -> Result<Vec<u32>, TrainError> {
        let id = |word: &str| {
            known(word).ok_or_else(|| TrainError::UnknownWord {
                key,
                word: word.to_owned(),
            })
        };
        words.into_iter().map(id).collect()
    };
    let some = |words: &[String]| words.iter().filter_map(|word| known(word)).collect();
    let prefix = all("prefix", config.prefix.split_whitespace().collect())?;
    let required = config.required_words.iter().map(String::as_str).collect();
    let required = all("required_words", required)?;
    let mut constraints: Vec<Box<dyn Constraint>> = Vec::new();
    if config.minimum_length > 0 {
        constraints.push(Box::new(MinimumLength(config.minimum_length)));
    }
    if let Some(order) = config.no_repeat_ngram {
        constraints.push(Box::new(NoRepeatedNgram(order)));
    }
    if config.block_immediate_repeats {
        constraints.push(Box::new(BlockImmediateRepeats));
    }
    if !config.bad_endings.is_empty() {
        constraints.push(Box::new(BadEndings(some(&config.bad_endings))));
    }
    if !config.forbidden_words.is_empty() {
        constraints.push(Box::new(ForbiddenWords(some(&config.forbidden_words))));
    }
    if !required.is_empty() {
        constraints.push(Box::new(RequiredWords(required)));
    }
    if !prefix.is_empty() {
        constraints.push(Box::new(Prefix(prefix)));
    }
    Ok(Limits {
        max_length: config.max_length(max_length),
        constraints,
    })
}

#[cfg(test)]
mod tests;
