//! Whether any caption can keep all rules, and which rules are at odds where none can.

use super::{Rules, completion::Completion};

/// The longest caption that lengths are compared up to where no maximum is given.
const LONGEST: usize = 1000;
/// How often a list of words is tried without some of them, to find those that matter.
const TRIES: usize = 500;

/// One of the [`Rules`]. What is demanded comes before what is ruled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Words that every caption holds.
    RequiredWords,
    /// Words that every caption begins with.
    Prefix,
    /// Shortest caption.
    MinimumLength,
    /// Words that no caption holds.
    ForbiddenWords,
    /// Words that no caption ends with.
    BadEndings,
    /// Order of the n-grams that no caption holds twice.
    NoRepeatNgram,
    /// Whether a word may not follow itself.
    BlockImmediateRepeats,
    /// Longest caption.
    MaximumLength,
}

impl Rule {
    const ALL: [Self; 8] = [
        Self::RequiredWords,
        Self::Prefix,
        Self::MinimumLength,
        Self::ForbiddenWords,
        Self::BadEndings,
        Self::NoRepeatNgram,
        Self::BlockImmediateRepeats,
        Self::MaximumLength,
    ];

    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Rules that no caption can keep together, though it can keep all but any one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which, in the order of [`Rule`].
    pub rules: Vec<Rule>,
    /// The rules, their lists of words cut down to the words that matter.
    pub of: Rules,
}

impl Rules {
    /// Whether a caption can keep all rules, whatever a model thinks of it.
    ///
    /// "No" is always right. "Yes" may be wrong where few words are left, n-grams may not repeat and
    /// the search for a caption takes more than some ten thousand steps.
    pub fn are_possible(&self) -> bool {
        Completion::of(self).is_some_and(Completion::exists)
    }

    /// Every smallest set of rules that no caption can keep together; none if a caption can keep all.
    pub fn conflicts(&self) -> Vec<Conflict> {
        if self.are_possible() {
            return Vec::new();
        }
        let given = Rule::ALL.into_iter().filter(|&rule| self.has(rule));
        let given = given.fold(0, |bits, rule| bits | rule.bit());
        let mut sets: Vec<u32> = (1..1 << Rule::ALL.len())
            .filter(|set| set & !given == 0)
            .collect();
        sets.sort_by_key(|set| set.count_ones());
        let mut found: Vec<u32> = Vec::new();
        for set in sets {
            let is_smallest = !found.iter().any(|&smaller| smaller & !set == 0);
            if is_smallest && !self.only(set).are_possible() {
                found.push(set);
            }
        }
        let conflict = |set: u32| Conflict {
            rules: Rule::ALL
                .into_iter()
                .filter(|rule| set & rule.bit() != 0)
                .collect(),
            of: self.only(set).with_words_that_matter(),
        };
        found.into_iter().map(conflict).collect()
    }

    /// Whether a rule rules anything out.
    fn has(&self, rule: Rule) -> bool {
        match rule {
            Rule::RequiredWords => !self.required_words.is_empty(),
            Rule::Prefix => !self.prefix.is_empty(),
            Rule::MinimumLength => self.minimum_length > 0,
            Rule::ForbiddenWords => !self.forbidden_words.is_empty(),
            Rule::BadEndings => !self.bad_endings.is_empty(),
            Rule::NoRepeatNgram => self.no_repeat_ngram.is_some(),
            Rule::BlockImmediateRepeats => self.block_immediate_repeats,
            Rule::MaximumLength => true,
        }
    }

    /// These rules alone.
    pub(super) fn only(&self, set: u32) -> Self {
        let has = |rule: Rule| set & rule.bit() != 0;
        let list = |rule, words: &Vec<u32>| if has(rule) { words.clone() } else { Vec::new() };
        let mut rules = Self {
            vocab: self.vocab,
            max_length: self.max_length,
            unspoken: self.unspoken.clone(),
            minimum_length: if has(Rule::MinimumLength) {
                self.minimum_length
            } else {
                0
            },
            no_repeat_ngram: self.no_repeat_ngram.filter(|_| has(Rule::NoRepeatNgram)),
            block_immediate_repeats: self.block_immediate_repeats
                && has(Rule::BlockImmediateRepeats),
            bad_endings: list(Rule::BadEndings, &self.bad_endings),
            forbidden_words: list(Rule::ForbiddenWords, &self.forbidden_words),
            required_words: list(Rule::RequiredWords, &self.required_words),
            prefix: list(Rule::Prefix, &self.prefix),
        };
        if !has(Rule::MaximumLength) {
            // Room for everything that is demanded, and for some words around it.
            rules.minimum_length = rules.minimum_length.min(LONGEST);
            rules.max_length = self.max_length.min(LONGEST).max(rules.minimum_length)
                + self.prefix.len()
                + 2 * self.required_words.len()
                + 4;
        }
        rules
    }

    /// Rules that cannot be kept, with lists of words that are no longer than it takes for that.
    fn with_words_that_matter(mut self) -> Self {
        let lists: [fn(&mut Self) -> &mut Vec<u32>; 3] = [
            |rules| &mut rules.required_words,
            |rules| &mut rules.bad_endings,
            |rules| &mut rules.forbidden_words,
        ];
        for list in lists {
            let mut tries = TRIES;
            let mut run = list(&mut self).len();
            // Runs of words are left out, shorter and shorter ones, as long as the rules stay impossible.
            while run > 0 {
                let mut first = 0;
                while first < list(&mut self).len() && tries > 0 {
                    tries -= 1;
                    let words = list(&mut self).clone();
                    let end = (first + run).min(words.len());
                    list(&mut self).drain(first..end);
                    if self.are_possible() {
                        *list(&mut self) = words;
                        first = end;
                    }
                }
                run /= 2;
            }
        }
        self
    }
}
