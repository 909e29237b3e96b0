//! The self-critical gradient at a few logits, beside finite differences of the loss as it is written.
#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;

use burn::tensor::{DType, Device, Tensor, TensorData};
use scst_loss::{RowTargets, leave_one_out, softmax_gradient};

const VOCAB: usize = 4;

/// Logits of every word of two captions, of two words and of one.
const LOGITS: [f64; 3 * VOCAB] = [
    0.2, 1.5, -0.3, 0.4, //
    -1.0, 0.1, 0.8, 0.3, //
    0.2, 1.5, -0.3, 0.4,
];

/// The words that were drawn, row after row.
const WORDS: [u32; 3] = [1, 2, 3];

/// The caption of every row.
const CAPTION: [usize; 3] = [0, 0, 1];

/// The rewards of the captions.
const REWARDS: [f64; 2] = [0.9, 0.3];

/// `L = -sum_t (r - b) log p_t(w_t)`, the advantages `r - b` held fixed.
fn loss(logits: &[f64], weights: &[f32]) -> f64 {
    let rows = logits.chunks(VOCAB).zip(WORDS).zip(weights);
    rows.map(|((row, word), &weight)| {
        let z: f64 = row.iter().map(|s| s.exp()).sum();
        -f64::from(weight) * (row[word as usize] - z.ln())
    })
    .sum()
}

fn main() -> Result<(), Box<dyn Error>> {
    let baselines = leave_one_out(&REWARDS, REWARDS.len())?;
    let weights = CAPTION.map(|caption| (REWARDS[caption] - baselines[caption]) as f32);
    let targets = RowTargets {
        words: &WORDS,
        weights: &weights,
    };
    let logits = TensorData::new(LOGITS.to_vec(), [WORDS.len(), VOCAB]);
    let logits = Tensor::<2>::from_data(logits, (&Device::flex(), DType::F64));
    let found = softmax_gradient(logits, &targets, 0.0)?;
    let gradient = found.gradient.try_into_vec_as::<f64>()?;

    let step = 1e-5;
    println!("row  word  advantage  closed form  differences");
    for (k, closed_form) in gradient.iter().enumerate() {
        let moved = |by: f64| {
            let mut logits = LOGITS;
            logits[k] += by;
            loss(&logits, &weights)
        };
        let differences = (moved(step) - moved(-step)) / (2.0 * step);
        let (row, word) = (k / VOCAB, k % VOCAB);
        let drawn = if word == WORDS[row] as usize {
            "*"
        } else {
            " "
        };
        println!(
            "{row:<4} {word}{drawn}    {:>9.2}  {closed_form:>11.8}  {differences:>11.8}",
            weights[row]
        );
    }
    println!("* drawn");
    Ok(())
}
