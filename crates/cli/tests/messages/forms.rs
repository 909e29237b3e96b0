//! Every key of a configuration, given in every form that it may not have.

use std::path::Path;

use scst_model::CaptionerRegistry;
use scst_testing::messages::problem;
use scst_trainer::{
    Config,
    config::{ConfigError, Override, explain},
};

const FORMS: [&str; 12] = [
    "\"wrong\"",
    "\"3\"",
    "\"\"",
    "3",
    "-3",
    "0.5",
    "true",
    "1979-05-27",
    "[]",
    "[3]",
    "{}",
    "{ wrong = {} }",
];
/// What a library says of its own.
const WORDS: [&str; 7] = [
    "invalid type",
    "unit variant",
    "newtype",
    "missing field",
    "unknown field",
    "wanted exactly",
    "data did not match",
];

/// Sets a key of the quickstart.
fn set(path: &str, form: &str) -> Result<(), ConfigError> {
    let whole = include_str!("../../../../configs/quickstart.toml");
    let set = Override::of_flag("--set", &format!("{path}={form}"))?;
    Config::parse(
        whole,
        Path::new("folder/file.ext"),
        vec![set],
        &CaptionerRegistry::default(),
    )
    .map(drop)
}

#[test]
fn every_key_in_a_wrong_form_is_told_in_plain_words() {
    let (mut refused, mut wrong) = (0, Vec::new());
    for key in explain(None).expect("all keys") {
        // Rewards and the options of self-critical training stand in the second stage.
        let stage = if key.path.contains(".scst") { "1" } else { "0" };
        let path = key.path.replacen('N', stage, 1).replace(".N", ".0");
        for form in FORMS {
            let Err(error) = set(&path, form) else {
                continue;
            };
            refused += 1;
            let message = error.to_string();
            let said = problem(&message).or_else(|| {
                let word = WORDS.iter().find(|&&word| message.contains(word));
                word.map(|word| format!("\"{word}\""))
            });
            let last = path.rsplit('.').next().unwrap_or_default();
            let unnamed = (!message.contains(last)).then(|| "it does not name the key".to_owned());
            if let Some(said) = said.or(unnamed) {
                wrong.push(format!("{path} = {form}: {said}: {message}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 1000, "{refused}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn forms_that_people_try_are_answered_with_one_that_is_right() {
    for (path, form, expected) in [
        (
            "stages.0.schedule",
            "\"cosine\"",
            "`schedule = { cosine = { final_fraction = 0.1 } }`",
        ),
        (
            "validation.decoder.search",
            "\"beam\"",
            "`search = { beam = { width = 5 } }`",
        ),
        (
            "validation.decoder.search",
            "{ greedy = {} }",
            "`search = \"greedy\"`",
        ),
        (
            "stages.1.scst.baseline",
            "{ greedy = {} }",
            "`baseline = \"greedy\"`",
        ),
        (
            "stages.1.scst.baseline",
            "\"greedyy\"",
            "did you mean `greedy`?",
        ),
        ("stages.0.clip", "0.1", "`clip = { value = 0.1 }`"),
        ("model", "\"fc\"", "`model = { fc = {} }`"),
        (
            "model",
            "{ lstm = {} }",
            "found `lstm`, expected one of `fc`",
        ),
        (
            "data.captions",
            "\"a.json\"",
            "`captions = { karpathy = { path = \"dataset.json\" } }`",
        ),
        (
            "data.features",
            "\"x.npy\"",
            "`features = { npy = { path = \"features.npy\" } }`",
        ),
        (
            "data.captions",
            "{ karpathy = { path = \"a\" }, coco = {} }",
            "found `coco` and `karpathy` together",
        ),
        (
            "stages.1.scst.rewards",
            "[{ bleu = {}, rouge_l = {} }]",
            "found bleu and rouge_l, expected exactly one",
        ),
        (
            "stages.1.scst.rewards",
            "{ bleu = {} }",
            "begins with `[[stages.scst.rewards]]`",
        ),
        (
            "stages.1.scst.rewards",
            "[\"cider_d\"]",
            "such as `{ cider_d = {} }`",
        ),
        (
            "stages.1.scst.rewards",
            "[{ cider = {} }]",
            "did you mean `stages.1.scst.rewards.0.cider_d`?",
        ),
        (
            "stages.1.scst.rewards",
            "[{ custom = { name = \"a\", optoins = {} } }]",
            "did you mean `stages.1.scst.rewards.0.custom.options`?",
        ),
        (
            "stages",
            "{ epochs = 3 }",
            "each of which begins with `[[stages]]`",
        ),
        (
            "stages.1.xe",
            "{}",
            "found `xe` and `scst`, expected one objective",
        ),
        (
            "stages.0.epochs",
            "\"3\"",
            "expected a whole number, 1 to 1e6 (write `3` without quotes)",
        ),
        ("stages.0.epochs", "3.0", "(write `3`)"),
        ("stages.0.epochs", "1e3", "(write `1000`)"),
        (
            "data.standardise",
            "\"true\"",
            "expected true or false (write `true` without quotes)",
        ),
        (
            "stages.0.batch_size",
            "3",
            "did you mean `stages.0.sources_per_batch`?",
        ),
        (
            "stages.1.baseline",
            "\"greedy\"",
            "did you mean `stages.1.scst.baseline`?",
        ),
        (
            "stage.0.epochs",
            "3",
            "key `stage`: no such key, did you mean `stages`?",
        ),
    ] {
        let message = set(path, form).expect_err(form).to_string();
        assert!(message.contains(expected), "{path} = {form}: {message}");
    }
}
