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

/// Those that read texts, through either encoder.
pub(crate) fn texts() -> Vec<Case> {
    let lstm = "lstm = { hidden = 10, embedding = 12 }";
    let transformer = "transformer = { hidden = 20, layers = 2, heads = 2, feed_forward = 36 }";
    let of_texts =
        |variant, model, encoder| Case::new(variant, model, Stages::Both, &[]).of_texts(encoder);
    vec![
        of_texts("lstm_texts", "att2in", lstm),
        of_texts("transformer_texts", "transformer", transformer),
        of_texts("lstm_texts", "fc", lstm),
    ]
}
