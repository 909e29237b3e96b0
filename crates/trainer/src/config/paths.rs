//! The files and folders that a configuration names.

use std::path::{Path, PathBuf};

use scst_data::{CaptionSource, FeatureSource, TextSource};

use super::{Config, DataConfig, StartFrom, WordLoss};

impl DataConfig {
    /// Every path, with its key.
    fn paths_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        let captions = self.captions.iter_mut().flat_map(CaptionSource::paths_mut);
        let captions = captions.map(|(key, path)| (format!("data.captions.{key}"), path));
        let features = self.features.iter_mut().flat_map(FeatureSource::paths_mut);
        let features = features.map(|(key, path)| (format!("data.features.{key}"), path));
        let text = self.text.iter_mut().flat_map(TextSource::paths_mut);
        let text = text.map(|(key, path)| (format!("data.text.{key}"), path));
        let vocabulary = self.vocabulary.as_mut();
        let vocabulary = vocabulary.map(|path| ("data.vocabulary".to_owned(), path));
        captions
            .chain(features)
            .chain(text)
            .chain(vocabulary)
            .collect()
    }
}

impl Config {
    /// Every path of data and of other runs, with its key.
    pub(crate) fn paths_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut paths = self.data.paths_mut();
        for (k, stage) in self.stages.iter_mut().enumerate() {
            if let StartFrom::Checkpoint(path) = &mut stage.start_from {
                paths.push((format!("stages.{k}.start_from.checkpoint"), path));
            }
            if let Some(WordLoss::Distillation(loss)) = stage.xe.as_mut().map(|xe| &mut xe.loss) {
                let key = format!("stages.{k}.xe.loss.distillation.teacher");
                paths.push((key, &mut loss.teacher));
            }
        }
        paths
    }

    /// Every path of data and of other runs, with its key.
    pub fn paths(&self) -> Vec<(String, PathBuf)> {
        let mut copy = self.clone();
        let paths = copy.paths_mut().into_iter();
        paths.map(|(key, path)| (key, path.clone())).collect()
    }

    /// The path of a key, if it is there.
    pub(crate) fn path(&self, key: &str) -> Option<PathBuf> {
        let mut paths = self.paths().into_iter();
        paths.find(|(k, _)| k == key).map(|(_, path)| path)
    }

    /// Replaces words of reward programs that are paths, and files of rewards.
    pub(crate) fn move_rewards(&mut self, find: impl Fn(&Path) -> Option<PathBuf>) {
        let stages = self.stages.iter_mut().filter_map(|s| s.scst.as_mut());
        for entry in stages.flat_map(|scst| &mut scst.rewards) {
            if let Some(meteor) = &mut entry.meteor
                && let Some(path) = find(&meteor.jar)
            {
                meteor.jar = path;
            }
            if let Some(images) = entry.command.as_mut().and_then(|c| c.images.as_mut())
                && let Some(path) = find(images)
            {
                *images = path;
            }
            let words = entry.command.iter_mut().flat_map(|c| &mut c.program);
            for (k, word) in words.enumerate() {
                // A program without a slash is looked up on the `PATH`.
                let is_on_path = k == 0 && Path::new(word).components().count() == 1;
                if !is_on_path && let Some(path) = find(Path::new(word)) {
                    *word = path.to_string_lossy().into_owned();
                }
            }
        }
    }
}
