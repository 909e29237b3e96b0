//! The search for a caption that keeps all rules, over as few kinds of words as there are.

use std::collections::BTreeSet;

use super::Rules;

/// Captions that are looked at before the search gives up, and says that there may be one.
const PATIENCE: usize = 20_000;

/// Words that may be spoken and are not in the prefix, by what rules say of them. Those of a kind are alike until they
/// are used, so that only the first unused one is ever tried.
struct Kinds {
    /// Required bad endings, required words, other words, other bad endings: the order in which they are tried.
    lists: [Vec<u32>; 4],
    /// How many different words there are to speak, those of the prefix among them.
    words: usize,
}

/// A caption in the making.
pub(super) struct Completion<'a> {
    rules: &'a Rules,
    /// Of every word, whether it is a bad ending.
    bad: Vec<bool>,
    required: BTreeSet<u32>,
    kinds: Kinds,
    caption: Vec<u32>,
    patience: usize,
}

impl<'a> Completion<'a> {
    /// The prefix as a caption; `None` if words that are demanded may not be spoken.
    pub(super) fn of(rules: &'a Rules) -> Option<Self> {
        let all_of = |lists: &[&[u32]]| {
            let mut table = vec![false; rules.vocab];
            for &word in lists.iter().copied().flatten() {
                if let Some(entry) = table.get_mut(word as usize) {
                    *entry = true;
                }
            }
            table
        };
        let silent = all_of(&[&rules.unspoken, &rules.forbidden_words]);
        let bad = all_of(&[&rules.bad_endings]);
        let required: BTreeSet<u32> = rules.required_words.iter().copied().collect();
        let in_prefix = all_of(&[&rules.prefix]);
        let is_spoken = |word: u32| word >= 1 && silent.get(word as usize) == Some(&false);
        let mut demanded = rules.prefix.iter().chain(&required);
        if !demanded.all(|&word| is_spoken(word)) {
            return None;
        }
        let mut lists: [Vec<u32>; 4] = Default::default();
        let mut words = 0;
        for word in (1..rules.vocab as u32).filter(|&word| is_spoken(word)) {
            words += 1;
            if in_prefix[word as usize] {
                continue;
            }
            let list = match (required.contains(&word), bad[word as usize]) {
                (true, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                (false, true) => 3,
            };
            if list < 2 || lists[list].len() < rules.max_length {
                lists[list].push(word);
            }
        }
        Some(Self {
            rules,
            bad,
            required,
            kinds: Kinds { lists, words },
            caption: Vec::new(),
            patience: PATIENCE,
        })
    }

    /// Whether a caption can keep all rules.
    pub(super) fn exists(mut self) -> bool {
        if self.rules.prefix.len() > self.rules.max_length {
            return false;
        }
        for &word in &self.rules.prefix {
            if !self.may_follow(word) {
                return false;
            }
            self.caption.push(word);
        }
        self.can_be_completed()
    }

    /// Whether a word repeats nothing that it may not.
    fn may_follow(&self, word: u32) -> bool {
        let (rules, caption) = (self.rules, &self.caption);
        if rules.block_immediate_repeats && caption.last() == Some(&word) {
            return false;
        }
        let Some(before) = rules.no_repeat_ngram.and_then(|n| n.checked_sub(1)) else {
            return true;
        };
        let Some(begin) = caption.len().checked_sub(before) else {
            return true;
        };
        let open = &caption[begin..];
        let mut ngrams = caption.windows(before + 1);
        !ngrams.any(|ngram| &ngram[..before] == open && ngram[before] == word)
    }

    fn can_be_completed(&mut self) -> bool {
        if self.patience == 0 {
            return true;
        }
        self.patience -= 1;
        let length = self.caption.len();
        let missing = self.required.iter().filter(|w| !self.caption.contains(w));
        let missing: Vec<u32> = missing.copied().collect();
        let is_bad = |word: &u32| self.bad[*word as usize];
        let ends_badly = self.caption.last().is_some_and(is_bad);
        let short = self.rules.minimum_length.saturating_sub(length);
        if missing.is_empty() && !ends_badly && short == 0 {
            return true;
        }
        // It has to go on; whatever it goes on with, it takes so many words and ends well.
        let needs_ending = match missing.as_slice() {
            [] => ends_badly,
            _ => missing.iter().all(is_bad),
        };
        let needed = short.max(missing.len() + usize::from(needs_ending));
        let longest = self.longest().min(self.rules.max_length);
        if length + needed > longest || !self.can_end_well() {
            return false;
        }
        // Words that are new repeat nothing: where there are enough of them, the rest of the caption is missing words
        // and new ones.
        let [_, _, others, _] = &self.kinds.lists;
        let is_new = |word: &&u32| !self.caption.contains(word);
        if others.iter().filter(is_new).count() + missing.len() >= needed {
            return true;
        }
        for word in self.candidates() {
            if self.may_follow(word) {
                self.caption.push(word);
                let found = self.can_be_completed();
                self.caption.pop();
                if found {
                    return true;
                }
            }
        }
        false
    }

    /// The most words of a caption that repeats nothing: every n-gram comes once.
    ///
    /// ```text
    /// words^n + n - 1,    or  words (words - 1)^(n - 1) + n - 1  where no word follows itself
    /// ```
    fn longest(&self) -> usize {
        let words = self.kinds.words;
        let Some(order) = self.rules.no_repeat_ngram.filter(|&n| n > 0) else {
            return usize::MAX;
        };
        let others = if self.rules.block_immediate_repeats {
            words.saturating_sub(1)
        } else {
            words
        };
        let mut ngrams = words;
        for _ in 1..order.min(usize::BITS as usize) {
            ngrams = ngrams.saturating_mul(others);
        }
        ngrams.saturating_add(order - 1)
    }

    /// Whether there is a word to end with that may still come.
    fn can_end_well(&self) -> bool {
        let is_new = |word: &u32| !self.caption.contains(word);
        let [_, required, others, _] = &self.kinds.lists;
        let once = self.rules.no_repeat_ngram == Some(1);
        let mut unused = required.iter().chain(others).filter(|word| is_new(word));
        let mut used = self.caption.iter();
        unused.next().is_some() || (!once && used.any(|&word| !self.bad[word as usize]))
    }

    /// The first unused word of every kind, and all used ones.
    fn candidates(&self) -> Vec<u32> {
        let is_new = |word: &&u32| !self.caption.contains(word);
        let unused = self.kinds.lists.iter();
        let unused = unused.filter_map(|list| list.iter().find(is_new)).copied();
        let mut candidates: Vec<u32> = unused.collect();
        if self.rules.no_repeat_ngram != Some(1) {
            let used: BTreeSet<u32> = self.caption.iter().copied().collect();
            candidates.extend(used);
        }
        candidates
    }
}
