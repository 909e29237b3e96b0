//! The captioner that a configuration names, and what every captioner offers.

use burn::tensor::{DType, Device, Tensor};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{
    Gradients, ImageFeatures, LocationSignal, ModelError, Noise, OutputGradients, Parameter, State,
    Tape,
    att2all::Att2allConfig,
    att2in::{Att2inCaptioner, Att2inConfig},
    fc::{FcCaptioner, FcConfig},
    parameters,
    recurrent::{self, Recurrent},
    show_attend_tell::{AttentionKind, ShowAttendTellCaptioner, ShowAttendTellConfig},
    show_tell::ShowTellConfig,
    up_down::{UpDownCaptioner, UpDownConfig},
    update_parameters,
};

/// Which captioner, with its sizes: `[model.fc]` in a configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CaptionerConfig {
    /// The image vector as the first input of an LSTM (Rennie et al. 2017, section 3.1).
    Fc(FcConfig),
    /// The image vector as the first input of an LSTM that reads words without a ReLU (Vinyals et al. 2015).
    ShowTell(ShowTellConfig),
    /// Attention over regions, which enters the candidate of an LSTM (Rennie et al. 2017, section 3.2).
    Att2in(Att2inConfig),
    /// Attention over regions, which enters candidate and gates of an LSTM (Rennie et al. 2017).
    Att2all(Att2allConfig),
    /// Soft or hard attention over regions, which enters all gates of an LSTM (Xu et al. 2015).
    ShowAttendTell(ShowAttendTellConfig),
    /// One LSTM that attends to regions, below one that chooses words (Anderson et al. 2018).
    UpDown(UpDownConfig),
}

impl CaptionerConfig {
    /// Its name in a configuration file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fc(_) => "fc",
            Self::ShowTell(_) => "show_tell",
            Self::Att2in(_) => "att2in",
            Self::Att2all(_) => "att2all",
            Self::ShowAttendTell(_) => "show_attend_tell",
            Self::UpDown(_) => "up_down",
        }
    }

    /// Share of units that dropout removes in training.
    pub fn dropout(&self) -> f64 {
        match self {
            Self::Fc(config) => config.dropout,
            Self::ShowTell(config) => config.dropout,
            Self::Att2in(config) => config.dropout,
            Self::Att2all(config) => config.dropout,
            Self::ShowAttendTell(config) => config.dropout,
            Self::UpDown(config) => config.dropout,
        }
    }

    /// Its sizes, by their names in a configuration file.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        let (hidden, embedding, attention) = match self {
            Self::Fc(config) => (config.hidden, config.embedding, None),
            Self::ShowTell(config) => (config.hidden, config.embedding, None),
            Self::Att2in(config) => (config.hidden, config.embedding, Some(config.attention_size)),
            Self::Att2all(config) => (config.hidden, config.embedding, Some(config.attention_size)),
            Self::ShowAttendTell(config) => {
                (config.hidden, config.embedding, Some(config.attention_size))
            }
            Self::UpDown(config) => (config.hidden, config.embedding, Some(config.attention_size)),
        };
        let mut sizes = vec![("hidden", hidden), ("embedding", embedding)];
        sizes.extend(attention.map(|size| ("attention_size", size)));
        sizes
    }

    /// Whether it reads vectors of regions; else it reads one vector an image.
    pub fn reads_regions(&self) -> bool {
        match self {
            Self::Fc(_) | Self::ShowTell(_) => false,
            Self::Att2in(_) | Self::Att2all(_) | Self::ShowAttendTell(_) | Self::UpDown(_) => true,
        }
    }

    /// Whether it looks at one region a step.
    pub fn attends_hard(&self) -> bool {
        matches!(self, Self::ShowAttendTell(config) if config.attention == AttentionKind::Hard)
    }
}

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
    UpDown(Box<UpDownCaptioner>),
}

impl Captioner {
    /// A captioner with initial weights drawn from `rng`, as 32-bit floats on `device`.
    pub fn init(
        config: &CaptionerConfig,
        dimensions: Dimensions,
        device: &Device,
        rng: &mut impl Rng,
    ) -> Self {
        Self::init_as(config, dimensions, (device, DType::F32), rng)
    }

    fn init_as(
        config: &CaptionerConfig,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
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
            CaptionerConfig::UpDown(config) => {
                let model = UpDownCaptioner::init(config, dimensions, place, rng);
                Kind::UpDown(Box::new(model))
            }
        };
        Self { kind }
    }

    fn recurrent(&self) -> &dyn Recurrent {
        match &self.kind {
            Kind::Fc(model) => model,
            Kind::Att2in(model) => model,
            Kind::ShowAttendTell(model) => model,
            Kind::UpDown(model) => model.as_ref(),
        }
    }

    /// The device that the weights live on.
    pub fn device(&self) -> Device {
        self.recurrent().words().place().0
    }

    /// Sizes that the data set decided.
    pub fn dimensions(&self) -> Dimensions {
        let model = self.recurrent();
        Dimensions {
            feature: model.feature(),
            vocab: model.words().vocab(),
        }
    }

    /// All parameters, in a fixed order.
    pub fn parameters(&self) -> Vec<Parameter> {
        match &self.kind {
            Kind::Fc(model) => parameters(model),
            Kind::Att2in(model) => parameters(model),
            Kind::ShowAttendTell(model) => parameters(model),
            Kind::UpDown(model) => parameters(model.as_ref()),
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
            Kind::UpDown(model) => Kind::UpDown(Box::new(update_parameters(*model, change))),
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
        Ok(self
            .start_tape(features, image_of_caption, Noise::default())?
            .0)
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
        recurrent::start(self.recurrent(), features, image_of_caption, noise)
    }

    /// Feeds one word to every open caption. Returns the input of the output layer,
    /// `[rows, hidden]`, and the state that follows.
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
        recurrent::step(self.recurrent(), words, state, tape)
    }

    /// Runs whole captions, given as input words, and returns the tape.
    ///
    /// The input words of a caption are the end token and then its words but for the last. The
    /// input projection of all timesteps is one matrix product.
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
        let model = self.recurrent();
        recurrent::teacher_forced(model, features, image_of_caption, input_words, noise)
    }

    /// The weight `[hidden, vocab]` and bias `[1, vocab]` of the output layer.
    pub fn output_layer(&self) -> (Tensor<2>, Tensor<2>) {
        let words = self.recurrent().words();
        (words.output_weight.val(), words.output_bias.val())
    }

    /// Logits from the inputs of the output layer, `[rows, hidden]` to `[rows, vocab]`.
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let (weight, bias) = self.output_layer();
        hidden.matmul(weight) + bias
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
        recurrent::backward(self.recurrent(), tape, output, location)
    }
}

#[cfg(test)]
mod layout_tests;
#[cfg(test)]
mod tests;
