//! Keys that may be left out and then do not show among the defaults: their meaning, as comments.

use super::{Config, ConfigError, StageConfig};

/// A key that is absent by default.
struct Optional {
    /// What uncommenting it would set.
    example: &'static str,
    meaning: &'static str,
    is_set: bool,
}

impl Config {
    /// The resolved configuration as TOML, all defaults shown, and what is not set as a comment with its meaning.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub fn to_commented_toml(&self) -> Result<String, ConfigError> {
        let mut text = String::new();
        let mut stage = None;
        comment(&mut text, &self.of_run());
        for line in self.to_toml()?.lines() {
            text += line;
            text.push('\n');
            if line == "[[stages]]" {
                stage = Some(stage.map_or(0, |k: usize| k + 1));
            }
            let stage = stage.and_then(|k| self.stages.get(k));
            match (line, stage) {
                ("[data]", _) => comment(&mut text, &self.of_data()),
                ("[validation]", _) => comment(&mut text, &self.of_validation()),
                ("[validation.decoder]", _) => comment(&mut text, &self.of_decoder()),
                ("[checkpoints]", _) => comment(&mut text, &self.of_checkpoints()),
                ("[[stages]]", Some(stage)) => comment(&mut text, &of_stage(stage)),
                ("[stages.xe]", Some(stage)) => comment(&mut text, &of_xe(stage)),
                ("[stages.scst]", Some(stage)) => comment(&mut text, &of_scst(stage)),
                _ => {}
            }
        }
        Ok(text)
    }

    fn of_run(&self) -> [Optional; 1] {
        [Optional {
            example: "threads = 2",
            meaning: "CPU threads; all of the machine's if absent",
            is_set: self.threads.is_some(),
        }]
    }

    fn of_data(&self) -> [Optional; 2] {
        [
            Optional {
                example: "words = \"characters\"",
                meaning: "or \"words\", \"given\"; tokens of the captions' layout if absent, else words",
                is_set: self.data.words.is_some(),
            },
            Optional {
                example: "vocabulary = \"runs/NAME/best/tokenizer.json\"",
                meaning: "the words of another run; those of the training captions if absent",
                is_set: self.data.vocabulary.is_some(),
            },
        ]
    }

    fn of_validation(&self) -> [Optional; 1] {
        [Optional {
            example: "images = 5000",
            meaning: "at most so many validation images, chosen by the seed; all if absent",
            is_set: self.validation.images.is_some(),
        }]
    }

    fn of_decoder(&self) -> [Optional; 2] {
        let decoder = &self.validation.decoder;
        [
            Optional {
                example: "maximum_length = 20",
                meaning: "longest caption, end token included; `data.max_length` if absent",
                is_set: decoder.maximum_length.is_some(),
            },
            Optional {
                example: "no_repeat_ngram = 3",
                meaning: "sequences of so many words stand once in a caption; any if absent",
                is_set: decoder.no_repeat_ngram.is_some(),
            },
        ]
    }

    fn of_checkpoints(&self) -> [Optional; 2] {
        let checkpoints = &self.checkpoints;
        [
            Optional {
                example: "every_steps = 1000",
                meaning: "steps between checkpoints beside those of validations; none if absent",
                is_set: checkpoints.every_steps.is_some(),
            },
            Optional {
                example: "every_minutes = 30",
                meaning: "minutes between checkpoints; none by the clock if absent",
                is_set: checkpoints.every_minutes.is_some(),
            },
        ]
    }
}

fn of_stage(stage: &StageConfig) -> [Optional; 6] {
    [
        Optional {
            example: "epochs = 20",
            meaning: "length in passes over the training images",
            is_set: stage.epochs.is_some() || stage.steps.is_some(),
        },
        Optional {
            example: "steps = 10000",
            meaning: "length in steps, in place of `epochs`",
            is_set: stage.steps.is_some(),
        },
        Optional {
            example: "dropout = 0.5",
            meaning: "in place of the captioner's own",
            is_set: stage.dropout.is_some(),
        },
        Optional {
            example: "validate_every_steps = 1000",
            meaning: "steps between validations; once an epoch if absent",
            is_set: stage.validate_every_steps.is_some(),
        },
        Optional {
            example: "patience = 5",
            meaning: "validations in a row without a better one that end the stage; none if absent",
            is_set: stage.patience.is_some(),
        },
        Optional {
            example: "hard_attention = {}",
            meaning: "how the choice of regions is trained, with hard attention",
            is_set: stage.hard_attention.is_some(),
        },
    ]
}

fn of_xe(stage: &StageConfig) -> Vec<Optional> {
    let Some(xe) = &stage.xe else {
        return Vec::new();
    };
    vec![
        Optional {
            example: "scheduled_sampling = {}",
            meaning: "input words that the model draws itself; none if absent",
            is_set: xe.scheduled_sampling.is_some(),
        },
        Optional {
            example: "position_weight = 0.5",
            meaning: "with the captioner `markov`, of the cross-entropy of single words",
            is_set: xe.position_weight.is_some(),
        },
    ]
}

fn of_scst(stage: &StageConfig) -> Vec<Optional> {
    let Some(scst) = &stage.scst else {
        return Vec::new();
    };
    vec![Optional {
        example: "mixer = {}",
        meaning: "samples that begin with words of gold captions; none if absent",
        is_set: scst.mixer.is_some(),
    }]
}

fn comment(text: &mut String, keys: &[Optional]) {
    for key in keys.iter().filter(|key| !key.is_set) {
        let (example, meaning) = (key.example, key.meaning);
        for part in ["# ", example, "  # ", meaning, "\n"] {
            text.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const MINIMAL: &str = r#"
        data.captions.karpathy = { path = "captions.json" }
        data.features.npy = { path = "features.npy" }
        model.fc = {}
        [[stages]]
        epochs = 2
        xe = {}
        [[stages]]
        steps = 10
        dropout = 0.1
        scst = { mixer = {}, baseline = "none" }
    "#;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("run.toml"), Vec::new()).map(Config::from)
    }

    #[test]
    fn comments_change_nothing_and_every_one_of_them_is_a_key() {
        let config = parse(MINIMAL).unwrap();
        let text = config.to_commented_toml().unwrap();
        assert_eq!(parse(&text).unwrap(), config);
        let lines: Vec<&str> = text.lines().collect();
        let comments = (0..lines.len()).filter(|&k| lines[k].starts_with("# "));
        let mut keys = Vec::new();
        for k in comments {
            let mut uncommented = lines.clone();
            uncommented[k] = &lines[k][2..];
            keys.push(uncommented[k].split(' ').next().unwrap_or_default());
            // A value may contradict others; a key that does not exist, or stands there twice, is another error.
            let parsed = parse(&uncommented.join("\n"));
            assert!(
                matches!(parsed, Ok(_) | Err(ConfigError::Problems { .. })),
                "{}: {parsed:?}",
                lines[k]
            );
        }
        let of_stage = ["validate_every_steps", "patience", "hard_attention"];
        let mut expected = vec![
            "threads",
            "words",
            "vocabulary",
            "images",
            "maximum_length",
            "no_repeat_ngram",
            "every_steps",
            "every_minutes",
        ];
        expected.extend(["steps", "dropout"]);
        expected.extend(of_stage);
        expected.extend(["scheduled_sampling", "position_weight"]);
        expected.extend(of_stage);
        assert_eq!(keys, expected);
    }
}
