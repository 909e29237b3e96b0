//! The best labelings of a tree, in order.

use super::{Labeling, Tree};

/// A labeling of a subtree whose root's label is known.
#[derive(Debug, Clone)]
struct Partial {
    score: f64,
    /// Label and rank of every child, in the order in which children were taken in.
    children: Vec<Choice>,
}

/// The `rank`-th best labeling of a subtree among those that give its root this label.
#[derive(Debug, Clone, Copy)]
struct Choice {
    score: f64,
    label: usize,
    rank: usize,
}

impl Tree<'_> {
    /// The labeling of highest score (Viterbi 1967).
    ///
    /// Ties go to smaller labels at the roots first, then downwards.
    pub fn viterbi(&self) -> Labeling {
        let mut best = self.k_best(1);
        match best.pop() {
            Some(labeling) => labeling,
            None => unreachable!("a tree has an allowed labeling"),
        }
    }

    /// The `k` labelings of highest score, best first; fewer if fewer are allowed.
    ///
    /// Every node keeps, for each of its labels, the `k` best labelings of the subtree below it:
    /// the list Viterbi algorithm (Seshadri and Sundberg 1994) on a tree.
    pub fn k_best(&self, k: usize) -> Vec<Labeling> {
        let labels = self.model.labels();
        let nodes = self.order.len();
        // For every node and label; starts with the node alone, takes in child after child.
        let mut best: Vec<Vec<Partial>> = (0..nodes)
            .flat_map(|node| self.model.node_scores(node))
            .map(|&score| Partial::alone(score))
            .collect();
        // What joins all roots.
        let mut whole = Partial::alone(0.0);
        let mut children = vec![Vec::new(); nodes];
        let mut roots = Vec::new();
        for &(node, parent) in &self.order {
            let own = &best[node * labels..(node + 1) * labels];
            let Some(parent) = parent else {
                whole = join(&whole, &choices(own, &vec![0.0; labels], k), k);
                roots.push(node);
                continue;
            };
            children[parent.node].push(node);
            let choices: Vec<Vec<Choice>> = (0..labels)
                .map(|above| {
                    let mut scores = vec![0.0; labels];
                    self.model.add_edge_scores(parent, above, &mut scores);
                    choices(own, &scores, k)
                })
                .collect();
            for (above, choices) in choices.iter().enumerate() {
                let slot = &mut best[parent.node * labels + above];
                *slot = join(slot, choices, k);
            }
        }
        whole
            .iter()
            .take(k)
            .map(|partial| {
                let mut found = vec![0; nodes];
                let mut open: Vec<(usize, Choice)> = pair(&roots, partial);
                while let Some((node, choice)) = open.pop() {
                    found[node] = choice.label;
                    let below = &best[node * labels + choice.label][choice.rank];
                    open.extend(pair(&children[node], below));
                }
                Labeling {
                    labels: found,
                    score: partial.score,
                }
            })
            .collect()
    }
}

impl Partial {
    fn alone(score: f64) -> Vec<Self> {
        let is_allowed = score > f64::NEG_INFINITY;
        let alone = Self {
            score,
            children: Vec::new(),
        };
        is_allowed.then_some(alone).into_iter().collect()
    }
}

fn pair(nodes: &[usize], partial: &Partial) -> Vec<(usize, Choice)> {
    let choices = partial.children.iter().copied();
    nodes.iter().copied().zip(choices).collect()
}

/// The `k` best labelings of a child's subtree, given scores of its labels with the parent's.
fn choices(subtree: &[Vec<Partial>], scores: &[f64], k: usize) -> Vec<Choice> {
    let labels = subtree.iter().zip(scores).enumerate();
    let allowed = labels.filter(|&(_, (_, &score))| score > f64::NEG_INFINITY);
    let choices = allowed.flat_map(|(label, (partials, score))| {
        let ranks = partials.iter().enumerate();
        ranks.map(move |(rank, partial)| Choice {
            score: partial.score + score,
            label,
            rank,
        })
    });
    keep_best(choices, k, |choice| choice.score)
}

/// The `k` best of all pairs of a partial labeling and a choice for one more child.
fn join(partials: &[Partial], choices: &[Choice], k: usize) -> Vec<Partial> {
    let pairs = partials.iter().flat_map(|partial| {
        let choices = choices.iter();
        choices.map(move |&choice| (partial.score + choice.score, partial, choice))
    });
    keep_best(pairs, k, |&(score, ..)| score)
        .into_iter()
        .map(|(score, partial, choice)| {
            let mut children = partial.children.clone();
            children.push(choice);
            Partial { score, children }
        })
        .collect()
}

/// The `k` items of highest score, best first; the earlier ones among equals.
fn keep_best<T>(items: impl Iterator<Item = T>, k: usize, score: impl Fn(&T) -> f64) -> Vec<T> {
    let mut kept = Vec::new();
    for item in items {
        let rank = kept.partition_point(|other| score(other) >= score(&item));
        if rank < k {
            kept.truncate(k - 1);
            kept.insert(rank, item);
        }
    }
    kept
}
