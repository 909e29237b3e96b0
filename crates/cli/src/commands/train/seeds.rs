//! `scst train --seeds`: a run for each of several seeds, one after the other, and how much they vary.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use scst_files::write_bytes_atomically;
use scst_reward::ReportMetric;
use scst_significance::{LEVEL, Spread};
use scst_trainer::{Alone, Config, Outcome, Registry, Start, Summary, config::ValidConfig};
use serde_json::{Map, Value, json};

use super::{
    given::{Given, holds_seeds, is_run, refuse_out},
    one::{Surroundings, resume_line, train_run},
};
use crate::{
    arguments::{Seeds, TrainArguments},
    commands::seed_runs::{SeedRuns, run_of, write_json},
    failure::Failure,
    output::{note, print_line, program, quoted},
};

/// What is to be trained, and where.
pub(super) struct Plan {
    pub(super) directory: PathBuf,
    /// The configuration, but for its seed.
    pub(super) config: ValidConfig,
    runs: SeedRuns,
}

impl Plan {
    /// What the arguments ask for, in the light of what is there.
    ///
    /// # Errors
    /// A [`Failure::Mistake`] when runs are there and none may go on, or the other way round, or a single run is.
    pub(super) fn of(
        arguments: &TrainArguments,
        given: Given,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let (path, directory) = match given {
            Given::Config(path) => (path, arguments.out.clone()),
            Given::Seeds(directory) => {
                refuse_out(arguments, &directory)?;
                (directory.join("config.toml"), Some(directory))
            }
            Given::Run(directory) => return Err(is_one_run(&directory)),
        };
        let is_of_runs = directory.as_ref().is_some_and(|at| path.starts_with(at));
        let overrides = arguments.config.overrides()?;
        let config = Config::load(&path, overrides, &registry.captioners)?;
        let directory = directory.unwrap_or_else(|| Path::new("runs").join(&config.name));
        if is_run(&directory) {
            return Err(is_one_run(&directory));
        }
        let before = SeedRuns::read(&directory)?;
        let asked = arguments.seeds.iter().flat_map(|Seeds(seeds)| seeds);
        let seeds = match &before {
            Some(_) if !(arguments.resume || arguments.resume_or_start) => {
                return Err(holds_seeds(&directory));
            }
            None if arguments.resume => {
                return Err(Failure::Mistake(format!(
                    "`{}` holds no runs of several seeds that could go on, expected --resume-or-start or neither",
                    directory.display()
                )));
            }
            Some(before) => {
                let more = asked.filter(|seed| !before.seeds.contains(seed));
                before.seeds.iter().chain(more).copied().collect()
            }
            None => asked.copied().collect(),
        };
        let mut plan = Self {
            directory,
            config,
            runs: SeedRuns::here(seeds)?,
        };
        if let Some(before) = before.filter(|_| is_of_runs) {
            plan.check_place(&before)?;
            plan.runs.working_directory = before.working_directory;
        }
        Ok(plan)
    }

    /// The directories of all runs.
    pub(super) fn directories(&self) -> Vec<PathBuf> {
        let seeds = self.runs.seeds.iter();
        seeds.map(|&seed| run_of(&self.directory, seed)).collect()
    }

