use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    ForbiddenWords, LengthNormalisation, MinimumLength, RequiredWords, greedy, greedy_hypotheses,
    transition_table::{TransitionTable, enumerate, table},
};

fn width(width: usize) -> BeamOptions {
    BeamOptions {
        width,
        ..BeamOptions::default()
    }
}

fn run(
    table: &[Vec<f32>],
    images: usize,
    options: &BeamOptions,
    limits: &Limits,
) -> Vec<Vec<Hypothesis>> {
    let mut model = TransitionTable::of(table);
    let state = TransitionTable::state(images);
    beam(&mut model, state, images, options, limits).unwrap()
}

fn words(hypotheses: &[Hypothesis]) -> Vec<Vec<u32>> {
    hypotheses.iter().map(|h| h.words.clone()).collect()
}

/// Diverse beam search of one image as the paper's algorithm 1 puts it, every word tried.
fn diverse_by_the_paper(
    table: &[Vec<f32>],
    options: &BeamOptions,
    length: usize,
) -> Vec<Vec<Hypothesis>> {
    let width = options.width / options.groups;
    let mut groups = vec![vec![(Hypothesis::default(), 0.0)]; options.groups];
    for step in 0..length {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for group in &mut groups {
            let mut all = Vec::new();
            for (hypothesis, rank) in group.iter() {
                if hypothesis.words.last() == Some(&END) {
                    all.push((hypothesis.clone(), *rank));
                    continue;
                }
                let row = &table[hypothesis.words.last().copied().unwrap_or(END) as usize];
                let total: f64 = row.iter().map(|&p| f64::from(p)).sum();
                for (word, &p) in (0..).zip(row) {
                    let log_p = (f64::from(p) / total).ln();
                    let mut next = hypothesis.clone();
                    next.words.push(word);
                    next.log_probability += log_p;
                    let count = counts.get(&word).copied().unwrap_or(0) as f64;
                    all.push((next, rank + log_p - options.diversity * count));
                }
            }
            all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            all.truncate(width);
            *group = all;
            for (hypothesis, _) in group.iter().filter(|(h, _)| h.words.len() == step + 1) {
                *counts.entry(hypothesis.words[step]).or_default() += 1;
            }
        }
    }
    let hypotheses = |group: Vec<(Hypothesis, f64)>| group.into_iter().map(|(h, _)| h).collect();
    groups.into_iter().map(hypotheses).collect()
}

