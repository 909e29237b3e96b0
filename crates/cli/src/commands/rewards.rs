//! `scst rewards`: what a configuration can be trained on.

use std::process::ExitCode;

use scst_reward::catalogue::{CATALOGUE, ENTRY_OPTIONS, OptionDescription};

pub(crate) fn run() -> ExitCode {
    println!("A stage's rewards are a list; each entry sets one of these:\n");
    println!("  [[stages.scst.rewards]]\n  weight = 1.0\n  cider_d = {{ sigma = 6.0 }}\n");
    println!("every entry");
    print_options(ENTRY_OPTIONS);
    for reward in CATALOGUE {
        println!("\n{}: {}; {}", reward.key, reward.summary, reward.scores);
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
        println!("    {:<17} {}", option.key, option.meaning);
        println!("    {:<17} {}; {default}", "", option.range);
    }
}
