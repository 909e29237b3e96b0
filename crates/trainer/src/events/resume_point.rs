//! Where a run goes on in its files.

/// Where a run goes on, and what of its files is therefore to be forgotten.
#[derive(Debug, Clone)]
pub struct ResumePoint<'a> {
    /// Steps of the run that are done.
    pub step: u64,
    /// The stage that goes on.
    pub stage: &'a str,
    /// Whether the validation of that step was made, or that of the start of the stage before its first step; else it is
    /// still to be made, and what there is of it is forgotten.
    pub is_validated: bool,
    /// The stages that have not begun; one of them may have, at this very step, before the run was killed.
    pub later_stages: Vec<&'a str>,
}

/// What a line of a run's files is, as far as it matters to a run that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Training,
    Validation,
}

impl ResumePoint<'_> {
    /// Whether a line that was written after `step` steps in `stage` still holds.
    pub(super) fn keeps(&self, step: u64, stage: &str, of: Of) -> bool {
        let is_undone = !self.is_validated && of == Of::Validation && stage == self.stage;
        step < self.step || (step == self.step && !is_undone && !self.later_stages.contains(&stage))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run of the one stage `xe` that goes on after `step`.
    pub(in super::super) fn after(step: u64) -> ResumePoint<'static> {
        ResumePoint {
            step,
            stage: "xe",
            is_validated: true,
            later_stages: Vec::new(),
        }
    }

    #[test]
    fn of_the_last_step_only_what_came_before_in_the_run_is_kept() {
        let mut point = ResumePoint {
            later_stages: vec!["scst"],
            ..after(7)
        };
        for of in [Of::Training, Of::Validation] {
            assert!(point.keeps(6, "xe", of) && point.keeps(7, "xe", of));
            assert!(!point.keeps(8, "xe", of) && !point.keeps(7, "scst", of));
        }
        point.is_validated = false;
        assert!(point.keeps(7, "xe", Of::Training) && point.keeps(6, "xe", Of::Validation));
        assert!(!point.keeps(7, "xe", Of::Validation));
        // The validation that ended the stage before.
        assert!(point.keeps(7, "warm-up", Of::Validation));
    }
}
