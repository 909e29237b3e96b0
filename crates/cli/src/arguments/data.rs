//! Features of other data than those of a run.

use std::path::{Path, PathBuf};

use clap::Args;
use scst_data::{FeatureSource, FolderSource, NpySource, SafetensorsSource};

use crate::failure::Failure;

/// Where features are; how they are read is a matter of the run.
#[derive(Debug, Clone, Args)]
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

/// The layout of features, by the ending of their path.
pub(crate) fn feature_source(path: &Path) -> Result<FeatureSource, Failure> {
    let path = path.to_owned();
    if path.is_dir() {
        return Ok(FeatureSource::Folder(FolderSource {
            path,
            ..FolderSource::default()
        }));
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("npy") => Ok(FeatureSource::Npy(NpySource { path, names: None })),
        Some("safetensors") => Ok(FeatureSource::Safetensors(SafetensorsSource { path })),
        _ => Err(Failure::Mistake(format!(
            "--features `{}`: expected a folder or a file ending in .npy or .safetensors",
            path.display()
        ))),
    }
}

/// The layout of features, by the ending of their path, with the options of the run.
fn at(path: &Path, of_run: &FeatureSource) -> Result<FeatureSource, Failure> {
    if path == of_run.path() {
        return Ok(of_run.clone());
    }
    let source = match (feature_source(path)?, of_run) {
        (FeatureSource::Folder(folder), FeatureSource::Folder(options)) => {
            return Ok(FeatureSource::Folder(FolderSource {
                path: folder.path,
                ..options.clone()
            }));
        }
        (folder @ FeatureSource::Folder(_), _) => return Ok(folder),
        (file, _) => file,
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

#[cfg(test)]
mod tests {
    use scst_data::BoxSource;

    use super::*;

    fn folder(path: &str, boxes: Option<(&str, &str)>) -> FeatureSource {
        FeatureSource::Folder(FolderSource {
            path: path.into(),
            key: Some("feat".to_owned()),
            normalise: true,
            boxes: boxes.map(|(path, sizes)| BoxSource {
                path: path.into(),
                sizes: sizes.into(),
                normalise: true,
            }),
        })
    }

    fn source(
        features: &Path,
        boxes: Option<&str>,
        sizes: Option<&str>,
        of_run: &FeatureSource,
    ) -> Result<FeatureSource, String> {
        let arguments = FeatureArguments {
            features: Some(features.to_owned()),
            boxes: boxes.map(PathBuf::from),
            sizes: sizes.map(PathBuf::from),
        };
        arguments.source(of_run).map_err(|error| error.to_string())
    }

    #[test]
    fn options_of_the_run_stay_and_paths_are_replaced() {
        let other = std::env::temp_dir();
        let path = other.to_str().unwrap_or_default();
        let with_boxes = folder("att", Some(("box", "sizes.json")));
        assert_eq!(
            source(&other, None, None, &with_boxes),
            Ok(folder(path, Some(("box", "sizes.json"))))
        );
        assert_eq!(
            source(&other, Some("box2"), Some("s2.json"), &with_boxes),
            Ok(folder(path, Some(("box2", "s2.json"))))
        );
        let plain = folder("att", None);
        assert_eq!(source(&other, None, None, &plain), Ok(folder(path, None)));
        assert_eq!(
            source(&other, None, Some("s2.json"), &plain),
            Err("found --sizes, but the run was trained without boxes".to_owned())
        );
        let npy = FeatureSource::Npy(NpySource {
            path: "a.npy".into(),
            names: Some("b.txt".into()),
        });
        assert_eq!(
            source(Path::new("a.npy"), None, None, &npy),
            Ok(npy.clone())
        );
        let unnamed = FeatureSource::Npy(NpySource {
            path: "c.npy".into(),
            names: None,
        });
        assert_eq!(source(Path::new("c.npy"), None, None, &npy), Ok(unnamed));
        for (run, option) in [(with_boxes, "`boxes`"), (plain, "`normalise = true`")] {
            let message = source(Path::new("c.npy"), None, None, &run).err();
            assert!(message.is_some_and(|message| message.contains(option)));
        }
        let message = source(Path::new("c.hdf5"), None, None, &npy).err();
        assert!(message.is_some_and(|message| message.contains("--features `c.hdf5`: expected")));
    }
}
