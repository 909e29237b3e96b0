//! Completions and pages of the manual.

mod support;

use std::{
    fs,
    process::{Command, Stdio},
};

use support::Workplace;

#[test]
fn completions_of_every_shell_name_what_is_shown() {
    let workplace = Workplace::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = workplace.succeed(&["completions", shell]);
        for word in ["train", "document-frequency", "standardise", "resume"] {
            let is_there = script.contains(word);
            assert_eq!(is_there, word != "standardise", "{shell}: {word}");
        }
        // A command that is not shown, by its description or its name.
        for hidden in ["Compare one backend", "scst__subcmd__self"] {
            assert!(!script.contains(hidden), "{shell}: {hidden}");
        }
    }
    let message = workplace.run(&["completions", "cmd"]);
    assert_eq!(message.status.code(), Some(2));
}

/// Bash itself completes with the script, if it is here.
#[test]
fn bash_completes_commands_and_options() {
    if !scst_testing::oracles::runs("bash", "--version") {
        scst_testing::oracles::skip("bash is not here");
        return;
    }
    let workplace = Workplace::new();
    let script = workplace.succeed(&["completions", "bash"]);
    let complete = |words: &str, last: usize| {
        let ask = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={last}\n_scst scst \"${{COMP_WORDS[{last}]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["-c", &ask]).output();
        let output = output.expect("bash runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(complete("scst tra", 1).trim(), "train");
    assert_eq!(complete("scst train --sho", 2).trim(), "--show");
}

#[test]
fn every_command_has_a_page_that_names_its_options() {
    let workplace = Workplace::new();
    let main = workplace.succeed(&["man"]);
    assert!(main.contains("scst\\-train(1)"), "{main}");
    let said = workplace.succeed(&["man", "--out", "share/man1"]);
    let entries = fs::read_dir(workplace.path("share/man1")).expect("a folder");
    let entries = entries.map(|entry| entry.expect("a page").file_name());
    let names: Vec<String> = entries.map(|name| name.to_string_lossy().into()).collect();
    assert!(said.starts_with(&format!("wrote {} pages", names.len())));
    for name in ["scst.1", "scst-train.1", "scst-bench-step.1"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("self-test")));
    assert_eq!(workplace.text("share/man1/scst.1"), main);
    let page = workplace.text("share/man1/scst-train.1");
    for part in [
        "\\-\\-resume",
        ".SH EXAMPLES",
        "scst train configs/quickstart.toml",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Twice the same, and no warning of the formatter, if it is here.
    workplace.succeed(&["man", "--out", "share/man1"]);
    assert_eq!(workplace.text("share/man1/scst-train.1"), page);
    if !scst_testing::oracles::runs("groff", "--version") {
        scst_testing::oracles::skip("groff is not here");
        return;
    }
    for name in names {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-ww", "-Tascii"]).stdout(Stdio::null());
        let output = groff
            .arg(workplace.path(&format!("share/man1/{name}")))
            .output();
        let said = String::from_utf8(output.expect("groff runs").stderr).expect("UTF-8");
        assert_eq!(said, "", "{name}");
    }
}
