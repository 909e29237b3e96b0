//! Seeded resamples: a stream a purpose and block, so that results do not depend on the number of threads.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples of one stream.
pub(crate) const BLOCK: usize = 100;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Sources and runs of a bootstrap.
    Bootstrap = 1,
    /// Sources that change sides.
    Swaps = 2,
    /// Runs that change sides.
    Groups = 3,
}

/// The generator of one block of resamples.
pub(crate) fn generator(seed: u64, purpose: Purpose, block: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((block as u64) << 8 | purpose as u64);
    rng
}

/// One resample of a bootstrap: how many times each source, and each run of either side, was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// Of every source; the same for all runs, which makes the bootstrap a paired one.
    pub sources: Vec<u32>,
    /// Of every run of A.
    pub a: Vec<u32>,
    /// Of every run of B.
    pub b: Vec<u32>,
}

impl Draw {
    /// As many sources and runs as there are, with replacement.
    pub(crate) fn random(rng: &mut ChaCha8Rng, [sources, a, b]: [usize; 3]) -> Self {
        Self {
            sources: multiplicities(rng, sources),
            a: multiplicities(rng, a),
            b: multiplicities(rng, b),
        }
    }
}

fn multiplicities(rng: &mut ChaCha8Rng, n: usize) -> Vec<u32> {
    let mut times = vec![0; n];
    for _ in 0..n {
        times[rng.random_range(0..n)] += 1;
    }
    times
}

/// A fair coin for each of `n`.
pub(crate) fn coins(rng: &mut ChaCha8Rng, n: usize) -> Vec<bool> {
    let mut coins = Vec::with_capacity(n);
    while coins.len() < n {
        let bits = rng.next_u64();
        let more = (n - coins.len()).min(64);
        coins.extend((0..more).map(|k| bits >> k & 1 == 1));
    }
    coins
}

/// `chosen` of `n`, each choice as likely as any other.
pub(crate) fn choice(rng: &mut ChaCha8Rng, n: usize, chosen: usize) -> Vec<bool> {
    let mut open = chosen;
    let mut choice = Vec::with_capacity(n);
    for k in 0..n {
        let is_chosen = rng.random_range(0..n - k) < open;
        open -= usize::from(is_chosen);
        choice.push(is_chosen);
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_have_their_size_and_blocks_differ() {
        let mut rng = generator(1, Purpose::Groups, 0);
        for chosen in 0..=7 {
            let found = choice(&mut rng, 7, chosen).into_iter().filter(|&c| c);
            assert_eq!(found.count(), chosen);
        }
        let draw = |block| Draw::random(&mut generator(1, Purpose::Bootstrap, block), [50, 3, 1]);
        let first = draw(0);
        assert_eq!(first, draw(0));
        assert_ne!(first, draw(1));
        let total = |times: &[u32]| times.iter().sum::<u32>();
        let totals = [&first.sources, &first.a, &first.b].map(|times| total(times));
        assert_eq!(totals, [50, 3, 1]);
        assert_eq!(coins(&mut rng, 130).len(), 130);
    }
}
