//! The captions of runs on a split, decoded once and kept in the run directory: `decoded/SPLIT-KEY.json`.
//!
//! The key is a hash of all that captions depend on: the weights and words of the checkpoint, the configuration with what
//! the command line sets over it, the decoder, the split, when the data were written and how long they are, and the
//! version of the program. A file that is not whole, or of another version, is as good as none.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use scst_files::write_bytes_atomically;
use scst_trainer::{Alone, Checkpoint, Config, Registry, ScoredCaption, events::METRICS_FILE};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    arguments::EvaluationArguments,
    build_info,
    commands::{
        captions::Captions,
        evaluation::{Looks, Prepared, warn_once},
    },
    failure::Failure,
    output::note,
};

/// Name of the folder in a run directory.
const FOLDER: &str = "decoded";
/// What the file looks like; part of the key.
const FORMAT: &str = "2";
/// Sources that captions are sampled of, and samples of each.
const SAMPLED: usize = 4;
const SAMPLES: usize = 5;
/// How many folders a checkpoint is below its run directory, at most.
const DEPTH: usize = 3;

/// The captions of a run on a split.
pub(crate) struct Decoded {
    /// That of the run, with what the arguments set over it.
    pub(crate) config: Config,
    /// How they were decoded.
    pub(crate) decoder: String,
    /// Every choice that changes the scores.
    pub(crate) signature: String,
    /// One a source, in the order of the split.
    pub(crate) captions: Vec<DecodedSource>,
    /// Sampled captions of a few sources, by their place in the split.
    pub(crate) samples: Vec<(usize, Vec<String>)>,
    /// Where the captioner looked in a few images, if it attends.
    pub(crate) attention: Vec<Looks>,
}

/// The caption of a source.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DecodedSource {
    /// What the image or text is called.
    pub(crate) name: String,
    /// What was read, if that is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    pub(crate) caption: String,
    pub(crate) references: Vec<String>,
    pub(crate) is_cut_off: bool,
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    decoder: String,
    signature: String,
    /// What was warned of.
    warnings: Vec<String>,
    captions: Vec<DecodedSource>,
    samples: Vec<(usize, Vec<String>)>,
    attention: Vec<Looks>,
}

/// Decodes the split that the arguments name, unless that was done before.
///
/// `model`: where the checkpoint comes from. `warned` is what was warned of before.
pub(crate) fn decode_run(
    (model, checkpoint): (&Path, Checkpoint),
    arguments: &EvaluationArguments,
    registry: &Registry,
    warned: &mut BTreeSet<String>,
) -> Result<Decoded, Failure> {
    let prepared = Prepared::new((model, checkpoint), arguments, registry)?;
    let kept = kept(&prepared, arguments)?;
    let found = kept.as_deref().and_then(read);
    let file = match found {
        Some(file) => {
            for warning in &file.warnings {
                warn_once(warning, warned);
            }
            file
        }
        None => {
            note!("captions of {}", model.display());
            let before = warned.clone();
            let opened = prepared.open(warned, &Alone)?;
            let report = opened.evaluate(&[], &Alone)?;
            let places = spread(report.captions.len());
            let samples = opened.samples(&places, SAMPLES)?;
            let attention = opened.attention(&places)?;
            let file = File {
                decoder: report.decoder,
                signature: report.signature,
                warnings: warned.difference(&before).cloned().collect(),
                captions: report.captions.into_iter().map(decoded).collect(),
                samples: places.into_iter().zip(samples).collect(),
                attention,
            };
            if let Some(path) = kept {
                write(&path, &file);
            }
            file
        }
    };
    Ok(Decoded {
        config: prepared.config,
        decoder: file.decoder,
        signature: file.signature,
        captions: file.captions,
        samples: file.samples,
        attention: file.attention,
    })
}

/// A few places of a split, far from one another.
fn spread(sources: usize) -> Vec<usize> {
    let few = SAMPLED.min(sources);
    (0..few).map(|k| k * sources / few).collect()
}

fn decoded(scored: ScoredCaption) -> DecodedSource {
    DecodedSource {
        name: scored.name,
        source: scored.source,
        caption: scored.caption,
        references: scored.references,
        is_cut_off: scored.is_cut_off,
    }
}

/// The file, of a checkpoint that lies in a run directory.
fn kept(
    prepared: &Prepared<'_>,
    arguments: &EvaluationArguments,
) -> Result<Option<PathBuf>, Failure> {
    let checkpoint = prepared.checkpoint.directory();
    let above = checkpoint.ancestors().take(DEPTH);
    let Some(run) = above
        .into_iter()
        .find(|path| path.join(METRICS_FILE).is_file())
    else {
        return Ok(None);
    };
    let split = arguments.split().name();
    let mut sum = Sha256::new();
    let mut add = |what: &str, text: &str| sum.update(format!("{what} {}\n{text}\n", text.len()));
    add("format", FORMAT);
    add("program", build_info::line());
    add("checkpoint", prepared.checkpoint.fingerprint());
    add("configuration", &prepared.checkpoint.config.to_toml()?);
    add("backend", &format!("{:?}", prepared.config.backend));
    add("decoder", &format!("{:?}", prepared.decoder));
    add("split", split);
    for (key, path) in prepared.config.paths() {
        // The same file from whatever directory it is seen.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let metadata = fs::metadata(&path).ok();
        let written = metadata
            .as_ref()
            .and_then(|metadata| metadata.modified().ok());
        let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let length = metadata.map(|metadata| metadata.len());
        add(&key, &format!("{} {written:?} {length:?}", path.display()));
    }
    let key = sum.finalize();
    let (first, _) = key.as_chunks::<8>();
    let key = u64::from_be_bytes(first[0]);
    let name = format!("{split}-{key:016x}.json");
    Ok(Some(run.join(FOLDER).join(name)))
}

/// What a file holds, if it is there and whole.
fn read(path: &Path) -> Option<File> {
    let file: File = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let sources = file.captions.len();
    let places = file.samples.iter().map(|(place, _)| place);
    let mut places = places.chain(file.attention.iter().map(|(place, _)| place));
    places.all(|&place| place < sources).then_some(file)
}

/// Keeps captions; where they cannot be kept, as in a run directory that is not ours, they are decoded again next time.
fn write(path: &Path, file: &File) {
    let write = || -> Result<(), Box<dyn std::error::Error>> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(write_bytes_atomically(path, &serde_json::to_vec(file)?)?)
    };
    if let Err(error) = write() {
        note!("captions are not kept: {error}");
    }
}

impl Decoded {
    /// The captions as they are compared, of the run or checkpoint at `path`.
    pub(crate) fn captions(&self, path: &Path) -> Captions {
        let mut parts = self.signature.split(['|', '+']);
        let words = parts.find(|part| part.starts_with("words:"));
        let of =
            |text: fn(&DecodedSource) -> &String| self.captions.iter().map(text).cloned().collect();
        Captions {
            path: path.display().to_string(),
            kind: self.config.data.names().sources,
            sources: of(|source| &source.name),
            texts: of(|source| &source.caption),
            references: self
                .captions
                .iter()
                .map(|source| source.references.clone())
                .collect(),
            raw: None,
            decoder: Some(self.decoder.clone()),
            words: words.map_or(String::new(), |words| format!("|{words}")),
        }
    }
}
