//! References and candidates of `scst score`, and what is said of them.

use std::path::Path;

use scst_data::{
    CaptionFile, CaptionLayout, DataError, Split,
    coco_evaluation::{CaptionResult, ReferencedImage, ids_of_two_kinds},
};

use crate::commands::input::Input;
use crate::{
    arguments::{ScoreArguments, SplitName},
    failure::Failure,
    output::warn,
};

/// References and candidates, as they were read.
pub(super) struct Files {
    pub(super) inputs: [Input; 2],
    references: CaptionFile,
    candidates: CaptionFile,
    split: Option<SplitName>,
}

impl Files {
    pub(super) fn read(arguments: &ScoreArguments) -> Result<Self, Failure> {
        let (refs, cands) = (&*arguments.references, &*arguments.candidates);
        if [refs, cands] == [Path::new("-"); 2] {
            return Err(Failure::Mistake(
                "found `-` for both references and candidates, expected one of them in a file"
                    .to_owned(),
            ));
        }
        let inputs = [Input::open(refs)?, Input::open(cands)?];
        let [refs, cands] = &inputs;
        let splits = arguments.splits.as_deref();
        let split = arguments.split.map(Split::from);
        let (references, candidates) =
            rayon::join(|| refs.read(splits, split), || cands.read(None, None));
        let references = references.map_err(|error| named(&inputs, error))?;
        let mut candidates = candidates.map_err(|error| named(&inputs, error))?;
        let numbered = candidates.number_lines(inputs[1].path(), (inputs[0].path(), &references));
        numbered.map_err(|error| named(&inputs, error))?;
        if references.layout == CaptionLayout::Lines && candidates.layout != CaptionLayout::Lines {
            return Err(Failure::Mistake(inputs[0].named(format!(
                "`{}` is plain text, expected references with the names of their images, or candidates in plain text \
                 too",
                inputs[0].path().display()
            ))));
        }
        let files = Self {
            inputs,
            references,
            candidates,
            split: arguments.split,
        };
        let notices = files.references.notices.iter();
        let notices = notices.chain(&files.candidates.notices).cloned();
        let of_ids = ids_of_two_kinds(files.references(), files.candidates());
        for notice in notices.chain(of_ids) {
            warn(&in_words(&files.inputs, notice.to_string()));
        }
        Ok(files)
    }

    pub(super) fn references(&self) -> (&Path, &[ReferencedImage]) {
        (self.inputs[0].path(), &self.references.images)
    }

    pub(super) fn candidates(&self) -> (&Path, &[CaptionResult]) {
        (self.inputs[1].path(), &self.candidates.captions)
    }

    pub(super) fn failure(&self, error: DataError) -> Failure {
        let is_unlisted = matches!(error, DataError::UnlistedImage { .. });
        match (named(&self.inputs, error), self.split) {
            (Failure::Mistake(message), Some(split)) if is_unlisted => Failure::Mistake(format!(
                "{message} among the images of --split {}",
                split.name()
            )),
            (failure, _) => failure,
        }
    }
}

/// A message in which standard input is called so.
fn in_words(inputs: &[Input; 2], message: String) -> String {
    let [refs, cands] = inputs;
    cands.named(refs.named(message))
}

fn named(inputs: &[Input; 2], error: DataError) -> Failure {
    let is_twice = matches!(&error, DataError::Duplicate { path, .. } if path == inputs[1].path());
    let hint = if is_twice {
        "; --several scores several captions an image"
    } else {
        ""
    };
    match error.into() {
        Failure::Mistake(message) => Failure::Mistake(in_words(inputs, message) + hint),
        Failure::Failed(message) => Failure::Failed(in_words(inputs, message)),
    }
}
