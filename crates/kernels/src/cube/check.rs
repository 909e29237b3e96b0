//! Every kernel against the loop of the CPU, at sizes where they go wrong.

use burn::tensor::{Device, Int, Tensor, TensorData, TensorReadError};

use super::{
    adam, attention, draw, dropout, layer_norm, lstm, multi_head, relu, rows, softmax,
    state_gradient,
};
use crate::{
    adam::AdamStep,
    attention::Span,
    lstm::Candidate,
    multi_head::Sources,
    softmax::RowTarget,
    traffic::{read, send},
};

/// What a kernel differs by.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The kernel, and the sizes it was tried at.
    pub of: String,
    /// The largest difference of any number, relative to the largest number; infinite where words or shapes differ.
    pub largest: f64,
}

impl Difference {
    /// The same where something that has to be equal is not.
    fn infinite(self) -> Self {
        let largest = f64::INFINITY;
        Self { largest, ..self }
    }
}

/// The kernel that differs most.
///
/// # Errors
/// [`TensorReadError`] when the device does not hand values back.
pub fn check(device: &Device) -> Result<Difference, TensorReadError> {
    let mut worst = Difference {
        of: String::new(),
        largest: 0.0,
    };
    let mut note = |found: Difference| {
        if found.largest >= worst.largest {
            worst = found;
        }
    };
    for (count, hidden) in [(1, 1), (19, 13), (3, 300)] {
        for candidate in [Candidate::Tanh, Candidate::Maxout] {
            note(check_cell(device, candidate, count, hidden)?);
        }
        note(check_layer_norm(device, count, hidden)?);
        note(check_relu(device, count, hidden)?);
        note(check_state_gradient(device, count, hidden)?);
        note(check_dropout(device, count, hidden)?);
        note(check_dropout_of_open(device, count, hidden)?);
        note(check_adam(device, count * hidden)?);
    }
    for (count, vocab) in [(1, 1), (3, 2), (7, 257), (2, 50_000)] {
        for epsilon in [0.0, 0.1] {
            note(check_softmax(device, count, vocab, epsilon)?);
        }
        note(check_words(device, count, vocab)?);
    }
    for regions in [&[1][..], &[1, 3, 2], &[49, 1], &[300, 2]] {
        note(check_attention(device, regions)?);
    }
    for (hidden, heads, longest) in [(1, 1, 1), (12, 3, 5), (300, 2, 70)] {
        note(check_multi_head(device, hidden, heads, longest)?);
    }
    for pieces in [2, 16, 17, 33] {
        note(check_rows(device, pieces)?);
    }
    Ok(worst)
}

/// Numbers from -2 to 2 in no order.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let number = |k: usize| ((k * 7_919 + seed * 104_729) % 4_001) as f32 / 1_000.0 - 2.0;
    (0..count).map(number).collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    send(TensorData::new(values.to_vec(), shape), device)
}

fn difference(of: String, pairs: impl IntoIterator<Item = (Vec<f32>, Vec<f32>)>) -> Difference {
    let mut largest = 0.0f64;
    for (found, expected) in pairs {
        let scale = expected.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
        if found.len() != expected.len() {
            largest = f64::INFINITY;
        }
        for (found, expected) in found.iter().zip(&expected) {
            let difference = f64::from((found - expected).abs() / scale);
            largest = if difference.is_nan() {
                f64::INFINITY
            } else {
                largest.max(difference)
            };
        }
    }
    Difference { of, largest }
}

