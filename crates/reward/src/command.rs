//! A reward that is another program, of any language: captions go to its standard input, scores come from its standard
//! output.
//!
//! [`serve`](crate::serve) is the other side of the same protocol.
//!
//! # Protocol, version 1
//! The program is started once and kept running. It reads requests from its standard input and answers each with one
//! line on its standard output. Both are JSON, in UTF-8, on a single line that ends with `\n`. A request is
//!
//! ```json
//! {"version":1,"captions":[{"image_id":"x.jpg","tokens":[4,7,0],"text":"a dog","references":["a dog runs","two dogs"]}]}
//! ```
//!
//! | key | what it holds |
//! |---|---|
//! | `version` | the version of the protocol, 1 |
//! | `captions` | the captions to score, one or more; no two are equal |
//! | `image_id` | the id of the caption's image, normally its file name |
//! | `tokens` | the caption's token ids, up to and including the end token; without one when the caption was cut |
//! | `text` | the caption's words, joined by spaces, without the end token; may be empty |
//! | `references` | the words of the image's references, one or more |
//!
//! and is answered by one finite number per caption, in their order, larger for better:
//!
//! ```json
//! {"scores":[0.3]}
//! ```
//!
//! or by a refusal, whose sentence ends the training and is shown to the user:
//!
//! ```json
//! {"error":"image x.jpg is not in my table"}
//! ```
//!
//! Rules for the program:
//! - flush the standard output after each answer, and write nothing else there;
//! - messages go to the standard error: the last twenty lines are shown when something fails;
//! - answer within the time-out, which for the first request includes the time that the program takes to start;
//! - a line has at most 64 MiB;
//! - end when the standard input ends, which is the only signal there is: one second later the program is killed. It
//!   runs in a process group of its own, so Ctrl-C in the terminal does not reach it.
//!
//! The first request is a check, whose scores are thrown away: the first image's first reference as a caption. So a
//! program that does not work is reported before training.
//!
//! Only distinct captions are sent. With several workers, the program is started that often, and each copy gets a
//! contiguous part of the captions: a caption's score must not depend on which others it is sent with. A program that
//! fails may be started again, [`CommandOptions::restarts`] times in the whole run; the failed request is then sent
//! once more. A refusal is final.
//!
//! Scores are reproducible exactly when the program's are.
//!
//! # Protocol, version 2
//! With [`CommandOptions::protocol`] 2 the same, and
//!
//! ```json
//! {"version":2,"captions":[{"image_id":"x.jpg","tokens":[4,7,0],"text":"a dog","references":["a dog runs"],"image_path":"photos/x.jpg","features":{"file":"features.npy","row":3}}]}
//! ```
//!
//! | key | what it holds |
//! |---|---|
//! | `version` | 2 |
//! | `image_path` | the image's id below [`CommandOptions::images`]; absent without that directory |
//! | `features` | the file that the image's features are in and their row there, from 0; absent where that is not known |
//!
//! Paths are relative to the program's working directory, which is that of the trainer. In an answer, null stands for a
//! caption to which the reward does not apply:
//!
//! ```json
//! {"scores":[0.3,null]}
//! ```
//!
//! Such a caption is rewarded by the other rewards of its list: nothing is added for this one to a weighted sum, and it counts
//! in no mean and deviation of this one.

mod answer;
mod caption;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use caption::{Caption, ImagePlaces};

use crate::process::{Deadline, Process, name, program_error};
use crate::{
    Batch, Candidate, FeatureRows, ProgramFault, ProgramStage, References, Reward, RewardError,
    VERSION,
};

/// The versions of the protocol.
pub const PROTOCOL_VERSIONS: RangeInclusive<u32> = 1..=2;

/// Most copies of a program.
const MAX_WORKERS: usize = 256;

/// How another program is run as a reward.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommandOptions {
    /// The program and its arguments; has to be given. A program without a slash is looked up on the `PATH`, relative
    /// paths start from the working directory.
    pub program: Vec<String>,
    /// The name under which its scores are logged: letters, digits, `_` and `-`.
    pub name: String,
    /// The version of the protocol: 2 lets the program say that it does not apply to a caption, and tells it where images
    /// and features are.
    #[schemars(range(min = *PROTOCOL_VERSIONS.start(), max = *PROTOCOL_VERSIONS.end()))]
    pub protocol: u32,
    /// The directory of the images, with `protocol = 2`: captions then have an `image_path`, the image's id below this
    /// directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    /// How long an answer may take, in seconds.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = Deadline::LARGEST))]
    pub timeout_secs: f64,
    /// How many copies of the program share the captions of a batch.
    #[schemars(range(min = 1, max = MAX_WORKERS))]
    pub workers: usize,
    /// How often in the whole run a program that failed may be started again.
    #[schemars(range(max = u32::MAX))]
    pub restarts: u32,
}

impl Default for CommandOptions {
    fn default() -> Self {
        Self {
            program: Vec::new(),
            name: "command".to_owned(),
            protocol: 1,
            images: None,
            timeout_secs: 60.0,
            workers: 1,
            restarts: 0,
        }
    }
}

