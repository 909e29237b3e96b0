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
        .replace("epochs = 2\nimages", "steps = 2\nimages");
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
