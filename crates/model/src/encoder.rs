//! Text encoders: from tokens to the vectors that a captioner reads, and back.

pub(crate) mod bidirectional_lstm;
mod config;
pub(crate) mod self_attention;

use burn::{
    module::Module,
    tensor::{DType, Device, Tensor},
};
use rand::Rng;
use scst_kernels::product::Precision;

use crate::{
    Dropout, Gradients, ModelError, Parameter, SourceTokens, SourceVectors, parameters,
    update_parameters, weight::SetPrecision,
};
use bidirectional_lstm::{BidirectionalLstm, LstmRecord};
pub use config::{LstmEncoderConfig, TextEncoderConfig, TransformerEncoderConfig};
use self_attention::{SelfAttention, SelfAttentionRecord};

/// What the names of an encoder's parameters begin with.
const PREFIX: &str = "encoder.";

/// Reads texts for a captioner.
#[derive(Debug, Clone)]
pub(crate) struct TextEncoder {
    kind: Kind,
    /// Whether a text becomes one vector, the mean over its tokens.
    is_pooled: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    Lstm(BidirectionalLstm),
    Transformer(Box<SelfAttention>),
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct EncoderRecord {
    kind: KindRecord,
    /// What the encoder made, before the mean is taken.
    vectors: SourceVectors,
}

#[derive(Debug, Clone)]
enum KindRecord {
    Lstm(LstmRecord),
    Transformer(SelfAttentionRecord),
}

impl TextEncoder {
    /// An encoder of texts of a vocabulary; `is_pooled` if the captioner reads one vector a text.
    pub(crate) fn init(
        config: &TextEncoderConfig,
        is_pooled: bool,
        vocab: usize,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let kind = match config {
            TextEncoderConfig::Lstm(config) => {
                Kind::Lstm(BidirectionalLstm::init(config, vocab, place, rng))
            }
            TextEncoderConfig::Transformer(config) => {
                let encoder = SelfAttention::init(config, vocab, place, rng);
                Kind::Transformer(Box::new(encoder))
            }
        };
        Self { kind, is_pooled }
    }

    /// Whether an encoder can stand before a captioner with these parameters.
    ///
    /// # Errors
    /// [`ModelError::Custom`] when one of them has a name as those of encoders have.
    pub(crate) fn check_names(captioner: &str, parameters: &[Parameter]) -> Result<(), ModelError> {
        let is_taken = |parameter: &&Parameter| parameter.name.starts_with(PREFIX);
        parameters.iter().find(is_taken).map_or(Ok(()), |taken| {
            Err(ModelError::Custom {
                captioner: captioner.to_owned(),
                problem: format!(
                    "found a parameter named `{}`, expected a name that does not begin with `{PREFIX}`, as those of \
                     the text encoder do",
                    taken.name
                ),
            })
        })
    }

    /// All parameters, in a fixed order.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let mut all = match &self.kind {
            Kind::Lstm(encoder) => parameters(encoder),
            Kind::Transformer(encoder) => parameters(encoder.as_ref()),
        };
        for parameter in &mut all {
            parameter.name.insert_str(0, PREFIX);
        }
        all
    }

    /// The encoder with every parameter replaced by what `change` makes of it.
    pub(crate) fn update(self, mut change: impl FnMut(&str, Tensor<1>) -> Tensor<1>) -> Self {
        let change = |name: &str, values| change(&format!("{PREFIX}{name}"), values);
        let kind = match self.kind {
            Kind::Lstm(encoder) => Kind::Lstm(update_parameters(encoder, change)),
            Kind::Transformer(encoder) => {
                Kind::Transformer(Box::new(update_parameters(*encoder, change)))
            }
        };
        Self { kind, ..self }
    }

    /// The encoder with its matrix products taken in this precision.
    pub(crate) fn with_precision(self, precision: Precision) -> Self {
        let mut set = SetPrecision(precision);
        let kind = match self.kind {
            Kind::Lstm(encoder) => Kind::Lstm(encoder.map(&mut set)),
            Kind::Transformer(encoder) => Kind::Transformer(Box::new((*encoder).map(&mut set))),
        };
        Self { kind, ..self }
    }

    /// The vectors of texts.
    ///
    /// # Errors
    /// [`ModelError::WordOutOfRange`] for a token outside the vocabulary.
    pub(crate) fn read(
        &self,
        texts: &SourceTokens,
        dropout: Option<&mut Dropout>,
    ) -> Result<(SourceVectors, EncoderRecord), ModelError> {
        let (vectors, kind) = match &self.kind {
            Kind::Lstm(encoder) => {
                let (vectors, record) = encoder.read(texts, dropout)?;
                (vectors, KindRecord::Lstm(record))
            }
            Kind::Transformer(encoder) => {
                let (vectors, record) = encoder.read(texts, dropout)?;
                (vectors, KindRecord::Transformer(record))
            }
        };
        let vectors = SourceVectors::regions(vectors, texts.counts().to_vec())?.encoded();
        let read = if self.is_pooled {
            let mean = vectors.mean_of_regions(vectors.vectors());
            SourceVectors::pooled(mean).encoded()
        } else {
            vectors.clone()
        };
        Ok((read, EncoderRecord { kind, vectors }))
    }

    /// Adds the gradients of all parameters, from that at the vectors that were handed out.
    ///
    /// # Errors
    /// [`ModelError::OtherCaptioner`] when the record is that of an encoder of another kind.
    pub(crate) fn backward(
        &self,
        record: EncoderRecord,
        d_vectors: Tensor<2>,
        gradients: &mut Gradients,
    ) -> Result<(), ModelError> {
        let d_vectors = if self.is_pooled {
            record.vectors.mean_of_regions_backward(d_vectors)
        } else {
            d_vectors
        };
        let mut own = Gradients::default();
        match (&self.kind, record.kind) {
            (Kind::Lstm(encoder), KindRecord::Lstm(record)) => {
                encoder.backward(record, d_vectors, &mut own);
            }
            (Kind::Transformer(encoder), KindRecord::Transformer(record)) => {
                encoder.backward(record, d_vectors, &mut own);
            }
            _ => return Err(ModelError::OtherCaptioner),
        }
        gradients.merge_below(PREFIX, own);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
