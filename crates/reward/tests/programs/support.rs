//! References, captions and stub programs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use scst_reward::{
    Batch, Candidate, CommandOptions, ImageReferences, References, Reward, RewardError,
};

/// A stub's time-out that must not be reached on the busiest machine.
pub(crate) const LONG: f64 = 120.0;

/// Answers every request with the first token of each caption.
pub(crate) const FIRST_TOKENS: &str = r#"
answer() {
    scores=$(printf '%s' "$1" | grep -o '"tokens":\[[0-9]*' | grep -o '[0-9]*$' | paste -s -d , -)
    printf '{"scores":[%s]}\n' "$scores"
}
"#;

/// Two images with two references each.
pub(crate) fn references() -> References {
    let image = |id: &str, texts: [&str; 2]| {
        let tokens = [vec![4, 7, 0], vec![4, 0]];
        ImageReferences::new(id, tokens, texts.map(str::to_owned))
    };
    let images = vec![
        image("a.jpg", ["a dog runs", "two \"dogs\" \\ run"]),
        image("b.jpg", ["a cat", "caf\u{e9} with cats"]),
    ];
    References::new(Some(0), images).expect("good references")
}

/// A program that runs a script in a shell.
pub(crate) fn shell(script: &str) -> CommandOptions {
    CommandOptions {
        program: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        timeout_secs: LONG,
        ..CommandOptions::default()
    }
}

/// The scores of captions given by image, tokens and words.
pub(crate) fn score(
    reward: &mut dyn Reward,
    references: &References,
    captions: &[(usize, &[u32], &str)],
) -> Result<Vec<f64>, RewardError> {
    let captions: Vec<_> = captions
        .iter()
        .map(|&(image, tokens, text)| Candidate {
            image,
            tokens,
            text,
        })
        .collect();
    let batch = Batch::new(references, &captions).expect("known images");
    reward.score(&batch)
}

/// Writes an executable script.
///
/// Another process writes it: a file that this one holds open for writing while another test starts a program could
/// not be executed ("text file busy").
pub(crate) fn executable(directory: &Path, name: &str, script: &str) -> PathBuf {
    let path = directory.join(name);
    let mut writer = Command::new("/bin/sh");
    writer.args(["-c", "cat > \"$0\" && chmod +x \"$0\""]);
    writer.arg(&path).stdin(Stdio::piped());
    let mut writer = writer.spawn().expect("a shell");
    let mut stdin = writer.stdin.take().expect("a pipe");
    write!(stdin, "#!/bin/sh\n{script}").expect("a script");
    drop(stdin);
    assert!(writer.wait().expect("an exit status").success());
    path
}

/// Whether there is no such process, not even a zombie.
pub(crate) fn is_gone(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).expect("a process id");
    let mut kill = Command::new("/bin/sh");
    kill.args(["-c", "kill -0 \"$0\" 2>/dev/null", pid.trim()]);
    !kill.status().expect("a shell").success()
}
