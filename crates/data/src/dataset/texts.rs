//! Pairs of texts as ids.

use super::example::Written;
use super::{Dataset, TextVocabularies};
use crate::captions::Split;
use crate::features::Row;
use crate::texts::{TextPairs, TextSource, TextSources};
use crate::vocabulary::VocabularyError;
use crate::{DataError, Notice, Vocabulary};

impl Dataset<TextSources> {
    /// Reads pairs, and makes tokens of the training pairs or takes those given.
    ///
    /// # Errors
    ///
    /// Those of [`PairSource::read`](crate::texts::PairSource::read); tokens are to be made and there are no training pairs, no word in them is frequent
    /// enough, or they have more characters than tokens are asked for; a file of tokens cannot be used; there is no room
    /// for the ids.
    pub fn load_text(text: &TextSource, words: TextVocabularies) -> Result<Self, DataError> {
        let pairs = text.pairs.read()?;
        let (source, target) = match words {
            TextVocabularies::Use { source, target } => (source, target),
            TextVocabularies::Build { minimum_count } => build(text, &pairs, minimum_count)?,
        };
        encode(pairs, source, target, text.max_source_length)
    }
}

/// The vocabularies of sources and targets.
fn build(
    text: &TextSource,
    pairs: &TextPairs,
    minimum_count: u64,
) -> Result<(Vocabulary, Vocabulary), DataError> {
    let train = || pairs.iter().filter(|pair| pair.split == Split::Train);
    if train().next().is_none() {
        return Err(DataError::NoTrainingPairs);
    }
    let sources = || train().map(|pair| pair.source);
    let targets = || train().flat_map(|pair| pair.targets);
    let made = |key, vocabulary: Result<Vocabulary, VocabularyError>| {
        let vocabulary = vocabulary.map_err(|error| match error {
            VocabularyError::File(error) => error,
            VocabularyError::Training(problem) => DataError::Tokens { key, problem },
        })?;
        if vocabulary.has_words() {
            return Ok(vocabulary);
        }
        Err(DataError::NoFrequentTokens { key, minimum_count })
    };
    let Some(target) = &text.target else {
        let texts = sources().chain(targets());
        let both = Vocabulary::of_texts(&text.source, texts, minimum_count);
        let both = made("source", both)?;
        return Ok((both.clone(), both));
    };
    let source = Vocabulary::of_texts(&text.source, sources(), minimum_count);
    let source = made("source", source)?;
    let target = Vocabulary::of_texts(target, targets(), minimum_count);
    Ok((source, made("target", target)?))
}

fn encode(
    pairs: TextPairs,
    source: Vocabulary,
    target: Vocabulary,
    max_length: usize,
) -> Result<Dataset<TextSources>, DataError> {
    let mut written = Written::default();
    let mut sources = TextSources::new(source, max_length);
    let mut wordless = 0;
    let mut tokenless: (usize, Option<String>) = (0, None);
    for pair in pairs.iter() {
        let targets = pair
            .targets
            .iter()
            .map(|text| target.encode_reference(text));
        let mut targets: Vec<_> = targets.filter(|(ids, _)| !ids.is_empty()).collect();
        wordless += pair.targets.len() - targets.len();
        let row: Option<Row> = if targets.is_empty() {
            None
        } else {
            sources.push(pair.source)?
        };
        let Some(row) = row else {
            tokenless.0 += 1;
            tokenless.1.get_or_insert_with(|| pair.name.to_owned());
            continue;
        };
        written.push(pair.split, row, (pair.name, pair.id.as_ref()), &mut targets)?;
    }
    let mut notices = pairs.notices;
    if let (sources, Some(first)) = tokenless {
        notices.push(Notice::TokenlessPairs { sources, first });
    }
    if sources.cut() > 0 {
        notices.push(Notice::CutSources {
            sources: sources.cut(),
            max_length,
        });
    }
    Ok(Dataset {
        vocabulary: target,
        sources,
        wordless,
        notices,
        examples: written.finish(),
    })
}

#[cfg(test)]
mod tests;
