//! Objectives at updates: each against its loss by finite differences, and samples that are used more than once.

use scst_loss::{
    AdvantageScale, Rejected, SampledSet, augmented_likelihood, best_of_samples, max_margin,
    minimum_risk, multi_margin, preference, reward_regression, sequence_likelihood,
};

use super::*;
use crate::config::{Candidates, CapConfig, ClipConfig, Credit, GateConfig, SamplingOptions};

const CLIP: ClipConfig = ClipConfig {
    low: 0.02,
    high: 0.03,
    dual: None,
};

/// Every objective that is not the plain policy gradient.
fn all_objectives() -> Vec<SequenceObjective> {
    vec![
        SequenceObjective::TokenClip(CLIP),
        SequenceObjective::Gspo(CLIP),
        SequenceObjective::Gmpo(CLIP),
        SequenceObjective::Cispo(CapConfig { cap: 1.05 }),
        SequenceObjective::Sapo(GateConfig::default()),
        SequenceObjective::MinimumRisk { alpha: 0.7 },
        SequenceObjective::MaxMargin,
        SequenceObjective::MultiMargin,
        SequenceObjective::SequenceNll,
        SequenceObjective::SoftmaxMargin,
        SequenceObjective::BestOfN,
        SequenceObjective::Dpo { beta: 0.8 },
        SequenceObjective::Dico {
            beta: 0.8,
            temperature: 0.5,
        },
        SequenceObjective::Rebel { eta: 0.7 },
        SequenceObjective::Dap { sigma: 3.0 },
    ]
}

pub(super) fn captions() -> Vec<Vec<u32>> {
    all_captions().split_off(8)[..SAMPLES * SOURCES].to_vec()
}

pub(super) fn tape(captioner: &Captioner, captions: &[Vec<u32>]) -> Tape {
    let source_of_sequence = repeat(SOURCES, SAMPLES);
    teacher_forced(
        captioner,
        features().into(),
        &source_of_sequence,
        captions,
        Noise::default(),
    )
    .unwrap()
}

pub(super) fn log_p(captioner: &Captioner, captions: &[Vec<u32>]) -> Vec<f64> {
    let hidden = tape(captioner, captions).hidden();
    row_log_probabilities(captioner, hidden, captions).unwrap()
}

/// A captioner whose every parameter has moved a little, at random.
fn moved(captioner: &Captioner, seed: u64) -> Captioner {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    captioner.clone().update(|_, old| {
        let [length] = old.dims();
        let change: Vec<f32> = (0..length)
            .map(|_| 0.1 * (rng.random::<f32>() - 0.5))
            .collect();
        old + Tensor::from_data(TensorData::new(change, [length]), &Device::flex())
    })
}

pub(super) fn judged(captioner: &Captioner, advantages: Vec<f64>, drawn: Vec<f64>) -> Judged {
    let captions = captions();
    let rewards = (0..captions.len()).map(|n| reward_of(n / SAMPLES, &captions[n]));
    let rewards: Vec<f64> = rewards.collect();
    let tape = Some(tape(captioner, &captions));
    Judged {
        rewards,
        advantages,
        word_values: Vec::new(),
        unwanted: Vec::new(),
        trains: vec![true; captions.len()],
        rollout: Rollout {
            log_q: drawn,
            ..rollout(tape, captions, Vec::new())
        },
    }
}

pub(super) fn context() -> StepContext {
    StepContext {
        seed: 3,
        stage: 0,
        step: 0,
        epoch: 0,
        dropout: 0.0,
        hard_attention: None,
        part: 0,
    }
}

#[test]
fn objectives_are_named_as_configurations_have_them() {
    let others = vec![
        SequenceObjective::PolicyGradient,
        SequenceObjective::AllAction,
    ];
    for objective in [all_objectives(), others].concat() {
        let value = serde_json::to_value(&objective).unwrap();
        let key = value.as_object().and_then(|table| table.keys().next());
        let name = key.map_or_else(|| value.as_str().unwrap(), String::as_str);
        assert_eq!(objective.name(), name);
    }
}

