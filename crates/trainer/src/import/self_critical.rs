//! Models of self-critical.pytorch, laid out as the captioners here.
//!
//! Over there a linear layer holds its weight `[outputs, inputs]`, every product has a bias of its own, and an
//! `LSTMCell` has its gates in the order i, f, g, o. Here a weight is `[inputs, outputs]`, biases that add up are one,
//! and gates come as i, f, o, g. A bias of attention scores cancels in the softmax.

use std::collections::BTreeMap;

use scst_model::{
    Att2allConfig, Att2inConfig, CandidateKind, CaptionerConfig, Dimensions, FcConfig, InputKind,
    ShowTellConfig, UpDownConfig,
};

use super::{error::WeightsProblem, matrix::Matrix, tensor::StateTensor};
use crate::checkpoint::NamedTensor;

/// Bias of the unknown word where the vocabulary has none: as good as impossible, and finite.
const ABSENT: f32 = -100.0;
/// From the gates of an `LSTMCell` to those here.
const GATES: [usize; 4] = [0, 1, 3, 2];
/// Numbers of a region's box, which are not part of the vector of the whole image.
const GEOMETRY: usize = 5;

/// How many names of tensors a message lists.
const LISTED: usize = 3;

/// A captioner here with the weights of one over there.
pub(super) struct Imported {
    pub(super) model: CaptionerConfig,
    pub(super) dimensions: Dimensions,
    pub(super) parameters: Vec<NamedTensor>,
}

/// Recognises a model by the names of its tensors and lays it out anew.
///
/// `ids_before`: the id over there of every word here.
pub(super) fn captioner(
    tensors: BTreeMap<String, StateTensor>,
    ids_before: &[Option<u32>],
    dropout: f64,
) -> Result<Imported, WeightsProblem> {
    let unsupported = |what| Err(WeightsProblem::Unsupported { what });
    let has = |name: &str| tensors.contains_key(name);
    if tensors.keys().any(|name| name.ends_with(".running_mean")) {
        return unsupported("batch normalisation of the features (`use_bn`)");
    }
    let model = if has("_core.i2h.weight") && has("fc_embed.weight") {
        Model::NewFc
    } else if has("core.i2h.weight") && has("img_embed.weight") {
        Model::Fc
    } else if has("core.weight_ih_l0") && has("img_embed.weight") {
        Model::ShowTell
    } else if has("core.att_lstm.weight_ih") {
        Model::UpDown
    } else if has("core.a2h.weight") {
        Model::Att2all2
    } else if has("core.a2c.weight") && has("att_embed.0.weight") {
        Model::Att2in2
    } else if has("core.a2c.weight") {
        Model::Att2in
    } else {
        let names = tensors.keys().take(LISTED).cloned().collect();
        return Err(WeightsProblem::UnknownModel { names });
    };
    if has("logit.0.weight") {
        return unsupported("an output layer of several layers (`logit_layers`)");
    }
    let mut layout = Layout::new(tensors, ids_before, model)?;
    let (model, feature) = match model {
        Model::NewFc => layout.fc("fc_embed", "_core", dropout)?,
        Model::Fc => layout.fc("img_embed", "core", dropout)?,
        Model::ShowTell => layout.show_tell(dropout)?,
        Model::Att2in | Model::Att2in2 | Model::Att2all2 => layout.attentive(dropout)?,
        Model::UpDown => layout.up_down(dropout)?,
    };
    layout.finish(model, feature)
}

#[derive(Debug, Clone, Copy)]
enum Model {
    NewFc,
    Fc,
    ShowTell,
    Att2in,
    Att2in2,
    Att2all2,
    UpDown,
}

impl Model {
    fn name(self) -> &'static str {
        match self {
            Self::NewFc => "newfc",
            Self::Fc => "fc",
            Self::ShowTell => "show_tell",
            Self::Att2in => "att2in",
            Self::Att2in2 => "att2in2",
            Self::Att2all2 => "att2all2",
            Self::UpDown => "updown",
        }
    }

    fn embedding(self) -> &'static str {
        match self {
            Self::NewFc | Self::Fc | Self::ShowTell | Self::Att2in => "embed.weight",
            Self::Att2in2 | Self::Att2all2 | Self::UpDown => "embed.0.weight",
        }
    }
}

