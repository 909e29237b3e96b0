use proptest::prelude::*;

use super::*;
use crate::{BeamOptions, END, beam, transition_table::TransitionTable};

const UNKNOWN: u32 = 1;

/// Rules over `words` words beside the end token and the unknown word.
fn plain(words: usize, max_length: usize) -> Rules {
    Rules {
        vocab: words + 2,
        max_length,
        unspoken: vec![UNKNOWN],
        ..Rules::default()
    }
}

/// Whether a caption keeps the rules, by their wording.
fn keeps(rules: &Rules, words: &[u32]) -> bool {
    let repeats = |order: usize| {
        let ngrams: Vec<&[u32]> = words.windows(order).collect();
        (0..ngrams.len()).any(|k| ngrams[..k].contains(&ngrams[k]))
    };
    let ends_badly = words
        .last()
        .is_some_and(|last| rules.bad_endings.contains(last));
    words.len() <= rules.max_length
        && words.len() >= rules.minimum_length
        && words.iter().all(|w| !rules.unspoken.contains(w))
        && words.iter().all(|w| !rules.forbidden_words.contains(w))
        && rules.required_words.iter().all(|w| words.contains(w))
        && words.starts_with(&rules.prefix)
        && !rules.no_repeat_ngram.is_some_and(repeats)
        && !(rules.block_immediate_repeats && words.windows(2).any(|pair| pair[0] == pair[1]))
        && !ends_badly
}

/// All captions that keep the rules, by enumeration.
fn kept(rules: &Rules) -> Vec<Vec<u32>> {
    let mut open = vec![Vec::new()];
    let mut found = Vec::new();
    for _ in 0..=rules.max_length {
        found.extend(open.iter().filter(|words| keeps(rules, words)).cloned());
        let longer = open.into_iter().flat_map(|words: Vec<u32>| {
            (1..rules.vocab as u32).map(move |word| [words.as_slice(), &[word]].concat())
        });
        open = longer.collect();
    }
    found
}

fn words(most: usize, vocab: u32) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(2..vocab, 0..=most)
}