impl CommandOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let program = self.program.first().map_or("", String::as_str);
        let good_character = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let good_name = !self.name.is_empty() && self.name.chars().all(good_character);
        let problems = [
            RewardError::option_text(
                !program.is_empty(),
                "command.program",
                program,
                "a list of a program and its arguments",
            ),
            RewardError::option_text(
                good_name,
                "command.name",
                &self.name,
                "letters, digits, _ and -",
            ),
            RewardError::option(
                PROTOCOL_VERSIONS.contains(&self.protocol),
                "command.protocol",
                self.protocol.into(),
                "1 or 2",
            ),
            self.images_unsent(),
            Deadline::problem("command.timeout_secs", self.timeout_secs),
            RewardError::option(
                (1..=MAX_WORKERS).contains(&self.workers),
                "command.workers",
                self.workers as f64,
                "1 to 256",
            ),
        ];
        problems.into_iter().flatten().collect()
    }

    /// That there is a directory of images of which the program is not told.
    fn images_unsent(&self) -> Option<RewardError> {
        let images = self.images.as_ref().filter(|_| self.protocol == 1)?;
        Some(RewardError::OptionValue {
            option: "command.images",
            found: format!("`{}` with `protocol = 1`", images.display()),
            expected: "`protocol = 2` beside it",
        })
    }
}

/// Sends captions to a program and checks its answer; see the module for the protocol.
#[derive(Debug)]
pub struct CommandReward {
    options: CommandOptions,
    signature: String,
    places: ImagePlaces,
    /// The running copies; none after a failure.
    workers: Vec<Process>,
    restarts_left: u32,
}