/// Takes tensors, and collects parameters.
struct Layout<'a> {
    model: Model,
    tensors: BTreeMap<String, StateTensor>,
    /// Those that there were before any was taken.
    names: Vec<String>,
    ids_before: &'a [Option<u32>],
    hidden: usize,
    embedding: usize,
    parameters: Vec<NamedTensor>,
}

impl<'a> Layout<'a> {
    /// Sizes, word embedding and output layer, which all models have.
    fn new(
        tensors: BTreeMap<String, StateTensor>,
        ids_before: &'a [Option<u32>],
        model: Model,
    ) -> Result<Self, WeightsProblem> {
        let mut layout = Self {
            model,
            names: tensors.keys().cloned().collect(),
            tensors,
            ids_before,
            hidden: 0,
            embedding: 0,
            parameters: Vec::new(),
        };
        let [words, embedding] = layout.shape(model.embedding())?;
        let [_, hidden] = layout.shape("logit.weight")?;
        (layout.hidden, layout.embedding) = (hidden, embedding);
        // The end token, and the words without an unknown one that had no id.
        let known = ids_before.iter().flatten().count();
        if words != known {
            return Err(WeightsProblem::Words {
                found: words.saturating_sub(1),
                expected: known.saturating_sub(1),
            });
        }
        let table = layout.matrix(model.embedding(), [words, embedding])?;
        layout.set("words.embedding", table.select(ids_before, 0.0));
        let (weight, bias) = layout.linear("logit", [hidden, words])?;
        let of_words = |m: &Matrix, absent| m.transposed().select(ids_before, absent).transposed();
        layout.set("words.output_weight", of_words(&weight, 0.0));
        layout.set("words.output_bias", of_words(&bias, ABSENT));
        Ok(layout)
    }

    fn fc(
        &mut self,
        image: &str,
        core: &str,
        dropout: f64,
    ) -> Result<(CaptionerConfig, usize), WeightsProblem> {
        let (hidden, embedding) = (self.hidden, self.embedding);
        let feature = self.image(image)?;
        let (input, bias) = self.linear(&format!("{core}.i2h"), [embedding, 5 * hidden])?;
        let (recurrent, other) = self.linear(&format!("{core}.h2h"), [hidden, 5 * hidden])?;
        self.set("words.input_weight", input);
        self.set("words.gate_bias", bias.plus(&other));
        self.set("recurrent_weight", recurrent);
        let model = CaptionerConfig::Fc(FcConfig {
            hidden,
            embedding,
            candidate: CandidateKind::Maxout,
            word_input: InputKind::Linear,
            dropout,
        });
        Ok((model, feature))
    }

    fn show_tell(&mut self, dropout: f64) -> Result<(CaptionerConfig, usize), WeightsProblem> {
        let (hidden, embedding) = (self.hidden, self.embedding);
        let feature = self.image("img_embed")?;
        let input = self.gates("core.weight_ih_l0", embedding)?;
        let recurrent = self.gates("core.weight_hh_l0", hidden)?;
        self.set("words.input_weight", input);
        self.set("recurrent_weight", recurrent);
        let model = CaptionerConfig::ShowTell(ShowTellConfig {
            hidden,
            embedding,
            dropout,
        });
        Ok((model, feature))
    }

    /// Projection of the whole image; returns the length of its vector.
    fn image(&mut self, name: &str) -> Result<usize, WeightsProblem> {
        let [_, feature] = self.shape(&format!("{name}.weight"))?;
        let (weight, bias) = self.linear(name, [feature, self.embedding])?;
        self.set("image_weight", weight);
        self.set("image_bias", bias);
        Ok(feature)
    }

