//! The wgpu backend, wherever it has a device: a real GPU or a software driver.

mod support;

use support::{CONFIG, Workplace};

/// Whether a wgpu device can be used here; says so on standard error if not.
fn has_device(workplace: &Workplace) -> bool {
    let output = workplace.run(&["devices"]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = printed.lines().find(|line| line.starts_with("wgpu")).unwrap_or_default();
    let usable = !line.contains("not usable");
    if !usable {
        eprintln!("skipped: no wgpu device to test: {line}");
    }
    usable
}

#[test]
fn cross_entropy_and_scst_steps_on_wgpu_agree_with_flex() {
    let workplace = Workplace::new();
    if has_device(&workplace) {
        let printed = workplace.succeed(&["self-test", "wgpu"]);
        assert!(printed.starts_with("passed"), "{printed}");
    }
}

#[test]
fn training_runs_on_wgpu() {
    let workplace = Workplace::new();
    if has_device(&workplace) {
        let short = CONFIG.replace("epochs = 4", "steps = 2").replace("epochs = 2\nimages", "steps = 2\nimages");
        workplace.write("config.toml", short.as_bytes());
        workplace.succeed(&["train", "config.toml", "--backend", "wgpu"]);
        workplace.succeed(&["eval", "runs/tiny", "--json", "--backend", "flex"]);
    }
}
