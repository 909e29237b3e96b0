//! Sums over the parts of a batch that are one rank's.

use std::{collections::BTreeMap, ops::Range};

use scst_group::tree;

use super::division::Division;

/// What the parts of a rank have, added in the one [tree] of the parts as soon as it comes.
#[derive(Debug)]
pub(super) struct PartSums<T> {
    add: fn(T, T) -> T,
    /// The nodes of the tree that are this rank's alone.
    nodes: Vec<Range<usize>>,
    /// The sums of the first of them; none where no part has anything.
    sums: Vec<Option<T>>,
    /// Sums of 2^k parts each of the next node, `k` falling.
    open: Vec<(u32, Option<T>)>,
    /// Parts that have come before their turn.
    early: BTreeMap<usize, Option<T>>,
    /// The part whose turn it is.
    next: usize,
    end: usize,
}

impl<T> PartSums<T> {
    pub(super) fn over(division: Division<'_>, add: fn(T, T) -> T) -> Self {
        let own = division.own();
        Self {
            add,
            nodes: tree::nodes(division.parts, &own),
            sums: Vec::new(),
            open: Vec::new(),
            early: BTreeMap::new(),
            next: own.start,
            end: own.end,
        }
    }

    /// Adds what one of the parts has, or that it has nothing. Parts may come in any order, each once.
    pub(super) fn add(&mut self, part: usize, own: Option<T>) {
        self.early.insert(part, own);
        while let Some(own) = self.early.remove(&self.next) {
            self.push(own);
        }
    }

    fn push(&mut self, part: Option<T>) {
        let mut own = (0, part);
        while let Some((_, left)) = self.open.pop_if(|(size, _)| *size == own.0) {
            own = (own.0 + 1, tree::joined(left, own.1, self.add));
        }
        self.open.push(own);
        self.next += 1;
        if self
            .nodes
            .get(self.sums.len())
            .is_some_and(|node| node.end == self.next)
        {
            let right_first = self.open.drain(..).rev().map(|(_, sum)| sum);
            let sum = right_first.reduce(|right, left| tree::joined(left, right, self.add));
            self.sums.push(sum.flatten());
        }
    }

    /// Whether all parts have come.
    pub(super) fn is_complete(&self) -> bool {
        self.next == self.end
    }

    /// Takes the sums of all nodes; parts that have not come have nothing.
    pub(super) fn take(&mut self) -> Vec<Option<T>> {
        for part in self.next..self.end {
            if !self.early.contains_key(&part) {
                self.add(part, None);
            }
        }
        std::mem::take(&mut self.sums)
    }
}