fn check_cell(
    device: &Device,
    candidate: Candidate,
    count: usize,
    hidden: usize,
) -> Result<Difference, TensorReadError> {
    let (units, columns) = (count * hidden, candidate.blocks() * hidden);
    let [before, dh, dc] = [1, 2, 3].map(|seed| numbers(units, seed));
    let [a, recurrent] = [4, 5].map(|seed| numbers(count * columns, seed));
    let entering = numbers(units, 6);
    let of = |values: &[f32], columns| tensor(values, [count, columns], device);
    let (input, add) = (of(&a, columns), of(&recurrent, columns));
    let found = lstm::cell(
        candidate,
        input,
        Some(add),
        Some(of(&entering, hidden)),
        of(&before, hidden),
    );
    let back = lstm::cell_backward(
        candidate,
        found.gates.clone(),
        of(&before, hidden),
        found.tanh_cell.clone(),
        of(&dh, hidden),
        of(&dc, hidden),
    );

    let sums = a.iter().zip(&recurrent).map(|(a, b)| a + b);
    let mut gates: Vec<f32> = sums.collect();
    let rows = gates.chunks_exact_mut(columns);
    for (row, entering) in rows.zip(entering.chunks_exact(hidden)) {
        for (sum, entering) in row[columns - hidden..].iter_mut().zip(entering) {
            *sum += entering;
        }
    }
    let [mut c, mut tanh_c, mut h] = [0, 1, 2].map(|_| vec![0.0; units]);
    crate::lstm::cell(
        candidate,
        hidden,
        &mut gates,
        &before,
        &mut c,
        &mut tanh_c,
        &mut h,
    );
    let (mut da, mut dc_before) = (gates.clone(), dc);
    crate::lstm::cell_backward(
        candidate,
        hidden,
        &mut da,
        &before,
        &tanh_c,
        &dh,
        &mut dc_before,
    );
    let found = [
        found.output,
        found.cell,
        found.tanh_cell,
        found.gates,
        back.0,
        back.1,
    ];
    compare(
        format!("LSTM cell {candidate:?}, {count} x {hidden}"),
        found,
        [h, c, tanh_c, gates, da, dc_before],
    )
}

fn compare<const N: usize>(
    of: String,
    found: [Tensor<2>; N],
    expected: [Vec<f32>; N],
) -> Result<Difference, TensorReadError> {
    let found: Result<Vec<Vec<f32>>, _> = found.into_iter().map(read).collect();
    Ok(difference(of, found?.into_iter().zip(expected)))
}

fn check_layer_norm(
    device: &Device,
    count: usize,
    hidden: usize,
) -> Result<Difference, TensorReadError> {
    let [x, d_y] = [1, 2].map(|seed| numbers(count * hidden, seed));
    let [gain, bias] = [3, 4].map(|seed| numbers(hidden, seed));
    let of = |values: &[f32]| tensor(values, [count, hidden], device);
    let wide = |values: &[f32]| tensor(values, [1, hidden], device);
    let found = layer_norm::layer_norm(wide(&gain), wide(&bias), of(&x));
    let (normalised, scales) = (found.normalised.clone(), found.scales.clone());
    let d_x = layer_norm::layer_norm_backward(wide(&gain), normalised.clone(), scales, of(&d_y));
    let (d_gain, d_bias) = layer_norm::parameter_gradients(normalised, of(&d_y));

    let mut n = x;
    let (mut scales, mut y) = (vec![0.0; count], vec![0.0; count * hidden]);
    crate::layer_norm::layer_norm(&gain, &bias, &mut n, &mut scales, &mut y);
    let over_rows = |factor: &dyn Fn(usize) -> f32| -> Vec<f32> {
        let terms = |column| (0..count).map(move |row| row * hidden + column);
        let sum = |column| {
            terms(column)
                .map(|k| f64::from(d_y[k] * factor(k)))
                .sum::<f64>()
        };
        (0..hidden).map(|column| sum(column) as f32).collect()
    };
    let of_parameters = [over_rows(&|k| n[k]), over_rows(&|_| 1.0)];
    let mut expected = d_y.clone();
    crate::layer_norm::layer_norm_backward(&gain, &n, &scales, &mut expected);
    let [expected_gain, expected_bias] = of_parameters;
    compare(
        format!("layer normalisation, {count} x {hidden}"),
        [found.normalised, found.output, d_x, d_gain, d_bias],
        [n, y, expected, expected_gain, expected_bias],
    )
}

