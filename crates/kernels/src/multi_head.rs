//! Scaled dot-product attention with several heads (Vaswani et al. 2017, section 3.2), forward and backward, from rows
//! to lists of rows, without a tensor of `[rows, longest list, hidden]`.

#[cfg(feature = "cube")]
use std::sync::OnceLock;

#[cfg(feature = "cube")]
use burn::tensor::{Device, Int, Tensor};
use rayon::prelude::*;

#[cfg(feature = "cube")]
use crate::cube::lists::{self, Lists};

use crate::{
    attention::{softmax, softmax_backward},
    simd::{dot, vectorised},
};

/// The rows that every query attends to: as many lists as queries, of any lengths.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Where the list of every query ends.
    ends: Vec<usize>,
    rows: Vec<usize>,
    /// The same on a device, once a kernel has asked for it.
    #[cfg(feature = "cube")]
    on_device: OnceLock<Box<Lists>>,
    /// Which lists each of so many rows is in, likewise.
    #[cfg(feature = "cube")]
    uses: OnceLock<Box<(usize, Tensor<1, Int>)>>,
}

impl Sources {
    /// The lists as kernels read them.
    #[cfg(feature = "cube")]
    pub(crate) fn on_device(&self, device: &Device) -> Lists {
        let lists = || Box::new(Lists::new(self.iter(), device));
        (**self.on_device.get_or_init(lists)).clone()
    }

    /// The uses of `rows` rows as kernels read them.
    #[cfg(feature = "cube")]
    pub(crate) fn uses_on_device(&self, rows: usize, device: &Device) -> Tensor<1, Int> {
        let uses = || lists::uses(self.iter(), rows, device);
        let kept = self.uses.get_or_init(|| Box::new((rows, uses())));
        if kept.0 == rows {
            kept.1.clone()
        } else {
            uses()
        }
    }

    /// Adds the list of one more query.
    pub fn push(&mut self, rows: impl IntoIterator<Item = usize>) {
        #[cfg(feature = "cube")]
        {
            self.on_device.take();
            self.uses.take();
        }
        self.rows.extend(rows);
        self.ends.push(self.rows.len());
    }

    /// Number of queries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no query.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The list of a query.
    ///
    /// # Panics
    /// When there is no such query.
    pub fn of(&self, query: usize) -> &[usize] {
        let first = query.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[first..self.ends[query]]
    }

    /// The lists of all queries.
    pub fn iter(&self) -> impl Iterator<Item = &[usize]> {
        (0..self.len()).map(|query| self.of(query))
    }

    /// The most rows that a query attends to.
    pub fn longest(&self) -> usize {
        self.iter().map(<[usize]>::len).max().unwrap_or(0)
    }
}

/// What is attended to.
#[derive(Debug, Clone, Copy)]
pub struct Attended<'a> {
    /// Of every row its key and behind it its value, `[2 hidden]`.
    pub keys_values: &'a [&'a [f32]],
    /// The rows that every query attends to.
    pub sources: &'a Sources,
    /// Number of heads; they divide `hidden`.
    pub heads: usize,
}

/// Attends from every query to its rows; every head reads its own columns.
///
/// ```text
/// e_r = q . k_r / sqrt(hidden / heads),   alpha = softmax(e),   context = sum_r alpha_r v_r      in every head
/// ```
///
/// # Shapes
/// `queries`: `[queries, hidden]`; `contexts`: `[queries, hidden]`, zeros.
///
/// # Panics
/// When the lengths do not fit together.
pub fn attend(attended: &Attended<'_>, queries: &[f32], contexts: &mut [f32]) {
    if attended.sources.is_empty() {
        return;
    }
    let hidden = hidden(attended, queries);
    let rows = queries
        .par_chunks_exact(hidden)
        .zip(contexts.par_chunks_exact_mut(hidden))
        .enumerate();
    rows.for_each_init(Vec::new, |weights, (row, (query, context))| {
        let sources = attended.sources.of(row);
        weights.resize(attended.heads * sources.len(), 0.0);
        vectorised(
            #[inline(always)]
            || {
                weigh(attended, sources, query, weights);
                for (at, source) in places(sources, attended.heads) {
                    let value = &attended.keys_values[source][hidden..];
                    add_heads(weights, at, value, context);
                }
            },
        );
    });
}

