//! The report is complete, and made-up data is what it promises. No test looks at how long
//! anything takes.

use super::*;

fn tiny() -> StepBench {
    StepBench {
        images: 2,
        samples: 3,
        vocab: 40,
        hidden: 8,
        feature: 5,
        length: 9,
        dropout: 0.25,
        steps: 3,
        warmup: 1,
        ..StepBench::default()
    }
}

#[test]
fn report_is_complete_when_sizes_are_tiny() {
    // A device without work finishes the smallest parts within a rounding of 0, hence steps
    // that are tiny but not minute.
    let bench = StepBench {
        images: 8,
        hidden: 64,
        ..tiny()
    };
    let report = bench_step(&bench).unwrap();
    let ScstParts {
        greedy,
        rollout,
        reward,
        update,
    } = report.scst_parts_ms;
    for time in [
        report.xe_ms,
        report.scst_ms,
        greedy,
        rollout,
        reward,
        update,
    ] {
        assert!(time > 0.0, "{report:?}");
    }
    assert!((1.0..=9.0).contains(&report.mean_caption_length));
    assert_eq!((report.images, report.vocab, report.length), (8, 40, 9));
    assert_eq!(report.peak_rss_mib.is_some(), cfg!(target_os = "linux"));
    assert_eq!(report.peak_device_mib, None);
}

#[test]
fn captions_are_the_same_every_time_and_within_vocabulary_and_length() {
    let bench = tiny();
    let made_up = captions(&bench);
    assert_eq!(made_up, captions(&bench));
    assert_eq!(made_up.len(), TRAIN_IMAGES);
    let longer = StepBench {
        length: 16,
        ..tiny()
    };
    for caption in captions(&longer).iter().flatten() {
        assert!((SHORTEST..=14).contains(&caption.len()));
        assert!(caption.iter().all(|word| (2..40).contains(word)));
    }
}

#[test]
fn size_is_refused_when_out_of_range() {
    let message = |bench: StepBench| {
        let error = bench_step(&bench).unwrap_err();
        assert!(error.is_mistake());
        error.to_string()
    };
    let images = message(StepBench {
        images: 0,
        ..tiny()
    });
    assert_eq!(images, "images: found 0, expected 1 to 1000000");
    let hidden = message(StepBench {
        hidden: 1_000_000,
        ..tiny()
    });
    assert!(
        hidden.starts_with("captioner `fc`: found 80000") && hidden.ends_with("at most 500000000"),
        "{hidden}"
    );
    let words = message(StepBench {
        images: 100_000,
        samples: 1_000_000,
        ..tiny()
    });
    assert_eq!(
        words,
        "images, samples or regions, and length: found 900000000000 words or regions a step, expected at most 1000000"
    );
    let hidden = message(StepBench {
        model: "transformer".to_owned(),
        hidden: 20,
        ..tiny()
    });
    assert_eq!(
        hidden,
        "hidden: found 20, expected a multiple of the 8 heads of the transformer"
    );
    let dropout = message(StepBench {
        dropout: f64::NAN,
        ..tiny()
    });
    assert_eq!(
        dropout,
        "dropout: found NaN, expected 0 or more, less than 1"
    );
}

#[test]
fn median_is_the_middle_or_the_mean_of_both() {
    assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    assert_eq!(median(vec![]), 0.0);
}

#[test]
fn peak_memory_is_read_from_the_status_of_linux() {
    let status = "Name:\tscst\nVmHWM:\t  204800 kB\nVmRSS:\t  100 kB\n";
    assert_eq!(peak_of_status(status), Some(200));
    assert_eq!(peak_of_status("Name:\tscst\n"), None);
}