fn check_relu(device: &Device, count: usize, hidden: usize) -> Result<Difference, TensorReadError> {
    let [mut y, mut d] = [1, 2].map(|seed| numbers(count * hidden, seed));
    crate::relu::relu(&mut y);
    let of = |values: &[f32]| tensor(values, [count, hidden], device);
    let found = relu::relu_backward(of(&d), of(&y), 1.25);
    crate::relu::relu_backward(&y, 1.25, &mut d);
    compare(format!("ReLU, {count} x {hidden}"), [found], [d])
}

/// A step of `count` rows behind two others, of which the step behind it went on with every other one, with all, or which is the
/// last.
fn check_state_gradient(
    device: &Device,
    count: usize,
    hidden: usize,
) -> Result<Difference, TensorReadError> {
    let (first, cell_columns) = (2, hidden + 3);
    let d_outputs = numbers((first + count) * hidden, 1);
    let mask = numbers(count * hidden, 2);
    let kept: Vec<usize> = (0..count).step_by(2).collect();
    let all: Vec<usize> = (0..count).collect();
    let mut pairs = Vec::new();
    for (went_on, given) in [(&kept[..], Some(&kept[..])), (&all, None), (&[], None)] {
        let [dh, dc] = [(3, hidden), (4, cell_columns)]
            .map(|(seed, columns)| numbers(went_on.len() * columns, seed));
        let later = (!went_on.is_empty()).then(|| state_gradient::Later {
            hidden: tensor(&dh, [went_on.len(), hidden], device),
            cell: tensor(&dc, [went_on.len(), cell_columns], device),
            kept: given,
        });
        let masks = [None, Some(tensor(&mask, [count, hidden], device))];
        let mask_of = masks[went_on.len() % 2].clone();
        let mut expected: Vec<f32> = d_outputs[first * hidden..].to_vec();
        if mask_of.is_some() {
            expected
                .iter_mut()
                .zip(&mask)
                .for_each(|(d, mask)| *d *= mask);
        }
        let mut expected_cell = vec![0.0; count * cell_columns];
        for (place, &row) in went_on.iter().enumerate() {
            for k in 0..hidden {
                expected[row * hidden + k] += dh[place * hidden + k];
            }
            let of_row = &dc[place * cell_columns..][..cell_columns];
            expected_cell[row * cell_columns..][..cell_columns].copy_from_slice(of_row);
        }
        let d_outputs = tensor(&d_outputs, [first + count, hidden], device);
        let sizes = [count, cell_columns];
        let found = state_gradient::state_gradient(d_outputs, first, mask_of, later, sizes);
        pairs.push((read(found.0)?, expected));
        pairs.push((read(found.1)?, expected_cell));
    }
    Ok(difference(
        format!("gradients at a state, {count} x {hidden}"),
        pairs,
    ))
}

/// Bits of ChaCha8 with the key 0, 1, .. 31, from the second word on, of a program that is not this one.
const DRAWN: [u16; 8] = [
    0x126e, 0x6aab, 0xe8d9, 0x7b66, 0xc531, 0x3312, 0x8ff7, 0x2717,
];

fn check_dropout(
    device: &Device,
    count: usize,
    hidden: usize,
) -> Result<Difference, TensorReadError> {
    let [x, others] = [1, 2].map(|seed| numbers(count * hidden, seed));
    let of = |values: &[f32]| tensor(values, [count, hidden], device);
    let mut key = [0; 8];
    for (word, k) in key.iter_mut().zip(0..) {
        *word = u32::from_le_bytes([4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 3]);
    }
    let generator = dropout::Generator {
        key,
        stream: 0,
        word: 1,
    };
    let (scale, below) = (1.6, 0x7000);
    let dropping = dropout::Dropping {
        generator,
        below,
        scale,
    };
    let (sum, mask) = dropout::drop_units(of(&x), Some(of(&others)), dropping);
    let mask: Vec<f32> = read(mask)?;
    let begin: Vec<f32> = DRAWN
        .iter()
        .map(|&bits| if u32::from(bits) >= below { scale } else { 0.0 })
        .take(mask.len())
        .collect();
    let expected = x.iter().zip(&mask).zip(&others);
    let expected: Vec<f32> = expected
        .map(|((x, mask), other)| x * mask + other)
        .collect();
    let drawn = mask[..begin.len()].to_vec();
    Ok(difference(
        format!("dropout, {count} x {hidden}"),
        [(drawn, begin), (read(sum)?, expected)],
    ))
}

