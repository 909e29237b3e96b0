//! Additive attention over the regions of a source, forward and backward, without a tensor of
//! `[rows, regions, attention]`.

use rayon::prelude::*;

use crate::simd::{LANES, exp, tanh, vectorised};

/// The regions of one source among those of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Number of the first region.
    pub first: usize,
    /// Number of regions.
    pub count: usize,
}

/// What is attended to.
#[derive(Debug, Clone, Copy)]
pub struct Attended<'a> {
    /// `[regions of all sources, attention]`.
    pub keys: &'a [f32],
    /// `[regions of all sources, hidden]`.
    pub values: &'a [f32],
    /// `[attention]`.
    pub score: &'a [f32],
    /// Columns of the values.
    pub hidden: usize,
    /// The regions of every source; together all of them, in order.
    pub sources: &'a [Span],
}

impl<'a> Attended<'a> {
    fn keys(&self, span: Span) -> std::slice::ChunksExact<'a, f32> {
        let width = self.score.len();
        self.keys[span.first * width..][..span.count * width].chunks_exact(width)
    }

    fn values(&self, span: Span) -> std::slice::ChunksExact<'a, f32> {
        let width = self.hidden;
        self.values[span.first * width..][..span.count * width].chunks_exact(width)
    }
}

/// Attends from every row to the regions of its source.
///
/// ```text
/// e_r = w . tanh(k_r + q),   alpha = softmax(e),   context = sum_r alpha_r v_r
/// ```
///
/// # Shapes
/// `queries`: `[rows, attention]`; `source_of_row`: `[rows]`; `weights`: `[rows, longest]`, zeros, which become alpha
/// in the columns of the source's regions; `contexts`: `[rows, hidden]`, zeros.
///
/// # Panics
/// When the lengths do not fit together.
pub fn attend(
    attended: &Attended<'_>,
    queries: &[f32],
    source_of_row: &[usize],
    weights: &mut [f32],
    contexts: &mut [f32],
) {
    let longest = weights.len() / source_of_row.len().max(1);
    let rows = queries
        .par_chunks_exact(attended.score.len())
        .zip(source_of_row)
        .zip(weights.par_chunks_exact_mut(longest))
        .zip(contexts.par_chunks_exact_mut(attended.hidden));
    rows.for_each(|(((query, &source), weights), context)| {
        let span = attended.sources[source];
        let weights = &mut weights[..span.count];
        vectorised(
            #[inline(always)]
            || {
                for (weight, key) in weights.iter_mut().zip(attended.keys(span)) {
                    *weight = energy(attended.score, key, query);
                }
                softmax(weights);
                for (&weight, value) in weights.iter().zip(attended.values(span)) {
                    for (context, &value) in context.iter_mut().zip(value) {
                        *context += weight * value;
                    }
                }
            },
        );
    });
}

/// `w . tanh(k + q)`.
#[inline(always)]
fn energy(score: &[f32], key: &[f32], query: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (whole, rest) = key.as_chunks::<LANES>();
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let (scores, score_rest) = score.as_chunks::<LANES>();
    for ((key, query), score) in whole.iter().zip(queries).zip(scores) {
        for lane in 0..LANES {
            sums[lane] += score[lane] * tanh(key[lane] + query[lane]);
        }
    }
    for (lane, ((key, query), score)) in rest.iter().zip(query_rest).zip(score_rest).enumerate() {
        sums[lane] += score * tanh(key + query);
    }
    sums.iter().sum()
}

/// Energies become weights.
#[inline(always)]
pub(crate) fn softmax(energies: &mut [f32]) {
    let largest = energies.iter().fold(f32::NEG_INFINITY, |m, &e| m.max(e));
    for energy in &mut *energies {
        *energy = exp(*energy - largest);
    }
    let total: f32 = energies.iter().sum();
    for weight in energies {
        *weight /= total;
    }
}

/// Gradients that the backward pass adds to.
#[derive(Debug)]
pub struct AttendedGradient<'a> {
    /// `[regions of all sources, attention]`.
    pub d_keys: &'a mut [f32],
    /// `[regions of all sources, hidden]`.
    pub d_values: &'a mut [f32],
    /// `[sources, attention]`: the parts of `dL/dw` by source.
    pub d_score: &'a mut [f32],
}

