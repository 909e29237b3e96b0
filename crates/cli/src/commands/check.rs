//! `scst check`: what training would find, without training.

use std::process::ExitCode;

use scst_trainer::{
    Config, DataDescription, Event, FeaturesFound, Findings, Observer, Registry, StageFound,
    TrainError, check,
    config::{Names, ValidConfig},
};

use crate::{
    arguments::ConfigArguments,
    commands::set_threads,
    display::Display,
    failure::Failure,
    output::{error, note, print_line, warn},
};

pub(crate) fn run(arguments: ConfigArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    let config = Config::load(
        &arguments.config,
        arguments.overrides()?,
        &registry.captioners,
    )?;
    set_threads(config.threads)?;
    let findings = check(&config, registry, &mut Progress::new());
    print(&config, &findings);
    findings.warnings.iter().for_each(warn);
    if findings.problems.is_empty() {
        print_line!("no problems");
    }
    Ok(exit_code(findings.problems))
}

/// Tells problems; the exit code that they end with.
pub(super) fn exit_code(problems: Vec<TrainError>) -> ExitCode {
    let is_of_data = |problem: &TrainError| matches!(problem, TrainError::Data(_));
    let has_of_data = problems.iter().any(is_of_data);
    let problems = problems.into_iter().map(Failure::from);
    let problems: Vec<Failure> = problems.collect();
    problems.iter().for_each(error);
    if has_of_data {
        // Reading ends there: what follows it in the file is not known.
        note!("note: of a data file, the first problem is told: check again when it is mended");
    }
    // What the user can mend comes first.
    match problems.as_slice() {
        [] => ExitCode::SUCCESS,
        problems => {
            let mistake = problems.iter().find(|p| matches!(p, Failure::Mistake(_)));
            mistake.map_or(ExitCode::FAILURE, |mistake| ExitCode::from(mistake.code()))
        }
    }
}

/// Shows how far the check of the features is, and nothing else.
pub(super) struct Progress(Display);

impl Progress {
    pub(super) fn new() -> Self {
        Self(Display::new())
    }
}

impl Observer for Progress {
    fn observe(&mut self, event: &Event<'_>) {
        if let Event::CheckingFeatures { .. } = event {
            self.0.observe(event);
        }
    }
}

pub(super) fn print(config: &ValidConfig, findings: &Findings) {
    if let Some(data) = &findings.data {
        print_data(data, config.data.names());
    }
    if let Some(features) = &findings.features {
        print_features(features);
    }
    if let Some(parameters) = findings.parameters {
        let name = config.model.name();
        print_line!(
            "captioner   {name}, {parameters} parameters, {}",
            memory(parameters)
        );
    }
    for stage in &findings.stages {
        print_stage(stage, config.data.names());
    }
}

fn print_data(data: &DataDescription, names: Names) {
    let DataDescription {
        train_sources,
        val_sources,
        test_sources,
        train_captions,
        wordless,
        vocabulary,
        words,
        max_length,
        cut_captions,
        longest_caption,
        ..
    } = data;
    let Names {
        sources, targets, ..
    } = names;
    print_line!("{sources:<11} {train_sources} train, {val_sources} val, {test_sources} test");
    print_line!(
        "{targets:<11} {train_captions} to train on, {words} words; {wordless} without words left out"
    );
    print_line!(
        "vocabulary  {vocabulary} words; {:.1} % of the words of the {targets} are unknown",
        100.0 * data.unknown_share()
    );
    print_line!(
        "length      {cut_captions} {targets} ({:.1} %) are cut at {max_length} words, the longest has {longest_caption}",
        100.0 * data.cut_share()
    );
}

fn print_features(features: &FeaturesFound) {
    let FeaturesFound {
        dimension,
        are_of_regions,
        images,
    } = features;
    let form = if *are_of_regions {
        "vectors of regions"
    } else {
        "one vector an image"
    };
    print_line!("features    {images} images, {form}, {dimension} numbers each");
}

/// What weights take in 32 bits.
fn memory(parameters: usize) -> String {
    format!("{:.1} MB", 4.0 * parameters as f64 / 1e6)
}

fn print_stage(stage: &StageFound, names: Names) {
    let StageFound {
        name,
        kind,
        steps,
        steps_per_epoch,
        sources_left_out,
    } = stage;
    let left_out = match sources_left_out {
        0 => String::new(),
        left_out => format!(", {left_out} {} left out of each", names.sources),
    };
    let name = if name == kind {
        name.clone()
    } else {
        format!("{name} ({kind})")
    };
    print_line!(
        "stage       {name}: {steps} steps, {:.1} epochs of {steps_per_epoch} steps{left_out}",
        *steps as f64 / *steps_per_epoch as f64
    );
}
