//! Ranks that MPI has started, on one machine or several.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use ferrompi::{Communicator, Request, ThreadLevel};

use crate::{Group, GroupError, Meanwhile, launch::Launched};

/// Bytes of a message by which a rank announces itself; what is small enough is in it.
const PACKET: usize = 256;
/// Of these, the size of what follows.
const HEADER: usize = 8;
/// How long a rank that waits for others does nothing else: they may be about to come.
const EAGER: Duration = Duration::from_millis(1);
/// How long it does nothing else while numbers are on their way, which move only when they are looked after.
const BUSY: Duration = Duration::from_secs(5);
/// How long it sleeps between two looks after that.
const NAP: Duration = Duration::from_micros(50);
/// The same where its cores compute meanwhile: each look takes one of them away.
const LONG_NAP: Duration = Duration::from_micros(300);

/// An MPI job, of which this process is a rank.
///
/// Whoever has it has to end it by [`abort`](Self::abort) when it fails: the others would wait for it, and when this value is
/// let go of, it waits for them.
pub struct Mpi {
    ranks: Ranks,
    /// Lets go of the job when it is dropped, on the thread that has joined it.
    _job: ferrompi::Mpi,
}

/// The ranks of an MPI job.
///
/// Nothing is waited for without end: after a time that is given, a rank tells which of the others has not come, and ends the job,
/// as MPI offers no way on.
struct Ranks {
    world: Communicator,
    wait: Duration,
    give_up: Box<dyn Fn(&GroupError) + Send + Sync>,
    waited: Mutex<Vec<f64>>,
    /// The place of this process among those of its machine, and how many these are.
    local: (usize, usize),
}

/// The exit code of a job that has ended because a rank was not heard of: `EX_TEMPFAIL`, as it may be tried again.
pub const SILENT: i32 = 75;

impl Mpi {
    /// Joins the job that this process was started in. Nobody waits longer than `wait` for another rank: `give_up` is then told,
    /// and the job ends with exit code 75.
    ///
    /// # Errors
    /// [`GroupError::Engine`] when MPI cannot be initialised, or allows no other thread than one.
    pub fn join(
        wait: Duration,
        give_up: impl Fn(&GroupError) + Send + Sync + 'static,
    ) -> Result<Self, GroupError> {
        // Sums are exchanged by another thread than the one that computes.
        let mpi = ferrompi::Mpi::init_thread(ThreadLevel::Serialized);
        let mpi = mpi.map_err(|error| engine("anything", &error))?;
        if mpi.thread_level() < ThreadLevel::Serialized {
            return Err(GroupError::Engine {
                what: "anything".to_owned(),
                message: format!("{} allows calls of one thread alone", Self::library()),
            });
        }
        let world = mpi.world();
        let size = world.size() as usize;
        let local = world.split_shared();
        let local = local.map_err(|error| engine("which ranks are of one machine", &error))?;
        let ranks = Ranks {
            local: (local.rank() as usize, local.size() as usize),
            world,
            wait,
            give_up: Box::new(give_up),
            waited: Mutex::new(vec![0.0; size]),
        };
        Ok(Self { ranks, _job: mpi })
    }

    /// All ranks, seen from this one.
    pub fn group(&self) -> &dyn Group {
        &self.ranks
    }

