//! Credit of single words against enumeration; values of all words and unlikelihood against their losses.

use scst_group::Group;
use scst_loss::Entropy;

use super::{
    updates::{captions, context, judged, judged_of, log_p, tape, vocabulary},
    *,
};
use crate::{
    config::{Credit, UnlikelihoodConfig},
    optimise::reduce::Tally,
    warning::Warning,
};

/// All captions of both sources as one rollout, and its critic.
fn all(captioner: &Captioner, credit: Credit, baseline: Baseline) -> (SelfCritic, Rollout) {
    let captions = vec![all_captions(); SOURCES].concat();
    let mut critic = critic(baseline);
    critic.actor.config.samples_per_source = captions.len() / SOURCES;
    critic.actor.config.credit = credit;
    let source_of_sequence = repeat(SOURCES, captions.len() / SOURCES);
    let noise = Noise::default();
    let tape = teacher_forced(
        captioner,
        features().into(),
        &source_of_sequence,
        &captions,
        noise,
    );
    let mut rollout = rollout(tape.ok(), captions, Vec::new());
    rollout.source_of_sequence = source_of_sequence;
    (critic, rollout)
}

/// The expected gradient when every word has the reward less its own baseline, all captions by their probabilities.
fn expected(captioner: &Captioner, rollout: &Rollout, baselines: &[Option<f64>]) -> Vec<f64> {
    let (_, log_p) = weighted(captioner, |_, _| 0.0);
    let captions = all_captions();
    let places = pack(&rollout.captions, |n, t| (n, t));
    let row_of = |n: usize, t: usize| places.iter().position(|&place| place == (n, t)).unwrap();
    let of_word = |source: usize, n: usize, t: usize| {
        let row = row_of(source * captions.len() + n, t);
        let baseline = baselines[row].unwrap_or(0.0);
        log_p[source][n].exp() * (reward_of(source, &captions[n]) - baseline)
    };
    weighted_words(captioner, of_word).0
}

#[test]
fn rewards_of_beginnings_leave_the_exact_gradient() {
    let captioner = captioner();
    let exact = exact(&captioner);
    let (mut critic, rollout) = all(&captioner, Credit::Prefix, Baseline::None);
    let rewards: Vec<f64> = rollout
        .example_of_sample()
        .zip(&rollout.captions)
        .map(|(source, words)| reward_of(source, words))
        .collect();
    let words = vocabulary();
    let reads = (&captioner, &words, MAX_LENGTH);
    let found = critic.word_baselines(reads, &rollout, &rewards, context());
    let found = found.unwrap();
    let places = pack(&rollout.captions, |n, t| (n, t));
    for (&(n, t), baseline) in places.iter().zip(&found) {
        let source = n / all_captions().len();
        let before = reward_of(source, &rollout.captions[n][..t]);
        assert_eq!(*baseline, Some(before));
    }
    let error = difference(&expected(&captioner, &rollout, &found), &exact) / norm(&exact);
    assert!(error < 1e-4, "{error}");
    // With the word that is credited among them, the gradient is another.
    let wrong: Vec<Option<f64>> = places
        .iter()
        .map(|&(n, t)| {
            let source = n / all_captions().len();
            Some(reward_of(source, &rollout.captions[n][..=t]))
        })
        .collect();
    let error = difference(&expected(&captioner, &rollout, &wrong), &exact) / norm(&exact);
    assert!(error > 0.1, "{error}");
}

#[test]
fn mean_of_sampled_gradients_is_the_exact_gradient_for_every_credit() {
    let captioner = captioner();
    let exact = exact(&captioner);
    let rollouts = |every, samples| Credit::Rollouts { every, samples };
    for (credit, baseline) in [
        (Credit::Prefix, Baseline::LeaveOneOut),
        (Credit::Prefix, Baseline::None),
        (rollouts(1, 2), Baseline::LeaveOneOut),
        (rollouts(2, 3), Baseline::LeaveOneOut),
    ] {
        let mut critic = critic(baseline);
        critic.actor.config.credit = credit;
        let (mean, standard_error) = sampled(&captioner, critic);
        let error = difference(&mean, &exact);
        assert!(
            error < 2.0 * standard_error,
            "{credit:?}: off by {error:.4}, standard error {standard_error:.4}"
        );
        let biased: Vec<f64> = mean.iter().map(|g| 0.75 * g).collect();
        assert!(
            difference(&biased, &exact) > 2.0 * standard_error,
            "{credit:?}: no power"
        );
    }
}

