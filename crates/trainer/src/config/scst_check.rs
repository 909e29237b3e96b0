//! Ranges and contradictions of self-critical training.

use scst_loss::{AdvantageScale, Baseline, Entropy};

use super::{
    Candidates, CapConfig, DivergenceConfig, GateConfig, ScstConfig, SequenceObjective,
    StageConfig,
    credit_check::{check_all_action, check_credit, check_replay, check_unlikelihood},
    limits,
    problem::Checker,
};

/// Whether what is measured from the model that the stage began with has one that a resumed run finds again.
pub(super) fn check_reference(
    scst: &ScstConfig,
    begins_with_stored: bool,
    check: &mut Checker<'_>,
) {
    const STORED: &str = "in a stage that does not begin with a stored model, the best of the stage before or a checkpoint";
    check.require(
        scst.kl_weight == 0.0 || begins_with_stored,
        "kl_weight",
        scst.kl_weight,
        &format!("0 {STORED}"),
    );
    check.require(
        !scst.objective.has_reference() || begins_with_stored,
        "objective",
        format!("`{}`", scst.objective.name()),
        &format!("one that is not measured from the beginning {STORED}"),
    );
}

/// With the dropout rate of the stage.
pub(super) fn check_dropout(scst: &ScstConfig, dropout: f64, check: &mut Checker<'_>) {
    check.require(
        scst.sources_per_update.is_none() || dropout == 0.0,
        "sources_per_update",
        scst.sources_per_update.unwrap_or(0),
        &format!(
            "none with dropout, {dropout}: the units that a word was drawn without are known for a whole batch alone; \
             `dropout = 0` in this stage allows it"
        ),
    );
}

/// With a captioner that attends hard.
pub(super) fn check_hard_attention(scst: &ScstConfig, check: &mut Checker<'_>) {
    check.require(
        scst.mixer.is_none(),
        "mixer",
        "a captioner with hard attention",
        "one with soft attention or none: where words are given, nothing tells how good a region was",
    );
    check.require(
        scst.updates_per_rollout == 1,
        "updates_per_rollout",
        scst.updates_per_rollout,
        "1 with hard attention, whose regions are drawn anew",
    );
    check.require(
        scst.objective != SequenceObjective::AllAction,
        "objective",
        "`all_action`",
        "another one with hard attention, whose regions learn from rewards of whole captions",
    );
    check.require(
        scst.unlikelihood.is_none(),
        "unlikelihood",
        "a table",
        "none with hard attention, whose regions learn from rewards",
    );
    for (key, leaves_out) in [
        ("leave_out_cut_off", scst.leave_out_cut_off),
        ("leave_out_equal_rewards", scst.leave_out_equal_rewards),
    ] {
        check.require(
            !leaves_out,
            key,
            leaves_out,
            "false with hard attention, whose regions learn from every sample",
        );
    }
}

/// The table by itself, and with the sizes of its stage.
pub(super) fn check_scst(stage: &StageConfig, scst: &ScstConfig, check: &mut Checker<'_>) {
    let objective = &scst.objective;
    let compares = if objective.is_policy_gradient() {
        matches!(
            scst.baseline,
            Baseline::LeaveOneOut
                | Baseline::Mean
                | Baseline::LengthWeighted
                | Baseline::LengthWeightedOthers
                | Baseline::EnergyWeighted
                | Baseline::EnergyWeightedOthers
        ) || scst.advantage_scale == AdvantageScale::Group
    } else {
        objective.compares_captions()
    };
    check.require(
        scst.samples_per_source >= if compares { 2 } else { 1 },
        "samples_per_source",
        scst.samples_per_source,
        if compares {
            "2 or more, as samples of a source are compared with each other"
        } else {
            "1 or more"
        },
    );
    let samples = scst.samples_per_source as u64;
    check.at_most("samples_per_source", samples, limits::CAPTIONS);
    check_objective(objective, check);
    check_updates(stage, scst, check);
    check_candidates(scst, check);
    check_credit(scst, check);
    check_all_action(scst, check);
    check_unlikelihood(scst.unlikelihood.as_ref(), check);
    if let Some(mixer) = &scst.mixer {
        check.count("mixer.shrink", mixer.shrink as u64);
        check.count("mixer.every_epochs", mixer.every_epochs);
        check.require(
            *objective == SequenceObjective::PolicyGradient,
            "objective",
            format!("`{}`", objective.name()),
            "`policy_gradient` with `mixer`, whose samples begin with different words",
        );
        check.require(
            scst.baseline != Baseline::Greedy,
            "baseline",
            "`greedy`",
            "another one with `mixer`, such as `learned`: no greedy caption begins with the same words",
        );
        check.require(
            scst.advantage_scale == AdvantageScale::None,
            "advantage_scale",
            "`group` or `batch`",
            "`none` with `mixer`, whose samples begin with different words",
        );
    }
    check.require(
        scst.advantage_scale == AdvantageScale::None || objective.is_policy_gradient(),
        "advantage_scale",
        "`group` or `batch`",
        &format!(
            "`none` with the objective `{}`, which has no advantages",
            objective.name()
        ),
    );
    check.require(
        scst.advantage_scale == AdvantageScale::None || scst.baseline != Baseline::Learned,
        "advantage_scale",
        "`group` or `batch`",
        "`none` with the baseline `learned`, which every word has its own of",
    );
    check.require(
        scst.divergence == DivergenceConfig::Reverse || scst.kl_weight > 0.0,
        "divergence",
        "another one than `reverse`",
        "a `kl_weight` above 0 beside it",
    );
    check.require(
        scst.entropy == Entropy::Shannon || scst.entropy_bonus > 0.0,
        "entropy",
        "`tsallis`",
        "an `entropy_bonus` above 0 beside it",
    );
    check.below_one("moving_average_decay", scst.moving_average_decay);
    check.at_least_zero("entropy_bonus", scst.entropy_bonus);
    check.at_least_zero("kl_weight", scst.kl_weight);
    check.at_least_zero("xe_weight", scst.xe_weight);
    check_replay(scst, check);
    check.require(!scst.rewards.is_empty(), "rewards", "none", "1 or more");
    for (k, entry) in scst.rewards.iter().enumerate() {
        let together = scst.combine.problems(entry);
        for problem in entry.problems().into_iter().chain(together) {
            let key = format!("rewards.{k}");
            check.push(&key, problem.to_string(), Vec::new());
        }
    }
}