/// Masks of a step in whose rows every other caption has ended: of its open rows alone, packed, they are those of
/// [`dropout::drop_units`], the second one from where the first left the generator; all other rows stay as they are.
fn check_dropout_of_open(
    device: &Device,
    count: usize,
    hidden: usize,
) -> Result<Difference, TensorReadError> {
    let words: Vec<i32> = (0..count as i32).map(|row| (row + 1) % 2 * row).collect();
    let is_open = |row: &usize| words[*row] > 0;
    let open: Vec<usize> = (0..count).filter(is_open).collect();
    let ended = (0..count).filter(|row| !is_open(row));
    let expected = open.iter().copied().chain(ended).chain([open.len()]);
    let expected: Vec<i64> = expected.map(|number| number as i64).collect();
    let order = draw::open_rows(send(TensorData::new(words.clone(), [count]), device));
    let mut agree = read::<i64, 1, Int>(order.clone())? == expected;

    let packed = |values: &[f32]| -> Vec<f32> {
        let row = |&row: &usize| &values[row * hidden..][..hidden];
        open.iter().flat_map(row).copied().collect()
    };
    let mut pairs = Vec::new();
    let (mut drawn, mut word) = (None, 5);
    for seed in [1, 2] {
        let [x, others] = [seed, seed + 2].map(|seed| numbers(count * hidden, seed));
        let mut dropping = dropout::Dropping {
            generator: dropout::Generator {
                key: [3; 8],
                stream: 0,
                word: 5,
            },
            below: 0x7000,
            scale: 1.6,
        };
        let of = |values: &[f32]| tensor(values, [count, hidden], device);
        let rows = dropout::Unread {
            order: order.clone(),
            drawn: drawn.take(),
        };
        let (sum, mask, after) =
            dropout::drop_units_of_open(of(&x), Some(of(&others)), dropping, rows);
        drawn = Some(after);
        let (sum, mask): (Vec<f32>, Vec<f32>) = (read(sum)?, read(mask)?);
        for row in (0..count).filter(|row| !is_open(row)) {
            for k in row * hidden..(row + 1) * hidden {
                agree &= mask[k] == 1.0 && sum[k] == x[k] + others[k];
            }
        }
        if open.is_empty() {
            continue;
        }
        dropping.generator.word = word;
        let of = |values: &[f32]| tensor(&packed(values), [open.len(), hidden], device);
        let (of_open, mask_of_open) = dropout::drop_units(of(&x), Some(of(&others)), dropping);
        pairs.push((packed(&sum), read(of_open)?));
        pairs.push((packed(&mask), read(mask_of_open)?));
        word += 2 * (open.len() * hidden).div_ceil(4) as u64;
    }
    let found = difference(format!("dropout of open rows, {count} x {hidden}"), pairs);
    Ok(if agree { found } else { found.infinite() })
}

