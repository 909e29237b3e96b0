//! `scst` with a reward of its own: every command, configuration and report, and `custom = { name = "agreement" }`.
//!
//! ```sh
//! cargo run --release --manifest-path examples/own-reward/Cargo.toml -- train configs/quickstart.toml \
//!   --set 'stages.1.scst.rewards=[{cider_d={}},{weight=0.5,custom={name="agreement",options={references=3}}}]'
//! ```

mod agreement;

use std::process::ExitCode;

use scst_reward::RewardRegistry;

fn main() -> ExitCode {
    let mut rewards = RewardRegistry::default();
    rewards.register("agreement", |entry, _| agreement::from_entry(entry));
    scst_cli::run(rewards)
}
