//! `scst split`: images shared out to splits.

use std::process::ExitCode;

use scst_data::{
    Split,
    splitting::{SplitTable, read_image_names},
};
use scst_encoder::list_images;
use scst_files::write_bytes_atomically;

use crate::{
    arguments::SplitArguments,
    commands::out_file::check_out_file,
    failure::Failure,
    output::{print_line, say},
};

pub(crate) fn run(arguments: &SplitArguments) -> Result<ExitCode, Failure> {
    let (images, out) = (&arguments.images, &arguments.out);
    check_out_file("--out", out)?;
    if out.exists() && !arguments.force {
        return Err(Failure::Mistake(format!(
            "`{}` is there already and would be lost: --force replaces it",
            out.display()
        )));
    }
    let names = if images.is_dir() {
        let (names, passed_over) = list_images(images, arguments.recursive)?;
        if !passed_over.is_empty() {
            say!("{passed_over}");
        }
        names
    } else {
        read_image_names(images)?
    };
    let table = SplitTable::draw(names, &arguments.ratio, arguments.seed)
        .map_err(|error| Failure::Mistake(format!("--ratio: {error}")))?;
    write_bytes_atomically(out, table.to_string().as_bytes())
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let counts = Split::ALL.map(|split| format!("{} {split}", table.count(split)));
    print_line!("{} images: {}", table.sources.len(), counts.join(", "));
    print_line!("wrote {}", out.display());
    Ok(ExitCode::SUCCESS)
}
