//! The binary tree in which parts are added.
//!
//! A node over `n > 1` parts splits at the largest power of two below `n`:
//!
//! ```text
//! ((0 + 1) + (2 + 3)) + 4
//! ```
//!
//! The tree depends on the number of parts alone. A rank adds up the [`nodes`] that lie within its parts; the sums of all
//! ranks' nodes are [`fold`]ed into one, each addition being one of the tree.

use std::ops::Range;

/// Where a node over `parts > 1` splits.
fn split(parts: usize) -> usize {
    parts.next_power_of_two() / 2
}

/// The largest nodes of the tree over `0..parts` that lie within `own`, in order.
pub fn nodes(parts: usize, own: &Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open = Vec::from([Range {
        start: 0,
        end: parts,
    }]);
    while let Some(node) = open.pop() {
        if node.is_empty() || node.start >= own.end || node.end <= own.start {
            continue;
        }
        if node.start >= own.start && node.end <= own.end {
            found.push(node);
            continue;
        }
        let middle = node.start + split(node.len());
        open.push(middle..node.end);
        open.push(node.start..middle);
    }
    found
}

/// The sum over a tree, of the values of some of its nodes; none where no part below has one.
///
/// `known` gives the value of a node, or nothing where it has to be added from the two below it.
pub fn fold<T>(
    tree: Range<usize>,
    known: &mut impl FnMut(&Range<usize>) -> Option<Option<T>>,
    add: &mut impl FnMut(T, T) -> T,
) -> Option<T> {
    if let Some(value) = known(&tree) {
        return value;
    }
    if tree.len() < 2 {
        return None;
    }
    let middle = tree.start + split(tree.len());
    let left = fold(tree.start..middle, known, add);
    let right = fold(middle..tree.end, known, add);
    joined(left, right, add)
}

/// The sum of two neighbours, of which either may have none.
pub fn joined<T>(left: Option<T>, right: Option<T>, add: impl FnOnce(T, T) -> T) -> Option<T> {
    match (left, right) {
        (Some(left), Some(right)) => Some(add(left, right)),
        (left, right) => left.or(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share;

    fn written(parts: usize, size: usize) -> String {
        let all: Vec<(Range<usize>, String)> = (0..size)
            .flat_map(|rank| nodes(parts, &share(parts, size, rank)))
            .map(|node| {
                let leaf =
                    |part: &Range<usize>| (part.len() == 1).then(|| Some(part.start.to_string()));
                let sum = fold(node.clone(), &mut { leaf }, &mut sum);
                (node, sum.unwrap_or_default())
            })
            .collect();
        let mut known = |node: &Range<usize>| {
            let found = all.iter().find(|(own, _)| own == node);
            found.map(|(_, text)| Some(text.clone()))
        };
        fold(0..parts, &mut known, &mut sum).unwrap_or_default()
    }

    fn sum(left: String, right: String) -> String {
        format!("({left}+{right})")
    }

    #[test]
    fn tree_is_the_same_on_any_number_of_ranks() {
        assert_eq!(written(1, 1), "0");
        assert_eq!(written(5, 1), "(((0+1)+(2+3))+4)");
        assert_eq!(written(7, 1), "(((0+1)+(2+3))+((4+5)+6))");
        for parts in 1..=17 {
            for size in 1..=parts {
                assert_eq!(written(parts, size), written(parts, 1), "{parts} on {size}");
            }
        }
    }

    #[test]
    fn parts_that_have_nothing_are_passed_over() {
        let mut known = |node: &Range<usize>| {
            (node.len() == 1).then(|| (node.start % 2 == 1).then_some(node.start))
        };
        let mut add = |a: usize, b: usize| 10 * a + b;
        assert_eq!(fold(0..6, &mut known, &mut add), Some(135));
        assert_eq!(fold(0..1, &mut known, &mut add), None);
        assert_eq!(fold(0..0, &mut known, &mut add), None);
    }
}
