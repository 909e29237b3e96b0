//! `scst new`: a configuration for data of one's own.

mod captions;
mod coco;
mod draft;
mod sizes;
mod texts;

use std::{path::PathBuf, process::ExitCode};

use scst_files::write_bytes_atomically;
use scst_model::CaptionerRegistry;
use scst_trainer::Config;

use crate::{
    arguments::NewArguments,
    commands::out_file::check_out_file,
    failure::Failure,
    output::{print_line, warn, with_program},
};
use draft::Draft;

pub(crate) fn run(
    arguments: &NewArguments,
    captioners: &CaptionerRegistry,
) -> Result<ExitCode, Failure> {
    let default = || PathBuf::from(format!("{}.toml", arguments.name));
    let out = arguments.out.clone().unwrap_or_else(default);
    if arguments.out.is_some() {
        check_out_file("--out", &out)?;
    }
    let draft = match (&arguments.captions, &arguments.texts) {
        (Some(captions), _) => captions::draft(arguments, captions, &out)?,
        (None, Some(texts)) => texts::draft(&arguments.name, texts, &out)?,
        // The command line lets neither through.
        (None, None) => return Err(Failure::Mistake("found no data".to_owned())),
    };
    let Draft {
        config,
        mut files,
        notices,
        found,
        next,
    } = draft;
    Config::parse(&config, &out, Vec::new(), captioners)?;
    // The configuration last: where it is, the files that it names are.
    files.push((out, config.into_bytes()));
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::Mistake(format!(
            "`{}` is there already and would be lost: --out names another configuration",
            path.display()
        )));
    }
    notices.iter().for_each(warn);
    for line in found {
        print_line!("{line}");
    }
    for (path, bytes) in &files {
        write_bytes_atomically(path, bytes).map_err(|error| Failure::failed(&error))?;
        print_line!("wrote {}", path.display());
    }
    print_line!("next:");
    for command in next {
        print_line!("  {}", with_program(&command));
    }
    Ok(ExitCode::SUCCESS)
}
