use proptest::prelude::*;

use super::*;
use crate::{leave_one_out, mean_of_image, toy};

const BOTH: [OwnSample; 2] = [OwnSample::Included, OwnSample::LeftOut];

#[test]
fn rewards_are_weighted_by_lengths_with_and_without_the_own_one() {
    let (rewards, lengths) = ([1.0, 2.0, 6.0, 0.0, 4.0, 0.0], [1, 2, 3, 1, 1, 2]);
    let mean = |own| length_weighted_mean(&rewards, &lengths, 3, own).unwrap();
    let close = |found: Vec<f64>, expected: [f64; 6]| {
        let differences = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
        assert!(differences.fold(0.0, f64::max) < 1e-12, "{found:?}");
    };
    let (first, second) = (23.0 / 6.0, 1.0);
    close(
        mean(OwnSample::Included),
        [first, first, first, second, second, second],
    );
    close(
        mean(OwnSample::LeftOut),
        [4.4, 19.0 / 4.0, 5.0 / 3.0, 4.0 / 3.0, 0.0, 2.0],
    );
}

#[test]
fn equal_weights_give_the_plain_means() {
    let rewards = [1.0, 2.0, 6.0, 0.3, -4.0, 0.0];
    let close = |found: Vec<f64>, expected: Vec<f64>| {
        let differences = found.iter().zip(&expected).map(|(f, e)| (f - e).abs());
        assert!(
            differences.fold(0.0, f64::max) < 1e-12,
            "{found:?} {expected:?}"
        );
    };
    // Weights of 0 say nothing, and make no difference between samples either.
    for energy in [0.0, 0.7] {
        let mean = |own| energy_weighted_mean(&rewards, &[energy; 6], 3, own).unwrap();
        close(
            mean(OwnSample::Included),
            mean_of_image(&rewards, 3).unwrap(),
        );
        close(
            mean(OwnSample::LeftOut),
            leave_one_out(&rewards, 3).unwrap(),
        );
    }
}

#[test]
fn own_sample_scales_the_advantage_over_the_others() {
    let (rewards, energies) = ([1.0, 2.0, 6.0], [0.2, 1.5, 0.3]);
    let [with, without] =
        BOTH.map(|own| energy_weighted_mean(&rewards, &energies, 3, own).unwrap());
    for i in 0..3 {
        let expected = (rewards[i] - without[i]) * (1.0 - energies[i] / 2.0);
        assert!((rewards[i] - with[i] - expected).abs() < 1e-12);
    }
}

#[test]
fn advantages_are_exactly_zero_when_rewards_tie() {
    let rewards = [0.1, 0.1, 0.1, 0.7, 0.7, 0.7];
    for own in BOTH {
        let lengths = [3, 9, 1, 2, 2, 7];
        assert_eq!(
            length_weighted_mean(&rewards, &lengths, 3, own).unwrap(),
            rewards
        );
        let energies = [0.3, 1.9, 0.01, 1e-300, 5e-324, 0.0];
        assert_eq!(
            energy_weighted_mean(&rewards, &energies, 3, own).unwrap(),
            rewards
        );
    }
}

#[test]
fn energy_is_the_squared_size_of_the_gradient() {
    let p = [0.5, 0.2, 0.3];
    for (word, p_w) in p.iter().enumerate() {
        let expected = 1.0 - 2.0 * p_w + p.iter().map(|p| p * p).sum::<f64>();
        assert!((row_energy(&p, word as u32).unwrap() - expected).abs() < 1e-12);
    }
    // A certain word has none; an impossible one has most.
    assert_eq!(row_energy(&[0.0, 1.0], 1).unwrap(), 0.0);
    assert_eq!(row_energy(&[0.0, 1.0], 0).unwrap(), 2.0);
    assert!(matches!(
        row_energy(&p, 3),
        Err(LossError::WordOutOfRange { word: 3, .. })
    ));
}

/// `E |(r - b) dlog p|^2` of one sample of every image of the toy, with the mean of rewards by some weights as `b`.
fn second_moment(weight: impl Fn(&toy::Image, usize) -> f64) -> f64 {
    let of_image = |image: toy::Image| {
        let all = || 0..image.rewards.len();
        let weight = |y: usize| image.probabilities[y] * weight(&image, y);
        let baseline = all().map(|y| weight(y) * image.rewards[y]).sum::<f64>()
            / all().map(weight).sum::<f64>();
        let square = |y: usize| image.gradients[y].iter().map(|g| g * g).sum::<f64>();
        all()
            .map(|y| image.probabilities[y] * (image.rewards[y] - baseline).powi(2) * square(y))
            .sum::<f64>()
    };
    toy::images().unwrap().into_iter().map(of_image).sum()
}

#[test]
fn energies_leave_least_variance_and_other_weights_fail() {
    let least = second_moment(|image, y| image.energies[y]);
    for (name, other) in [
        ("plain", second_moment(|_, _| 1.0)),
        ("lengths", second_moment(|image, y| image.lengths[y] as f64)),
        // The slip of a size that is not squared.
        ("sizes", second_moment(|image, y| image.energies[y].sqrt())),
        (
            "squares",
            second_moment(|image, y| image.energies[y].powi(2)),
        ),
    ] {
        assert!(other > least * (1.0 + 1e-4), "{name}: {other} {least}");
    }
}

#[test]
fn what_is_no_group_or_no_energy_is_refused() {
    for own in BOTH {
        assert!(length_weighted_mean(&[0.0; 4], &[1; 3], 2, own).is_err());
        assert!(length_weighted_mean(&[0.0; 3], &[1; 3], 2, own).is_err());
        assert!(length_weighted_mean(&[0.0; 3], &[1; 3], 0, own).is_err());
        for wrong in [f64::NAN, f64::INFINITY, -0.1] {
            let error = energy_weighted_mean(&[0.0; 2], &[0.3, wrong], 2, own).unwrap_err();
            let message = error.to_string();
            assert!(
                message.ends_with("expected a finite number of 0 or more"),
                "{message}"
            );
        }
    }
    assert!(length_weighted_mean(&[0.4], &[1], 1, OwnSample::LeftOut).is_err());
    let own = length_weighted_mean(&[0.4], &[1], 1, OwnSample::Included);
    assert_eq!(own.unwrap(), [0.4]);
}

/// From certain words to the largest numbers.
fn energy() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..40.0f64,
        Just(0.0),
        Just(5e-324),
        1e-320..1e-300f64,
        Just(f64::MAX)
    ]
}

proptest! {
    #[test]
    fn means_are_finite_and_between_the_rewards(
        rewards in prop::collection::vec(-10.0..10.0f64, 12),
        energies in prop::collection::vec(energy(), 12),
        lengths in prop::collection::vec(prop_oneof![0..30usize, Just(usize::MAX)], 12),
        samples in prop_oneof![Just(2usize), Just(3), Just(4), Just(12)],
    ) {
        for own in BOTH {
            for baselines in [
                energy_weighted_mean(&rewards, &energies, samples, own).unwrap(),
                length_weighted_mean(&rewards, &lengths, samples, own).unwrap(),
            ] {
                for (rewards, baselines) in rewards.chunks(samples).zip(baselines.chunks(samples)) {
                    let least = rewards.iter().copied().fold(f64::INFINITY, f64::min);
                    let most = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    for b in baselines {
                        prop_assert!((least - 1e-9..=most + 1e-9).contains(b), "{b} {rewards:?}");
                    }
                }
            }
        }
    }
}
