//! Shortlisted chains against enumeration over the whole vocabulary and finite differences.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{Enumeration, Tree, testing::GRADIENT_TOLERANCE};

const NEVER: f64 = f64::NEG_INFINITY;
const VOCAB: usize = 5;
const POSITIONS: usize = 4;
const RANK: usize = 2;

/// Node scores, `from` and `to`.
type Scores = [Vec<f64>; 3];

fn random_scores(seed: u64) -> Scores {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    [POSITIONS * VOCAB, VOCAB * RANK, VOCAB * RANK]
        .map(|count| (0..count).map(|_| rng.random_range(-1.5..1.5)).collect())
}

/// `value` of the chain over all words, by enumeration; words that are not `listed` are forbidden.
fn with_all_words<T>(
    [node, from, to]: &Scores,
    listed: &[u32],
    value: impl FnOnce(&Enumeration<'_>) -> T,
) -> T {
    let size = listed.len() / POSITIONS;
    let mut allowed = vec![NEVER; node.len()];
    for (cell, &word) in listed.iter().enumerate() {
        let cell = cell / size * VOCAB + word as usize;
        allowed[cell] = node[cell];
    }
    let mut edge = Vec::new();
    for word in 0..VOCAB {
        for next in 0..VOCAB {
            let dot = (0..RANK).map(|r| from[word * RANK + r] * to[next * RANK + r]);
            edge.push(match (word, next) {
                (0, 0) => 0.0,
                (0, _) => NEVER,
                _ => dot.sum(),
            });
        }
    }
    let graph = Graph::chain(POSITIONS, VOCAB).unwrap();
    let model = Model::new(graph, &allowed, EdgeScores::Shared(&edge)).unwrap();
    value(&Enumeration::new(model).unwrap())
}

proptest! {
    #[test]
    fn shortlisted_chain_equals_the_enumeration_over_its_words(
        size in 3..=VOCAB,
        seed: u64,
    ) {
        let scores = random_scores(seed);
        let transitions = Transitions::new(VOCAB, &scores[1], &scores[2]).unwrap();
        let gold = [3, 1, 0];
        let shortlist = Shortlist::new(&scores[0], &transitions, size, &[&gold]).unwrap();
        let tree = Tree::new(shortlist.model().unwrap()).unwrap();
        let (log_z, marginals) = with_all_words(&scores, &shortlist.words, |all| {
            (all.log_partition(), all.marginals())
        });
        prop_assert!((tree.log_partition() - log_z).abs() < 1e-12);
        let found = shortlist.node_gradient(&tree.marginals()).unwrap();
        for (found, expected) in found.iter().zip(&marginals.node) {
            prop_assert!((found - expected).abs() < 1e-12);
        }
        if size == VOCAB {
            // Then labels are words, and edges are all edges.
            for (found, expected) in tree.marginals().edge.iter().zip(&marginals.edge) {
                prop_assert!((found - expected).abs() < 1e-12);
            }
            prop_assert_eq!(shortlist.labels(&gold).unwrap(), [3, 1, 0, 0]);
        }
    }

    #[test]
    fn scattered_gradient_equals_finite_differences(size in 3..=VOCAB, seed: u64) {
        let scores = random_scores(seed);
        let gold = [3, 1, 0];
        let transitions = Transitions::new(VOCAB, &scores[1], &scores[2]).unwrap();
        let shortlist = Shortlist::new(&scores[0], &transitions, size, &[&gold]).unwrap();
        let tree = Tree::new(shortlist.model().unwrap()).unwrap();
        let labels = shortlist.labels(&gold).unwrap();
        let gradient = tree.model().gradient(&tree.marginals(), &labels, 0.75).unwrap();
        let mut sum = transitions.zero_gradient();
        shortlist.add_transition_gradient(&gradient, &transitions, &mut sum).unwrap();
        let found = [shortlist.node_gradient(&gradient).unwrap(), sum.from, sum.to];

        let loss = |scores: &Scores| {
            with_all_words(scores, &shortlist.words, |all| {
                let score = all.model().score(&[3, 1, 0, 0]).unwrap();
                0.75 * (all.log_partition() - score)
            })
        };
        for which in 0..3 {
            let differences: Vec<f64> = (0..scores[which].len())
                .map(|k| {
                    let mut moved = scores.clone();
                    moved[which][k] += 1e-4;
                    let above = loss(&moved);
                    moved[which][k] -= 2e-4;
                    (above - loss(&moved)) / 2e-4
                })
                .collect();
            let scale = differences.iter().fold(0.01f64, |m, x| m.max(x.abs()));
            for (found, expected) in found[which].iter().zip(&differences) {
                prop_assert!((found - expected).abs() / scale < GRADIENT_TOLERANCE);
            }
            let swapped = &found[3 - which.max(1)];
            let error = swapped.iter().zip(&differences).map(|(f, e)| (f - e).abs());
            let error = error.fold(0.0, f64::max) / scale;
            prop_assert!(which == 0 || error > GRADIENT_TOLERANCE, "factors swapped");
        }
    }

    #[test]
    fn outside_is_the_share_of_the_words_left_out(size in 3..=VOCAB, seed: u64) {
        let scores = random_scores(seed);
        let transitions = Transitions::new(VOCAB, &scores[1], &scores[2]).unwrap();
        let forced: &[u32] = &[4, 4];
        let shortlist = Shortlist::new(&scores[0], &transitions, size, &[forced]).unwrap();
        for (position, row) in scores[0].chunks(VOCAB).enumerate() {
            let list = &shortlist.words[position * size..][..size];
            prop_assert!(list.is_sorted() && list.contains(&0));
            prop_assert!(position >= 2 || list.contains(&4));
            // All other words on the list score at least what those left out do.
            let is_free = |word: &usize| *word != 0 && (*word != 4 || position >= 2);
            let (listed, left): (Vec<usize>, Vec<usize>) =
                (0..VOCAB).partition(|&word| list.contains(&(word as u32)));
            for word in listed.into_iter().filter(is_free) {
                prop_assert!(left.iter().all(|&other| row[other] <= row[word]));
            }
            let total: f64 = row.iter().map(|s| s.exp()).sum();
            let outside: f64 = left.iter().map(|&word| row[word].exp() / total).sum();
            prop_assert!((shortlist.outside(&scores[0]).unwrap()[position] - outside).abs() < 1e-14);
        }
    }
}

proptest! {
    #[test]
    fn words_chosen_one_by_one_have_the_probability_of_the_whole(size in 3..=VOCAB, seed: u64) {
        let scores = random_scores(seed);
        let transitions = Transitions::new(VOCAB, &scores[1], &scores[2]).unwrap();
        let shortlist = Shortlist::new(&scores[0], &transitions, size, &[]).unwrap();
        let tree = Tree::new(shortlist.model().unwrap()).unwrap();
        let captions: Vec<Vec<u32>> = Enumeration::new(shortlist.model().unwrap())
            .unwrap()
            .labelings()
            .map(|labeling| labeling.labels)
            .filter(|labels| tree.log_probability(labels).unwrap() > NEVER)
            .map(|labels| shortlist.caption(&labels).unwrap())
            .collect();
        let ahead = shortlist.ahead(Lookahead::All);
        let mut total = 0.0;
        for caption in &captions {
            let mut log_p = 0.0;
            for (position, &word) in caption.iter().enumerate() {
                let words = shortlist.words(position).unwrap();
                let mut next = ahead[position * size..][..size].to_vec();
                if position > 0 {
                    let after = caption[position - 1];
                    let after = shortlist.scores_after(after, position, &transitions).unwrap();
                    next.iter_mut().zip(after).for_each(|(n, a)| *n += a);
                }
                let label = words.binary_search(&word).unwrap();
                log_p += next[label] - log_sum_exp(&next);
            }
            let expected = tree.log_probability(&shortlist.labels(caption).unwrap()).unwrap();
            prop_assert!((log_p - expected).abs() < 1e-12, "{caption:?}");
            total += log_p.exp();
        }
        prop_assert!((total - 1.0).abs() < 1e-12);
    }

    #[test]
    fn best_continuation_at_every_word_is_viterbi(size in 3..=VOCAB, seed: u64) {
        let scores = random_scores(seed);
        let transitions = Transitions::new(VOCAB, &scores[1], &scores[2]).unwrap();
        let shortlist = Shortlist::new(&scores[0], &transitions, size, &[]).unwrap();
        let tree = Tree::new(shortlist.model().unwrap()).unwrap();
        let best = shortlist.caption(&tree.viterbi().labels).unwrap();
        let ahead = shortlist.ahead(Lookahead::Best);
        let mut found: Vec<u32> = Vec::new();
        for position in 0..POSITIONS {
            let mut next = ahead[position * size..][..size].to_vec();
            if let Some(&word) = found.last() {
                let after = shortlist.scores_after(word, position, &transitions).unwrap();
                next.iter_mut().zip(after).for_each(|(n, a)| *n += a);
            }
            let top = next.iter().copied().fold(NEVER, f64::max);
            let label = next.iter().position(|&n| n == top).unwrap();
            found.push(shortlist.words(position).unwrap()[label]);
            if found.ends_with(&[0]) {
                break;
            }
        }
        prop_assert_eq!(found, best);
    }
}

#[test]
fn labelings_are_the_captions_when_the_end_token_absorbs() {
    let zeros = [
        vec![0.0; POSITIONS * VOCAB],
        vec![0.0; VOCAB * RANK],
        vec![0.0; VOCAB * RANK],
    ];
    let transitions = Transitions::new(VOCAB, &zeros[1], &zeros[2]).unwrap();
    let shortlist = Shortlist::new(&zeros[0], &transitions, VOCAB, &[]).unwrap();
    let tree = Tree::new(shortlist.model().unwrap()).unwrap();
    // 1 + 4 + 16 + 64 captions that end at each position, 256 that are cut off.
    assert!((tree.log_partition() - 341f64.ln()).abs() < 1e-12);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for _ in 0..200 {
        let labels = tree.sample(&mut rng);
        let caption = shortlist.caption(&labels).unwrap();
        let end = caption.iter().position(|&word| word == 0);
        assert_eq!(caption.len(), end.map_or(POSITIONS, |end| end + 1));
        assert_eq!(shortlist.labels(&caption).unwrap(), labels);
    }
}

#[test]
fn misfitting_arguments_are_refused_by_name() {
    let [node, from, to] = random_scores(1);
    let text = |error: StructuredError| error.to_string();
    assert_eq!(
        text(Transitions::new(VOCAB, &from, &to[1..]).unwrap_err()),
        "transitions to words: found 9 entries, expected 10"
    );
    let transitions = Transitions::new(VOCAB, &from, &to).unwrap();
    let refuse = |node: &[f64], size, caption: &[u32]| {
        text(Shortlist::new(node, &transitions, size, &[caption]).unwrap_err())
    };
    assert_eq!(
        refuse(&node[1..], 3, &[]),
        "node scores: found 19 entries, expected 20"
    );
    assert_eq!(
        refuse(&node, 3, &[1; 5]),
        "found a chain of length 5, expected at most 4"
    );
    assert_eq!(
        refuse(&node, 3, &[1, 5]),
        "node 1 has label 5, outside of the 5 labels"
    );
    let room = "words on a shortlist: found";
    assert!(refuse(&node, 1, &[1]).starts_with(&format!("{room} 1")));
    assert!(refuse(&[], 0, &[]).starts_with(&format!("{room} 0")));
    assert!(refuse(&node, 6, &[]).starts_with(&format!("{room} 6")));
    assert_eq!(
        refuse(&[NEVER; 5], 3, &[]),
        StructuredError::NothingAllowed.to_string()
    );
    assert!(refuse(&[f64::NAN; 5], 3, &[]).starts_with("score of node 0, label 0: found NaN"));

    let shortlist = Shortlist::new(&[0.0; 5], &transitions, 2, &[&[2]]).unwrap();
    assert_eq!(
        text(shortlist.labels(&[3]).unwrap_err()),
        "word 3 is not on the shortlist of position 0"
    );
    assert_eq!(
        text(shortlist.caption(&[2]).unwrap_err()),
        "node 0 has label 2, outside of the 2 labels"
    );
}