proptest! {
    #[test]
    fn beam_equals_enumeration_when_it_is_wide_enough(
        table in table(3),
        length in 1usize..4,
        alpha in 0.0..2.0f64,
    ) {
        let expected = enumerate(&table, length);
        for found in run(&table, 2, &width(27), &Limits::length(length)) {
            prop_assert_eq!(found.len(), expected.len());
            for (f, e) in found.iter().zip(&expected) {
                prop_assert!((f.log_probability - e.log_probability).abs() < 1e-5);
            }
            let total: f64 = found.iter().map(|h| h.log_probability.exp()).sum();
            prop_assert!((total - 1.0).abs() < 1e-5);
            for normalisation in [LengthNormalisation::Mean, LengthNormalisation::Gnmt { alpha }] {
                let best = |all: &[Hypothesis]| {
                    all.iter().map(|h| normalisation.score(h)).fold(f64::NEG_INFINITY, f64::max)
                };
                prop_assert!((best(&found) - best(&expected)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn beam_of_one_is_greedy(table in table(4)) {
        let mut model = TransitionTable::of(&table);
        let limits = Limits::length(5);
        let expected = greedy(&mut model, TransitionTable::state(1), 1, &limits).unwrap();
        let found = &run(&table, 1, &width(1), &limits)[0][0];
        prop_assert_eq!(&found.words, &expected[0]);
        let scored = greedy_hypotheses(&mut model, TransitionTable::state(1), 1, &limits).unwrap();
        prop_assert_eq!(found, &scored[0]);
    }

    #[test]
    fn groups_equal_the_papers_algorithm(
        table in table(4),
        (group_width, groups) in (1usize..4, 1usize..4),
        diversity in 0.0..2.0f64,
    ) {
        let options = BeamOptions { width: group_width * groups, groups, diversity };
        let mut expected = diverse_by_the_paper(&table, &options, 4).concat();
        expected.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
        let found = run(&table, 3, &options, &Limits::length(4));
        for found in found {
            prop_assert_eq!(found.len(), expected.len());
            for (f, e) in found.iter().zip(&expected) {
                prop_assert!((f.log_probability - e.log_probability).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn groups_are_beams_of_their_own_when_diversity_is_0(table in table(4)) {
        let options = BeamOptions { width: 6, groups: 3, diversity: 0.0 };
        let limits = Limits::length(4);
        let expected = words(&run(&table, 1, &width(2), &limits)[0]);
        let mut found = words(&run(&table, 1, &options, &limits)[0]);
        found.dedup();
        prop_assert_eq!(&found, &expected);
        let one = BeamOptions { width: 2, groups: 1, diversity: 7.0 };
        prop_assert_eq!(words(&run(&table, 1, &one, &limits)[0]), expected);
    }

    #[test]
    fn image_has_the_same_beam_when_others_are_absent(table in table(4)) {
        let options = BeamOptions { width: 4, groups: 2, diversity: 1.0 };
        let limits = Limits::length(4);
        let alone = run(&table, 1, &options, &limits);
        prop_assert!(run(&table, 5, &options, &limits).iter().all(|beam| *beam == alone[0]));
    }
}

#[test]
fn beam_finds_what_greedy_misses() {
    let table = vec![
        vec![0.0, 0.6, 0.4],
        vec![0.34, 0.33, 0.33],
        vec![0.9, 0.05, 0.05],
    ];
    let limits = Limits::length(2);
    assert_eq!(run(&table, 1, &width(1), &limits)[0][0].words, [1, 0]);
    assert_eq!(run(&table, 1, &width(2), &limits)[0][0].words, [2, 0]);
}

#[test]
fn second_group_avoids_the_first_ones_words_when_diversity_outweighs_probability() {
    let row = vec![0.1, 0.6, 0.3];
    let table = vec![row.clone(), row.clone(), row];
    let groups = |diversity| BeamOptions {
        width: 2,
        groups: 2,
        diversity,
    };
    let found = |diversity| words(&run(&table, 1, &groups(diversity), &Limits::length(2))[0]);
    assert_eq!(found(0.5), [[1, 1], [1, 1]]); // ln 0.6 - ln 0.3 = 0.69
    assert_eq!(found(0.9), [[1, 1], [2, 2]]);
}

#[test]
fn required_word_comes_early_when_that_is_more_probable() {
    // The word 3 is improbable but for the first place; a beam of one number of missing words drops
    // it there and takes it last.
    let table = vec![
        vec![0.01, 0.50, 0.40, 0.09],
        vec![0.50, 0.25, 0.249, 0.001],
        vec![0.50, 0.25, 0.249, 0.001],
        vec![0.90, 0.05, 0.04, 0.01],
    ];
    let limits = Limits {
        max_length: 3,
        constraints: vec![Box::new(RequiredWords {
            words: vec![3],
            bad_endings: Vec::new(),
        })],
    };
    let found = words(&run(&table, 1, &width(2), &limits)[0]);
    assert_eq!(found[0], [3, 0]);
    assert!(found.iter().all(|words| words.contains(&3)), "{found:?}");
}

#[test]
fn caption_that_cannot_go_on_gives_way_to_those_that_can() {
    // Nothing but the end token follows 1, and that is too early.
    let table = vec![
        vec![0.1, 0.8, 0.1],
        vec![1.0, 0.0, 0.0],
        vec![0.5, 0.0, 0.5],
    ];
    let minimum = || Limits {
        max_length: 4,
        constraints: vec![Box::new(MinimumLength(2))],
    };
    assert_eq!(words(&run(&table, 1, &width(1), &minimum())[0]), [[1, 0]]);
    let found = words(&run(&table, 1, &width(2), &minimum())[0]);
    assert_eq!(found, [vec![2, 2, 0], vec![2, 2, 2, 0]]);
}

#[test]
fn beam_ends_when_all_is_forbidden_and_reports_it_when_it_cannot() {
    let all = || Limits {
        max_length: 3,
        constraints: vec![Box::new(ForbiddenWords(vec![0, 1]))],
    };
    let found = run(&[vec![0.25, 0.75], vec![0.5, 0.5]], 1, &width(2), &all());
    assert_eq!(words(&found[0]), [[0]]);
    assert!((found[0][0].log_probability - 0.25f64.ln()).abs() < 1e-6);
    let mut model = TransitionTable::new(&[&[0.0, 1.0], &[0.5, 0.5]]);
    let error = beam(&mut model, TransitionTable::state(1), 1, &width(2), &all()).unwrap_err();
    assert!(matches!(
        error,
        SamplerError::NothingAllowed { row: 0, step: 0 }
    ));
}

#[test]
fn options_are_refused_when_they_are_out_of_range() {
    let mut model = TransitionTable::new(&[&[1.0]]);
    let limits = Limits::length(3);
    let error = beam(&mut model, TransitionTable::state(1), 1, &width(0), &limits).unwrap_err();
    assert_eq!(error.to_string(), "width: found 0, expected 1 or more");
    let options = BeamOptions {
        width: 5,
        groups: 2,
        diversity: f64::NAN,
    };
    let problems: Vec<&str> = options.problems().iter().map(|p| p.option).collect();
    assert_eq!(problems, ["groups", "diversity"]);
}
