//! The progress bar as text: what fits into the width of the terminal.

use console::{measure_text_width, truncate_str};
use scst_trainer::Position;

/// A bar narrower than this says nothing.
const SHORTEST_BAR: usize = 8;
/// Steps and seconds after which the speed is known well enough to tell what remains.
const ENOUGH: (u64, f64) = (5, 2.0);

/// A bar: what is done of a piece of work.
#[derive(Debug, Clone, Default)]
pub(super) struct Bar {
    /// What is being done.
    pub(super) label: String,
    /// Parts that are done.
    pub(super) done: u64,
    /// Parts in all.
    pub(super) total: u64,
    /// The same in words, and what there is to say of it.
    pub(super) counts: String,
    /// Lines below the bar.
    pub(super) below: Vec<String>,
}

impl Bar {
    /// The text of the bar and the lines below it, none of them longer than `width` columns.
    ///
    /// The label is cut first, then the bar is left out, then lines are cut.
    pub(super) fn text(&self, width: usize) -> String {
        let counts = measure_text_width(&self.counts);
        let label = width
            .saturating_sub(counts + SHORTEST_BAR + 2)
            .max(width / 4);
        let label = truncate_str(&self.label, label, "…");
        let room = width.saturating_sub(measure_text_width(&label) + counts + 2);
        let head = if room < SHORTEST_BAR {
            format!("{label} {}", self.counts)
        } else {
            format!("{label} {} {}", self.drawing(room), self.counts)
        };
        let below = self.below.iter().filter(|line| !line.is_empty());
        let below = below.map(|line| format!("  {line}"));
        let lines = std::iter::once(head).chain(below);
        let lines: Vec<String> = lines
            .map(|line| truncate_str(&line, width, "…").into_owned())
            .collect();
        lines.join("\n")
    }

    fn drawing(&self, room: usize) -> String {
        let share = self.done.min(self.total) as f64 / self.total.max(1) as f64;
        let filled = (share * room as f64) as usize;
        "━".repeat(filled) + &"─".repeat(room.saturating_sub(filled))
    }
}

/// The speed of steps, from the first one that was seen: what comes before it is not part of steps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    begin: Option<(u64, f64)>,
    now: (u64, f64),
}

impl Pace {
    /// Takes note that so many steps, or parts of other work, are done after so many seconds.
    pub(super) fn note(&mut self, step: u64, secs: f64) {
        self.begin.get_or_insert((step, secs));
        self.now = (step, secs);
    }

    /// Seconds a step, validations and the like included, once that is known.
    pub(super) fn secs_per_step(&self) -> Option<f64> {
        let begin = self.begin?;
        let steps = self.now.0.saturating_sub(begin.0);
        let secs = self.now.1 - begin.1;
        (steps >= ENOUGH.0 && secs >= ENOUGH.1).then(|| secs / steps as f64)
    }
}

/// Elapsed and remaining time of stage and run.
///
/// Steps of another stage cost something else, so that the end of the run is known in its last stage only; before,
/// it is what it would be if all steps cost what those of this stage do, and is called so.
pub(super) fn times(position: &Position, pace: Pace) -> String {
    let left = |done: u64, steps: u64| {
        let secs = pace.secs_per_step()? * steps.saturating_sub(done) as f64;
        Some(format!(", about {} left", clock(rounded(secs))))
    };
    let stage = left(position.step, position.steps).unwrap_or_default();
    let (stage_secs, run_secs) = (clock(position.stage_secs), clock(position.run_secs));
    if position.stages == 1 {
        return format!("run {run_secs}{stage}");
    }
    let run = if position.stage + 1 == position.stages {
        stage.clone()
    } else {
        let left = left(position.run_step, position.run_steps);
        left.map_or_else(String::new, |left| left + " at this speed")
    };
    format!("stage {stage_secs}{stage}; run {run_secs}{run}")
}

/// Elapsed and remaining time of work that is no run.
pub(super) fn time_of_work(secs: f64, remaining: u64, pace: Pace) -> String {
    let elapsed = clock(secs);
    pace.secs_per_step().map_or_else(
        || elapsed.clone(),
        |each| {
            let left = clock(rounded(each * remaining as f64));
            format!("{elapsed}, about {left} left")
        },
    )
}