    /// The MPI that this program was built with, such as "Open MPI v4.1.4".
    pub fn library() -> String {
        let library = ferrompi::Mpi::library_version().unwrap_or_default();
        let name = library.split([',', '\n']).next().unwrap_or_default();
        let words = name.split_whitespace().filter(|word| *word != "Version:");
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whether MPI would end this process in its own words when it joins: Open MPI does where `srun` has told it nothing, while
    /// others would take it for one process.
    pub fn would_refuse(launched: &Launched) -> bool {
        launched.is_without_mpi() && Self::library().starts_with("Open MPI")
    }

    /// How many ranks there are on this machine.
    pub fn ranks_of_machine(&self) -> usize {
        self.ranks.local.1
    }

    /// Ends all ranks of the job.
    pub fn abort(&self, code: i32) -> ! {
        self.ranks.world.abort(code)
    }
}

impl Ranks {
    /// Waits for all of some requests, and returns which of them was the last; `missing` tells whom those that are left wait
    /// for.
    fn wait(
        &self,
        requests: &mut [Request<'_>],
        (what, eager): (&str, Duration),
        meanwhile: Meanwhile<'_>,
        missing: impl Fn(&[bool]) -> Vec<usize>,
    ) -> ferrompi::Result<usize> {
        let start = Instant::now();
        let mut done = vec![false; requests.len()];
        let mut last = 0;
        loop {
            for (k, (request, done)) in requests.iter_mut().zip(&mut done).enumerate() {
                if !*done && request.test()?.is_some() {
                    *done = true;
                    last = k;
                }
            }
            if done.iter().all(|done| *done) {
                return Ok(last);
            }
            let waited = start.elapsed();
            if waited > self.wait {
                // A request that is given up would be waited for at its end: there is no way back.
                (self.give_up)(&GroupError::Silent {
                    missing: missing(&done),
                    what: what.to_owned(),
                    secs: self.wait.as_secs(),
                });
                self.world.abort(SILENT);
            }
            match meanwhile.idle_since(start) {
                None => thread::sleep(LONG_NAP),
                Some(idle) if idle.elapsed() < eager => thread::yield_now(),
                Some(_) => thread::sleep(NAP),
            }
        }
    }

    /// Waits for a collective operation.
    fn wait_for_all(
        &self,
        request: Request<'_>,
        what: &str,
        meanwhile: Meanwhile<'_>,
    ) -> ferrompi::Result<()> {
        self.wait(&mut [request], (what, BUSY), meanwhile, |_| Vec::new())?;
        Ok(())
    }

    /// Tells all others that this rank is here, with a packet; theirs, in the order of ranks.
    fn meet(
        &self,
        packet: [u8; PACKET],
        what: &str,
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<[u8; PACKET]>, GroupError> {
        let (rank, size) = (self.rank(), self.size());
        let mut packets = vec![[0; PACKET]; size];
        packets[rank] = packet;
        let others: Vec<usize> = (0..size).filter(|other| *other != rank).collect();
        if others.is_empty() {
            return Ok(packets);
        }
        let start = Instant::now();
        let met = {
            let of_others = packets.iter_mut().enumerate();
            let of_others = of_others.filter(|(other, _)| *other != rank);
            ferrompi::scope(|scope| {
                let world = &self.world;
                let mut requests = Vec::with_capacity(2 * others.len());
                for (other, theirs) in of_others {
                    requests.push(world.irecv(scope, theirs.as_mut_slice(), other as i32, 0)?);
                }
                for &other in &others {
                    requests.push(world.isend(scope, packet.as_slice(), other as i32, 0)?);
                }
                self.wait(&mut requests, (what, EAGER), meanwhile, |done| {
                    let open = others.iter().zip(done).filter(|(_, done)| !**done);
                    open.map(|(other, _)| *other).collect()
                })
            })
        };
        let last = others[met.map_err(|error| engine(what, &error))? % others.len()];
        if let Some(idle) = meanwhile.idle_since(start) {
            let mut waited = self.waited.lock().unwrap_or_else(PoisonError::into_inner);
            waited[last] += idle.elapsed().as_secs_f64();
        }
        Ok(packets)
    }
}

impl Group for Ranks {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn size(&self) -> usize {
        self.world.size() as usize
    }

    fn local_rank(&self) -> usize {
        self.local.0
    }

    fn gather_while(
        &self,
        own: &[u8],
        what: &str,
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<Vec<u8>>, GroupError> {
        let mut packet = [0; PACKET];
        packet[..HEADER].copy_from_slice(&(own.len() as u64).to_le_bytes());
        let fits = |length: usize| length <= PACKET - HEADER;
        if fits(own.len()) {
            packet[HEADER..][..own.len()].copy_from_slice(own);
        }
        let packets = self.meet(packet, what, meanwhile)?;
        let length = |packet: &[u8; PACKET]| {
            let header = packet.first_chunk().copied().unwrap_or_default();
            u64::from_le_bytes(header) as usize
        };
        let lengths: Vec<usize> = packets.iter().map(length).collect();
        if lengths.iter().all(|&length| fits(length)) {
            let inside =
                |(packet, &length): (&[u8; PACKET], _)| packet[HEADER..][..length].to_vec();
            return Ok(packets.iter().zip(&lengths).map(inside).collect());
        }
        let mut all = vec![0u8; lengths.iter().sum()];
        let (counts, starts) = (counts(&lengths)?, starts(&lengths)?);
        let gathered = ferrompi::scope(|scope| {
            let request = self
                .world
                .iallgatherv(scope, own, &mut all, &counts, &starts)?;
            self.wait_for_all(request, what, meanwhile)
        });
        gathered.map_err(|error| engine(what, &error))?;
        let mut rest = all.as_slice();
        Ok(lengths
            .into_iter()
            .map(|length| {
                let (own, others) = rest.split_at(length);
                rest = others;
                own.to_vec()
            })
            .collect())
    }

    fn exchange(
        &self,
        own: &[f32],
        lengths: &[usize],
        expected: &[usize],
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        let what = "partial sums";
        let mut all = vec![0f32; expected.iter().sum()];
        let (sent, sent_at) = (counts(lengths)?, starts(lengths)?);
        let (taken, taken_at) = (counts(expected)?, starts(expected)?);
        let exchanged = ferrompi::scope(|scope| {
            let world = &self.world;
            let request =
                world.ialltoallv(scope, own, &sent, &sent_at, &mut all, &taken, &taken_at)?;
            self.wait_for_all(request, what, meanwhile)
        });
        exchanged.map_err(|error| engine(what, &error))?;
        Ok(all)
    }

    fn collect(
        &self,
        own: &[f32],
        lengths: &[usize],
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        let what = "sums";
        let mut all = vec![0f32; lengths.iter().sum()];
        let (counts, starts) = (counts(lengths)?, starts(lengths)?);
        let collected = ferrompi::scope(|scope| {
            let request = self
                .world
                .iallgatherv(scope, own, &mut all, &counts, &starts)?;
            self.wait_for_all(request, what, meanwhile)
        });
        collected.map_err(|error| engine(what, &error))?;
        Ok(all)
    }

    fn waited(&self) -> Vec<f64> {
        let waited = self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        waited.clone()
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ranks.fmt(f)
    }
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank(), self.size())
    }
}

/// Numbers of elements, as MPI counts them.
fn counts(lengths: &[usize]) -> Result<Vec<i32>, GroupError> {
    lengths.iter().map(|&length| count(length)).collect()
}

/// Where each of consecutive lists begins.
fn starts(lengths: &[usize]) -> Result<Vec<i32>, GroupError> {
    let mut first = 0;
    let start = |&length: &usize| {
        let start = count(first);
        first += length;
        start
    };
    lengths.iter().map(start).collect()
}

fn count(length: usize) -> Result<i32, GroupError> {
    i32::try_from(length).map_err(|_| GroupError::TooLarge {
        found: length,
        most: i32::MAX as usize,
    })
}

fn engine(what: &str, error: &ferrompi::Error) -> GroupError {
    GroupError::Engine {
        what: what.to_owned(),
        message: error.to_string(),
    }
}
