//! Into which parts a batch is divided, and which of them are this process's.

use std::ops::Range;

use scst_group::{Alone, Group, GroupError, share};
use serde::{Serialize, de::DeserializeOwned};

use super::workers::{ONE_AT_A_TIME, Workers};
use crate::{TrainError, ranks::gather};

/// The parts of a batch, and who computes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Division<'a> {
    pub(crate) group: &'a dyn Group,
    /// How many parts there are: at least as many as ranks.
    pub(crate) parts: usize,
    /// Who computes those of a rank.
    pub(crate) workers: &'a Workers,
}

impl Division<'static> {
    /// A batch that is one part, of one process.
    pub(crate) fn whole() -> Self {
        Self::alone(1)
    }

    /// Parts that are all this process's.
    pub(crate) fn alone(parts: usize) -> Self {
        Division::of(&Alone, parts)
    }
}

impl<'a> Division<'a> {
    /// Parts that every rank computes one at a time.
    pub(crate) fn of(group: &'a dyn Group, parts: usize) -> Self {
        Self {
            group,
            parts,
            workers: &ONE_AT_A_TIME,
        }
    }
}

impl Division<'_> {
    /// This process's parts.
    pub(crate) fn own(&self) -> Range<usize> {
        share(self.parts, self.group.size(), self.group.rank())
    }

    /// The items of a batch that are in a part: consecutive, as many in each as can be.
    pub(crate) fn range(&self, batch: usize, part: usize) -> Range<usize> {
        share(batch, self.parts, part)
    }

    /// This process's parts of a batch, with their numbers.
    pub(crate) fn own_of<'b, T>(
        &self,
        batch: &'b [T],
    ) -> impl Iterator<Item = (usize, &'b [T])> + use<'b, T> {
        let (parts, own) = (self.parts, self.own());
        own.map(move |part| (part, &batch[share(batch.len(), parts, part)]))
    }

    /// Computes something of this process's parts, several at a time, and takes the results in the order of parts.
    ///
    /// # Errors
    /// That of the first part that fails.
    pub(crate) fn each<T: Send, R: Send>(
        &self,
        own: impl IntoIterator<Item = T>,
        compute: impl Fn(T) -> Result<R, TrainError> + Sync,
        take: impl FnMut(R),
    ) -> Result<(), TrainError> {
        self.workers.each(own, compute, take)
    }

    /// What all ranks have, in the order of ranks.
    ///
    /// # Errors
    /// [`GroupError`] when another rank cannot be reached or understood.
    pub(crate) fn gather<T: Serialize + DeserializeOwned>(
        &self,
        own: Vec<T>,
        what: &str,
    ) -> Result<Vec<T>, GroupError> {
        gather(self.group, own, what)
    }
}

#[cfg(test)]
mod tests {
    use scst_group::Threads;

    use super::*;

    #[test]
    fn parts_are_all_of_a_batch_in_its_order_on_any_number_of_ranks() {
        let batch: Vec<usize> = (0..10).collect();
        for parts in 1..=10 {
            for size in 1..=parts {
                let found = Threads::run(size, |group| {
                    let division = Division::of(group, parts);
                    let own = division.own_of(&batch);
                    own.map(|(part, own)| (part, own.to_vec()))
                        .collect::<Vec<_>>()
                });
                let found = found.concat();
                let numbers: Vec<usize> = found.iter().map(|(part, _)| *part).collect();
                assert_eq!(numbers, (0..parts).collect::<Vec<_>>());
                let lists: Vec<Vec<usize>> = found.into_iter().map(|(_, own)| own).collect();
                assert_eq!(lists.concat(), batch);
                let lengths = lists.iter().map(Vec::len);
                let (least, most) = (lengths.clone().min(), lengths.max());
                assert!(least >= Some(1) && most <= least.map(|least| least + 1));
            }
        }
    }
}
