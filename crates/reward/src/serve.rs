//! Rewards for other programs: the protocol of [`command`](crate::command) with the roles swapped.
//!
//! A request is one line of JSON with captions, its answer one line with a score for each; both are described in
//! `scripts/README.md`. This module reads and writes no stream: [`RewardService::answer`] takes a line.
//!
//! | file | what is there |
//! |---|---|
//! | `request` | a line as captions to score, checked |
//! | `error` | why a request gets no scores |
//! | `lexicon` | captions as text or as ids, brought to the token ids that rewards compare |

mod error;
mod lexicon;
mod request;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::entry::RewardKind;
use crate::{
    Candidate, DocumentFrequency, ImageReferences, MixtureScores, References, RewardEntry,
    RewardError, RewardMixture, RewardRegistry, RewardSources,
};

pub use error::RequestError;
use lexicon::{Encoded, Lexicon, NewWords};
pub use lexicon::{ServedCaption, Words};
use request::{Request, RequestedCaption};

/// The longest line of a request or an answer, in bytes; a line of `n` bytes takes up to about `50 n` of memory.
pub const LONGEST_LINE: usize = crate::process::LINE_LIMIT;

/// An image whose references are known from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedImage {
    /// What requests may call it, first of all by its own name: the file name, an id.
    pub names: Vec<String>,
    /// What its captions are compared with.
    pub references: Vec<ServedCaption>,
}

/// Scores the captions of requests.
pub struct RewardService<'a> {
    lexicon: Lexicon,
    entries: Vec<RewardEntry>,
    registry: &'a RewardRegistry,
    frequency: Option<Arc<DocumentFrequency>>,
    known: Option<Known>,
}

/// The images that were given at the beginning, counted once.
struct Known {
    /// Index by every name.
    images: FxHashMap<String, usize>,
    references: Arc<References>,
    mixture: RewardMixture,
}

/// The scores of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedScores {
    scores: MixtureScores,
    with_parts: bool,
}

impl ServedScores {
    /// The answer: `{"scores":[0.5]}`, with `parts` by name where the request asks for them; null where no reward
    /// applies, or the part does not.
    ///
    /// Every number reads as the same bits again.
    pub fn to_json(&self) -> String {
        let total = self.scores.total.iter().zip(&self.scores.applies);
        let total = total.map(|(score, applies)| applies.then_some(*score));
        let mut answer = serde_json::json!({ "scores": total.collect::<Vec<_>>() });
        if self.with_parts {
            let parts = self.scores.parts.iter();
            answer["parts"] = parts
                .map(|part| (part.name.clone(), part.scores.clone().into()))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        answer.to_string()
    }
}

impl<'a> RewardService<'a> {
    /// Counts the references of all images and prepares the rewards.
    ///
    /// Document frequencies are those of `table`, or of `images` without one. Without images, every request brings
    /// its references.
    ///
    /// # Errors
    /// [`RewardError::Entry`] for a reward that cannot be built, that reads words where there are only ids, that needs
    /// document frequencies where there are none, or is a program where references come with the requests;
    /// [`RewardError::OptionValue`] for references of another form than `words`, [`RewardError::NoReferences`],
    /// [`RewardError::EndTokenInside`] and [`RewardError::NoRewards`].
    pub fn new(
        words: Words,
        images: Vec<ServedImage>,
        table: Option<DocumentFrequency>,
        entries: Vec<RewardEntry>,
        registry: &'a RewardRegistry,
    ) -> Result<Self, RewardError> {
        if entries.is_empty() {
            return Err(RewardError::NoRewards);
        }
        for (index, entry) in entries.iter().enumerate() {
            let needs = needs(entry, &words, images.is_empty(), table.is_none());
            needs.map_err(|problem| RewardError::Entry {
                entry: index,
                problem: Box::new(problem),
            })?;
        }
        let lexicon = Lexicon::new(words, table.as_ref())?;
        let mut service = Self {
            lexicon,
            entries,
            registry,
            frequency: table.map(Arc::new),
            known: None,
        };
        if !images.is_empty() {
            service.learn(images)?;
        }
        Ok(service)
    }

    /// Every choice that changes the scores; without images, nothing is known of the references yet.
    pub fn signature(&self) -> Option<String> {
        self.known.as_ref().map(|known| known.mixture.signature())
    }

    /// The scores of a request, a line without its end.
    ///
    /// # Errors
    /// Whatever is wrong with the line; the next one is answered as if this one had not been.
    pub fn answer(&mut self, line: &[u8]) -> Result<ServedScores, RequestError> {
        let request = Request::parse(line)?;
        let captions = &request.captions;
        let mut new = NewWords::default();
        let encoded = self
            .lexicon
            .encode(captions.iter().map(|c| &c.caption).collect(), &mut new);
        let encoded = encoded.map_err(|(index, problem)| problem.at(captions[index].place()))?;
        let found: Option<Vec<usize>> = captions.iter().map(|c| self.find(&c.image)).collect();
        let candidates = |images: &[usize]| -> Vec<Candidate<'_>> {
            let all = images.iter().zip(&encoded);
            all.map(|(&image, caption)| Candidate {
                image,
                tokens: &caption.tokens,
                text: &caption.text,
            })
            .collect()
        };
        let scores = match (found, &mut self.known) {
            (Some(images), Some(known)) => known.mixture.score(&candidates(&images))?,
            _ => {
                let (images, references) = self.gather(captions, &mut new)?;
                self.mixture(references)?.score(&candidates(&images))?
            }
        };
        request.can_hold(&scores)?;
        Ok(ServedScores {
            scores,
            with_parts: request.with_parts,
        })
    }

