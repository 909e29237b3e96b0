//! Training on the wgpu backend, wherever it has a device: a real GPU or a software driver. That its
//! steps agree with flex is checked with all devices, in `train_and_eval.rs`.

mod support;

use support::{CONFIG, Workplace};

#[test]
#[cfg_attr(not(feature = "wgpu"), ignore = "needs the feature `wgpu`")]
fn training_runs_on_wgpu_and_its_checkpoint_is_read_on_flex() {
    let workplace = Workplace::new();
    let printed = workplace.succeed(&["devices"]);
    let line = printed
        .lines()
        .find(|line| line.starts_with("wgpu"))
        .unwrap_or_default();
    if line.contains("not usable") {
        scst_testing::oracles::skip(&format!("no device: {line}"));
        return;
    }
    let short = CONFIG
        .replace("epochs = 4", "steps = 2")
        .replace("epochs = 2\nimages", "steps = 2\nimages");
    workplace.write("config.toml", short.as_bytes());
    workplace.succeed(&["train", "config.toml", "--backend", "wgpu"]);
    workplace.succeed(&["eval", "runs/tiny", "--json", "--backend", "flex"]);
}