/// The backward pass of [`attend`], which computes the weights again: fills `d_queries` and `d_keys_values`.
///
/// ```text
/// d alpha_r = v_r . d context,   d e_r = alpha_r (d alpha_r - sum_s alpha_s d alpha_s)      in every head
/// dq = sum_r d e_r k_r / sqrt(hidden / heads),   dk_r = sum_q d e_r q / sqrt(hidden / heads)
/// dv_r = sum_q alpha_r d context
/// ```
///
/// # Shapes
/// As of [`attend`]; `d_queries`: `[queries, hidden]`, zeros; `d_keys_values`: `[rows, 2 hidden]`, zeros.
///
/// # Panics
/// When the lengths do not fit together.
pub fn attend_backward(
    attended: &Attended<'_>,
    queries: &[f32],
    d_contexts: &[f32],
    d_queries: &mut [f32],
    d_keys_values: &mut [f32],
) {
    if attended.sources.is_empty() {
        return;
    }
    let hidden = hidden(attended, queries);
    let (sources, heads) = (attended.sources, attended.heads);
    let scale = scale(hidden / heads);
    // Of every query, head by head.
    let mut weights = vec![0.0f32; heads * sources.rows.len()];
    let mut d_energies = weights.clone();
    let rows = split(&mut weights, sources, heads)
        .into_par_iter()
        .zip(split(&mut d_energies, sources, heads))
        .zip(queries.par_chunks_exact(hidden))
        .zip(d_contexts.par_chunks_exact(hidden))
        .zip(d_queries.par_chunks_exact_mut(hidden))
        .enumerate();
    rows.for_each(
        |(row, ((((weights, d_energies), query), d_context), d_query))| {
            let sources = sources.of(row);
            let count = sources.len().max(1);
            vectorised(
                #[inline(always)]
                || {
                    weigh(attended, sources, query, weights);
                    for (at, source) in places(sources, heads) {
                        let value = &attended.keys_values[source][hidden..];
                        dot_heads(value, d_context, at, d_energies);
                    }
                    let of_heads = d_energies.chunks_exact_mut(count);
                    for (d_energies, weights) in of_heads.zip(weights.chunks_exact(count)) {
                        softmax_backward(d_energies, weights);
                        for d_energy in d_energies {
                            *d_energy *= scale;
                        }
                    }
                    for (at, source) in places(sources, heads) {
                        let key = &attended.keys_values[source][..hidden];
                        add_heads(d_energies, at, key, d_query);
                    }
                },
            );
        },
    );
    // A row's gradients come from all queries that attend to it, in their order.
    let uses = uses(sources, attended.keys_values.len(), heads);
    let rows = d_keys_values.par_chunks_exact_mut(2 * hidden).zip(uses);
    rows.for_each(|(d_key_value, uses)| {
        let (d_key, d_value) = d_key_value.split_at_mut(hidden);
        vectorised(
            #[inline(always)]
            || {
                for &Use { query, first, at } in &uses {
                    let of_query = query * hidden..(query + 1) * hidden;
                    let (d_energies, weights) = (&d_energies[first..], &weights[first..]);
                    add_heads(d_energies, at, &queries[of_query.clone()], d_key);
                    add_heads(weights, at, &d_contexts[of_query], d_value);
                }
            },
        );
    });
}

/// Columns of a query.
fn hidden(attended: &Attended<'_>, queries: &[f32]) -> usize {
    let hidden = queries.len() / attended.sources.len();
    assert!(
        hidden > 0 && hidden.is_multiple_of(attended.heads),
        "{} heads divide {hidden} columns",
        attended.heads
    );
    hidden
}

fn scale(columns: usize) -> f32 {
    1.0 / (columns as f32).sqrt()
}

/// Values of all queries, `[heads, sources]` each, query by query.
fn split<'a>(mut values: &'a mut [f32], sources: &Sources, heads: usize) -> Vec<&'a mut [f32]> {
    let lists = sources.iter().map(|list| {
        let (own, rest) = std::mem::take(&mut values).split_at_mut(heads * list.len());
        values = rest;
        own
    });
    lists.collect()
}

/// A query that attends to a row.
struct Use {
    query: usize,
    /// Where the values of the query begin, `[heads, sources]`.
    first: usize,
    at: Place,
}

/// Of every row the queries that attend to it.
fn uses(sources: &Sources, rows: usize, heads: usize) -> Vec<Vec<Use>> {
    let mut uses: Vec<Vec<Use>> = (0..rows).map(|_| Vec::new()).collect();
    let mut first = 0;
    for (query, list) in sources.iter().enumerate() {
        for (at, row) in places(list, heads) {
            uses[row].push(Use { query, first, at });
        }
        first += heads * list.len();
    }
    uses
}

/// The weights of attention, `[heads, sources]`.
#[inline(always)]
fn weigh(attended: &Attended<'_>, sources: &[usize], query: &[f32], weights: &mut [f32]) {
    for (at, source) in places(sources, attended.heads) {
        let key = &attended.keys_values[source][..query.len()];
        dot_heads(key, query, at, weights);
    }
    let scale = scale(query.len() / attended.heads);
    for weights in weights.chunks_exact_mut(sources.len().max(1)) {
        for energy in &mut *weights {
            *energy *= scale;
        }
        softmax(weights);
    }
}

/// The place of a row among the sources of a query: a column of `[heads, sources]`.
#[derive(Clone, Copy)]
struct Place {
    column: usize,
    sources: usize,
    heads: usize,
}

/// Every source with its place.
#[inline(always)]
fn places(sources: &[usize], heads: usize) -> impl Iterator<Item = (Place, usize)> {
    let count = sources.len();
    sources.iter().enumerate().map(move |(column, &source)| {
        let place = Place {
            column,
            sources: count,
            heads,
        };
        (place, source)
    })
}

/// The scalar product in every head, into a column of `sums`, `[heads, sources]`.
#[inline(always)]
fn dot_heads(a: &[f32], b: &[f32], at: Place, sums: &mut [f32]) {
    let width = a.len() / at.heads;
    let of_heads = a.chunks_exact(width).zip(b.chunks_exact(width));
    let sums = sums.iter_mut().skip(at.column).step_by(at.sources);
    for ((a, b), sum) in of_heads.zip(sums) {
        *sum = dot(a, b);
    }
}

/// Adds `row` to `sum`, in every head times its factor, a column of `factors`, `[heads, sources]`.
#[inline(always)]
fn add_heads(factors: &[f32], at: Place, row: &[f32], sum: &mut [f32]) {
    let width = row.len() / at.heads;
    let of_heads = row.chunks_exact(width).zip(sum.chunks_exact_mut(width));
    let factors = factors.iter().skip(at.column).step_by(at.sources);
    for ((row, sum), factor) in of_heads.zip(factors) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += factor * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_lists_of_any_lengths() {
        let mut sources = Sources::default();
        for list in [&[3, 1][..], &[], &[2]] {
            sources.push(list.iter().copied());
        }
        assert_eq!((sources.len(), sources.longest()), (3, 2));
        assert_eq!(
            [sources.of(0), sources.of(1), sources.of(2)],
            [&[3, 1][..], &[], &[2]]
        );
        assert!(Sources::default().is_empty());
    }
}
