//! What a person sees of a run: a progress bar on a terminal, plain lines elsewhere.

mod bar;
mod lines;

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use console::{Term, is_dumb};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scst_trainer::{
    Config, Event, Observer, Position, ScoredCaption,
    config::{Names, ValidationMetric},
};

use self::bar::{Bar, Pace, time_of_work, times};
use crate::{
    examples::{columns, example, fitted},
    output::{Verbosity, say, verbosity, warn, with_program},
};

/// Time between two lines about work that goes on.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a check of features may take before it is shown.
const QUICK: Duration = Duration::from_secs(1);
/// Elsewhere than on a terminal, every so many records are a line.
const RECORDS_A_LINE: u64 = 5;

/// Whether bars can be drawn, and are wanted.
pub(crate) fn draws_bars() -> bool {
    std::io::stderr().is_terminal() && !is_dumb() && verbosity() > Verbosity::Quiet
}

/// Shows a run on standard error.
pub(crate) struct Display {
    bar: ProgressBar,
    has_bar: bool,
    /// The metric by which a run compares validations.
    metric: ValidationMetric,
    names: Names,
    /// Name of the stage and where the run is, in a run.
    run: Option<(String, Position)>,
    pace: Pace,
    /// The newest numbers of the stage.
    numbers: String,
    /// The best so far.
    best: Option<String>,
    records: u64,
    /// Work that is no step: captions of a validation, or a check of features.
    work: Option<Work>,
    /// Sample captions that are shown at the end of the first stage and of the run.
    show: usize,
    samples: Vec<ScoredCaption>,
    samples_of: String,
    /// What was warned of since the last step.
    warned: Vec<String>,
}

/// Work on sources.
struct Work {
    label: String,
    since: Instant,
    pace: Pace,
    /// When it was last told of where there is no bar.
    said: Instant,
    /// Whether it was shown.
    is_shown: bool,
}

impl Display {
    pub(crate) fn new() -> Self {
        let has_bar = draws_bars();
        let target = if has_bar {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            has_bar,
            metric: ValidationMetric::CiderD,
            names: Names::IMAGES,
            run: None,
            pace: Pace::default(),
            numbers: String::new(),
            best: None,
            records: 0,
            work: None,
            show: 0,
            samples: Vec::new(),
            samples_of: String::new(),
            warned: Vec::new(),
        }
    }

    /// For a run; so many of its sample captions are shown.
    pub(crate) fn of_run(config: &Config, show: usize) -> Self {
        Self {
            metric: config.validation.metric,
            names: config.data.names(),
            show,
            ..Self::new()
        }
    }

    /// Shows how many sources of a piece of work are done; what is done quickly is not shown.
    pub(crate) fn progress(&mut self, label: &str, done: usize, sources: usize, quick: Duration) {
        let work = self.work.get_or_insert_with(|| Work {
            label: label.to_owned(),
            since: Instant::now(),
            pace: Pace::default(),
            said: Instant::now(),
            is_shown: false,
        });
        let elapsed = work.since.elapsed();
        work.pace.note(done as u64, elapsed.as_secs_f64());
        if done == sources {
            self.work = None;
            self.bar.set_message("");
            self.draw();
            return;
        }
        if elapsed < quick {
            return;
        }
        let is_slow = !quick.is_zero() && !std::mem::replace(&mut work.is_shown, true);
        if self.has_bar {
            self.draw_work(done, sources);
        } else if is_slow || work.said.elapsed() >= SILENCE {
            work.said = Instant::now();
            let stage = self.stage();
            let line = format!(
                "{stage} {label}: {done} of {sources} {}",
                self.names.sources
            );
            self.line(line.trim_start());
        }
    }

