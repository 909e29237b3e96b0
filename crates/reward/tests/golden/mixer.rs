//! Equality with the rewards of facebookresearch/MIXER 4ce7193.

use scst_reward::{MixerBleuOptions, MixerScorer, through_end_token};
use serde_json::Value;

use crate::support::{Deviation, array, fixture, ids, json, number, string};

/// A row up to its end token; a row that begins with padding is empty.
fn caption(row: &Value, end: u32, pad: u32) -> Vec<u32> {
    let row = ids(row);
    if row.first() == Some(&pad) {
        return Vec::new();
    }
    let mut caption = through_end_token(&row, end).to_vec();
    caption.pop_if(|last| *last == end);
    caption
}

#[test]
fn rewards_equal_mixer_when_smoothing_and_start_vary() {
    let mut deviation = Deviation::default();
    for batch in array(&json(fixture("mixer.json"))["batches"]) {
        let id = |key: &str| number(&batch[key]) as u32;
        let (end, pad) = (id("eos"), id("pad"));
        let given = id("start") as usize - 1;
        let smooth = id("smoothing") == 1;
        let mut scorer = MixerScorer::new(Some(id("unk")));
        for (sample, expected) in array(&batch["reward"]).iter().enumerate() {
            let candidate = caption(&batch["input"][sample], end, pad);
            let reference = caption(&batch["target"][sample], end, pad);
            let found = match string(&batch["mode"]) {
                "bleu" => scorer.bleu(&candidate, &reference, MixerBleuOptions { smooth }, given),
                _ => scorer.rouge_4(&candidate, &reference, given),
            };
            deviation.compare("reward", found, expected);
        }
    }
    deviation.report("MIXER");
}
