//! `scst` with a reward, a captioner, an objective, a search and a layout of captions of its own: every command,
//! configuration and report, with `custom = { name = "agreement" }` among the rewards, `[model.custom]`, `name = "gru"`,
//! `objective = { custom = { name = "ranks" } }`, `search = { custom = { name = "stochastic_beam" } }` and
//! `captions.custom = { name = "tab_separated", path = "captions.tsv" }`.
//!
//! ```sh
//! cargo run --release --manifest-path examples/own-reward/Cargo.toml -- train configs/quickstart.toml \
//!   --set 'model.custom={name="gru"}' --out runs/gru \
//!   --set 'stages.1.scst.objective={custom={name="ranks",options={power=2}}}' \
//!   --set 'stages.1.scst.rewards=[{cider_d={}},{weight=0.5,custom={name="agreement",options={references=3}}}]'
//! ```

mod agreement;
mod gru;
mod ranks;
mod stochastic_beam;
mod tab_separated;

use std::process::ExitCode;

use scst_trainer::Registry;

fn main() -> ExitCode {
    let mut registry = Registry::default();
    let rewards = &mut registry.rewards;
    rewards.register("agreement", |entry, _| agreement::from_entry(entry));
    registry.captioners.register("gru", gru::from_config);
    registry.objectives.register("ranks", ranks::from_choice);
    let searches = &mut registry.searches;
    searches.register("stochastic_beam", stochastic_beam::from_choice);
    let layouts = &mut registry.layouts;
    layouts.register("tab_separated", tab_separated::from_choice);
    scst_cli::run(registry)
}
