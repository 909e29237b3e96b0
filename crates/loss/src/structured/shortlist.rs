//! Chains over large vocabularies: a short list of words a position, and transitions of low rank.

use super::{
    EdgeScores, Factors, Graph, Model, StructuredError,
    log_space::log_sum_exp,
    model::{check_labels, check_length, check_node_scores},
};

/// The end token, which absorbs: what follows it is it again.
const END: u32 = 0;

/// Scores of pairs of successive words, of low rank; the end token follows itself alone.
///
/// ```text
/// edge[w, w']     = sum_r from[w, r] to[w', r],   w not the end token
/// edge[end, end]  = 0
/// edge[end, w']   = -inf,                         w' not the end token
/// ```
///
/// Sun et al. 2019, Fast Structured Decoding for Sequence Models. Since the end token absorbs, the
/// labelings of `T` positions are the captions of at most `T` words: those that end, and those cut
/// off. From its end on, a caption has the end token's node score at every position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transitions<'a> {
    vocab: usize,
    from: &'a [f64],
    to: &'a [f64],
}

/// The gradient at both factors of [`Transitions`], `[vocab, rank]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitionGradient {
    /// At `from`.
    pub from: Vec<f64>,
    /// At `to`.
    pub to: Vec<f64>,
}

/// A chain whose labels are, at every position, the most promising words (the beam approximation of
/// Sun et al. 2019).
///
/// Its distribution is that of the whole vocabulary given that every word is on its list. With all
/// words on the lists, label `w` is word `w` and nothing is approximated.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortlist {
    vocab: usize,
    size: usize,
    /// Rising at each position, `[T, K]`.
    words: Vec<u32>,
    outside: Vec<f64>,
    node: Vec<f64>,
    edge: Vec<f64>,
}

impl<'a> Transitions<'a> {
    /// Transitions among `vocab` words.
    ///
    /// # Shapes
    /// `from`, `to`: `[vocab, rank]`.
    ///
    /// # Errors
    /// [`StructuredError::NoLabels`] without words, [`StructuredError::Length`] when the factors do
    /// not fit.
    pub fn new(vocab: usize, from: &'a [f64], to: &'a [f64]) -> Result<Self, StructuredError> {
        if vocab == 0 {
            return Err(StructuredError::NoLabels);
        }
        let expected = from.len().next_multiple_of(vocab);
        check_length("transitions from words", from.len(), expected)?;
        check_length("transitions to words", to.len(), from.len())?;
        Ok(Self { vocab, from, to })
    }

    /// A gradient of 0, to sum into.
    pub fn zero_gradient(&self) -> TransitionGradient {
        TransitionGradient {
            from: vec![0.0; self.from.len()],
            to: vec![0.0; self.to.len()],
        }
    }

    fn score(&self, word: u32, next: u32) -> f64 {
        match (word, next) {
            (END, END) => 0.0,
            (END, _) => f64::NEG_INFINITY,
            _ => {
                let from = &self.from[self.row(word)];
                let to = &self.to[self.row(next)];
                from.iter().zip(to).map(|(a, b)| a * b).sum()
            }
        }
    }

    fn row(&self, word: u32) -> std::ops::Range<usize> {
        let (word, rank) = (word as usize, self.from.len() / self.vocab);
        word * rank..(word + 1) * rank
    }
}

