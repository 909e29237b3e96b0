//! The captioner that a configuration names, and what every captioner offers.

#[cfg(feature = "cube")]
mod ahead;
mod config;

use burn::{
    module::Module,
    tensor::{DType, Device, Tensor},
};
use rand::Rng;
use scst_kernels::product::Precision;

use crate::{
    Backward, Dimensions, Dropout, Gradients, HandOut, ModelError, Noise, OutputGradients,
    Parameter, Signal, Source, SourceVectors, State, Tape, TextDimensions,
    att2in::Att2inCaptioner,
    custom::CustomModel,
    encoder::{EncoderRecord, TextEncoder, TextEncoderConfig},
    family::Family,
    fc::FcCaptioner,
    markov::MarkovCaptioner,
    parameters,
    recurrent::{self, Recurrent},
    show_attend_tell::ShowAttendTellCaptioner,
    transformer::TransformerCaptioner,
    up_down::UpDownCaptioner,
    update_parameters,
    weight::SetPrecision,
    words::Words,
};

pub use config::CaptionerConfig;

/// A captioner of any kind.
#[derive(Debug, Clone)]
pub struct Captioner {
    kind: Kind,
    /// Makes vectors of texts, if these are what is read.
    pub(crate) encoder: Option<TextEncoder>,
    /// Of the products of both.
    precision: Precision,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Also show-tell.
    Fc(FcCaptioner),
    /// Also Att2all.
    Att2in(Att2inCaptioner),
    ShowAttendTell(ShowAttendTellCaptioner),
    Markov(Box<MarkovCaptioner>),
    Transformer(Box<TransformerCaptioner>),
    UpDown(Box<UpDownCaptioner>),
    Custom(Box<CustomModel>),
}

impl Captioner {
    /// A captioner with initial weights drawn from `rng`, as 32-bit floats on `device`.
    ///
    /// # Errors
    /// [`ModelError`] when it is a captioner of another crate that is not registered, or makes no sense.
    pub fn init(
        config: &CaptionerConfig,
        dimensions: Dimensions,
        device: &Device,
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        Self::init_as(config, dimensions, (device, DType::F32), rng)
    }

    /// A captioner that reads texts, with an encoder before it, otherwise as by [`init`](Self::init).
    ///
    /// A captioner that reads one vector a source is given the mean over the tokens of a text.
    ///
    /// # Errors
    /// Those of [`init`](Self::init), and [`ModelError::NoText`] when it cannot read texts.
    pub fn init_with_encoder(
        config: &CaptionerConfig,
        encoder: &TextEncoderConfig,
        dimensions: TextDimensions,
        device: &Device,
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        Self::init_with_encoder_as(config, encoder, dimensions, (device, DType::F32), rng)
    }

    pub(crate) fn init_with_encoder_as(
        config: &CaptionerConfig,
        encoder: &TextEncoderConfig,
        dimensions: TextDimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        if !config.reads_texts() {
            return Err(ModelError::NoText {
                captioner: config.name(),
            });
        }
        let of_captioner = Dimensions {
            feature: encoder.width(),
            vocab: dimensions.vocab,
        };
        let captioner = Self::init_as(config, of_captioner, place, rng)?;
        if let CaptionerConfig::Custom(config) = config {
            TextEncoder::check_names(&config.name, &captioner.parameters())?;
        }
        let is_pooled = !config.reads_regions();
        let vocab = dimensions.source_vocab;
        let encoder = TextEncoder::init(encoder, is_pooled, vocab, place, rng);
        Ok(Self {
            encoder: Some(encoder),
            ..captioner
        })
    }

