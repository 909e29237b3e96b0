//! `scst generate`: targets of texts.

use std::{process::ExitCode, time::Duration};

use scst_data::{Row, SourceText, TextSources, read_sources};
use scst_trainer::{
    Backend, Caption, CaptionWriter, Checkpoint, Corpus, Registry,
    config::{DecoderConfig, Rerank, SearchConfig, Task},
};
use serde_json::{Value, json};

use crate::{
    arguments::GenerateArguments,
    commands::{input::Input, set_threads},
    display::Display,
    failure::Failure,
    output::{note, print_line},
};

pub(crate) fn run(arguments: &GenerateArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads.or_else(|| arguments.set.threads()))?;
    let mut checkpoint =
        Checkpoint::load_run_or_checkpoint(&arguments.model, &registry.captioners)?;
    arguments.set.apply(&mut checkpoint, &registry.captioners)?;
    let (Some(Task::Text(text)), Some(vocabulary)) =
        (checkpoint.config.data.task(), &checkpoint.source_vocabulary)
    else {
        return Err(Failure::Mistake(format!(
            "`{}` captions images, expected a run that reads texts; for images: `scst caption`",
            arguments.model.display()
        )));
    };
    let mut texts = TextSources::new(vocabulary.clone(), text.max_source_length);
    let decoder = arguments.decoder.resolve(&checkpoint)?;
    let input = Input::open(&arguments.sources)?;
    let sources = read_sources(input.path()).map_err(|error| input.failed(error))?;
    let rows = sources.iter().map(|source| texts.push(&source.text));
    let rows: Vec<Option<Row>> = rows.collect::<Result<_, _>>()?;
    if texts.cut() > 0 {
        note!(
            "{} of {} texts are longer than {} tokens (`data.text.max_source_length`) and are cut there",
            texts.cut(),
            sources.len(),
            text.max_source_length
        );
    }
    let backend = match &arguments.backend {
        Some(name) => Backend::parse(name)?,
        None => checkpoint.config.backend,
    };
    let device = backend.device()?;
    let corpus = match decoder.rerank {
        Rerank::Probability => None,
        Rerank::Consensus => {
            let mut config = checkpoint.config.clone();
            checkpoint.locate(&mut config)?;
            Some(Corpus::of_checkpoint(&config, &checkpoint, registry)?)
        }
    };
    let mut writer = CaptionWriter::new(&checkpoint, &decoder, corpus.as_ref(), registry, &device)?;

    let mut display = Display::of_run(&checkpoint.config, 0);
    let batch = decoder.sources_at_a_time(checkpoint.config.validation.sources_per_batch);
    let mut done = 0;
    let numbered: Vec<(&SourceText, Option<Row>)> = sources.iter().zip(rows).collect();
    for batch in numbered.chunks(batch) {
        display.progress("targets", done, sources.len(), Duration::ZERO);
        let rows: Vec<Row> = batch.iter().filter_map(|(_, row)| *row).collect();
        let mut found = match rows.as_slice() {
            [] => Vec::new(),
            rows => writer.targets(texts.read_batch(rows))?,
        }
        .into_iter();
        for (source, row) in batch {
            // Of a text without a token there is nothing to read, and so nothing to write.
            let targets = row.and_then(|_| found.next()).unwrap_or_default();
            print(arguments, &decoder, source, &targets);
        }
        done += batch.len();
    }
    display.finish();
    Ok(ExitCode::SUCCESS)
}

/// A line for a source, or for each of its samples.
fn print(
    arguments: &GenerateArguments,
    decoder: &DecoderConfig,
    source: &SourceText,
    targets: &[Caption],
) {
    let told = match decoder.search {
        SearchConfig::Sample(_) => targets,
        _ => &targets[..targets.len().min(1)],
    };
    if arguments.json {
        print_line!("{}", described(source, told));
    } else if told.is_empty() {
        print_line!("");
    } else {
        for target in told {
            print_line!("{}", target.text);
        }
    }
}

fn described(source: &SourceText, targets: &[Caption]) -> Value {
    let targets = targets.iter().map(|target| {
        json!({
            "target": target.text,
            "log_probability": target.log_probability,
            "breaks": target.broken,
        })
    });
    let mut line = json!({
        "source": source.text,
        "targets": targets.collect::<Vec<_>>(),
    });
    if let Some(id) = &source.id {
        line["id"] = json!(id);
    }
    line
}