/// The loss that an objective's weights are the slope of, as its source has it.
fn textbook(
    objective: SequenceObjective,
    captions: &[Vec<u32>],
    rewards: &[f64],
    advantages: &[f64],
    [now, drawn, reference]: [&[f64]; 3],
    detached: &[f64],
) -> f64 {
    let owner = pack(captions, |n, _| n);
    let lengths: Vec<f64> = captions.iter().map(|words| words.len() as f64).collect();
    let clip = |ratio: f64, a: f64| {
        let clipped = ratio.clamp(1.0 - CLIP.low, 1.0 + CLIP.high);
        -(ratio * a).min(clipped * a)
    };
    let rows = || now.iter().zip(drawn).zip(advantages);
    let sums = |rows: &[f64]| caption_sums(captions, rows);
    let means = |rows: &[f64]| -> Vec<f64> {
        let sums = sums(rows);
        sums.iter().zip(&lengths).map(|(s, n)| s / n).collect()
    };
    let log_ratios: Vec<f64> = rows().map(|((now, drawn), _)| now - drawn).collect();
    // Of the first word of every caption: all words of one have the same.
    let advantage = |n: usize| advantages[owner.iter().position(|&m| m == n).unwrap()];
    let total = |set: SampledSet| set.loss.iter().sum::<f64>();
    match objective {
        // Not functions of the words' probabilities alone, or not ours: `credit.rs` has the one of all words.
        SequenceObjective::PolicyGradient
        | SequenceObjective::AllAction
        | SequenceObjective::Custom(_) => 0.0,
        SequenceObjective::TokenClip(_) => rows().map(|((l, d), &a)| clip((l - d).exp(), a)).sum(),
        SequenceObjective::Gspo(_) => {
            let ratios = means(&log_ratios).into_iter().map(f64::exp).enumerate();
            ratios.map(|(n, s)| clip(s, advantage(n))).sum()
        }
        SequenceObjective::Gmpo(_) => {
            let rows = log_ratios.iter().zip(advantages);
            let clipped = rows.map(|(k, &a)| {
                if a > 0.0 {
                    k.min((1.0 + CLIP.high).ln())
                } else {
                    k.max((1.0 - CLIP.low).ln())
                }
            });
            let ratios = means(&clipped.collect::<Vec<_>>())
                .into_iter()
                .map(f64::exp);
            ratios.enumerate().map(|(n, s)| -s * advantage(n)).sum()
        }
        SequenceObjective::Cispo(cap) => {
            let factors = detached.iter().zip(drawn);
            let factors = factors.map(|(l, d)| (l - d).exp().min(cap.cap));
            let rows = rows().zip(factors);
            rows.map(|(((l, _), a), factor)| -a * factor * l).sum()
        }
        SequenceObjective::Sapo(gate) => rows()
            .map(|((l, d), &a)| {
                let tau = if a > 0.0 {
                    gate.positive
                } else {
                    gate.negative
                };
                let sigma = 1.0 / (1.0 + (-tau * ((l - d).exp() - 1.0)).exp());
                -a * 4.0 / tau * sigma
            })
            .sum(),
        SequenceObjective::MinimumRisk { alpha } => {
            total(minimum_risk(captions, &sums(now), rewards, SAMPLES, alpha).unwrap())
        }
        SequenceObjective::MaxMargin => total(max_margin(&means(now), rewards, SAMPLES).unwrap()),
        SequenceObjective::MultiMargin => {
            total(multi_margin(&means(now), rewards, SAMPLES).unwrap())
        }
        SequenceObjective::SequenceNll => {
            total(sequence_likelihood(&means(now), rewards, SAMPLES, 0.0).unwrap())
        }
        SequenceObjective::SoftmaxMargin => {
            total(sequence_likelihood(&means(now), rewards, SAMPLES, 1.0).unwrap())
        }
        SequenceObjective::BestOfN => total(best_of_samples(&sums(now), rewards, SAMPLES).unwrap()),
        SequenceObjective::Dpo { beta } => {
            let (now, reference) = (sums(now), sums(reference));
            let set = preference(&now, &reference, rewards, SAMPLES, beta, Rejected::Worst);
            total(set.unwrap())
        }
        SequenceObjective::Dico { beta, temperature } => {
            let (now, reference) = (sums(now), sums(reference));
            let gap = Rejected::ByGap { temperature };
            total(preference(&now, &reference, rewards, SAMPLES, beta, gap).unwrap())
        }
        SequenceObjective::Rebel { eta } => {
            total(reward_regression(&sums(now), &sums(drawn), rewards, SAMPLES, eta).unwrap())
        }
        SequenceObjective::Dap { sigma } => {
            let (now, reference) = (sums(now), sums(reference));
            let weights = augmented_likelihood(&now, &reference, rewards, sigma).unwrap();
            weights.iter().map(|w| (w / 2.0).powi(2)).sum()
        }
    }
}

