//! The rewards that a configuration can name, with their options: what `scst rewards` prints.

/// A reward that a configuration can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewardDescription {
    /// Its key in an entry of the list of rewards.
    pub key: &'static str,
    /// What it scores.
    pub summary: &'static str,
    /// The range of its scores.
    pub scores: &'static str,
    /// Its options.
    pub options: &'static [OptionDescription],
}

/// An option of a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionDescription {
    /// Its key.
    pub key: &'static str,
    /// Its value when it is not given, as TOML; empty where it has to be given.
    pub default: &'static str,
    /// The values it may have.
    pub range: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

const fn option(
    key: &'static str,
    default: &'static str,
    range: &'static str,
    meaning: &'static str,
) -> OptionDescription {
    OptionDescription {
        key,
        default,
        range,
        meaning,
    }
}

/// The keys of an entry beside its reward.
pub const ENTRY_OPTIONS: &[OptionDescription] = &[
    option(
        "weight",
        "1.0",
        "a finite number",
        "what the scores are multiplied by",
    ),
    option(
        "standardise",
        "false",
        "true or false",
        "bring the scores of a batch to mean 0 and deviation 1 first",
    ),
    option(
        "self_critical",
        "true",
        "true or false",
        "subtract the stage's baseline from this reward",
    ),
];

/// Every reward that a configuration can name.
pub const CATALOGUE: &[RewardDescription] = &[
    RewardDescription {
        key: "cider_d",
        summary: "CIDEr-D against the references, document frequencies of the training images",
        scores: "0 to 10",
        options: &[
            option(
                "sigma",
                "6.0",
                "above 0",
                "deviation of the length penalty, in tokens",
            ),
            option("scale", "10.0", "above 0", "score of a perfect similarity"),
        ],
    },
    RewardDescription {
        key: "bleu",
        summary: "sentence BLEU against the references",
        scores: "0 to 1",
        options: &[
            option("order", "4", "1 to 4", "longest n-gram counted"),
            option(
                "reference_length",
                "\"closest\"",
                "closest, shortest or average",
                "length that the candidate's is compared with",
            ),
            option(
                "smoothing",
                "\"coco\"",
                "coco, none, exp, { floor = { value = 0.1 } } or { add_k = { k = 1.0 } }",
                "what happens to an order without a match",
            ),
            option(
                "effective_order",
                "false",
                "true or false; not with coco smoothing",
                "mean over the orders that the candidate has n-grams of",
            ),
        ],
    },
    RewardDescription {
        key: "rouge_l",
        summary: "ROUGE-L against the references",
        scores: "0 to 1",
        options: &[option("beta", "1.2", "0 to 1e6", "weight of recall")],
    },
    RewardDescription {
        key: "mixer_bleu",
        summary: "MIXER's sentence BLEU, mean over the references",
        scores: "0 to 1",
        options: &[option(
            "smooth",
            "true",
            "true or false",
            "add 1 to all counts, as MIXER does in training",
        )],
    },
    RewardDescription {
        key: "meteor",
        summary: "METEOR by its Java program, kept running",
        scores: "0 to 1",
        options: &[
            option("jar", "", "a path", "meteor-1.5.jar, with data/ beside it"),
            option("java", "\"java\"", "a path", "the Java program"),
            option("memory", "\"2G\"", "as Java's -Xmx", "memory for Java"),
            option(
                "timeout_secs",
                "180.0",
                "above 0",
                "longest wait for an answer",
            ),
        ],
    },
    RewardDescription {
        key: "repetition_penalty",
        summary: "minus the share of a caption's n-grams that repeat",
        scores: "-1 to 0",
        options: &[option("order", "2", "1 to 4", "length of the n-grams")],
    },
    RewardDescription {
        key: "length_penalty",
        summary: "minus the number of words short of a minimum or beyond a maximum",
        scores: "at most 0",
        options: &[
            option("minimum", "7", "at most maximum", "fewest words"),
            option("maximum", "15", "at least minimum", "most words"),
        ],
    },
    RewardDescription {
        key: "bad_ending_penalty",
        summary: "-1 for an empty caption or one whose last word cannot end a sentence",
        scores: "-1 or 0",
        options: &[option(
            "words",
            r#"["a", "an", "the", "in", "for", "at", "of", "with", "before", "after", "on", "upon", "near", "to", "is", "are", "am"]"#,
            "one or more words",
            "words that cannot end a sentence",
        )],
    },
    RewardDescription {
        key: "command",
        summary: "any program: one line of JSON a batch in, one out (see scripts/README.md)",
        scores: "finite numbers",
        options: &[
            option(
                "program",
                "",
                "a list of strings",
                "the program and its arguments",
            ),
            option(
                "name",
                "\"command\"",
                "letters, digits, _ and -",
                "name of the scores in logs",
            ),
            option(
                "timeout_secs",
                "60.0",
                "above 0",
                "longest wait for an answer",
            ),
            option("workers", "1", "1 to 256", "copies that share a batch"),
            option(
                "restarts",
                "0",
                "0 or more",
                "how often a failed copy is started again",
            ),
        ],
    },
    RewardDescription {
        key: "custom",
        summary: "a reward in Rust that the program around this library registered",
        scores: "finite numbers",
        options: &[
            option("name", "", "a registered name", "which reward"),
            option("options", "{}", "a table", "handed to the reward"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::RewardEntry;

    fn parsed(toml: &str) -> Value {
        let value: toml::Value = toml::from_str::<toml::Table>(&format!("value = {toml}"))
            .expect("TOML")["value"]
            .clone();
        serde_json::to_value(value).expect("plain values")
    }

    #[test]
    fn catalogue_lists_every_key_and_default_when_compared_with_the_entry() {
        let entry = serde_json::to_value(RewardEntry::default()).expect("plain values");
        let fields: Vec<&str> = entry
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        let entry_options = ENTRY_OPTIONS.iter().map(|option| option.key);
        let mut listed: Vec<&str> = entry_options
            .chain(CATALOGUE.iter().map(|reward| reward.key))
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, fields);
        for option in ENTRY_OPTIONS {
            assert_eq!(parsed(option.default), entry[option.key], "{}", option.key);
        }
        for reward in CATALOGUE {
            let entry: RewardEntry = serde_json::from_value(json!({ reward.key: {} }))
                .expect("all options have defaults");
            let options = serde_json::to_value(entry).expect("plain values")[reward.key].clone();
            let options = options.as_object().expect("an object");
            let mut listed: Vec<&str> = reward.options.iter().map(|option| option.key).collect();
            listed.sort_unstable();
            assert_eq!(
                listed,
                options.keys().map(String::as_str).collect::<Vec<_>>(),
                "{}",
                reward.key
            );
            for option in reward.options.iter().filter(|o| !o.default.is_empty()) {
                assert_eq!(
                    parsed(option.default),
                    options[option.key],
                    "{}.{}",
                    reward.key,
                    option.key
                );
            }
        }
    }
}
