//! Options of a decoder that no caption can keep together.

use std::collections::BTreeMap;

use scst_data::{Vocabulary, vocabulary::UNKNOWN_ID};
use scst_sampler::{Conflict, Rule, Rules};

use super::{decoder::DecoderConfig, problem::Checker};

/// Words that a message tells of a list.
const TOLD: usize = 8;
/// Words of a vocabulary that is not known: as many as any rules want.
const MANY: usize = 4096;

/// The words that captions are made of.
pub(crate) struct Words<'a> {
    size: usize,
    known: Known<'a>,
}

enum Known<'a> {
    Vocabulary(&'a Vocabulary),
    /// Whatever words are asked for, and more.
    All(BTreeMap<&'a str, u32>),
}

impl<'a> Words<'a> {
    /// Those of a vocabulary.
    pub(crate) fn of(vocabulary: &'a Vocabulary) -> Self {
        Self {
            size: vocabulary.len(),
            known: Known::Vocabulary(vocabulary),
        }
    }

    /// A vocabulary that holds all words which a decoder names.
    pub(super) fn any_of(decoder: &'a DecoderConfig) -> Self {
        let lists = [
            &decoder.bad_endings,
            &decoder.forbidden_words,
            &decoder.required_words,
        ];
        let named = lists.into_iter().flatten().map(String::as_str);
        let mut ids: BTreeMap<&str, u32> = BTreeMap::new();
        for word in named.chain(decoder.prefix.split_whitespace()) {
            let next = UNKNOWN_ID + 1 + ids.len() as u32;
            ids.entry(word).or_insert(next);
        }
        Self {
            size: ids.len() + MANY,
            known: Known::All(ids),
        }
    }

    fn id(&self, word: &str) -> Option<u32> {
        match &self.known {
            Known::Vocabulary(vocabulary) => {
                Some(vocabulary.id(word)).filter(|&id| id != UNKNOWN_ID)
            }
            Known::All(ids) => ids.get(word).copied(),
        }
    }

    fn word(&self, id: u32) -> &str {
        match &self.known {
            Known::Vocabulary(vocabulary) => vocabulary.word(id),
            Known::All(ids) => ids
                .iter()
                .find(|&(_, &known)| known == id)
                .map(|(word, _)| *word),
        }
        .unwrap_or_default()
    }

    fn list(&self, ids: &[u32], separator: &str) -> String {
        let words: Vec<&str> = ids.iter().take(TOLD).map(|&id| self.word(id)).collect();
        let told = words.join(separator);
        match ids.len().saturating_sub(TOLD) {
            0 => told,
            more => format!("{told} and {more} more"),
        }
    }
}

impl DecoderConfig {
    /// What captions must be, in ids. Words that they may not hold or end with may be missing from the vocabulary, and so
    /// may, without effect, words that they are to hold: [`problems`](Self::problems) names these.
    pub(crate) fn rules(&self, max_length: usize, words: &Words<'_>) -> Rules {
        let ids = |list: &[String]| list.iter().filter_map(|word| words.id(word)).collect();
        let prefix = self.prefix.split_whitespace();
        Rules {
            vocab: words.size,
            max_length: self.max_length(max_length),
            unspoken: vec![UNKNOWN_ID],
            minimum_length: self.minimum_length,
            no_repeat_ngram: self.no_repeat_ngram,
            block_immediate_repeats: self.block_immediate_repeats,
            bad_endings: ids(&self.bad_endings),
            forbidden_words: ids(&self.forbidden_words),
            required_words: ids(&self.required_words),
            prefix: prefix.filter_map(|word| words.id(word)).collect(),
        }
    }
}

/// Adds what no caption of these words can keep together.
pub(super) fn contradictions(
    decoder: &DecoderConfig,
    max_length: usize,
    words: &Words<'_>,
    check: &mut Checker<'_>,
) {
    let prefix = decoder.prefix.split_whitespace();
    let required = decoder.required_words.iter().map(String::as_str);
    let demanded = prefix.map(|word| ("prefix", word));
    let demanded = demanded.chain(required.map(|word| ("required_words", word)));
    for (key, word) in demanded.filter(|(_, word)| words.id(word).is_none()) {
        let message = format!("`{word}` is not in the vocabulary");
        check.push(key, message, Vec::new());
    }
    if !check.is_clean() {
        return;
    }
    for conflict in decoder.rules(max_length, words).conflicts() {
        let told = |rule: &Rule| (key(*rule, decoder), value(*rule, &conflict, words));
        let mut rules = conflict.rules.iter().map(told);
        let Some((first, found)) = rules.next() else {
            continue;
        };
        let found = found.unwrap_or_default();
        let whole = |(key, value): (&str, Option<String>)| match key {
            MAX_LENGTH => (key.to_owned(), value),
            _ => (check.path(key), value),
        };
        let with: Vec<(String, Option<String>)> = rules.map(whole).collect();
        let message = if with.is_empty() {
            format!("found {found}, but the vocabulary has too few words for such a caption")
        } else {
            format!("found `{found}`")
        };
        check.push(first, message, with);
    }
}

/// The key that holds where `maximum_length` is absent.
const MAX_LENGTH: &str = "data.max_length";

fn key(rule: Rule, decoder: &DecoderConfig) -> &'static str {
    match rule {
        Rule::RequiredWords => "required_words",
        Rule::Prefix => "prefix",
        Rule::MinimumLength => "minimum_length",
        Rule::ForbiddenWords => "forbidden_words",
        Rule::BadEndings => "bad_endings",
        Rule::NoRepeatNgram => "no_repeat_ngram",
        Rule::BlockImmediateRepeats => "block_immediate_repeats",
        Rule::MaximumLength if decoder.maximum_length.is_none() => MAX_LENGTH,
        Rule::MaximumLength => "maximum_length",
    }
}

