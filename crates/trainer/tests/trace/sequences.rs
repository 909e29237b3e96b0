//! What becomes of the rewards of sampled captions.

use crate::cases::{Case, Stages};

/// Every objective, baseline and option, with the simplest captioner.
pub(crate) fn objectives() -> Vec<Case> {
    let scst = |variant, set: &[&'static str]| Case::new(variant, "fc", Stages::Scst, set);
    vec![
        scst("leave_one_out", &["scst.baseline=leave_one_out"]),
        scst("greedy", &["scst.baseline=greedy"]),
        scst("mean", &["scst.baseline=mean"]),
        scst("learned", &["scst.baseline=learned"]),
        scst(
            "moving_average",
            &[
                "scst.baseline=moving_average",
                "scst.moving_average_decay=0.5",
            ],
        ),
        scst("none", &["scst.baseline=none"]),
        scst(
            "single_none",
            &["scst.baseline=none", "scst.samples_per_source=1"],
        ),
        scst(
            "single_greedy",
            &["scst.baseline=greedy", "scst.samples_per_source=1"],
        ),
        scst(
            "single_learned",
            &["scst.baseline=learned", "scst.samples_per_source=1"],
        ),
        scst(
            "minimum_risk",
            &["scst.objective={minimum_risk={alpha=0.5}}"],
        ),
        scst(
            "minimum_risk_regularised",
            &[
                "scst.objective={minimum_risk={alpha=1.0}}",
                "scst.entropy_bonus=0.05",
                "scst.kl_weight=0.1",
            ],
        ),
        scst("max_margin", &["scst.objective=max_margin"]),
        scst(
            "max_margin_regularised",
            &["scst.objective=max_margin", "scst.entropy_bonus=0.05"],
        ),
        scst("entropy_bonus", &["scst.entropy_bonus=0.05"]),
        scst("kl", &["scst.kl_weight=0.1"]),
        scst(
            "kl_entropy_greedy",
            &[
                "scst.baseline=greedy",
                "scst.entropy_bonus=0.05",
                "scst.kl_weight=0.1",
            ],
        ),
        scst(
            "in_parts",
            &[
                "parts=3",
                "scst.baseline=moving_average",
                "scst.xe_weight=0.3",
                "scst.replay_weight=0.2",
            ],
        ),
        scst("in_parts_learned", &["parts=2", "scst.baseline=learned"]),
        scst("no_end_token", &["scst.reward_end_token=false"]),
        scst("no_dropout", &["dropout=0", "scst.baseline=greedy"]),
    ]
}

/// Samples that are used more than once, weighted by ratios; captions that are compared with each other.
pub(crate) fn policies() -> Vec<Case> {
    const REUSED: [&str; 2] = ["scst.updates_per_rollout=3", "scst.baseline=mean"];
    let scst = |variant, set: &[&'static str]| Case::new(variant, "fc", Stages::Scst, set);
    let reused = |variant, set: &[&'static str]| scst(variant, &[&REUSED, set].concat());
    vec![
        reused(
            "token_clip",
            &["scst.objective={token_clip={low=0.1,high=0.2,dual=2.0}}"],
        ),
        reused(
            "gspo",
            &["scst.objective={gspo={low=0.01,high=0.02,dual=2.0}}"],
        ),
        reused(
            "gmpo",
            &["scst.objective={gmpo={low=0.1,high=0.2,dual=2.0}}"],
        ),
        reused("cispo", &["scst.objective={cispo={cap=1.2}}"]),
        reused(
            "sapo",
            &["scst.objective={sapo={positive=1.5,negative=2.0}}"],
        ),
        scst("multi_margin", &["scst.objective=multi_margin"]),
        scst("sequence_nll", &["scst.objective=sequence_nll"]),
        scst("softmax_margin", &["scst.objective=softmax_margin"]),
        scst("best_of_n", &["scst.objective=best_of_n"]),
        scst("dpo", &["scst.objective={dpo={beta=0.3}}"]),
        scst(
            "dico",
            &["scst.objective={dico={beta=0.3,temperature=0.5}}"],
        ),
        scst("rebel", &["scst.objective={rebel={eta=2.0}}", REUSED[0]]),
        scst("dap", &["scst.objective={dap={sigma=3.0}}"]),
        reused(
            "parts",
            &[
                "dropout=0",
                "scst.sources_per_update=2",
                "scst.objective={token_clip={low=0.1,high=0.2}}",
                "scst.advantage_scale=group",
            ],
        ),
        reused(
            "in_parts_reused",
            &[
                "parts=3",
                "dropout=0",
                "scst.sources_per_update=2",
                "scst.objective={token_clip={low=0.1,high=0.2}}",
            ],
        ),
        scst("batch", &["scst.advantage_scale=batch"]),
        scst(
            "beam",
            &[
                "scst.candidates=beam",
                "scst.objective={minimum_risk={alpha=0.5}}",
            ],
        ),
        scst(
            "sampling",
            &[
                "scst.sampling={temperature=1.3,top_k=12,top_p=0.95,min_p=0.01,draw=\"gumbel_max\"}",
                "scst.objective={cispo={cap=3.0}}",
            ],
        ),
        scst(
            "forward",
            &["scst.kl_weight=0.1", "scst.divergence=forward"],
        ),
        scst(
            "jensen_shannon",
            &["scst.kl_weight=0.1", "scst.divergence=jensen_shannon"],
        ),
        scst("k2", &["scst.kl_weight=0.1", "scst.divergence=k2"]),
        scst("k3", &["scst.kl_weight=0.1", "scst.divergence=k3"]),
        scst("xe_weight", &["scst.xe_weight=0.3"]),
        scst(
            "left_out",
            &[
                "scst.leave_out_cut_off=true",
                "scst.leave_out_equal_rewards=true",
                "scst.entropy_bonus=0.05",
            ],
        ),
    ]
}

/// What single words are credited with, weighted means as baselines, what is added to an objective, and how rewards become
/// one.
pub(crate) fn credits() -> Vec<Case> {
    let scst = |variant, set: &[&'static str]| Case::new(variant, "fc", Stages::Scst, set);
    vec![
        scst("length_weighted", &["scst.baseline=length_weighted"]),
        scst(
            "length_weighted_others",
            &["scst.baseline=length_weighted_others"],
        ),
        scst("energy_weighted", &["scst.baseline=energy_weighted"]),
        scst(
            "energy_weighted_others",
            &["scst.baseline=energy_weighted_others"],
        ),
        scst("prefix", &["scst.credit=prefix"]),
        scst(
            "rollouts",
            &[
                "scst.credit={rollouts={every=2,samples=2}}",
                "scst.baseline=none",
            ],
        ),
        scst(
            "tsallis",
            &["scst.entropy=tsallis", "scst.entropy_bonus=0.05"],
        ),
        // Two epochs, so that sources come again.
        scst(
            "replay",
            &["scst.replay_weight=0.3", "sources_per_batch=20"],
        ),
        scst(
            "unlikelihood",
            &["scst.unlikelihood={weight=0.5,repeated_ngram=1,words=[\"a\"]}"],
        ),
        scst(
            "all_action",
            &[
                "scst.objective=all_action",
                "scst.rewards=[{word_error_rate={}}]",
                "scst.reward_end_token=false",
            ],
        ),
        scst(
            "geometric_mean",
            &[
                "scst.combine=geometric_mean",
                "scst.rewards=[{cider_d={}},{weight=0.5,rouge_l={}}]",
            ],
        ),
    ]
}

/// Samples that begin with words of gold captions.
pub(crate) fn mixer() -> Vec<Case> {
    // Three steps an epoch: six words are given, and then two.
    const MIXER: [&str; 2] = [
        "sources_per_batch=20",
        "scst.mixer={shrink=4,every_epochs=1}",
    ];
    let scst = |variant, set: &[&'static str]| Case::new(variant, "fc", Stages::Scst, set);
    let mixed = |baseline, set: &'static str| scst(baseline, &[MIXER[0], MIXER[1], set]);
    vec![
        mixed("mixer_leave_one_out", "scst.baseline=leave_one_out"),
        mixed("mixer_mean", "scst.baseline=mean"),
        mixed("mixer_learned", "scst.baseline=learned"),
        mixed("mixer_moving_average", "scst.baseline=moving_average"),
        mixed("mixer_none", "scst.baseline=none"),
        mixed("mixer_entropy", "scst.entropy_bonus=0.05"),
        mixed("mixer_kl", "scst.kl_weight=0.1"),
        // Nine words of ten are given: most captions are whole, and some images have one sample left, or none.
        scst(
            "mixer_given_whole",
            &[
                "sources_per_batch=3",
                "scst.mixer={shrink=1,every_epochs=5}",
            ],
        ),
        // Steps in which one sample alone is the model's own.
        scst(
            "mixer_alone",
            &[
                "sources_per_batch=1",
                "scst.samples_per_source=2",
                "steps=8",
                "scst.mixer={shrink=1,every_epochs=5}",
            ],
        ),
    ]
}

/// What goes another way in captioners of another kind.
pub(crate) fn of_other_captioners() -> Vec<Case> {
    let scst = |variant, model, set: &[&'static str]| Case::new(variant, model, Stages::Scst, set);
    let mixer = "scst.mixer={shrink=4,every_epochs=1}";
    let regularised = ["scst.entropy_bonus=0.05", "scst.kl_weight=0.1"];
    let risk = "scst.objective={minimum_risk={alpha=0.5}}";
    vec![
        scst("greedy", "markov", &["scst.baseline=greedy"]),
        scst("mean", "markov", &["scst.baseline=mean"]),
        scst(
            "moving_average",
            "markov",
            &["scst.baseline=moving_average"],
        ),
        scst(
            "none",
            "markov",
            &["scst.baseline=none", "scst.samples_per_source=1"],
        ),
        scst("no_end_token", "markov", &["scst.reward_end_token=false"]),
        scst("greedy", "transformer", &["scst.baseline=greedy"]),
        scst("learned", "transformer", &["scst.baseline=learned"]),
        scst("minimum_risk", "transformer", &[risk]),
        scst("max_margin", "transformer", &["scst.objective=max_margin"]),
        scst("regularised", "transformer", &regularised),
        scst("mixer", "transformer", &["sources_per_batch=20", mixer]),
        scst("learned", "up_down", &["scst.baseline=learned"]),
        scst("mixer", "up_down", &["sources_per_batch=20", mixer]),
        scst("regularised", "att2in", &regularised),
        scst("minimum_risk", "show_attend_tell", &[risk]),
        scst("max_margin", "att2all", &["scst.objective=max_margin"]),
    ]
}
