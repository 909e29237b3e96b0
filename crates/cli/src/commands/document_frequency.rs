//! `scst document-frequency`: a table for CIDEr from captions.

use std::process::ExitCode;

use rayon::prelude::*;
use scst_data::{
    JsonLayout, Split,
    coco_evaluation::{check_referenced, read_references},
    json_layout,
};
use scst_reward::DocumentFrequency;
use scst_trainer::files::write_bytes_atomically;

use crate::{
    arguments::DocumentFrequencyArguments,
    commands::caption_file::{caption_source, is_table},
    failure::Failure,
    output::{print_line, warn},
};

pub(crate) fn run(arguments: &DocumentFrequencyArguments) -> Result<ExitCode, Failure> {
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

/// The raw captions of every image.
fn raw_captions(arguments: &DocumentFrequencyArguments) -> Result<Vec<Vec<String>>, Failure> {
    let path = &arguments.captions;
    if !is_table(path)? && json_layout(path)? == JsonLayout::Coco {
        let images = read_references(path)?;
        check_referenced(path, &images)?;
        return Ok(images.into_iter().map(|image| image.captions).collect());
    }
    let source = caption_source(path, arguments.splits.as_deref(), arguments.split)?;
    let split = Split::from(arguments.split);
    let captions = source.read(None)?;
    captions.notices.iter().for_each(warn);
    let images = captions.images.into_iter();
    let raw: Vec<Vec<String>> = images
        .filter(|image| image.split == split)
        .map(|image| image.captions.into_iter().map(|c| c.raw).collect())
        .collect();
    if raw.is_empty() {
        return Err(Failure::Mistake(format!(
            "`{}` holds no {split} images, expected 1 or more",
            path.display()
        )));
    }
    Ok(raw)
}