/// The relative difference between the slope of the textbook loss along the gradient of an update, and the norm of this.
fn error_of(objective: &SequenceObjective, forget_drawing: bool) -> f64 {
    let (captioner, captions) = (captioner(), captions());
    let (old, start) = (moved(&captioner, 5), moved(&captioner, 6));
    let advantages: Vec<f64> = pack(&captions, |n, _| [0.4, -0.3, 0.2, -0.5][n % 4]);
    let drawn = log_p(&old, &captions);
    let reference = log_p(&start, &captions);
    let mut critic = critic(Baseline::None);
    critic.actor.config.objective = objective.clone();
    critic.actor.config.updates_per_rollout = 2;
    critic.compare_with(objective.has_reference().then_some(start));
    let given = if objective.is_policy_gradient() {
        advantages.clone()
    } else {
        Vec::new()
    };
    let kept = if forget_drawing {
        Vec::new()
    } else {
        drawn.clone()
    };
    let mut judged = judged(&captioner, given, kept);
    // As at a second update: the samples are another model's.
    judged.rollout.drawing = Drawing::Gone;
    let part = critic
        .actor
        .update(&captioner, &mut judged, context())
        .unwrap();
    let gradient = flatten(&captioner, &part.gradients);
    let detached = log_p(&captioner, &captions);
    let loss = |captioner: &Captioner| {
        let now = log_p(captioner, &captions);
        let rewards = judged.rewards.as_slice();
        textbook(
            objective.clone(),
            &captions,
            rewards,
            &advantages,
            [&now, &drawn, &reference],
            &detached,
        )
    };
    // Short enough that no word crosses its clip.
    let slope = slope_of_length(&captioner, &gradient, 2e-3, loss);
    (slope - norm(&gradient)).abs() / norm(&gradient)
}

#[test]
fn every_objective_has_the_gradient_of_its_loss_at_samples_of_another_model() {
    for objective in all_objectives() {
        let error = error_of(&objective, false);
        assert!(error < 6e-3, "{objective:?}: off by {error}");
    }
    // The check has power: ratios that are forgotten fail it.
    for objective in &all_objectives()[..3] {
        let error = error_of(objective, true);
        assert!(error > 2e-2, "{objective:?} without ratios: {error}");
    }
}

pub(super) fn vocabulary() -> Vocabulary {
    let words: Vec<String> = ["x", "y"].map(str::to_owned).into();
    Vocabulary::build([words.as_slice()].into_iter(), 1)
}

pub(super) fn judged_of(
    critic: &mut SelfCritic,
    captioner: &Captioner,
    context: StepContext,
) -> Judged {
    let batch = SourceBatch {
        source: features().into(),
        examples: (0..SOURCES).collect(),
        prefixes: Vec::new(),
    };
    let mut tally = Tally::default();
    let reads = (captioner, &vocabulary(), MAX_LENGTH);
    let whole = Division::whole();
    let judged = critic.judged_rollout(reads, vec![batch], whole, context, &mut tally);
    judged.unwrap().own.remove(0)
}

pub(super) fn update(critic: &SelfCritic, captioner: &Captioner, judged: &mut Judged) -> Vec<f64> {
    let part = critic.actor.update(captioner, judged, context()).unwrap();
    flatten(captioner, &part.gradients)
}

#[test]
fn first_update_has_the_bits_of_the_policy_gradient() {
    let captioner = captioner();
    let gradient = |objective: &SequenceObjective, updates| {
        let mut critic = critic(Baseline::LeaveOneOut);
        critic.actor.config.objective = objective.clone();
        critic.actor.config.updates_per_rollout = updates;
        let mut judged = judged_of(&mut critic, &captioner, context());
        update(&critic, &captioner, &mut judged)
    };
    let plain = gradient(&SequenceObjective::PolicyGradient, 1);
    for objective in [
        SequenceObjective::TokenClip(CLIP),
        SequenceObjective::Cispo(CapConfig::default()),
        SequenceObjective::Sapo(GateConfig::default()),
    ] {
        for updates in [1, 4] {
            assert_eq!(gradient(&objective, updates), plain, "{objective:?}");
        }
    }
}