#[test]
fn many_rollouts_from_every_word_leave_less_variance_than_other_samples() {
    let captioner = captioner();
    let standard_error = |credit| {
        let mut critic = critic(Baseline::LeaveOneOut);
        critic.actor.config.credit = credit;
        sampled(&captioner, critic).1
    };
    let rollouts = Credit::Rollouts {
        every: 1,
        samples: 8,
    };
    let (of_captions, of_words) = (standard_error(Credit::Caption), standard_error(rollouts));
    assert!(of_words < 0.95 * of_captions, "{of_words} {of_captions}");
}

#[test]
fn words_before_the_first_place_keep_the_baseline_of_their_caption() {
    let captioner = captioner();
    let credit = Credit::Rollouts {
        every: 2,
        samples: 3,
    };
    let (mut critic, rollout) = all(&captioner, credit, Baseline::LeaveOneOut);
    let rewards = vec![0.0; rollout.captions.len()];
    let words = vocabulary();
    let reads = (&captioner, &words, MAX_LENGTH);
    let found = critic.word_baselines(reads, &rollout, &rewards, context());
    let has = pack(&rollout.captions, |_, t| t >= 2);
    let found: Vec<bool> = found.unwrap().iter().map(Option::is_some).collect();
    assert_eq!(found, has);
}

/// `sum_k p_k Q_k` of all rows of the captions.
fn expected_values(captioner: &Captioner, values: &[f64]) -> f64 {
    let hidden = tape(captioner, &captions()).hidden().unwrap();
    let p = burn::tensor::activation::softmax(captioner.logits(hidden), 1);
    let p: Vec<f64> = p.try_into_vec_as().unwrap();
    assert_eq!(p.len(), values.len());
    p.iter().zip(values).map(|(p, q)| p * q).sum()
}

#[test]
fn values_of_all_words_have_the_gradient_of_their_expectation() {
    let captioner = captioner();
    let mut critic = critic(Baseline::None);
    critic.actor.config.objective = SequenceObjective::AllAction;
    critic.actor.config.rewards[0].weight = 1.5;
    let mut judged = judged(&captioner, Vec::new(), Vec::new());
    judged.word_values = critic.word_values(&judged.rollout);
    // The reference is `x y`: after a wrong word, `x` and `y` cost nothing.
    let places = pack(&captions(), |n, t| (n, t));
    let is_after_wrong = |&(n, t): &(usize, usize)| captions()[n][..t] == [1];
    let after_wrong = places.iter().position(is_after_wrong).unwrap();
    let table = word_values::table(&judged.word_values, VOCAB as usize, &Device::flex());
    let table: Vec<f64> = table.try_into_vec_as().unwrap();
    let row = &table[after_wrong * VOCAB as usize..][..VOCAB as usize];
    assert_eq!(row, [-1.0, -1.0, -0.5, -0.5]);
    let part = critic
        .actor
        .update(&captioner, &mut judged, context())
        .unwrap();
    let gradient = flatten(&captioner, &part.gradients);
    let loss = |captioner: &Captioner| -1.5 * expected_values(captioner, &table);
    let error = |loss: &dyn Fn(&Captioner) -> f64| {
        let slope = slope_of_length(&captioner, &gradient, 2e-3, loss);
        (slope - norm(&gradient)).abs() / norm(&gradient)
    };
    assert!(error(&loss) < 6e-3, "{}", error(&loss));
    let means = part.tally.means();
    let reported = means.iter().find(|(name, _)| name == "loss").unwrap().1;
    let words = captions().iter().map(Vec::len).sum::<usize>() as f64;
    assert!((reported - loss(&captioner) / words).abs() < 1e-5);
    // As if ending were like any other word.
    let mut wrong = table.clone();
    for row in wrong.chunks_mut(VOCAB as usize) {
        row[END as usize] = row[1];
    }
    let wrong = |captioner: &Captioner| -1.5 * expected_values(captioner, &wrong);
    assert!(error(&wrong) > 2e-2, "{}", error(&wrong));
}

