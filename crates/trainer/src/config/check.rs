//! Ranges and contradictions, all found at once.

use std::collections::BTreeSet;

use scst_kernels::product::Precision;
use scst_loss::Baseline;
use scst_model::{CaptionerConfig, MarkovConfig};

use super::{
    AdamConfig, AdamWConfig, Clip, Config, Credit, OptimiserConfig, Problem, ScheduleConfig,
    SequenceObjective, StageConfig, StartFrom, WordLoss, XeConfig, bounds, limits,
    problem::Checker,
    scst_check::{check_dropout, check_hard_attention, check_reference, check_scst},
    task::check_task,
};
use crate::Backend;

impl Config {
    /// Everything that is out of range or contradictory; empty when the run can begin.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = Checker::new(&mut problems);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = |name: &str| name.chars().all(plain) && !name.starts_with('.');
        check.require(
            is_name(&self.name),
            "name",
            format!("{:?}", self.name),
            "letters, digits, `-`, `_` and `.` only, not starting with `.`",
        );
        check.require(
            i64::try_from(self.seed).is_ok(),
            "seed",
            self.seed,
            "less than 2^63",
        );
        check_precision(self, &mut check);
        let threads = self.threads.map_or(1, |n| n as u64);
        check.within("threads", threads, limits::THREADS);
        let held = self.parts_in_memory.map_or(1, |n| n as u64);
        check.within("parts_in_memory", held, limits::SOURCES);
        check.count("log_every_steps", self.log_every_steps);
        check.count("data.minimum_count", self.data.minimum_count);
        let max_length = self.data.max_length as u64;
        check.within("data.max_length", max_length, limits::WORDS);
        check_validation(self, &mut check.below("validation"));
        check.count("checkpoints.keep", self.checkpoints.keep as u64);
        let every = self.checkpoints.every_steps;
        check.count("checkpoints.every_steps", every.unwrap_or(1));
        let minutes = self.checkpoints.every_minutes.unwrap_or(1.0);
        check.positive("checkpoints.every_minutes", minutes);
        check_task(self, &mut check);
        check_model(self, &mut check);
        check.require(!self.stages.is_empty(), "stages", "none", "1 or more");
        let mut names = BTreeSet::new();
        for (k, stage) in self.stages.iter().enumerate() {
            let mut check = check.below(&format!("stages.{k}"));
            check.require(
                is_name(&stage.name) && names.insert(&stage.name),
                "name",
                format!("{:?}", stage.name),
                "a plain name that no stage before has",
            );
            check_stage_of_run(self, k, stage, &mut check);
        }
        problems
    }
}

/// A stage by itself, and with the captioner and the stages before.
fn check_stage_of_run(config: &Config, k: usize, stage: &StageConfig, check: &mut Checker<'_>) {
    check_stage(stage, check);
    bounds::check_words_of_a_step(stage, config.data.max_length, check);
    let begins_with_stored = match stage.start_from {
        StartFrom::Best => k > 0,
        StartFrom::Last => false,
        StartFrom::Checkpoint(_) => true,
    };
    if let Some(scst) = &stage.scst {
        let mut check = check.below("scst");
        check_reference(scst, begins_with_stored, &mut check);
        let dropout = stage.dropout.unwrap_or(config.model.dropout());
        check_dropout(scst, dropout, &mut check);
        if config.model.attends_hard() {
            check_hard_attention(scst, &mut check);
        }
    }
    let position_weight = stage.xe.as_ref().and_then(|xe| xe.position_weight);
    if let CaptionerConfig::Markov(config) = &config.model {
        check_whole_captions(stage, config, check);
        check.at_least_zero("xe.position_weight", position_weight.unwrap_or(0.0));
    } else {
        check.require(
            position_weight.is_none(),
            "xe.position_weight",
            position_weight.unwrap_or(0.0),
            "none with a captioner other than `markov`",
        );
    }
    if let Some(hard) = &stage.hard_attention {
        check.require(
            config.model.attends_hard(),
            "hard_attention",
            format!(
                "captioner `{}` with soft or no attention",
                config.model.name()
            ),
            "one with `attention = \"hard\"`",
        );
        let mut check = check.below("hard_attention");
        check.at_least_zero("reward_weight", hard.reward_weight);
        check.at_least_zero("entropy_weight", hard.entropy_weight);
        check.below_one("baseline_decay", hard.baseline_decay);
        check.fraction("sampling_probability", hard.sampling_probability);
    }
}