impl Shortlist {
    /// The chain of the `size` words a position with the highest node scores.
    ///
    /// The end token and the words of `captions` (gold or sampled ones) are on the lists of their
    /// positions in any case. Among equal scores the smaller id is listed.
    ///
    /// # Shapes
    /// `node`: `[T, vocab]`, scores of words; `captions`: up to `T` words each.
    ///
    /// # Errors
    /// [`StructuredError`] when node scores do not fit or are none, a position allows no word, a
    /// caption does not fit, or lists of `size` cannot hold the words that must be on them.
    pub fn new(
        node: &[f64],
        transitions: &Transitions<'_>,
        size: usize,
        captions: &[&[u32]],
    ) -> Result<Self, StructuredError> {
        let vocab = transitions.vocab;
        let expected = node.len().next_multiple_of(vocab);
        check_length("node scores", node.len(), expected)?;
        check_node_scores(node, vocab)?;
        if !(1..=vocab).contains(&size) {
            return Err(no_room(size));
        }
        for caption in captions {
            check_caption(caption, node.len() / vocab, vocab)?;
        }
        let mut shortlist = Self {
            vocab,
            size,
            words: Vec::new(),
            outside: Vec::new(),
            node: Vec::new(),
            edge: Vec::new(),
        };
        for (position, scores) in node.chunks_exact(vocab).enumerate() {
            let forced = captions.iter().filter_map(|caption| caption.get(position));
            shortlist.push(scores, forced.copied().collect())?;
        }
        let lists: Vec<&[u32]> = shortlist.words.chunks_exact(size).collect();
        for pair in lists.windows(2) {
            let scores = pair[0].iter().flat_map(|&word| {
                let next = pair[1].iter();
                next.map(move |&next| transitions.score(word, next))
            });
            shortlist.edge.extend(scores);
        }
        Ok(shortlist)
    }

