//! The transformer captioner: attention to the words so far and to the regions of an image, without a recurrence.

pub(crate) mod attention;
mod config;
pub(crate) mod feed_forward;
pub(crate) mod heads;
mod layer;
pub(crate) mod linear;
pub(crate) mod norm;
mod tape;

use std::{mem, sync::Arc};

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor, TensorData},
};
use rand::Rng;
use scst_kernels::{multi_head::Sources, traffic::send};

use crate::{
    Dimensions, Dropout, Gradients, HandOut, ModelError, OutputGradients, SourceVectors,
    dropout::dropped,
    init,
    relu::{relu, relu_dropout_backward},
    rows::{index, time_first},
    weight::Weight,
    words::{Words, embedding_gradient},
};
pub use config::TransformerConfig;
use layer::{Attended, Layer};
use linear::Linear;
use norm::{LayerNorm, NormRecord};
use tape::{Regions, SourceRecord, WordRecord};
pub(crate) use tape::{State, Tape};

/// The decoder of Vaswani et al. 2017, section 3, normalised before every sub-layer (Xiong et al. 2020), over regions.
///
/// ```text
/// m_r = norm(drop(relu(region_r W_I + b_I)))
/// x_t = drop(sqrt(hidden) E[w_(t-1)] + P_t),      w_0 = end token
/// P_t = sin(t / 10000^(2 i / hidden)) in column 2 i, cos of the same in column 2 i + 1
/// x_t = layers(x_t, x_<t, m),                     h_t = norm(x_t)
/// p(w_t given w_<t, image) = softmax(h_t W_o + b_o)
/// ```
///
/// Regions do not attend to one another: they come from an image encoder that has seen their surroundings.
///
/// The layers read keys and values of earlier words from a cache. A row knows the rows of the cache that are the words
/// of its caption, so captions that end or that a search moves leave the cache as it is, and single steps and whole
/// captions fill the same packed tape.
#[derive(Module, Debug)]
pub(crate) struct TransformerCaptioner {
    words: WordLayers,
    /// `W_I` and `b_I`, `[feature, hidden]`.
    image: Linear,
    image_norm: LayerNorm,
    layers: Vec<Layer>,
    norm: LayerNorm,
}

/// The layers that face words.
#[derive(Module, Debug)]
struct WordLayers {
    /// `E`, `[vocab, hidden]`.
    embedding: Param<Tensor<2>>,
    /// `W_o`, `[hidden, vocab]`.
    output_weight: Weight,
    /// `b_o`, `[1, vocab]`.
    output_bias: Param<Tensor<2>>,
}

/// Rows that are read together.
struct Rows<'a> {
    words: Words<'a>,
    /// The rows that every row attends to, its own the last of them.
    of_words: &'a Sources,
    of_regions: &'a Sources,
}

impl TransformerCaptioner {
    pub(crate) fn init(
        config: &TransformerConfig,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let Dimensions { feature, vocab } = dimensions;
        let hidden = config.hidden;
        let words = WordLayers {
            embedding: init::scaled_embedding([vocab, hidden], place, rng),
            output_weight: init::linear([hidden, vocab], hidden, place, rng).into(),
            output_bias: init::linear([1, vocab], hidden, place, rng),
        };
        let layers = (0..config.layers).map(|_| Layer::init(config, place, rng));
        Self {
            words,
            layers: layers.collect(),
            image: Linear::init([feature, hidden], place, rng),
            image_norm: LayerNorm::init(hidden, place),
            norm: LayerNorm::init(hidden, place),
        }
    }

    /// Length of a feature vector.
    pub(crate) fn feature(&self) -> usize {
        self.image.inputs()
    }

    /// The weight `[hidden, vocab]` and bias `[1, vocab]` of the output layer.
    pub(crate) fn output_layer(&self) -> (Tensor<2>, Tensor<2>) {
        let words = &self.words;
        (words.output_weight.val(), words.output_bias.val())
    }

    /// Logits, `[rows, vocab]`, of outputs, `[rows, hidden]`.
    pub(crate) fn logits(&self, outputs: Tensor<2>) -> Tensor<2> {
        let words = &self.words;
        words.output_weight.affine(outputs, &words.output_bias)
    }

    /// Reads images and opens captions.
    pub(crate) fn start(
        &self,
        features: SourceVectors,
        source_of_sequence: &[usize],
        mut dropout: Option<Dropout>,
    ) -> Result<(State, Tape), ModelError> {
        features.check(self.feature(), source_of_sequence)?;
        let words = WordRecord::new(self.layers.len(), dropout.as_mut());
        let projected = relu(self.image.forward(features.vectors()));
        let (projected, _) = dropped(projected, dropout.as_mut());
        let mut norm = NormRecord::default();
        let memory = self.image_norm.forward(projected.clone(), &mut norm);
        let keys_values = |layer: &Layer| layer.regions.keys_values(memory.clone());
        let regions = Arc::new(Regions::new(
            features.region_counts(),
            self.layers.iter().map(keys_values).collect(),
        ));
        let sources = SourceRecord {
            features,
            projected,
            norm,
            regions: Arc::clone(&regions),
            scale: dropout.as_ref().map_or(1.0, Dropout::scale),
        };
        let state = State::new(regions, source_of_sequence.to_vec());
        Ok((state, Tape { sources, words }))
    }

