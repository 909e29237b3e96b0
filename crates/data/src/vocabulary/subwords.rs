//! Pieces of words: byte pairs and unigram language models, learnt here or elsewhere.

use std::collections::BTreeMap;

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::metaspace::Metaspace;
use tokenizers::{
    AddedToken, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer,
    models::TrainerWrapper,
};

use super::reserved::{END, END_ID, RESERVED, UNKNOWN, UNKNOWN_ID};
use super::subword_json;
use crate::VocabularyProblem;

/// Longer words, in characters, are not learnt from: their likelihoods could vanish.
const LONGEST_WORD: usize = 1000;

/// A tokenizer of subwords with ids as in a vocabulary: 0 is `<end>`, 1 is `<unk>`.
#[derive(Debug)]
pub(super) struct Subwords {
    tokenizer: Tokenizer,
    /// The document, as it was read or written.
    pub(super) json: String,
    /// How far ids here lie above those of the tokenizer: 0 where it has the reserved tokens, else their number.
    shift: u32,
    /// The tokenizer's own id for what it does not know.
    unknown: Option<u32>,
}

impl Subwords {
    /// Takes a tokenizer from the contents of a `tokenizer.json`.
    pub(super) fn parse(json: &[u8]) -> Result<Self, VocabularyProblem> {
        let (tokenizer, unknown) = subword_json::parse(json)?;
        let json = String::from_utf8_lossy(json).into_owned();
        Ok(Self::new(tokenizer, json, unknown))
    }

    fn new(mut tokenizer: Tokenizer, json: String, unknown: Option<u32>) -> Self {
        // `<end>` in a text is text.
        tokenizer.set_encode_special_tokens(true);
        let is_own = |&(id, word): &(u32, &str)| {
            tokenizer.id_to_token(id).is_some_and(|token| token == word)
        };
        let shift = if RESERVED.iter().all(is_own) {
            0
        } else {
            RESERVED.len() as u32
        };
        Self {
            tokenizer,
            json,
            shift,
            unknown,
        }
    }

    fn trained(tokenizer: &Tokenizer) -> Result<Self, VocabularyProblem> {
        let json = tokenizer.to_string(true).map_err(unreadable)?;
        Self::parse(json.as_bytes())
    }

    /// Learns `size` byte pairs at most, the bytes and the reserved tokens among them. The order of texts does not matter.
    pub(super) fn train_bpe<'a>(
        texts: impl Iterator<Item = &'a str> + Send,
        size: u32,
    ) -> Result<Self, VocabularyProblem> {
        let byte_level = ByteLevel::new(false, true, true);
        let mut tokenizer = Tokenizer::new(BPE::default());
        tokenizer.with_pre_tokenizer(Some(byte_level));
        tokenizer.with_decoder(Some(byte_level));
        let trainer = BpeTrainer::builder()
            .vocab_size(size as usize)
            .min_frequency(2)
            .show_progress(false)
            .special_tokens(reserved())
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        tokenizer
            .train(&mut TrainerWrapper::from(trainer), texts)
            .map_err(unreadable)?;
        Self::trained(&tokenizer)
    }

    /// Learns `size` pieces at most, all characters and the reserved tokens among them. The order of texts does not
    /// matter.
    pub(super) fn train_unigram<'a>(
        texts: impl Iterator<Item = &'a str>,
        size: u32,
    ) -> Result<Self, VocabularyProblem> {
        let metaspace = Metaspace::default();
        let words = count_words(texts, &metaspace)?;
        let least = characters(&words) as u32 + RESERVED.len() as u32 + 1;
        if size < least {
            return Err(VocabularyProblem::Size { size, least });
        }
        let trainer = UnigramTrainer::builder()
            .vocab_size(size)
            .show_progress(false)
            .special_tokens(reserved())
            .unk_token(Some(UNKNOWN.to_owned()))
            .build()
            .map_err(|error| unreadable(error.into()))?;
        // On one thread, sums have one order.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| unreadable(error.into()))?;
        let mut model = Unigram::default();
        pool.install(|| trainer.do_train(words.into_iter().collect(), &mut model))
            .map_err(unreadable)?;
        let mut tokenizer = Tokenizer::new(in_order(&model)?);
        tokenizer.with_pre_tokenizer(Some(metaspace.clone()));
        tokenizer.with_decoder(Some(metaspace));
        tokenizer
            .add_special_tokens(reserved())
            .map_err(unreadable)?;
        Self::trained(&tokenizer)
    }

    /// The ids of a text, without an end token.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let Ok(encoding) = self.tokenizer.encode_fast(text, false) else {
            // A pattern of the tokenizer's gives up on this text.
            return vec![UNKNOWN_ID];
        };
        let ids = encoding.get_ids().iter();
        ids.map(|&id| match id {
            id if Some(id) == self.unknown => UNKNOWN_ID,
            // A reserved token is never text.
            END_ID if self.shift == 0 => UNKNOWN_ID,
            id => id + self.shift,
        })
        .collect()
    }

    /// The text of ids; those that it does not have read as `<unk>`.
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        let mut text = String::new();
        // Runs of ids that the tokenizer has.
        for (number, run) in ids.split(|&id| self.own_id(id).is_none()).enumerate() {
            if number > 0 {
                text.push_str(UNKNOWN);
            }
            let run: Vec<u32> = run.iter().filter_map(|&id| self.own_id(id)).collect();
            // A decoder that fails has no text for these ids.
            text.push_str(&self.tokenizer.decode(&run, false).unwrap_or_default());
        }
        text
    }

    /// The tokenizer's own id, where it has one.
    fn own_id(&self, id: u32) -> Option<u32> {
        if id == UNKNOWN_ID {
            return self.unknown;
        }
        let own = id.checked_sub(self.shift)?;
        self.tokenizer.id_to_token(own).is_some().then_some(own)
    }

    /// All tokens in the order of the ids here, the reserved ones first.
    pub(super) fn tokens(&self) -> Vec<String> {
        let shifted = RESERVED.iter().take(self.shift as usize);
        let own = (0..).map_while(|id| self.tokenizer.id_to_token(id));
        shifted
            .map(|&(_, word)| word.to_owned())
            .chain(own)
            .collect()
    }
}