/// Where the gradient of attention comes from.
#[derive(Debug, Clone, Copy)]
pub enum Signal<'a> {
    /// The gradient at the contexts, `[rows, hidden]`, of expected regions.
    Contexts(&'a [f32]),
    /// The gradient at the energies, `[rows, longest]`, of regions that were drawn; values get none.
    Energies(&'a [f32]),
}

/// The backward pass of [`attend`]: fills `d_queries` and adds to `gradient`.
///
/// ```text
/// d alpha_r = v_r . d context,   d e_r = alpha_r (d alpha_r - sum_s alpha_s d alpha_s)
/// t_r = tanh(k_r + q),   dk_r = d e_r w (1 - t_r^2),   dq = sum_r dk_r,   dw = sum_r d e_r t_r
/// dv_r = alpha_r d context
/// ```
///
/// # Shapes
/// As of [`attend`]; `d_queries`: `[rows, attention]`, zeros.
///
/// # Panics
/// When the lengths do not fit together.
pub fn attend_backward(
    attended: &Attended<'_>,
    queries: &[f32],
    source_of_row: &[usize],
    weights: &[f32],
    signal: Signal<'_>,
    d_queries: &mut [f32],
    gradient: AttendedGradient<'_>,
) {
    let (width, hidden) = (attended.score.len(), attended.hidden);
    let longest = weights.len() / source_of_row.len().max(1);
    let rows = queries
        .chunks_exact(width)
        .zip(weights.chunks_exact(longest))
        .zip(d_queries.chunks_exact_mut(width))
        .enumerate();
    // A task is a source: nobody else adds to the gradients of its regions.
    let mut tasks: Vec<Task<'_>> = Vec::with_capacity(attended.sources.len());
    let (mut d_keys, mut d_values) = (gradient.d_keys, gradient.d_values);
    for (&span, d_score) in attended
        .sources
        .iter()
        .zip(gradient.d_score.chunks_exact_mut(width))
    {
        let (own_keys, other_keys) = d_keys.split_at_mut(span.count * width);
        let (own_values, other_values) = d_values.split_at_mut(span.count * hidden);
        (d_keys, d_values) = (other_keys, other_values);
        tasks.push(Task {
            span,
            d_keys: own_keys,
            d_values: own_values,
            d_score,
            rows: Vec::new(),
        });
    }
    for ((row, ((query, weights), d_query)), &source) in rows.zip(source_of_row) {
        let signal = match signal {
            Signal::Contexts(values) => Signal::Contexts(&values[row * hidden..][..hidden]),
            Signal::Energies(values) => Signal::Energies(&values[row * longest..][..longest]),
        };
        tasks[source].rows.push(Row {
            query,
            weights,
            signal,
            d_query,
        });
    }
    tasks.into_par_iter().for_each(|task| task.run(attended));
}

/// The rows of a source, and the gradients at its regions.
struct Task<'a> {
    span: Span,
    d_keys: &'a mut [f32],
    d_values: &'a mut [f32],
    d_score: &'a mut [f32],
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    query: &'a [f32],
    weights: &'a [f32],
    signal: Signal<'a>,
    d_query: &'a mut [f32],
}

impl Task<'_> {
    fn run(self, attended: &Attended<'_>) {
        let (score, span) = (attended.score, self.span);
        let mut d_energies = vec![0.0f32; span.count];
        for row in self.rows {
            let weights = &row.weights[..span.count];
            vectorised(
                #[inline(always)]
                || {
                    match row.signal {
                        Signal::Energies(given) => d_energies.copy_from_slice(&given[..span.count]),
                        Signal::Contexts(d_context) => {
                            let values = attended.values(span);
                            let d_values = self.d_values.chunks_exact_mut(attended.hidden);
                            let regions = d_energies.iter_mut().zip(weights);
                            for ((d_energy, &weight), (value, d_value)) in
                                regions.zip(values.zip(d_values))
                            {
                                *d_energy = dot_and_add(value, d_context, weight, d_value);
                            }
                            softmax_backward(&mut d_energies, weights);
                        }
                    }
                    let keys = attended.keys(span);
                    let d_keys = self.d_keys.chunks_exact_mut(score.len());
                    for (&d_energy, (key, d_key)) in d_energies.iter().zip(keys.zip(d_keys)) {
                        let inputs = key.iter().zip(row.query).zip(score);
                        let outputs = d_key.iter_mut().zip(&mut *row.d_query);
                        let outputs = outputs.zip(&mut *self.d_score);
                        for (((&key, &query), &score), ((d_key, d_query), d_score)) in
                            inputs.zip(outputs)
                        {
                            let t = tanh(key + query);
                            let d = d_energy * score * (1.0 - t * t);
                            *d_key += d;
                            *d_query += d;
                            *d_score += d_energy * t;
                        }
                    }
                },
            );
        }
    }
}

/// From gradients at the weights to those at the energies.
#[inline(always)]
pub(crate) fn softmax_backward(gradients: &mut [f32], weights: &[f32]) {
    let mean: f32 = gradients.iter().zip(weights).map(|(d, w)| d * w).sum();
    for (gradient, weight) in gradients.iter_mut().zip(weights) {
        *gradient = weight * (*gradient - mean);
    }
}

/// `value . direction`, while `weight direction` is added to `sum`.
#[inline(always)]
fn dot_and_add(value: &[f32], direction: &[f32], weight: f32, sum: &mut [f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (values, value_rest) = value.as_chunks::<LANES>();
    let (directions, direction_rest) = direction.as_chunks::<LANES>();
    let (whole, rest) = sum.as_chunks_mut::<LANES>();
    for ((value, direction), sum) in values.iter().zip(directions).zip(whole) {
        for lane in 0..LANES {
            sums[lane] += value[lane] * direction[lane];
            sum[lane] += weight * direction[lane];
        }
    }
    let rest = value_rest.iter().zip(direction_rest).zip(rest);
    for (lane, ((value, direction), sum)) in rest.enumerate() {
        sums[lane] += value * direction;
        *sum += weight * direction;
    }
    sums.iter().sum()
}
