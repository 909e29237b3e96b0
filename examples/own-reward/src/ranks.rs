//! The objective: a policy gradient that sees how samples rank, not how far apart their rewards are.

use std::{error::Error, sync::Arc};

use scst_trainer::{CustomObjective, JudgedSample, config::CustomChoice};

/// ```text
/// c = sign(a) |a|^power,   a = (worse - better) / (n - 1)
/// ```
/// for a sample that is better than `worse` of the `n` samples of its source, and worse than `better` of them. The best has
/// 1, the worst -1, and the weights of a source sum to 0, whatever the scale of the reward.
pub(crate) struct Ranks {
    power: f64,
}

/// The objective with the options of its table in the configuration.
///
/// # Errors
/// What was found where for an option that is none or out of range: the message ends up behind the name of the objective.
pub(crate) fn from_choice(
    choice: &CustomChoice,
) -> Result<Arc<dyn CustomObjective>, Box<dyn Error + Send + Sync>> {
    let mut power = 1.0;
    for (key, value) in &choice.options {
        power = match (key.as_str(), value.as_f64()) {
            ("power", Some(power)) if power > 0.0 => power,
            _ => {
                let problem = format!("found `{key}` = {value}, expected `power` above 0");
                return Err(problem.into());
            }
        };
    }
    Ok(Arc::new(Ranks { power }))
}

impl CustomObjective for Ranks {
    fn weights(
        &self,
        samples: &[JudgedSample<'_>],
    ) -> Result<Vec<Vec<f64>>, Box<dyn Error + Send + Sync>> {
        let others = samples.len().saturating_sub(1).max(1) as f64;
        let weights = samples.iter().map(|sample| {
            let signs = samples
                .iter()
                .map(|other| sign(sample.reward - other.reward));
            let rank = signs.sum::<f64>() / others;
            vec![sign(rank) * rank.abs().powf(self.power); sample.words.len()]
        });
        Ok(weights.collect())
    }
}

/// 1, -1, or 0 of 0.
fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}
