//! Captions of validations, by every search and within every limit.

use crate::cases::{Case, Stages};

/// One step from trained weights, and a validation before and after it.
pub(crate) fn cases() -> Vec<Case> {
    let xe = |variant, model, set: &[&'static str]| {
        let set = [set, &["steps=1"]].concat();
        Case::new(variant, model, Stages::Xe, &set)
    };
    let beam = "validation.decoder.search={beam={width=4}}";
    let groups = "validation.decoder.search={beam={width=4,groups=2,diversity=0.7}}";
    let inversion = "validation.decoder.search={sample={temperature=0.8,top_k=20,top_p=0.95,min_p=0.01,draw=\"inversion\"}}";
    let gumbel = "validation.decoder.search={sample={draw=\"gumbel_max\"}}";
    let samples = "validation.decoder.samples=4";
    vec![
        xe("beam", "fc", &[beam]),
        xe(
            "beam_mean",
            "fc",
            &[beam, "validation.decoder.length_normalisation=mean"],
        ),
        xe(
            "beam_groups",
            "fc",
            &[
                groups,
                "validation.decoder.length_normalisation={gnmt={alpha=0.7}}",
            ],
        ),
        xe("sample_inversion", "fc", &[inversion]),
        xe("sample_gumbel", "fc", &[gumbel]),
        xe(
            "consensus",
            "fc",
            &[gumbel, samples, "validation.decoder.rerank=consensus"],
        ),
        xe(
            "most_probable",
            "fc",
            &[inversion, samples, "validation.decoder.rerank=probability"],
        ),
        xe(
            "constrained",
            "fc",
            &[
                beam,
                "validation.decoder.minimum_length=4",
                "validation.decoder.maximum_length=9",
                "validation.decoder.no_repeat_ngram=2",
                "validation.decoder.block_immediate_repeats=true",
                "validation.decoder.bad_endings=[\"a\",\"the\"]",
                "validation.decoder.forbidden_words=[\"blue\"]",
                "validation.decoder.required_words=[\"circle\"]",
                "validation.decoder.prefix=\"a\"",
            ],
        ),
        xe("beam", "markov", &[beam]),
        xe("sample_gumbel", "markov", &[gumbel]),
        xe("beam", "transformer", &[beam]),
        xe("beam", "up_down", &[beam]),
        xe("beam", "show_attend_tell_hard", &[beam]),
    ]
}
