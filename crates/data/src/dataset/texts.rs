//! Pairs of texts as ids.

use super::{Dataset, Example, TextVocabularies, ended};
use crate::captions::Split;
use crate::features::Row;
use crate::texts::{TextPair, TextPairs, TextSource, TextSources};
use crate::vocabulary::{Tokens, VocabularyError};
use crate::{DataError, Notice, Vocabulary};

impl Dataset<TextSources> {
    /// Reads pairs, and makes tokens of the training pairs or takes those given.
    ///
    /// # Errors
    ///
    /// Those of [`PairSource::read`](crate::texts::PairSource::read); tokens are to be made and there are no training pairs, no word in them is frequent
    /// enough, or they have more characters than tokens are asked for; a file of tokens cannot be used.
    pub fn load_text(text: &TextSource, words: TextVocabularies) -> Result<Self, DataError> {
        let pairs = text.pairs.read()?;
        let (source, target) = match words {
            TextVocabularies::Use { source, target } => (source, target),
            TextVocabularies::Build { minimum_count } => build(text, &pairs, minimum_count)?,
        };
        Ok(encode(pairs, source, target, text.max_source_length))
    }
}

/// The vocabularies of sources and targets.
fn build(
    text: &TextSource,
    pairs: &TextPairs,
    minimum_count: u64,
) -> Result<(Vocabulary, Vocabulary), DataError> {
    let train: Vec<&TextPair> = pairs
        .pairs
        .iter()
        .filter(|pair| pair.split == Split::Train)
        .collect();
    if train.is_empty() {
        return Err(DataError::NoTrainingPairs);
    }
    let sources: Vec<&str> = train.iter().map(|pair| &*pair.source).collect();
    let targets = train.iter().flat_map(|pair| &pair.targets);
    let targets: Vec<&str> = targets.map(String::as_str).collect();
    let made = |key, tokens: &Tokens, texts: &[&str]| {
        let vocabulary = Vocabulary::of_texts(tokens, texts, minimum_count);
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
        let both = made("source", &text.source, &[sources, targets].concat())?;
        return Ok((both.clone(), both));
    };
    Ok((
        made("source", &text.source, &sources)?,
        made("target", target, &targets)?,
    ))
}

fn encode(
    pairs: TextPairs,
    source: Vocabulary,
    target: Vocabulary,
    max_length: usize,
) -> Dataset<TextSources> {
    let mut dataset = Dataset {
        vocabulary: target,
        sources: TextSources::new(source, max_length),
        wordless: 0,
        notices: pairs.notices,
        train: Vec::new(),
        val: Vec::new(),
        test: Vec::new(),
    };
    let mut tokenless: (usize, Option<String>) = (0, None);
    for pair in pairs.pairs {
        let targets = pair.targets.iter().filter_map(|target| {
            let (ids, reference) = dataset.vocabulary.encode_reference(target);
            (!ids.is_empty()).then(|| (ended(ids), reference))
        });
        let (captions, references): (Vec<_>, Vec<_>) = targets.unzip();
        dataset.wordless += pair.targets.len() - captions.len();
        let row: Option<Row> = if captions.is_empty() {
            None
        } else {
            dataset.sources.push(&pair.source)
        };
        let Some(row) = row else {
            tokenless.0 += 1;
            tokenless.1.get_or_insert(pair.name);
            continue;
        };
        let example = Example {
            name: pair.name.into(),
            id: pair.id,
            row,
            captions: captions.into(),
            references: references.into(),
        };
        match pair.split {
            Split::Train => dataset.train.push(example),
            Split::Val => dataset.val.push(example),
            Split::Test => dataset.test.push(example),
        }
    }
    if let (sources, Some(first)) = tokenless {
        dataset
            .notices
            .push(Notice::TokenlessPairs { sources, first });
    }
    if dataset.sources.cut() > 0 {
        dataset.notices.push(Notice::CutSources {
            sources: dataset.sources.cut(),
            max_length,
        });
    }
    dataset
}

#[cfg(test)]
mod tests;