    /// `att2in`, `att2in2` and `att2all2`, which differ in what they read, and in what the context enters.
    fn attentive(&mut self, dropout: f64) -> Result<(CaptionerConfig, usize), WeightsProblem> {
        let (hidden, embedding) = (self.hidden, self.embedding);
        let (feature, attention_size, query) = self.regions()?;
        let (name, entered) = match self.model {
            Model::Att2all2 => ("core.a2h", 5),
            _ => ("core.a2c", 2),
        };
        let values = self.values(feature);
        let (context, of_context) = self.linear(name, [values, entered * hidden])?;
        let (input, bias) = self.linear("core.i2h", [embedding, 5 * hidden])?;
        let (recurrent, other) = self.linear("core.h2h", [hidden, 5 * hidden])?;
        let not_entered = Matrix::zeros([1, (5 - entered) * hidden]);
        let of_context = Matrix::beside(&[not_entered, of_context]);
        self.set("regions.context_weight", context);
        self.set("words.input_weight", input);
        self.set("words.gate_bias", bias.plus(&other).plus(&of_context));
        self.set("recurrent_weight", Matrix::beside(&[recurrent, query]));
        let model = match self.model {
            Model::Att2all2 => CaptionerConfig::Att2all(Att2allConfig {
                hidden,
                embedding,
                attention_size,
                dropout,
            }),
            _ => CaptionerConfig::Att2in(Att2inConfig {
                hidden,
                embedding,
                attention_size,
                inputs: match self.model {
                    Model::Att2in => InputKind::Linear,
                    _ => InputKind::Relu,
                },
                dropout,
            }),
        };
        Ok((model, feature))
    }

    fn up_down(&mut self, dropout: f64) -> Result<(CaptionerConfig, usize), WeightsProblem> {
        let (hidden, embedding) = (self.hidden, self.embedding);
        let (feature, attention_size, query) = self.regions()?;
        let [_, of_image] = self.shape("fc_embed.0.weight")?;
        if of_image != feature && of_image + GEOMETRY != feature {
            return Err(WeightsProblem::Shape {
                name: "fc_embed.0.weight".to_owned(),
                found: vec![hidden, of_image],
                expected: vec![hidden, feature],
            });
        }
        let (weight, bias) = self.linear("fc_embed.0", [of_image, hidden])?;
        let without_boxes = Matrix::zeros([feature - of_image, hidden]);
        self.set("mean_weight", Matrix::above(&[weight, without_boxes]));
        self.set("mean_bias", bias);

        let inputs = 2 * hidden + embedding;
        let (attention, attention_own, attention_bias) = self.cell("core.att_lstm", inputs)?;
        let (language, language_own, language_bias) = self.cell("core.lang_lstm", 2 * hidden)?;
        // What the cells read lies side by side: language output, image, word; context, attention output.
        let rows = |m: &Matrix, range| m.transposed().columns(range).transposed();
        let from_language = rows(&attention, 0..hidden);
        self.set("mean_gate_weight", rows(&attention, hidden..2 * hidden));
        self.set("words.input_weight", rows(&attention, 2 * hidden..inputs));
        self.set("words.gate_bias", attention_bias);
        self.set(
            "recurrent_weight",
            Matrix::beside(&[from_language, language_own]),
        );
        self.set("regions.context_weight", rows(&language, 0..hidden));
        let up = rows(&language, hidden..2 * hidden);
        self.set(
            "attention_lstm_weight",
            Matrix::beside(&[up, query, attention_own]),
        );
        self.set("language_bias", language_bias);
        let model = CaptionerConfig::UpDown(UpDownConfig {
            hidden,
            embedding,
            attention_size,
            dropout,
        });
        Ok((model, feature))
    }

    /// Length of what attention reads of a region.
    fn values(&self, feature: usize) -> usize {
        match self.model {
            Model::Att2in => feature,
            _ => self.hidden,
        }
    }

    /// Projection, keys and scores of regions. Returns the lengths of a feature vector and of keys, and the weight of
    /// queries.
    fn regions(&mut self) -> Result<(usize, usize, Matrix), WeightsProblem> {
        let hidden = self.hidden;
        let [attention, mut feature] = self.shape("ctx2att.weight")?;
        if !matches!(self.model, Model::Att2in) {
            [_, feature] = self.shape("att_embed.0.weight")?;
            let (weight, bias) = self.linear("att_embed.0", [feature, hidden])?;
            self.set("regions.image_weight", weight);
            self.set("regions.image_bias", bias);
        }
        let values = self.values(feature);
        let (key, key_bias) = self.linear("ctx2att", [values, attention])?;
        let (query, query_bias) = self.linear("core.attention.h2att", [hidden, attention])?;
        let (score, _) = self.linear("core.attention.alpha_net", [attention, 1])?;
        self.set("regions.key_weight", key);
        self.set("regions.key_bias", key_bias.plus(&query_bias));
        self.set("regions.score_weight", score);
        Ok((feature, attention, query))
    }

