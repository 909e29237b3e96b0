//! From gradients to weights: normalisers, clipping, optimisers, schedules, and where stages begin.

use crate::cases::{Case, Stages};

/// Every option of a step, each with one objective or with both.
pub(crate) fn cases() -> Vec<Case> {
    let xe = |variant, set: &[&'static str]| Case::new(variant, "fc", Stages::Xe, set);
    let scst = |variant, model, set: &[&'static str]| Case::new(variant, model, Stages::Scst, set);
    let both = |variant, set: &[&'static str]| Case::new(variant, "fc", Stages::Both, set);
    vec![
        xe("normaliser_sequence", &["normaliser=sequence"]),
        xe("normaliser_constant", &["normaliser=constant"]),
        scst("normaliser_sequence", "fc", &["normaliser=sequence"]),
        scst("normaliser_constant", "fc", &["normaliser=constant"]),
        scst("normaliser_sequence", "markov", &["normaliser=sequence"]),
        xe("clip_none", &["clip=none"]),
        xe("clip_value", &["clip.value=0.01"]),
        xe("clip_norm", &["clip.norm=0.2"]),
        xe(
            "adam",
            &["optimiser.adam={beta_1=0.8,beta_2=0.95,epsilon=1e-4}"],
        ),
        xe(
            "adamw",
            &["optimiser.adamw={beta_1=0.8,beta_2=0.95,epsilon=1e-6,weight_decay=0.1}"],
        ),
        // Two steps an epoch.
        xe(
            "step_decay",
            &[
                "sources_per_batch=30",
                "schedule.step_decay={factor=0.5,every_epochs=1}",
            ],
        ),
        xe(
            "cosine",
            &["schedule.cosine={final_fraction=0.1}", "warmup_steps=2"],
        ),
        xe("dropout", &["dropout=0.5"]),
        xe(
            "features_as_they_are",
            &["data.standardise=false", "start_from=best"],
        ),
        // The better of two validations, or the later.
        both(
            "from_last",
            &[
                "steps=6",
                "stages.1.steps=4",
                "validate_every_steps=2",
                "stages.1.start_from=last",
            ],
        ),
        both(
            "from_best",
            &[
                "steps=6",
                "stages.1.steps=4",
                "validate_every_steps=2",
                "stages.1.scst.kl_weight=0.1",
            ],
        ),
    ]
}
