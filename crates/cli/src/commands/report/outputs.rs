//! The captions of the checkpoints of a run.

use std::collections::BTreeSet;

use scst_report::Source;
use scst_trainer::{Checkpoint, Config, Registry};

use super::run_files::RunFiles;
use crate::{
    arguments::EvaluationArguments,
    commands::{captions::Captions, decoded::decode_run, evaluation::Looks},
    failure::Failure,
};

/// A run, or the runs of several seeds, with their captions.
pub(super) struct Side {
    /// That of the first seed.
    pub(super) config: Config,
    pub(super) decoder: String,
    pub(super) signature: String,
    pub(super) sources: Vec<Source>,
    pub(super) outputs: Vec<SideOutput>,
}

/// The captions of a checkpoint of every seed.
pub(super) struct SideOutput {
    /// The stage.
    pub(super) label: String,
    pub(super) runs: Vec<Captions>,
    /// Whether each caption of the first seed was cut off.
    pub(super) is_cut_off: Vec<bool>,
    /// Samples of the first seed, by the place of their source.
    pub(super) samples: Vec<(usize, Vec<String>)>,
    /// Where the captioner of the first seed looked.
    pub(super) attention: Vec<Looks>,
}

/// How captions are decoded.
pub(super) struct Decoding<'a> {
    pub(super) arguments: &'a EvaluationArguments,
    pub(super) registry: &'a Registry,
}

impl Decoding<'_> {
    pub(super) fn outputs(
        &self,
        files: &RunFiles,
        warned: &mut BTreeSet<String>,
    ) -> Result<Side, Failure> {
        let mut side: Option<Side> = None;
        for checkpoints in &files.checkpoints {
            for (k, (label, path)) in checkpoints.iter().enumerate() {
                let checkpoint =
                    Checkpoint::load_run_or_checkpoint(path, &self.registry.captioners)?;
                let decoded =
                    decode_run((path, checkpoint), self.arguments, self.registry, warned)?;
                let captions = decoded.captions(path);
                let sources = decoded.captions.iter().map(|source| Source {
                    name: source.name.clone(),
                    text: source.source.clone(),
                    references: source.references.clone(),
                    picture: None,
                    attention: None,
                });
                let sources = sources.collect();
                let is_cut_off = decoded.captions.iter().map(|source| source.is_cut_off);
                let output = || SideOutput {
                    label: label.clone(),
                    runs: Vec::new(),
                    is_cut_off: is_cut_off.collect(),
                    samples: decoded.samples.clone(),
                    attention: decoded.attention.clone(),
                };
                let side = side.get_or_insert_with(|| Side {
                    config: decoded.config,
                    decoder: decoded.decoder,
                    signature: decoded.signature,
                    sources,
                    outputs: Vec::new(),
                });
                if side.outputs.len() == k {
                    side.outputs.push(output());
                }
                side.outputs[k].runs.push(captions);
            }
        }
        side.ok_or_else(|| {
            Failure::Mistake(format!("`{}`: found no run, expected one", files.name))
        })
    }
}
