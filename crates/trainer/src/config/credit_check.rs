//! Ranges and contradictions of what single words are credited with.

use scst_loss::{AdvantageScale, Baseline};
use scst_reward::RewardEntry;

use super::{Credit, ScstConfig, SequenceObjective, UnlikelihoodConfig, limits, problem::Checker};

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
        options.next().is_some_and(|options| !options.lowercase) && !entry.standardise
    };
    let is_known = matches!(scst.rewards.as_slice(), [entry] if has_values(entry));
    check.require(
        is_known,
        "objective",
        "`all_action`",
        "another one, or one reward alone of the keys `word_error_rate`, `phoneme_error_rate` and `character_error_rate`, as \
         written and not standardised: values of single words are known of these",
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
