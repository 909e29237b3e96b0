//! `scst card`: the model card of a run, beside its weights.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    slice,
};

use scst_files::write_bytes_atomically;
use scst_report::{CardDetails, card};
use scst_trainer::{Config, Registry};

use super::{
    gathering::{Gathered, Gathering},
    run_files::Checkpoints,
};
use crate::{
    arguments::CardArguments,
    commands::{out_file::check_out_file, seed_runs::SeedRuns, set_threads},
    failure::Failure,
    output::note,
};

/// Resamples of the bootstrap, as many as `scst report` has.
const RESAMPLES: usize = 10_000;
/// What a card ends with that this program wrote: others are somebody's own.
const MARK: &str = "<!-- Written by scst card: without this line it is never replaced. -->\n";

pub(crate) fn run(arguments: &CardArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    let evaluation = &arguments.evaluation;
    set_threads(evaluation.threads.or_else(|| evaluation.set.threads()))?;
    let run = &arguments.run;
    if let Some(seeds) = SeedRuns::read(run)? {
        let first = seeds.seeds.first().copied().unwrap_or(1);
        return Err(Failure::Mistake(format!(
            "`{}`: found the runs of several seeds, expected one run, such as `{}`",
            run.display(),
            run.join(format!("seed-{first}")).display()
        )));
    }
    if let Some(out) = &arguments.out {
        check_out_file("--out", out)?;
    }
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| run.join("best").join("README.md"));
    check_replaceable(&out, arguments.force)?;
    let gathering = Gathering {
        runs: slice::from_ref(run),
        checkpoints: Checkpoints::Best,
        evaluation,
        resamples: RESAMPLES,
    };
    let Gathered { report, config, .. } = gathering.gather(registry)?;
    let mut text = card(&report, &details(arguments, &config))?;
    text += MARK;
    let written = write_bytes_atomically(&out, text.as_bytes());
    written.map_err(|error| Failure::failed(&error))?;
    note!("{}", out.display());
    Ok(ExitCode::SUCCESS)
}

/// Refuses to replace what somebody wrote.
fn check_replaceable(out: &Path, is_forced: bool) -> Result<(), Failure> {
    let is_foreign = |bytes: Vec<u8>| !String::from_utf8_lossy(&bytes).ends_with(MARK);
    if !is_forced && fs::read(out).is_ok_and(is_foreign) {
        return Err(Failure::Mistake(format!(
            "`{}`: found a file that is not of `scst card`, expected none; replace it with --force, or say where the card \
             goes with --out",
            out.display()
        )));
    }
    Ok(())
}

fn details(arguments: &CardArguments, config: &Config) -> CardDetails {
    let (task, tags) = if config.data.text.is_some() {
        (
            ["text2text-generation", "Text generation"],
            ["text-generation"],
        )
    } else {
        (["image-to-text", "Image captioning"], ["image-captioning"])
    };
    let tags = tags
        .into_iter()
        .chain(["self-critical-sequence-training", "reinforcement-learning"]);
    CardDetails {
        name: config.name.clone(),
        license: arguments.license.clone(),
        languages: arguments.language.clone(),
        task: task.map(str::to_owned),
        dataset: arguments.dataset.clone().unwrap_or_else(|| data_of(config)),
        captioner: config.model.name().to_owned(),
        tags: tags.map(str::to_owned).collect(),
    }
}

/// File and folder of the captions or texts: what is above them says where somebody works, not what they are.
fn data_of(config: &Config) -> String {
    let first = config.paths().into_iter().next();
    let path = first.map_or_else(PathBuf::new, |(_, path)| path);
    let folder = path.parent().and_then(Path::file_name).map(Path::new);
    let file = path.file_name().map(Path::new);
    let parts: PathBuf = folder.into_iter().chain(file).collect();
    parts.display().to_string()
}
