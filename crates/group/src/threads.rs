//! Ranks that are threads of one process.

use std::{
    panic::resume_unwind,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ScopedJoinHandle},
};

use crate::{Group, GroupError, Meanwhile};

/// One of several ranks within this process, each a thread.
#[derive(Debug, Clone)]
pub struct Threads {
    rank: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    meeting: Mutex<Meeting>,
    changed: Condvar,
}

/// Where all ranks meet, again and again.
#[derive(Debug)]
struct Meeting {
    /// What every rank shows to the others.
    shown: Vec<Vec<u8>>,
    /// How often all have met.
    met: u64,
    /// Ranks that wait for the others.
    waiting: usize,
    /// The rank that was the first to end: nobody meets it again.
    ended: Option<usize>,
}

impl Threads {
    /// Runs `work` on `size` ranks at once, and returns what each of them gives. A rank that ends while others wait for it is
    /// an error for them.
    ///
    /// # Panics
    /// When `work` does, as the first rank did that ended so.
    pub fn run<T: Send>(size: usize, work: impl Fn(&Self) -> T + Sync) -> Vec<T> {
        let shared = Arc::new(Shared {
            meeting: Mutex::new(Meeting {
                shown: vec![Vec::new(); size],
                met: 0,
                waiting: 0,
                ended: None,
            }),
            changed: Condvar::new(),
        });
        let rank = |rank| Self {
            rank,
            shared: Arc::clone(&shared),
        };
        let work = &work;
        let mut results: Vec<_> = thread::scope(|scope| {
            let ranks = (0..size).map(rank);
            let running: Vec<_> = ranks
                .map(|group| {
                    scope.spawn(move || {
                        let _ending = Ending(&group);
                        work(&group)
                    })
                })
                .collect();
            running.into_iter().map(ScopedJoinHandle::join).collect()
        });
        // The others may have failed for want of it.
        let first = shared.meeting().ended.unwrap_or_default();
        if results.get(first).is_some_and(Result::is_err) {
            results.swap(0, first);
        }
        let results = results.into_iter();
        results
            .map(|result| result.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    }

    /// Shows something to the others, and looks at what all show.
    fn show<T>(
        &self,
        own: Vec<u8>,
        what: &str,
        look: impl FnOnce(&[Vec<u8>]) -> T,
    ) -> Result<T, GroupError> {
        self.shared.meeting().shown[self.rank] = own;
        self.shared.meet(what)?;
        let found = look(&self.shared.meeting().shown);
        self.shared.meet(what)?;
        Ok(found)
    }
}

impl Shared {
    fn meeting(&self) -> MutexGuard<'_, Meeting> {
        self.meeting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all ranks are here.
    fn meet(&self, what: &str) -> Result<(), GroupError> {
        let mut meeting = self.meeting();
        let met = meeting.met;
        meeting.waiting += 1;
        if meeting.waiting == meeting.shown.len() {
            meeting.waiting = 0;
            meeting.met += 1;
            self.changed.notify_all();
        }
        while meeting.met == met {
            if let Some(rank) = meeting.ended {
                return Err(GroupError::Engine {
                    what: what.to_owned(),
                    message: format!("rank {rank} has ended"),
                });
            }
            let waited = self.changed.wait(meeting);
            meeting = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

/// Tells the others when a rank has ended, in whatever way.
struct Ending<'a>(&'a Threads);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Threads { rank, shared } = self.0;
        shared.meeting().ended.get_or_insert(*rank);
        shared.changed.notify_all();
    }
}

impl Group for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.meeting().shown.len()
    }

    fn local_rank(&self) -> usize {
        self.rank
    }

    fn gather_while(
        &self,
        own: &[u8],
        what: &str,
        _meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<Vec<u8>>, GroupError> {
        self.show(own.to_vec(), what, <[Vec<u8>]>::to_vec)
    }

    fn exchange(
        &self,
        own: &[f32],
        counts: &[usize],
        expected: &[usize],
        _meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        // Before the numbers of every rank stands how many come before those for each of the others.
        let mut message = Vec::new();
        let mut first = 0u64;
        for &count in counts {
            message.extend(first.to_le_bytes());
            first += count as u64;
        }
        message.extend(own.iter().flat_map(|value| value.to_le_bytes()));
        let (rank, size) = (self.rank, self.size());
        self.show(message, "numbers", |all| {
            let from = all.iter().zip(expected);
            from.flat_map(|(message, &count)| {
                let (table, values) = message.split_at(8 * size);
                let first = table[8 * rank..][..8]
                    .try_into()
                    .map_or(0, u64::from_le_bytes);
                numbers(&values[4 * first as usize..][..4 * count])
            })
            .collect()
        })
    }

    fn collect(
        &self,
        own: &[f32],
        _counts: &[usize],
        _meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        let message = own.iter().flat_map(|value| value.to_le_bytes()).collect();
        let all = |all: &[Vec<u8>]| all.iter().flat_map(|message| numbers(message)).collect();
        self.show(message, "numbers", all)
    }

    fn waited(&self) -> Vec<f64> {
        vec![0.0; self.size()]
    }
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    let chunks = bytes.as_chunks::<4>().0.iter();
    chunks.map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_gets_what_was_meant_for_it() {
        let found = Threads::run(3, |group| {
            let rank = group.rank() as f32;
            // Rank r sends r + s numbers to rank s.
            let counts: Vec<usize> = (0..3).map(|s| group.rank() + s).collect();
            let own: Vec<f32> = (0..3)
                .flat_map(|s| vec![10.0 * rank + s as f32; group.rank() + s])
                .collect();
            let expected: Vec<usize> = (0..3).map(|r| r + group.rank()).collect();
            let exchanged = group
                .exchange(&own, &counts, &expected, Meanwhile::Idle)
                .expect("threads reach one another");
            let gathered = group
                .gather(&[group.rank() as u8], "ranks")
                .expect("threads reach one another");
            let collected = group
                .collect(&vec![rank; group.rank()], &[0, 1, 2], Meanwhile::Idle)
                .expect("threads reach one another");
            (exchanged, gathered, collected)
        });
        assert_eq!(found[0].0, [10.0, 20.0, 20.0]);
        assert_eq!(
            found[2].0,
            [2.0, 2.0, 12.0, 12.0, 12.0, 22.0, 22.0, 22.0, 22.0]
        );
        for (_, gathered, collected) in &found {
            assert_eq!(*gathered, [[0], [1], [2]]);
            assert_eq!(*collected, [1.0, 2.0, 2.0]);
        }
    }

    #[test]
    fn a_rank_that_ends_ends_the_wait_of_the_others() {
        let found = Threads::run(3, |group| match group.rank() {
            1 => None,
            _ => Some(group.gather(&[], "rewards")),
        });
        let error = GroupError::Engine {
            what: "rewards".to_owned(),
            message: "rank 1 has ended".to_owned(),
        };
        assert_eq!(found, [Some(Err(error.clone())), None, Some(Err(error))]);
    }

    #[test]
    #[should_panic(expected = "rank 2 fails")]
    fn the_panic_of_a_rank_is_the_panic_of_all() {
        Threads::run(3, |group| {
            assert!(group.rank() < 2, "rank 2 fails");
            group
                .gather(&[], "rewards")
                .expect("threads reach one another");
        });
    }
}
