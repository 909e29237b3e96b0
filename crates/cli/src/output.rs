//! Standard output, which may be closed early (`| head`) or full.

use std::{
    fmt,
    io::{self, Write},
    process,
};

/// Prints a line of results on standard output.
macro_rules! print_line {
    ($($argument:tt)*) => {
        $crate::output::write_line(format_args!($($argument)*))
    };
}
pub(crate) use print_line;

/// CIDEr-D and CIDEr that tell no captions apart.
pub(crate) struct CiderAlwaysZero;

impl fmt::Display for CiderAlwaysZero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "CIDEr-D and CIDEr are 0 whatever the captions are, because no word of the references tells one image from \
             another: score more images together, or look at other metrics",
        )
    }
}

/// The program as it was called, for commands that a message shows.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next();
    let called = called.filter(|name| !name.is_empty());
    called.map_or_else(
        || "scst".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The file name of the program as it was called, for texts that name it often.
pub(crate) fn program_name() -> String {
    let program = program();
    let name = std::path::Path::new(&program).file_name();
    name.map_or(program.clone(), |name| name.to_string_lossy().into_owned())
}

/// Prints a warning on standard error.
pub(crate) fn warn(warning: &impl fmt::Display) {
    eprintln!("warning: {warning}");
}

/// See [`print_line`].
pub(crate) fn write_line(line: fmt::Arguments<'_>) {
    check(writeln!(io::stdout(), "{line}"));
}

/// Ends the program when standard output cannot be written: quietly when nobody reads it any more.
pub(crate) fn check(written: io::Result<()>) {
    let Err(error) = written else { return };
    if error.kind() == io::ErrorKind::BrokenPipe {
        process::exit(0);
    }
    eprintln!("error: cannot write standard output: {error}");
    process::exit(1);
}
