//! Backends beside flex: their steps agree with flex's, wherever there is a device (a real GPU or a software driver),
//! and training on one leaves checkpoints that another reads.

mod support;

use support::{CONFIG, Workplace};

#[test]
fn every_device_takes_cross_entropy_and_scst_steps_that_agree_with_flex() {
    let workplace = Workplace::new();
    let printed = workplace.succeed(&["devices", "--self-test"]);
    for backend in ["flex", "ndarray", "wgpu"] {
        let mut lines = printed
            .lines()
            .skip_while(|line| !line.starts_with(backend));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("{backend} is missing: {printed}"));
        assert!(!line.contains("is not compiled into this binary"), "{line}");
        if line.contains("not usable") {
            scst_testing::oracles::skip(line);
            continue;
        }
        let result = lines
            .find(|line| line.contains("self-test"))
            .unwrap_or_default();
        assert!(result.contains("self-test passed"), "{backend}: {printed}");
    }
}

#[test]
fn training_runs_on_other_backends_and_its_checkpoint_is_read_on_flex() {
    let workplace = Workplace::new();
    let short = CONFIG
        .replace("epochs = 4", "steps = 2")
        .replace("epochs = 2\nsources", "steps = 2\nsources");
    workplace.write("config.toml", short.as_bytes());
    let printed = workplace.succeed(&["devices"]);
    for backend in ["ndarray", "wgpu"] {
        let mut lines = printed.lines();
        let line = lines.find(|line| line.starts_with(backend));
        let line = line.unwrap_or_else(|| panic!("{backend} is missing: {printed}"));
        if line.contains("not usable") {
            scst_testing::oracles::skip(&format!("no device: {line}"));
            continue;
        }
        let train = ["train", "config.toml", "--out", backend];
        workplace.succeed(&[train.as_slice(), &["--backend", backend]].concat());
        workplace.succeed(&["eval", backend, "--json", "--backend", "flex"]);
    }
}

/// What `scst bench step` counts on a device, for images of the same sizes; none where there is no device.
fn counts(workplace: &Workplace, model: &str, images: usize) -> Option<serde_json::Value> {
    let images = images.to_string();
    let sizes = "--samples 2 --length 9 --vocab 101 --hidden 32 --regions 3 --steps 3 --warmup 3";
    let mut arguments = vec!["bench", "step", "--backend", "wgpu", "--model", model];
    arguments.extend(["--images", &images, "--threads", "2"]);
    arguments.extend(sizes.split(' '));
    let output = workplace.run(&arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("finds no device") {
        scst_testing::oracles::skip(&errors);
        return None;
    }
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).expect("a report"))
}

#[test]
fn steps_launch_few_kernels_and_no_count_grows_with_images() {
    let workplace = Workplace::new();
    // Of 9 words, launches: a cross-entropy step, greedy and sampled captions, the update. Measured plus a fifth, as
    // autotune may take a product apart into two kernels.
    let most = [
        ("fc", [107, 104, 125, 75]),
        ("att2in", [189, 135, 146, 146]),
        ("transformer", [254, 526, 611, 264]),
    ];
    for (model, most) in most {
        let Some(few) = counts(&workplace, model, 2) else {
            return;
        };
        let parts = ["xe", "greedy", "rollout", "update"];
        for (part, most) in parts.into_iter().zip(most) {
            let found = few["launches"][part].as_u64().expect("a count");
            assert!(
                (1..=most).contains(&found),
                "{model}, {part}: {found} launches"
            );
        }
        // Words are read once in eight time steps; of a step of either kind, the losses of rows and the norm.
        let waits = &few["synchronisations"];
        for part in parts {
            assert!(waits[part].as_u64() <= Some(2), "{model}: {waits}");
        }
        if model != "att2in" {
            continue;
        }
        // Captions that end earlier leave gaps of a few launches, so the same sizes are not the same counts.
        let many = counts(&workplace, model, 6).expect("a device");
        let total = |report: &serde_json::Value| report["launches"]["total"].as_f64();
        let (few, many) = (
            total(&few).expect("a count"),
            total(&many).expect("a count"),
        );
        assert!(many < 1.25 * few, "{model}: {few} and {many} launches");
    }
}

#[test]
fn a_run_on_a_device_reads_and_draws_the_words_of_one_on_flex() {
    const FC: &str = "[model.fc]\nhidden = 24\nembedding = 16\ndropout = 0.2";
    const POOLED: &str = "features.npy = { path = \"features.npy\" }";
    const REGIONS: &str = "features.folder = { path = \"regions\" }";
    // Their steps draw dropout masks at one place, at two, and at many.
    let captioners = [
        (FC, POOLED),
        (
            "[model.att2in]\nhidden = 24\nembedding = 16\nattention_size = 8\ndropout = 0.2",
            REGIONS,
        ),
        (
            "[model.transformer]\nhidden = 24\nheads = 2\nlayers = 2\nfeed_forward = 32\ndropout = 0.2",
            REGIONS,
        ),
    ];
    for (captioner, features) in captioners {
        // Captions are longer than the steps that a device takes unseen, and end in the midst of these.
        let config = CONFIG
            .replace(FC, captioner)
            .replace(POOLED, features)
            .replace("max_length = 8", "max_length = 20")
            .replace("log_every_steps = 4", "log_every_steps = 1")
            .replace("epochs = 4", "steps = 10")
            .replace("epochs = 2\nsources", "steps = 10\nsources");
        assert!(config.contains(captioner) && config.contains(features));
        if !words_are_those_of_flex(&config) {
            return;
        }
    }
}

/// Trains on flex and on a device; false where there is none.
fn words_are_those_of_flex(config: &str) -> bool {
    let workplace = Workplace::new();
    workplace.write("config.toml", config.as_bytes());
    if workplace
        .succeed(&["devices"])
        .contains("wgpu     not usable")
    {
        scst_testing::oracles::skip("no device for wgpu");
        return false;
    }
    let [on_flex, on_device] = ["flex", "wgpu"].map(|backend| {
        workplace.succeed(&[
            "train",
            "config.toml",
            "--out",
            backend,
            "--backend",
            backend,
        ]);
        let lines = workplace.text(&format!("{backend}/metrics.jsonl"));
        let records = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let trained = records.filter(|r: &serde_json::Value| r["kind"] == "train");
        trained.collect::<Vec<_>>()
    });
    assert_eq!((on_flex.len(), on_device.len()), (20, 20));
    for (flex, device) in on_flex.iter().zip(&on_device) {
        for (name, tolerance) in [
            // Of words alone, so they are the same words.
            ("caption_length", 1e-12),
            ("cut_off_share", 1e-12),
            ("reward_cider_d", 1e-12),
            // Of 32-bit numbers, which drift apart by their rounding.
            ("loss", 1e-3),
            ("entropy", 1e-3),
            ("gradient_norm", 1e-2),
        ] {
            let pair = [flex, device].map(|record| record[name].as_f64());
            let [Some(flex), Some(device)] = pair else {
                assert_eq!(pair, [None, None], "{name}");
                continue;
            };
            let close = (flex - device).abs() <= tolerance * flex.abs().max(0.1);
            assert!(close, "{name} on flex {flex}, on the device {device}");
        }
    }
    assert!(on_flex[19]["reward_cider_d"].is_f64(), "samples are scored");
    true
}
