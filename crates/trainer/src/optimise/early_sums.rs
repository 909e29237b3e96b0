//! Sums of gradients over ranks that are exchanged while backward passes go on.

use std::{
    panic::resume_unwind,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    thread,
    time::Instant,
};

use burn::tensor::Device;
use scst_group::Meanwhile;
use scst_model::{Captioner, Gradients};

use super::{
    division::Division,
    part_sums::PartSums,
    rank_sums::{self, Lengths},
};
use crate::{TrainError, ranks::gather_while};

/// Captioners with fewer numbers than this are exchanged in one go: theirs are on their way no longer than any message is.
const FEWEST: usize = 1 << 20;

/// How many groups of gradients ranks exchange early.
pub(crate) fn groups(captioner: &Captioner) -> usize {
    let parameters = captioner.parameters();
    let numbers: usize = parameters.iter().map(|one| one.values.dims()[0]).sum();
    if numbers < FEWEST {
        0
    } else {
        captioner.early_groups()
    }
}

/// What a rank's nodes have of a group of gradients.
type OfNodes = Vec<Option<Gradients>>;

/// The groups of gradients that this rank's parts hand out early. A group that all of them have handed out goes to the thread
/// that exchanges it.
pub(super) struct EarlySums {
    groups: Mutex<Vec<PartSums<Gradients>>>,
    complete: mpsc::Sender<OfNodes>,
}

impl EarlySums {
    /// Adds what a part has handed out.
    pub(super) fn add(&self, part: usize, group: usize, own: Gradients) {
        if let Some(sums) = self.groups().get_mut(group) {
            self.add_to(sums, part, Some(own));
        }
    }

    /// Of the groups from `first` on a part has handed out nothing.
    pub(super) fn end_part(&self, part: usize, first: usize) {
        for sums in self.groups().iter_mut().skip(first) {
            self.add_to(sums, part, None);
        }
    }

    /// Parts that have not come hand out nothing.
    fn end(&self) {
        for sums in self.groups().iter_mut() {
            if !sums.is_complete() {
                self.send(sums);
            }
        }
    }

    /// The lock is held until a group is on its way: ranks exchange groups in the order of their numbers.
    fn groups(&self) -> MutexGuard<'_, Vec<PartSums<Gradients>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_to(&self, sums: &mut PartSums<Gradients>, part: usize, own: Option<Gradients>) {
        sums.add(part, own);
        if sums.is_complete() {
            self.send(sums);
        }
    }

    fn send(&self, sums: &mut PartSums<Gradients>) {
        // The other thread has ended only if it has failed, which is told when it is waited for.
        let _ = self.complete.send(sums.take());
    }
}

/// Computes this rank's parts, whose backward passes hand out `groups` of gradients early. Returns these, summed over all
/// ranks, beside what was computed.
///
/// # Errors
/// Those of `compute`; [`TrainError::Group`] when another rank cannot be reached.
pub(super) fn exchanged<R>(
    division: Division<'_>,
    groups: usize,
    device: &Device,
    compute: impl FnOnce(&EarlySums) -> Result<R, TrainError>,
) -> Result<(R, Gradients), TrainError> {
    let of_group = |_| PartSums::over(division, merged);
    let (complete, completed) = mpsc::channel();
    let early = EarlySums {
        groups: Mutex::new((0..groups).map(of_group).collect()),
        complete,
    };
    let computed_until = OnceLock::new();
    let meanwhile = Meanwhile::ComputesUntil(&computed_until);
    thread::scope(|scope| {
        let exchange = scope.spawn(move || {
            let mut all = Gradients::default();
            for own in completed {
                all.merge(sum(division, own, device, meanwhile)?);
            }
            Ok(all)
        });
        let computed = compute(&early);
        computed_until.get_or_init(Instant::now);
        if computed.is_ok() {
            early.end();
        }
        // Nothing comes any more.
        drop(early);
        let exchanged: Result<_, TrainError> =
            exchange.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((computed?, exchanged?))
    })
}

fn merged(mut left: Gradients, right: Gradients) -> Gradients {
    left.merge(right);
    left
}

/// The sums of a group over all ranks.
fn sum(
    division: Division<'_>,
    own: OfNodes,
    device: &Device,
    meanwhile: Meanwhile<'_>,
) -> Result<Gradients, TrainError> {
    let lengths = own.iter().map(|own| own.as_ref().map(rank_sums::lengths));
    let told = gather_while(division.group, lengths.collect(), "gradients", meanwhile)?;
    let told: Vec<Option<&Lengths>> = told.iter().map(Option::as_ref).collect();
    let own = own.into_iter().map(Option::unwrap_or_default).collect();
    rank_sums::sum(division, own, &told, device, meanwhile)
}
