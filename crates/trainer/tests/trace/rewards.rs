//! Rewards, one by one and mixed.

use scst_reward::{Batch, Reward, RewardError};
use scst_trainer::Registry;

use crate::cases::{Case, Stages};

/// Every reward that needs no other program, and what mixtures do with them.
pub(crate) fn cases() -> Vec<Case> {
    let scst = |variant, set: &[&'static str]| Case::new(variant, "fc", Stages::Scst, set);
    let parts = "scst.rewards=[{weight=0.5,cider_d={}},{weight=-0.7,self_critical=false,length_penalty={minimum=5,\
                 maximum=8}},{standardise=true,rouge_l={beta=2.0}}]";
    vec![
        scst(
            "cider_d",
            &["scst.rewards=[{weight=0.5,cider_d={sigma=3.0,scale=1.0}}]"],
        ),
        scst(
            "bleu",
            &[
                "scst.rewards=[{bleu={order=2,reference_length=\"shortest\",smoothing={add_k={k=1.0}},effective_order=true}}]",
            ],
        ),
        scst(
            "mixer_bleu",
            &["scst.rewards=[{mixer_bleu={smooth=false}}]"],
        ),
        scst(
            "raw_text",
            &[
                "scst.rewards=[{word_error_rate={}},{phoneme_error_rate={lowercase=true}},{character_error_rate={}},\
                 {exact_match={}},{chrf={word_order=2}},{sacrebleu={tokenizer=\"intl\"}},{rouge_score={kind=\"2\"}}]",
                "validation.metric=phoneme_error_rate",
                "validation.text_metrics=[\"chrf\"]",
            ],
        ),
        scst(
            "penalties",
            &[
                "scst.rewards=[{repetition_penalty={order=1}},{bad_ending_penalty={words=[\"a\",\"of\",\"the\"]}}]",
            ],
        ),
        scst(
            "custom",
            &["scst.rewards=[{custom={name=\"late\"}},{cider_d={}}]"],
        ),
        // Large enough to be warned of.
        scst(
            "large",
            &["scst.rewards=[{weight=1e7,rouge_l={}}]", "clip.norm=1.0"],
        ),
        scst(
            "transforms",
            &[
                "scst.rewards=[{transform={clip={low=0.1,high=0.5}},rouge_l={}},\
                 {transform={sigmoid={centre=0.5,steepness=4.0}},cider_d={}},\
                 {transform={step={threshold=-1.0}},standardise=true,standardise_over=\"source\",\
                 length_penalty={minimum=5,maximum=8}}]",
            ],
        ),
        scst("mixture", &[parts]),
        scst("mixture_greedy", &[parts, "scst.baseline=greedy"]),
        scst("mixture_learned", &[parts, "scst.baseline=learned"]),
        scst(
            "mixture_moving_average",
            &[parts, "scst.baseline=moving_average"],
        ),
        scst(
            "mixture_minimum_risk",
            &[parts, "scst.objective={minimum_risk={alpha=0.5}}"],
        ),
        scst(
            "mixture_mixer",
            &[
                parts,
                "sources_per_batch=20",
                "scst.mixer={shrink=4,every_epochs=1}",
            ],
        ),
    ]
}

/// Rewards of this test.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.rewards.register("late", |_, _| Ok(Box::new(Late)));
    registry
}

/// The mean place of the letter `e`: any number that follows from a caption.
struct Late;

impl Reward for Late {
    fn name(&self) -> &'static str {
        "late"
    }

    fn signature(&self) -> String {
        "late".to_owned()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let score = |text: &str| {
            let places: Vec<f64> = text.match_indices('e').map(|(k, _)| k as f64).collect();
            places.iter().sum::<f64>() / (10 * places.len().max(1)) as f64
        };
        Ok(batch
            .candidates()
            .iter()
            .map(|caption| score(caption.text))
            .collect())
    }
}
