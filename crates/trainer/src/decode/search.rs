//! From a decoder configuration to captions.

use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use scst_data::Vocabulary;
use scst_model::{Captioner, ModelError, Source};
use scst_reward::{
    CiderDOptions, CiderFormula, CiderScorer, DocumentFrequency, ImageReferences, ReferenceNgrams,
    References, RewardError,
};
use scst_sampler::{
    BeamOptions, Ensemble, Hypothesis, Limits, SamplingOptions, StepModel, beam, consensus,
    greedy_hypotheses, log_probabilities, ranking, sample_with,
};

use crate::{
    TrainError,
    config::{Config, DecoderConfig, Rerank, SearchConfig, Words},
    corpus::Corpus,
    custom::{CustomError, Named},
    decode::{custom::CustomSearch, step_model::Decoder},
    draws::{Purpose, generator},
    objective::batch::repeat,
    registry::Registry,
};

/// A decoder at work on the sources of a split, batch after batch.
pub(crate) struct Search<'a> {
    config: &'a DecoderConfig,
    method: Method<'a>,
    vocab: usize,
    limits: Limits,
    rng: ChaCha8Rng,
    /// Document frequencies of the training captions, for consensus.
    frequency: Option<Arc<DocumentFrequency>>,
}

/// How captions are searched for.
enum Method<'a> {
    Greedy,
    Beam(&'a BeamOptions),
    Sample(&'a SamplingOptions),
    Custom(Named<dyn CustomSearch>),
}

impl<'a> Method<'a> {
    fn of(config: &'a SearchConfig, registry: &Registry) -> Result<Self, CustomError> {
        Ok(match config {
            SearchConfig::Greedy => Self::Greedy,
            SearchConfig::Beam(options) => Self::Beam(options),
            SearchConfig::Sample(options) => Self::Sample(options),
            SearchConfig::Custom(custom) => Self::Custom(registry.searches.make(custom)?),
        })
    }
}

impl<'a> Search<'a> {
    /// A decoder of a run of this configuration, with the words of a vocabulary; only consensus needs a corpus.
    ///
    /// # Errors
    /// [`TrainError`] when the decoder is out of range or asks for what no caption can be, or consensus lacks training
    /// captions.
    pub(crate) fn new(
        config: &'a DecoderConfig,
        run: &Config,
        vocabulary: &Vocabulary,
        corpus: Option<&Corpus>,
        registry: &Registry,
    ) -> Result<Self, TrainError> {
        let problems = config.problems(run, vocabulary);
        if !problems.is_empty() {
            return Err(TrainError::Decoder { problems });
        }
        let frequency = match config.rerank {
            Rerank::Probability => None,
            Rerank::Consensus => {
                let corpus = corpus.ok_or(TrainError::ConsensusWithoutTraining)?;
                let sources = corpus.reward_sources(true).map_err(|error| match error {
                    TrainError::EmptySplit { .. } => TrainError::ConsensusWithoutTraining,
                    other => other,
                })?;
                Some(Arc::clone(sources.frequency()?))
            }
        };
        Ok(Self {
            config,
            method: Method::of(&config.search, registry)?,
            vocab: vocabulary.len(),
            limits: config
                .rules(run.data.max_length, &Words::of(vocabulary))
                .limits(),
            rng: generator(config.seed, Purpose::Decoding, 0, 0),
            frequency,
        })
    }

    /// Whether captioners can score captions of the length that is decoded.
    ///
    /// # Errors
    /// [`TrainError::CaptionTooLong`] when one cannot.
    pub(crate) fn check_captioners<'b>(
        &self,
        captioners: impl IntoIterator<Item = &'b Captioner>,
    ) -> Result<(), TrainError> {
        let found = self.limits.max_length;
        let mut longest = captioners
            .into_iter()
            .filter_map(Captioner::longest_caption);
        match longest.find(|&positions| positions < found) {
            None => Ok(()),
            Some(positions) => Err(TrainError::CaptionTooLong { found, positions }),
        }
    }

    /// Whether the captions of a source do not depend on which others were searched for before.
    pub(crate) fn depends_on_source_alone(&self) -> bool {
        matches!(self.method, Method::Greedy | Method::Beam(_))
    }

    /// A caption with its log-probability, and what it breaks of the options.
    pub(crate) fn judge(&self, words: Vec<u32>, log_probability: f64) -> Hypothesis {
        self.limits.judge(words, log_probability)
    }

    /// One caption a source; the probabilities of several captioners are averaged.
    ///
    /// # Errors
    /// [`TrainError`] when captioner and features do not fit, or the search fails.
    pub(crate) fn captions(
        &mut self,
        captioner: &Captioner,
        others: &[Captioner],
        source: &Source,
    ) -> Result<Vec<Hypothesis>, TrainError> {
        let found = self.hypotheses(captioner, others, source)?;
        let first = |hypotheses: Vec<Hypothesis>| hypotheses.into_iter().next();
        Ok(found
            .into_iter()
            .map(|found| first(found).unwrap_or_default())
            .collect())
    }

    /// All captions that the search found of every source of a batch, the one to be taken first.
    ///
    /// # Errors
    /// Those of [`captions`](Self::captions).
    pub(crate) fn hypotheses(
        &mut self,
        captioner: &Captioner,
        others: &[Captioner],
        source: &Source,
    ) -> Result<Vec<Vec<Hypothesis>>, TrainError> {
        let sources = source.count();
        let targets_per_source = match self.method {
            Method::Greedy | Method::Beam(_) | Method::Custom(_) => 1,
            Method::Sample(_) => self.config.samples,
        };
        let source_of_sequence = repeat(sources, targets_per_source);
        let open = |captioner: &Captioner| captioner.start(source.clone(), &source_of_sequence);
        let mut first = Decoder::reading(captioner);
        if !others.is_empty() {
            let states: Result<Vec<_>, ModelError> =
                std::iter::once(captioner).chain(others).map(open).collect();
            let others = others.iter().map(Decoder::reading).collect();
            return self.search(&mut Ensemble::new(first, others), states?, sources);
        }
        let state = open(captioner)?;
        let is_greedy = matches!(self.method, Method::Greedy);
        if !(is_greedy && captioner.scores_whole_captions()) {
            return self.search(&mut first, state, sources);
        }
        // The best captions by scores that look ahead, then what the captioner gives them.
        let mut best = self.search(&mut first, state.clone().maximising(), sources)?;
        let captions: Vec<Vec<u32>> = best.iter().flatten().map(|h| h.words.clone()).collect();
        let own = log_probabilities(&mut first, state, &captions)?;
        for (hypothesis, own) in best.iter_mut().flatten().zip(own) {
            hypothesis.log_probability = own;
        }
        Ok(best)
    }

    fn search<M: StepModel<Error = ModelError>>(
        &mut self,
        model: &mut M,
        state: M::State,
        sources: usize,
    ) -> Result<Vec<Vec<Hypothesis>>, TrainError> {
        let limits = &self.limits;
        let found = match &self.method {
            Method::Greedy => {
                let captions = greedy_hypotheses(model, state, sources, limits)?;
                captions.into_iter().map(|caption| vec![caption]).collect()
            }
            Method::Beam(options) => beam(model, state, sources, options, limits)?,
            Method::Sample(options) => {
                let samples = self.config.samples;
                let (rows, rng) = (sources * samples, &mut self.rng);
                let drawn = sample_with(model, state, rows, options, limits, rng)?;
                drawn.chunks(samples).map(<[Hypothesis]>::to_vec).collect()
            }
            Method::Custom(custom) => {
                let draws: &mut dyn Rng = &mut self.rng;
                custom.hypotheses(model, state, sources, limits, (self.vocab, draws))?
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
                let order = order.map(|k| hypotheses[k].clone());
                // What an option promised counts for more than any score.
                let (kept, broken): (Vec<_>, Vec<_>) = order.partition(|h| h.broken.is_empty());
                [kept, broken].concat()
            })
            .collect())
    }
}

/// Mean CIDEr-D of every caption against the others of its source, end tokens counted.
fn consensus_scores(
    sources: &[Vec<Hypothesis>],
    frequency: &Arc<DocumentFrequency>,
) -> Result<Vec<Vec<f64>>, RewardError> {
    // To the scorer every caption is the one reference of a source of its own.
    let references = sources
        .iter()
        .flatten()
        .map(|hypothesis| ImageReferences::new("", [hypothesis.words.clone()], [String::new()]));
    let references = References::new(None, references.collect())?;
    let ngrams = ReferenceNgrams::new(&references);
    let formula = CiderFormula::CiderD(CiderDOptions::COCO);
    let mut scorer = CiderScorer::new(formula, ngrams.into(), Arc::clone(frequency))?;
    let mut first = 0;
    let mut scores = Vec::with_capacity(sources.len());
    for hypotheses in sources {
        let similarity = |i: usize, j: usize| scorer.score(first + j, &hypotheses[i].words);
        scores.push(consensus(hypotheses.len(), similarity)?);
        first += hypotheses.len();
    }
    Ok(scores)
}

#[cfg(test)]
mod tests;
