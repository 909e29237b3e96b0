//! The reward: does a caption say what several references agree on?

use std::collections::{BTreeMap, BTreeSet};

use scst_reward::{Batch, Candidate, CustomOptions, ImageReferences, Reward, RewardError};

/// The share of the words that at least `references` references of the image hold which the caption holds too, 0 to 1.
struct Agreement {
    references: usize,
}

/// The reward with the options of its entry in the configuration.
///
/// # Errors
/// [`RewardError::Failed`] for an option that is none or out of range: the message ends up behind the name of the
/// configuration's key.
pub(crate) fn from_entry(entry: &CustomOptions) -> Result<Box<dyn Reward>, RewardError> {
    let mut references = 2;
    for (key, value) in &entry.options {
        references = match (key.as_str(), value.as_u64()) {
            ("references", Some(count)) if count > 0 => count as usize,
            _ => {
                return Err(RewardError::Failed {
                    reward: "agreement".to_owned(),
                    source: format!("found `{key}` = {value}, expected `references` of 1 or more")
                        .into(),
                });
            }
        };
    }
    Ok(Box::new(Agreement { references }))
}

impl Agreement {
    fn score_caption(&self, caption: &Candidate<'_>, image: &ImageReferences) -> f64 {
        let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
        for reference in image.texts.iter() {
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
    fn name(&self) -> &str {
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
