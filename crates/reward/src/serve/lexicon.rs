//! Captions as text or as ids, brought to the token ids that rewards compare.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::error::RequestError;
use crate::reward::{before_end_token, through_end_token};
use crate::{DocumentFrequency, RewardError};

/// Ids are below this, so that words of a table and ids that it lacks have room for both.
pub(super) const ID_LIMIT: u32 = 1 << 31;

/// Fewer captions are not worth another thread.
const CAPTIONS_PER_TASK: usize = 32;

/// What stands for an unknown word in the text of ids.
const UNKNOWN: &str = "<unk>";

/// What ends captions in tables of self-critical.pytorch.
const FOREIGN_END: &str = "<eos>";

/// What captions are compared as.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Words {
    /// The words of text: the function makes them of a raw caption, joined by single spaces. No end token.
    Text(fn(&str) -> String),
    /// Ids of a vocabulary; text is words between white space, with the end token behind it.
    Vocabulary {
        /// The words of ids 0, 1, 2 and so on.
        words: Vec<String>,
        /// The id that ends captions.
        end: u32,
        /// The id of words that the vocabulary lacks.
        unknown: u32,
        /// Whether the end token counts as a word.
        with_end: bool,
    },
    /// Ids whose words nobody knows.
    Ids {
        /// The id that ends captions; what stands behind it is left out.
        end: Option<u32>,
    },
}

/// A caption as text, as ids, or as both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedCaption {
    /// Its ids, up to an end token at most.
    pub tokens: Option<Vec<u32>>,
    /// Its text.
    pub text: Option<String>,
}

/// A caption as rewards see it.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) tokens: Vec<u32>,
    /// Its words.
    pub(super) text: String,
}

impl Encoded {
    /// Token sequences and texts of several.
    pub(super) fn unzip(all: Vec<Self>) -> (Vec<Vec<u32>>, Vec<String>) {
        all.into_iter().map(|one| (one.tokens, one.text)).unzip()
    }
}

/// A caption that lacks the form that is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unfit {
    pub(super) found: &'static str,
    pub(super) expected: &'static str,
}

impl Unfit {
    pub(super) fn at(self, at: impl Into<String>) -> RequestError {
        RequestError::Value {
            at: at.into(),
            found: self.found.to_owned(),
            expected: self.expected.to_owned(),
        }
    }
}

/// Words that the lexicon does not hold, with the ids that they have for as long as this lives.
#[derive(Debug, Default)]
pub(super) struct NewWords {
    ids: FxHashMap<String, u32>,
}

/// From captions to token ids.
#[derive(Debug)]
pub(super) struct Lexicon {
    words: Words,
    /// By word: of text, or of the vocabulary.
    ids: FxHashMap<String, u32>,
    table: Option<TableIds>,
}

/// Ids of a table of document frequencies, by the ids that captions have.
#[derive(Debug)]
struct TableIds {
    ids: FxHashMap<u32, u32>,
    /// How many words the table has; ids that it lacks begin there.
    words: u32,
}

impl TableIds {
    fn id(&self, id: u32) -> u32 {
        let of_table = self.ids.get(&id).copied();
        of_table.unwrap_or_else(|| self.words.saturating_add(id))
    }
}

impl Lexicon {
    /// # Errors
    /// [`RewardError::TableWithoutWords`] when text is to be compared by a table over ids.
    pub(super) fn new(
        words: Words,
        table: Option<&DocumentFrequency>,
    ) -> Result<Self, RewardError> {
        let of_table = table.map(DocumentFrequency::words).unwrap_or_default();
        let mut ids = by_word(of_table);
        let mut table_ids = None;
        match &words {
            Words::Text(_) if table.is_some() && of_table.is_empty() => {
                return Err(RewardError::TableWithoutWords);
            }
            Words::Text(_) => {}
            Words::Vocabulary {
                words,
                end,
                unknown,
                ..
            } => {
                let reserved = |id: u32| id == *end || id == *unknown;
                table_ids = table_of(of_table, || {
                    let mut shared: FxHashMap<u32, u32> = (0..)
                        .zip(words)
                        .filter_map(|(id, word)| Some((id, *ids.get(word)?)))
                        .collect();
                    if let Some(&id) = ids.get(FOREIGN_END) {
                        shared.entry(*end).or_insert(id);
                    }
                    shared
                });
                // Text never says an end token or the unknown word.
                let own = (0..).zip(words).filter(|(id, _)| !reserved(*id));
                ids = own.map(|(id, word)| (word.clone(), id)).collect();
            }
            Words::Ids { .. } => {
                table_ids = table_of(of_table, || {
                    let numbers = ids.iter();
                    numbers
                        .filter_map(|(word, &id)| Some((word.parse().ok()?, id)))
                        .collect()
                });
                ids.clear();
            }
        }
        Ok(Self {
            words,
            ids,
            table: table_ids,
        })
    }

    /// The token that ends captions.
    pub(super) fn end(&self) -> Option<u32> {
        match self.words {
            Words::Text(_) => None,
            Words::Vocabulary { end, with_end, .. } => with_end.then(|| self.internal(end)),
            Words::Ids { end } => end.map(|end| self.internal(end)),
        }
    }