fn check_adam(device: &Device, count: usize) -> Result<Difference, TensorReadError> {
    let [mut w, g, mut m] = [1, 2, 3].map(|seed| numbers(count, seed));
    let mut v: Vec<f32> = numbers(count, 4).into_iter().map(f32::abs).collect();
    let step = AdamStep {
        scale: 0.5,
        clip: 0.7,
        learning_rate: 0.1,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        time: 3,
        weight_decay: 0.01,
    };
    let of = |values: &[f32]| tensor::<1>(values, [values.len()], device);
    // Four in one launch and a last one alone, all of them the same but for their sizes.
    let parameters = (0..5).map(|k| {
        let until = if k % 2 == 0 { count } else { count.div_ceil(2) };
        adam::Parameter {
            weights: of(&w[..until]),
            gradient: of(&g[..until]),
            first: of(&m[..until]),
            second: of(&v[..until]),
        }
    });
    let found = adam::adam(&step, parameters.collect());
    let squares = adam::partial_squares(&vec![of(&g); 9]);
    let mut total = 0.0;
    for sums in squares {
        total += read::<f32, _, _>(sums)?.iter().sum::<f32>();
    }
    let expected = 9.0 * g.iter().map(|g| g * g).sum::<f32>();
    crate::adam::adam(&step, &mut w, &g, &mut m, &mut v);
    let mut pairs = Vec::new();
    for stepped in found {
        let all = [
            (stepped.weights, &w),
            (stepped.first, &m),
            (stepped.second, &v),
        ];
        for (found, expected) in all {
            let found: Vec<f32> = read(found)?;
            let expected = expected[..found.len()].to_vec();
            pairs.push((found, expected));
        }
    }
    let of_adam = difference(format!("Adam, {count}"), pairs);
    let of_squares = difference(
        format!("sum of squares, {count}"),
        [(vec![total], vec![expected])],
    );
    Ok(if of_adam.largest > of_squares.largest {
        of_adam
    } else {
        of_squares
    })
}

fn check_softmax(
    device: &Device,
    count: usize,
    vocab: usize,
    epsilon: f32,
) -> Result<Difference, TensorReadError> {
    let mut logits = numbers(count * vocab, 1);
    let words: Vec<i32> = (0..count).map(|row| (row * 5 % vocab) as i32).collect();
    let weights = numbers(count, 2);
    let found = softmax::gradient(
        tensor(&logits, [count, vocab], device),
        send::<2, Int>(TensorData::new(words.clone(), [count, 1]), device),
        tensor(&weights, [count, 1], device),
        epsilon,
    );
    let targets = words.iter().zip(&weights);
    let targets: Vec<RowTarget> = targets
        .map(|(&word, &weight)| RowTarget {
            word: word as usize,
            weight,
        })
        .collect();
    let losses = crate::softmax::gradient(vocab, &mut logits, &targets, epsilon);
    compare(
        format!("softmax gradient, {count} x {vocab}, smoothing {epsilon}"),
        [
            found.gradient,
            found.log_probability,
            found.loss,
            found.entropy,
        ],
        [
            logits,
            losses.iter().map(|row| row.log_probability).collect(),
            losses.iter().map(|row| row.loss).collect(),
            losses.iter().map(|row| row.entropy).collect(),
        ],
    )
}