#[test]
fn samples_that_are_read_have_the_masks_and_bits_of_their_drawing() {
    let captioner = captioner();
    let mut critic = critic(Baseline::LeaveOneOut);
    critic.actor.config.objective = SequenceObjective::TokenClip(CLIP);
    critic.actor.config.updates_per_rollout = 2;
    let noisy = StepContext {
        dropout: 0.4,
        ..context()
    };
    let mut judged = judged_of(&mut critic, &captioner, noisy);
    let gradient = |judged: &mut Judged, context| {
        let part = critic.actor.update(&captioner, judged, context).unwrap();
        let means = part.tally.means();
        let share = means.iter().find(|(name, _)| name == "clipped_share");
        (
            flatten(&captioner, &part.gradients),
            share.map(|(_, share)| *share),
        )
    };
    let drawn = gradient(&mut judged, noisy);
    let read = gradient(&mut judged, noisy);
    let error = difference(&drawn.0, &read.0) / norm(&drawn.0);
    assert!(error < 1e-5, "{error}");
    assert_eq!((drawn.1, read.1), (None, Some(0.0)));
    // Without the masks of the drawing, ratios would not be 1.
    let other = gradient(&mut judged, StepContext { seed: 4, ..noisy });
    assert!(difference(&drawn.0, &other.0) > 0.1 * norm(&drawn.0));
}

#[test]
fn a_run_that_was_set_aside_is_made_again_with_the_same_bits() {
    let captioner = captioner();
    for dropout in [0.0, 0.4] {
        let noisy = StepContext {
            dropout,
            part: 1,
            ..context()
        };
        let gradient = |is_set_aside: bool| {
            let mut critic = critic(Baseline::LeaveOneOut);
            let mut judged = judged_of(&mut critic, &captioner, noisy);
            if is_set_aside {
                judged.rollout.set_aside();
            }
            let part = critic.actor.update(&captioner, &mut judged, noisy).unwrap();
            flatten(&captioner, &part.gradients)
        };
        assert_eq!(gradient(true), gradient(false), "dropout {dropout}");
    }
}

#[test]
fn parts_have_draws_of_their_own_and_one_baseline() {
    let captioner = captioner();
    let batches = |parts: &[&[usize]]| {
        let batch = |sources: &&[usize]| SourceBatch {
            source: Source::from(features()).select(sources),
            examples: sources.to_vec(),
            prefixes: Vec::new(),
        };
        parts.iter().map(batch).collect::<Vec<_>>()
    };
    let vocabulary = vocabulary();
    let reads = (&captioner, &vocabulary, MAX_LENGTH);
    let judge = |critic: &mut SelfCritic, parts: &[&[usize]]| {
        let mut tally = Tally::default();
        let division = Division::alone(parts.len());
        let judged = critic.judged_rollout(reads, batches(parts), division, context(), &mut tally);
        (judged.unwrap().own, tally)
    };
    for baseline in [Baseline::MovingAverage, Baseline::Learned, Baseline::Greedy] {
        let mut critic = critic(baseline);
        let before = critic.baseline();
        let (parts, tally) = judge(&mut critic, &[&[0], &[1]]);
        let captions = |judged: &[Judged]| -> Vec<Vec<u32>> {
            let parts = judged.iter();
            parts
                .flat_map(|part| part.rollout.captions.clone())
                .collect()
        };
        assert_ne!(parts[0].rollout.captions, parts[1].rollout.captions);
        assert_eq!(tally.means().len(), {
            let (_, whole) = judge(&mut self::critic(baseline), &[&[0, 1]]);
            whole.means().len()
        });
        // What a baseline has learnt is of all samples, once.
        if baseline != Baseline::Greedy {
            assert_ne!(critic.baseline(), before);
        }
        if baseline == Baseline::MovingAverage {
            let rewards: Vec<f64> = parts.iter().flat_map(|part| part.rewards.clone()).collect();
            let mean = rewards.iter().sum::<f64>() / rewards.len() as f64;
            assert!((critic.baseline().moving_average.value() - mean).abs() < 1e-12);
        }
        // The first part draws what a batch of its sources alone would draw.
        let (alone, _) = judge(&mut self::critic(baseline), &[&[0]]);
        assert_eq!(captions(&alone), captions(&parts[..1]));
    }
}

