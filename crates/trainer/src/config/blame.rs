//! From a file and overrides to a configuration, and who is to blame if there is none.

use std::path::Path;

use scst_model::{CaptionerRegistry, OptionProblem};
use toml::{Table, Value};

use super::{
    Config, complaint::Complaint, error::ConfigError, former_keys, forms, overrides::Override,
    problem::Problem, valid::ValidConfig, wording,
};

/// The configuration of a file's table with overrides laid over it, checked.
pub(super) fn resolve(
    table: &Table,
    path: &Path,
    overrides: &[Override],
    captioners: &CaptionerRegistry,
) -> Result<ValidConfig, ConfigError> {
    let all: Vec<&Override> = overrides.iter().collect();
    let mut table = table.clone();
    let (given_by_file, twice) = match former_keys::rename(&mut table) {
        Ok(former) => (former, Vec::new()),
        Err(twice) => (Vec::new(), twice),
    };
    let given_by_overrides: Vec<_> = all.iter().filter_map(|o| o.former_key()).collect();
    let attempt = |overrides: &[&Override]| {
        if twice.is_empty() {
            attempt(&table, path, overrides, captioners)
        } else {
            Ok(Err(twice.clone()))
        }
    };
    let problems = match attempt(&all)? {
        Ok(config) => return Ok(config),
        Err(problems) => problems,
    };
    // What is found without an override does not come of it.
    let without = |left_out: usize| {
        let kept = all.iter().enumerate().filter(|&(k, _)| k != left_out);
        attempt(&kept.map(|(_, &o)| o).collect::<Vec<_>>())
    };
    let remains: Vec<_> = (0..all.len()).map(without).collect();
    let of_file = attempt(&[]);
    let complaint = |problem: Problem| {
        let is_there =
            |outcome: &Attempt| matches!(outcome, Ok(Err(found)) if found.contains(&problem));
        let names = |keep: &dyn Fn(usize) -> bool| -> Vec<String> {
            let kept = (0..all.len()).filter(|&k| keep(k));
            kept.map(|k| all[k].name()).collect()
        };
        let related = |k: usize| problem.keys().any(|key| is_related(key, &all[k].key()));
        let needed = |k: usize| !is_there(&remains[k]);
        // What set the value is to blame, rather than what the value is only looked at with.
        let mut culprits = names(&|k| needed(k) && related(k));
        if culprits.is_empty() {
            culprits = names(&needed);
        }
        if culprits.is_empty() && !is_there(&of_file) {
            // Each of several overrides is enough for it.
            culprits = names(&related);
        }
        let former = match culprits.as_slice() {
            [] => &given_by_file,
            _ => &given_by_overrides,
        };
        Complaint {
            problem: problem.with_keys(|key| former_keys::as_given(former, key)),
            culprits,
        }
    };
    Err(ConfigError::Problems {
        path: path.to_owned(),
        complaints: problems.into_iter().map(complaint).collect(),
    })
}

