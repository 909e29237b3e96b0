//! Memory that the references of a training set of COCO's size take, and the CIDEr-D reward over them.
//!
//! 113,287 images with five captions each, made from the captions of `SCST_BENCH_CAPTIONS` (or the drawn scenes): after
//! the first round, every seventh word or so is replaced by another one of the table.

#![allow(clippy::print_stdout, reason = "a program that prints its result")]

mod caption_table;

use std::{sync::Arc, time::Instant};

use scst_reward::{CiderDOptions, CiderDReward, MAX_ORDER, References, RewardSources};

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

fn main() {
    let images = caption_table::with_ids(captions());
    println!("captions alone: {:?} MiB (now, peak)", resident());
    let start = Instant::now();
    let references =
        Arc::new(References::new(Some(caption_table::END), images).expect("references"));
    let sources = RewardSources::new(Arc::clone(&references)).expect("images");
    let (ngrams, frequency) = (
        Arc::clone(sources.ngrams()),
        Arc::clone(sources.frequency()),
    );
    let reward = CiderDReward::new(CiderDOptions::default(), &references, ngrams, frequency);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "with the CIDEr-D reward: {:?} MiB (now, peak), built in {seconds:.1} s",
        resident()
    );
    let orders = 1..=MAX_ORDER;
    let distinct: usize = orders
        .map(|order| sources.frequency().distinct(order))
        .sum();
    println!("{IMAGES} images, {distinct} distinct n-grams");
    drop(reward);
}
