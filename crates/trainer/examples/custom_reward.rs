//! Training on a reward of your own, in Rust.
//!
//! ```sh
//! cargo run --release --example custom_reward -- configs/quickstart.toml runs/agreement \
//!   'stages.1.scst.rewards=[{cider_d={}},{weight=0.5,custom={name="agreement",options={references=2}}}]'
//! ```
//!
//! The arguments are a configuration, a run directory, and values that are set over the configuration's.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    path::PathBuf,
    sync::atomic::AtomicBool,
};

use scst_reward::{Batch, Candidate, ImageReferences, Reward, RewardError, RewardRegistry};
use scst_trainer::{
    Config, Event, Observer, Outcome, RunOptions, Start,
    config::{ConfigError, Override},
    train,
};

/// The share of the words that several references of the image agree on which the caption holds, 0 to 1.
struct Agreement {
    /// How many references have to hold a word.
    references: usize,
}

impl Agreement {
    fn score_caption(&self, caption: &Candidate<'_>, image: &ImageReferences) -> f64 {
        let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
        for reference in &image.texts {
            for word in reference.split(' ').collect::<BTreeSet<_>>() {
                *holders.entry(word).or_default() += 1;
            }
        }
        holders.retain(|_, count| *count >= self.references);
        let words: BTreeSet<&str> = caption.text.split(' ').collect();
        let held = holders.keys().filter(|word| words.contains(*word)).count();
        held as f64 / holders.len().max(1) as f64
    }
}

impl Reward for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn signature(&self) -> String {
        format!("agreement|references:{}", self.references)
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let captions = batch.iter();
        Ok(captions
            .map(|(caption, image)| self.score_caption(caption, image))
            .collect())
    }
}

/// Prints stages and validations.
struct Printer;

impl Observer for Printer {
    #[expect(clippy::print_stdout, reason = "this is a program")]
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::StageStarted { name, position, .. } => {
                println!("stage {name}: {} steps", position.steps);
            }
            Event::Validated { report, .. } => {
                println!("validation CIDEr-D {:.4}", report.scores.cider_d);
            }
            _ => {}
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is a program")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(config), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: custom_reward CONFIG.toml RUN_DIRECTORY [KEY.PATH=VALUE]...".into());
    };
    let overrides: Result<Vec<Override>, ConfigError> =
        arguments.map(|text| Override::parse(&text)).collect();
    let config = Config::load(&PathBuf::from(config), overrides?)?;

    let mut rewards = RewardRegistry::default();
    rewards.register("agreement", |entry, _| {
        let references =
            match entry.options.get("references") {
                None => 2,
                Some(value) => value.as_u64().filter(|&count| count > 0).ok_or_else(|| {
                    RewardError::Failed {
                        reward: "agreement".to_owned(),
                        source: format!("references: found {value}, expected 1 or more").into(),
                    }
                })? as usize,
            };
        Ok(Box::new(Agreement { references }))
    });

    let options = RunOptions {
        directory: PathBuf::from(directory),
        start: Start::New,
        verify_features: false,
        stop: &AtomicBool::new(false),
        rewards: &rewards,
    };
    if let Outcome::Finished(summary) = train(&config, &options, &mut Printer)? {
        println!("{}", summary.signature);
    }
    Ok(())
}