    /// Feeds one word to every open caption; returns the input of the output layer.
    pub(crate) fn step(
        &self,
        words: Words<'_>,
        state: State,
        tape: Option<&mut Tape>,
    ) -> Result<(Tensor<2>, State), ModelError> {
        match tape {
            None => self.advance(words, state, &mut self.no_record()),
            Some(tape) if tape.rows() == state.cached => {
                self.advance(words, state, &mut tape.words)
            }
            Some(tape) => Err(ModelError::Rows {
                what: "rows of the tape",
                found: tape.rows(),
                expected: state.cached,
            }),
        }
    }

    /// Feeds one word to every open caption; returns where the last layer looks, mean over its heads, `[rows, longest]`.
    pub(crate) fn attend(
        &self,
        words: &[u32],
        state: State,
    ) -> Result<(Tensor<2>, State), ModelError> {
        let of_regions = state.regions.of_rows(&state.source_of_row);
        let mut record = self.no_record();
        let (_, state) = self.advance(Words::Known(words), state, &mut record)?;
        let last = self.layers.last().zip(record.layers.last());
        let weights = last.zip(state.regions.keys_values.last()).and_then(
            |((layer, record), keys_values)| {
                let attention = &layer.regions;
                attention.weights(keys_values, &of_regions, &record.regions)
            },
        );
        Ok((weights.ok_or(ModelError::NoAttention)?, state))
    }

    fn no_record(&self) -> WordRecord {
        WordRecord::new(self.layers.len(), None)
    }

    /// A step that is added to `record`.
    fn advance(
        &self,
        words: Words<'_>,
        mut state: State,
        record: &mut WordRecord,
    ) -> Result<(Tensor<2>, State), ModelError> {
        if state.cache.len() != self.layers.len() {
            return Err(ModelError::OtherCaptioner);
        }
        let open = state.source_of_row.len();
        if words.rows() != open {
            return Err(ModelError::Rows {
                what: "words of a step",
                found: words.rows(),
                expected: open,
            });
        }
        let mut of_words = Sources::default();
        for (k, list) in state.words.iter().enumerate() {
            of_words.push(list.iter().copied().chain([state.cached + k]));
        }
        let rows = Rows {
            words,
            of_words: &of_words,
            of_regions: &state.regions.of_rows(&state.source_of_row),
        };
        let hidden = self.read(&rows, &state.regions, &mut state.cache, record)?;
        state.words = of_words;
        state.cached += open;
        Ok((hidden, state))
    }

    /// Runs whole captions, given as input words, all timesteps at once.
    pub(crate) fn teacher_forced(
        &self,
        features: SourceVectors,
        source_of_sequence: &[usize],
        input_words: &[&[u32]],
        dropout: Option<Dropout>,
    ) -> Result<Tape, ModelError> {
        let steps = time_first(input_words, source_of_sequence)?;
        let (mut state, mut tape) = self.start(features, source_of_sequence, dropout)?;
        let mut of_captions = vec![Vec::new(); input_words.len()];
        let (mut words, mut sources, mut of_words) = (Vec::new(), Vec::new(), Sources::default());
        for (t, open) in steps.iter().enumerate() {
            for &n in open {
                of_captions[n].push(words.len());
                of_words.push(of_captions[n].iter().copied());
                words.push(input_words[n][t]);
                sources.push(source_of_sequence[n]);
            }
        }
        if !words.is_empty() {
            let rows = Rows {
                words: Words::Known(&words),
                of_words: &of_words,
                of_regions: &state.regions.of_rows(&sources),
            };
            self.read(&rows, &state.regions, &mut state.cache, &mut tape.words)?;
        }
        Ok(tape)
    }

