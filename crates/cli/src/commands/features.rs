//! `scst features`: from a folder of images to feature files.

use std::{process::ExitCode, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};
use scst_encoder::{EncoderError, Extraction, ExtractionEvent, extract_in};

use crate::{
    arguments::FeaturesArguments,
    commands::{number_of_threads, set_threads},
    display::draws_bars,
    failure::Failure,
    output::{print_line, say},
    ranks::Ranks,
};

pub(crate) fn run(arguments: &FeaturesArguments, ranks: &Ranks) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads.or_else(|| ranks.threads()))?;
    let extraction = Extraction {
        images: arguments.images.clone(),
        is_recursive: arguments.recursive,
        replaces: arguments.force,
        architecture: arguments.encoder,
        weights: arguments.weights.clone(),
        pooled: arguments.out.clone(),
        grid: arguments.grid.clone(),
        element: arguments.dtype.into(),
        on_error: arguments.on_error.into(),
        threads: number_of_threads(),
    };
    let start = Instant::now();
    let bar = if draws_bars() && ranks.is_first() {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} images {per_sec} {eta}")
    {
        bar.set_style(style);
    }
    let outcome = extract_in(ranks.group(), &extraction, &mut |event| {
        match event {
        ExtractionEvent::Changed { path, change } => bar.suspend(|| {
            say!(
                "image `{}` {change} since the work was interrupted: images from there on are encoded again",
                path.display()
            );
        }),
        ExtractionEvent::Started {
            images,
            done,
            passed_over,
        } => {
            if !passed_over.is_empty() {
                bar.suspend(|| print_line!("{passed_over}"));
            }
            bar.set_length(*images as u64);
            bar.set_position(*done as u64);
            bar.reset_eta();
            if *done > 0 {
                bar.suspend(|| say!("going on after {done} of {images} images"));
            }
        }
        ExtractionEvent::Encoded => bar.inc(1),
        ExtractionEvent::Skipped { path, error } => {
            bar.suspend(|| say!("left out: image `{}`: {error}", path.display()));
        }
    }
    });
    bar.finish_and_clear();
    let extracted = outcome.map_err(with_hint)?;
    let seconds = start.elapsed().as_secs_f64();
    let encoded = extracted.images + extracted.skipped - extracted.done_before;
    print_line!(
        "{} images, {} left out, {} other files passed over, {:.1} images/s",
        extracted.images,
        extracted.skipped,
        extracted.passed_over,
        encoded as f64 / seconds
    );
    let files = [&arguments.out, &arguments.grid];
    for path in files.into_iter().flatten() {
        print_line!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The failure, with what can be done about a broken image.
fn with_hint(error: EncoderError) -> Failure {
    let is_picture = matches!(error, EncoderError::Picture { .. });
    match error.into() {
        Failure::Mistake(message) if is_picture => Failure::Mistake(format!(
            "{message}; the images before it are done: mend it, or add --on-error skip, and run \
             the command again"
        )),
        failure => failure,
    }
}
