//! How long stages are, and whether a run can go on from where it is.

use crate::{
    TrainError,
    config::{Config, StageConfig},
    run::progress::Progress,
};

/// Steps that a stage may have: as many as there are random draws for.
const MOST_STEPS: u64 = 1 << 32;

/// How long a stage is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    pub(super) steps: u64,
    pub(super) steps_per_epoch: u64,
}

impl Length {
    /// # Errors
    /// [`TrainError::BatchTooLarge`] when there are too few training sources for a batch, [`TrainError::StageTooLong`]
    /// when there are more steps than random draws.
    pub(super) fn of(stage: &StageConfig, train_sources: usize) -> Result<Self, TrainError> {
        let steps_per_epoch = train_sources
            .checked_div(stage.sources_per_batch)
            .unwrap_or(0) as u64;
        if steps_per_epoch == 0 {
            return Err(TrainError::BatchTooLarge {
                stage: stage.name.clone(),
                found: stage.sources_per_batch,
                sources: train_sources,
            });
        }
        let (key, found, steps) = match (stage.steps, stage.epochs) {
            (Some(steps), _) => ("steps", steps, Some(steps)),
            (None, epochs) => {
                let epochs = epochs.unwrap_or(0);
                ("epochs", epochs, epochs.checked_mul(steps_per_epoch))
            }
        };
        let most = match key {
            "steps" => MOST_STEPS,
            _ => MOST_STEPS / steps_per_epoch,
        };
        match steps {
            Some(steps) if steps <= MOST_STEPS => Ok(Self {
                steps,
                steps_per_epoch,
            }),
            _ => Err(TrainError::StageTooLong {
                stage: stage.name.clone(),
                key,
                found,
                most,
            }),
        }
    }
}

/// The lengths of all stages, and whether the run can go on from where it is.
///
/// A stage whose end has moved to where the run stands is validated there, if it was not.
///
/// # Errors
/// Those of [`Length::of`]; [`TrainError::StageTooShort`] when a stage was to have ended already.
pub(super) fn check_lengths(
    config: &Config,
    train_sources: usize,
    progress: &mut Progress,
) -> Result<Vec<Length>, TrainError> {
    let mut lengths = Vec::with_capacity(config.stages.len());
    for (k, stage) in config.stages.iter().enumerate() {
        let length = Length::of(stage, train_sources)?;
        let Length { steps, .. } = length;
        lengths.push(length);
        if k != progress.stage {
            continue;
        }
        if steps < progress.step {
            return Err(TrainError::StageTooShort {
                stage: stage.name.clone(),
                found: steps,
                done: progress.step,
            });
        }
        let last = progress.last_validation.as_ref();
        let is_validated = last.is_some_and(|last| last.step == progress.global_step);
        progress.validation_due |= steps == progress.step && !is_validated;
    }
    Ok(lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(epochs: Option<u64>, steps: Option<u64>) -> StageConfig {
        StageConfig {
            name: "xe".to_owned(),
            epochs,
            steps,
            sources_per_batch: 10,
            ..StageConfig::default()
        }
    }

    #[test]
    fn length_is_counted_in_whole_batches() {
        let length = Length::of(&stage(Some(3), None), 109).unwrap();
        assert_eq!((length.steps, length.steps_per_epoch), (30, 10));
        let length = Length::of(&stage(None, Some(7)), 109).unwrap();
        assert_eq!((length.steps, length.steps_per_epoch), (7, 10));
    }

    #[test]
    fn length_beyond_all_draws_is_refused_and_never_wraps() {
        let length = |epochs, steps, sources| Length::of(&stage(epochs, steps), sources);
        assert!(length(None, Some(1 << 32), 1_000).is_ok());
        for (epochs, steps, expected) in [
            // 100 steps an epoch: 2^62 of them wrap to 0.
            (
                Some(1u64 << 62),
                None,
                "4611686018427387904 `epochs`, expected at most 42949672",
            ),
            (
                Some(42_949_673),
                None,
                "42949673 `epochs`, expected at most 42949672",
            ),
            (
                None,
                Some((1 << 32) + 1),
                "4294967297 `steps`, expected at most 4294967296",
            ),
        ] {
            let message = length(epochs, steps, 1_000).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let message = length(Some(1), None, 9).unwrap_err().to_string();
        assert!(message.contains("found 10 sources per batch"), "{message}");
    }
}