/// Seconds that are left, as exactly as they can be meant.
fn rounded(secs: f64) -> f64 {
    let to = match secs {
        ..60.0 => 5.0,
        60.0..600.0 => 10.0,
        600.0..3600.0 => 60.0,
        _ => 300.0,
    };
    (secs / to).ceil() * to
}

/// A time as `1:02`, or `1:02:03` from an hour on.
pub(super) fn clock(secs: f64) -> String {
    let secs = secs.max(0.0) as u64;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    match hours {
        0 => format!("{minutes}:{secs:02}"),
        _ => format!("{hours}:{minutes:02}:{secs:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(stage: usize, stages: usize) -> Position {
        Position {
            stage,
            stages,
            step: 40,
            steps: 120,
            steps_per_epoch: 12,
            run_step: 40 + 120 * stage as u64,
            run_steps: 120 * stages as u64,
            stage_secs: 62.0,
            run_secs: 3700.0,
        }
    }

    fn pace() -> Pace {
        let mut pace = Pace::default();
        pace.note(10, 30.0);
        pace.note(40, 60.0);
        pace
    }

    #[test]
    fn every_line_fits_whatever_the_width_and_the_names() {
        for label in [
            "xe",
            "a stage whose name is far longer than it should be (2 of 12) validation",
            "舞台の名前",
        ] {
            let bar = Bar {
                label: label.to_owned(),
                done: 1200,
                total: 6000,
                counts: "epoch 2/10, step 1200/6000".to_owned(),
                below: vec![
                    times(&position(0, 2), pace()),
                    String::new(),
                    "loss ".repeat(30),
                ],
            };
            for width in [10, 20, 40, 79, 120] {
                let text = bar.text(width);
                assert_eq!(text.lines().count(), 3, "{text}");
                for line in text.lines() {
                    assert!(measure_text_width(line) <= width, "{width}: {line}");
                }
            }
            let text = bar.text(79);
            assert!(text.contains("epoch 2/10, step 1200/6000\n"), "{text}");
            assert!(text.contains('━') && text.contains('─'), "{text}");
        }
    }

    #[test]
    fn bars_are_filled_from_the_left_and_never_beyond_their_end() {
        let bar = |done| Bar {
            label: "xe".to_owned(),
            done,
            total: 4,
            counts: "x".to_owned(),
            below: Vec::new(),
        };
        let texts = [0, 1, 4, 9].map(|done| bar(done).text(13));
        assert_eq!(texts[0], "xe ──────── x");
        assert_eq!(texts[1], "xe ━━────── x");
        assert_eq!(texts[2], "xe ━━━━━━━━ x");
        assert_eq!(texts[2], texts[3]);
    }

    #[test]
    fn what_remains_of_the_run_is_told_for_what_it_is() {
        assert_eq!(
            times(&position(0, 2), pace()),
            "stage 1:02, about 1:20 left; run 1:01:40, about 3:20 left at this speed"
        );
        assert_eq!(
            times(&position(1, 2), pace()),
            "stage 1:02, about 1:20 left; run 1:01:40, about 1:20 left"
        );
        assert_eq!(
            times(&position(0, 1), pace()),
            "run 1:01:40, about 1:20 left"
        );
        assert_eq!(
            times(&position(1, 2), Pace::default()),
            "stage 1:02; run 1:01:40"
        );
    }

    #[test]
    fn remaining_time_waits_for_a_speed() {
        let mut pace = Pace::default();
        pace.note(0, 50.0);
        pace.note(4, 60.0);
        assert_eq!(pace.secs_per_step(), None);
        pace.note(5, 51.0);
        assert_eq!(pace.secs_per_step(), None);
        pace.note(10, 60.0);
        assert_eq!(pace.secs_per_step(), Some(1.0));
        assert_eq!(time_of_work(61.0, 90, pace), "1:01, about 1:30 left");
        assert_eq!(time_of_work(61.0, 7, Pace::default()), "1:01");
    }

    #[test]
    fn times_are_rounded_up_to_what_can_be_meant() {
        let texts = [0.0, 3.0, 61.0, 601.0, 7300.0].map(|secs| clock(rounded(secs)));
        assert_eq!(texts, ["0:00", "0:05", "1:10", "11:00", "2:05:00"]);
        assert_eq!(clock(-1.0), "0:00");
    }
}
