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
    simd::{add_rows, dot, vectorised},
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
                add_heads(weights, attended, sources, hidden, context);
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
                    dot_heads(attended, sources, hidden, d_context, d_energies);
                    let of_heads = d_energies.chunks_exact_mut(count);
                    for (d_energies, weights) in of_heads.zip(weights.chunks_exact(count)) {
                        softmax_backward(d_energies, weights);
                        for d_energy in d_energies {
                            *d_energy *= scale;
                        }
                    }
                    add_heads(d_energies, attended, sources, 0, d_query);
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
                for (factors, rows, sum) in [
                    (&d_energies, queries, &mut *d_key),
                    (&weights, d_contexts, &mut *d_value),
                ] {
                    let width = hidden / heads;
                    for (head, sum) in sum.chunks_exact_mut(width).enumerate() {
                        let of_use = |of: &Use| {
                            let row = &rows[of.query * hidden + head * width..][..width];
                            (factors[of.first + head * of.sources], row)
                        };
                        add_rows(uses.iter().map(of_use), sum);
                    }
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
    /// Where the value of the row is among those of all queries, in the first head; in the next one it is `sources` further.
    first: usize,
    sources: usize,
}

/// Of every row the queries that attend to it.
fn uses(sources: &Sources, rows: usize, heads: usize) -> Vec<Vec<Use>> {
    let mut uses: Vec<Vec<Use>> = (0..rows).map(|_| Vec::new()).collect();
    let mut first = 0;
    for (query, list) in sources.iter().enumerate() {
        for (column, &row) in list.iter().enumerate() {
            uses[row].push(Use {
                query,
                first: first + column,
                sources: list.len(),
            });
        }
        first += heads * list.len();
    }
    uses
}

/// The weights of attention, `[heads, sources]`.
#[inline(always)]
fn weigh(attended: &Attended<'_>, sources: &[usize], query: &[f32], weights: &mut [f32]) {
    dot_heads(attended, sources, 0, query, weights);
    let scale = scale(query.len() / attended.heads);
    for weights in weights.chunks_exact_mut(sources.len().max(1)) {
        for energy in &mut *weights {
            *energy *= scale;
        }
        softmax(weights);
    }
}

/// The scalar products of a query with the columns of sources from `first` on, in every head, `[heads, sources]`.
#[inline(always)]
fn dot_heads(
    attended: &Attended<'_>,
    sources: &[usize],
    first: usize,
    query: &[f32],
    sums: &mut [f32],
) {
    let width = query.len() / attended.heads;
    let of_heads = query.chunks_exact(width).enumerate();
    for ((head, query), sums) in of_heads.zip(sums.chunks_exact_mut(sources.len().max(1))) {
        let columns = first + head * width..first + (head + 1) * width;
        for (sum, &source) in sums.iter_mut().zip(sources) {
            *sum = dot(query, &attended.keys_values[source][columns.clone()]);
        }
    }
}

/// Adds the columns of sources from `first` on, in every head times factors, `[heads, sources]`.
#[inline(always)]
fn add_heads(
    factors: &[f32],
    attended: &Attended<'_>,
    sources: &[usize],
    first: usize,
    sum: &mut [f32],
) {
    let width = sum.len() / attended.heads;
    let of_heads = sum.chunks_exact_mut(width).enumerate();
    for ((head, sum), factors) in of_heads.zip(factors.chunks_exact(sources.len().max(1))) {
        let columns = first + head * width..first + (head + 1) * width;
        let row = |(&factor, &source): (&f32, &usize)| {
            (factor, &attended.keys_values[source][columns.clone()])
        };
        add_rows(factors.iter().zip(sources).map(row), sum);
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