#[test]
fn ranks_judge_and_learn_what_one_process_does() {
    let vocabulary = vocabulary();
    let judge = |division: Division<'_>, baseline: Baseline, credit: Credit| {
        let captioner = captioner();
        let mut critic = critic(baseline);
        critic.actor.config.advantage_scale = AdvantageScale::Batch;
        critic.actor.config.credit = credit;
        let examples: Vec<usize> = (0..SOURCES).collect();
        let batches = division.own_of(&examples).map(|(_, sources)| SourceBatch {
            source: Source::from(features()).select(sources),
            examples: sources.to_vec(),
            prefixes: Vec::new(),
        });
        let mut tally = Tally::default();
        let reads = (&captioner, &vocabulary, MAX_LENGTH);
        let batches = batches.collect();
        let judged = critic.judged_rollout(reads, batches, division, context(), &mut tally);
        let own = judged.unwrap().own.into_iter();
        let advantages: Vec<_> = own.map(|part| (part.part(), part.advantages)).collect();
        let is_time = |name: &str| name.ends_with("_secs");
        let means = tally.means().into_iter().filter(|(name, _)| !is_time(name));
        (advantages, means.collect::<Vec<_>>(), critic.baseline())
    };
    let rollouts = Credit::Rollouts {
        every: 1,
        samples: 2,
    };
    for (baseline, credit) in [
        (Baseline::MovingAverage, Credit::Caption),
        (Baseline::Learned, Credit::Caption),
        (Baseline::Greedy, Credit::Caption),
        (Baseline::EnergyWeighted, Credit::Caption),
        (Baseline::LeaveOneOut, Credit::Prefix),
        (Baseline::LeaveOneOut, rollouts),
    ] {
        let alone = judge(Division::alone(2), baseline, credit);
        let ranks =
            scst_group::Threads::run(2, |group| judge(Division::of(group, 2), baseline, credit));
        let advantages = [ranks[0].0.clone(), ranks[1].0.clone()].concat();
        assert_eq!(advantages, alone.0, "{baseline:?}");
        for (_, means, learned) in &ranks {
            assert_eq!((means, learned), (&alone.1, &alone.2), "{baseline:?}");
        }
    }
}

#[test]
fn samples_of_another_distribution_are_weighted_by_their_ratios() {
    let captioner = captioner();
    let part = |temperature: Option<f64>, objective: &SequenceObjective| {
        let mut critic = critic(Baseline::LeaveOneOut);
        critic.actor.config.objective = objective.clone();
        critic.actor.config.sampling = temperature.map(|temperature| SamplingOptions {
            temperature,
            ..SamplingOptions::default()
        });
        let mut judged = judged_of(&mut critic, &captioner, context());
        let part = critic
            .actor
            .update(&captioner, &mut judged, context())
            .unwrap();
        let means = part.tally.means();
        let share = means
            .iter()
            .find(|(name, _)| name == "effective_sample_share");
        (
            flatten(&captioner, &part.gradients),
            share.map(|(_, share)| *share),
        )
    };
    let cispo = SequenceObjective::Cispo(CapConfig { cap: 1e6 });
    let (plain, none) = part(None, &SequenceObjective::PolicyGradient);
    assert_eq!(none, None);
    // At temperature 1 it is the model's own distribution, and the same numbers draw the same words.
    let (same, share) = part(Some(1.0), &cispo);
    assert!(difference(&plain, &same) < 1e-5 * norm(&plain));
    assert!((share.unwrap() - 1.0).abs() < 1e-5);
    let (_, share) = part(Some(3.0), &cispo);
    assert!(share.unwrap() < 0.9999, "{share:?}");
}

#[test]
fn beam_gives_every_source_as_many_captions_as_it_has_samples() {
    let captioner = captioner();
    let mut critic = critic(Baseline::None);
    critic.actor.config.objective = SequenceObjective::MinimumRisk { alpha: 1.0 };
    critic.actor.config.candidates = Candidates::Beam;
    let mut judged = judged_of(&mut critic, &captioner, context());
    let captions = &judged.rollout.captions;
    assert_eq!(captions.len(), SAMPLES * SOURCES);
    // The most probable come first.
    let sums = caption_sums(captions, &log_p(&captioner, captions));
    for own in sums.chunks(SAMPLES) {
        assert!(own.is_sorted_by(|a, b| a >= b), "{own:?}");
    }
    let gradient = update(&critic, &captioner, &mut judged);
    assert!(norm(&gradient) > 0.0);
}