/// Words that are drawn and the best ones; the last row is no distribution.
fn check_words(device: &Device, count: usize, vocab: usize) -> Result<Difference, TensorReadError> {
    let mut scores = numbers((count + 1) * vocab, 1);
    scores[count * vocab..].fill(f32::NEG_INFINITY);
    let uniforms: Vec<f32> = (0..=count)
        .map(|row| row as f32 / (count as f32 + 0.5))
        .collect();
    let on_device = tensor(&scores, [count + 1, vocab], device);
    // The numbers are those of the second of two steps.
    let of_steps = [vec![0.5; count + 1], uniforms.clone()].concat();
    let of_steps = tensor(&of_steps, [2 * (count + 1)], device);
    let chosen = draw::draw(on_device.clone(), of_steps.clone(), 1, None);
    let drawn: Vec<i64> = read(chosen.words)?;
    let next: Vec<i64> = read(chosen.next)?;
    // The first caption has ended, so it has no other word.
    let before: Vec<i32> = (0..=count as i32).collect();
    let before = || Some(send(TensorData::new(before.clone(), [count + 1]), device));
    let after = draw::draw(on_device.clone(), of_steps, 1, before());
    // The best word of all is ruled out where there are others.
    let mut allowed = vec![1.0; vocab];
    let best = |allowed: &[f32], row: usize| {
        let scores = &scores[row * vocab..][..vocab];
        let possible = (0..vocab).filter(|&k| allowed[k] > 0.0 && scores[k].is_finite());
        possible.reduce(|best, k| if scores[k] > scores[best] { k } else { best })
    };
    if vocab > 1 {
        let top = best(&allowed, 0).unwrap_or(0);
        allowed[top] = 0.0;
    }
    let allowed_words = tensor(&allowed, [vocab], device);
    let found = draw::argmax(on_device.clone(), allowed_words.clone(), None);
    let found: Vec<i64> = read(found.words)?;
    let best_after = draw::argmax(on_device, allowed_words, before());
    let of_rows = |row: usize| best(&allowed, row).map_or(-1, |word| word as i64);
    let expected: Vec<i64> = (0..=count).map(of_rows).collect();
    let mut agree = found == expected && drawn.last() == Some(&-1);
    agree &= drawn.iter().map(|&word| word.max(0)).eq(next);
    for (after, all) in [(after, &drawn), (best_after, &found)] {
        let after: Vec<i64> = read(after.words)?;
        agree &= after[0] == 0 && after[1..] == all[1..];
    }
    for (row, &word) in drawn[..count].iter().enumerate() {
        // A number at the border of two words is in either, by the rounding of a sum.
        let scores = &scores[row * vocab..][..vocab];
        let p: Vec<f64> = scores.iter().map(|&s| f64::from(s).exp()).collect();
        let total: f64 = p.iter().sum();
        let word = usize::try_from(word).unwrap_or(vocab).min(vocab - 1);
        let below = p[..word].iter().sum::<f64>() / total;
        let uniform = f64::from(uniforms[row]);
        agree &= below - 1e-5 <= uniform && uniform <= below + p[word] / total + 1e-5;
    }
    Ok(Difference {
        of: format!("words drawn and chosen, {count} x {vocab}"),
        largest: if agree { 0.0 } else { f64::INFINITY },
    })
}

fn check_attention(device: &Device, regions: &[usize]) -> Result<Difference, TensorReadError> {
    let (columns, hidden, sources) = (37, 21, regions.len());
    let mut first = 0;
    let spans = regions.iter().map(|&count| {
        let span = Span { first, count };
        first += count;
        span
    });
    let spans: Vec<Span> = spans.collect();
    let longest = regions.iter().copied().max().unwrap_or(0);
    // Sources in no order; those behind the second have no row.
    let source_of_row: Vec<usize> = (0..7).map(|row| row * 3 % sources.min(2)).collect();
    let count = source_of_row.len();
    let (keys, values) = (numbers(first * columns, 1), numbers(first * hidden, 2));
    let (score, queries) = (numbers(columns, 3), numbers(count * columns, 4));
    let d_contexts = numbers(count * hidden, 5);
    let attended = attention::Attended {
        keys: tensor(&keys, [first, columns], device),
        values: tensor(&values, [first, hidden], device),
        score: tensor(&score, [columns, 1], device),
    };
    let looks = attention::Looks::new(&spans, &source_of_row, device);
    let of_queries = tensor(&queries, [count, columns], device);
    let of_contexts = tensor(&d_contexts, [count, hidden], device);
    let (weights, contexts) = attention::attend(&attended, of_queries.clone(), &looks);
    let ones = |count: usize, columns: usize| {
        tensor(&vec![1.0; count * columns], [count, columns], device)
    };
    let mut sums = attention::Sums {
        keys: ones(first, columns),
        values: ones(first, hidden),
        score: ones(sources, columns),
    };
    attention::values_backward(weights.clone(), of_contexts.clone(), &looks, &mut sums);
    let d_energies = attention::energies_backward(&attended, weights.clone(), of_contexts, &looks);
    let d_queries =
        attention::attend_backward(&attended, of_queries, d_energies, &looks, &mut sums);

    let on_host = crate::attention::Attended {
        keys: &keys,
        values: &values,
        score: &score,
        hidden,
        sources: &spans,
    };
    let mut alpha = vec![0.0; count * longest];
    let mut z = vec![0.0; count * hidden];
    crate::attention::attend(&on_host, &queries, &source_of_row, &mut alpha, &mut z);
    let mut dq = vec![0.0; count * columns];
    let [mut dk, mut dv, mut dw] =
        [first * columns, first * hidden, sources * columns].map(|length| vec![1.0; length]);
    crate::attention::attend_backward(
        &on_host,
        &queries,
        &source_of_row,
        &alpha,
        crate::attention::Signal::Contexts(&d_contexts),
        &mut dq,
        crate::attention::AttendedGradient {
            d_keys: &mut dk,
            d_values: &mut dv,
            d_score: &mut dw,
        },
    );
    compare(
        format!("attention to {regions:?} regions"),
        [
            weights,
            contexts,
            d_queries,
            sums.keys,
            sums.values,
            sums.score,
        ],
        [alpha, z, dq, dk, dv, dw],
    )
}

