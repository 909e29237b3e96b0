//! Arguments of `scst train`.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;

use super::{ConfigArguments, RankArguments};

/// The most seeds of a set of runs.
const MOST_SEEDS: u64 = 1000;

/// Different seeds, two or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Vec<u64>);

impl Seeds {
    /// A number of seeds, from 1 on, or a list of them.
    fn parse(text: &str) -> Result<Self, String> {
        let refuse = || {
            Err(format!(
                "found `{text}`, expected a number of seeds from 2 to {MOST_SEEDS}, such as 3, or different seeds, such as \
                 1,4,7"
            ))
        };
        let numbers: Result<Vec<u64>, _> = text.split(',').map(|n| n.trim().parse()).collect();
        let seeds = match numbers.as_deref() {
            Ok(&[number]) if number <= MOST_SEEDS => (1..=number).collect(),
            Ok(seeds) => seeds.to_vec(),
            Err(_) => return refuse(),
        };
        let distinct: BTreeSet<u64> = seeds.iter().copied().collect();
        let is_good = (2..=MOST_SEEDS as usize).contains(&seeds.len());
        if !is_good || distinct.len() < seeds.len() {
            return refuse();
        }
        Ok(Self(seeds))
    }
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The directory of a run that is begun or given by its configuration [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Train a run for each of several seeds, one after the other, in DIR/seed-N: 3 for the seeds 1 to 3, or a list
    /// such as 1,4,7; then print mean, deviation and interval of the validation metrics
    #[arg(long, value_name = "N|SEED,...", value_parser = Seeds::parse, conflicts_with = "seed")]
    pub(crate) seeds: Option<Seeds>,
    /// Go on with a run, from its newest checkpoint: give its directory in place of a configuration,
    /// `scst train --resume runs/NAME`, or the configuration that it was begun with
    #[arg(long, conflicts_with = "resume_or_start")]
    pub(crate) resume: bool,
    /// The same with a configuration, or begin a run if there is none: for job scripts
    #[arg(long)]
    pub(crate) resume_or_start: bool,
    /// Read all features of a resumed run again and compare their checksum, even where size, time and
    /// sampled rows of the files are as they were
    #[arg(long)]
    pub(crate) verify_features: bool,
    /// Sample captions to show at the end of the first stage and of the run, no more than the run keeps
    /// (`validation.samples`); 0 for none
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) show: usize,
    /// Write a fingerprint of all weights into metrics.jsonl every N steps: equal where every bit is
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) hash_every: Option<u64>,
    #[command(flatten)]
    pub(crate) ranks: RankArguments,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_number_or_a_list() {
        let seeds = |text| Seeds::parse(text).map(|Seeds(seeds)| seeds);
        assert_eq!(seeds("3"), Ok(vec![1, 2, 3]));
        assert_eq!(seeds("7,1, 4"), Ok(vec![7, 1, 4]));
        for text in ["1", "0", "", "2,2", "1001", "x", "1,", "-1,2"] {
            assert!(seeds(text).is_err(), "{text}");
        }
    }
}
