//! Ranges and contradictions of what single words are credited with.

use scst_loss::{AdvantageScale, Baseline};
use scst_reward::RewardEntry;

use super::{
    Credit, DivergenceConfig, ScstConfig, SequenceObjective, UnlikelihoodConfig, limits,
    problem::Checker,
};

/// With the rest of the table.
pub(super) fn check_credit(scst: &ScstConfig, check: &mut Checker<'_>) {
    let key = match scst.credit {
        Credit::Caption => return,
        Credit::Prefix => "prefix",
        Credit::Rollouts { every, samples } => {
            let mut check = check.below("credit.rollouts");
            check.count("every", every as u64);
            check.within("samples", samples as u64, limits::CAPTIONS);
            "rollouts"
        }
    };
    let found = format!("`{key}`");
    let is_of_words = matches!(
        scst.objective,
        SequenceObjective::PolicyGradient
            | SequenceObjective::TokenClip(_)
            | SequenceObjective::Cispo(_)
            | SequenceObjective::Sapo(_)
            | SequenceObjective::Custom(_)
    );
    check.require(
        is_of_words,
        "credit",
        &found,
        &format!(
            "`caption` with the objective `{}`, which weighs whole captions",
            scst.objective.name()
        ),
    );
    check.require(
        matches!(scst.baseline, Baseline::LeaveOneOut | Baseline::None),
        "credit",
        &found,
        "`caption` with a `baseline` other than `leave_one_out` and `none`",
    );
    check.require(
        scst.advantage_scale == AdvantageScale::None,
        "credit",
        &found,
        "`caption` with an `advantage_scale`, which is that of whole captions",
    );
    check.require(
        scst.mixer.is_none(),
        "credit",
        &found,
        "`caption` with `mixer`, whose samples begin with words that were given",
    );
    check.require(
        !scst.rewards.iter().any(|entry| entry.standardise),
        "credit",
        &found,
        "`caption` with rewards of `standardise = true`, which depend on the captions that are scored together",
    );
}

/// With the rest of the table: values of words are known of error rates alone.
pub(super) fn check_all_action(scst: &ScstConfig, check: &mut Checker<'_>) {
    const EXPECTED: &str = "with the objective `all_action`, which weighs all words";
    if scst.objective != SequenceObjective::AllAction {
        return;
    }
    let has_values = |entry: &RewardEntry| {
        let options = [
            entry.word_error_rate,
            entry.phoneme_error_rate,
            entry.character_error_rate,
        ];
        let mut options = options.into_iter().flatten();
        let as_written = options.next().is_some_and(|options| !options.lowercase);
        as_written && !entry.standardise && entry.transform.is_none()
    };
    let is_known = matches!(scst.rewards.as_slice(), [entry] if has_values(entry));
    check.require(
        is_known,
        "objective",
        "`all_action`",
        "another one, or one reward alone of the keys `word_error_rate`, `phoneme_error_rate` and `character_error_rate`, in \
         letters as written, without `standardise` and `transform`: values of single words are known of these",
    );
    check.require(
        scst.unlikelihood.is_none(),
        "unlikelihood",
        "a table",
        &format!("none {EXPECTED}"),
    );
    let estimates = matches!(scst.divergence, DivergenceConfig::K2 | DivergenceConfig::K3);
    check.require(
        !estimates,
        "divergence",
        "`k2` or `k3`",
        &format!("one over all words, such as `reverse`, {EXPECTED}"),
    );
    check.require(
        !scst.leave_out_equal_rewards,
        "leave_out_equal_rewards",
        true,
        "false with the objective `all_action`, which does not compare samples",
    );
}

/// With the rest of the table: what is kept is the model's own, and compared over steps.
pub(super) fn check_replay(scst: &ScstConfig, check: &mut Checker<'_>) {
    check.at_least_zero("replay_weight", scst.replay_weight);
    let replays = scst.replay_weight > 0.0;
    check.require(
        !(replays && scst.mixer.is_some()),
        "replay_weight",
        scst.replay_weight,
        "0 with `mixer`, whose samples begin with gold words",
    );
    check.require(
        !(replays && scst.rewards.iter().any(|entry| entry.standardise)),
        "replay_weight",
        scst.replay_weight,
        "0 with rewards of `standardise = true`, which cannot be compared between steps",
    );
}

pub(super) fn check_unlikelihood(config: Option<&UnlikelihoodConfig>, check: &mut Checker<'_>) {
    let Some(config) = config else {
        return;
    };
    let mut check = check.below("unlikelihood");
    check.positive("weight", config.weight);
    let order = config.repeated_ngram.unwrap_or(1) as u64;
    check.within("repeated_ngram", order, limits::WORDS);
    check.require(
        config.repeated_ngram.is_some() || !config.words.is_empty(),
        "words",
        "none",
        "1 or more, or a `repeated_ngram`",
    );
}
