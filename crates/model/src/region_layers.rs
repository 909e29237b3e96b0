//! The layers that face regions: their projection, the attention to them, and its way into the gates.

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor},
};
use rand::Rng;

use crate::{
    Dropout, Gradients, ModelError, SourceVectors,
    attention::{AttentionBackward, AttentionRecord, Regions, attend, attend_backward},
    dropout::dropped,
    init,
    locations::{LocationSignal, Look},
    lstm::{Candidate, GateInputs, cell, cell_backward},
    recurrent::StepSums,
    relu::{relu, relu_dropout_backward},
    tape::{CoreRecord, SourceRecord, State},
    weight::Weight,
};

/// ```text
/// v_r = drop(relu(region_r W_I + b_I)) or region_r,   k_r = v_r W_k + b_k
/// alpha = softmax_r(w . tanh(k_r + q)),   z = sum_r alpha_r v_r,   into the gates: z W_z
/// ```
#[derive(Module, Debug)]
pub(crate) struct RegionLayers {
    /// `W_I`, `[feature, values]`; values are regions as they are if absent.
    pub(crate) image_weight: Option<Weight>,
    /// `b_I`, `[1, values]`.
    pub(crate) image_bias: Option<Param<Tensor<2>>>,
    /// `W_k`, `[values, attention]`.
    pub(crate) key_weight: Weight,
    /// `b_k`, `[1, attention]`.
    pub(crate) key_bias: Param<Tensor<2>>,
    /// `w`, `[attention, 1]`.
    pub(crate) score_weight: Param<Tensor<2>>,
    /// `W_z`, `[values, gates that the context enters]`.
    pub(crate) context_weight: Weight,
}

impl RegionLayers {
    /// Initial layers that project regions, of `[feature, hidden, attention, gates that the context enters]`.
    pub(crate) fn init(
        [feature, hidden, attention, gates]: [usize; 4],
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let mut linear = |shape: [usize; 2], inputs| init::linear(shape, inputs, place, rng);
        Self {
            image_weight: Some(linear([feature, hidden], feature).into()),
            image_bias: Some(linear([1, hidden], feature)),
            key_weight: linear([hidden, attention], hidden).into(),
            key_bias: linear([1, attention], hidden),
            score_weight: linear([attention, 1], attention),
            context_weight: linear([hidden, gates], hidden).into(),
        }
    }

    pub(crate) fn feature(&self) -> usize {
        let first = self.image_weight.as_ref().unwrap_or(&self.key_weight);
        first.dims()[0]
    }

    /// Length of a value: the units of the LSTM where regions are projected.
    pub(crate) fn hidden(&self) -> usize {
        self.key_weight.dims()[0]
    }

    fn projection(&self) -> Option<(&Weight, &Param<Tensor<2>>)> {
        self.image_weight.as_ref().zip(self.image_bias.as_ref())
    }

    /// Values and keys of all regions.
    pub(crate) fn read(
        &self,
        features: SourceVectors,
        dropout: Option<&mut Dropout>,
    ) -> (Regions, SourceRecord) {
        let values = match self.projection() {
            None => features.vectors(),
            Some((weight, bias)) => {
                let projected = relu(weight.affine(features.vectors(), bias));
                dropped(projected, dropout).0
            }
        };
        let keys = self.key_weight.affine(values.clone(), &self.key_bias);
        let regions = Regions::new(keys, values.clone(), features.region_counts());
        let sources = SourceRecord {
            features,
            projected: values,
            cell: None,
            start: None,
            regions: Some(regions.clone()),
        };
        (regions, sources)
    }

    /// Attends with queries, `[rows, attention]`. Returns the record and `z W_z`.
    pub(crate) fn attend(
        &self,
        state: &State,
        queries: Tensor<2>,
        look: &mut Look<'_>,
    ) -> Result<(AttentionRecord, Tensor<2>), ModelError> {
        let regions = state.regions.as_ref().ok_or(ModelError::OtherCaptioner)?;
        let score = self.score_weight.val();
        let record = attend(regions, score, queries, &state.source_of_row, look)?;
        let context = self.context_weight.product(record.context.clone());
        Ok((record, context))
    }

