//! The panels of the picture in the vocabulary of the plotting library.

use std::ops::Range;

use plotters::chart::DualCoordChartContext;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::curves::{CurveSpec, Curves, Lines, Point};
use super::labels::{grouped, printable, step_format, tick_format};
use crate::svg::{
    Area, BLUE, Drawn, GREEN, GREY, GRID, INK, ORANGE, UNIT, VERMILION, font as style,
    svg as canvas,
};

/// Size of the picture in pixels.
const SIZE: (u32, u32) = (900, 620);
/// Most labels of a vertical axis.
const Y_TICKS: usize = 7;
/// Height of the stage names in pixels.
const NAME_SIZE: i32 = 11;

type Plane = Cartesian2d<RangedCoordf64, RangedCoordf64>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Plane>;
type DualChart<'a, 'b> = DualCoordChartContext<'a, SVGBackend<'b>, Plane, Plane>;

/// The picture as the text of an SVG file.
pub(super) fn svg(spec: &CurveSpec, curves: &Curves<'_>) -> Drawn<String> {
    canvas(SIZE, |root| {
        let (width, _) = root.dim_in_pixel();
        let centre = (width as i32 / 2, 10 * UNIT);
        let heading = font(18, INK, (HPos::Center, VPos::Top));
        root.draw(&Text::new(printable(&spec.title), centre, heading))?;
        let (_, body) = root.split_vertically(34 * UNIT);
        let (upper, lower) = body.split_vertically(296 * UNIT);
        draw_validation(root, &upper, spec, curves)?;
        draw_training(root, &lower, curves)
    })
}

/// How the lines of one value look.
#[derive(Clone, Copy)]
struct Series<'a> {
    label: &'static str,
    colour: RGBColor,
    lines: &'a Lines,
}

/// The horizontal axis.
fn steps(curves: &Curves<'_>) -> Range<f64> {
    // No ticks between whole steps.
    let last = curves.last_step.max(10.0);
    -0.01 * last..1.02 * last
}

/// Whether panel (b) has a vertical axis on either side.
fn has_right_axis(curves: &Curves<'_>) -> bool {
    !curves.loss.is_empty() && !curves.reward.is_empty()
}

/// A range that holds all points and some space.
fn value_range<'a>(points: impl Iterator<Item = &'a Point>) -> Range<f64> {
    let (low, high) = points.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| {
        (low.min(point.1), high.max(point.1))
    });
    if low > high {
        return 0.0..1.0;
    }
    let size = low.abs().max(high.abs());
    let least = if high > low {
        1e-6 * size
    } else {
        0.1 * size.max(1.0)
    };
    let span = (high - low).max(least).max(1e-9);
    low - 0.08 * span..high + 0.16 * span
}

/// Text of `pixels` height whose `position` is at the point given on drawing.
fn font(pixels: i32, colour: RGBColor, position: (HPos, VPos)) -> TextStyle<'static> {
    style(f64::from(pixels), colour, position)
}

fn text_width(text: &str, pixels: i32) -> i32 {
    (0.54 * f64::from(pixels * UNIT) * text.chars().count() as f64) as i32
}

fn line_style(colour: RGBColor, tenth_pixels: i32) -> ShapeStyle {
    colour.stroke_width((tenth_pixels * UNIT / 10) as u32)
}

