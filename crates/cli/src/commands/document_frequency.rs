//! `scst document-frequency`: a table for CIDEr from captions. And the reading of such tables, this program's and those
//! that Python has pickled.

use std::{path::Path, process::ExitCode};

use rayon::prelude::*;
use scst_data::{
    CaptionLayout, JsonLayout, PickledFrequencies, Split, caption_layout,
    coco_evaluation::check_referenced,
    looks_like::{Kind, looks_like},
    read_captions,
};
use scst_files::write_bytes_atomically;
use scst_reward::{DocumentFrequency, RewardError};

use crate::{
    arguments::{DocumentFrequencyArguments, SplitName},
    commands::out_file::check_out_file,
    failure::Failure,
    output::{print_line, warn},
};

pub(crate) fn run(arguments: &DocumentFrequencyArguments) -> Result<ExitCode, Failure> {
    check_out_file("--out", &arguments.out)?;
    let raw = raw_captions(arguments)?;
    let tokenized: Vec<Vec<String>> = raw
        .par_iter()
        .map(|captions| {
            let captions = captions.iter();
            captions
                .map(|caption| arguments.tokenizer.tokenize(caption))
                .collect()
        })
        .collect();
    let table = DocumentFrequency::from_texts(&tokenized)?;
    write_bytes_atomically(&arguments.out, &table.to_bytes())
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let ngrams: Vec<String> = (1..=scst_reward::MAX_ORDER)
        .map(|order| table.distinct(order).to_string())
        .collect();
    print_line!(
        "{} images, {} distinct n-grams of order 1, 2, 3 and 4, {}",
        table.images(),
        ngrams.join(", "),
        table.signature()
    );
    Ok(ExitCode::SUCCESS)
}

/// The table of a file.
pub(crate) fn read_table(path: &Path) -> Result<DocumentFrequency, Failure> {
    let of_file = |what: String| Failure::Mistake(format!("`{}`: {what}", path.display()));
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::Mistake(format!("cannot read `{}`: {error}", path.display())))?;
    if PickledFrequencies::is_pickle(&bytes) {
        return pickled_table(path);
    }
    match (DocumentFrequency::from_bytes(&bytes), looks_like(&bytes)) {
        (Ok(table), _) => Ok(table),
        (Err(RewardError::TableMagic), found) if found != Kind::Unknown => Err(of_file(format!(
            "found {found}, expected a table of `scst document-frequency` or coco-train-words.p"
        ))),
        (Err(error), _) => Err(of_file(error.to_string())),
    }
}

/// The table of self-critical.pytorch.
fn pickled_table(path: &Path) -> Result<DocumentFrequency, Failure> {
    let PickledFrequencies {
        images,
        logarithm,
        words,
        ngrams,
    } = PickledFrequencies::read(path)?;
    if let Some(logarithm) = logarithm {
        warn(&format!(
            "`{}`: `ref_len` is {logarithm}, taken for the logarithm of {images} images",
            path.display()
        ));
    }
    Ok(DocumentFrequency::from_counts(images, &ngrams)?.with_words(words)?)
}

/// The raw captions of every image.
fn raw_captions(arguments: &DocumentFrequencyArguments) -> Result<Vec<Vec<String>>, Failure> {
    let path = &arguments.captions;
    let has_splits = match caption_layout(path)? {
        CaptionLayout::Json(layout) => layout == JsonLayout::Karpathy,
        CaptionLayout::Table => arguments.splits.is_some(),
        _ => false,
    };
    // Where there are splits, the training images are counted unless others are asked for.
    let of_training = has_splits.then_some(SplitName::Train);
    let split = arguments.split.or(of_training).map(Split::from);
    let file = read_captions(path, arguments.splits.as_deref(), split)?;
    file.notices.iter().for_each(warn);
    check_referenced(path, &file.images)?;
    Ok(file
        .images
        .into_iter()
        .map(|image| image.captions)
        .collect())
}
