//! The Markov captioner against enumeration of all captions and finite differences through the whole network.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{Captioner, CaptionerConfig, Noise, Signal, Tape};

const DIMENSIONS: Dimensions = Dimensions {
    feature: 4,
    vocab: 5,
};
const POSITIONS: usize = 3;
const IMAGES: usize = 2;
const SOURCE_OF_SEQUENCE: [usize; 3] = [0, 1, 1];

fn captioner(shortlist: usize, dtype: DType) -> Captioner {
    let config = CaptionerConfig::Markov(MarkovConfig {
        hidden: 6,
        positions: POSITIONS,
        shortlist,
        rank: 2,
        dropout: 0.0,
    });
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let captioner =
        Captioner::init_as(&config, DIMENSIONS, (&Device::flex(), dtype), &mut rng).unwrap();
    // Scores far apart, so that lists and best captions do not hang on rounding.
    captioner.update(|_, values| values.mul_scalar(2.5))
}

fn features(dtype: DType) -> SourceVectors {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let values: Vec<f64> = (0..IMAGES * DIMENSIONS.feature)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    let data = TensorData::new(values, [IMAGES, DIMENSIONS.feature]);
    SourceVectors::pooled(Tensor::from_data(data, (&Device::flex(), dtype)))
}

fn gold() -> Vec<Vec<u32>> {
    vec![vec![3, 2, 0], vec![4, 4, 2], vec![0]]
}

fn tape(captioner: &Captioner, dropout: Option<Dropout>) -> Tape {
    let (_, dtype) = captioner.place();
    let noise = Noise {
        dropout,
        locations: None,
    };
    let inputs: Vec<&[u32]> = vec![&[]; SOURCE_OF_SEQUENCE.len()];
    captioner
        .teacher_forced(features(dtype), &SOURCE_OF_SEQUENCE, &inputs, noise)
        .unwrap()
}

fn dropout() -> Dropout {
    Dropout::new(0.4, ChaCha8Rng::seed_from_u64(5))
}

/// All captions of at most `POSITIONS` words.
fn all_captions() -> Vec<Vec<u32>> {
    let mut done = Vec::new();
    let mut open: Vec<Vec<u32>> = vec![Vec::new()];
    for position in 1..=POSITIONS {
        let words = |caption: Vec<u32>| {
            (0..DIMENSIONS.vocab as u32).map(move |word| [caption.as_slice(), &[word]].concat())
        };
        let longer: Vec<Vec<u32>> = open.into_iter().flat_map(words).collect();
        let ends = |caption: &Vec<u32>| caption.ends_with(&[0]) || position == POSITIONS;
        let (ended, going_on) = longer.into_iter().partition(ends);
        done.extend::<Vec<Vec<u32>>>(ended);
        open = going_on;
    }
    done
}

fn backward(
    captioner: &Captioner,
    tape: Tape,
    captions: &[Vec<u32>],
    (weights, position_weight): (&[f64], f64),
) -> Result<Backward, ModelError> {
    let signal = Signal::Captions {
        captions,
        weights,
        position_weight,
    };
    captioner.backward(tape, signal)
}

/// `log P` of every caption for the image `image`.
fn log_probabilities(captioner: &Captioner, source: usize, captions: &[Vec<u32>]) -> Vec<f64> {
    let (_, dtype) = captioner.place();
    let inputs: Vec<&[u32]> = vec![&[]; captions.len()];
    let sources = vec![source; captions.len()];
    let noise = Noise::default();
    let tape = captioner.teacher_forced(features(dtype), &sources, &inputs, noise);
    let weights = vec![1.0; captions.len()];
    let losses = backward(captioner, tape.unwrap(), captions, (&weights, 0.0));
    let losses = losses.unwrap().captions;
    losses.iter().map(|loss| loss.log_probability).collect()
}

