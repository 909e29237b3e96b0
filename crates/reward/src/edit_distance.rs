//! The edit distance.

/// The fewest insertions, deletions and substitutions that make `left` of `right`: Levenshtein 1966.
///
/// ```text
/// d(0, j) = j        d(i, 0) = i
/// d(i, j) = min(d(i-1, j) + 1, d(i, j-1) + 1, d(i-1, j-1) + [left_i != right_j])
/// ```
/// Takes time by the product of the lengths, less what both have in common at either end, and memory by the shorter.
pub fn edit_distance<T: PartialEq>(left: &[T], right: &[T]) -> usize {
    let (left, right) = without_common_ends(left, right);
    let (short, long) = if left.len() < right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let mut row: Vec<usize> = (0..=short.len()).collect();
    for (i, item) in (1..).zip(long) {
        let (mut diagonal, mut before) = (i - 1, i);
        row[0] = i;
        for (other, distance) in short.iter().zip(&mut row[1..]) {
            let above = *distance;
            let substituted = diagonal + usize::from(item != other);
            before = substituted.min(above.min(before) + 1);
            (diagonal, *distance) = (above, before);
        }
    }
    row[short.len()]
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

    fn sequence(most: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(0..4u8, 0..=most)
    }

    proptest! {
        #[test]
        fn distance_equals_the_definition_when_sequences_are_short(left in sequence(6), right in sequence(6)) {
            prop_assert_eq!(edit_distance(&left, &right), naive(&left, &right));
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
