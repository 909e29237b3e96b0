//! Every captioner: cross-entropy, then self-critical training.

use crate::cases::{Case, Stages};

fn both(model: &'static str) -> Case {
    Case::new("", model, Stages::Both, &[])
}

/// Those that read one vector an image.
pub(crate) fn images() -> Vec<Case> {
    ["fc", "fc_maxout_linear", "show_tell", "markov"]
        .map(both)
        .into()
}

/// Those that attend to regions.
pub(crate) fn regions() -> Vec<Case> {
    [
        "att2in",
        "att2in_linear",
        "att2all",
        "show_attend_tell",
        "show_attend_tell_hard",
        "up_down",
        "transformer",
    ]
    .map(both)
    .into()
}