/// What a panel's axes show.
struct Axes<'a> {
    left: (&'a str, Range<f64>),
    right: Option<(&'a str, Range<f64>)>,
    step_label: &'a str,
}

/// An empty panel.
fn panel<'a, 'b>(
    area: &'a Area<'b>,
    curves: &Curves<'_>,
    axes: Axes<'_>,
) -> Drawn<DualChart<'a, 'b>> {
    let (label, values) = axes.left;
    let right_values = axes
        .right
        .as_ref()
        .map_or(0.0..1.0, |(_, values)| values.clone());
    let right_size = if has_right_axis(curves) { 64 } else { 16 };
    let mut chart = ChartBuilder::on(area)
        .margin_top(42 * UNIT)
        .margin_left(10 * UNIT)
        .margin_right(10 * UNIT)
        .x_label_area_size(40 * UNIT)
        .y_label_area_size(72 * UNIT)
        .right_y_label_area_size(right_size * UNIT)
        .build_cartesian_2d(steps(curves), values.clone())?
        .set_secondary_coord(steps(curves), right_values.clone());
    let text = || font(12, INK, (HPos::Left, VPos::Top));
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(line_style(GRID, 10))
        .axis_style(line_style(GREY, 10))
        .label_style(text())
        .axis_desc_style(text())
        .x_labels(10)
        .y_labels(Y_TICKS)
        .x_label_formatter(&|step| step_format(*step))
        .y_label_formatter(&tick_format(&values, Y_TICKS))
        .set_all_tick_mark_size(4 * UNIT)
        .x_desc(axes.step_label)
        .y_desc(label)
        .draw()?;
    if let Some((label, _)) = axes.right {
        chart
            .configure_secondary_axes()
            .axis_style(line_style(GREY, 10))
            .label_style(text())
            .axis_desc_style(text())
            .y_labels(Y_TICKS)
            .y_label_formatter(&tick_format(&right_values, Y_TICKS))
            .set_all_tick_mark_size(4 * UNIT)
            .y_desc(label)
            .draw()?;
    }
    Ok(chart)
}

fn draw_validation(
    root: &Area<'_>,
    area: &Area<'_>,
    spec: &CurveSpec,
    curves: &Curves<'_>,
) -> Drawn {
    let label = printable(&spec.metric_label);
    let values = value_range(curves.metric.iter());
    let axes = Axes {
        left: (&label, values.clone()),
        right: None,
        step_label: "",
    };
    let mut chart = panel(area, curves, axes)?;
    draw_stage_bounds(&mut chart, curves, &values)?;
    chart.draw_series(stroke(&curves.metric, BLUE).point_size(3 * UNIT as u32))?;
    let mut legend = Vec::new();
    if let Some(best) = curves.best {
        chart.draw_series(ring(best))?;
        let (x, y) = chart.backend_coord(&best);
        let columns = chart.plotting_area().get_pixel_range().0;
        let (side, shift) = if x < i32::midpoint(columns.start, columns.end) {
            (HPos::Left, -6 * UNIT)
        } else {
            (HPos::Right, 6 * UNIT)
        };
        let text = format!("best {:.4} at step {}", best.1, grouped(best.0));
        let style = font(12, VERMILION, (side, VPos::Bottom));
        root.draw(&Text::new(text, (x + shift, y - 9 * UNIT), style))?;
        legend.push(("validation", BLUE, Mark::DottedLine));
        legend.push(("best checkpoint", VERMILION, Mark::Ring));
    }
    draw_stage_names(root, &chart, curves, &values)?;
    draw_heading(root, &chart, &format!("(a) Validation {label}"), &legend)?;
    draw_note_if(curves.metric.is_empty(), root, &chart, "no validation yet")
}

fn draw_training(root: &Area<'_>, area: &Area<'_>, curves: &Curves<'_>) -> Drawn {
    let [loss, baseline, reward] = [
        ("cross-entropy loss", VERMILION, &curves.loss),
        ("baseline b", ORANGE, &curves.baseline),
        ("reward r", GREEN, &curves.reward),
    ]
    .map(|(label, colour, lines)| Series {
        label,
        colour,
        lines,
    });
    let (has_loss, has_reward) = (!loss.lines.is_empty(), !reward.lines.is_empty());
    let loss_range = value_range(loss.lines.iter().flatten());
    let reward_range = value_range(reward.lines.iter().chain(baseline.lines).flatten());
    let loss_label = "Loss";
    let reward_label = if baseline.lines.is_empty() {
        "Reward"
    } else {
        "Reward, baseline"
    };
    let (title, left, right) = match (has_loss, has_reward) {
        (true, true) => (
            "loss and reward",
            (loss_label, loss_range),
            Some((reward_label, reward_range)),
        ),
        (false, true) => ("reward", (reward_label, reward_range), None),
        (_, false) => ("loss", (loss_label, loss_range), None),
    };
    let values = left.1.clone();
    let axes = Axes {
        left,
        right,
        step_label: "Step",
    };
    let mut chart = panel(area, curves, axes)?;
    draw_stage_bounds(&mut chart, curves, &values)?;
    draw_lines(&mut chart, loss)?;
    for series in [baseline, reward] {
        if has_right_axis(curves) {
            draw_right_lines(&mut chart, series)?;
        } else {
            draw_lines(&mut chart, series)?;
        }
    }
    let legend: Vec<_> = [loss, baseline, reward]
        .iter()
        .filter(|series| !series.lines.is_empty())
        .map(|series| (series.label, series.colour, Mark::Line))
        .collect();
    draw_heading(root, &chart, &format!("(b) Training {title}"), &legend)?;
    draw_note_if(
        !has_loss && !has_reward,
        root,
        &chart,
        "no training records yet",
    )
}

fn draw_lines(chart: &mut Chart<'_, '_>, series: Series<'_>) -> Drawn {
    for line in series.lines {
        chart.draw_series(stroke(line, series.colour))?;
    }
    Ok(())
}

fn draw_right_lines(chart: &mut DualChart<'_, '_>, series: Series<'_>) -> Drawn {
    for line in series.lines {
        chart.draw_secondary_series(stroke(line, series.colour))?;
    }
    Ok(())
}

/// A line, or a dot where there is but one point.
fn stroke<'b>(line: &[Point], colour: RGBColor) -> LineSeries<SVGBackend<'b>, Point> {
    let dot_size = if line.len() == 1 { 3 * UNIT as u32 } else { 0 };
    let style = line_style(colour, 16).filled();
    LineSeries::new(line.iter().copied(), style).point_size(dot_size)
}

/// The mark of the best checkpoint.
fn ring<C: Copy>(centre: C) -> [Circle<C, i32>; 3] {
    [
        Circle::new(centre, 5 * UNIT, WHITE.filled()),
        Circle::new(centre, 5 * UNIT, line_style(VERMILION, 20)),
        Circle::new(centre, 2 * UNIT, VERMILION.filled()),
    ]
}

fn draw_stage_bounds(chart: &mut Chart<'_, '_>, curves: &Curves<'_>, values: &Range<f64>) -> Drawn {
    for &(_, start) in curves.stages.iter().skip(1) {
        let ends = [(start, values.start), (start, values.end)];
        let dashes = DashedLineSeries::new(ends, 5 * UNIT, 4 * UNIT, line_style(GREY, 10));
        chart.draw_series(dashes)?;
    }
    Ok(())
}

/// Writes the names of the stages at their starts: above the panel, or in a row below where that is taken.
fn draw_stage_names(
    root: &Area<'_>,
    chart: &Chart<'_, '_>,
    curves: &Curves<'_>,
    values: &Range<f64>,
) -> Drawn {
    let mut free = [0; 3];
    for &(name, start) in &curves.stages {
        let name = printable(name);
        let (x, y) = chart.backend_coord(&(start, values.end));
        let Some(row) = free.iter().position(|&free| free <= x) else {
            continue;
        };
        free[row] = x + text_width(&name, NAME_SIZE) + 6 * UNIT;
        let shift = if row == 0 { 0 } else { 3 * UNIT };
        let y = y - 3 * UNIT + row as i32 * (NAME_SIZE + 3) * UNIT;
        let style = font(NAME_SIZE, GREY, (HPos::Left, VPos::Bottom));
        root.draw(&Text::new(name, (x + shift, y), style))?;
    }
    Ok(())
}

/// How the legend shows a series.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Line,
    DottedLine,
    Ring,
}

