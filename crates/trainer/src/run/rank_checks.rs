//! Whether the ranks of a run are alike, at its start and later on.

use scst_group::Group;
use scst_kernels::simd::vector_unit;

use super::options::RunOptions;
use crate::{
    TrainError,
    alike::{check_alike, product_hash},
    config::Config,
    ranks::gather,
};

/// Whether ranks are about to train the same run with the same program on processors that compute alike, and there are parts
/// for all of them.
///
/// # Errors
/// [`TrainError::RanksDiffer`] when one is not like the first, [`TrainError::TooFewParts`], [`TrainError::Group`].
pub(super) fn check_ranks(config: &Config, options: &RunOptions<'_>) -> Result<(), TrainError> {
    let group = options.group;
    if group.size() == 1 {
        return Ok(());
    }
    let program = options.program.map_or_else(String::new, |program| {
        let commit = program.commit.as_deref().unwrap_or_default();
        format!(
            "{} {commit} {}",
            program.version,
            program.features.join(",")
        )
    });
    let own = [
        ("program", program),
        ("configuration", config.to_toml()?),
        ("run directory", options.directory.display().to_string()),
        ("way to begin", format!("{:?}", options.start)),
        ("vector unit", vector_unit().to_owned()),
        ("arithmetic", product_hash()?),
    ];
    check_alike(group, &own)?;
    for stage in &config.stages {
        if stage.parts < group.size() {
            return Err(TrainError::TooFewParts {
                stage: stage.name.clone(),
                found: stage.parts,
                ranks: group.size(),
            });
        }
    }
    Ok(())
}

/// Whether all ranks have weights of this fingerprint after so many steps.
///
/// # Errors
/// [`TrainError::WeightsDiffer`], [`TrainError::Group`].
pub(super) fn check_weights(group: &dyn Group, hash: &str, step: u64) -> Result<(), TrainError> {
    let hashes = gather(group, vec![hash.to_owned()], "fingerprints of weights")?;
    match hashes.iter().position(|hash| *hash != hashes[0]) {
        None => Ok(()),
        Some(rank) => Err(TrainError::WeightsDiffer { rank, step }),
    }
}
