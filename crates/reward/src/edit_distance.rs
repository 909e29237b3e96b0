//! The edit distance.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// The fewest insertions, deletions and substitutions that make `left` of `right`: Levenshtein 1966.
///
/// ```text
/// d(0, j) = j        d(i, 0) = i
/// d(i, j) = min(d(i-1, j) + 1, d(i, j-1) + 1, d(i-1, j-1) + [left_i != right_j])
/// ```
/// 64 rows of a column at a time, as bits that say where neighbours differ by 1 (Myers 1999, in blocks as Hyyrö 2003 has
/// them). What both have in common at either end is left out before.
pub fn edit_distance<T: Eq + Hash>(left: &[T], right: &[T]) -> usize {
    let (left, right) = without_common_ends(left, right);
    let (short, long) = if left.len() < right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let Some(last_row) = short.len().checked_sub(1) else {
        return long.len();
    };
    // In which rows an item stands.
    let mut items = FxHashMap::default();
    let mut rows: Vec<Vec<u64>> = Vec::new();
    for (row, item) in short.iter().enumerate() {
        let index = *items.entry(item).or_insert(rows.len());
        if index == rows.len() {
            rows.push(vec![0; last_row / 64 + 1]);
        }
        rows[index][row / 64] |= 1 << (row % 64);
    }
    let nowhere = vec![0; last_row / 64 + 1];
    let mut blocks = vec![Block::default(); last_row / 64 + 1];
    let mut distance = short.len();
    for item in long {
        let equal = items.get(item).map_or(&nowhere, |&index| &rows[index]);
        // The distance from nothing grows by 1 with every column.
        let mut step = Step { up: 1, down: 0 };
        for (index, (block, &equal)) in blocks.iter_mut().zip(equal).enumerate() {
            let last = if index == last_row / 64 {
                last_row % 64
            } else {
                63
            };
            step = block.advance(equal, step, last);
        }
        distance = distance + step.up as usize - step.down as usize;
    }
    distance
}

/// 64 rows of the current column: where the distance is by 1 more, or by 1 less, than in the row above.
#[derive(Clone, Copy)]
struct Block {
    more: u64,
    less: u64,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            more: u64::MAX,
            less: 0,
        }
    }
}

/// Whether, in one row, the distance went up or down by 1 from one column to the next.
#[derive(Clone, Copy)]
struct Step {
    up: u64,
    down: u64,
}

impl Block {
    /// Goes to the next column, whose item stands in the rows `equal`; from the step of the row above the block to that of
    /// its row `last`.
    fn advance(&mut self, equal: u64, above: Step, last: usize) -> Step {
        let vertical = equal | self.less;
        let equal = equal | above.down;
        let horizontal = ((equal & self.more).wrapping_add(self.more) ^ self.more) | equal;
        let up = self.less | !(horizontal | self.more);
        let down = self.more & horizontal;
        let step = Step {
            up: up >> last & 1,
            down: down >> last & 1,
        };
        let (up, down) = (up << 1 | above.up, down << 1 | above.down);
        self.more = down | !(vertical | up);
        self.less = up & vertical;
        step
    }
}

fn without_common_ends<'a, T: PartialEq>(left: &'a [T], right: &'a [T]) -> (&'a [T], &'a [T]) {
    let alike = |pair: &(&T, &T)| pair.0 == pair.1;
    let first = left.iter().zip(right).take_while(alike).count();
    let (left, right) = (&left[first..], &right[first..]);
    let last = left.iter().rev().zip(right.iter().rev());
    let last = last.take_while(alike).count();
    (&left[..left.len() - last], &right[..right.len() - last])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, word for word.
    fn naive(left: &[u8], right: &[u8]) -> usize {
        match (left.split_last(), right.split_last()) {
            (None, _) => right.len(),
            (_, None) => left.len(),
            (Some((a, left_rest)), Some((b, right_rest))) => {
                let deleted = naive(left_rest, right) + 1;
                let inserted = naive(left, right_rest) + 1;
                let substituted = naive(left_rest, right_rest) + usize::from(a != b);
                deleted.min(inserted).min(substituted)
            }
        }
    }

    /// The definition, row by row.
    fn by_rows(left: &[u8], right: &[u8]) -> usize {
        let mut row: Vec<usize> = (0..=right.len()).collect();
        for (i, item) in (1..).zip(left) {
            let mut diagonal = i - 1;
            row[0] = i;
            for (j, other) in (1..).zip(right) {
                let substituted = diagonal + usize::from(item != other);
                diagonal = row[j];
                row[j] = substituted.min(row[j].min(row[j - 1]) + 1);
            }
        }
        row[right.len()]
    }

    fn sequence(most: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(0..4u8, 0..=most)
    }

    proptest! {
        #[test]
        fn distance_equals_the_definition_when_sequences_are_short(left in sequence(6), right in sequence(6)) {
            prop_assert_eq!(edit_distance(&left, &right), naive(&left, &right));
        }

        #[test]
        fn distance_equals_the_definition_when_sequences_are_long(left in sequence(300), right in sequence(300)) {
            prop_assert_eq!(edit_distance(&left, &right), by_rows(&left, &right));
        }

        #[test]
        fn distance_is_a_metric_when_sequences_are_long(
            a in sequence(40), b in sequence(40), c in sequence(40)
        ) {
            let d = edit_distance(&a, &b);
            prop_assert_eq!(d, edit_distance(&b, &a));
            prop_assert_eq!(d == 0, a == b);
            prop_assert!(d >= a.len().abs_diff(b.len()) && d <= a.len().max(b.len()));
            prop_assert!(d <= edit_distance(&a, &c) + edit_distance(&c, &b));
        }
    }
}