/// Writes the title of a panel and, on the right, its legend.
fn draw_heading(
    root: &Area<'_>,
    chart: &Chart<'_, '_>,
    title: &str,
    legend: &[(&str, RGBColor, Mark)],
) -> Drawn {
    let (columns, rows) = chart.plotting_area().get_pixel_range();
    let y = rows.start - 27 * UNIT;
    let style = font(14, INK, (HPos::Left, VPos::Center));
    root.draw(&Text::new(title.to_owned(), (columns.start, y), style))?;
    let mut x = columns.end;
    for &(label, colour, mark) in legend.iter().rev() {
        x -= text_width(label, 12);
        let style = font(12, INK, (HPos::Left, VPos::Center));
        root.draw(&Text::new(label.to_owned(), (x, y), style))?;
        if mark == Mark::Ring {
            for circle in ring((x - 11 * UNIT, y)) {
                root.draw(&circle)?;
            }
        } else {
            let ends = vec![(x - 26 * UNIT, y), (x - 6 * UNIT, y)];
            root.draw(&PathElement::new(ends, line_style(colour, 20)))?;
        }
        if mark == Mark::DottedLine {
            root.draw(&Circle::new((x - 16 * UNIT, y), 3 * UNIT, colour.filled()))?;
        }
        x -= 44 * UNIT;
    }
    Ok(())
}

fn draw_note_if(is_wanted: bool, root: &Area<'_>, chart: &Chart<'_, '_>, note: &str) -> Drawn {
    if !is_wanted {
        return Ok(());
    }
    let (columns, rows) = chart.plotting_area().get_pixel_range();
    let centre = (
        i32::midpoint(columns.start, columns.end),
        i32::midpoint(rows.start, rows.end),
    );
    let style = font(13, GREY, (HPos::Center, VPos::Center));
    root.draw(&Text::new(note.to_owned(), centre, style))
}