fn check_multi_head(
    device: &Device,
    hidden: usize,
    heads: usize,
    longest: usize,
) -> Result<Difference, TensorReadError> {
    // Lists of all lengths up to the longest, an empty one among them; the last row is in none.
    let (queries, rows) = (9, longest + 3);
    let mut sources = Sources::default();
    for query in 0..queries {
        let length = query * longest / (queries - 1);
        sources.push((0..length).map(|k| (k * 5 + query) % (rows - 1)));
    }
    let keys_values = numbers(rows * 2 * hidden, 1);
    let [q, d_contexts] = [2, 3].map(|seed| numbers(queries * hidden, seed));
    let of = |values: &[f32], count, columns| tensor(values, [count, columns], device);
    let on_device = of(&keys_values, rows, 2 * hidden);
    let of_queries = of(&q, queries, hidden);
    let contexts = multi_head::attend(on_device.clone(), &sources, heads, of_queries.clone());
    let (dq, dkv) = multi_head::attend_backward(
        on_device,
        &sources,
        heads,
        of_queries,
        of(&d_contexts, queries, hidden),
    );

    let of_rows: Vec<&[f32]> = keys_values.chunks_exact(2 * hidden).collect();
    let attended = crate::multi_head::Attended {
        keys_values: &of_rows,
        sources: &sources,
        heads,
    };
    let mut expected = vec![0.0; queries * hidden];
    crate::multi_head::attend(&attended, &q, &mut expected);
    let mut expected_dq = vec![0.0; queries * hidden];
    let mut expected_dkv = vec![0.0; rows * 2 * hidden];
    crate::multi_head::attend_backward(
        &attended,
        &q,
        &d_contexts,
        &mut expected_dq,
        &mut expected_dkv,
    );
    compare(
        format!("attention of {heads} heads to up to {longest} rows of {hidden}"),
        [contexts, dq, dkv],
        [expected, expected_dq, expected_dkv],
    )
}

/// Rows one below the other, among them none at all and views of wider rows, and their sums by target.
fn check_rows(device: &Device, pieces: usize) -> Result<Difference, TensorReadError> {
    let (columns, wide) = (5, 11);
    let mut stacked = Vec::new();
    let mut expected: Vec<f32> = Vec::new();
    for piece in 0..pieces {
        let count = piece % 3 + usize::from(piece < 2);
        let values = numbers(count * wide, piece);
        let of_piece = tensor(&values, [count, wide], device);
        stacked.push(of_piece.narrow(1, 4, columns));
        let rows = values.chunks_exact(wide);
        expected.extend(rows.flat_map(|row| &row[4..4 + columns]));
    }
    let all = rows::stack(stacked);
    let count = expected.len() / columns;
    // No row goes to the first target.
    let to: Vec<usize> = (0..count).map(|row| 1 + row * 7 % 3).collect();
    let sums = rows::scatter(all.clone(), &to, 4);
    let mut of_targets = vec![0.0; 4 * columns];
    for (row, &target) in expected.chunks_exact(columns).zip(&to) {
        for (sum, value) in of_targets[target * columns..].iter_mut().zip(row) {
            *sum += value;
        }
    }
    compare(
        format!("rows of {pieces} tensors"),
        [all, sums],
        [expected, of_targets],
    )
}
