//! `scst rewards`: what a configuration can be trained on.

use std::process::ExitCode;

use scst_trainer::config::explain;

use crate::{explanation::Explanation, failure::Failure, output::print_line};

pub(crate) fn run() -> Result<ExitCode, Failure> {
    print_line!("A stage's rewards are a list; each entry sets one of these:\n");
    print_line!("  [[stages.scst.rewards]]\n  weight = 1.0\n  cider_d = {{ sigma = 6.0 }}\n");
    print_line!("{}", Explanation(&explain(Some("stages.scst.rewards"))?));
    Ok(ExitCode::SUCCESS)
}
