//! Arguments of `scst import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Programs whose weights can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Origin {
    /// ruotianluo/self-critical.pytorch: newfc, fc, show_tell, att2in, att2in2, att2all2, updown
    SelfCritical,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The program that the weights come from
    #[arg(long, value_enum)]
    pub(crate) from: Origin,
    /// The weights: model.pth, model-best.pth
    #[arg(value_name = "MODEL.pth")]
    pub(crate) weights: PathBuf,
    /// The words: infos_*.pkl of the model, or cocotalk.json
    #[arg(value_name = "infos.pkl|vocab.json")]
    pub(crate) vocabulary: PathBuf,
    /// The configuration to evaluate and train with: where captions and features are, and the
    /// captioner of the weights [default: one with the paths of self-critical.pytorch]
    #[arg(long, value_name = "CONFIG.toml")]
    pub(crate) config: Option<PathBuf>,
    /// Set a value over the configuration's, e.g. `model.att2in.hidden=1000`; may be given several
    /// times
    #[arg(long = "set", value_name = "KEY.PATH=VALUE", requires = "config")]
    pub(crate) overrides: Vec<String>,
    /// Where the checkpoint is written
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) out: PathBuf,
}
