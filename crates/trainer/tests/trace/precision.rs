//! Products of bfloat16, where the processor has them.

use crate::cases::{Case, Stages};

/// Captioners that have every way from a weight to its gradient between them.
pub(crate) fn cases() -> Vec<Case> {
    let case = |model| Case::new("bf16", model, Stages::Both, &["precision=bf16"]);
    let texts = Case::new("bf16_texts", "att2in", Stages::Both, &["precision=bf16"]);
    let mut cases = ["fc", "show_attend_tell", "up_down", "transformer"]
        .map(case)
        .to_vec();
    cases.push(texts.of_texts("lstm = { hidden = 10, embedding = 12 }"));
    cases
}
