//! What the ranks of a run tell one another.

use std::time::{Duration, Instant};

use scst_group::{Alone, Group, GroupError, Meanwhile};
use serde::{Serialize, de::DeserializeOwned};

use crate::TrainError;

/// So often the first rank tells that it is still at work.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// What all ranks have, in the order of ranks.
///
/// # Errors
/// [`GroupError`] when another rank cannot be reached or understood.
pub(crate) fn gather<T: Serialize + DeserializeOwned>(
    group: &dyn Group,
    own: Vec<T>,
    what: &str,
) -> Result<Vec<T>, GroupError> {
    gather_while(group, own, what, Meanwhile::Idle)
}

/// As [`gather`], while something else is done.
///
/// # Errors
/// Those of [`gather`].
pub(crate) fn gather_while<T: Serialize + DeserializeOwned>(
    group: &dyn Group,
    own: Vec<T>,
    what: &str,
    meanwhile: Meanwhile<'_>,
) -> Result<Vec<T>, GroupError> {
    if group.size() == 1 {
        return Ok(own);
    }
    let bytes =
        rmp_serde::to_vec_named(&own).map_err(|_| GroupError::unreadable(what, group.rank()))?;
    let gathered = group.gather_while(&bytes, what, meanwhile)?;
    let gathered = gathered.into_iter().enumerate();
    let of_ranks = gathered.map(|(rank, bytes)| {
        let of_rank: Result<Vec<T>, _> = rmp_serde::from_slice(&bytes);
        of_rank.map_err(|_| GroupError::unreadable(what, rank))
    });
    let of_ranks: Result<Vec<Vec<T>>, GroupError> = of_ranks.collect();
    Ok(of_ranks?.into_iter().flatten().collect())
}

/// Waits until all ranks are here.
pub(crate) fn meet(group: &dyn Group, what: &str) -> Result<(), TrainError> {
    if group.size() > 1 {
        group.gather(&[], what)?;
    }
    Ok(())
}

/// Whether any rank says so.
pub(crate) fn any(group: &dyn Group, own: bool, what: &str) -> Result<bool, TrainError> {
    let said = gather(group, vec![own], what)?;
    Ok(said.contains(&true))
}

/// Whether the first rank says so: of what depends on the time.
pub(crate) fn first(group: &dyn Group, own: bool, what: &str) -> Result<bool, TrainError> {
    let said = gather(group, vec![own], what)?;
    Ok(said.first().copied().unwrap_or(own))
}

/// The first rank at work that takes long, of which it tells the others.
pub(crate) struct AtWork<'a> {
    group: &'a dyn Group,
    what: &'a str,
    told: Instant,
}

impl AtWork<'static> {
    /// At work for itself: there is nobody to tell.
    pub(crate) fn alone() -> Self {
        Self {
            group: &Alone,
            what: "",
            told: Instant::now(),
        }
    }
}

impl AtWork<'_> {
    /// Tells the others that the work goes on, if it is time.
    ///
    /// # Errors
    /// [`GroupError`] when one cannot be reached.
    pub(crate) fn goes_on(&mut self) -> Result<(), GroupError> {
        if self.group.size() > 1 && self.told.elapsed() >= SIGN_OF_LIFE {
            self.group.gather(&[], self.what)?;
            self.told = Instant::now();
        }
        Ok(())
    }
}

/// What the first rank finds, told to the others, which need not look, however long it takes.
pub(crate) fn told_by_first<T: Serialize + DeserializeOwned + Clone>(
    group: &dyn Group,
    what: &str,
    find: impl FnOnce(&mut AtWork<'_>) -> Result<T, TrainError>,
) -> Result<T, TrainError> {
    if group.rank() == 0 {
        let mut at_work = AtWork {
            group,
            what,
            told: Instant::now(),
        };
        let found = find(&mut at_work)?;
        if group.size() > 1 {
            let bytes =
                rmp_serde::to_vec_named(&found).map_err(|_| GroupError::unreadable(what, 0))?;
            group.gather(&bytes, what)?;
        }
        return Ok(found);
    }
    loop {
        let told = group.gather(&[], what)?.into_iter().next();
        // Nothing is a sign that the first rank is at work.
        if let Some(bytes) = told.filter(|bytes| !bytes.is_empty()) {
            let found =
                rmp_serde::from_slice(&bytes).map_err(|_| GroupError::unreadable(what, 0))?;
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use scst_group::Threads;

    use super::*;

    #[test]
    fn numbers_of_other_ranks_come_as_they_are() {
        let odd = [f64::NAN, f64::INFINITY, -0.0, 0.1 + 0.2];
        let found = Threads::run(3, |group| {
            let own = vec![(group.rank(), odd.to_vec(), Some(f32::MIN_POSITIVE / 2.0))];
            gather(group, own, "numbers").unwrap()
        });
        for all in found {
            for (rank, (of, values, small)) in all.into_iter().enumerate() {
                assert_eq!(of, rank);
                let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&values), bits(&odd));
                assert_eq!(small, Some(f32::MIN_POSITIVE / 2.0));
            }
        }
    }

    #[test]
    fn one_rank_stops_all_and_the_first_has_the_clock() {
        let found = Threads::run(3, |group| {
            let second = group.rank() == 1;
            let told = told_by_first(group, "a number", |at_work| {
                for _ in 0..3 {
                    std::thread::sleep(SIGN_OF_LIFE);
                    at_work.goes_on()?;
                }
                Ok(41 + group.rank())
            });
            (
                any(group, second, "stops").unwrap(),
                any(group, false, "stops").unwrap(),
                first(group, second, "times").unwrap(),
                told.unwrap(),
            )
        });
        assert_eq!(found, [(true, false, false, 41); 3]);
    }
}
