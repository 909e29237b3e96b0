//! What a name that does not exist was probably meant to be.

/// How alike two names are at least, 0 to 1, for one to be offered for the other.
const ALIKE: f64 = 0.84;

/// Names that other programs have for a key, and ours.
const OTHER_NAMES: [(&str, &str); 26] = [
    ("images", "sources"),
    ("images_per_batch", "sources_per_batch"),
    ("captions_per_image", "targets_per_source"),
    ("samples_per_image", "samples_per_source"),
    ("lr", "learning_rate"),
    ("batch", "sources_per_batch"),
    ("batch_size", "sources_per_batch"),
    ("max_epochs", "epochs"),
    ("num_epochs", "epochs"),
    ("max_steps", "steps"),
    ("optimizer", "optimiser"),
    ("optim", "optimiser"),
    ("normalizer", "normaliser"),
    ("standardize", "standardise"),
    ("warmup", "warmup_steps"),
    ("scheduler", "schedule"),
    ("lr_schedule", "schedule"),
    ("grad_clip", "clip"),
    ("rnn_size", "hidden"),
    ("hidden_size", "hidden"),
    ("embedding_size", "embedding"),
    ("early_stopping", "patience"),
    ("beam_size", "width"),
    ("beam_width", "width"),
    ("beam", "width"),
    ("num_workers", "threads"),
];

/// The one of `names` that `name` was probably meant to be.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase().replace('-', "_");
    let other = OTHER_NAMES
        .iter()
        .find(|(of, _)| *of == name)
        .map(|(_, own)| *own);
    let alike = |of: &str| {
        if other == Some(of) {
            2.0
        } else {
            strsim::jaro_winkler(&name, of)
        }
    };
    let names = names.into_iter().map(|of| (alike(of), of));
    let best = names.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_likeness_and_by_their_names_elsewhere() {
        let keys = [
            "epochs",
            "sources_per_batch",
            "learning_rate",
            "minimum_count",
            "name",
            "patience",
        ];
        for (name, expected) in [
            ("lerning_rate", Some("learning_rate")),
            ("learning-rate", Some("learning_rate")),
            ("LR", Some("learning_rate")),
            ("batch_size", Some("sources_per_batch")),
            ("min_count", Some("minimum_count")),
            ("epoch", Some("epochs")),
            ("zebra", None),
        ] {
            assert_eq!(nearest(name, keys), expected, "{name}");
        }
        assert_eq!(nearest("greedyy", ["beam", "greedy"]), Some("greedy"));
    }
}
