//! What all ranks know of the samples of every part of a batch.

use serde::{Deserialize, Serialize};

use crate::objective::batch::pack;

/// What all ranks know of the samples of a part of a batch: what is defined over the whole batch is made of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sampled {
    /// Indices of the sources in the training set.
    pub(super) examples: Vec<usize>,
    /// Samples of every source in a row.
    pub(super) captions: Vec<Vec<u32>>,
    /// The words that every sample was given to begin with; none at all if empty.
    pub(super) prefixes: Vec<Vec<u32>>,
    /// The greedy caption of every source, if the baseline needs them.
    pub(super) greedy: Vec<Vec<u32>>,
    /// What every reward gives to the samples, before they are combined.
    pub(super) scores: Vec<Vec<Option<f64>>>,
    /// The same of the greedy captions.
    pub(super) greedy_scores: Vec<Vec<Option<f64>>>,
    /// The squared size of the gradient of every sample at the softmax inputs, if the baseline asks for it.
    pub(super) energies: Vec<f64>,
    /// The hidden states of the words, packed as a tape's, and their width, if the baseline learns from them.
    pub(super) states: Option<(Vec<f32>, usize)>,
    /// Which samples have a reward, and so does what they are compared with; all of them until they are judged.
    pub(super) has_reward: Vec<bool>,
    /// The reward of every sample; none until they are judged.
    #[serde(skip)]
    pub(super) rewards: Vec<f64>,
    /// Which samples train: all of them, or those that are not left out; none until they are judged.
    #[serde(skip)]
    pub(super) trains: Vec<bool>,
}

impl Sampled {
    /// Indices of the sources of the samples in the training set.
    pub(super) fn example_of_sample(&self) -> impl Iterator<Item = usize> {
        // The samples of a source stand side by side.
        let samples = self.captions.len() / self.examples.len().max(1);
        let examples = self.examples.iter();
        examples.flat_map(move |&example| std::iter::repeat_n(example, samples))
    }

    /// Which words and samples the model chose.
    pub(super) fn choice(&self) -> Choice<'_> {
        Choice {
            captions: &self.captions,
            prefixes: &self.prefixes,
            has_reward: &self.has_reward,
        }
    }
}

/// Which words of samples the model chose, and which samples count.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    pub(super) captions: &'a [Vec<u32>],
    pub(super) prefixes: &'a [Vec<u32>],
    pub(super) has_reward: &'a [bool],
}

impl Choice<'_> {
    /// Sample of every word, and whether the word was given, packed as a tape is.
    pub(super) fn rows(&self) -> Vec<(usize, bool)> {
        pack(self.captions, |n, t| (n, self.given(n, t)))
    }

    /// Which samples count in baselines and in metrics of rewards: those that have a reward and of which the model chose at
    /// least one word; the others were given whole.
    pub(super) fn samples(&self) -> Vec<bool> {
        let captions = self.captions.iter().enumerate().zip(self.has_reward);
        captions
            .map(|((n, words), has)| *has && !self.given(n, words.len().saturating_sub(1)))
            .collect()
    }

    /// How many words of every sample the model chose.
    pub(super) fn words(&self) -> Vec<usize> {
        let captions = self.captions.iter().enumerate();
        captions
            .map(|(n, words)| (0..words.len()).filter(|&t| !self.given(n, t)).count())
            .collect()
    }

    fn given(&self, n: usize, t: usize) -> bool {
        let prefixes = self.prefixes.get(n);
        prefixes.is_some_and(|words| t < words.len())
    }
}