    /// Whether runs that are still to begin find what the configuration names.
    fn check_place(&self, before: &SeedRuns) -> Result<(), Failure> {
        let is_elsewhere = self.runs.working_directory != before.working_directory;
        let mut seeds = self.runs.seeds.iter();
        match seeds.find(|&&seed| !run_of(&self.directory, seed).join("config.toml").exists()) {
            Some(seed) if is_elsewhere => Err(Failure::Mistake(format!(
                "`{}` has not begun with seed {seed}, and its paths start from `{}`: expected to go on from there",
                self.directory.display(),
                before.working_directory.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Trains what is left to train and writes the summary; returns whether all runs are finished.
    pub(super) fn train(
        &self,
        arguments: &TrainArguments,
        stop: &AtomicBool,
        registry: &Registry,
    ) -> Result<bool, Failure> {
        let directory = &self.directory;
        fs::create_dir_all(directory).map_err(|error| {
            Failure::Failed(format!("cannot create `{}`: {error}", directory.display()))
        })?;
        let toml = self.config.to_toml()?;
        write_bytes_atomically(&directory.join("config.toml"), toml.as_bytes())
            .map_err(|error| Failure::failed(&error))?;
        self.runs.write(directory)?;
        let mut summaries = Vec::with_capacity(self.runs.seeds.len());
        for (k, &seed) in self.runs.seeds.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            note!("seed {seed}, run {} of {}", k + 1, self.runs.seeds.len());
            let mut config: Config = self.config.clone().into();
            config.seed = seed;
            let config = config.validate()?;
            let run = run_of(directory, seed);
            let start = (&*run, Start::ResumeOrNew);
            let around = Surroundings {
                stop,
                registry,
                group: &Alone,
            };
            let outcome = train_run(&config, start, arguments, around);
            let outcome = outcome.map_err(|failure| {
                let advice = format!("to go on with all seeds:\n  {}", resume_line(directory));
                failure.followed_by(&advice)
            })?;
            match outcome {
                Outcome::Finished(summary) => summaries.push(*summary),
                Outcome::AlreadyFinished { summary, .. } => {
                    note!("seed {seed} was finished already");
                    summaries.push(*summary);
                }
                Outcome::Stopped { .. } => return Ok(false),
            }
        }
        let spreads = spreads(&summaries);
        let path = directory.join("summary.json");
        write_json(&path, &summary(&self.runs.seeds, &summaries, &spreads))?;
        self.print(&spreads);
        Ok(true)
    }

    fn print(&self, spreads: &[(ReportMetric, Vec<f64>, Spread)]) {
        let seeds: Vec<String> = self.runs.seeds.iter().map(u64::to_string).collect();
        print_line!(
            "{} seeds ({}), the best validation of each:",
            seeds.len(),
            seeds.join(", ")
        );
        for (metric, _, spread) in spreads {
            let Spread {
                mean,
                deviation,
                interval: [low, high],
            } = spread;
            print_line!(
                "{:<8} mean {mean:.4}, deviation {deviation:.4}, {:.0} % interval of the mean {low:.4} to {high:.4}",
                metric.label(),
                100.0 * LEVEL
            );
        }
        let directory = quoted(&self.directory);
        print_line!("next: {} compare OTHER {directory} --split test", program());
    }
}

fn is_one_run(directory: &Path) -> Failure {
    Failure::Mistake(format!(
        "--seeds: `{}` holds one run, expected another directory (--out) for the runs of several seeds",
        directory.display()
    ))
}

/// Every metric of the best validations, over seeds.
fn spreads(summaries: &[Summary]) -> Vec<(ReportMetric, Vec<f64>, Spread)> {
    let best = summaries.iter().filter_map(|summary| summary.best.as_ref());
    let of_runs: Vec<_> = best
        .map(|best| ReportMetric::values(&best.scores))
        .collect();
    let Some(first) = of_runs.first() else {
        return Vec::new();
    };
    let metrics = first.iter().map(|(metric, _)| *metric);
    metrics
        .filter_map(|metric| {
            let of_run = |values: &Vec<(ReportMetric, f64)>| {
                let found = values.iter().find(|(other, _)| *other == metric);
                found.map(|(_, value)| *value)
            };
            let values: Vec<f64> = of_runs.iter().filter_map(of_run).collect();
            let spread = Spread::of(&values)?;
            Some((metric, values, spread))
        })
        .collect()
}

/// What `summary.json` holds.
fn summary(
    seeds: &[u64],
    summaries: &[Summary],
    spreads: &[(ReportMetric, Vec<f64>, Spread)],
) -> Value {
    let metrics: Map<String, Value> = spreads
        .iter()
        .map(|(metric, values, spread)| {
            let value = json!({
                "mean": spread.mean,
                "deviation": spread.deviation,
                "interval": spread.interval,
                "values": values,
            });
            (metric.name(), value)
        })
        .collect();
    json!({
        "seeds": seeds,
        "metrics": metrics,
        "level": LEVEL,
        "signature": summaries.first().map(|summary| &summary.signature),
        "runs": seeds.iter().map(|seed| format!("seed-{seed}")).collect::<Vec<_>>(),
    })
}
