//! What is printed: results on standard output, which may be closed early (`| head`) or full; all else on standard
//! error, in colours only where a terminal shows them.

use std::{
    fmt,
    io::{self, Write},
    path::Path,
    process,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use console::{StyledObject, Term, style};

use crate::examples::{columns, fitted};

/// Prints a line of results on standard output.
macro_rules! print_line {
    ($($argument:tt)*) => {
        $crate::output::write_line(format_args!($($argument)*))
    };
}
pub(crate) use print_line;

/// Prints a line about the work on standard error, unless only warnings, errors and results are wanted.
macro_rules! note {
    ($($argument:tt)*) => {
        $crate::output::write_note(format_args!($($argument)*))
    };
}
pub(crate) use note;

/// Prints a line on standard error, however little is to be said.
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::output::write_said(format_args!($($argument)*))
    };
}
pub(crate) use say;

/// How much is said beside results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// How the work goes.
    Normal,
    /// Everything that happens.
    Verbose,
}

static VERBOSITY: OnceLock<Verbosity> = OnceLock::new();

/// Says once for the whole process how much is said.
pub(crate) fn set_verbosity(verbosity: Verbosity) {
    // A second call would come from a program that calls `run` twice; the first one stands.
    let _ = VERBOSITY.set(verbosity);
}

/// How much is said.
pub(crate) fn verbosity() -> Verbosity {
    VERBOSITY.get().copied().unwrap_or(Verbosity::Normal)
}

/// CIDEr-D and CIDEr that tell no captions apart.
pub(crate) struct CiderAlwaysZero;

impl fmt::Display for CiderAlwaysZero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "CIDEr-D and CIDEr are 0 whatever the captions are, because no word of the references tells one source from \
             another: score more sources together, or look at other metrics",
        )
    }
}

static IS_MUTE: AtomicBool = AtomicBool::new(false);

/// Prints nothing from now on but errors: another process says it.
#[cfg(feature = "mpi")]
pub(crate) fn set_mute() {
    IS_MUTE.store(true, Ordering::Relaxed);
}

/// Whether another process says what there is to say.
fn is_mute() -> bool {
    IS_MUTE.load(Ordering::Relaxed)
}

/// The program as it was called, for commands that a message shows.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next();
    let called = called.filter(|name| !name.is_empty());
    called.map_or_else(|| "scst".to_owned(), |name| quoted(Path::new(&name)))
}

/// A message with the program as it was called in the commands that it shows: libraries write `scst` there.
pub(crate) fn with_program(message: &str) -> String {
    naming(message, &program())
}

fn naming(message: &str, program: &str) -> String {
    message.replace("`scst ", &format!("`{program} "))
}

/// A path in a command that a shell reads: quoted where it has to be.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The file name of the program as it was called, for texts that name it often.
pub(crate) fn program_name() -> String {
    let program = program();
    let name = std::path::Path::new(&program).file_name();
    name.map_or(program.clone(), |name| name.to_string_lossy().into_owned())
}

/// Prints a warning on standard error.
pub(crate) fn warn(warning: &impl fmt::Display) {
    let head: StyledObject<_> = style("warning:").for_stderr().yellow().bold();
    if !is_mute() {
        print_message(&format!("{head} {}", with_program(&warning.to_string())));
    }
}

/// Prints an error on standard error.
pub(crate) fn error(error: &impl fmt::Display) {
    let head = style("error:").for_stderr().red().bold();
    print_message(&format!("{head} {}", with_program(&error.to_string())));
}

/// Prints a message on standard error: on a terminal wrapped between words, but for commands on lines of their own.
fn print_message(message: &str) {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        write_error_line(format_args!("{message}"));
        return;
    }
    let width = columns(&terminal);
    for line in message.lines() {
        if line.starts_with(' ') {
            write_error_line(format_args!("{line}"));
        } else {
            write_error_line(format_args!("{}", fitted(line, width).join("\n")));
        }
    }
}

/// See [`note`].
pub(crate) fn write_note(line: fmt::Arguments<'_>) {
    if verbosity() > Verbosity::Quiet {
        say!("{}", with_program(&line.to_string()));
    }
}

/// See [`say`].
pub(crate) fn write_said(line: fmt::Arguments<'_>) {
    if !is_mute() {
        write_error_line(line);
    }
}

/// Writes a line on standard error. One that cannot be written, because nobody reads any more or a disk is full, is lost, and the work goes
/// on: what it makes is worth more.
fn write_error_line(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// See [`print_line`].
pub(crate) fn write_line(line: fmt::Arguments<'_>) {
    if !is_mute() {
        check(writeln!(io::stdout(), "{line}"));
    }
}

/// Ends the program when standard output cannot be written: quietly when nobody reads it any more.
pub(crate) fn check(written: io::Result<()>) {
    let Err(failure) = written else { return };
    if failure.kind() == io::ErrorKind::BrokenPipe {
        process::exit(0);
    }
    error(&format_args!("cannot write standard output: {failure}"));
    process::exit(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_messages_name_the_program_as_called() {
        let message =
            "`scst.toml` is no table of `scst document-frequency`: `scst features` writes others";
        assert_eq!(
            naming(message, "./target/release/scst"),
            "`scst.toml` is no table of `./target/release/scst document-frequency`: `./target/release/scst features` \
             writes others"
        );
    }

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        let paths = ["runs/tiny", "my runs/it's", ""].map(|path| quoted(Path::new(path)));
        assert_eq!(paths, ["runs/tiny", r"'my runs/it'\''s'", "''"]);
    }
}