    /// The gradient at the queries from that at `z W_z`.
    pub(crate) fn attend_backward(
        &self,
        sources: &SourceRecord,
        record: Option<AttentionRecord>,
        d_context: Tensor<2>,
        location: Option<LocationSignal<'_>>,
        sums: &mut StepSums,
    ) -> Result<Tensor<2>, ModelError> {
        let (Some(regions), Some(record)) = (&sources.regions, record) else {
            return Err(ModelError::OtherCaptioner);
        };
        let attention = sums
            .attention
            .get_or_insert_with(|| AttentionBackward::new(regions, self.context_weight.clone()));
        let d_context = attention
            .context
            .backward(record.context.clone(), d_context);
        let score = self.score_weight.val();
        Ok(attend_backward(
            regions, score, record, d_context, location, attention,
        ))
    }

    /// The step of an LSTM that attends with `h_(t-1)` and takes `z_t W_z` into the last of its gates.
    ///
    /// `recurrent`: `h_(t-1) W_h`, the gates and behind them the queries.
    pub(crate) fn cell(
        &self,
        candidate: Candidate,
        input: Tensor<2>,
        recurrent: Tensor<2>,
        state: State,
        mut look: Look<'_>,
    ) -> Result<(State, CoreRecord), ModelError> {
        let [_, gates] = input.dims();
        let queries = recurrent.dims()[1] - gates;
        let queries = recurrent.clone().narrow(1, gates, queries);
        let (attended, context) = self.attend(&state, queries, &mut look)?;
        let inputs = GateInputs {
            a: input,
            recurrent: Some(recurrent.narrow(1, 0, gates)),
            entering: Some(context),
        };
        let (hidden, cell, record) = cell(candidate, inputs, state.cell);
        let record = CoreRecord {
            cell: record,
            attention: Some(attended),
            below: None,
        };
        let state = State {
            hidden,
            cell,
            source_of_row: state.source_of_row,
            regions: state.regions,
        };
        Ok((state, record))
    }

    /// The gradients at `h_(t-1) W_h` and at `c_(t-1)`.
    pub(crate) fn cell_backward(
        &self,
        candidate: Candidate,
        record: CoreRecord,
        sources: &SourceRecord,
        (dh, dc): (Tensor<2>, Tensor<2>),
        location: Option<LocationSignal<'_>>,
        sums: &mut StepSums,
    ) -> Result<(Tensor<2>, Tensor<2>), ModelError> {
        let (d_gates, dc_before) = cell_backward(candidate, record.cell, dh, dc);
        let d_context = self.entered(d_gates.clone());
        let attended = record.attention;
        let d_queries = self.attend_backward(sources, attended, d_context, location, sums)?;
        Ok((Tensor::cat(vec![d_gates, d_queries], 1), dc_before))
    }

    /// The gates that the context enters, of all gates.
    fn entered(&self, gates: Tensor<2>) -> Tensor<2> {
        let ([_, all], [_, entered]) = (gates.dims(), self.context_weight.dims());
        gates.narrow(1, all - entered, entered)
    }

    /// Adds the gradients of all these layers, below `regions`.
    ///
    /// `d_gates`: at all gates of all steps; `d_start`: at the values, from elsewhere than attention. `scale`: what
    /// dropout multiplied kept units by. Returns the gradient at the regions as they came, where the backward pass goes
    /// on to them.
    pub(crate) fn backward(
        &self,
        sources: &SourceRecord,
        d_gates: Tensor<2>,
        attention: AttentionBackward,
        d_start: Option<Tensor<2>>,
        scale: f64,
        gradients: &mut Gradients,
    ) -> Option<Tensor<2>> {
        let d_weight = attention.context.weight_gradient(self.entered(d_gates));
        gradients.add("regions.context_weight", d_weight);
        gradients.add("regions.score_weight", attention.d_score.sum_dim(0));

        let (d_keys, values) = (attention.d_keys, sources.projected.clone());
        gradients.add("regions.key_bias", d_keys.clone().sum_dim(0));
        let d_weight = self.key_weight.gradient(values.clone(), d_keys.clone());
        gradients.add("regions.key_weight", d_weight);
        let goes_on = sources.features.needs_gradient();
        let projection = self.projection();
        if projection.is_none() && !goes_on {
            return None;
        }
        let mut d_values = attention.d_values + self.key_weight.input_gradient(d_keys);
        if let Some(d_start) = d_start {
            d_values = d_values + d_start;
        }
        let Some((image_weight, _)) = projection else {
            return Some(d_values);
        };
        let d_projected = relu_dropout_backward(d_values, values, scale);
        gradients.add("regions.image_bias", d_projected.clone().sum_dim(0));
        let vectors = sources.features.vectors();
        let d_weight = image_weight.gradient(vectors, d_projected.clone());
        gradients.add("regions.image_weight", d_weight);
        goes_on.then(|| image_weight.input_gradient(d_projected))
    }
}