/// What a key holds, as far as it matters.
fn value(rule: Rule, conflict: &Conflict, words: &Words<'_>) -> Option<String> {
    let of = &conflict.of;
    Some(match rule {
        Rule::RequiredWords => words.list(&of.required_words, ","),
        Rule::Prefix => words.list(&of.prefix, " "),
        Rule::MinimumLength => of.minimum_length.to_string(),
        Rule::ForbiddenWords => words.list(&of.forbidden_words, ","),
        Rule::BadEndings => words.list(&of.bad_endings, ","),
        Rule::NoRepeatNgram => of.no_repeat_ngram?.to_string(),
        Rule::BlockImmediateRepeats => return None,
        Rule::MaximumLength => of.max_length.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::decoder::tests::{decoder, messages, run};

    #[test]
    fn options_that_no_caption_can_keep_are_refused_with_both_keys() {
        for (toml, expected) in [
            (
                "required_words = [\"wall\", \"x\"]\nforbidden_words = [\"y\", \"wall\"]",
                "key `required_words`: found `wall`, which cannot hold together with key `forbidden_words` `wall`",
            ),
            (
                "prefix = \"a a\"\nblock_immediate_repeats = true",
                "key `prefix`: found `a a`, which cannot hold together with key `block_immediate_repeats`",
            ),
            (
                "minimum_length = 17",
                "key `minimum_length`: found `17`, which cannot hold together with key `data.max_length` `16`",
            ),
            (
                "prefix = \"a b c\"\nmaximum_length = 3\nbad_endings = [\"x\", \"c\"]",
                "key `prefix`: found `a b c`, which cannot hold together with key `bad_endings` `c` and key \
                 `maximum_length` `3`",
            ),
        ] {
            assert_eq!(messages(toml), [expected]);
        }
        // What is found in the words of a vocabulary alone.
        let vocabulary =
            Vocabulary::build([["a", "b"].map(str::to_owned).as_slice()].into_iter(), 1);
        let all = "minimum_length = 2\nforbidden_words = [\"a\", \"b\", \"unheard\"]";
        assert_eq!(messages(all), [""; 0]);
        let messages = |toml: &str| {
            let problems = decoder(toml).problems(&run(), &vocabulary);
            problems.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            messages(all),
            [
                "key `validation.decoder.minimum_length`: found `2`, which cannot hold together with key \
                 `validation.decoder.forbidden_words` `a,b`"
            ]
        );
        assert_eq!(
            messages("prefix = \"a octopus\"\nrequired_words = [\"squid\"]"),
            [
                "key `validation.decoder.prefix`: `octopus` is not in the vocabulary",
                "key `validation.decoder.required_words`: `squid` is not in the vocabulary",
            ]
        );
    }
}