    /// The inputs of the output layer, `[rows, hidden]`, which are recorded.
    fn read(
        &self,
        rows: &Rows<'_>,
        regions: &Regions,
        cache: &mut [Vec<heads::KeysValues>],
        record: &mut WordRecord,
    ) -> Result<Tensor<2>, ModelError> {
        let embedded = rows.words.embed(&self.words.embedding.val())?;
        let hidden = embedded.dims()[1];
        let table = positions(rows.of_words.longest(), hidden, &embedded);
        let position: Vec<usize> = rows.of_words.iter().map(|list| list.len() - 1).collect();
        let position = table.select(0, index(&position, &embedded.device()));
        let inputs = embedded.mul_scalar((hidden as f64).sqrt()) + position;

        record.words.extend(rows.words.ids());
        for (words, regions) in rows.of_words.iter().zip(rows.of_regions.iter()) {
            record.of_words.push(words.iter().copied());
            record.of_regions.push(regions.iter().copied());
        }
        let mut x = record.embedded.forward(inputs);
        let attended = Attended {
            words: rows.of_words,
            regions: rows.of_regions,
        };
        let layers = self.layers.iter().zip(&mut record.layers);
        let memory = cache.iter_mut().zip(&regions.keys_values);
        for ((layer, record), (cache, regions)) in layers.zip(memory) {
            x = layer.forward(x, attended, cache, regions, record);
        }
        Ok(self.norm.forward(x, &mut record.norm))
    }

    /// How many groups of gradients are handed out early: the output layer's, and those of every layer, the last one first.
    pub(crate) fn early_groups(&self) -> usize {
        1 + self.layers.len()
    }

    /// Gradients of all parameters from those at the output layer, but for those that were handed out; and that at the vectors
    /// that were read, where the backward pass goes on to them.
    pub(crate) fn backward(
        &self,
        tape: Tape,
        output: OutputGradients,
        hand_out: HandOut<'_>,
    ) -> Result<(Gradients, Option<Tensor<2>>), ModelError> {
        let Tape { sources, words } = tape;
        let (found, expected) = (output.hidden.dims()[0], words.words.len());
        if found != expected || words.layers.len() != self.layers.len() {
            return Err(ModelError::Rows {
                what: "rows of hidden gradients",
                found,
                expected,
            });
        }
        let mut gradients = Gradients::default();
        gradients.add("words.output_weight", output.weight);
        gradients.add("words.output_bias", output.bias);
        hand_out(0, mem::take(&mut gradients));
        let Some(memory) = sources.norm.output().filter(|_| expected > 0) else {
            return Ok((gradients, None));
        };
        let mut d = self
            .norm
            .backward(output.hidden, &words.norm, "norm", &mut gradients);
        let attended = Attended {
            words: &words.of_words,
            regions: &words.of_regions,
        };
        let mut d_memory = memory.zeros_like();
        let layers = self.layers.iter().zip(&words.layers).enumerate().rev();
        for (k, (layer, record)) in layers {
            let name = format!("layers.{k}");
            let regions = &sources.regions.keys_values[k];
            let (d_x, d_regions) =
                layer.backward(d, attended, regions, record, &name, &mut gradients);
            d = d_x;
            let name = format!("{name}.regions");
            let m = memory.clone();
            let d_m = layer
                .regions
                .keys_values_backward(m, d_regions, &name, &mut gradients);
            d_memory = d_memory + d_m;
            hand_out(self.layers.len() - k, mem::take(&mut gradients));
        }
        let d = words.embedded.backward(d);
        let d_embedded = d.mul_scalar((memory.dims()[1] as f64).sqrt());
        let d_embedding = embedding_gradient(&self.words.embedding.val(), &words.words, d_embedded);
        gradients.add("words.embedding", d_embedding);
        let d_vectors = self.sources_backward(sources, d_memory, &mut gradients);
        Ok((gradients, d_vectors))
    }

    /// Adds the gradients of the layers that face images.
    fn sources_backward(
        &self,
        sources: SourceRecord,
        d_memory: Tensor<2>,
        gradients: &mut Gradients,
    ) -> Option<Tensor<2>> {
        let norm = &self.image_norm;
        let d = norm.backward(d_memory, &sources.norm, "image_norm", gradients);
        let d = relu_dropout_backward(d, sources.projected, sources.scale);
        self.image
            .add_gradients(sources.features.vectors(), d.clone(), "image", gradients);
        let goes_on = sources.features.needs_gradient();
        goes_on.then(|| self.image.input_gradient(d))
    }
}

fn place(tensor: &Tensor<2>) -> (Device, DType) {
    (tensor.device(), tensor.dtype())
}

/// `P`, `[count, hidden]`, on the device of `like`.
pub(crate) fn positions(count: usize, hidden: usize, like: &Tensor<2>) -> Tensor<2> {
    let value = |k: usize| {
        let (t, column) = (k / hidden, k % hidden);
        let exponent = (column - column % 2) as f64 / hidden as f64;
        let angle = t as f64 / 10_000f64.powf(exponent);
        if column % 2 == 0 {
            angle.sin()
        } else {
            angle.cos()
        }
    };
    let values: Vec<f64> = (0..count * hidden).map(value).collect();
    let (device, dtype) = place(like);
    send(TensorData::new(values, [count, hidden]), (&device, dtype))
}

#[cfg(test)]
mod tests;