    /// The weights of an `LSTMCell`, `[inputs, gates]` and `[hidden, gates]`, and its bias, `[1, gates]`.
    fn cell(
        &mut self,
        name: &str,
        inputs: usize,
    ) -> Result<(Matrix, Matrix, Matrix), WeightsProblem> {
        let hidden = self.hidden;
        let mut take = |part: &str, columns| self.gates(&format!("{name}.{part}"), columns);
        let (input, own) = (take("weight_ih", inputs)?, take("weight_hh", hidden)?);
        let bias = take("bias_ih", 1)?;
        Ok((input, own, bias.plus(&take("bias_hh", 1)?)))
    }

    /// A weight of an `LSTMCell` as `[inputs, gates]`.
    fn gates(&mut self, name: &str, inputs: usize) -> Result<Matrix, WeightsProblem> {
        let gates = GATES.len() * self.hidden;
        let matrix = self.matrix(name, [gates, inputs])?;
        Ok(matrix.transposed().blocks(GATES))
    }

    /// The shape of a matrix.
    fn shape(&self, name: &str) -> Result<[usize; 2], WeightsProblem> {
        let tensor = self.tensors.get(name);
        let tensor = tensor.ok_or_else(|| self.missing(name))?;
        match *tensor.shape {
            [rows, columns] if rows > 0 && columns > 0 => Ok([rows, columns]),
            _ => Err(WeightsProblem::Dimensions {
                name: name.to_owned(),
                found: tensor.shape.clone(),
            }),
        }
    }

    fn missing(&self, name: &str) -> WeightsProblem {
        let mut names: Vec<&String> = self.names.iter().collect();
        let likeness = |other: &&String| strsim::sorensen_dice(name, other);
        // A stable sort: names that are equally like it stay in order.
        names.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
        WeightsProblem::Missing {
            name: name.to_owned(),
            nearest: names.into_iter().take(LISTED).cloned().collect(),
        }
    }

    /// Takes a matrix, or a vector as a matrix of one column.
    fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Result<Matrix, WeightsProblem> {
        let tensor = self.tensors.remove(name);
        let tensor = tensor.ok_or_else(|| self.missing(name))?;
        let is_vector = shape[1] == 1 && tensor.shape == [shape[0]];
        if tensor.shape != shape && !is_vector {
            return Err(WeightsProblem::Shape {
                name: name.to_owned(),
                found: tensor.shape,
                expected: shape.into(),
            });
        }
        Ok(Matrix::new(shape, tensor.values))
    }

    /// Takes a linear layer: its weight, `[inputs, outputs]`, and its bias, `[1, outputs]`.
    fn linear(
        &mut self,
        name: &str,
        [inputs, outputs]: [usize; 2],
    ) -> Result<(Matrix, Matrix), WeightsProblem> {
        let weight = self.matrix(&format!("{name}.weight"), [outputs, inputs])?;
        let bias = self.matrix(&format!("{name}.bias"), [outputs, 1])?;
        Ok((weight.transposed(), bias.transposed()))
    }

    fn set(&mut self, name: &str, matrix: Matrix) {
        self.parameters.push(NamedTensor {
            name: name.to_owned(),
            shape: matrix.shape().into(),
            values: matrix.into_values(),
        });
    }

    fn finish(self, model: CaptionerConfig, feature: usize) -> Result<Imported, WeightsProblem> {
        if let Some((name, _)) = self.tensors.into_iter().next() {
            let model = self.model.name();
            return Err(WeightsProblem::Unexpected { name, model });
        }
        Ok(Imported {
            model,
            dimensions: Dimensions {
                feature,
                vocab: self.ids_before.len(),
            },
            parameters: self.parameters,
        })
    }
}

#[cfg(test)]
mod tests;
