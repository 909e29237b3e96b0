//! Weights are finite whatever the probabilities, also in the 32 bits of row weights.

use proptest::prelude::*;

use super::*;

const ROWS: usize = 6;

/// From the most probable to the impossible.
fn log_probability() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e-12..0.0f64,
        -20.0..0.0f64,
        -1e5..0.0f64,
        Just(f64::NEG_INFINITY)
    ]
}

fn assert_finite(name: &str, weights: &[f64]) -> Result<(), TestCaseError> {
    let finite = weights.iter().all(|&c| (c as f32).is_finite());
    prop_assert!(finite, "{}: {:?}", name, weights);
    Ok(())
}

proptest! {
    #[test]
    fn weights_of_words_are_finite(
        now in prop::collection::vec(log_probability(), ROWS),
        drawn in prop::collection::vec(log_probability(), ROWS),
        advantages in prop::collection::vec(-1e3..1e3f64, ROWS),
    ) {
        let sampled = Sampled {
            log_probability: &now,
            drawn: &drawn,
            advantages: &advantages,
        };
        let caption = [0, 1, 2, 0, 1, 0];
        let clip = Clip { low: 0.2, high: 0.28, dual: None };
        let open = Clip { low: 0.0, high: f64::INFINITY, dual: None };
        for clip in [clip, open, Clip { dual: Some(3.0), ..clip }] {
            assert_finite("word", &token_clip(&sampled, clip).unwrap())?;
            assert_finite("caption", &sequence_clip(&sampled, &caption, clip).unwrap())?;
            assert_finite("mean", &geometric_clip(&sampled, &caption, clip).unwrap())?;
        }
        let gate = Gate { positive: 1.0, negative: 1.05 };
        assert_finite("gate", &soft_gate(&sampled, gate).unwrap())?;
        assert_finite("importance", &clipped_importance(&sampled, f64::INFINITY).unwrap())?;
        assert_finite("unlikelihood", &unlikelihood(&now).unwrap())?;
        for estimate in [DivergenceEstimate::K2, DivergenceEstimate::K3] {
            let weights = estimated_divergence(&now, &drawn, estimate).unwrap();
            assert_finite("divergence", &weights)?;
        }
    }

    #[test]
    fn weights_of_captions_are_finite(
        scores in prop::collection::vec(-1e5..0.0f64, ROWS),
        reference in prop::collection::vec(-1e5..0.0f64, ROWS),
        rewards in prop::collection::vec(prop_oneof![-10.0..10.0f64, Just(0.5)], ROWS),
        samples in prop_oneof![Just(1usize), Just(2), Just(3), Just(6)],
    ) {
        let captions: Vec<Vec<u32>> = (0..ROWS as u32).map(|k| vec![k]).collect();
        let risk = minimum_risk(&captions, &scores, &rewards, samples, 1.0);
        let mut sets = vec![
            risk,
            max_margin(&scores, &rewards, samples),
            multi_margin(&scores, &rewards, samples),
            best_of_samples(&scores, &rewards, samples),
            reward_regression(&scores, &reference, &rewards, samples, 0.5),
        ];
        for margin in [0.0, 1.0] {
            sets.push(sequence_likelihood(&scores, &rewards, samples, margin));
        }
        for rejected in [Rejected::Worst, Rejected::ByGap { temperature: 1e-3 }] {
            sets.push(preference(&scores, &reference, &rewards, samples, 0.1, rejected));
        }
        for set in sets {
            let set = set.unwrap();
            assert_finite("weights", &set.weights)?;
            assert_finite("loss", &set.loss)?;
            prop_assert_eq!(set.weights.len(), ROWS);
            prop_assert_eq!(set.loss.len(), ROWS / samples);
        }
        let weights = augmented_likelihood(&scores, &reference, &rewards, 10.0).unwrap();
        assert_finite("augmented", &weights)?;
    }
}
