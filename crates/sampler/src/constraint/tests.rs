use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    BeamOptions, Hypothesis, SamplerError, SamplingOptions, beam, greedy, sample_with,
    transition_table::{TransitionTable, enumerate, table},
};

/// A constraint, and what it says of a whole caption.
type Case = (Box<dyn Constraint>, fn(&[u32]) -> bool);

/// The words before the end token.
fn before_end(caption: &[u32]) -> &[u32] {
    caption.strip_suffix(&[END]).unwrap_or(caption)
}

fn required(words: &[u32]) -> RequiredWords {
    RequiredWords {
        words: words.to_vec(),
        bad_endings: Vec::new(),
    }
}

fn cases() -> Vec<Case> {
    vec![
        (Box::new(NoRepeatedNgram(2)), |caption| {
            let pairs: Vec<&[u32]> = caption.windows(2).collect();
            (0..pairs.len()).all(|k| !pairs[..k].contains(&pairs[k]))
        }),
        (Box::new(BlockImmediateRepeats), |caption| {
            caption.windows(2).all(|pair| pair[0] != pair[1])
        }),
        (Box::new(ForbiddenWords(vec![5, 77])), |caption| {
            !caption.contains(&5)
        }),
        (Box::new(Prefix(vec![1, 2])), |caption| {
            caption.starts_with(&[1, 2])
        }),
        (Box::new(required(&[3, 2, 3])), |caption| {
            caption.contains(&3) && caption.contains(&2)
        }),
        (Box::new(BadEndings(vec![4, 77])), |caption| {
            before_end(caption).last() != Some(&4)
        }),
        (Box::new(MinimumLength(3)), |caption| {
            before_end(caption).len() >= 3
        }),
    ]
}

/// The cases whose bit is set, as limits and as what they say of a caption.
fn chosen(bits: u8, max_length: usize) -> (Limits, impl Fn(&[u32]) -> bool) {
    let cases = cases().into_iter().enumerate();
    let (constraints, rules): (Vec<_>, Vec<_>) = cases
        .filter(|(k, _)| bits >> k & 1 == 1)
        .map(|(_, case)| case)
        .unzip();
    let limits = Limits {
        max_length,
        constraints,
    };
    (limits, move |caption: &[u32]| {
        rules.iter().all(|rule| rule(caption))
    })
}

proptest! {
    // Six words and seven places are roomy enough that no caption is ever cornered.
    #[test]
    fn constraints_hold_in_every_search(table in table(6), bits in 0u8..128, seed: u64) {
        let (limits, holds) = chosen(bits, 7);
        let mut model = TransitionTable::of(&table);
        let rows = 6;
        let mut captions =
            greedy(&mut model, TransitionTable::state(rows), rows, &limits).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let options = SamplingOptions { top_k: Some(3), ..SamplingOptions::default() };
        let state = TransitionTable::state(rows);
        let sampled = sample_with(&mut model, state, rows, &options, &limits, &mut rng).unwrap();
        captions.extend(sampled.into_iter().map(|h| h.words));
        for (width, groups) in [(1, 1), (3, 1), (4, 2)] {
            let options = BeamOptions { width, groups, diversity: 0.7 };
            let state = TransitionTable::state(1);
            let found = beam(&mut model, state, 1, &options, &limits).unwrap();
            captions.extend(found.into_iter().flatten().map(|h| h.words));
        }
        for caption in captions {
            prop_assert!(holds(&caption), "{caption:?} breaks one of {:?}", limits.constraints);
        }
    }

    #[test]
    fn beam_equals_filtered_enumeration_when_it_is_wide_enough(
        table in table(6),
        bits in 0u8..128,
        length in 3usize..5,
    ) {
        let (limits, holds) = chosen(bits, length);
        let mut expected: Vec<Hypothesis> = enumerate(&table, length);
        expected.retain(|hypothesis| holds(&hypothesis.words));
        let mut model = TransitionTable::of(&table);
        let options = BeamOptions { width: 6usize.pow(4), ..BeamOptions::default() };
        let found = beam(&mut model, TransitionTable::state(1), 1, &options, &limits).unwrap();
        if expected.is_empty() {
            prop_assert_eq!(found[0].len(), 1);
            prop_assert!(found[0][0].words.ends_with(&[END]));
        } else {
            prop_assert_eq!(found[0].len(), expected.len());
            for (f, e) in found[0].iter().zip(&expected) {
                prop_assert!((f.log_probability - e.log_probability).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn caption_ends_when_every_word_is_forbidden() {
    let limits = Limits {
        max_length: 5,
        constraints: vec![Box::new(MinimumLength(4)), Box::new(NoRepeatedNgram(1))],
    };
    let mut model = TransitionTable::new(&[&[0.2, 0.8, 0.0], &[0.2, 0.4, 0.4], &[0.2, 0.4, 0.4]]);
    let state = TransitionTable::state(1);
    assert_eq!(greedy(&mut model, state, 1, &limits).unwrap(), [[1, 2, 0]]);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let options = SamplingOptions::default();
    let state = TransitionTable::state(1);
    let sampled = sample_with(&mut model, state, 1, &options, &limits, &mut rng).unwrap();
    assert_eq!(sampled[0].words, [1, 2, 0]);
    assert_eq!(sampled[0].broken, ["minimum_length"]);
    let expected = (0.8f64 * 0.4 * 0.2).ln();
    assert!((sampled[0].log_probability - expected).abs() < 1e-6);
}

#[test]
fn search_reports_a_caption_that_can_neither_go_on_nor_end() {
    let limits = Limits {
        max_length: 5,
        constraints: vec![Box::new(NoRepeatedNgram(1))],
    };
    let mut model = TransitionTable::new(&[&[0.0, 1.0], &[0.0, 1.0]]);
    let error = greedy(&mut model, TransitionTable::state(2), 2, &limits).unwrap_err();
    let expected = "the constraints forbid every word that could follow caption 0 at step 1";
    assert!(error.to_string().starts_with(expected), "{error}");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let options = SamplingOptions::default();
    let state = TransitionTable::state(2);
    let error = sample_with(&mut model, state, 2, &options, &limits, &mut rng).unwrap_err();
    assert!(matches!(
        error,
        SamplerError::NothingAllowed { row: 0, step: 1 }
    ));
}

#[test]
fn ngrams_of_no_words_forbid_nothing() {
    let mut scores = [0.0; 3];
    NoRepeatedNgram(0).forbid(&[1, 1, 1], 3, &mut scores);
    NoRepeatedNgram(4).forbid(&[1, 1], 3, &mut scores);
    assert_eq!(scores, [0.0; 3]);
}