impl CommandReward {
    /// Starts the program and has every copy of it score one caption. Under version 2 of the protocol it is told the rows
    /// of `features`.
    ///
    /// # Errors
    /// The first of [`CommandOptions::problems`], [`RewardError::OptionValue`] when there is no directory of images, or
    /// [`RewardError::Program`] when the program cannot be started or does not pass the check.
    pub fn start(
        options: CommandOptions,
        references: &References,
        features: Option<Arc<FeatureRows>>,
    ) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        let images = options.images.clone();
        if let Some(missing) = images.as_ref().filter(|directory| !directory.is_dir()) {
            return Err(RewardError::OptionValue {
                option: "command.images",
                found: format!("no directory `{}`", missing.display()),
                expected: "the directory of the images",
            });
        }
        let below = images.as_ref().map_or_else(String::new, |directory| {
            format!("|images:{}", directory.display())
        });
        let signature = format!(
            "{}|protocol:{}|program:{}{below}|{}|version:{VERSION}",
            options.name,
            options.protocol,
            name(&options.program),
            references.signature()
        );
        let features = features.filter(|_| options.protocol >= 2);
        let mut reward = Self {
            restarts_left: options.restarts,
            workers: Vec::with_capacity(options.workers),
            options,
            signature,
            places: ImagePlaces { images, features },
        };
        for _ in 0..reward.options.workers {
            let worker = Process::start(&reward.options.program, ProgramStage::Start)?;
            reward.workers.push(worker);
        }
        reward.check(references)?;
        Ok(reward)
    }

    fn check(&mut self, references: &References) -> Result<(), RewardError> {
        let image = references.image(0).ok_or(RewardError::NoImages)?;
        let candidate = Candidate {
            image: 0,
            tokens: image.tokens.first().map_or(&[], Vec::as_slice),
            text: image.texts.first().map_or("", String::as_str),
        };
        let places = self.places.clone();
        let caption = places.caption(&candidate, &image);
        let parts = vec![vec![caption]; self.workers.len()];
        self.ask(&parts, ProgramStage::Check)?;
        Ok(())
    }

    /// The scores of all parts, each from the worker at its position.
    fn ask(
        &mut self,
        parts: &[Vec<Caption<'_>>],
        stage: ProgramStage,
    ) -> Result<Vec<Option<f64>>, RewardError> {
        let asked: Vec<_> = parts
            .iter()
            .enumerate()
            .map(|(worker, part)| self.send(worker, part))
            .collect();
        let mut scores = Vec::new();
        for (worker, (part, asked)) in parts.iter().zip(asked).enumerate() {
            let answer = asked.and_then(|deadline| self.receive(worker, part, deadline));
            match answer.or_else(|fault| self.ask_again(worker, part, fault, stage)) {
                Ok(answer) => scores.extend(answer),
                Err(error) => {
                    self.workers.drain(..).for_each(Process::kill);
                    return Err(error);
                }
            }
        }
        Ok(scores)
    }

    fn send(&mut self, worker: usize, part: &[Caption<'_>]) -> Result<Deadline, ProgramFault> {
        #[derive(Serialize)]
        struct Request<'a> {
            version: u32,
            captions: &'a [Caption<'a>],
        }
        let request = Request {
            version: self.options.protocol,
            captions: part,
        };
        let mut bytes = serde_json::to_vec(&request).map_err(ProgramFault::Request)?;
        bytes.push(b'\n');
        let worker = self.workers.get_mut(worker).ok_or(ProgramFault::Stopped)?;
        worker.write(bytes)?;
        Ok(Deadline::after(self.options.timeout_secs))
    }

    fn receive(
        &mut self,
        worker: usize,
        part: &[Caption<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Option<f64>>, ProgramFault> {
        let worker = self.workers.get_mut(worker).ok_or(ProgramFault::Stopped)?;
        let line = worker.read(deadline).map_err(|fault| match fault {
            ProgramFault::TimeOut { secs } => ProgramFault::NoLine { secs },
            other => other,
        })?;
        answer::scores(&line, part, self.options.protocol)
    }

    /// Starts a failed worker again and asks it once more, as long as there are restarts left.
    fn ask_again(
        &mut self,
        worker: usize,
        part: &[Caption<'_>],
        mut fault: ProgramFault,
        stage: ProgramStage,
    ) -> Result<Vec<Option<f64>>, RewardError> {
        loop {
            let mendable = !matches!(
                fault,
                ProgramFault::Refused(_) | ProgramFault::Request(_) | ProgramFault::Stopped
            );
            let failure = self.failure(worker, fault, stage);
            if !mendable || self.restarts_left == 0 {
                return Err(failure);
            }
            self.restarts_left -= 1;
            let left = self.restarts_left;
            tracing::warn!(error = %failure, restarts_left = left, "a reward is started again");
            let started = Process::start(&self.options.program, stage)?;
            self.workers.insert(worker, started);
            let asked = self.send(worker, part);
            match asked.and_then(|deadline| self.receive(worker, part, deadline)) {
                Ok(scores) => return Ok(scores),
                Err(again) => fault = again,
            }
        }
    }

    /// Takes a failed worker out and makes an error of its fault.
    fn failure(&mut self, worker: usize, fault: ProgramFault, stage: ProgramStage) -> RewardError {
        if worker < self.workers.len() {
            return self.workers.remove(worker).fail(stage, fault);
        }
        program_error(name(&self.options.program), stage, fault, vec![])
    }
}

impl Reward for CommandReward {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let scores = self.applicable_scores(batch)?;
        let all = scores.into_iter().zip(batch.iter()).enumerate();
        all.map(|(caption, (score, (_, image)))| {
            score.ok_or_else(|| RewardError::NotApplicable {
                reward: self.options.name.clone(),
                caption,
                image: image.id.to_string(),
            })
        })
        .collect()
    }

    fn applicable_scores(&mut self, batch: &Batch<'_>) -> Result<Vec<Option<f64>>, RewardError> {
        let places = self.places.clone();
        let distinct = batch.distinct();
        let captions: Vec<_> = distinct
            .map(|(candidate, image)| places.caption(candidate, image))
            .collect();
        let parts = parts(&captions, self.options.workers);
        let scores = self.ask(&parts, ProgramStage::Run)?;
        batch.spread(&self.options.name, &scores)
    }
}

impl Drop for CommandReward {
    fn drop(&mut self) {
        // All together, so that they do not wait for one another.
        self.workers.iter_mut().for_each(Process::end_input);
    }
}

/// Contiguous parts of near-equal size, none empty, at most one per worker.
fn parts<T: Clone>(items: &[T], workers: usize) -> Vec<Vec<T>> {
    let count = workers.min(items.len());
    let bound = |part: usize| part * items.len() / count;
    (0..count)
        .map(|part| items[bound(part)..bound(part + 1)].to_vec())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_item_once_when_they_are_cut() {
        for length in 0..20 {
            let items: Vec<_> = (0..length).collect();
            for workers in 1..8 {
                let parts = parts(&items, workers);
                assert_eq!(parts.concat(), items);
                assert_eq!(parts.len(), workers.min(items.len()));
                let sizes = parts.iter().map(Vec::len);
                let (low, high) = (sizes.clone().min(), sizes.max());
                assert!(high.unwrap_or(0) - low.unwrap_or(0) <= 1);
            }
        }
    }

    #[test]
    fn problems_are_all_listed_when_options_have_several() {
        let options = CommandOptions {
            program: vec![String::new()],
            name: "a b".to_owned(),
            protocol: 3,
            images: None,
            timeout_secs: f64::NAN,
            workers: 0,
            restarts: 0,
        };
        let problems = options.problems();
        assert!(problems.iter().all(RewardError::is_mistake));
        let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "command.program: found \"\", expected a list of a program and its arguments",
                "command.name: found \"a b\", expected letters, digits, _ and -",
                "command.protocol: found 3, expected 1 or 2",
                "command.timeout_secs: found NaN, expected seconds above 0 and up to 1e6",
                "command.workers: found 0, expected 1 to 256",
            ]
        );
        let good = CommandOptions {
            program: vec!["x".to_owned()],
            ..CommandOptions::default()
        };
        assert!(good.problems().is_empty());
        let mut images = CommandOptions {
            images: Some("photos".into()),
            ..good
        };
        assert_eq!(
            images.problems()[0].to_string(),
            "command.images: found `photos` with `protocol = 1`, expected `protocol = 2` beside it"
        );
        images.protocol = 2;
        assert!(images.problems().is_empty());
    }
}
