//! The learning rate of every step.

use crate::config::{ScheduleConfig, StageConfig};

/// Learning rate of step `step` (from 0) of a stage of `total_steps`.
///
/// ```text
/// step decay:  peak * factor ^ floor(epoch / every_epochs)
/// cosine:      peak * (f + (1 - f) (1 + cos(pi step / total)) / 2)
/// warm-up:     times min(1, (step + 1) / warmup_steps)
/// ```
pub(crate) fn learning_rate(
    stage: &StageConfig,
    step: u64,
    steps_per_epoch: u64,
    total_steps: u64,
) -> f64 {
    let factor = match stage.schedule {
        ScheduleConfig::Constant => 1.0,
        ScheduleConfig::StepDecay {
            factor,
            every_epochs,
        } => factor.powf((step / steps_per_epoch / every_epochs) as f64),
        ScheduleConfig::Cosine { final_fraction } => {
            let progress = step as f64 / total_steps as f64;
            let wave = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
            final_fraction + (1.0 - final_fraction) * wave
        }
    };
    let warmup = match stage.warmup_steps {
        0 => 1.0,
        steps => ((step + 1) as f64 / steps as f64).min(1.0),
    };
    stage.learning_rate * factor * warmup
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(schedule: ScheduleConfig, warmup_steps: u64) -> StageConfig {
        StageConfig {
            learning_rate: 1.0,
            schedule,
            warmup_steps,
            ..StageConfig::default()
        }
    }

    #[test]
    fn step_decay_multiplies_after_every_so_many_epochs() {
        let schedule = ScheduleConfig::StepDecay {
            factor: 0.5,
            every_epochs: 3,
        };
        let stage = stage(schedule, 0);
        let rate = |step| learning_rate(&stage, step, 10, 100);
        assert_eq!(
            [rate(0), rate(29), rate(30), rate(59), rate(60)],
            [1.0, 1.0, 0.5, 0.5, 0.25]
        );
    }

    #[test]
    fn cosine_falls_from_the_peak_to_its_fraction() {
        let stage = stage(
            ScheduleConfig::Cosine {
                final_fraction: 0.1,
            },
            0,
        );
        let rate = |step| learning_rate(&stage, step, 10, 100);
        assert!((rate(0) - 1.0).abs() < 1e-12);
        assert!((rate(50) - 0.55).abs() < 1e-12);
        assert!((rate(100) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn warm_up_rises_linearly_to_the_peak() {
        let stage = stage(ScheduleConfig::Constant, 4);
        let rate = |step| learning_rate(&stage, step, 10, 100);
        assert_eq!([rate(0), rate(1), rate(3), rate(9)], [0.25, 0.5, 1.0, 1.0]);
    }
}
