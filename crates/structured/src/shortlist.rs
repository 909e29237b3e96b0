//! Chains over large vocabularies: a short list of words a position, and transitions of low rank. The end token absorbs:
//! what follows it is it again.

use scst_tokens::END;

use super::{
    EdgeScores, Factors, Graph, Model, StructuredError,
    log_space::log_sum_exp,
    model::{check_labels, check_length, check_node_scores},
};

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

/// Which of the captions that go on with a word speak for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookahead {
    /// All, each with its probability.
    All,
    /// The best one.
    Best,
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

    /// Appends the scores of `word` before each of `next`, whose factors are the columns of `to`, `[rank, K]`.
    fn push_scores(&self, word: u32, next: &[u32], to: &[f64], scores: &mut Vec<f64>) {
        if word == END {
            let of = |&next: &u32| if next == END { 0.0 } else { f64::NEG_INFINITY };
            scores.extend(next.iter().map(of));
            return;
        }
        let first = scores.len();
        scores.resize(first + next.len(), 0.0);
        let own = &mut scores[first..];
        let rows = to.chunks_exact(next.len());
        for (&from, to) in self.from[self.row(word)].iter().zip(rows) {
            for (score, to) in own.iter_mut().zip(to) {
                *score += from * to;
            }
        }
    }

    /// The factors `to` of words, `[rank, K]`.
    fn columns_of(&self, words: &[u32]) -> Vec<f64> {
        let rank = self.from.len() / self.vocab;
        let of_words = |r| {
            words
                .iter()
                .map(move |&word| self.to[word as usize * rank + r])
        };
        (0..rank).flat_map(of_words).collect()
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
            node: Vec::new(),
            edge: Vec::new(),
        };
        for (position, scores) in node.chunks_exact(vocab).enumerate() {
            let forced = captions.iter().filter_map(|caption| caption.get(position));
            shortlist.push(scores, forced.copied().collect())?;
        }
        let lists: Vec<&[u32]> = shortlist.words.chunks_exact(size).collect();
        for pair in lists.windows(2) {
            let to = transitions.columns_of(pair[1]);
            for &word in pair[0] {
                transitions.push_scores(word, pair[1], &to, &mut shortlist.edge);
            }
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
    ///
    /// # Shapes
    /// `node`: `[T, vocab]`, the scores that the lists were made of.
    ///
    /// # Errors
    /// [`StructuredError::Length`] when they do not fit.
    pub fn outside(&self, node: &[f64]) -> Result<Vec<f64>, StructuredError> {
        check_length("node scores", node.len(), self.positions() * self.vocab)?;
        let positions = node.chunks_exact(self.vocab);
        let lists = self.words.chunks_exact(self.size);
        let share = |(scores, list): (&[f64], &[u32])| {
            let words = scores.iter().enumerate();
            let unlisted = words.filter(|(word, _)| list.binary_search(&(*word as u32)).is_err());
            let unlisted: Vec<f64> = unlisted.map(|(_, &score)| score).collect();
            (log_sum_exp(&unlisted) - log_sum_exp(scores)).exp()
        };
        Ok(positions.zip(lists).map(share).collect())
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
                add_scaled(&mut sum.from[from.clone()], g, &transitions.to[to.clone()]);
                add_scaled(&mut sum.to[to], g, &transitions.from[from.clone()]);
            }
        }
        Ok(())
    }

    /// The words of a position, rising, `[K]`.
    ///
    /// # Errors
    /// [`StructuredError::ChainLength`] beyond the last position.
    pub fn words(&self, position: usize) -> Result<&[u32], StructuredError> {
        self.check_position(position)?;
        Ok(&self.words[position * self.size..][..self.size])
    }

    /// The chain with the same lists, of which no caption holds `word`: its node scores are `-inf`.
    #[must_use]
    pub fn without(&self, word: u32) -> Self {
        let mut chain = self.clone();
        for (listed, score) in self.words.iter().zip(&mut chain.node) {
            if *listed == word {
                *score = f64::NEG_INFINITY;
            }
        }
        chain
    }

    /// What speaks for each word of every position by itself and by what may follow it, nats, `[T, K]`.
    ///
    /// ```text
    /// ahead[t, w] = node[t, w] + add_(w') (edge[t, w, w'] + ahead[t + 1, w'])
    /// add: log sum exp for Lookahead::All, max for Lookahead::Best
    /// ```
    ///
    /// The backward variable of Rabiner 1989. With [`Lookahead::All`], `edge[w_(t-1), w] + ahead[t, w]` are the
    /// log-probabilities of the word at `t` given the words before it, up to a constant; with [`Lookahead::Best`] the
    /// largest of them leads along the caption of the highest score (Viterbi).
    pub fn ahead(&self, lookahead: Lookahead) -> Vec<f64> {
        let size = self.size;
        let mut ahead = self.node.clone();
        for cell in (0..self.edge.len() / size).rev() {
            let edge = &self.edge[cell * size..][..size];
            let later = &ahead[(cell / size + 1) * size..][..size];
            let sums: Vec<f64> = edge.iter().zip(later).map(|(e, a)| e + a).collect();
            ahead[cell] += match lookahead {
                Lookahead::All => log_sum_exp(&sums),
                Lookahead::Best => sums.into_iter().fold(f64::NEG_INFINITY, f64::max),
            };
        }
        ahead
    }

    /// The scores of each word of a position after `word`, `[K]`, nats; `word` need not be listed itself.
    ///
    /// # Errors
    /// [`StructuredError`] beyond the last position or for a word outside of the vocabulary.
    pub fn scores_after(
        &self,
        word: u32,
        position: usize,
        transitions: &Transitions<'_>,
    ) -> Result<Vec<f64>, StructuredError> {
        let next = self.words(position)?;
        check_caption(&[word], 1, self.vocab)?;
        check_length("words of transitions", transitions.vocab, self.vocab)?;
        let mut scores = Vec::with_capacity(next.len());
        let to = transitions.columns_of(next);
        transitions.push_scores(word, next, &to, &mut scores);
        Ok(scores)
    }

    fn check_position(&self, position: usize) -> Result<(), StructuredError> {
        if position >= self.positions() {
            return Err(StructuredError::ChainLength {
                length: position + 1,
                positions: self.positions(),
            });
        }
        Ok(())
    }

    fn positions(&self) -> usize {
        self.words.len() / self.size
    }

    /// Appends a position: its words and their scores.
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
        others.truncate(wanted);
        if scores.iter().all(|&score| score == f64::NEG_INFINITY) {
            return Err(StructuredError::NothingAllowed);
        }
        listed.append(&mut others);
        listed.sort_unstable();
        self.node.extend(listed.iter().map(score));
        self.words.append(&mut listed);
        Ok(())
    }
}

fn add_scaled(sum: &mut [f64], scale: f64, values: &[f64]) {
    for (slot, value) in sum.iter_mut().zip(values) {
        *slot += scale * value;
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
