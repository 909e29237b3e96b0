//! What `--help` prints: commands in groups, and an example of each.

use clap::{Command, CommandFactory, builder::StyledStr};

use crate::{arguments::Arguments, build_info, output::program_name};

/// A heading, and the commands under it.
type Group = (&'static str, &'static [&'static str]);

const GROUPS: &[Group] = &[
    (
        "Everyday",
        &[
            "new", "train", "eval", "compare", "report", "card", "caption", "generate", "config",
            "check", "doctor",
        ],
    ),
    (
        "Data",
        &[
            "features",
            "split",
            "document-frequency",
            "tokenize",
            "import",
            "scenes",
        ],
    ),
    (
        "Analysis",
        &[
            "score",
            "reward",
            "rewards",
            "estimators",
            "devices",
            "bench",
        ],
    ),
    ("Shell", &["completions", "man"]),
];

/// Examples of every command, as one would type them.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "new",
        &[
            "scst new birds --captions captions.csv --images photos",
            "scst new birds --captions dataset.json --features features.npy",
            "scst new spelling --texts words.tsv",
        ],
    ),
    (
        "train",
        &[
            "scst train configs/quickstart.toml",
            "scst train my.toml --set stages.1.epochs=20 --seed 2 --out runs/second",
            "scst train my.toml --seeds 3",
            "scst train --resume runs/second",
        ],
    ),
    (
        "eval",
        &[
            "scst eval runs/quickstart --split test --beam 5",
            "scst eval runs/quickstart --show 5",
            "scst eval runs/quickstart --split test --out results.json",
        ],
    ),
    (
        "compare",
        &[
            "scst compare runs/quickstart runs/longer --split test --beam 5",
            "scst compare --a runs/x/seed-1 runs/x/seed-2 --b runs/y/seed-1 runs/y/seed-2",
            "scst compare a.json b.json --references captions_val2014.json",
        ],
    ),
    (
        "report",
        &[
            "scst report runs/quickstart",
            "scst report runs/mine --split test --images photos --out mine.html",
            "scst report runs/quickstart runs/longer",
            "scst report runs/quickstart --text",
        ],
    ),
    (
        "card",
        &["scst card runs/mine --split test --license mit --language en"],
    ),
    (
        "caption",
        &[
            "scst caption runs/mine photo.jpg",
            "scst caption runs/mine holiday/ --beam 5 --json",
            "scst caption runs/quickstart --split test --image 1203.png",
        ],
    ),
    (
        "generate",
        &[
            "scst generate runs/g2p-quickstart words.txt",
            "scst generate runs/mine test.en --beam 5",
        ],
    ),
    (
        "config",
        &[
            "scst config my.toml",
            "scst config --explain baseline",
            "scst config --schema",
        ],
    ),
    ("check", &["scst check my.toml"]),
    (
        "doctor",
        &[
            "scst doctor my.toml",
            "scst doctor runs/mine",
            "scst doctor runs/mine --json",
        ],
    ),
    (
        "features",
        &[
            "scst features --images photos --encoder resnet50 --weights resnet50.pth --out pooled.npy --grid grid.npy",
        ],
    ),
    (
        "split",
        &["scst split captions.txt --ratio 0.8,0.1,0.1 --seed 1 --out splits.csv"],
    ),
    (
        "document-frequency",
        &["scst document-frequency --captions dataset_coco.json --out coco.df"],
    ),
    ("tokenize", &["echo 'A dog, running.' | scst tokenize"]),
    (
        "import",
        &["scst import --from self-critical model-best.pth infos-best.pkl --out imported"],
    ),
    ("scenes", &["scst scenes my-scenes --seed 7"]),
    (
        "score",
        &[
            "scst score --references captions_val2014.json --candidates results.json",
            "scst score --references refs.json --candidates results.json --metrics cider_d,bleu --json",
        ],
    ),
    (
        "reward",
        &["scst reward --serve --references captions_train2014.json"],
    ),
    ("rewards", &["scst rewards"]),
    (
        "estimators",
        &[
            "scst estimators my.toml --checkpoint runs/mine --samples 2,5",
            "scst estimators --toy --picture toy.svg",
        ],
    ),
    (
        "completions",
        &["scst completions bash > ~/.local/share/bash-completion/completions/scst"],
    ),
    ("man", &["scst man --out ~/.local/share/man/man1"]),
    ("devices", &["scst devices --self-test"]),
    (
        "bench",
        &["scst bench step --model att2in --images 50 --threads 2"],
    ),
    (
        "bench step",
        &[
            "scst bench step --model fc --backend flex",
            "scst bench step --task text --encoder lstm --source-length 30",
        ],
    ),
];

