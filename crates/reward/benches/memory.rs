//! Memory that the references of a training set of COCO's size take, with a reward of raw text and with CIDEr-D, which
//! alone has their n-grams counted.
//!
//! 113,287 images with five captions each, made from the captions of `SCST_BENCH_CAPTIONS` (or the drawn scenes): after
//! the first round, every seventh word or so is replaced by another one of the table.

#![allow(clippy::print_stdout, reason = "a program that prints its result")]

mod caption_table;

use std::{sync::Arc, time::Instant};

use scst_reward::{
    CiderDOptions, ExactMatchOptions, MAX_ORDER, References, RewardEntry, RewardMixture,
    RewardRegistry, RewardSources,
};

const IMAGES: usize = 113_287;

fn captions() -> Vec<Vec<String>> {
    let table = caption_table::read();
    let words: Vec<&str> = table.iter().flatten().flat_map(|t| t.split(' ')).collect();
    let mut state = 1u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    (0..IMAGES)
        .map(|image| {
            let of_image = table[image % table.len()].iter().take(5);
            of_image
                .map(|text| {
                    let changed = text.split(' ').map(|word| match draw(7) {
                        0 if image >= table.len() => words[draw(words.len())],
                        _ => word,
                    });
                    changed.collect::<Vec<_>>().join(" ")
                })
                .collect()
        })
        .collect()
}

/// Resident memory now and at its peak, in MiB (Linux).
fn resident() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Some((kib("VmRSS:")? / 1024, kib("VmHWM:")? / 1024))
}

/// Builds a mixture of one reward, and says what it takes.
fn build(entry: RewardEntry, name: &str, sources: &RewardSources) {
    let start = Instant::now();
    let registry = RewardRegistry::default();
    let rewards = RewardMixture::build(&[entry], sources, &registry).expect("a reward");
    let seconds = start.elapsed().as_secs_f64();
    let resident = resident();
    println!("with {name}: {resident:?} MiB (now, peak), built in {seconds:.1} s");
    drop(rewards);
}

fn main() {
    let images = caption_table::with_ids(captions());
    println!("captions alone: {:?} MiB (now, peak)", resident());
    let references = References::new(Some(caption_table::END), images).expect("references");
    let sources = RewardSources::new(Arc::new(references));
    let exact_match = RewardEntry {
        exact_match: Some(ExactMatchOptions::default()),
        ..RewardEntry::default()
    };
    build(exact_match, "exact match", &sources);
    let cider_d = RewardEntry {
        cider_d: Some(CiderDOptions::default()),
        ..RewardEntry::default()
    };
    build(cider_d, "CIDEr-D", &sources);
    let frequency = sources.frequency().expect("images");
    let distinct: usize = (1..=MAX_ORDER).map(|order| frequency.distinct(order)).sum();
    println!("{IMAGES} images, {distinct} distinct n-grams");
}
