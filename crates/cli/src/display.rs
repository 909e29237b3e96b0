//! What a person sees of a run: a progress bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scst_trainer::{Event, Observer, events::Record};

use crate::output::warn;

/// Time between two lines about a validation that goes on.
const SILENCE: Duration = Duration::from_secs(30);

/// Shows a run on standard error.
pub(crate) struct Display {
    bar: ProgressBar,
    is_terminal: bool,
    stage: String,
    /// Steps of the stage, and those that are done.
    steps: (u64, u64),
    /// When a validation was last heard of, where there is no bar.
    said: Instant,
    log_every_lines: u64,
    lines: u64,
    /// When the check of the features began, and whether it has taken long enough to be shown.
    check: Option<(Instant, bool)>,
}

/// How long a check of features may take before it is shown.
const QUICK: Duration = Duration::from_secs(1);

impl Display {
    pub(crate) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            None,
            if is_terminal {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            },
        );
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {eta} {msg}")
        {
            bar.set_style(style);
        }
        // On a terminal the bar shows the newest metrics; elsewhere every fifth record is a line.
        Self {
            bar,
            is_terminal,
            stage: String::new(),
            steps: (0, 0),
            said: Instant::now(),
            log_every_lines: 5,
            lines: 0,
            check: None,
        }
    }

    /// Shows how far the check of the features is, once it takes long.
    fn check(&mut self, done: usize, images: usize) {
        let (since, shown) = self.check.get_or_insert_with(|| (Instant::now(), false));
        if done == images {
            if *shown {
                self.bar.reset();
                self.bar.set_prefix("");
            }
            self.check = None;
            return;
        }
        if !*shown && since.elapsed() > QUICK {
            *shown = true;
            self.bar.set_prefix("checking features");
            self.bar.set_length(images as u64);
            if !self.is_terminal {
                eprintln!("checking the features of {images} images");
            }
        }
        if *shown {
            self.bar.set_position(done as u64);
        }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show_stage(&self) {
        let (steps, done) = self.steps;
        self.bar.set_length(steps);
        self.bar.set_position(done);
        self.bar.set_prefix(self.stage.clone());
        self.bar.reset_eta();
    }

    fn show_validation(&mut self, done: usize, images: usize) {
        if done == 0 {
            self.said = Instant::now();
            self.bar.set_length(images as u64);
            self.bar.set_prefix(self.in_stage("validation"));
            self.bar.reset_eta();
        }
        self.bar.set_position(done as u64);
        if !self.is_terminal && self.said.elapsed() >= SILENCE {
            self.said = Instant::now();
            let validation = self.in_stage("validation");
            self.line(&format!("{validation}: {done} of {images} images"));
        }
    }

    /// What is done, and in which stage if there is one.
    fn in_stage(&self, what: &str) -> String {
        format!("{} {what}", self.stage).trim_start().to_owned()
    }

    fn line(&self, text: &str) {
        if self.is_terminal {
            self.bar.println(text);
        } else {
            eprintln!("{text}");
        }
    }
}

impl Observer for Display {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::CheckingFeatures { done, images } => self.check(*done, *images),
            Event::LockTakenOver { path, holder } => self.line(&format!(
                "note: the lock of `{}` was left by {holder}, which has ended; it is taken over",
                path.display()
            )),
            Event::FeaturesTouched { path } => self.line(&format!(
                "note: `{}` has another modification time than when the run read it; it is read again",
                path.display()
            )),
            Event::Ready {
                train_images,
                val_images,
                vocab,
                parameters,
                wordless,
            } => {
                let millions = *parameters as f64 / 1e6;
                self.line(&format!(
                    "{train_images} training images, {val_images} validation images, \
                     {vocab} words, {millions:.2} million parameters"
                ));
                if *wordless > 0 {
                    self.line(&format!(
                        "{wordless} captions hold no word and are left out"
                    ));
                }
            }
            Event::Warning(warning) => self.bar.suspend(|| warn(warning)),
            Event::StageStarted {
                name,
                step,
                steps,
                steps_per_epoch,
            } => {
                (*name).clone_into(&mut self.stage);
                self.steps = (*steps, *step);
                self.show_stage();
                self.line(&format!(
                    "stage {name}: {steps} steps, {steps_per_epoch} an epoch{}",
                    if *step > 0 {
                        format!("; {step} are done")
                    } else {
                        String::new()
                    }
                ));
            }
            Event::Step { step } => {
                self.steps.1 = *step;
                self.bar.set_position(*step);
            }
            Event::Validating { done, images } => self.show_validation(*done, *images),
            Event::Metrics(record) => {
                let text = summary(record);
                self.lines += 1;
                if self.is_terminal {
                    self.bar.set_message(text);
                } else if self.lines.is_multiple_of(self.log_every_lines) {
                    self.line(&format!("{} step {}: {text}", self.stage, record.step));
                }
            }
            Event::Validated { report, is_best } => {
                self.show_stage();
                let scores = report.scores;
                self.line(&format!(
                    "{} validation: CIDEr-D {:.4}, BLEU-4 {:.4}, ROUGE-L {:.4}, {} distinct \
                     captions, {:.1} words{}{}",
                    self.stage,
                    scores.cider_d,
                    scores.bleu[3],
                    scores.rouge_l,
                    report.distinct_captions,
                    report.mean_length,
                    match report.dead_ends {
                        0 => String::new(),
                        some => format!(", {some} dead ends"),
                    },
                    if *is_best { ", best so far" } else { "" }
                ));
            }
            _ => {}
        }
    }
}

/// The few numbers of a record that say how training goes.
fn summary(record: &Record) -> String {
    let value = |name: &str| record.value(name).unwrap_or(f64::NAN);
    let speed = format!("{:.0} images/s", value("images_per_sec"));
    match record.value("reward") {
        Some(reward) => format!(
            "reward {reward:.3}, baseline {:.3}, advantage {:+.3}, {speed}",
            value("baseline"),
            value("advantage")
        ),
        None => format!("loss {:.4}, {speed}", value("loss")),
    }
}