/// The command line with its help.
pub(crate) fn command() -> Command {
    let mut command = Arguments::command();
    // Derived names are what `--help` lists; one that is not in a group would be missed.
    let groups = groups(&command);
    command = command
        .after_help(groups.clone())
        .after_long_help(groups)
        .help_template(
            "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\nOptions:\n{options}",
        );
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(&name, |sub| with_examples(sub, &name));
    }
    command
}

/// The command line without what is not shown, for what describes it.
pub(crate) fn visible_command() -> Command {
    let command = command();
    let visible = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    Command::new("scst")
        .about(command.get_about().cloned().unwrap_or_default())
        .long_about(command.get_long_about().cloned().unwrap_or_default())
        .version(build_info::VERSION)
        .subcommand_required(true)
        .args(command.get_arguments().cloned())
        .subcommands(visible.cloned())
}

/// Examples of a command, given by its path behind the program's name, with the program as it was called.
pub(crate) fn examples(path: &str) -> Vec<String> {
    let found = EXAMPLES.iter().find(|(of, _)| *of == path);
    let program = program_name();
    let lines = found.into_iter().flat_map(|(_, lines)| lines.iter());
    let named = lines.map(|line| {
        let (before, after) = line.split_once("scst ").unwrap_or(("", line));
        format!("{before}{program} {after}")
    });
    named.collect()
}

/// Adds the examples of a command and of those below it, and lets its options take negative numbers: that one is not
/// negative is for the option to say.
fn with_examples(mut command: Command, path: &str) -> Command {
    command = command.mut_args(|argument| {
        let takes_one = argument.get_action().takes_values() && !argument.is_positional();
        let is_free = argument.get_num_args().is_none_or(|n| n.min_values() > 0);
        if takes_one && is_free {
            argument.allow_negative_numbers(true)
        } else {
            argument
        }
    });
    let lines = examples(path);
    if !lines.is_empty() {
        let heading = if lines.len() == 1 {
            "Example"
        } else {
            "Examples"
        };
        let lines: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
        command = command.after_help(format!("{heading}:\n{}", lines.join("\n")));
    }
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(&name, |sub| with_examples(sub, &path));
    }
    command
}

/// The commands in their groups, a line each.
fn groups(command: &Command) -> StyledStr {
    let about = |name: &str| {
        let sub = command.find_subcommand(name)?;
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        Some(format!("  {name:<20}{about}\n"))
    };
    let mut text = String::new();
    for (heading, names) in GROUPS {
        let lines: String = names.iter().filter_map(|name| about(name)).collect();
        text.extend(["\n", heading, ":\n", &lines]);
    }
    text.extend([
        "\n`",
        &program_name(),
        " COMMAND --help` shows the options of a command, with examples.",
    ]);
    text.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_stands_in_one_group_and_has_an_example_that_parses() {
        let command = Arguments::command();
        let shown: BTreeSet<&str> = command
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set())
            .map(Command::get_name)
            .collect();
        let grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        assert_eq!(grouped.len(), shown.len());
        for sub in command.get_subcommands() {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            let columns = 22 + about.chars().count();
            assert!(columns <= 80, "{about}: more than a line of the list");
        }
        assert_eq!(grouped.into_iter().collect::<BTreeSet<_>>(), shown);
        let with_example: BTreeSet<&str> = EXAMPLES
            .iter()
            .filter_map(|(path, _)| path.split(' ').next())
            .collect();
        assert_eq!(with_example, shown);
        for (path, lines) in EXAMPLES {
            for line in *lines {
                let start = line.find("scst ").expect("the program");
                // What goes into a file is for the shell.
                let words = line[start..].split_whitespace();
                let words = words.take_while(|word| *word != ">");
                let parsed = Arguments::command().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{path}: {line}: {:?}", parsed.err());
                assert!(line[start + 5..].starts_with(path), "{path}: {line}");
            }
        }
    }

    #[test]
    fn help_fits_eighty_columns() {
        // The program of the tests has a longer name than any that people give.
        let help = command().term_width(80).render_help().to_string();
        let help = help.replace(&program_name(), "scst");
        let long = help.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None);
    }
}
