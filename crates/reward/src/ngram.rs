//! N-grams of order 1 to 4 as integers.
//!
//! An n-gram of ids `t_1 .. t_n` is the integer `sum_i t_i * 2^(32 (n - i))` of 128 bits: exact, so that different
//! n-grams of one order never share a key. Keys of different orders are kept apart by whoever stores them.

/// The longest n-gram that any metric here counts.
pub const MAX_ORDER: usize = 4;

/// The key of one n-gram of at most [`MAX_ORDER`] tokens; of a longer one, the key of its last four.
///
/// Keys compare as the token sequences do, which keeps saved tables in lexicographic order.
pub fn ngram_key(ngram: &[u32]) -> u128 {
    ngram
        .iter()
        .fold(0, |key, &token| (key << 32) | u128::from(token))
}

/// The tokens of the n-gram of `order` with this key.
pub(crate) fn ngram_tokens(key: u128, order: usize) -> impl Iterator<Item = u32> {
    (0..order)
        .rev()
        .map(move |position| (key >> (32 * position)) as u32)
}

/// An n-gram's key and how often it occurs.
pub type NgramCount = (u128, u32);

/// Counts n-grams into buffers that it keeps.
#[derive(Debug, Clone, Default)]
pub struct NgramCounter {
    keys: Vec<u128>,
    counts: Vec<NgramCount>,
}

impl NgramCounter {
    /// The distinct n-grams of `order` in `tokens` with their counts, by ascending key.
    ///
    /// Empty when there are fewer than `order` tokens or `order` is 0.
    pub fn count(&mut self, tokens: &[u32], order: usize) -> &[NgramCount] {
        self.keys.clear();
        if order > 0 {
            self.keys.extend(tokens.windows(order).map(ngram_key));
        }
        self.keys.sort_unstable();
        self.counts.clear();
        for run in self.keys.chunk_by(|left, right| left == right) {
            self.counts.push((run[0], run.len() as u32));
        }
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_is_sorted_and_exact_when_ngrams_repeat() {
        let mut counter = NgramCounter::default();
        let tokens = [2, 1, 2, 1, u32::MAX];
        assert_eq!(
            counter.count(&tokens, 1),
            [(1, 2), (2, 2), (u128::from(u32::MAX), 1)]
        );
        assert_eq!(
            counter.count(&tokens, 2),
            [
                (ngram_key(&[1, 2]), 1),
                (ngram_key(&[1, u32::MAX]), 1),
                (ngram_key(&[2, 1]), 2)
            ]
        );
    }

    #[test]
    fn count_is_empty_when_tokens_are_fewer_than_the_order() {
        let mut counter = NgramCounter::default();
        assert_eq!(counter.count(&[1, 2, 3], 4), []);
        assert_eq!(counter.count(&[], 1), []);
        assert_eq!(counter.count(&[1, 2], 0), []);
    }

    #[test]
    fn tokens_come_back_when_taken_from_their_key() {
        let ngram = [u32::MAX, 0, 7, u32::MAX - 1];
        for order in 1..=MAX_ORDER {
            let tokens: Vec<u32> = ngram_tokens(ngram_key(&ngram[..order]), order).collect();
            assert_eq!(tokens, ngram[..order]);
        }
    }
}