    /// Whether this was warned of since the last step, so that it need not be said again.
    pub(crate) fn has_just_warned(&self, warning: &str) -> bool {
        self.warned.iter().any(|said| said == warning)
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Shows sample captions of the run, unless none are wanted.
    pub(crate) fn show_samples(&self) {
        if self.show == 0 || self.samples.is_empty() {
            return;
        }
        self.line(&format!(
            "sample {}, {}:",
            self.names.targets, self.samples_of
        ));
        let width = columns(&Term::stderr());
        for caption in self.samples.iter().take(self.show) {
            for line in example(caption, self.names, width) {
                self.line(&line);
            }
        }
    }

    /// Draws the bar of the stage.
    fn draw(&self) {
        let (true, Some((stage, position))) = (self.has_bar, &self.run) else {
            return;
        };
        self.draw_bar(&Bar {
            label: labelled(stage, position),
            done: position.step,
            total: position.steps,
            counts: lines::counts(position),
            below: vec![times(position, self.pace), self.news()],
        });
    }

    /// Draws the bar of work on sources, with the times of the run if there is one.
    fn draw_work(&self, done: usize, sources: usize) {
        let Some(work) = &self.work else { return };
        let time = time_of_work(
            work.since.elapsed().as_secs_f64(),
            sources.saturating_sub(done) as u64,
            work.pace,
        );
        let (label, below) = match &self.run {
            Some((stage, position)) => (
                format!("{} {}", labelled(stage, position), work.label),
                vec![times(position, self.pace), self.news()],
            ),
            None => (work.label.clone(), Vec::new()),
        };
        self.draw_bar(&Bar {
            label,
            done: done as u64,
            total: sources as u64,
            counts: format!("{done}/{sources} {}, {time}", self.names.sources),
            below,
        });
    }

    fn draw_bar(&self, bar: &Bar) {
        // One column is left free: some terminals wrap a line that fills the last.
        let width = columns(&Term::stderr()) - 1;
        self.bar.set_message(bar.text(width));
    }

    fn line(&self, text: &str) {
        let text = with_program(text);
        if self.has_bar {
            let lines = fitted(&text, columns(&Term::stderr()) - 1);
            self.bar.println(lines.join("\n"));
        } else if verbosity() > Verbosity::Quiet {
            say!("{text}");
        }
    }

    /// Moves to another place of the run.
    fn go_to(&mut self, to: &Position) {
        if let Some((_, position)) = &mut self.run {
            *position = *to;
        }
    }

    /// The newest numbers, and the best so far.
    fn news(&self) -> String {
        let parts = [Some(self.numbers.as_str()), self.best.as_deref()];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.collect::<Vec<&str>>().join("; ")
    }

    fn stage(&self) -> &str {
        self.run.as_ref().map_or("", |(stage, _)| stage)
    }

    fn observe_stages(&mut self, event: &Event<'_>) {
        match event {
            Event::StageStarted {
                name,
                position,
                sources_left_out,
                start,
                ..
            } => {
                self.run = Some(((*name).to_owned(), *position));
                self.pace = Pace::default();
                self.numbers.clear();
                let line = lines::stage(
                    name,
                    position,
                    (*sources_left_out, self.names),
                    *start,
                    self.metric,
                );
                self.line(&line);
                self.draw();
            }
            Event::StageEnded(summary) => {
                let is_first = self
                    .run
                    .as_ref()
                    .is_some_and(|(_, position)| position.stage == 0 && position.stages > 1);
                if is_first {
                    self.show_samples();
                }
                if verbosity() > Verbosity::Normal {
                    let (name, steps) = (&summary.name, summary.steps);
                    let secs = bar::clock(summary.seconds);
                    self.line(&format!("stage {name} has ended: {steps} steps in {secs}"));
                }
            }
            _ => {}
        }
    }

    fn observe_validation(&mut self, event: &Event<'_>) {
        let Event::Validated {
            report,
            samples,
            position,
            is_start,
            is_best,
            best,
        } = event
        else {
            return;
        };
        self.go_to(position);
        self.best = lines::best(*best, self.stage(), self.metric);
        let place = lines::place(self.stage(), position);
        if *is_best || self.samples.is_empty() {
            self.samples = samples.iter().map(|&sample| sample.clone()).collect();
            self.samples_of = format!("stage {}, {}", self.stage(), lines::counts(position));
        }
        let line = lines::validation(
            report,
            self.names,
            [*is_start, *is_best],
            self.best.as_deref(),
        );
        self.line(&format!("{place}: {line}"));
        self.draw();
    }
}

/// A stage among others.
fn labelled(stage: &str, position: &Position) -> String {
    match position.stages {
        1 => stage.to_owned(),
        stages => format!("{stage} ({} of {stages})", position.stage + 1),
    }
}

impl Observer for Display {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::CheckingFeatures { done, images } => {
                self.progress("checking features", *done, *images, QUICK);
            }
            Event::LockTakenOver { path, holder } => self.line(&format!(
                "note: the lock of `{}` was left by {holder}, which has ended; it is taken over",
                path.display()
            )),
            Event::FeaturesTouched { path } => self.line(&format!(
                "note: `{}` has another modification time than when the run read it; it is read again",
                path.display()
            )),
            Event::Ready {
                data,
                val_sources,
                parameters,
            } => {
                for line in lines::data(data, self.names, *val_sources, *parameters) {
                    self.line(&line);
                }
            }
            Event::Warning(warning) => {
                self.warned.push(warning.to_string());
                self.bar.suspend(|| warn(warning));
            }
            Event::StageStarted { .. } | Event::StageEnded(_) => self.observe_stages(event),
            Event::Step { position } => {
                self.warned.clear();
                self.go_to(position);
                self.pace.note(position.step, position.stage_secs);
                self.draw();
            }
            Event::Validating { done, sources } => {
                self.progress("validation", *done, *sources, Duration::ZERO);
            }
            Event::Metrics {
                record,
                position,
                best,
            } => {
                self.go_to(position);
                self.best = lines::best(*best, self.stage(), self.metric);
                self.numbers = lines::numbers(record, self.names);
                self.records += 1;
                let is_every = verbosity() > Verbosity::Normal;
                if is_every || !self.has_bar && self.records.is_multiple_of(RECORDS_A_LINE) {
                    let place = lines::place(self.stage(), position);
                    self.line(&format!("{place}: {}", self.news()));
                }
                self.draw();
            }
            Event::Validated { .. } => self.observe_validation(event),
            Event::CheckpointWritten { path } if verbosity() > Verbosity::Normal => {
                self.line(&format!("checkpoint {}", path.display()));
            }
            _ => {}
        }
    }
}
