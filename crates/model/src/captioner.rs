//! The captioner that a configuration names, and what every captioner offers.

mod config;

use burn::tensor::{DType, Device, Tensor};
use rand::Rng;

use crate::{
    CaptionLoss, Gradients, ImageFeatures, LocationSignal, ModelError, Noise, OutputGradients,
    Parameter, State, Tape,
    att2in::Att2inCaptioner,
    custom::CustomModel,
    family::Family,
    fc::FcCaptioner,
    markov::MarkovCaptioner,
    parameters,
    recurrent::{self, Recurrent},
    show_attend_tell::ShowAttendTellCaptioner,
    transformer::TransformerCaptioner,
    up_down::UpDownCaptioner,
    update_parameters,
};

pub use config::CaptionerConfig;

/// Sizes that the data set decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    /// Length of an image's feature vector.
    pub feature: usize,
    /// Words in the vocabulary, end token included.
    pub vocab: usize,
}

/// A captioner of any kind.
#[derive(Debug, Clone)]
pub struct Captioner {
    kind: Kind,
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
        Ok(Self { kind })
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

    /// Whether it scores whole captions: then [`whole_backward`](Self::whole_backward) takes the place of
    /// [`backward`](Self::backward), and there is no [`output_layer`](Self::output_layer).
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
        match &self.kind {
            Kind::Fc(model) => parameters(model),
            Kind::Att2in(model) => parameters(model),
            Kind::ShowAttendTell(model) => parameters(model),
            Kind::Markov(model) => parameters(&**model),
            Kind::Transformer(model) => parameters(&**model),
            Kind::UpDown(model) => parameters(model.as_ref()),
            Kind::Custom(model) => model.parameters(),
        }
    }

    /// This captioner with every parameter replaced by what `change` makes of it.
    ///
    /// `change` sees the name and the flattened values and returns as many values.
    #[must_use]
    pub fn update(self, change: impl FnMut(&str, Tensor<1>) -> Tensor<1>) -> Self {
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
        Self { kind }
    }

    /// Reads images and opens captions, for decoding without gradients.
    ///
    /// `image_of_caption`: index of an image for every caption.
    ///
    /// # Errors
    /// [`ModelError`] when features and captioner do not fit, or an index is out of range.
    pub fn start(
        &self,
        features: ImageFeatures,
        image_of_caption: &[usize],
    ) -> Result<State, ModelError> {
        if let Family::Custom(model) = self.family() {
            // Decoding leaves nothing for autodiff.
            let state = model.start(&features, image_of_caption)?;
            return Ok(State(Family::Custom(state)));
        }
        let (state, _) = self.start_tape(features, image_of_caption, Noise::default())?;
        Ok(state)
    }

    /// Like [`start`](Self::start), with a tape that [`step`](Self::step) goes on recording, and
    /// with dropout and drawn regions.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn start_tape(
        &self,
        features: ImageFeatures,
        image_of_caption: &[usize],
        noise: Noise,
    ) -> Result<(State, Tape), ModelError> {
        Ok(match self.family() {
            Family::Recurrent(model) => {
                let (state, tape) = recurrent::start(model, features, image_of_caption, noise)?;
                (
                    State(Family::Recurrent(state)),
                    Tape(Family::Recurrent(tape)),
                )
            }
            Family::Transformer(model) => {
                let (state, tape) = model.start(features, image_of_caption, noise.dropout)?;
                (
                    State(Family::Transformer(state)),
                    Tape(Family::Transformer(tape)),
                )
            }
            Family::Markov(model) => {
                let (state, tape) = model.start(features, image_of_caption, noise.dropout)?;
                (State(Family::Markov(state)), Tape(Family::Markov(tape)))
            }
            Family::Custom(model) => {
                let (state, tape) = model.start_tape(&features, image_of_caption, noise.dropout)?;
                (State(Family::Custom(state)), Tape(Family::Custom(tape)))
            }
        })
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
                let (hidden, state) = recurrent::step(model, words, state, tape)?;
                Ok((hidden, State(Family::Recurrent(state))))
            }
            (Family::Transformer(model), Family::Transformer(state)) => {
                let tape = tape.map(Tape::transformer).transpose()?;
                let (hidden, state) = model.step(words, state, tape)?;
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
    /// the weights of attention, `[rows, regions of the image with the most]`, every row of which sums to 1; of the
    /// transformer those of its last layer, mean over the heads.
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
        features: ImageFeatures,
        image_of_caption: &[usize],
        input_words: &[&[u32]],
        noise: Noise,
    ) -> Result<Tape, ModelError> {
        let (images, words) = (image_of_caption, input_words);
        Ok(Tape(match self.family() {
            Family::Recurrent(model) => Family::Recurrent(recurrent::teacher_forced(
                model, features, images, words, noise,
            )?),
            Family::Transformer(model) => {
                Family::Transformer(model.teacher_forced(features, images, words, noise.dropout)?)
            }
            Family::Markov(model) => Family::Markov(model.read(features, images, noise.dropout)?),
            Family::Custom(model) => {
                Family::Custom(model.teacher_forced(&features, images, words, noise.dropout)?)
            }
        }))
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
        match self.output_layer() {
            Ok((weight, bias)) => hidden.matmul(weight) + bias,
            Err(_) => hidden,
        }
    }

    /// Gradients of all parameters from those at the output layer and, with hard attention, from what the choice of
    /// regions learns from.
    ///
    /// # Errors
    /// [`ModelError`] when the rows are not those of the tape, or another captioner made it.
    pub fn backward(
        &self,
        tape: Tape,
        output: OutputGradients,
        location: Option<LocationSignal<'_>>,
    ) -> Result<Gradients, ModelError> {
        match (self.family(), tape.0) {
            (Family::Recurrent(model), Family::Recurrent(tape)) => {
                recurrent::backward(model, tape, output, location)
            }
            (Family::Transformer(model), Family::Transformer(tape)) => model.backward(tape, output),
            (Family::Custom(_), Family::Custom(tape)) => CustomModel::backward(&tape, output),
            _ => Err(ModelError::OtherCaptioner),
        }
    }

    /// Gradients of all parameters from the weights `a` of whole captions, and what became of each caption.
    ///
    /// ```text
    /// L = sum_n a_n (-log P(y_n given its image) + position_weight sum_t -log P_t(y_n,t))
    /// ```
    ///
    /// Weight 1 and gold captions train by maximum likelihood, sampled captions and their advantages are
    /// self-critical training. `P_t` is the softmax over the node scores of position `t` alone: since only the words of
    /// its shortlist count in `P`, the cross-entropy of single words is what teaches which words to list (Sun et al.
    /// 2019, section 3.3, who weigh it by 0.5).
    ///
    /// # Shapes
    /// `captions`, `weights`: one a caption of the tape.
    ///
    /// # Errors
    /// [`ModelError`] when the captions are not those of the tape, or the captioner scores word by word.
    pub fn whole_backward(
        &self,
        tape: Tape,
        captions: &[Vec<u32>],
        weights: &[f64],
        position_weight: f64,
    ) -> Result<(Gradients, Vec<CaptionLoss>), ModelError> {
        match (self.family(), tape.0) {
            (Family::Markov(model), Family::Markov(tape)) => {
                model.backward(tape, captions, weights, position_weight)
            }
            _ => Err(ModelError::OtherCaptioner),
        }
    }
}

#[cfg(test)]
mod layout_tests;
#[cfg(test)]
mod tests;
