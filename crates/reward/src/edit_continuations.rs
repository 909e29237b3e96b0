//! What the edit distance of a caption can still become: its least value over all continuations.

/// The value of every word that may come next, as sparse as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NextWordValues {
    /// Of the words below, each once, in ascending order.
    pub words: Vec<(u32, f64)>,
    /// Of ending here.
    pub end: f64,
    /// Of every other word.
    pub others: f64,
}

/// Minus the least error rate that a caption can still have after each word that may come next, at each of its positions
/// (Sabour, Chan and Norouzi 2019, eq. 7: optimal completion).
///
/// ```text
/// Q_t(w) = max_r -min_z d(y_<t w z, r) / max(1, |r|),   d: edit distance, z: any words
/// min_z d(y_<t w z, r) = m if r_j+1 = w for a j with d(y_<t, r_<=j) = m, else m + 1,   m = min_j d(y_<t, r_<=j)
/// ```
/// and `-d(y_<t, r) / max(1, |r|)` of ending. That a caption may be cut off is not considered.
///
/// # Shapes
/// `caption`: `[T]`, as it was sampled; `references`: one or more, without end tokens. The result is `[T]`: the values of the
/// first word, and so on.
///
/// `never`: a word that is not right even where a reference has it, such as the unknown word.
pub fn edit_continuations<R: AsRef<[u32]>>(
    caption: &[u32],
    references: &[R],
    never: Option<u32>,
) -> Vec<NextWordValues> {
    let mut of_references: Vec<Distances<'_>> = references
        .iter()
        .map(|reference| Distances::new(reference.as_ref()))
        .collect();
    let values = caption.iter().map(|&word| {
        let values = best(&of_references, never);
        for distances in &mut of_references {
            distances.advance(word, never);
        }
        values
    });
    values.collect()
}

/// The best of all references.
fn best(of_references: &[Distances<'_>], never: Option<u32>) -> NextWordValues {
    let mut values = NextWordValues {
        words: Vec::new(),
        end: f64::NEG_INFINITY,
        others: f64::NEG_INFINITY,
    };
    for distances in of_references {
        let least = distances.least();
        values.end = values.end.max(distances.value(distances.whole()));
        values.others = values.others.max(distances.value(least + 1));
        let right = distances.right(least);
        let right = right.filter(|&word| Some(word) != never);
        values
            .words
            .extend(right.map(|word| (word, distances.value(least))));
    }
    // Of equal words the one of the largest value stays.
    values
        .words
        .sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then(y.total_cmp(x)));
    values.words.dedup_by_key(|(word, _)| *word);
    let others = values.others;
    values.words.retain(|&(_, value)| value > others);
    values
}

/// Distances of the words so far from every beginning of a reference.
struct Distances<'a> {
    reference: &'a [u32],
    row: Vec<usize>,
}

impl<'a> Distances<'a> {
    fn new(reference: &'a [u32]) -> Self {
        Self {
            reference,
            row: (0..=reference.len()).collect(),
        }
    }

    fn least(&self) -> usize {
        self.row.iter().copied().min().unwrap_or(0)
    }

    fn whole(&self) -> usize {
        self.row.last().copied().unwrap_or(0)
    }

    fn value(&self, edits: usize) -> f64 {
        -(edits as f64) / self.reference.len().max(1) as f64
    }

    /// The words that cost nothing.
    fn right(&self, least: usize) -> impl Iterator<Item = u32> {
        let beginnings = self.row.iter().zip(self.reference);
        let right = beginnings.filter(move |(distance, _)| **distance == least);
        right.map(|(_, &word)| word)
    }

    fn advance(&mut self, word: u32, never: Option<u32>) {
        let Some((first, rest)) = self.row.split_first_mut() else {
            return;
        };
        let (mut diagonal, mut left) = (*first, *first + 1);
        *first += 1;
        for (distance, &expected) in rest.iter_mut().zip(self.reference) {
            let is_right = word == expected && Some(word) != never;
            let substituted = diagonal + usize::from(!is_right);
            diagonal = *distance;
            left = substituted.min(diagonal + 1).min(left + 1);
            *distance = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edit_distance::edit_distance;

    const VOCAB: u32 = 3;

    /// All lists of words up to a length.
    fn all_words(most: usize) -> Vec<Vec<u32>> {
        let mut all = vec![Vec::new()];
        let mut longest = all.clone();
        for _ in 0..most {
            let longer = longest.iter().flat_map(|words: &Vec<u32>| {
                (0..VOCAB).map(move |word| [words.as_slice(), &[word]].concat())
            });
            longest = longer.collect();
            all.extend(longest.clone());
        }
        all
    }

    fn rate(words: &[u32], references: &[Vec<u32>]) -> f64 {
        let rates = references.iter().map(|reference| {
            -(edit_distance(words, reference) as f64) / reference.len().max(1) as f64
        });
        rates.fold(f64::NEG_INFINITY, f64::max)
    }

    fn value(values: &NextWordValues, word: u32) -> f64 {
        let listed = values.words.iter().find(|(listed, _)| *listed == word);
        listed.map_or(values.others, |(_, value)| *value)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn values_are_those_of_the_best_of_all_continuations(
            caption in prop::collection::vec(0..VOCAB, 1..5),
            references in prop::collection::vec(prop::collection::vec(0..VOCAB, 0..5), 1..4),
        ) {
            let continuations = all_words(4);
            let found = edit_continuations(&caption, &references, None);
            prop_assert_eq!(found.len(), caption.len());
            for (t, values) in found.iter().enumerate() {
                let prefix = &caption[..t];
                prop_assert_eq!(values.end, rate(prefix, &references));
                for word in 0..VOCAB {
                    let all = continuations.iter().map(|rest| {
                        rate(&[prefix, &[word], rest.as_slice()].concat(), &references)
                    });
                    let best = all.fold(f64::NEG_INFINITY, f64::max);
                    prop_assert!((value(values, word) - best).abs() < 1e-12, "{t} {word}: {values:?}, {best}");
                }
                // What no reference has is as good as any wrong word.
                prop_assert_eq!(value(values, VOCAB), values.others);
            }
        }
    }

    #[test]
    fn unknown_word_is_never_right() {
        let found = edit_continuations(&[1, 4], &[[1, 4]], Some(1));
        assert!(found[0].words.is_empty());
        assert_eq!((found[0].others, found[0].end), (-0.5, -1.0));
        // The unknown word was one error, of which the rest is free.
        assert_eq!(found[1].words, [(4, -0.5)]);
    }

    #[test]
    fn ending_is_free_when_the_reference_is_empty() {
        let found = edit_continuations(&[3], &[[0; 0]], None);
        let expected = NextWordValues {
            words: vec![],
            end: 0.0,
            others: -1.0,
        };
        assert_eq!(found, [expected]);
    }
}