/// Whether one key is the other or lies below it.
fn is_related(a: &str, b: &str) -> bool {
    let below = |a: &str, b: &str| {
        a.strip_prefix(b)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    below(a, b) || below(b, a)
}

/// A configuration, or what is wrong with it.
type Attempt = Result<Result<ValidConfig, Vec<Problem>>, ConfigError>;

/// # Errors
/// When an override does not fit the table.
fn attempt(
    table: &Table,
    path: &Path,
    overrides: &[&Override],
    captioners: &CaptionerRegistry,
) -> Attempt {
    let mut table = table.clone();
    for change in overrides {
        change.apply(&mut table)?;
    }
    if let Err(twice) = former_keys::rename(&mut table) {
        return Ok(Err(twice));
    }
    let forms = forms::problems(&table);
    if !forms.is_empty() {
        return Ok(Err(forms));
    }
    Config::fill_defaults(&mut table);
    let mut config: Config = match serde_path_to_error::deserialize(Value::Table(table)) {
        Ok(config) => config,
        Err(error) => {
            let key = wording::dotted(error.path());
            let message = wording::plain(error.inner().message());
            return Ok(Err(vec![Problem::new(key, message)]));
        }
    };
    config.fill_names(path);
    let unknown = captioners.resolve(&mut config.model).err();
    let unknown = unknown.map(|problem| {
        let OptionProblem {
            key,
            found,
            expected,
        } = problem;
        let key = format!("model.{}.{key}", config.model.name());
        Problem::new(key, format!("found {found}, expected {expected}"))
    });
    Ok(match (unknown, config.check()) {
        (None, checked) => checked,
        (Some(problem), Ok(_)) => Err(vec![problem]),
        (Some(problem), Err(others)) => Err([vec![problem], others].concat()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[data]
captions.karpathy = { path = "c.json" }
features.npy = { path = "f.npy" }
max_length = 8
[model.markov]
positions = 8
[[stages]]
epochs = 1
learning_rate = 0.03
xe = {}
"#;

    /// The message for a file, values that are set over it, and flags.
    fn message(file: &str, sets: &[&str], flags: &[(&str, &str)]) -> String {
        let sets = sets.iter().map(|text| Override::of_flag("--set", text));
        let flags = flags
            .iter()
            .map(|(key, value)| Override::of_key(&format!("--{key}"), key, value));
        let overrides: Result<Vec<Override>, ConfigError> = sets.chain(flags).collect();
        let parsed = overrides.and_then(|all| {
            Config::parse(
                file,
                Path::new("c.toml"),
                all,
                &CaptionerRegistry::default(),
            )
        });
        parsed.unwrap_err().to_string()
    }

    #[test]
    fn values_that_were_set_are_blamed_on_what_set_them() {
        for (sets, flags, expected) in [
            (
                &["stages.0.learning_rate=0"][..],
                &[][..],
                "--set stages.0.learning_rate: found 0, expected a finite number above 0",
            ),
            (
                &["stages.0.learning_rate=\"fast\""],
                &[],
                "--set stages.0.learning_rate: found \"fast\", expected a number, above 0",
            ),
            (
                &["stages.0={ epochs = 1, learning_rate = -1, xe = {} }"],
                &[],
                "--set stages.0: key `stages.0.learning_rate`: found -1, expected a finite number above 0",
            ),
            (
                &["data.max_length=9"],
                &[],
                "--set data.max_length: key `model.markov.positions`: found 8, expected `data.max_length`, 9",
            ),
            (
                &[
                    "validation.decoder.prefix=a b",
                    "validation.decoder.forbidden_words=[\"b\"]",
                ],
                &[],
                "--set validation.decoder.prefix and --set validation.decoder.forbidden_words: key \
                 `validation.decoder.prefix`: found `a b`, which cannot hold together with key \
                 `validation.decoder.forbidden_words` `b`",
            ),
            (
                &[
                    "stages.0.xe.loss.distillation.teacher=\"runs/a\"",
                    "stages.0.xe.loss.distillation.temperature=0",
                ],
                &[],
                "--set stages.0.xe.loss.distillation.temperature: found 0, expected a finite number above 0; --set \
                 stages.0.xe.loss.distillation.teacher: key `stages.0.xe.loss`: found another one, expected \
                 `cross_entropy` with the captioner `markov`, which has no softmax over single words",
            ),
            (
                &["stages.0.epochs=0", "stages.0.epochs=0"],
                &[],
                "--set stages.0.epochs and --set stages.0.epochs: key `stages.0.epochs`: found 0, expected 1 or more",
            ),
            (
                &["seed=-1"],
                &[("threads", "0")],
                "--set seed: found -1, expected a whole number, 0 to 2^63 - 1",
            ),
            (
                &["log_every_steps=0"],
                &[("threads", "0")],
                "--threads: key `threads`: found 0, expected 1 or more; --set log_every_steps: found 0, expected 1 or more",
            ),
            (
                &[],
                &[("seed", "18446744073709551615")],
                "--seed `18446744073709551615`: expected a number between -2^63 and 2^63",
            ),
        ] {
            assert_eq!(message(FILE, sets, flags), expected);
        }
        let unknown = message(FILE, &["stages.0.lerning_rate=1"], &[]);
        assert!(
            unknown.starts_with("--set stages.0.lerning_rate: "),
            "{unknown}"
        );
        let backend = message(FILE, &[], &[("backend", "abacus")]);
        assert!(
            backend.starts_with("--backend: key `backend`: found `abacus`, expected one of `flex`"),
            "{backend}"
        );
    }

    #[test]
    fn what_the_file_has_by_itself_is_blamed_on_the_file() {
        let file = FILE
            .replace("0.03", "0")
            .replace("epochs = 1", "epochs = 0");
        assert_eq!(
            message(
                &file,
                &["seed=4", "stages.0.epochs=0", "log_every_steps=0"],
                &[]
            ),
            "`c.toml`: key `stages.0.epochs`: found 0, expected 1 or more; key `stages.0.learning_rate`: found 0, \
             expected a finite number above 0; --set log_every_steps: found 0, expected 1 or more"
        );
        let broken = FILE.replace("max_length = 8", "max_length = \"8\"");
        assert_eq!(
            message(&broken, &["seed=4"], &[]),
            "`c.toml`: key `data.max_length`: found \"8\", expected a whole number, 1 to 1000 (write `8` without quotes)"
        );
    }

    #[test]
    fn keys_are_named_as_they_were_given_when_they_have_a_former_name() {
        let file = FILE.replace("epochs = 1", "epochs = 1\nimages_per_batch = 0");
        assert_eq!(
            message(&file, &[], &[]),
            "`c.toml`: key `stages.0.images_per_batch`: found 0, expected 1 or more"
        );
        // Either name is set over either.
        assert_eq!(
            message(&file, &["stages.0.sources_per_batch=-1"], &[]),
            "--set stages.0.sources_per_batch: found -1, expected a whole number, 1 to 100000"
        );
        assert_eq!(
            message(FILE, &["stages.0.images_per_batch=-1"], &[]),
            "--set stages.0.images_per_batch: found -1, expected a whole number, 1 to 100000"
        );
    }
}