    pub(crate) fn init_as(
        config: &CaptionerConfig,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        let kind = match config {
            CaptionerConfig::Fc(config) => {
                Kind::Fc(FcCaptioner::init(config, true, dimensions, place, rng))
            }
            CaptionerConfig::ShowTell(config) => Kind::Fc(config.init(dimensions, place, rng)),
            CaptionerConfig::Att2in(config) => {
                let blocks = Att2inCaptioner::CANDIDATE_BLOCKS;
                let model = Att2inCaptioner::init(config, blocks, dimensions, place, rng);
                Kind::Att2in(model)
            }
            CaptionerConfig::Att2all(config) => Kind::Att2in(config.init(dimensions, place, rng)),
            CaptionerConfig::ShowAttendTell(config) => {
                let model = ShowAttendTellCaptioner::init(config, dimensions, place, rng);
                Kind::ShowAttendTell(model)
            }
            CaptionerConfig::Markov(config) => {
                let model = MarkovCaptioner::init(config, dimensions, place, rng);
                Kind::Markov(Box::new(model))
            }
            CaptionerConfig::Transformer(config) => {
                let model = TransformerCaptioner::init(config, dimensions, place, rng);
                Kind::Transformer(Box::new(model))
            }
            CaptionerConfig::UpDown(config) => {
                let model = UpDownCaptioner::init(config, dimensions, place, rng);
                Kind::UpDown(Box::new(model))
            }
            CaptionerConfig::Custom(config) => {
                Kind::Custom(Box::new(CustomModel::init(config, dimensions, place, rng)?))
            }
        };
        Ok(Self {
            kind,
            encoder: None,
            precision: Precision::default(),
        })
    }

    fn family(
        &self,
    ) -> Family<&dyn Recurrent, &TransformerCaptioner, &MarkovCaptioner, &CustomModel> {
        match &self.kind {
            Kind::Fc(model) => Family::Recurrent(model),
            Kind::Att2in(model) => Family::Recurrent(model),
            Kind::ShowAttendTell(model) => Family::Recurrent(model),
            Kind::UpDown(model) => Family::Recurrent(model.as_ref()),
            Kind::Markov(model) => Family::Markov(model),
            Kind::Transformer(model) => Family::Transformer(model),
            Kind::Custom(model) => Family::Custom(model),
        }
    }

    /// The bias of the scores of words, `[1, vocab]`.
    fn output_bias(&self) -> Tensor<2> {
        match self.family() {
            Family::Recurrent(model) => model.words().output_bias.val(),
            Family::Transformer(model) => model.output_layer().1,
            Family::Custom(model) => model.output_layer().1,
            Family::Markov(model) => model.output_bias(),
        }
    }

    /// The device and the type of the weights.
    pub(crate) fn place(&self) -> (Device, DType) {
        let bias = self.output_bias();
        (bias.device(), bias.dtype())
    }

    /// The device that the weights live on.
    pub fn device(&self) -> Device {
        self.place().0
    }

    /// Sizes that the data set decided.
    pub fn dimensions(&self) -> Dimensions {
        let feature = match self.family() {
            Family::Recurrent(model) => model.feature(),
            Family::Transformer(model) => model.feature(),
            Family::Custom(model) => model.feature(),
            Family::Markov(model) => model.feature(),
        };
        let [_, vocab] = self.output_bias().dims();
        Dimensions { feature, vocab }
    }

    /// Whether it scores whole captions: then [`backward`](Self::backward) takes [`Signal::Captions`], and there is no
    /// [`output_layer`](Self::output_layer).
    pub fn scores_whole_captions(&self) -> bool {
        matches!(self.family(), Family::Markov(_))
    }

    /// Words of the longest caption that it can score, if there is a longest.
    pub fn longest_caption(&self) -> Option<usize> {
        match self.family() {
            Family::Recurrent(_) | Family::Transformer(_) | Family::Custom(_) => None,
            Family::Markov(model) => Some(model.positions()),
        }
    }