#[test]
fn probabilities_of_all_captions_sum_to_one_and_are_those_of_the_definition() {
    let captioner = captioner(DIMENSIONS.vocab, DType::F64);
    let captions = all_captions();
    let ByHand { node, from, to } = ByHand::of(&captioner);
    for source in 0..IMAGES {
        let found = log_probabilities(&captioner, source, &captions);
        let total: f64 = found.iter().map(|log_p| log_p.exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        let score = |caption: &Vec<u32>| {
            let word = |t: usize| *caption.get(t).unwrap_or(&0) as usize;
            let nodes =
                (0..POSITIONS).map(|t| node[(source * POSITIONS + t) * DIMENSIONS.vocab + word(t)]);
            let edges = (1..POSITIONS).filter(|&t| word(t - 1) != 0);
            let dot = |t: usize| -> f64 {
                (0..2)
                    .map(|r| from[2 * word(t - 1) + r] * to[2 * word(t) + r])
                    .sum()
            };
            nodes.sum::<f64>() + edges.map(dot).sum::<f64>()
        };
        let scores: Vec<f64> = captions.iter().map(score).collect();
        let log_z = scores.iter().map(|s| s.exp()).sum::<f64>().ln();
        for (found, score) in found.iter().zip(scores) {
            assert!((found - (score - log_z)).abs() < 1e-12);
        }
    }
}

/// Scores by plain loops over the parameters.
struct ByHand {
    node: Vec<f64>,
    from: Vec<f64>,
    to: Vec<f64>,
}

impl ByHand {
    fn of(captioner: &Captioner) -> Self {
        let value = |name: &str| -> Vec<f64> {
            let all = captioner.parameters();
            let parameter = all.into_iter().find(|p| p.name == name).unwrap();
            parameter.values.try_into_vec_as().unwrap()
        };
        let linear = |x: &[f64], name: &str, relu: bool| -> Vec<f64> {
            let (weight, bias) = (
                value(&format!("{name}_weight")),
                value(&format!("{name}_bias")),
            );
            let columns = bias.len();
            (0..columns)
                .map(|c| {
                    let dot: f64 = (0..x.len()).map(|r| x[r] * weight[r * columns + c]).sum();
                    let y = dot + bias[c];
                    if relu { y.max(0.0) } else { y }
                })
                .collect()
        };
        let vectors: Vec<f64> = features(DType::F64).vectors().try_into_vec_as().unwrap();
        let mut node = Vec::new();
        for vector in vectors.chunks(DIMENSIONS.feature) {
            let hidden = linear(&linear(vector, "image", true), "position", true);
            for hidden in hidden.chunks(6) {
                node.extend(linear(hidden, "output", false));
            }
        }
        Self {
            node,
            from: value("transition_from"),
            to: value("transition_to"),
        }
    }
}

#[test]
fn gradients_equal_finite_differences_through_the_network() {
    for (shortlist, with_dropout, position_weight) in [
        (DIMENSIONS.vocab, false, 0.0),
        (4, true, 0.0),
        (4, false, 0.7),
    ] {
        let weights = [1.0, -0.5, 2.0];
        let dropout = || with_dropout.then(dropout);
        let loss = |captioner: &Captioner| -> f64 {
            let tape = tape(captioner, dropout());
            let losses = backward(captioner, tape, &gold(), (&weights, position_weight));
            let losses = losses.unwrap().captions;
            let terms = losses.iter().zip(weights);
            let whole: f64 = terms.map(|(l, a)| -a * l.log_probability).sum();
            if position_weight == 0.0 {
                return whole;
            }
            // Without dropout.
            let node = ByHand::of(captioner).node;
            let single = gold().into_iter().zip(SOURCE_OF_SEQUENCE).zip(weights);
            let single = single.map(|((words, source), a)| {
                let terms = words.iter().enumerate().map(|(t, &word)| {
                    let first = (source * POSITIONS + t) * DIMENSIONS.vocab;
                    let scores = &node[first..][..DIMENSIONS.vocab];
                    scores.iter().map(|s| s.exp()).sum::<f64>().ln() - scores[word as usize]
                });
                a * terms.sum::<f64>()
            });
            whole + position_weight * single.sum::<f64>()
        };
        let captioner = captioner(shortlist, DType::F64);
        let tape = tape(&captioner, dropout());
        let gradients = backward(&captioner, tape, &gold(), (&weights, position_weight));
        let gradients = gradients.unwrap().gradients;
        let mut scale = 0.0f64;
        let mut worst = 0.0f64;
        for parameter in captioner.parameters() {
            let found: Vec<f64> = gradients
                .get(&parameter.name)
                .unwrap()
                .clone()
                .try_into_vec_as()
                .unwrap();
            for (k, &found) in found.iter().enumerate() {
                let moved = |by: f64| {
                    let changed = captioner.clone().update(|name, values| {
                        if name != parameter.name {
                            return values;
                        }
                        let mut all: Vec<f64> = values.try_into_vec_as().unwrap();
                        all[k] += by;
                        let length = all.len();
                        let data = TensorData::new(all, [length]);
                        Tensor::from_data(data, (&Device::flex(), DType::F64))
                    });
                    loss(&changed)
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                scale = scale.max(expected.abs());
                worst = worst.max((found - expected).abs());
            }
        }
        assert!(scale > 0.1 && worst / scale < 1e-6, "{worst} of {scale}");
    }
}

/// The words that a search picks one after the other, and the log-probability of each.
fn walk(
    captioner: &Captioner,
    mut state: crate::State,
    mut pick: impl FnMut(&[f64]) -> usize,
) -> (Vec<u32>, f64) {
    let (mut words, mut total) = (Vec::new(), 0.0);
    let mut last = 0;
    for _ in 0..POSITIONS {
        let (hidden, next) = captioner.step(&[last], state, None).unwrap();
        let logits: Vec<f64> = captioner.logits(hidden).try_into_vec_as().unwrap();
        let log_z = logits.iter().map(|s| s.exp()).sum::<f64>().ln();
        let word = pick(&logits);
        total += logits[word] - log_z;
        last = word as u32;
        words.push(last);
        if last == 0 {
            break;
        }
        state = next;
    }
    (words, total)
}

#[test]
fn words_one_by_one_have_the_probability_of_the_whole_caption() {
    for shortlist in [3, DIMENSIONS.vocab] {
        let captioner = captioner(shortlist, DType::F32);
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for source in [0, 1] {
            for _ in 0..20 {
                let state = captioner.start(features(DType::F32), &[source]).unwrap();
                let (words, log_p) = walk(&captioner, state, |logits| {
                    let seen: Vec<usize> = (0..logits.len())
                        .filter(|&w| logits[w] > f64::NEG_INFINITY)
                        .collect();
                    seen[rng.random_range(0..seen.len())]
                });
                let expected = log_probabilities(&captioner, source, &[words]);
                assert!((log_p - expected[0]).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn greedy_search_of_a_maximising_state_is_the_most_probable_caption_without_the_unknown_word() {
    let captioner = captioner(DIMENSIONS.vocab, DType::F32);
    let captions: Vec<Vec<u32>> = all_captions()
        .into_iter()
        .filter(|caption| !caption.contains(&1))
        .collect();
    for source in 0..IMAGES {
        let log_p = log_probabilities(&captioner, source, &captions);
        let best = (0..captions.len())
            .max_by(|&a, &b| log_p[a].total_cmp(&log_p[b]))
            .unwrap();
        let state = captioner
            .start(features(DType::F32), &[source])
            .unwrap()
            .maximising();
        let (words, _) = walk(&captioner, state, |logits| {
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            logits.iter().position(|&s| s == top).unwrap()
        });
        assert_eq!(words, captions[best]);
    }
}

#[test]
fn what_belongs_to_single_words_is_refused() {
    let captioner = captioner(4, DType::F32);
    assert_eq!(
        captioner.output_layer().unwrap_err(),
        ModelError::WholeCaptions
    );
    let state = captioner.start(features(DType::F32), &[0, 1]).unwrap();
    assert!(captioner.step(&[0], state.clone(), None).is_err());
    assert!(captioner.step(&[0, 9], state, None).is_err());
    let tape = tape(&captioner, None);
    let too_long = vec![vec![2; POSITIONS + 1]; 3];
    assert!(backward(&captioner, tape.clone(), &too_long, (&[1.0; 3], 0.0)).is_err());
    assert!(backward(&captioner, tape, &gold(), (&[1.0], 0.0)).is_err());
}
