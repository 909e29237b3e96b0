//! What `--help` prints of every command, against `fixtures/help`; with SCST_RECORD_HELP=1 it is recorded and not compared.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Set to 1, the help is recorded.
const RECORD: &str = "SCST_RECORD_HELP";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/help")
}

/// Paths of all commands that are shown, from the program's own, which is empty.
fn paths(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_owned());
    for below in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let path = [path, &[below.get_name().to_owned()]].concat();
        paths(below, &path, found);
    }
}

#[test]
fn help_of_every_command_is_as_recorded() {
    let mut commands = Vec::new();
    paths(&scst_cli::command(), &[], &mut commands);
    let is_recorded = env::var(RECORD).is_ok_and(|value| value == "1");
    if is_recorded {
        let _ = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).expect("a folder");
    }
    let mut names = BTreeSet::new();
    let mut differ = Vec::new();
    for path in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_scst"))
            .args(&path)
            .arg("--help")
            // Else lines are as wide as it says.
            .env_remove("COLUMNS")
            .output()
            .expect("scst starts");
        assert!(output.status.success(), "{path:?}");
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        let name = [&["scst".to_owned()], &path[..]].concat().join("-") + ".txt";
        let file = folder().join(&name);
        if is_recorded {
            fs::write(&file, &help).expect("a file");
        } else if fs::read_to_string(&file).ok().as_ref() != Some(&help) {
            differ.push(format!("{name}:\n{help}"));
        }
        names.insert(name);
    }
    assert!(
        differ.is_empty(),
        "not as in tests/fixtures/help; {RECORD}=1 renews it:\n{}",
        differ.join("\n")
    );
    let files = fs::read_dir(folder()).expect("a folder");
    let files = files.map(|file| file.expect("a file").file_name());
    let files: BTreeSet<String> = files.map(|name| name.to_string_lossy().into()).collect();
    assert_eq!(files, names, "{RECORD}=1 renews tests/fixtures/help");
}
