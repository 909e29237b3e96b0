//! The learning curve of a run as an SVG picture.
//!
//! Panel (a) shows the validation metric, panel (b) the training loss of cross-entropy stages and the reward and
//! baseline of self-critical ones, both over the global step. A baseline that is the reward by construction is left out.
//! The bytes depend on the records only.

mod curves;
mod drawing;
mod labels;

use std::io;
use std::path::Path;

use plotters::prelude::DrawingAreaErrorKind;
use scst_files::{FileError, write_bytes_atomically};

use super::record::Record;
pub use curves::CurveSpec;
use curves::Curves;

/// Name of the picture in a run's directory.
pub const CURVE_FILE: &str = "curve.svg";

/// Why the learning curve could not be drawn or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The picture could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The plotting library failed.
    #[error("cannot draw the learning curve: {0}")]
    Draw(DrawingAreaErrorKind<io::Error>),
}

impl From<DrawingAreaErrorKind<io::Error>> for CurveError {
    fn from(error: DrawingAreaErrorKind<io::Error>) -> Self {
        Self::Draw(error)
    }
}

/// Draws the learning curve of `records` (in order of writing) and puts it at `path`.
///
/// # Errors
/// When drawing or writing fails; the old picture is then intact.
pub fn write_curve(path: &Path, spec: &CurveSpec, records: &[Record]) -> Result<(), CurveError> {
    let svg = draw_curve(spec, records)?;
    Ok(write_bytes_atomically(path, svg.as_bytes())?)
}

/// The learning curve of `records` (in order of writing) as the text of an SVG file.
///
/// The training values are called `loss`, `reward` and `baseline`; a stage with rewards is a self-critical one, whose
/// loss is not shown. Numbers that are not finite are left out.
///
/// # Errors
/// When drawing fails.
pub fn draw_curve(spec: &CurveSpec, records: &[Record]) -> Result<String, CurveError> {
    Ok(drawing::svg(spec, &Curves::collect(spec, records))?)
}

#[cfg(test)]
mod tests {
    use super::super::record::RecordKind;
    use super::curves::{MAX_POINTS, Point, thinned};
    use super::*;

