//! The order of examples, and the choice of gold captions: functions of the random numbers that they are given, so that
//! a run resumes where it stopped.

use rand::Rng;
use rand::seq::SliceRandom;

/// A permutation of `0..n`, the same for the same generator on every machine.
pub fn random_order(rng: &mut impl Rng, n: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    order.shuffle(rng);
    order
}

/// Chooses `wanted` of an example's `available` gold captions, as indices.
///
/// All in order if the numbers agree; without replacement if there are more; if there are fewer,
/// all of them as often as they fit and the rest without replacement. Empty if there are none.
pub fn choose_captions(rng: &mut impl Rng, available: usize, wanted: usize) -> Vec<usize> {
    if available == 0 {
        return Vec::new();
    }
    let mut chosen: Vec<usize> = (0..available)
        .cycle()
        .take(wanted - wanted % available)
        .collect();
    let rest = wanted % available;
    if rest > 0 {
        let mut all: Vec<usize> = (0..available).collect();
        let (drawn, _) = all.partial_shuffle(rng, rest);
        chosen.extend_from_slice(drawn);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn order_of(seed: u64, stream: u64, n: u32) -> Vec<u32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        random_order(&mut rng, n)
    }

    #[test]
    fn order_is_a_permutation_and_changes_when_the_generator_does() {
        let order = order_of(1, 0, 100);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_eq!(order, order_of(1, 0, 100));
        assert_ne!(order, order_of(1, 1, 100));
        assert_ne!(order, order_of(2, 0, 100));
    }

    #[test]
    fn order_stays_when_crates_are_updated() {
        // Printed by this function with rand 0.10.3 and rand_chacha 0.10.0.
        assert_eq!(order_of(42, 3, 10), GOLDEN);
    }

    const GOLDEN: [u32; 10] = [8, 3, 7, 5, 0, 4, 9, 2, 1, 6];

    #[test]
    fn order_is_empty_when_there_are_no_examples() {
        assert!(order_of(1, 1, 0).is_empty());
    }

    #[test]
    fn captions_are_all_taken_in_order_when_numbers_agree() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let untouched = rng.clone();
        assert_eq!(choose_captions(&mut rng, 5, 5), [0, 1, 2, 3, 4]);
        assert_eq!(rng, untouched);
    }

    #[test]
    fn captions_differ_when_fewer_are_wanted() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            let chosen = choose_captions(&mut rng, 5, 2);
            assert_eq!(chosen.len(), 2);
            assert_ne!(chosen[0], chosen[1]);
            for index in chosen {
                seen[index] += 1;
            }
        }
        // 400 expected, deviation 15.5.
        assert!(
            seen.iter().all(|count| (330..470).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn captions_are_used_evenly_when_more_are_wanted() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut counts = [0; 3];
        for index in choose_captions(&mut rng, 3, 8) {
            counts[index] += 1;
        }
        counts.sort_unstable();
        assert_eq!(counts, [2, 3, 3]);
    }

    #[test]
    fn no_captions_are_chosen_when_there_are_none() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        assert!(choose_captions(&mut rng, 0, 5).is_empty());
    }
}