/// Whether there is anything that computes so; what the machine has is another matter.
fn check_precision(config: &Config, check: &mut Checker<'_>) {
    if config.precision == Precision::F32 {
        return;
    }
    let (backend, captioner) = (config.backend, &config.model);
    check.require(
        backend == Backend::Flex,
        "precision",
        format!("`bf16` with backend `{backend}`"),
        "`f32`, or backend `flex`",
    );
    check.require(
        !matches!(
            captioner,
            CaptionerConfig::Markov(_) | CaptionerConfig::Custom(_)
        ),
        "precision",
        format!("`bf16` with captioner `{}`", captioner.name()),
        "`f32`, or another captioner: this one takes its own products",
    );
}

fn check_validation(config: &Config, check: &mut Checker<'_>) {
    let validation = &config.validation;
    let batch = validation.sources_per_batch as u64;
    check.within("sources_per_batch", batch, limits::SOURCES_DECODED);
    check.count("sources", validation.sources.unwrap_or(1) as u64);
    let samples = validation.samples as u64;
    check.at_most("samples", samples, limits::SAMPLES_SHOWN);
    validation
        .decoder
        .check(config, &mut check.below("decoder"));
}

fn check_model(config: &Config, check: &mut Checker<'_>) {
    let mut check = check.below(&format!("model.{}", config.model.name()));
    for (name, size) in config.model.sizes() {
        check.within(name, size as u64, limits::SIZE);
    }
    bounds::check_parameters(&config.model, &mut check);
    check.below_one("dropout", config.model.dropout());
    match &config.model {
        CaptionerConfig::Markov(markov) => check.require(
            markov.positions == config.data.max_length,
            "positions",
            markov.positions,
            &format!("`data.max_length`, {}", config.data.max_length),
        ),
        CaptionerConfig::Transformer(transformer) => check.require(
            transformer.heads >= 1 && transformer.hidden.is_multiple_of(transformer.heads),
            "heads",
            transformer.heads,
            &format!("1 or more, a divisor of `hidden` = {}", transformer.hidden),
        ),
        _ => {}
    }
}

fn check_stage(stage: &StageConfig, check: &mut Checker<'_>) {
    let lengths = [stage.epochs, stage.steps];
    let given: Vec<u64> = lengths.into_iter().flatten().collect();
    check.require(
        given.len() == 1,
        "epochs",
        if given.is_empty() {
            "neither `epochs` nor `steps`"
        } else {
            "`epochs` and `steps`"
        },
        "one of `epochs` and `steps`",
    );
    check.within("epochs", stage.epochs.unwrap_or(1), limits::EPOCHS);
    check.within("steps", stage.steps.unwrap_or(1), limits::STEPS);
    check.at_most("warmup_steps", stage.warmup_steps, limits::STEPS);
    let sources = stage.sources_per_batch as u64;
    check.within("sources_per_batch", sources, limits::SOURCES);
    check.within("parts", stage.parts as u64, limits::SOURCES);
    check.require(
        stage.parts <= stage.sources_per_batch.max(1),
        "parts",
        stage.parts,
        &format!("at most `sources_per_batch`, {sources}"),
    );
    check.positive("learning_rate", stage.learning_rate);
    match &stage.schedule {
        ScheduleConfig::Constant => {}
        ScheduleConfig::StepDecay {
            factor,
            every_epochs,
        } => {
            check.fraction("schedule.step_decay.factor", *factor);
            check.count("schedule.step_decay.every_epochs", *every_epochs);
        }
        ScheduleConfig::Cosine { final_fraction } => {
            check.fraction("schedule.cosine.final_fraction", *final_fraction);
        }
    }
    match &stage.optimiser {
        OptimiserConfig::Adam(AdamConfig {
            beta_1,
            beta_2,
            epsilon,
        })
        | OptimiserConfig::Adamw(AdamWConfig {
            beta_1,
            beta_2,
            epsilon,
            ..
        }) => {
            let mut check = check.below("optimiser");
            check.below_one("beta_1", *beta_1);
            check.below_one("beta_2", *beta_2);
            check.positive("epsilon", *epsilon);
        }
    }
    if let OptimiserConfig::Adamw(config) = &stage.optimiser {
        check.fraction("optimiser.adamw.weight_decay", config.weight_decay);
    }
    match stage.clip {
        Clip::None => {}
        Clip::Value(value) => check.positive("clip.value", value),
        Clip::Norm(norm) => check.positive("clip.norm", norm),
    }
    if let Some(dropout) = stage.dropout {
        check.below_one("dropout", dropout);
    }
    let every = stage.validate_every_steps.unwrap_or(1);
    check.count("validate_every_steps", every);
    check.count("patience", stage.patience.unwrap_or(1));
    match (&stage.xe, &stage.scst) {
        (Some(xe), None) => check_xe(xe, &mut check.below("xe")),
        (None, Some(scst)) => check_scst(stage, scst, &mut check.below("scst")),
        (Some(_), Some(_)) => check.require(false, "xe", "`xe` and `scst`", "one objective"),
        (None, None) => check.require(false, "xe", "no objective", "`xe` or `scst`"),
    }
}

