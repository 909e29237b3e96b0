//! References that are kept, and captions scored against them.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use scst_reward::{
    Candidate, ImageReferences, RewardEntry, RewardError, RewardMixture, RewardRegistry,
    RewardSources, python_words, through_end_token,
};

use crate::error::exception;
use crate::frequency::DocumentFrequency;
use crate::input::{AnyReferences, OfKind, Place, References, captions, references};
use crate::threads;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::{Numbering, Vocabulary};

/// One reward: its options, and the references that it keeps, if it does.
#[pyclass(frozen, module = "scst._scst")]
pub(crate) struct Reward {
    recipe: Recipe,
    kept: Option<Kept>,
}

/// What a reward is made from, but references.
struct Recipe {
    entry: RewardEntry,
    tokenizer: Tokenizer,
    /// Whether captions are compared as they stand.
    is_of_raw_text: bool,
    end_token: Option<u32>,
    frequency: Option<Arc<scst_reward::DocumentFrequency>>,
    /// The words of the document frequencies.
    vocabulary: Arc<Vocabulary>,
}

struct Kept {
    mixture: Mutex<RewardMixture>,
    /// Those of the document frequencies and of the references; of no use to token ids.
    vocabulary: Vocabulary,
    of_text: bool,
}

#[pymethods]
impl Reward {
    /// options are those of an entry of a configuration, in JSON.
    #[new]
    #[pyo3(signature = (options, references, df, tokenizer, end_token))]
    fn new(
        python: Python<'_>,
        options: &str,
        references: Option<&Bound<'_, PyAny>>,
        df: Option<&DocumentFrequency>,
        tokenizer: &str,
        end_token: Option<u32>,
    ) -> PyResult<Self> {
        let entry: RewardEntry = serde_json::from_str(options)
            .map_err(|error| PyValueError::new_err(format!("options: {error}")))?;
        if let Some(problem) = entry.problems().first() {
            return Err(exception(problem));
        }
        let mut recipe = Recipe {
            is_of_raw_text: entry.raw_text_key().is_some(),
            entry,
            tokenizer: Tokenizer::of_name(tokenizer)?,
            end_token,
            frequency: None,
            vocabulary: Arc::default(),
        };
        let Some(references) = references else {
            if let Some(df) = df {
                recipe.set_frequency(df, df.table(true).is_ok())?;
            }
            return Ok(Self { recipe, kept: None });
        };
        let references = self::references(references, "references")?;
        recipe.check(matches!(references, OfKind::Text(_)))?;
        if let Some(df) = df {
            recipe.set_frequency(df, matches!(references, OfKind::Text(_)))?;
        }
        let kept = threads::without_lock(python, || recipe.keep(references))?;
        let kept = Some(kept.map_err(|error| exception(&error))?);
        Ok(Self { recipe, kept })
    }

