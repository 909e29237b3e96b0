//! The best samples so far.

use super::{updates::captions, *};

#[test]
fn the_best_sample_that_trains_is_kept_and_of_equals_the_first() {
    let captions = captions();
    let sampled = |rewards: &[f64]| {
        let mut rollout = rollout(None, captions.clone(), Vec::new());
        let mut sampled = rollout.told(Vec::new(), Vec::new());
        sampled.rewards = rewards.to_vec();
        sampled.trains = vec![true; captions.len()];
        sampled
    };
    let mut replay = Replay::default();
    assert_eq!(replay.captions(&[0]), (vec![], vec![], 0.0));
    let mut first = sampled(&[0.1, 0.5, 0.5, 0.2, 0.9, 0.3, 0.8, 0.1]);
    first.trains[4] = false;
    replay.keep(&first);
    let (places, best, reward) = replay.captions(&[1, 2, 0]);
    assert_eq!(places, [0, 2]);
    assert_eq!(best, [captions[6].clone(), captions[1].clone()]);
    assert!((reward - 0.65).abs() < 1e-12);
    // A later sample takes the place of one that was worth less, and of no other.
    replay.keep(&sampled(&[0.0, 0.1, 0.2, 0.6, 0.8, 0.8, 0.7, 0.0]));
    let (_, best, reward) = replay.captions(&[0, 1]);
    assert_eq!(best, [captions[3].clone(), captions[6].clone()]);
    assert!((reward - 0.7).abs() < 1e-12);
    let stored = serde_json::to_string(&replay).unwrap();
    assert_eq!(serde_json::from_str::<Replay>(&stored).unwrap(), replay);
}