/// What a captioner that scores whole captions cannot be trained with.
fn check_whole_captions(stage: &StageConfig, config: &MarkovConfig, check: &mut Checker<'_>) {
    const EXPECTED: &str = "with the captioner `markov`, which has no softmax over single words";
    if let Some(xe) = &stage.xe {
        let mut check = check.below("xe");
        check.require(
            config.shortlist > xe.targets_per_source,
            "targets_per_source",
            xe.targets_per_source,
            &format!(
                "fewer than `model.markov.shortlist`, {}, so that every list holds the gold words and the end token",
                config.shortlist
            ),
        );
        check.require(
            xe.loss == WordLoss::CrossEntropy,
            "loss",
            "another one",
            &format!("`cross_entropy` {EXPECTED}"),
        );
        check.require(
            xe.label_smoothing == 0.0,
            "label_smoothing",
            xe.label_smoothing,
            &format!("0 {EXPECTED}"),
        );
        check.require(
            xe.scheduled_sampling.is_none(),
            "scheduled_sampling",
            "a table",
            &format!("none {EXPECTED}"),
        );
    }
    if let Some(scst) = &stage.scst {
        let mut check = check.below("scst");
        check.require(
            scst.objective == SequenceObjective::PolicyGradient,
            "objective",
            format!("`{}`", scst.objective.name()),
            &format!("`policy_gradient` {EXPECTED}"),
        );
        let of_words = match scst.baseline {
            Baseline::Learned => Some("`learned`"),
            Baseline::EnergyWeighted => Some("`energy_weighted`"),
            Baseline::EnergyWeightedOthers => Some("`energy_weighted_others`"),
            _ => None,
        };
        check.require(
            of_words.is_none(),
            "baseline",
            of_words.unwrap_or_default(),
            &format!("another one {EXPECTED}"),
        );
        check.require(
            scst.credit == Credit::Caption,
            "credit",
            "`prefix` or `rollouts`",
            &format!("`caption` {EXPECTED}"),
        );
        check.require(
            scst.unlikelihood.is_none(),
            "unlikelihood",
            "a table",
            &format!("none {EXPECTED}"),
        );
        check.require(
            scst.mixer.is_none(),
            "mixer",
            "a table",
            &format!("none {EXPECTED}"),
        );
        for (key, found) in [
            ("entropy_bonus", scst.entropy_bonus),
            ("kl_weight", scst.kl_weight),
        ] {
            check.require(found == 0.0, key, found, &format!("0 {EXPECTED}"));
        }
    }
}

fn check_xe(xe: &XeConfig, check: &mut Checker<'_>) {
    let captions = xe.targets_per_source as u64;
    check.within("targets_per_source", captions, limits::CAPTIONS);
    check.below_one("label_smoothing", xe.label_smoothing);
    match &xe.loss {
        WordLoss::CrossEntropy => {}
        WordLoss::Brier => check_without_smoothing(xe, "brier", check),
        WordLoss::Dft => check_without_smoothing(xe, "dft", check),
        WordLoss::Focal { gamma } => {
            check.at_least_zero("loss.focal.gamma", *gamma);
            check_without_smoothing(xe, "focal", check);
        }
        WordLoss::Distillation(distillation) => {
            let mut check = check.below("loss.distillation");
            check.fraction("weight", distillation.weight);
            check.positive("temperature", distillation.temperature);
        }
    }
    if let Some(sampling) = &xe.scheduled_sampling {
        let mut check = check.below("scheduled_sampling");
        check.fraction("increase", sampling.increase);
        check.count("every_epochs", sampling.every_epochs);
        check.fraction("maximum", sampling.maximum);
    }
}

fn check_without_smoothing(xe: &XeConfig, loss: &str, check: &mut Checker<'_>) {
    check.require(
        xe.label_smoothing == 0.0,
        "label_smoothing",
        xe.label_smoothing,
        &format!("0 with the loss `{loss}`, which has none"),
    );
}
