//! Arguments of `scst devices` and of the self-test of a device.

use clap::Args;
use scst_trainer::Backend;

#[derive(Debug, Args)]
pub(crate) struct DevicesArguments {
    /// Run a small training step on every device, each in a process of its own
    #[arg(long)]
    pub(crate) self_test: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SelfTestArguments {
    /// The backend
    #[arg(value_parser = |name: &str| Backend::parse(name))]
    pub(crate) backend: Backend,
}
