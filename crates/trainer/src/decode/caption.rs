//! Captions for sources of no data set, and where the captioner looked for every word.

use burn::tensor::Device;
use scst_data::{Example, FeatureBatch, TokenBatch};
use scst_kernels::traffic::read;
use scst_model::{Captioner, Source};
use scst_sampler::{END, Hypothesis};

use crate::{
    TrainError,
    checkpoint::Checkpoint,
    config::DecoderConfig,
    corpus::{Corpus, images::source_vectors, source_tokens},
    decode::search::Search,
    registry::Registry,
};

/// What was found for a source: the caption of an image, or the target of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Caption {
    /// It as text: of words, these joined by single spaces.
    pub text: String,
    /// `sum_t log p(w_t given w_<t, source)`, nats; the end token counts, length is not normalised.
    pub log_probability: f64,
    /// The options of the decoder that the caption breaks, by their keys: none unless it ended where they left no word.
    pub broken: Vec<&'static str>,
    /// Word ids up to and including the end token, if it was reached.
    ids: Vec<u32>,
}

/// A trained captioner at work on any sources.
pub struct CaptionWriter<'a> {
    checkpoint: &'a Checkpoint,
    captioner: Captioner,
    search: Search<'a>,
}

impl<'a> CaptionWriter<'a> {
    /// The captioner of a checkpoint, on `device`; only consensus needs the data that it was trained on.
    ///
    /// # Errors
    /// [`TrainError`] when weights and captioner do not fit, the decoder asks for what no caption can be, or consensus
    /// lacks training captions.
    pub fn new(
        checkpoint: &'a Checkpoint,
        decoder: &'a DecoderConfig,
        corpus: Option<&Corpus>,
        registry: &Registry,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let config = &checkpoint.config;
        let search = Search::new(decoder, config, &checkpoint.vocabulary, corpus, registry)?;
        let captioner = checkpoint.captioner(&config.model, device)?;
        search.check_captioners([&captioner])?;
        Ok(Self {
            checkpoint,
            captioner,
            search,
        })
    }

    /// All captions that the search finds of every source, the one first that `evaluate` takes.
    ///
    /// The features are those that an encoder gives; they are standardised here. Samples follow one another from call
    /// to call, so that they do not depend on how sources are divided into batches.
    ///
    /// # Errors
    /// [`TrainError`] when captioner and features do not fit, or the search fails.
    pub fn captions(&mut self, features: FeatureBatch) -> Result<Vec<Vec<Caption>>, TrainError> {
        let standardiser = self.checkpoint.standardiser.as_ref();
        let features = source_vectors(features, standardiser, &self.captioner.device())?;
        self.write(&features.into())
    }

    /// As [`captions`](Self::captions), of texts.
    ///
    /// # Errors
    /// [`TrainError`] when the captioner reads no texts, or the search fails.
    pub fn targets(&mut self, texts: TokenBatch) -> Result<Vec<Vec<Caption>>, TrainError> {
        self.write(&source_tokens(texts)?.into())
    }

    /// As [`captions`](Self::captions), of examples of a corpus.
    ///
    /// # Errors
    /// [`TrainError`] when features cannot be read, or the search fails.
    pub fn of_examples(
        &mut self,
        corpus: &Corpus,
        examples: &[&Example],
    ) -> Result<Vec<Vec<Caption>>, TrainError> {
        let source = corpus.source(examples, &self.captioner.device())?;
        self.write(&source)
    }

    fn write(&mut self, source: &Source) -> Result<Vec<Vec<Caption>>, TrainError> {
        let found = self.search.hypotheses(&self.captioner, &[], source)?;
        let vocabulary = &self.checkpoint.vocabulary;
        let caption = |hypothesis: Hypothesis| Caption {
            text: vocabulary.decode(&hypothesis.words),
            log_probability: hypothesis.log_probability,
            broken: hypothesis.broken,
            ids: hypothesis.words,
        };
        Ok(found
            .into_iter()
            .map(|found| found.into_iter().map(caption).collect())
            .collect())
    }

    /// Every word of a caption of an image, the end token left out, with the weights of attention that it was chosen
    /// with, one a region.
    ///
    /// The caption is gone through word by word, so that it does not matter which search found it. Hard attention looks
    /// at the region of the largest weight.
    ///
    /// # Errors
    /// [`TrainError::Model`] when the captioner does not attend, or features of one image are not what was given.
    pub fn attention(
        &self,
        features: FeatureBatch,
        caption: &Caption,
    ) -> Result<Vec<(String, Vec<f32>)>, TrainError> {
        let standardiser = self.checkpoint.standardiser.as_ref();
        let features = source_vectors(features, standardiser, &self.captioner.device())?;
        self.looks(features.into(), caption)
    }

    /// As [`attention`](Self::attention), of an example of a corpus.
    ///
    /// # Errors
    /// Those of [`attention`](Self::attention).
    pub fn attention_of(
        &self,
        corpus: &Corpus,
        example: &Example,
        caption: &Caption,
    ) -> Result<Vec<(String, Vec<f32>)>, TrainError> {
        let source = corpus.source(&[example], &self.captioner.device())?;
        self.looks(source, caption)
    }

    fn looks(
        &self,
        source: Source,
        caption: &Caption,
    ) -> Result<Vec<(String, Vec<f32>)>, TrainError> {
        let mut state = self.captioner.start(source, &[0])?;
        let mut before = END;
        let mut looks = Vec::new();
        for &word in caption.ids.iter().take_while(|&&word| word != END) {
            let (weights, next) = self.captioner.attend(&[before], state)?;
            let text = self.checkpoint.vocabulary.decode(&[word]);
            looks.push((text, read(weights)?));
            (state, before) = (next, word);
        }
        Ok(looks)
    }
}
