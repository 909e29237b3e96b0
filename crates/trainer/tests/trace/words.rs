//! Losses of gold words.

use crate::cases::{Case, Stages};

/// Every loss and every option of it.
pub(crate) fn losses() -> Vec<Case> {
    // Two steps an epoch, so that the share grows from step to step.
    const SAMPLED: [&str; 2] = [
        "sources_per_batch=30",
        "xe.scheduled_sampling={increase=0.3,every_epochs=1,maximum=0.5}",
    ];
    let xe = |variant, model, set: &[&'static str]| Case::new(variant, model, Stages::Xe, set);
    let taught = "xe.loss={distillation={teacher=\"trained:fc_wide\",weight=0.7,temperature=1.5}}";
    vec![
        xe("label_smoothing", "fc", &["xe.label_smoothing=0.1"]),
        // More than an image has.
        xe("targets_per_source", "fc", &["xe.targets_per_source=7"]),
        xe("in_parts", "fc", &["parts=4"]),
        xe("brier", "fc", &["xe.loss=brier"]),
        xe("focal", "fc", &["xe.loss={focal={gamma=1.5}}"]),
        xe("dft", "fc", &["xe.loss=dft"]),
        xe("distillation", "fc", &[taught, "xe.label_smoothing=0.1"]),
        xe("scheduled_sampling", "fc", &SAMPLED),
        xe(
            "brier_sampled",
            "fc",
            &["xe.loss=brier", SAMPLED[0], SAMPLED[1]],
        ),
        xe(
            "distillation_sampled",
            "fc",
            &[taught, SAMPLED[0], SAMPLED[1]],
        ),
        xe("scheduled_sampling", "att2in", &SAMPLED),
        xe(
            "distillation",
            "att2in",
            &["xe.loss={distillation={teacher=\"trained:transformer\"}}"],
        ),
        xe("scheduled_sampling", "up_down", &SAMPLED),
        xe("scheduled_sampling", "transformer", &SAMPLED),
        xe("brier", "transformer", &["xe.loss=brier"]),
        xe(
            "distillation",
            "transformer",
            &["xe.loss={distillation={teacher=\"trained:att2in\",weight=1}}"],
        ),
        xe("words_only", "markov", &["xe.position_weight=2"]),
        xe("captions_only", "markov", &["xe.position_weight=0"]),
    ]
}

/// Hard attention: how the choice of regions is trained, with all that words are trained by.
pub(crate) fn hard_attention() -> Vec<Case> {
    const MODEL: &str = "show_attend_tell_hard";
    const ALWAYS: &str = "hard_attention={sampling_probability=1.0}";
    let xe = |variant, set: &[&'static str]| Case::new(variant, MODEL, Stages::Xe, set);
    let scst = |variant, set: &[&'static str]| Case::new(variant, MODEL, Stages::Scst, set);
    let options = "hard_attention={reward_weight=0.3,entropy_weight=0.1,baseline_decay=0.5,sampling_probability=0.7}";
    let never = "hard_attention={sampling_probability=0.0}";
    vec![
        xe("in_parts", &["parts=3", ALWAYS]),
        xe("options", &[options]),
        xe("never", &[never]),
        xe("brier", &[ALWAYS, "xe.loss=brier"]),
        xe(
            "distillation",
            &[
                ALWAYS,
                "xe.loss={distillation={teacher=\"trained:show_attend_tell\"}}",
            ],
        ),
        xe(
            "scheduled_sampling",
            &[
                ALWAYS,
                "sources_per_batch=30",
                "xe.scheduled_sampling={increase=0.3,every_epochs=1,maximum=0.5}",
            ],
        ),
        scst("options", &[options]),
        scst("never", &[never]),
        scst("greedy", &[ALWAYS, "scst.baseline=greedy"]),
        scst("learned", &[ALWAYS, "scst.baseline=learned"]),
        scst(
            "minimum_risk",
            &[ALWAYS, "scst.objective={minimum_risk={alpha=0.5}}"],
        ),
        scst("max_margin", &[ALWAYS, "scst.objective=max_margin"]),
        scst(
            "regularised",
            &[ALWAYS, "scst.entropy_bonus=0.05", "scst.kl_weight=0.1"],
        ),
    ]
}
