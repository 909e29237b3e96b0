//! The report is complete, and made-up data is what it promises. No test looks at how long
//! anything takes.

use scst_group::Alone;
use scst_model::{CaptionerConfig, Source, TextEncoderConfig};
use scst_sampler::END;

use super::{made_up::TRAIN_SOURCES, sizes::SHORTEST, *};

fn images(images: usize) -> BenchTask {
    BenchTask::Images(ImageSizes {
        images,
        feature: 5,
        ..ImageSizes::default()
    })
}

fn texts(encoder: &str) -> TextSizes {
    TextSizes {
        sources: 4,
        length: 7,
        vocab: 12,
        encoder: encoder.to_owned(),
    }
}

fn tiny() -> StepBench {
    StepBench {
        task: images(2),
        samples: 3,
        vocab: 40,
        hidden: 8,
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
        task: images(8),
        hidden: 64,
        ..tiny()
    };
    let report = bench_step(&bench, &Alone).unwrap();
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
    assert_eq!((report.vocab, report.length), (40, 9));
    let sources = SourceReport::Images {
        images: 8,
        regions: 1,
    };
    assert_eq!(report.sources, sources);
    assert_eq!(report.peak_rss_mib.is_some(), cfg!(target_os = "linux"));
    assert_eq!(report.peak_device_mib, None);
}

#[test]
fn captions_are_the_same_every_time_and_within_vocabulary_and_length() {
    let bench = tiny();
    let made_up = captions(&bench);
    assert_eq!(made_up, captions(&bench));
    assert_eq!(made_up.len(), TRAIN_SOURCES);
    let longer = StepBench {
        length: 16,
        ..tiny()
    };
    for caption in captions(&longer).iter().flatten() {
        let (end, words) = caption.split_last().expect("an end");
        assert_eq!(*end, END);
        assert!((SHORTEST..=14).contains(&words.len()));
        assert!(words.iter().all(|word| (2..40).contains(word)));
    }
}

#[test]
fn texts_are_read_by_every_encoder_and_every_captioner_that_can() {
    for encoder in TextEncoderConfig::NAMES {
        for model in CaptionerConfig::NAMES {
            let bench = StepBench {
                task: BenchTask::Texts(texts(encoder)),
                model: model.to_owned(),
                steps: 1,
                ..tiny()
            };
            if !bench.captioner().unwrap().reads_texts() {
                let message = bench_step(&bench, &Alone).unwrap_err().to_string();
                let expected = "one that reads texts, such as `att2in` or `transformer`";
                assert_eq!(
                    message,
                    format!("model: found `{model}`, expected {expected}")
                );
                continue;
            }
            let report = serde_json::to_value(bench_step(&bench, &Alone).unwrap()).unwrap();
            for (key, expected) in [("task", "text"), ("encoder", encoder), ("model", model)] {
                assert_eq!(report[key], expected, "{report}");
            }
            for (key, expected) in [("sources", 4), ("source_length", 7), ("source_vocab", 12)] {
                assert_eq!(report[key], expected, "{report}");
            }
            let length = report["mean_source_length"].as_f64().unwrap();
            assert!((3.0..=7.0).contains(&length), "{report}");
        }
    }
}

#[test]
fn made_up_texts_are_the_same_every_time_and_within_vocabulary_and_length() {
    let sizes = TextSizes {
        sources: 500,
        ..texts("lstm")
    };
    let batch = || Batch::texts(&sizes, &mut generator(SEED, Purpose::MadeUp, 0, 1)).unwrap();
    let (Source::Tokens(tokens), Source::Tokens(again)) = (batch().source, batch().source) else {
        panic!("texts");
    };
    assert_eq!(tokens, again);
    assert_eq!(batch().tokens(), tokens.ids().len());
    assert!(tokens.ids().iter().all(|id| (2..12).contains(id)));
    for length in 3..=7 {
        assert!(tokens.counts().contains(&length), "{length}");
    }
    assert!(tokens.counts().iter().all(|count| (3..=7).contains(count)));
    assert!(batch().references.iter().all(|&k| k < TRAIN_SOURCES));
}

#[test]
fn size_is_refused_when_out_of_range() {
    let message = |bench: StepBench| {
        let error = bench_step(&bench, &Alone).unwrap_err();
        assert!(error.is_mistake());
        error.to_string()
    };
    let none = message(StepBench {
        task: images(0),
        ..tiny()
    });
    assert_eq!(none, "images: found 0, expected 1 to 1000000");
    let hidden = message(StepBench {
        hidden: 1_000_000,
        ..tiny()
    });
    assert!(
        hidden.starts_with("captioner `fc`: found 80000") && hidden.ends_with("at most 500000000"),
        "{hidden}"
    );
    let words = message(StepBench {
        task: images(100_000),
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
    let of_texts = |sizes: TextSizes| {
        message(StepBench {
            task: BenchTask::Texts(sizes),
            hidden: 6,
            ..tiny()
        })
    };
    for (sizes, expected) in [
        (
            TextSizes {
                length: 0,
                ..texts("lstm")
            },
            "source-length: found 0, expected 1 to 1000000",
        ),
        (
            TextSizes {
                vocab: 9,
                ..texts("lstm")
            },
            "source-vocab: found 9, expected 10 to 1000000",
        ),
        (
            TextSizes {
                sources: 1000,
                length: 1000,
                ..texts("lstm")
            },
            "sources, samples or source-length, and length: found 9000000 words or tokens a step, expected at most 1000000",
        ),
        (
            texts("gru"),
            "encoder: found `gru`, expected one of `lstm`, `transformer`",
        ),
        (
            texts("transformer"),
            "hidden: found 6, expected a multiple of the 4 heads of the transformer encoder",
        ),
    ] {
        assert_eq!(of_texts(sizes), expected);
    }
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
