//! The gradient of cross-entropy at the softmax inputs of many rows in one pass, beside plain loops of 64 bits.
#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::time::Instant;

use scst_kernels::softmax::{RowTarget, gradient};

const ROWS: usize = 200;
const VOCAB: usize = 10_000;

/// `a (p - 1_w)`, as it is written.
fn textbook(logits: &[f32], target: RowTarget) -> Vec<f64> {
    let exponentials: Vec<f64> = logits.iter().map(|&s| f64::from(s).exp()).collect();
    let z: f64 = exponentials.iter().sum();
    let weight = f64::from(target.weight);
    let mut gradient: Vec<f64> = exponentials.iter().map(|e| weight * e / z).collect();
    gradient[target.word] -= weight;
    gradient
}

fn main() {
    let logits: Vec<f32> = (0..ROWS * VOCAB)
        .map(|k| 3.0 * (k as f32 * 0.7).sin())
        .collect();
    // Gold words, and words that were drawn, with advantages of both signs.
    let targets: Vec<RowTarget> = (0..ROWS)
        .map(|row| RowTarget {
            word: row * 37 % VOCAB,
            weight: [1.0, -0.75, 0.25][row % 3],
        })
        .collect();

    let mut rows = logits.clone();
    let start = Instant::now();
    let losses = gradient(VOCAB, &mut rows, &targets, 0.0);
    let one_pass = start.elapsed();

    let start = Instant::now();
    let expected: Vec<f64> = logits
        .chunks(VOCAB)
        .zip(&targets)
        .flat_map(|(row, &target)| textbook(row, target))
        .collect();
    let loops = start.elapsed();

    let difference = rows
        .iter()
        .zip(&expected)
        .map(|(&found, expected)| (f64::from(found) - expected).abs())
        .fold(0.0, f64::max);
    println!("{ROWS} rows, {VOCAB} words");
    println!("largest difference  {difference:.1e}");
    println!("one pass            {one_pass:.1?}");
    println!("plain loops         {loops:.1?}");
    println!("word   weight  log p      at the word  others sum to");
    for (row, target) in targets.iter().enumerate().take(3) {
        let found = &rows[row * VOCAB..][..VOCAB];
        let at_word = found[target.word];
        let others: f32 = found.iter().sum::<f32>() - at_word;
        let log_p = losses[row].log_probability;
        println!(
            "{:<6} {:>6.2}  {log_p:<9.4}  {at_word:>11.6}  {others:>13.6}",
            target.word, target.weight
        );
    }
}