    /// The chain, to infer with: `T` nodes, `size` labels.
    ///
    /// # Errors
    /// [`StructuredError::EdgeScore`] when transitions score NaN or beyond 1e200.
    pub fn model(&self) -> Result<Model<'_>, StructuredError> {
        let graph = Graph::chain(self.positions(), self.size)?;
        Model::new(graph, &self.node, EdgeScores::PerEdge(&self.edge))
    }

    /// The share of the words that are not listed, `[T]`, by node scores alone.
    ///
    /// ```text
    /// outside[t] = sum_{w not listed at t} softmax(node[t, .])_w
    /// ```
    pub fn outside(&self) -> &[f64] {
        &self.outside
    }

    /// The labeling that stands for a caption, `[T]`.
    ///
    /// # Errors
    /// [`StructuredError`] when the caption has more than `T` words or one that is not listed.
    pub fn labels(&self, caption: &[u32]) -> Result<Vec<usize>, StructuredError> {
        check_caption(caption, self.positions(), self.vocab)?;
        let lists = self.words.chunks_exact(self.size).enumerate();
        lists
            .map(|(position, list)| {
                let word = *caption.get(position).unwrap_or(&END);
                list.binary_search(&word)
                    .map_err(|_| StructuredError::WordNotListed { position, word })
            })
            .collect()
    }

    /// The caption that an allowed labeling stands for, up to and including the end token.
    ///
    /// # Errors
    /// [`StructuredError`] when `labels` do not fit the chain.
    pub fn caption(&self, labels: &[usize]) -> Result<Vec<u32>, StructuredError> {
        check_labels(labels, self.positions(), self.size)?;
        let lists = self.words.chunks_exact(self.size).zip(labels);
        let words: Vec<u32> = lists.map(|(list, &label)| list[label]).collect();
        let end = words.iter().position(|&word| word == END);
        Ok(words[..end.map_or(words.len(), |end| end + 1)].to_vec())
    }

    /// A gradient at the chain's node scores, carried back to those of all words: `[T, vocab]`.
    ///
    /// Words that are not listed get 0.
    ///
    /// # Errors
    /// [`StructuredError::Length`] when `gradient` is not one of [`model`](Self::model).
    pub fn node_gradient(&self, gradient: &Factors) -> Result<Vec<f64>, StructuredError> {
        check_length("node gradient", gradient.node.len(), self.node.len())?;
        let mut all = vec![0.0; self.positions() * self.vocab];
        for (cell, (&word, g)) in self.words.iter().zip(&gradient.node).enumerate() {
            all[cell / self.size * self.vocab + word as usize] += g;
        }
        Ok(all)
    }

    /// Adds a gradient at the chain's edge scores, carried back to the transitions, to `sum`.
    ///
    /// ```text
    /// dL / d from[w, r] = sum_{t, w'} g[t, w, w'] to[w', r],    w not the end token
    /// dL / d to[w', r]  = sum_{t, w}  g[t, w, w'] from[w, r],   w not the end token
    /// ```
    ///
    /// # Errors
    /// [`StructuredError::Length`] when `gradient` is not one of [`model`](Self::model), or `sum`
    /// not one of `transitions`.
    pub fn add_transition_gradient(
        &self,
        gradient: &Factors,
        transitions: &Transitions<'_>,
        sum: &mut TransitionGradient,
    ) -> Result<(), StructuredError> {
        check_length("words of transitions", transitions.vocab, self.vocab)?;
        check_length("edge gradient", gradient.edge.len(), self.edge.len())?;
        let entries = transitions.from.len();
        check_length(
            "gradient of transitions from words",
            sum.from.len(),
            entries,
        )?;
        check_length("gradient of transitions to words", sum.to.len(), entries)?;
        let rows = gradient.edge.chunks_exact(self.size);
        for (cell, (&word, row)) in self.words.iter().zip(rows).enumerate() {
            if word == END {
                continue;
            }
            let from = transitions.row(word);
            let next = &self.words[(cell / self.size + 1) * self.size..][..self.size];
            for (&next, &g) in next.iter().zip(row) {
                let to = transitions.row(next);
                for (from, to) in from.clone().zip(to) {
                    sum.from[from] += g * transitions.to[to];
                    sum.to[to] += g * transitions.from[from];
                }
            }
        }
        Ok(())
    }

    fn positions(&self) -> usize {
        self.outside.len()
    }

    /// Appends a position: its words, their scores and the share of all others.
    fn push(&mut self, scores: &[f64], mut listed: Vec<u32>) -> Result<(), StructuredError> {
        listed.push(END);
        listed.sort_unstable();
        listed.dedup();
        if self.size < listed.len() {
            return Err(no_room(self.size));
        }
        let is_free = |word: &u32| listed.binary_search(word).is_err();
        let mut others: Vec<u32> = (0..self.vocab as u32).filter(is_free).collect();
        let wanted = self.size - listed.len();
        if wanted < others.len() {
            others.select_nth_unstable_by(wanted, |&a, &b| {
                let (score_a, score_b) = (scores[a as usize], scores[b as usize]);
                score_b.total_cmp(&score_a).then(a.cmp(&b))
            });
        }
        let score = |&word: &u32| scores[word as usize];
        let unlisted: Vec<f64> = others.drain(wanted..).map(|word| score(&word)).collect();
        let log_total = log_sum_exp(scores);
        if log_total == f64::NEG_INFINITY {
            return Err(StructuredError::NothingAllowed);
        }
        self.outside
            .push((log_sum_exp(&unlisted) - log_total).exp());
        listed.append(&mut others);
        listed.sort_unstable();
        self.node.extend(listed.iter().map(score));
        self.words.append(&mut listed);
        Ok(())
    }
}

fn no_room(size: usize) -> StructuredError {
    StructuredError::Range {
        what: "words on a shortlist",
        found: size as f64,
        expected: "room for the end token and the captions, at most the vocabulary",
    }
}

fn check_caption(caption: &[u32], positions: usize, vocab: usize) -> Result<(), StructuredError> {
    if caption.len() > positions {
        return Err(StructuredError::ChainLength {
            length: caption.len(),
            positions,
        });
    }
    match caption.iter().position(|&word| word as usize >= vocab) {
        None => Ok(()),
        Some(node) => Err(StructuredError::LabelOutOfRange {
            node,
            label: caption[node] as usize,
            labels: vocab,
        }),
    }
}

#[cfg(test)]
mod tests;