fn check_objective(objective: &SequenceObjective, check: &mut Checker<'_>) {
    let mut check = check.below(&format!("objective.{}", objective.name()));
    match *objective {
        SequenceObjective::PolicyGradient
        | SequenceObjective::MaxMargin
        | SequenceObjective::MultiMargin
        | SequenceObjective::SequenceNll
        | SequenceObjective::SoftmaxMargin
        | SequenceObjective::BestOfN
        | SequenceObjective::AllAction => {}
        SequenceObjective::TokenClip(clip)
        | SequenceObjective::Gspo(clip)
        | SequenceObjective::Gmpo(clip) => {
            check.below_one("low", clip.low);
            check.at_least_zero("high", clip.high);
            let dual = clip.dual.unwrap_or(2.0);
            check.require(
                dual > 1.0 && dual.is_finite(),
                "dual",
                dual,
                "a finite number above 1",
            );
        }
        SequenceObjective::Cispo(CapConfig { cap }) => check.positive("cap", cap),
        SequenceObjective::Sapo(GateConfig { positive, negative }) => {
            check.positive("positive", positive);
            check.positive("negative", negative);
        }
        SequenceObjective::MinimumRisk { alpha } => check.positive("alpha", alpha),
        SequenceObjective::Dpo { beta } => check.positive("beta", beta),
        SequenceObjective::Dico { beta, temperature } => {
            check.positive("beta", beta);
            check.positive("temperature", temperature);
        }
        SequenceObjective::Rebel { eta } => check.positive("eta", eta),
        SequenceObjective::Dap { sigma } => check.positive("sigma", sigma),
        SequenceObjective::Custom(ref custom) => check.require(
            !custom.name.is_empty(),
            "name",
            "none",
            "the name of a registered objective",
        ),
    }
}

/// Captions that are not drawn from the model's own distribution.
fn check_candidates(scst: &ScstConfig, check: &mut Checker<'_>) {
    let objective = &scst.objective;
    let is_beam = scst.candidates == Candidates::Beam;
    check.require(
        !is_beam
            || !(objective.is_policy_gradient()
                || matches!(objective, SequenceObjective::Rebel { .. })),
        "candidates",
        "`beam`",
        &format!(
            "`samples` with the objective `{}`, which is about captions that were drawn",
            objective.name()
        ),
    );
    let Some(sampling) = &scst.sampling else {
        return;
    };
    check.require(
        !is_beam,
        "sampling",
        "a table",
        "none with `candidates = \"beam\"`, which draws nothing",
    );
    check.require(
        *objective != SequenceObjective::PolicyGradient,
        "objective",
        "`policy_gradient`",
        "one with a ratio, such as `cispo`, with `sampling`: samples are not the model's own",
    );
    check.require(
        !matches!(objective, SequenceObjective::Rebel { .. }),
        "sampling",
        "a table",
        "none with the objective `rebel`, whose log-ratios are those of the model's own samples",
    );
    let mut check = check.below("sampling");
    for problem in sampling.problems() {
        check.require(false, problem.option, problem.found, problem.expected);
    }
}

/// Samples that are used more than once.
fn check_updates(stage: &StageConfig, scst: &ScstConfig, check: &mut Checker<'_>) {
    let updates = scst.updates_per_rollout;
    check.within("updates_per_rollout", updates as u64, limits::UPDATES);
    check.require(
        updates <= 1 || scst.objective != SequenceObjective::PolicyGradient,
        "objective",
        "`policy_gradient`",
        &format!(
            "one with a ratio, such as `token_clip`, with `updates_per_rollout` {updates}: a sample is the model's own \
             in the first of them alone"
        ),
    );
    let Some(sources) = scst.sources_per_update else {
        return;
    };
    check.within("sources_per_update", sources as u64, limits::SOURCES);
    let batch = stage.sources_per_batch;
    check.require(
        sources == 0 || batch.is_multiple_of(sources),
        "sources_per_update",
        sources,
        &format!("a divisor of `sources_per_batch`, {batch}"),
    );
    check.require(
        sources.saturating_mul(updates) >= batch,
        "sources_per_update",
        sources,
        &format!(
            "enough for the {batch} sources of a batch (`sources_per_batch`) in {updates} updates (`updates_per_rollout`)"
        ),
    );
}
