//! Features of other data than those of a run.

use std::path::{Path, PathBuf};

use clap::Args;
use scst_data::{FeatureSource, FolderSource, NpySource, SafetensorsSource};

use crate::failure::Failure;

/// Where features are; how they are read is a matter of the run.
#[derive(Debug, Args)]
pub(crate) struct FeatureArguments {
    /// Features of other data: .npy, .safetensors, or a folder. They are read as those of the run:
    /// its key of a folder, its normalisation and its boxes
    #[arg(long, value_name = "PATH")]
    pub(crate) features: Option<PathBuf>,
    /// The folder of boxes that go with them [default: that of the run, if it has boxes]
    #[arg(long, value_name = "DIR", requires = "features")]
    pub(crate) boxes: Option<PathBuf>,
    /// The JSON file with the sizes of the images that the boxes lie in [default: that of the run]
    #[arg(long, value_name = "FILE.json", requires = "features")]
    pub(crate) sizes: Option<PathBuf>,
}

impl FeatureArguments {
    /// The run's source of features, or the given one, read in the same way.
    pub(crate) fn source(&self, of_run: &FeatureSource) -> Result<FeatureSource, Failure> {
        let Some(path) = &self.features else {
            return Ok(of_run.clone());
        };
        let mut source = at(path, of_run)?;
        if self.boxes.is_none() && self.sizes.is_none() {
            return Ok(source);
        }
        let boxes = match &mut source {
            FeatureSource::Folder(folder) => folder.boxes.as_mut(),
            FeatureSource::Npy(_) | FeatureSource::Safetensors(_) => None,
        };
        let Some(boxes) = boxes else {
            return Err(Failure::Mistake(format!(
                "found {}, but the run was trained without boxes",
                if self.boxes.is_some() {
                    "--boxes"
                } else {
                    "--sizes"
                }
            )));
        };
        if let Some(path) = &self.boxes {
            boxes.path.clone_from(path);
        }
        if let Some(path) = &self.sizes {
            boxes.sizes.clone_from(path);
        }
        Ok(source)
    }
}

/// The layout of features, by the ending of their path, with the options of the run.
fn at(path: &Path, of_run: &FeatureSource) -> Result<FeatureSource, Failure> {
    if path == of_run.path() {
        return Ok(of_run.clone());
    }
    if path.is_dir() {
        let options = match of_run {
            FeatureSource::Folder(folder) => folder.clone(),
            FeatureSource::Npy(_) | FeatureSource::Safetensors(_) => FolderSource::default(),
        };
        return Ok(FeatureSource::Folder(FolderSource {
            path: path.to_owned(),
            ..options
        }));
    }
    let source = match path.extension().and_then(|ending| ending.to_str()) {
        Some("npy") => FeatureSource::Npy(NpySource {
            path: path.to_owned(),
            names: None,
        }),
        Some("safetensors") => FeatureSource::Safetensors(SafetensorsSource {
            path: path.to_owned(),
        }),
        _ => {
            return Err(Failure::Mistake(format!(
                "--features `{}`: expected a folder or a file ending in .npy or .safetensors",
                path.display()
            )));
        }
    };
    let option = match (of_run.boxes(), of_run.is_normalised()) {
        (Some(_), _) => "boxes",
        (None, true) => "normalise = true",
        (None, false) => return Ok(source),
    };
    Err(Failure::Mistake(format!(
        "--features `{}`: expected a folder, for the run's features were read with `{option}`, which only those of a \
         folder can be",
        path.display()
    )))
}