#[test]
fn parts_of_a_rollout_add_up_to_it() {
    let captioner = captioner();
    let mut critic = critic(Baseline::LeaveOneOut);
    critic.actor.config.objective = SequenceObjective::TokenClip(CLIP);
    critic.actor.config.updates_per_rollout = 2;
    let mut judged = judged_of(&mut critic, &captioner, context());
    let parts: Vec<Vec<f64>> = [[1], [0]]
        .iter()
        .map(|sources| {
            let mut part = judged.of_sources(sources);
            assert_eq!(part.examples(), sources);
            update(&critic, &captioner, &mut part)
        })
        .collect();
    let whole = update(&critic, &captioner, &mut judged);
    let sum: Vec<f64> = parts[0].iter().zip(&parts[1]).map(|(a, b)| a + b).collect();
    let error = difference(&sum, &whole) / norm(&whole);
    assert!(error < 1e-5, "{error}");
    assert!(difference(&parts[0], &whole) > 0.1 * norm(&whole));
}

#[test]
fn updates_go_through_all_sources_before_one_comes_again() {
    let captioner = captioner();
    let mut critic = critic(Baseline::LeaveOneOut);
    critic.actor.config.objective = SequenceObjective::TokenClip(CLIP);
    critic.actor.config.updates_per_rollout = 5;
    critic.actor.config.sources_per_update = Some(1);
    let judged = judged_of(&mut critic, &captioner, context());
    let mut updates = critic.updates(vec![judged], (Division::whole(), SOURCES), context());
    let mut seen = Vec::new();
    while let Some(part) = updates.next_samples() {
        seen.push(part[0].examples().to_vec());
    }
    assert_eq!(seen.len(), 5);
    for pass in seen.chunks_exact(2) {
        assert_ne!(pass[0], pass[1]);
    }
}

#[test]
fn what_is_left_out_trains_nothing_and_divides_nothing() {
    let captioner = captioner();
    let mut critic = critic(Baseline::None);
    critic.actor.config.entropy_bonus = 0.3;
    let captions = captions();
    let advantages: Vec<f64> = pack(&captions, |n, _| 1.0 + n as f64);
    let mut whole = judged(&captioner, advantages.clone(), Vec::new());
    whole.trains = (0..captions.len()).map(|n| n % 3 != 1).collect();
    let counts = whole.counts();
    let left = |n: &usize| n % 3 != 1;
    let words = (0..captions.len()).filter(left);
    assert_eq!(counts.sequences, words.clone().count() as u64);
    let words: usize = words.map(|n| captions[n].len()).sum();
    assert_eq!(counts.tokens, words as u64);
    let found = update(&critic, &captioner, &mut whole);
    let mut all = judged(&captioner, advantages, Vec::new());
    let with_all = update(&critic, &captioner, &mut all);
    // The rest of it is the gradient of those that were left out.
    let mut others = judged(&captioner, all.advantages.clone(), Vec::new());
    others.trains = whole.trains.iter().map(|trains| !trains).collect();
    let of_others = update(&critic, &captioner, &mut others);
    let sum: Vec<f64> = found.iter().zip(&of_others).map(|(a, b)| a + b).collect();
    assert!(difference(&sum, &with_all) < 1e-5 * norm(&with_all));
    assert!(difference(&found, &with_all) > 0.05 * norm(&with_all));
}

#[test]
fn advantages_are_scaled_by_source_or_step() {
    let captioner = captioner();
    let rewards = [0.1, 0.3, 0.2, 0.6, 2.0, 2.0, 2.0, 2.0];
    let scores = Scores {
        rewards: &rewards,
        compared: &rewards,
        greedy: &[],
    };
    let advantages = |scale| {
        let mut critic = critic(Baseline::Mean);
        critic.actor.config.advantage_scale = scale;
        let tape = Some(tape(&captioner, &captions()));
        let mut rollout = rollout(tape, captions(), Vec::new());
        let part = rollout.told(Vec::new(), Vec::new());
        let advantages = critic.advantages(slice::from_ref(&part), &scores, &[Vec::new()]);
        let rows = advantages.unwrap().rows.remove(0);
        // Those of the first words.
        rows[..rewards.len()].to_vec()
    };
    let plain = advantages(AdvantageScale::None);
    let group = advantages(AdvantageScale::Group);
    let deviation = 0.216_024_689_946_928_7; // of the first four rewards, divisor 3
    for k in 0..4 {
        let expected = plain[k] / (deviation + 1e-4);
        assert!((group[k] - expected).abs() < 1e-9, "{k}: {}", group[k]);
    }
    assert_eq!(group[4..], [0.0; 4]);
    let batch = advantages(AdvantageScale::Batch);
    let mean: f64 = batch.iter().sum::<f64>() / 8.0;
    let square: f64 = batch.iter().map(|a| a * a).sum::<f64>() / 7.0;
    assert!(mean.abs() < 1e-9 && (square - 1.0).abs() < 2e-3, "{square}");
}
