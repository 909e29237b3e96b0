//! Rollouts, of several targets a text, against teacher forcing, and all against autodiff.

use super::*;
use crate::{autodiff, encoder::Kind};

/// A recorded run of single steps over [`INPUTS`], whose targets end at different steps.
fn by_steps(model: &Captioner, rate: f64) -> Tape {
    let started = model.start_tape(texts(&TEXTS), &TEXT_OF_TARGET, noise(rate));
    let (mut state, mut tape) = started.unwrap();
    let mut open: Vec<usize> = (0..INPUTS.len()).collect();
    let steps = INPUTS.iter().map(|words| words.len()).max().unwrap();
    #[expect(
        clippy::needless_range_loop,
        reason = "a timestep, not an index of targets"
    )]
    for t in 0..steps {
        let goes_on = |&k: &usize| INPUTS[open[k]].len() > t;
        let rows: Vec<usize> = (0..open.len()).filter(goes_on).collect();
        if rows.len() < open.len() {
            state = state.select(&rows);
            tape.keep(&rows);
            open = rows.iter().map(|&k| open[k]).collect();
        }
        let words: Vec<u32> = open.iter().map(|&n| INPUTS[n][t]).collect();
        (_, state) = model.step(&words, state, Some(&mut tape)).unwrap();
    }
    tape
}

fn largest(tensor: Tensor<1>) -> f64 {
    tensor.abs().max().into_scalar::<f64>()
}

#[test]
fn single_steps_equal_teacher_forcing_of_texts_and_their_gradients() {
    let place = (&Device::flex(), DType::F32);
    let d_hidden = hidden_gradient(place);
    for captioner in captioners() {
        for encoder in encoders() {
            let name = (captioner.name(), encoder.name());
            let model = model(&captioner, &encoder, place);
            let [whole, steps] = [forced as Run, by_steps].map(|run| run(&model, 0.0));
            let [expected, found] = [whole, steps].map(|tape| tape.hidden().unwrap());
            assert_eq!(found.dims(), [ROWS, HIDDEN]);
            assert!(largest((found - expected).reshape([-1])) < 1e-5, "{name:?}");
            let [expected, found] =
                [forced as Run, by_steps].map(|run| gradients(&model, &d_hidden, (run, 0.0)));
            for parameter in model.parameters() {
                let [expected, found] = [&expected, &found]
                    .map(|gradients| gradients.get(&parameter.name).unwrap().clone());
                let difference = largest(found - expected);
                assert!(difference < 1e-5, "{name:?} {}", parameter.name);
            }
        }
    }
}

#[test]
fn rollouts_with_dropout_have_the_gradients_of_finite_differences() {
    let place = (&Device::flex(), DType::F64);
    let d_hidden = hidden_gradient(place);
    let run = (by_steps as Run, 0.4);
    let is_tried =
        |captioner: &CaptionerConfig| ["up_down", "transformer"].contains(&captioner.name());
    for captioner in captioners().into_iter().filter(is_tried) {
        for encoder in encoders() {
            let model = model(&captioner, &encoder, place);
            let found = gradients(&model, &d_hidden, run);
            let (error, at) = largest_error(&found, &slopes(&model, &d_hidden, run));
            let name = (captioner.name(), encoder.name());
            assert!(error < 2e-6, "{name:?}, {at}: relative error {error:e}");
        }
    }
}

#[test]
fn gradients_of_encoders_equal_autodiff_of_the_same_run() {
    let plain = Device::flex();
    let d_hidden = hidden_gradient((&plain, DType::F32));
    for captioner in captioners() {
        for encoder in encoders() {
            for rate in [0.0, 0.4] {
                let here = model(&captioner, &encoder, (&plain, DType::F32));
                let found = gradients(&here, &d_hidden, (forced, rate));

                let device = Device::flex().autodiff();
                let tracked = model(&captioner, &encoder, (&device, DType::F32));
                let hidden = forced(&tracked, rate).hidden().unwrap();
                let tracks = (hidden * Tensor::from_inner(d_hidden.clone()))
                    .sum()
                    .backward();
                let oracle = match &tracked.encoder.as_ref().unwrap().kind {
                    Kind::Lstm(encoder) => autodiff::of_module(encoder, &tracks),
                    Kind::Transformer(encoder) => autodiff::of_module(&**encoder, &tracks),
                };
                for (name, expected) in oracle {
                    let expected = expected.expect(&name);
                    let scale = largest(expected.clone());
                    let found = found.get(&format!("encoder.{name}")).unwrap().clone();
                    let difference = largest(found - expected);
                    assert!(
                        difference < 2e-5 * scale.max(1e-3),
                        "{} {} {name}: {difference:e} of {scale:e}",
                        captioner.name(),
                        encoder.name()
                    );
                }
            }
        }
    }
}
