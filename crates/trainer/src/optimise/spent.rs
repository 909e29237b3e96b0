//! What the parts of a step take: time, and work for the device.

use std::{ops::AddAssign, time::Instant};

use scst_kernels::traffic::Traffic;

use super::reduce::Tally;

/// What a part took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Seconds.
    pub(crate) secs: f64,
    /// What it cost the device: launches, waits and bytes are none on the CPU.
    pub(crate) traffic: Traffic,
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.secs += other.secs;
        self.traffic += other.traffic;
    }
}

/// Looks at a part from its beginning on.
#[derive(Debug)]
pub(crate) struct Meter {
    start: Instant,
    before: Traffic,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            before: Traffic::so_far(),
        }
    }

    /// What was spent so far. A part that ends in values which the host has read has issued all its launches.
    pub(crate) fn spent(&self) -> Spent {
        Spent {
            secs: self.start.elapsed().as_secs_f64(),
            traffic: Traffic::so_far() - self.before,
        }
    }
}

impl Tally {
    /// Adds what a part took, counted `count` times; what it cost the device stands beside the means.
    pub(crate) fn spend(&mut self, part: &str, spent: Spent, count: f64) {
        self.add(&format!("{part}_secs"), spent.secs, count);
        for (what, of_part) in counts(spent.traffic) {
            if of_part > 0 {
                self.add(&format!("{part}_{what}"), of_part as f64, 0.0);
            }
        }
    }

    /// What a part cost the device.
    pub(crate) fn traffic(&self, part: &str) -> Traffic {
        let of = |what: &str| self.total(&format!("{part}_{what}")) as u64;
        Traffic {
            launches: of("launches"),
            synchronisations: of("synchronisations"),
            bytes_moved: of("bytes_moved"),
            multiply_adds: of("multiply_adds"),
        }
    }
}

fn counts(traffic: Traffic) -> [(&'static str, u64); 4] {
    [
        ("launches", traffic.launches),
        ("synchronisations", traffic.synchronisations),
        ("bytes_moved", traffic.bytes_moved),
        ("multiply_adds", traffic.multiply_adds),
    ]
}