    fn find(&self, image: &str) -> Option<usize> {
        self.known.as_ref()?.images.get(image).copied()
    }

    fn learn(&mut self, images: Vec<ServedImage>) -> Result<(), RewardError> {
        let mut new = NewWords::default();
        let mut names = FxHashMap::default();
        // An id may be spelt as the file name of another image: names come first.
        for place in 0..images.iter().map(|i| i.names.len()).max().unwrap_or(0) {
            for (index, image) in images.iter().enumerate() {
                if let Some(name) = image.names.get(place) {
                    names.entry(name.clone()).or_insert(index);
                }
            }
        }
        let mut referenced = Vec::with_capacity(images.len());
        for image in images {
            let id = image.names.into_iter().next().unwrap_or_default();
            let all = self
                .lexicon
                .encode(image.references.iter().collect(), &mut new);
            let all = all.map_err(|(reference, unfit)| RewardError::OptionValue {
                option: "references",
                found: format!("{} as reference {reference} of image {id}", unfit.found),
                expected: unfit.expected,
            })?;
            let (tokens, texts) = Encoded::unzip(all);
            referenced.push(ImageReferences::new(id, tokens, texts));
        }
        self.lexicon.keep(new);
        let references = Arc::new(References::new(self.lexicon.end(), referenced)?);
        let sources = self.sources(Arc::clone(&references));
        let mixture = RewardMixture::build(&self.entries, &sources, self.registry)?;
        self.frequency = sources.known_frequency().cloned();
        self.known = Some(Known {
            images: names,
            references,
            mixture,
        });
        Ok(())
    }

    fn sources(&self, references: Arc<References>) -> RewardSources {
        let mut sources = RewardSources::new(references);
        if let Some(frequency) = &self.frequency {
            sources = sources.with_frequency(Arc::clone(frequency));
        }
        if let Some(unknown) = self.lexicon.unknown() {
            sources = sources.with_unknown(unknown);
        }
        sources
    }

    /// The rewards with references that came with a request.
    fn mixture(&self, references: References) -> Result<RewardMixture, RewardError> {
        let sources = self.sources(Arc::new(references));
        RewardMixture::build(&self.entries, &sources, self.registry)
    }

    /// The images of a request of which not all are known, and the references of each: those from the beginning, or
    /// the request's.
    fn gather(
        &self,
        captions: &[RequestedCaption],
        new: &mut NewWords,
    ) -> Result<(Vec<usize>, References), RequestError> {
        let mut places: FxHashMap<&str, (usize, &RequestedCaption)> = FxHashMap::default();
        let mut images = Vec::new();
        let mut indices = Vec::with_capacity(captions.len());
        let has_program = self.entries.iter().any(is_program);
        for caption in captions {
            if let Some(&(index, first)) = places.get(&*caption.image) {
                let known = self.find(&caption.image).is_some();
                if !known && caption.references.is_some() && caption.references != first.references
                {
                    return Err(caption.other_references(first));
                }
                indices.push(index);
                continue;
            }
            let place = self.find(&caption.image);
            let known = self.known.as_ref().zip(place);
            let known = known.and_then(|(known, place)| known.references.image(place));
            let image = match (known, &caption.references) {
                (Some(known), _) => known.into_owned(),
                (_, Some(references)) if !has_program => {
                    let encoded = self.lexicon.encode(references.iter().collect(), new);
                    let encoded = encoded.map_err(|(reference, unfit)| {
                        unfit.at(format!("{}.references[{reference}]", caption.place()))
                    })?;
                    let (tokens, texts) = Encoded::unzip(encoded);
                    ImageReferences::new(caption.image.as_str(), tokens, texts)
                }
                _ => return Err(caption.unknown_image(has_program)),
            };
            places.insert(&caption.image, (images.len(), caption));
            indices.push(images.len());
            images.push(image);
        }
        Ok((indices, References::new(self.lexicon.end(), images)?))
    }
}

fn is_program(entry: &RewardEntry) -> bool {
    matches!(
        entry.kind(),
        Ok(RewardKind::Meteor(_) | RewardKind::Command(_))
    )
}

/// That a reward has what it needs.
fn needs(
    entry: &RewardEntry,
    words: &Words,
    no_images: bool,
    no_table: bool,
) -> Result<(), RewardError> {
    let kind = entry.kind()?;
    let problem = |found: &str, expected| {
        Err(RewardError::OptionValue {
            option: kind.key(),
            found: found.to_owned(),
            expected,
        })
    };
    let reads_words = kind.is_of_raw_text()
        || matches!(
            kind,
            RewardKind::Meteor(_) | RewardKind::Command(_) | RewardKind::BadEndingPenalty(_)
        );
    if reads_words && matches!(words, Words::Ids { .. }) {
        return problem("token ids alone", "the words that they stand for");
    }
    if is_program(entry) && no_images {
        return problem(
            "references that come with the requests",
            "references from the beginning, since the program is started once",
        );
    }
    if matches!(kind, RewardKind::CiderD(_)) && no_images && no_table {
        return problem(
            "no document frequencies",
            "a table of them, or the references of all training images",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
