//! Names of splits.

use clap::ValueEnum;
use scst_data::Split;

/// Names of splits.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SplitName {
    Train,
    Val,
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Val => Self::Val,
            SplitName::Test => Self::Test,
        }
    }
}

impl SplitName {
    pub(crate) fn name(self) -> &'static str {
        Split::from(self).name()
    }
}
