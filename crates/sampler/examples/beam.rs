//! Beam search over a table of transition probabilities: no network, a model with a state, a constraint, diverse groups.
#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::convert::Infallible;

use burn::tensor::{Device, Tensor, TensorData};
use scst_sampler::{
    BeamOptions, Hypothesis, Limits, NoRepeatedNgram, SamplerError, StepModel, beam,
    greedy_hypotheses,
};

/// Word 0 ends a caption; as the last word of an empty caption it starts one.
const WORDS: [&str; 6] = [".", "a", "dog", "cat", "sees", "sleeps"];

/// A row a last word, a column a next word: probabilities.
const NEXT: [[f32; 6]; 6] = [
    [0.0, 0.9, 0.05, 0.05, 0.0, 0.0],
    [0.0, 0.0, 0.55, 0.45, 0.0, 0.0],
    [0.1, 0.0, 0.0, 0.0, 0.6, 0.3],
    [0.1, 0.0, 0.0, 0.0, 0.2, 0.7],
    [0.05, 0.95, 0.0, 0.0, 0.0, 0.0],
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
];

/// Longer captions become more likely to end.
struct Table;

impl StepModel for Table {
    /// How many words each caption has.
    type State = Vec<usize>;
    type Error = Infallible;

    fn step(
        &mut self,
        words: &[u32],
        state: Vec<usize>,
    ) -> Result<(Tensor<2>, Vec<usize>), Infallible> {
        let mut scores = Vec::new();
        for (&word, &length) in words.iter().zip(&state) {
            let first = scores.len();
            scores.extend(NEXT[word as usize].map(f32::ln));
            scores[first] += 0.5 * length as f32;
        }
        let scores = TensorData::new(scores, [words.len(), WORDS.len()]);
        let state = state.iter().map(|length| length + 1).collect();
        Ok((Tensor::from_data(scores, &Device::flex()), state))
    }

    fn select(&mut self, state: Vec<usize>, rows: &[usize]) -> Vec<usize> {
        rows.iter().map(|&row| state[row]).collect()
    }
}

fn print(title: &str, captions: &[Hypothesis]) {
    println!("{title}");
    for caption in captions {
        let words: Vec<&str> = caption.words.iter().map(|&w| WORDS[w as usize]).collect();
        println!("  {:8.4}  {}", caption.log_probability, words.join(" "));
    }
}

fn main() -> Result<(), SamplerError<Infallible>> {
    let length = Limits::length(10);
    print(
        "greedy, with its log-probability",
        &greedy_hypotheses(&mut Table, vec![0], 1, &length)?,
    );

    let wide = BeamOptions {
        width: 4,
        ..BeamOptions::default()
    };
    print(
        "a beam of 4",
        &beam(&mut Table, vec![0], 1, &wide, &length)?[0],
    );

    let mut limits = Limits::length(10);
    limits.constraints.push(Box::new(NoRepeatedNgram(2)));
    print(
        "the same without a pair of words that is there already",
        &beam(&mut Table, vec![0], 1, &wide, &limits)?[0],
    );

    let diverse = BeamOptions {
        width: 4,
        groups: 2,
        diversity: 2.0,
    };
    print(
        "two groups that avoid each other's words",
        &beam(&mut Table, vec![0], 1, &diverse, &limits)?[0],
    );
    Ok(())
}
