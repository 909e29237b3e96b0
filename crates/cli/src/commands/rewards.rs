//! `scst rewards`: what a configuration can be trained on.

use std::process::ExitCode;

use scst_reward::catalogue::{CATALOGUE, ENTRY_OPTIONS, OptionDescription};

use crate::output::print_line;

pub(crate) fn run() -> ExitCode {
    print_line!("A stage's rewards are a list; each entry sets one of these:\n");
    print_line!("  [[stages.scst.rewards]]\n  weight = 1.0\n  cider_d = {{ sigma = 6.0 }}\n");
    print_line!("every entry");
    print_options(ENTRY_OPTIONS);
    for reward in CATALOGUE {
        print_line!("\n{}: {}; {}", reward.key, reward.summary, reward.scores);
        print_options(reward.options);
    }
    ExitCode::SUCCESS
}

fn print_options(options: &[OptionDescription]) {
    for option in options {
        let default = match option.default {
            "" => "required".to_owned(),
            default => format!("default {default}"),
        };
        print_line!("    {:<17} {}", option.key, option.meaning);
        print_line!("    {:<17} {}; {default}", "", option.range);
    }
}