    fn record(step: u64, stage: &str, kind: RecordKind, values: &[(&str, f64)]) -> Record {
        Record {
            step,
            stage: stage.to_owned(),
            kind,
            values: values
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    /// Ten steps of cross-entropy and ten self-critical ones, validated every five steps.
    fn run() -> Vec<Record> {
        let mut records = Vec::new();
        for step in 1..=20 {
            let x = step as f64;
            let (stage, values) = match step {
                ..=10 => ("xe", vec![("loss", 9.0 / x)]),
                _ => (
                    "scst",
                    vec![("loss", -0.5), ("reward", 0.1 * x), ("baseline", 1.0)],
                ),
            };
            records.push(record(step, stage, RecordKind::Train, &values));
            if step % 5 == 0 {
                let value = if step == 15 { 1.25 } else { 0.05 * x };
                records.push(record(
                    step,
                    stage,
                    RecordKind::Validation,
                    &[("cider_d", value)],
                ));
            }
        }
        records
    }

    fn draw(records: &[Record]) -> String {
        draw_curve(&CurveSpec::default(), records).expect("the curve is drawn")
    }

    #[test]
    fn separates_loss_and_reward_when_a_run_has_both_kinds_of_stages() {
        let records = run();
        let curves = Curves::collect(&CurveSpec::default(), &records);
        assert_eq!(
            curves.metric,
            [(5.0, 0.25), (10.0, 0.5), (15.0, 1.25), (20.0, 1.0)]
        );
        assert_eq!(curves.best, Some((15.0, 1.25)));
        assert_eq!(curves.loss.len(), 1);
        assert_eq!(curves.loss[0].len(), 10);
        assert_eq!(curves.reward[0][0], (11.0, 1.1));
        assert_eq!(curves.baseline[0].len(), 10);
        assert_eq!(curves.stages, [("xe", 0.0), ("scst", 10.0)]);
        assert_eq!(curves.last_step, 20.0);
    }

    #[test]
    fn leaves_a_baseline_out_when_it_is_the_reward() {
        let mut records = run();
        for record in &mut records {
            if let Some(reward) = record.value("reward") {
                record.values[2].1 = reward + 1e-15;
            }
        }
        let curves = Curves::collect(&CurveSpec::default(), &records);
        assert_eq!((curves.reward.len(), curves.baseline.len()), (1, 0));
        let svg = draw(&records);
        assert!(
            svg.contains("reward r") && !svg.contains("aseline"),
            "{svg}"
        );
    }

    #[test]
    fn shows_what_a_stage_begins_with() {
        let mut records = run();
        let start = record(10, "scst", RecordKind::Start, &[("cider_d", 0.75)]);
        records.insert(12, start);
        let curves = Curves::collect(&CurveSpec::default(), &records);
        assert_eq!(curves.metric[1..3], [(10.0, 0.5), (10.0, 0.75)]);
        assert_eq!(curves.stages, [("xe", 0.0), ("scst", 10.0)]);
        assert_eq!(curves.reward.len(), 1);
    }

    #[test]
    fn keeps_the_first_when_two_are_best() {
        let validation = |step| record(step, "xe", RecordKind::Validation, &[("cider_d", 1.0)]);
        let records = [validation(1), validation(2)];
        let curves = Curves::collect(&CurveSpec::default(), &records);
        assert_eq!(curves.best, Some((1.0, 1.0)));
    }

    #[test]
    fn the_smallest_value_is_the_best_of_error_rates() {
        let validation = |step, rate| {
            let values = [("word_error_rate", rate)];
            record(step, "xe", RecordKind::Validation, &values)
        };
        let records = [validation(1, 0.5), validation(2, 0.25), validation(3, 0.75)];
        let spec = CurveSpec {
            metric: "word_error_rate".to_owned(),
            smaller_is_better: true,
            ..CurveSpec::default()
        };
        assert_eq!(Curves::collect(&spec, &records).best, Some((2.0, 0.25)));
    }

    #[test]
    fn shows_means_when_a_line_has_many_points() {
        let points: Vec<Point> = (0..1000).map(|step| (f64::from(step), 2.0)).collect();
        let line = thinned(&points);
        assert!(line.len() <= MAX_POINTS);
        assert_eq!(line[0], (3.0, 2.0));
        assert_eq!(thinned(&points[..MAX_POINTS]), points[..MAX_POINTS]);
    }

    #[test]
    fn names_stages_series_and_the_best_when_drawn() {
        let svg = draw(&run());
        assert!(svg.starts_with("<svg width=\"900\" height=\"620\" viewBox=\"0 0 3600 2480\""));
        assert!(svg.trim_end().ends_with("</svg>"));
        for text in [
            "Learning curve",
            "(a) Validation CIDEr-D",
            "best 1.2500 at step 15",
            "xe",
            "scst",
            "(b) Training loss and reward",
            "cross-entropy loss",
            "reward r",
            "baseline b",
        ] {
            assert!(
                svg.lines()
                    .any(|line| line == text || line.ends_with(&format!(">{text}"))),
                "{text}"
            );
        }
    }

    #[test]
    fn gives_the_same_bytes_when_drawn_again() {
        assert_eq!(draw(&run()), draw(&run()));
    }

    #[test]
    fn says_so_when_there_are_no_records() {
        let svg = draw(&[]);
        assert!(svg.contains("no validation yet"));
        assert!(svg.contains("no training records yet"));
    }

    #[test]
    fn draws_one_axis_when_only_one_kind_of_stage_ran() {
        let records = run();
        let (xe, scst) = records.split_at(12);
        assert!(draw(xe).contains("(b) Training loss\n"));
        assert!(draw(scst).contains("(b) Training reward\n"));
    }

    #[test]
    fn draws_when_numbers_are_few_equal_huge_or_not_finite() {
        let numbers = [
            0.0,
            -1.0,
            1e-300,
            1e12,
            1e300,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        for (first, second) in numbers
            .iter()
            .flat_map(|&one| numbers.map(|two| (one, two)))
        {
            let records = [
                record(u64::MAX, "a", RecordKind::Train, &[("loss", first)]),
                record(
                    0,
                    "b",
                    RecordKind::Train,
                    &[("reward", second), ("baseline", first)],
                ),
                record(3, "b", RecordKind::Validation, &[("cider_d", first)]),
                record(3, "a", RecordKind::Validation, &[("cider_d", second)]),
            ];
            for count in 1..=records.len() {
                let svg = draw(&records[..count]);
                assert!(!svg.contains("NaN") && !svg.contains("inf"));
            }
        }
    }

    #[test]
    fn escapes_names_when_they_hold_markup() {
        let records = [record(1, "<b>&", RecordKind::Train, &[("loss", 1.0)])];
        assert!(draw(&records).contains("&lt;b&gt;&amp;"));
    }

    #[test]
    fn replaces_the_picture_when_written_again() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join(CURVE_FILE);
        for records in [Vec::new(), run()] {
            write_curve(&path, &CurveSpec::default(), &records).expect("the curve is written");
            let svg = std::fs::read_to_string(&path).expect("the picture is read");
            assert_eq!(svg, draw(&records));
        }
    }
}
