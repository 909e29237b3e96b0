//! What is set over the configuration of a run that is evaluated.

use clap::Args;
use scst_model::CaptionerRegistry;
use scst_trainer::{
    Checkpoint, Config,
    config::{ConfigError, Override},
};

use crate::failure::Failure;

/// Keys, and what is below them, that say which data are read, and how captions are decoded.
const KEYS: [&str; 4] = ["backend", "data", "threads", "validation"];
/// Keys of the data that a captioner has learnt with.
const LEARNT: [&str; 7] = [
    "data.max_length",
    "data.minimum_count",
    "data.standardise",
    "data.text.max_source_length",
    "data.text.source",
    "data.text.target",
    "data.vocabulary",
];

/// Values that are set over those of a run's configuration.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunOverrides {
    /// Set a value over the run's configuration: where data are now, or how captions are decoded, e.g.
    /// `data.features.npy.path=features.npy`; may be given several times
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    texts: Vec<String>,
}

impl RunOverrides {
    /// The threads that are asked for: they are wanted before a run is read.
    pub(crate) fn threads(&self) -> Option<usize> {
        let pairs = self.texts.iter().filter_map(|text| text.split_once('='));
        let mut threads = pairs.filter(|(key, _)| key.trim() == "threads");
        threads.next_back()?.1.trim().parse().ok()
    }

    /// Lays the values over the configuration of a checkpoint.
    ///
    /// # Errors
    /// A [`Failure::Mistake`] when a key is no key, or one that an evaluation does not ask for, or a value is out of range.
    pub(crate) fn apply(
        &self,
        checkpoint: &mut Checkpoint,
        captioners: &CaptionerRegistry,
    ) -> Result<(), Failure> {
        if self.texts.is_empty() {
            return Ok(());
        }
        let of_flag = |text: &String| Override::of_flag("--set", text);
        let overrides = self.texts.iter().map(of_flag);
        let overrides = overrides.collect::<Result<Vec<Override>, ConfigError>>()?;
        for text in &self.texts {
            check_key(text.split('=').next().unwrap_or(text).trim())?;
        }
        let path = checkpoint.directory().join("config.toml");
        let config = Config::parse(&checkpoint.config.to_toml()?, &path, overrides, captioners)?;
        checkpoint.config = config.into();
        Ok(())
    }
}

fn check_key(key: &str) -> Result<(), Failure> {
    let is_below = |above: &str| {
        let below = key.strip_prefix(above);
        below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
    };
    if LEARNT.iter().any(|above| is_below(above)) {
        return Err(Failure::Mistake(format!(
            "--set {key}: the captioner has learnt with the value of its run, which cannot change any more"
        )));
    }
    if KEYS.iter().any(|above| is_below(above)) {
        return Ok(());
    }
    Err(Failure::Mistake(format!(
        "--set {key}: a trained run takes other values below `data` and `validation`, and of `backend` and `threads`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_evaluation_asks_for_can_be_set() {
        let message = |key| check_key(key).err().map(|failure| failure.to_string());
        for key in [
            "data.features.npy.path",
            "validation.decoder",
            "threads",
            "backend",
            "data",
        ] {
            assert_eq!(message(key), None, "{key}");
        }
        for key in ["stages.0.epochs", "model.fc.hidden", "database", "seed"] {
            assert!(message(key).is_some_and(|text| text.contains("a trained run takes")));
        }
        assert!(message("data.max_length").is_some_and(|text| text.contains("has learnt")));
    }

    #[test]
    fn the_last_number_of_threads_counts() {
        let of = |texts: &[&str]| RunOverrides {
            texts: texts.iter().map(|&text| text.to_owned()).collect(),
        };
        assert_eq!(of(&["threads=2", "threads = 3"]).threads(), Some(3));
        assert_eq!(of(&["data.x=1", "threads=many"]).threads(), None);
    }
}
