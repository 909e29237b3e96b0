//! Arguments of `scst man`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// A folder for scst.1 and a page for every command, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
