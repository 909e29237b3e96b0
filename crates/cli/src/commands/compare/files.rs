//! Captions in files, as `scst score` reads them.

use std::path::{Path, PathBuf};

use scst_data::{CaptionFile, Split, coco_evaluation::pair};
use scst_reward::TextMetric;

use crate::{
    arguments::{CompareArguments, Tokenizer},
    commands::{
        captions::{Captions, Side},
        input::Input,
    },
    failure::Failure,
    output::warn,
};

/// The sides, and the metrics of raw text that are asked for.
pub(super) fn sides_of_files(
    paths: &[Vec<PathBuf>],
    references: &Path,
    arguments: &CompareArguments,
) -> Result<(Vec<Side>, Vec<TextMetric>), Failure> {
    let tokenizer = arguments.tokenizer.unwrap_or(Tokenizer::Ptb);
    let input = Input::open(references)?;
    let split = arguments.evaluation.split.map(Split::from);
    let read = input.read(None, split);
    let references = read.map_err(|error| input.failed(error))?;
    references.notices.iter().for_each(warn);
    let references = (&input, references);
    let mut sides = Vec::new();
    for paths in paths {
        let runs = paths
            .iter()
            .map(|path| captions(path, &references, tokenizer));
        sides.push(Side::of(paths, runs.collect::<Result<_, Failure>>()?));
    }
    Ok((sides, arguments.metrics.clone()))
}

/// The captions of a file, in the order of the references.
fn captions(
    path: &Path,
    (of_references, references): &(&Input, CaptionFile),
    tokenizer: Tokenizer,
) -> Result<Captions, Failure> {
    let input = Input::open(path)?;
    let named = |error| match input.failed(error) {
        Failure::Mistake(message) => Failure::Mistake(of_references.named(message)),
        Failure::Failed(message) => Failure::Failed(of_references.named(message)),
    };
    let mut candidates = input.read(None, None).map_err(named)?;
    let numbered = candidates.number_lines(input.path(), (of_references.path(), references));
    numbered.map_err(named)?;
    candidates.notices.iter().for_each(warn);
    let pairs = pair(
        (of_references.path(), &references.images),
        (input.path(), &candidates.captions),
        false,
    );
    let pairs = pairs.map_err(named)?;
    let all = |map: &dyn Fn(&str) -> String| Captions {
        path: path.display().to_string(),
        kind: "images",
        sources: pairs.iter().map(|(image, _)| image.id.to_text()).collect(),
        texts: pairs
            .iter()
            .map(|(_, result)| map(&result.caption))
            .collect(),
        references: pairs
            .iter()
            .map(|(image, _)| image.captions.iter().map(|text| map(text)).collect())
            .collect(),
        raw: None,
        decoder: None,
        words: format!("|tokenizer:{}", tokenizer.name()),
    };
    Ok(Captions {
        raw: Some(Box::new(all(&str::to_owned))),
        ..all(&|text| tokenizer.tokenize(text))
    })
}