fn reserved() -> Vec<AddedToken> {
    [END, UNKNOWN]
        .map(|word| AddedToken::from(word, true))
        .to_vec()
}

/// The words of texts as they are divided, with their counts, in the order of the alphabet.
fn count_words<'a>(
    texts: impl Iterator<Item = &'a str>,
    divider: &Metaspace,
) -> Result<BTreeMap<String, u32>, VocabularyProblem> {
    let mut words: BTreeMap<String, u32> = BTreeMap::new();
    for text in texts {
        let mut divided = PreTokenizedString::from(text);
        divider.pre_tokenize(&mut divided).map_err(unreadable)?;
        for (word, ..) in divided.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            if word.is_empty() || word.chars().count() > LONGEST_WORD {
                continue;
            }
            let count = words.entry(word.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }
    Ok(words)
}

/// How many different characters words have.
fn characters(words: &BTreeMap<String, u32>) -> usize {
    let characters: std::collections::BTreeSet<char> =
        words.keys().flat_map(|word| word.chars()).collect();
    characters.len()
}

/// A trained model with pieces in an order that follows from them alone.
///
/// The trainer gives characters that it had dropped the lowest scores, some ten-thousandths apart, in the order of a hash.
fn in_order(model: &Unigram) -> Result<Unigram, VocabularyProblem> {
    let mut pieces: Vec<(String, f64)> = model.iter().skip(RESERVED.len()).cloned().collect();
    let scores = pieces.iter().map(|piece| piece.1);
    let lowest = scores.fold(f64::INFINITY, f64::min);
    let is_low = |(piece, score): &(String, f64), count: usize| {
        piece.chars().count() == 1 && *score <= lowest + 1e-4 * count as f64
    };
    let count = pieces.len();
    let low: Vec<usize> = (0..count)
        .filter(|&at| is_low(&pieces[at], count))
        .collect();
    let mut names: Vec<String> = low.iter().map(|&at| pieces[at].0.clone()).collect();
    let mut scores: Vec<f64> = low.iter().map(|&at| pieces[at].1).collect();
    names.sort_unstable();
    scores.sort_unstable_by(|one, other| other.total_cmp(one));
    for ((at, name), score) in low.into_iter().zip(names).zip(scores) {
        pieces[at] = (name, score);
    }
    pieces.sort_by(|(one, score), (other, others)| {
        others.total_cmp(score).then_with(|| one.cmp(other))
    });
    let reserved = RESERVED.iter().map(|&(_, word)| (word.to_owned(), 0.0));
    let vocabulary = reserved.chain(pieces).collect();
    Unigram::from(vocabulary, Some(UNKNOWN_ID as usize), false).map_err(unreadable)
}

fn unreadable(error: tokenizers::Error) -> VocabularyProblem {
    VocabularyProblem::Unreadable(error.to_string())
}