    /// The token of unknown words.
    pub(super) fn unknown(&self) -> Option<u32> {
        match self.words {
            Words::Vocabulary { unknown, .. } => Some(self.internal(unknown)),
            Words::Text(_) | Words::Ids { .. } => None,
        }
    }

    /// Keeps new words for ever.
    pub(super) fn keep(&mut self, new: NewWords) {
        self.ids.extend(new.ids);
    }

    /// Token ids and words of every caption; an error is of the caption at its index.
    pub(super) fn encode(
        &self,
        captions: Vec<&ServedCaption>,
        new: &mut NewWords,
    ) -> Result<Vec<Encoded>, (usize, Unfit)> {
        // Words are made on all threads; their new ids are given in order.
        let texts: Vec<String> = captions
            .par_iter()
            .with_min_len(CAPTIONS_PER_TASK)
            .map(|caption| self.text(caption))
            .collect();
        let captions = captions.into_iter().zip(texts).enumerate();
        captions
            .map(|(index, (caption, text))| {
                let tokens = self.tokens(caption, &text, new);
                tokens
                    .map(|tokens| Encoded { tokens, text })
                    .map_err(|unfit| (index, unfit))
            })
            .collect()
    }

    /// The words of a caption, joined by single spaces; nothing where only ids are known of it.
    fn text(&self, caption: &ServedCaption) -> String {
        let text = caption.text.as_deref();
        match &self.words {
            Words::Text(words_of) => text.map(words_of).unwrap_or_default(),
            Words::Vocabulary { words, end, .. } => match (text, &caption.tokens) {
                (Some(text), _) => joined(text.split_whitespace()),
                (None, tokens) => {
                    let ids = tokens.iter().flatten().take_while(|id| *id != end);
                    joined(ids.map(|&id| words.get(id as usize).map_or(UNKNOWN, |word| word)))
                }
            },
            Words::Ids { .. } => text.unwrap_or_default().to_owned(),
        }
    }

    /// The token ids of a caption with this [`text`](Self::text).
    ///
    /// # Errors
    /// When the caption lacks the form that is compared.
    fn tokens(
        &self,
        caption: &ServedCaption,
        text: &str,
        new: &mut NewWords,
    ) -> Result<Vec<u32>, Unfit> {
        let ids = caption.tokens.as_deref();
        match (&self.words, ids, &caption.text) {
            (Words::Text(_), _, Some(_)) => Ok(self.words_of(text, new)),
            (Words::Text(_), ..) => Err(Unfit {
                found: "no text",
                expected: "text, since the references are words",
            }),
            (Words::Vocabulary { end, with_end, .. }, Some(ids), _) if *with_end => {
                Ok(self.through(ids, Some(*end)))
            }
            (Words::Vocabulary { end, .. }, Some(ids), _) => {
                let words = before_end_token(ids, Some(*end)).iter();
                Ok(words.map(|&id| self.internal(id)).collect())
            }
            (
                Words::Vocabulary {
                    end,
                    unknown,
                    with_end,
                    ..
                },
                None,
                Some(_),
            ) => {
                let words = text.split_whitespace();
                let ids = words.map(|word| self.ids.get(word).copied().unwrap_or(*unknown));
                let ids = ids.chain(with_end.then_some(*end));
                Ok(ids.map(|id| self.internal(id)).collect())
            }
            (Words::Vocabulary { .. }, None, None) => Err(Unfit {
                found: "neither tokens nor text",
                expected: "one of them",
            }),
            (Words::Ids { end }, Some(ids), _) => Ok(self.through(ids, *end)),
            (Words::Ids { .. }, None, _) => Err(Unfit {
                found: "no tokens",
                expected: "token ids, since no vocabulary says what words they are",
            }),
        }
    }

    fn words_of(&self, text: &str, new: &mut NewWords) -> Vec<u32> {
        let words = text.split(' ').filter(|word| !word.is_empty());
        words
            .map(|word| {
                let known = self.ids.get(word).or_else(|| new.ids.get(word)).copied();
                known.unwrap_or_else(|| {
                    let next = (self.ids.len() + new.ids.len()) as u32;
                    new.ids.insert(word.to_owned(), next);
                    next
                })
            })
            .collect()
    }

    fn through(&self, ids: &[u32], end: Option<u32>) -> Vec<u32> {
        let ids = end.map_or(ids, |end| through_end_token(ids, end));
        ids.iter().map(|&id| self.internal(id)).collect()
    }

    fn internal(&self, id: u32) -> u32 {
        self.table.as_ref().map_or(id, |table| table.id(id))
    }
}

fn by_word(words: &[String]) -> FxHashMap<String, u32> {
    (0..)
        .zip(words)
        .map(|(id, word)| (word.clone(), id))
        .collect()
}

/// How ids are told apart from those of a table that has words.
fn table_of(words: &[String], ids: impl FnOnce() -> FxHashMap<u32, u32>) -> Option<TableIds> {
    (!words.is_empty()).then(|| TableIds {
        ids: ids(),
        words: words.len() as u32,
    })
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}
