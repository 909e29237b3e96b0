//! `scst man`: pages of the manual.

use std::{fs, io, process::ExitCode};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};
use scst_files::{FileAction, FileError, write_bytes_atomically};

use crate::{
    arguments::ManArguments,
    build_info::{COMMIT, VERSION},
    failure::Failure,
    help::{examples, visible_command},
    output::print_line,
};

/// A page: its file name, and what it says in roff.
type Page = (String, Vec<u8>);

pub(crate) fn run(arguments: &ManArguments) -> Result<ExitCode, Failure> {
    let mut command = visible_command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add_pages(&command, "", &mut pages).map_err(|error| Failure::failed(&error))?;
    match (&arguments.out, pages.first()) {
        (Some(out), _) => {
            let failed = |error: FileError| Failure::failed(&error);
            let created = fs::create_dir_all(out);
            created
                .map_err(FileError::on(FileAction::Create, out))
                .map_err(failed)?;
            for (name, text) in &pages {
                write_bytes_atomically(&out.join(name), text).map_err(failed)?;
            }
            print_line!("wrote {} pages to {}", pages.len(), out.display());
        }
        (None, Some((_, text))) => print_line!("{}", String::from_utf8_lossy(text).trim_end()),
        (None, None) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds the page of a command, then those of the commands below it; `path` is how it is called behind the program's name.
fn add_pages(command: &Command, path: &str, pages: &mut Vec<Page>) -> io::Result<()> {
    // The date of what is told, so that the same program writes the same bytes.
    let date = COMMIT.and_then(|commit| commit.split_whitespace().last());
    let man = Man::new(command.clone())
        .date(date.unwrap_or_default())
        .source(format!("scst {VERSION}"));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let lines = examples(path);
    if !lines.is_empty() {
        let mut roff = Roff::new();
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in lines {
            roff.text([roman(line)]);
        }
        roff.control("fi", []).to_writer(&mut text)?;
    }
    pages.push((man.get_filename(), text));
    for below in command.get_subcommands() {
        let path = format!("{path} {}", below.get_name());
        add_pages(below, path.trim_start(), pages)?;
    }
    Ok(())
}
