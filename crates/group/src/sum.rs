//! Sums of long lists of numbers over all parts of all ranks, with the same bits on any number of ranks.

use std::{borrow::Cow, ops::Range};

use crate::{Group, GroupError, Meanwhile, share, tree};

/// What ranks have added up before they meet.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Into how many parts the work was divided; a rank has its [`share`] of them.
    pub parts: usize,
    /// How many numbers each of the lists has that are added.
    pub lengths: Vec<usize>,
    /// Of every node of all ranks, in their order, and of every list: whether the node has it.
    pub present: Vec<Vec<bool>>,
}

impl Layout {
    /// The nodes of all ranks, in their order.
    pub fn nodes(parts: usize, size: usize) -> Vec<Range<usize>> {
        let of_rank = |rank| tree::nodes(parts, &share(parts, size, rank));
        (0..size).flat_map(of_rank).collect()
    }
}

/// The sums of all lists, one after the other, over the nodes of all ranks, added in the [tree] of the parts.
///
/// `own` holds the lists of each of this rank's nodes, one after the other; of a list that a node does not have, any
/// numbers, which are not looked at. A list that no node has is 0. Every rank adds a share of the numbers and hands it to all
/// others: 2 (N-1)/N times the numbers leave and reach a rank, of N that have one node each.
///
/// # Errors
/// [`GroupError`] when another rank cannot be reached.
pub fn sum(
    group: &dyn Group,
    layout: &Layout,
    own: &[Vec<f32>],
    meanwhile: Meanwhile<'_>,
) -> Result<Vec<f32>, GroupError> {
    let (size, rank) = (group.size(), group.rank());
    let total: usize = layout.lengths.iter().sum();
    let shards: Vec<Range<usize>> = (0..size).map(|of| share(total, size, of)).collect();
    // One node has its shards in order.
    let sent = match own {
        [one] => Cow::Borrowed(one),
        _ => {
            let mut sent = Vec::with_capacity(total * own.len());
            for shard in &shards {
                for values in own {
                    sent.extend_from_slice(&values[shard.clone()]);
                }
            }
            Cow::Owned(sent)
        }
    };
    let counts: Vec<usize> = shards.iter().map(|shard| shard.len() * own.len()).collect();
    let nodes = Layout::nodes(layout.parts, size);
    let shard = shards[rank].clone();
    let nodes_of = |of| tree::nodes(layout.parts, &share(layout.parts, size, of)).len();
    let expected: Vec<usize> = (0..size).map(|of| nodes_of(of) * shard.len()).collect();
    let received = group.exchange(&sent, &counts, &expected, meanwhile)?;
    drop(sent);
    let mut added = vec![0.0; shard.len()];
    let mut first = 0;
    for (list, &length) in layout.lengths.iter().enumerate() {
        let here = first.max(shard.start)..(first + length).min(shard.end);
        first += length;
        if here.is_empty() {
            continue;
        }
        let here = here.start - shard.start..here.end - shard.start;
        let of_node = |k: usize| {
            let values = &received[k * shard.len()..][here.clone()];
            layout.present[k][list].then(|| values.to_vec())
        };
        let mut known = |node: &Range<usize>| nodes.iter().position(|own| own == node).map(of_node);
        if let Some(values) = tree::fold(0..layout.parts, &mut known, &mut plus) {
            added[here].copy_from_slice(&values);
        }
    }
    let counts: Vec<usize> = shards.iter().map(Range::len).collect();
    group.collect(&added, &counts, meanwhile)
}

fn plus(mut left: Vec<f32>, right: Vec<f32>) -> Vec<f32> {
    for (left, right) in left.iter_mut().zip(right) {
        *left += right;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Threads;

    /// Numbers of sizes so unlike that any other order of additions shows.
    fn part(part: usize, length: usize) -> Vec<f32> {
        let number = |k: usize| {
            let hash = (k as u64 ^ ((part as u64 + 1) << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let size = [1e-3, 1.0, 1e3, 1e6][(hash >> 60) as usize % 4];
            ((hash >> 20 & 0xFF_FFFF) as f32 / 1e7 - 0.8) * size
        };
        (0..length).map(number).collect()
    }

    fn on_ranks(
        size: usize,
        layout: &Layout,
        has: impl Fn(usize, usize) -> bool + Sync,
    ) -> Vec<f32> {
        let results = Threads::run(size, |group| {
            let total: usize = layout.lengths.iter().sum();
            let own = tree::nodes(layout.parts, &share(layout.parts, size, group.rank()));
            let of_list = |node: &Range<usize>, list: usize| {
                let first: usize = layout.lengths[..list].iter().sum();
                let here = first..first + layout.lengths[list];
                let mut leaf = |at: &Range<usize>| {
                    let is_leaf = at.len() == 1;
                    is_leaf.then(|| {
                        has(at.start, list).then(|| part(at.start, total)[here.clone()].to_vec())
                    })
                };
                tree::fold(node.clone(), &mut leaf, &mut plus)
            };
            let lists = 0..layout.lengths.len();
            let nodes = Layout::nodes(layout.parts, size);
            let layout = Layout {
                present: nodes
                    .iter()
                    .map(|node| lists.clone().map(|k| of_list(node, k).is_some()).collect())
                    .collect(),
                ..layout.clone()
            };
            let own: Vec<Vec<f32>> = own
                .iter()
                .map(|node| {
                    let of_list = |k| of_list(node, k).unwrap_or(vec![f32::NAN; layout.lengths[k]]);
                    lists.clone().flat_map(of_list).collect()
                })
                .collect();
            sum(group, &layout, &own, Meanwhile::Idle).expect("threads reach one another")
        });
        for other in &results[1..] {
            assert_eq!(bits(other), bits(&results[0]));
        }
        results.into_iter().next().expect("there is a rank")
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn sums_have_the_same_bits_on_any_number_of_ranks() {
        for parts in 1..=9 {
            let layout = Layout {
                parts,
                lengths: vec![5, 0, 31, 1],
                present: Vec::new(),
            };
            // A list may be missing in some parts, or in all of them.
            let has = |part: usize, list: usize| list != 0 && (list != 2 || part % 3 != 1);
            let alone = on_ranks(1, &layout, has);
            assert_eq!(alone[..5], [0.0; 5]);
            for size in 2..=parts {
                assert_eq!(
                    bits(&on_ranks(size, &layout, has)),
                    bits(&alone),
                    "{parts} on {size}"
                );
            }
        }
    }

    #[test]
    fn another_order_of_additions_has_other_bits() {
        let layout = Layout {
            parts: 8,
            lengths: vec![1_000],
            present: Vec::new(),
        };
        let tree = on_ranks(4, &layout, |_, _| true);
        let mut in_order = vec![0.0; 1_000];
        for k in 0..8 {
            in_order = plus(in_order, part(k, 1_000));
        }
        assert_ne!(bits(&tree), bits(&in_order));
    }
}