    /// All parameters, in a fixed order.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut all = match &self.kind {
            Kind::Fc(model) => parameters(model),
            Kind::Att2in(model) => parameters(model),
            Kind::ShowAttendTell(model) => parameters(model),
            Kind::Markov(model) => parameters(&**model),
            Kind::Transformer(model) => parameters(&**model),
            Kind::UpDown(model) => parameters(model.as_ref()),
            Kind::Custom(model) => model.parameters(),
        };
        all.extend(self.encoder.iter().flat_map(TextEncoder::parameters));
        all
    }

    /// This captioner with every parameter replaced by what `change` makes of it.
    ///
    /// `change` sees the name and the flattened values and returns as many values.
    #[must_use]
    pub fn update(self, mut change: impl FnMut(&str, Tensor<1>) -> Tensor<1>) -> Self {
        let encoder = self.encoder.map(|encoder| encoder.update(&mut change));
        let kind = match self.kind {
            Kind::Fc(model) => Kind::Fc(update_parameters(model, change)),
            Kind::Att2in(model) => Kind::Att2in(update_parameters(model, change)),
            Kind::ShowAttendTell(model) => Kind::ShowAttendTell(update_parameters(model, change)),
            Kind::Markov(model) => Kind::Markov(Box::new(update_parameters(*model, change))),
            Kind::Transformer(model) => {
                Kind::Transformer(Box::new(update_parameters(*model, change)))
            }
            Kind::UpDown(model) => Kind::UpDown(Box::new(update_parameters(*model, change))),
            Kind::Custom(model) => Kind::Custom(Box::new(model.update(change))),
        };
        Self {
            kind,
            encoder,
            ..self
        }
    }

    /// This captioner, whose products with its weights, forward and backward, are then taken in this precision; to begin
    /// with it is that of 32 bits, as is whatever else it computes, and as are its weights and their gradients.
    ///
    /// A captioner of another crate, and one that scores whole captions, stay as they are.
    ///
    /// # Errors
    /// [`ModelError::Precision`] when the machine does not have it where the weights are.
    pub fn with_precision(self, precision: Precision) -> Result<Self, ModelError> {
        let stays = matches!(self.family(), Family::Custom(_) | Family::Markov(_));
        if stays || self.precision == precision {
            return Ok(self);
        }
        let (device, dtype) = self.place();
        if !precision.is_available(&device, dtype) {
            return Err(ModelError::Precision);
        }
        let mut set = SetPrecision(precision);
        let kind = match self.kind {
            Kind::Fc(model) => Kind::Fc(model.map(&mut set)),
            Kind::Att2in(model) => Kind::Att2in(model.map(&mut set)),
            Kind::ShowAttendTell(model) => Kind::ShowAttendTell(model.map(&mut set)),
            Kind::Transformer(model) => Kind::Transformer(Box::new((*model).map(&mut set))),
            Kind::UpDown(model) => Kind::UpDown(Box::new((*model).map(&mut set))),
            other @ (Kind::Markov(_) | Kind::Custom(_)) => other,
        };
        let encoder = self
            .encoder
            .map(|encoder| encoder.with_precision(precision));
        Ok(Self {
            kind,
            encoder,
            precision,
        })
    }

    /// What the products with its weights are taken in, those of the [output layer](Self::output_layer) too.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Vectors to read: as they came, or what the encoder makes of texts.
    fn vectors(
        &self,
        source: Source,
        dropout: Option<&mut Dropout>,
    ) -> Result<(SourceVectors, Option<Box<EncoderRecord>>), ModelError> {
        match (source, &self.encoder) {
            (Source::Vectors(vectors), None) => Ok((vectors, None)),
            (Source::Tokens(texts), Some(encoder)) => {
                let (vectors, record) = encoder.read(&texts, dropout)?;
                Ok((vectors, Some(Box::new(record))))
            }
            (Source::Vectors(_), Some(_)) => Err(ModelError::OtherSource {
                found: "vectors",
                expected: "texts",
            }),
            (Source::Tokens(_), None) => Err(ModelError::OtherSource {
                found: "texts",
                expected: "vectors",
            }),
        }
    }

    /// Reads sources and opens captions, for decoding without gradients.
    ///
    /// `source_of_sequence`: index of the source of every caption.
    ///
    /// # Errors
    /// [`ModelError`] when features and captioner do not fit, or an index is out of range.
    pub fn start(
        &self,
        source: impl Into<Source>,
        source_of_sequence: &[usize],
    ) -> Result<State, ModelError> {
        let source = source.into();
        if let Family::Custom(model) = self.family() {
            // Decoding leaves nothing for autodiff.
            let (vectors, _) = self.vectors(source, None)?;
            let state = model.start(&vectors, source_of_sequence)?;
            return Ok(State(Family::Custom(state)));
        }
        let (state, _) = self.start_tape(source, source_of_sequence, Noise::default())?;
        Ok(state)
    }

    /// Like [`start`](Self::start), with a tape that [`step`](Self::step) goes on recording, and
    /// with dropout and drawn regions.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn start_tape(
        &self,
        source: impl Into<Source>,
        source_of_sequence: &[usize],
        mut noise: Noise,
    ) -> Result<(State, Tape), ModelError> {
        let (features, encoded) = self.vectors(source.into(), noise.dropout.as_mut())?;
        let (state, run) = match self.family() {
            Family::Recurrent(model) => {
                let (state, tape) = recurrent::start(model, features, source_of_sequence, noise)?;
                (Family::Recurrent(state), Family::Recurrent(tape))
            }
            Family::Transformer(model) => {
                let (state, tape) = model.start(features, source_of_sequence, noise.dropout)?;
                (Family::Transformer(state), Family::Transformer(tape))
            }
            Family::Markov(model) => {
                let (state, tape) = model.start(features, source_of_sequence, noise.dropout)?;
                (Family::Markov(state), Family::Markov(tape))
            }
            Family::Custom(model) => {
                let (state, tape) =
                    model.start_tape(&features, source_of_sequence, noise.dropout)?;
                (Family::Custom(state), Family::Custom(tape))
            }
        };
        Ok((State(state), Tape::new(run, encoded)))
    }

    /// Feeds one word to every open caption. Returns the input of the output layer,
    /// `[rows, hidden]`, and the state that follows; of a captioner that scores whole captions, the
    /// [`logits`](Self::logits) themselves.
    ///
    /// With a tape the step is recorded, and dropout and drawn regions of the tape are applied. Without one, a
    /// captioner with hard attention looks at the most probable region.
    ///
    /// # Errors
    /// [`ModelError`] for a word outside the vocabulary, or when there is not one word a row.
    pub fn step(
        &self,
        words: &[u32],
        state: State,
        tape: Option<&mut Tape>,
    ) -> Result<(Tensor<2>, State), ModelError> {
        match (self.family(), state.0) {
            (Family::Recurrent(model), Family::Recurrent(state)) => {
                let tape = tape.map(Tape::recurrent).transpose()?;
                let words = Words::Known(words);
                let (hidden, state) = recurrent::step(model, &words, state, tape)?;
                Ok((hidden, State(Family::Recurrent(state))))
            }
            (Family::Transformer(model), Family::Transformer(state)) => {
                let tape = tape.map(Tape::transformer).transpose()?;
                let (hidden, state) = model.step(Words::Known(words), state, tape)?;
                Ok((hidden, State(Family::Transformer(state))))
            }
            (Family::Markov(model), Family::Markov(state)) => {
                let (logits, state) = model.step(words, state)?;
                Ok((logits, State(Family::Markov(state))))
            }
            (Family::Custom(model), Family::Custom(state)) => {
                let tape = tape.map(Tape::custom).transpose()?;
                let (hidden, state) = model.step(words, state, tape)?;
                Ok((hidden, State(Family::Custom(state))))
            }
            _ => Err(ModelError::OtherCaptioner),
        }
    }

    /// Like [`step`](Self::step) without a tape, but returns where the captioner looks as it goes on from the words:
    /// the weights of attention, `[rows, regions of the image with the most]`, or tokens of the longest text, every row of
    /// which sums to 1; of the transformer those of its last layer, mean over the heads.
    ///
    /// # Errors
    /// [`ModelError::NoAttention`] when it does not attend to regions, and those of [`step`](Self::step).
    pub fn attend(&self, words: &[u32], state: State) -> Result<(Tensor<2>, State), ModelError> {
        match (self.family(), state.0) {
            (Family::Recurrent(model), Family::Recurrent(state)) => {
                let (weights, state) = recurrent::attend(model, words, state)?;
                Ok((weights, State(Family::Recurrent(state))))
            }
            (Family::Transformer(model), Family::Transformer(state)) => {
                let (weights, state) = model.attend(words, state)?;
                Ok((weights, State(Family::Transformer(state))))
            }
            (Family::Markov(_), Family::Markov(_)) | (Family::Custom(_), Family::Custom(_)) => {
                Err(ModelError::NoAttention)
            }
            _ => Err(ModelError::OtherCaptioner),
        }
    }

    /// Runs whole captions, given as input words, and returns the tape.
    ///
    /// The input words of a caption are the end token and then its words but for the last. What
    /// does not wait for earlier timesteps is one matrix product for all of them: the input
    /// projection of a recurrent captioner, every product of the transformer.
    ///
    /// # Errors
    /// [`ModelError`] when captions, images and captioner do not fit together.
    pub fn teacher_forced(
        &self,
        source: impl Into<Source>,
        source_of_sequence: &[usize],
        input_words: &[&[u32]],
        mut noise: Noise,
    ) -> Result<Tape, ModelError> {
        let (sources, words) = (source_of_sequence, input_words);
        let (features, encoded) = self.vectors(source.into(), noise.dropout.as_mut())?;
        let run = match self.family() {
            Family::Recurrent(model) => Family::Recurrent(recurrent::teacher_forced(
                model, features, sources, words, noise,
            )?),
            Family::Transformer(model) => Family::Transformer(model.teacher_forced(
                features,
                sources,
                words,
                noise.dropout,
            )?),
            Family::Markov(model) => {
                Family::Markov(model.read(features, sources, noise.dropout)?)
            }
            Family::Custom(model) => {
                Family::Custom(model.teacher_forced(&features, sources, words, noise.dropout)?)
            }
        };
        Ok(Tape::new(run, encoded))
    }

    /// The weight `[hidden, vocab]` and bias `[1, vocab]` of the output layer.
    ///
    /// # Errors
    /// [`ModelError::WholeCaptions`] when the captioner scores whole captions.
    pub fn output_layer(&self) -> Result<(Tensor<2>, Tensor<2>), ModelError> {
        match self.family() {
            Family::Recurrent(model) => {
                let words = model.words();
                Ok((words.output_weight.val(), words.output_bias.val()))
            }
            Family::Transformer(model) => Ok(model.output_layer()),
            Family::Custom(model) => Ok(model.output_layer()),
            Family::Markov(_) => Err(ModelError::WholeCaptions),
        }
    }

    /// Logits from what [`step`](Self::step) returns, `[rows, vocab]`.
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        match self.family() {
            Family::Recurrent(model) => model.words().logits(hidden),
            Family::Transformer(model) => model.logits(hidden),
            Family::Custom(model) => {
                let (weight, bias) = model.output_layer();
                hidden.matmul(weight) + bias
            }
            Family::Markov(_) => hidden,
        }
    }

    /// Gradients of all parameters from the signal of an objective.
    ///
    /// # Errors
    /// [`ModelError`] when rows or captions are not those of the tape, another captioner made it, or the signal is not
    /// one for such a captioner.
    pub fn backward(&self, tape: Tape, signal: Signal<'_>) -> Result<Backward, ModelError> {
        let mut early = Gradients::default();
        let mut backward =
            self.backward_in_groups(tape, signal, &mut |_, group| early.merge(group))?;
        backward.gradients.merge(early);
        Ok(backward)
    }

    /// How many groups of gradients [`backward_in_groups`](Self::backward_in_groups) hands out early.
    pub fn early_groups(&self) -> usize {
        match self.family() {
            Family::Recurrent(_) => recurrent::EARLY_GROUPS,
            Family::Transformer(model) => model.early_groups(),
            Family::Markov(_) | Family::Custom(_) => 0,
        }
    }

    /// As [`backward`](Self::backward), but gradients that are complete before the pass has ended are handed out at once, so
    /// that others can begin with them; all others are returned.
    ///
    /// # Errors
    /// Those of [`backward`](Self::backward).
    pub fn backward_in_groups(
        &self,
        tape: Tape,
        signal: Signal<'_>,
        hand_out: HandOut<'_>,
    ) -> Result<Backward, ModelError> {
        let signal = match signal {
            Signal::Words { output, location } => {
                let hidden = tape.at_all_rows(output.hidden);
                let output = OutputGradients { hidden, ..output };
                Signal::Words { output, location }
            }
            of_captions @ Signal::Captions { .. } => of_captions,
        };
        let Tape { run, encoded, .. } = tape;
        let (mut gradients, d_vectors) = match (self.family(), run, signal) {
            (
                Family::Recurrent(model),
                Family::Recurrent(tape),
                Signal::Words { output, location },
            ) => recurrent::backward(model, tape, output, location, hand_out)?,
            (
                Family::Transformer(model),
                Family::Transformer(tape),
                Signal::Words { output, .. },
            ) => model.backward(tape, output, hand_out)?,
            (Family::Custom(_), Family::Custom(tape), Signal::Words { output, .. }) => {
                CustomModel::backward(&tape, output)?
            }
            (
                Family::Markov(model),
                Family::Markov(tape),
                Signal::Captions {
                    captions,
                    weights,
                    position_weight,
                },
            ) => return model.backward(tape, captions, weights, position_weight),
            (Family::Markov(_), Family::Markov(_), Signal::Words { .. }) => {
                return Err(ModelError::WholeCaptions);
            }
            _ => return Err(ModelError::OtherCaptioner),
        };
        if let (Some(encoder), Some(record), Some(d_vectors)) = (&self.encoder, encoded, d_vectors)
        {
            encoder.backward(*record, d_vectors, &mut gradients)?;
        }
        Ok(gradients.into())
    }
}

#[cfg(test)]
mod layout_tests;
#[cfg(test)]
mod tests;
