//! The files and folders that sources name, so that they can be looked for elsewhere.

use std::path::PathBuf;

use crate::{CaptionSource, FeatureSource};

impl CaptionSource {
    /// Every path, with its key below that of the source, such as `karpathy.path`.
    pub fn paths_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        match self {
            Self::Karpathy(source) => vec![("karpathy.path", &mut source.path)],
            Self::Kaggle(source) => vec![
                ("kaggle.captions", &mut source.captions),
                ("kaggle.splits", &mut source.splits),
            ],
            Self::Coco(source) => [
                ("coco.train", &mut source.train),
                ("coco.val", &mut source.val),
                ("coco.test", &mut source.test),
            ]
            .into_iter()
            .filter_map(|(key, path)| Some((key, path.as_mut()?)))
            .collect(),
            Self::SelfCritical(source) => vec![
                ("self_critical.json", &mut source.json),
                ("self_critical.labels", &mut source.labels),
            ],
            Self::Custom(source) => vec![("custom.path", &mut source.path)],
        }
    }
}

impl FeatureSource {
    /// Every path, with its key below that of the source, such as `npy.path`.
    pub fn paths_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        match self {
            Self::Npy(source) => {
                let names = source.names.as_mut().map(|path| ("npy.names", path));
                std::iter::once(("npy.path", &mut source.path))
                    .chain(names)
                    .collect()
            }
            Self::Folder(source) => {
                let mut paths = vec![("folder.path", &mut source.path)];
                if let Some(boxes) = &mut source.boxes {
                    paths.push(("folder.boxes.path", &mut boxes.path));
                    paths.push(("folder.boxes.sizes", &mut boxes.sizes));
                }
                paths
            }
            Self::Safetensors(source) => vec![("safetensors.path", &mut source.path)],
        }
    }
}