    /// The score of each completion against the references at its image's position.
    fn score(
        &self,
        python: Python<'_>,
        images: Vec<usize>,
        completions: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<f64>> {
        let Some(kept) = &self.kept else {
            return Err(
                Place::argument("references").wrong_value("none", "references of every image")
            );
        };
        let captions = Captions::read(completions, kept.of_text)?;
        check_count(captions.len(), images.len())?;
        let scores = threads::without_lock(python, || {
            let mut mixture = kept.mixture.lock().unwrap_or_else(PoisonError::into_inner);
            let captions = self.recipe.words(captions);
            let mut numbering = Numbering::new(&kept.vocabulary);
            self.recipe
                .score(&mut mixture, &images, &captions, &mut numbering)
        })?;
        scores.map_err(|error| exception(&error))
    }

    /// The score of each completion against its own references.
    fn score_against(
        &self,
        python: Python<'_>,
        references: &Bound<'_, PyAny>,
        completions: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<f64>> {
        let references = self::references(references, "references")?;
        let of_text = matches!(references, OfKind::Text(_));
        self.recipe.check(of_text)?;
        if let Some(frequency) = &self.recipe.frequency
            && frequency.words().is_empty() == of_text
        {
            let found = if of_text { "text" } else { "token ids" };
            let expected = "what the document frequencies were counted of";
            return Err(Place::argument("references").wrong_value(found, expected));
        }
        let captions = Captions::read(completions, of_text)?;
        let count = match &references {
            OfKind::Text(texts) => texts.names.len(),
            OfKind::Ids(ids) => ids.names.len(),
        };
        check_count(captions.len(), count)?;
        let images: Vec<usize> = (0..count).collect();
        let scores = threads::without_lock(python, || {
            let (references, captions) = (
                self.recipe.reference_words(references),
                self.recipe.words(captions),
            );
            let mut numbering = Numbering::new(&self.recipe.vocabulary);
            let mut mixture = self.recipe.mixture(&references, &mut numbering)?;
            self.recipe
                .score(&mut mixture, &images, &captions, &mut numbering)
        })?;
        scores.map_err(|error| exception(&error))
    }

    /// Whether the references that are kept are text; None without any.
    #[getter]
    fn is_of_text(&self) -> Option<bool> {
        self.kept.as_ref().map(|kept| kept.of_text)
    }

    /// Every choice that changes the scores; None without references.
    #[getter]
    fn signature(&self, python: Python<'_>) -> Option<String> {
        let kept = self.kept.as_ref()?;
        let signature = python.detach(|| {
            let mixture = kept.mixture.lock().unwrap_or_else(PoisonError::into_inner);
            mixture.signature()
        });
        // The only reward of its list, whole.
        Some(signature.trim_start_matches("1 * ").to_owned())
    }
}

fn check_count(found: usize, expected: usize) -> PyResult<()> {
    if found == expected {
        return Ok(());
    }
    let expected = format!("{expected}, one for each of the images or references");
    Err(Place::argument("completions").wrong_value(&format!("{found} captions"), &expected))
}

/// Completions of one kind.
type Captions = OfKind<Vec<String>, Vec<Vec<u32>>>;

impl Captions {
    fn read(completions: &Bound<'_, PyAny>, of_text: bool) -> PyResult<Self> {
        Ok(if of_text {
            Self::Text(captions(completions, "completions")?)
        } else {
            Self::Ids(captions(completions, "completions")?)
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(texts) => texts.len(),
            Self::Ids(ids) => ids.len(),
        }
    }
}

impl Recipe {
    /// # Errors
    /// `ValueError` when captions of this kind cannot be scored so.
    fn check(&self, of_text: bool) -> PyResult<()> {
        let needs_text = self.is_of_raw_text || self.entry.meteor.is_some();
        if needs_text && !of_text {
            return Err(Place::argument("references").wrong_value("token ids", "text"));
        }
        if of_text && let Some(end) = self.end_token {
            let found = format!("{end} with references that are text");
            return Err(Place::argument("end_token").wrong_value(&found, "none, or token ids"));
        }
        Ok(())
    }

    fn set_frequency(&mut self, df: &DocumentFrequency, of_text: bool) -> PyResult<()> {
        self.frequency = Some(Arc::clone(df.table(of_text)?));
        self.vocabulary = Arc::clone(df.vocabulary());
        Ok(())
    }

    fn keep(&self, references: AnyReferences) -> Result<Kept, RewardError> {
        let of_text = matches!(references, OfKind::Text(_));
        let references = self.reference_words(references);
        let mut numbering = Numbering::new(&self.vocabulary);
        let mixture = Mutex::new(self.mixture(&references, &mut numbering)?);
        let mut vocabulary = Vocabulary::clone(&self.vocabulary);
        vocabulary.extend(numbering.into_new());
        Ok(Kept {
            mixture,
            vocabulary,
            of_text,
        })
    }

    /// References whose words are final.
    fn reference_words(&self, references: AnyReferences) -> AnyReferences {
        match references {
            OfKind::Text(References { names, references }) if !self.is_of_raw_text => {
                let references = self.tokenizer.words_of_groups(references);
                OfKind::Text(References { names, references })
            }
            references => references,
        }
    }

    /// Captions whose words are final.
    fn words(&self, captions: Captions) -> Captions {
        match captions {
            Captions::Text(texts) if !self.is_of_raw_text => {
                Captions::Text(self.tokenizer.words(texts))
            }
            captions => captions,
        }
    }

    /// The ids that tell captions apart: of their words, or of the whole where every character counts.
    fn ids<'a>(&self, text: &'a str, numbering: &mut Numbering<'a>) -> Vec<u32> {
        if self.is_of_raw_text {
            return vec![numbering.id(text)];
        }
        python_words(text).map(|word| numbering.id(word)).collect()
    }

    /// The reward of these references.
    fn mixture<'a>(
        &self,
        references: &'a AnyReferences,
        numbering: &mut Numbering<'a>,
    ) -> Result<RewardMixture, RewardError> {
        let images = match references {
            OfKind::Text(References { names, references }) => {
                let images = names.iter().zip(references);
                let image = |(name, texts): (&String, &'a Vec<String>)| {
                    let tokens: Vec<_> =
                        texts.iter().map(|text| self.ids(text, numbering)).collect();
                    ImageReferences::new(&**name, tokens, texts.clone())
                };
                images.map(image).collect()
            }
            OfKind::Ids(References { names, references }) => {
                let images = names.iter().zip(references);
                let image = |(name, ids): (&String, &Vec<Vec<u32>>)| {
                    ImageReferences::new(&**name, ids.clone(), vec![String::new(); ids.len()])
                };
                images.map(image).collect()
            }
        };
        let references = scst_reward::References::new(self.end_token, images)?;
        let mut sources = RewardSources::new(Arc::new(references));
        if let Some(frequency) = &self.frequency {
            sources = sources.with_frequency(Arc::clone(frequency));
        }
        let entries = std::slice::from_ref(&self.entry);
        RewardMixture::build(entries, &sources, &RewardRegistry::default())
    }

    fn score<'a>(
        &self,
        mixture: &mut RewardMixture,
        images: &[usize],
        captions: &'a Captions,
        numbering: &mut Numbering<'a>,
    ) -> Result<Vec<f64>, RewardError> {
        let owned: Vec<Vec<u32>>;
        let (tokens, texts): (Vec<&[u32]>, Vec<&str>) = match captions {
            Captions::Text(texts) => {
                owned = texts.iter().map(|text| self.ids(text, numbering)).collect();
                let tokens = owned.iter().map(Vec::as_slice);
                (tokens.collect(), texts.iter().map(String::as_str).collect())
            }
            Captions::Ids(ids) => {
                let caption = |ids: &'a Vec<u32>| match self.end_token {
                    Some(end) => through_end_token(ids, end),
                    None => ids,
                };
                (ids.iter().map(caption).collect(), vec![""; ids.len()])
            }
        };
        let candidates = images.iter().zip(tokens.into_iter().zip(texts));
        let candidates: Vec<_> = candidates
            .map(|(&image, (tokens, text))| Candidate {
                image,
                tokens,
                text,
            })
            .collect();
        Ok(mixture.score(&candidates)?.total)
    }
}
