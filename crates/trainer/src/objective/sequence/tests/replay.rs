//! The best samples so far.

use super::{
    updates::{captions, judged},
    *,
};

#[test]
fn the_best_sample_that_trains_is_kept_and_of_equals_the_first() {
    let captioner = captioner();
    let captions = captions();
    let mut replay = Replay::default();
    assert_eq!(replay.captions(&[0]), (vec![], vec![], 0.0));
    let mut first = judged(&captioner, Vec::new(), Vec::new());
    first.rewards = vec![0.1, 0.5, 0.5, 0.2, 0.9, 0.3, 0.8, 0.1];
    first.trains[4] = false;
    replay.keep(&first);
    let (places, best, reward) = replay.captions(&[1, 2, 0]);
    assert_eq!(places, [0, 2]);
    assert_eq!(best, [captions[6].clone(), captions[1].clone()]);
    assert!((reward - 0.65).abs() < 1e-12);
    // A later sample takes the place of one that was worth less, and of no other.
    let mut second = judged(&captioner, Vec::new(), Vec::new());
    second.rewards = vec![0.0, 0.1, 0.2, 0.6, 0.8, 0.8, 0.7, 0.0];
    replay.keep(&second);
    let (_, best, reward) = replay.captions(&[0, 1]);
    assert_eq!(best, [captions[3].clone(), captions[6].clone()]);
    assert!((reward - 0.7).abs() < 1e-12);
    let stored = serde_json::to_string(&replay).unwrap();
    assert_eq!(serde_json::from_str::<Replay>(&stored).unwrap(), replay);
}