#[test]
fn unwanted_words_have_the_gradient_of_their_unlikelihood() {
    let captioner = captioner();
    let captions = captions();
    let config = UnlikelihoodConfig {
        weight: 0.7,
        repeated_ngram: Some(1),
        words: vec!["y".to_owned()],
    };
    let of_captions: Vec<Vec<bool>> = captions
        .iter()
        .map(|words| config.unwanted(words, &vocabulary()))
        .collect();
    let unwanted = pack(&captions, |n, t| of_captions[n][t]);
    let count = unwanted.iter().filter(|is| **is).count();
    assert!(count > 0 && count < unwanted.len());
    let mut critic = critic(Baseline::None);
    critic.actor.config.unlikelihood = Some(config);
    let mut judged = judged(&captioner, vec![0.0; unwanted.len()], Vec::new());
    judged.unwanted = unwanted.clone();
    let part = critic
        .actor
        .update(&captioner, &mut judged, context())
        .unwrap();
    let gradient = flatten(&captioner, &part.gradients);
    let loss = |captioner: &Captioner, of_all: bool| -> f64 {
        let rows = log_p(captioner, &captions).into_iter().zip(&unwanted);
        let rows = rows.filter(|(_, is)| of_all || **is);
        rows.map(|(log_p, _)| -0.7 * (1.0 - log_p.exp()).ln()).sum()
    };
    let error = |of_all| {
        let slope = slope_of_length(&captioner, &gradient, 2e-3, |at| loss(at, of_all));
        (slope - norm(&gradient)).abs() / norm(&gradient)
    };
    assert!(error(false) < 6e-3, "{}", error(false));
    assert!(error(true) > 2e-2, "{}", error(true));
}

#[test]
fn bonus_is_that_of_the_entropy_that_is_chosen() {
    let captioner = captioner();
    let gradient = |entropy, weight| {
        let mut critic = critic(Baseline::None);
        critic.actor.config.entropy = entropy;
        critic.actor.config.entropy_bonus = weight;
        let rows = log_p(&captioner, &captions()).len();
        let mut judged = judged(&captioner, vec![0.0; rows], Vec::new());
        let part = critic
            .actor
            .update(&captioner, &mut judged, context())
            .unwrap();
        flatten(&captioner, &part.gradients)
    };
    let found = gradient(Entropy::Tsallis, 0.4);
    let loss = |captioner: &Captioner| -> f64 {
        let hidden = tape(captioner, &captions()).hidden().unwrap();
        let p = burn::tensor::activation::softmax(captioner.logits(hidden), 1);
        let p: Vec<f64> = p.try_into_vec_as().unwrap();
        0.4 * p.iter().map(|p| p * p).sum::<f64>()
    };
    let slope = slope_of_length(&captioner, &found, 2e-3, loss);
    assert!((slope - norm(&found)).abs() < 6e-3 * norm(&found));
    let other = gradient(Entropy::Shannon, 0.4);
    assert!(difference(&found, &other) > 0.1 * norm(&found));
}

/// A reward that gives this to captions that have not ended.
struct Before(f64);

impl Reward for Before {
    fn name(&self) -> &'static str {
        "before"
    }

    fn signature(&self) -> String {
        "before".to_owned()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let is_whole = |tokens: &[u32]| tokens.ends_with(&[END]) || tokens.len() == MAX_LENGTH;
        let score = |tokens: &[u32]| if is_whole(tokens) { 0.5 } else { self.0 };
        Ok(batch.candidates().iter().map(|c| score(c.tokens)).collect())
    }
}

#[test]
fn reward_of_a_beginning_is_blamed_when_it_is_too_large() {
    let captioner = captioner();
    let largest = |credit| {
        let mut critic = critic(Baseline::None);
        critic.actor.config.credit = credit;
        critic.rewards.add(1.0, Box::new(Before(1e300))).unwrap();
        judged_of(&mut critic, &captioner, context());
        critic.large.largest.map(|large| large.value)
    };
    assert_eq!(largest(Credit::Caption), None);
    assert_eq!(largest(Credit::Prefix), Some(1e300));
}

#[test]
fn first_rank_warns_of_what_another_has_seen() {
    let warnings = scst_group::Threads::run(2, |group| {
        let captioner = captioner();
        let mut critic = critic(Baseline::None);
        critic.actor.config.credit = Credit::Prefix;
        // Beginnings of what the second rank alone has drawn.
        let before = if group.rank() == 1 { 1e300 } else { 0.0 };
        critic.rewards.add(1.0, Box::new(Before(before))).unwrap();
        let division = Division::of(group, 2);
        let batch = SourceBatch {
            source: Source::from(features()).select(&[group.rank()]),
            examples: vec![group.rank()],
            prefixes: Vec::new(),
        };
        let (vocabulary, mut tally) = (vocabulary(), Tally::default());
        let reads = (&captioner, &vocabulary, MAX_LENGTH);
        let judged = critic.judged_rollout(reads, vec![batch], division, context(), &mut tally);
        judged.unwrap();
        (critic.take_warnings(), critic.take_warnings().len())
    });
    for (first, again) in &warnings {
        assert!(
            matches!(first[..], [Warning::LargeReward { value: 1e300, .. }]),
            "{first:?}"
        );
        assert_eq!(*again, 0);
    }
}