/// Rules that are about as often impossible as not.
fn rules() -> impl Strategy<Value = Rules> {
    (3u32..7, 1usize..5).prop_flat_map(|(vocab, max_length)| {
        let some = move |most| prop_oneof![2 => Just(Vec::new()), 1 => words(most, vocab)];
        (
            0usize..6,
            prop_oneof![2 => Just(None), 1 => (1usize..4).prop_map(Some)],
            any::<bool>(),
            some(4),
            some(4),
            some(3),
            some(5),
        )
            .prop_map(
                move |(minimum, ngram, repeats, bad, forbidden, required, prefix)| Rules {
                    minimum_length: minimum.saturating_sub(1),
                    no_repeat_ngram: ngram,
                    block_immediate_repeats: repeats,
                    bad_endings: bad,
                    forbidden_words: forbidden,
                    required_words: required,
                    prefix,
                    ..plain(vocab as usize - 2, max_length)
                },
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rules_are_possible_exactly_when_enumeration_finds_a_caption(rules in rules()) {
        prop_assert_eq!(rules.are_possible(), !kept(&rules).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn conflicts_are_impossible_together_and_possible_without_any_one(rules in rules()) {
        let conflicts = rules.conflicts();
        prop_assert_eq!(conflicts.is_empty(), rules.are_possible());
        for Conflict { rules: of, of: cut_down } in conflicts {
            prop_assert!(!cut_down.are_possible(), "{cut_down:?}");
            let all = of.iter().fold(0, |bits, rule| bits | rule.bit());
            for rule in &of {
                prop_assert!(rules.only(all & !rule.bit()).are_possible(), "{rule:?} of {of:?}");
            }
        }
    }

    #[test]
    fn wide_beams_find_what_is_possible_and_say_what_is_broken(rules in rules()) {
        let limits = rules.limits();
        let table = vec![vec![0.5; rules.vocab]; rules.vocab];
        let options = BeamOptions { width: 2000, ..BeamOptions::default() };
        let state = TransitionTable::state(1);
        let found = beam(&mut TransitionTable::of(&table), state, 1, &options, &limits).unwrap();
        let possible = rules.are_possible();
        prop_assert_eq!(found[0][0].broken.is_empty(), possible);
        for hypothesis in &found[0] {
            let words = hypothesis.words.strip_suffix(&[END]).unwrap_or(&hypothesis.words);
            prop_assert_eq!(hypothesis.broken.is_empty(), keeps(&rules, words), "{:?}", words);
        }
    }
}

/// The rules of every conflict.
fn conflicts(rules: &Rules) -> Vec<Vec<Rule>> {
    let found = rules.conflicts().into_iter();
    found.map(|conflict| conflict.rules).collect()
}

#[test]
fn every_pair_that_cannot_hold_is_named() {
    use Rule::{
        BadEndings, BlockImmediateRepeats, ForbiddenWords, MaximumLength, MinimumLength,
        NoRepeatNgram, Prefix, RequiredWords,
    };
    let of = |change: fn(&mut Rules)| {
        let mut rules = plain(9, 6);
        change(&mut rules);
        conflicts(&rules)
    };
    let all: Vec<u32> = (2..11).collect();
    assert_eq!(of(|_| {}), Vec::<Vec<Rule>>::new());
    let required_and_forbidden = of(|r| {
        r.required_words = vec![3, 4];
        r.forbidden_words = vec![4];
    });
    assert_eq!(required_and_forbidden, [[RequiredWords, ForbiddenWords]]);
    let prefix_and_forbidden = of(|r| {
        r.prefix = vec![3, 4];
        r.forbidden_words = vec![4, 5];
    });
    assert_eq!(prefix_and_forbidden, [[Prefix, ForbiddenWords]]);
    let repeated = of(|r| {
        r.prefix = vec![3, 3];
        r.block_immediate_repeats = true;
        r.no_repeat_ngram = Some(1);
    });
    let expected = [[Prefix, NoRepeatNgram], [Prefix, BlockImmediateRepeats]];
    assert_eq!(repeated, expected);
    let bigram = of(|r| {
        r.prefix = vec![3, 4, 3, 4];
        r.no_repeat_ngram = Some(2);
    });
    assert_eq!(bigram, [[Prefix, NoRepeatNgram]]);
    assert_eq!(
        of(|r| r.prefix = vec![2, 3, 4, 5, 6, 7, 8]),
        [[Prefix, MaximumLength]]
    );
    assert_eq!(
        of(|r| r.required_words = vec![2, 3, 4, 5, 6, 7, 8]),
        [[RequiredWords, MaximumLength]]
    );
    assert_eq!(
        of(|r| r.minimum_length = 7),
        [[MinimumLength, MaximumLength]]
    );
    let mut rules = plain(9, 6);
    rules.minimum_length = 1;
    rules.forbidden_words.clone_from(&all);
    assert_eq!(conflicts(&rules), [[MinimumLength, ForbiddenWords]]);
    rules.forbidden_words.clear();
    rules.bad_endings.clone_from(&all);
    assert_eq!(conflicts(&rules), [[MinimumLength, BadEndings]]);
    rules.minimum_length = 0;
    rules.required_words = vec![3];
    assert_eq!(conflicts(&rules), [[RequiredWords, BadEndings]]);
    let few = Rules {
        minimum_length: 4,
        no_repeat_ngram: Some(1),
        ..plain(3, 6)
    };
    assert_eq!(conflicts(&few), [[MinimumLength, NoRepeatNgram]]);
    let alone = Rules {
        minimum_length: 2,
        block_immediate_repeats: true,
        ..plain(1, 6)
    };
    assert_eq!(conflicts(&alone), [[MinimumLength, BlockImmediateRepeats]]);
    let nothing_to_say = Rules {
        minimum_length: 1,
        ..plain(0, 6)
    };
    assert_eq!(conflicts(&nothing_to_say), [[MinimumLength]]);
}

#[test]
fn three_that_cannot_hold_together_are_named_with_the_words_that_matter() {
    use Rule::{BadEndings, MaximumLength, Prefix, RequiredWords};
    let ending = Rules {
        prefix: vec![2, 3, 4],
        bad_endings: vec![9, 4, 8],
        ..plain(9, 3)
    };
    let found = ending.conflicts();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rules, [Prefix, BadEndings, MaximumLength]);
    assert_eq!(found[0].of.bad_endings, [4]);
    let room = Rules {
        prefix: vec![2, 3, 4],
        required_words: vec![3, 7],
        ..plain(9, 3)
    };
    let found = room.conflicts();
    assert_eq!(found[0].rules, [RequiredWords, Prefix, MaximumLength]);
    assert_eq!(found[0].of.required_words, [7]);
    // The last word is wanted twice.
    let last = Rules {
        required_words: vec![5],
        bad_endings: vec![5],
        ..plain(9, 1)
    };
    assert_eq!(
        conflicts(&last),
        [[RequiredWords, BadEndings, MaximumLength]]
    );
}

#[test]
fn large_vocabularies_and_lists_are_judged_at_once() {
    let words = 30_000;
    let rules = Rules {
        minimum_length: 15,
        no_repeat_ngram: Some(2),
        block_immediate_repeats: true,
        bad_endings: (2..40).collect(),
        forbidden_words: (40..9000).collect(),
        required_words: vec![3, 9001, 9002],
        prefix: vec![2, 3, 2],
        ..plain(words, 20)
    };
    assert!(rules.are_possible());
    assert_eq!(conflicts(&rules), Vec::<Vec<Rule>>::new());
    let rules = Rules {
        required_words: vec![3, 50],
        minimum_length: usize::MAX,
        ..rules
    };
    let found = rules.conflicts();
    assert_eq!(found.len(), 2, "{:?}", conflicts(&rules));
    assert_eq!(found[0].of.forbidden_words, [50]);
}

#[test]
fn required_bad_endings_leave_room_for_the_word_after_them() {
    // The model wants to end at once, so that the required word comes as late as it may.
    let rules = Rules {
        required_words: vec![2],
        bad_endings: vec![2],
        ..plain(3, 4)
    };
    let mut table = vec![vec![0.01; 5]; 5];
    for row in &mut table {
        row[4] = 0.9;
    }
    let state = TransitionTable::state(1);
    let mut model = TransitionTable::of(&table);
    let found = crate::greedy(&mut model, state, 1, &rules.limits()).unwrap();
    assert_eq!(found, [[4, 4, 2, 4]]);
}
