//! Axes, marks and labels in the vocabulary of the plotting library.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{
    axis::Axis,
    placement::{NEAR, Obstacles, Place, Rectangle, Wanted, distance, placed},
    points::{EstimatorPicture, Point},
};
use crate::svg::{
    Area, BLUE, Drawn, GREEN, GREY, GRID, INK, ORANGE, PURPLE, SKY, UNIT as UNITS, VERMILION, font,
    svg as canvas,
};

/// Size of the picture in pixels.
const SIZE: (u32, u32) = (900, 560);
/// Units of the drawing per pixel.
const UNIT: f64 = UNITS as f64;
/// Where the axes end.
const FRAME: Rectangle = Rectangle {
    left: 76.0,
    top: 72.0,
    right: 880.0,
    bottom: 500.0,
};
/// Radius of a mark.
const RADIUS: f64 = 4.5;
/// Height of labels and of the lines that they are made of.
const LABEL: (f64, f64) = (11.0, 14.0);
/// Most points with labels: more would only cover one another.
const LABELLED: usize = 60;
/// Most numbers of samples in the legend.
const IN_LEGEND: usize = 7;

const COLOURS: [RGBColor; 6] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY];

/// The picture as the text of an SVG file.
pub(super) fn svg(picture: &EstimatorPicture) -> Drawn<String> {
    canvas(SIZE, |root| draw(root, picture))
}

/// A point where it stands.
struct Mark<'a> {
    point: &'a Point,
    place: Place,
    colour: RGBColor,
}

fn draw(root: &Area<'_>, picture: &EstimatorPicture) -> Drawn {
    let is_shown = |point: &&Point| point.variance.is_finite() && point.bias.is_finite();
    let points: Vec<&Point> = picture.points.iter().filter(is_shown).collect();
    let values = |of: fn(&Point) -> f64| points.iter().map(|point| of(point)).collect::<Vec<_>>();
    let variance = Axis::holding(&values(|point| point.variance));
    let bias = Axis::holding(&values(|point| point.bias));
    let mut samples = points.iter().map(|point| point.samples).collect::<Vec<_>>();
    samples.sort_unstable();
    samples.dedup();
    let colour =
        |n: usize| COLOURS[samples.iter().position(|of| *of == n).unwrap_or(0) % COLOURS.len()];
    let marks: Vec<Mark<'_>> = points
        .iter()
        .map(|point| Mark {
            point,
            place: (across(&variance, point.variance), up(&bias, point.bias)),
            colour: colour(point.samples),
        })
        .collect();

    draw_axes(root, picture, &variance, &bias)?;
    draw_legend(root, picture, &samples)?;
    let paths = paths(&marks);
    for (from, to) in &paths {
        draw_line(root, &[*from, *to], GRID, 2.0)?;
    }
    let labels = labels(&marks);
    for (label, place) in labels.iter().zip(places(&labels, &marks, paths)) {
        draw_label(root, label, &place)?;
    }
    for mark in &marks {
        draw_mark(root, mark.place, mark.colour, mark.point.is_biased)?;
    }
    Ok(())
}

fn across(axis: &Axis, value: f64) -> f64 {
    FRAME.left + axis.place(value) * (FRAME.right - FRAME.left)
}

fn up(axis: &Axis, value: f64) -> f64 {
    FRAME.bottom - axis.place(value) * (FRAME.bottom - FRAME.top)
}

/// In units of the drawing.
fn at((x, y): Place) -> (i32, i32) {
    ((x * UNIT).round() as i32, (y * UNIT).round() as i32)
}

fn draw_text(
    root: &Area<'_>,
    text: &str,
    place: Place,
    (pixels, colour): (f64, RGBColor),
    position: (HPos, VPos),
) -> Drawn {
    let style = font(pixels, colour, position);
    root.draw(&Text::new(text.to_owned(), at(place), style))
}

fn draw_line(root: &Area<'_>, places: &[Place], colour: RGBColor, width: f64) -> Drawn {
    let style = colour.stroke_width((width * UNIT) as u32);
    let places: Vec<(i32, i32)> = places.iter().copied().map(at).collect();
    root.draw(&PathElement::new(places, style))
}

fn draw_axes(root: &Area<'_>, picture: &EstimatorPicture, variance: &Axis, bias: &Axis) -> Drawn {
    let Rectangle {
        left,
        top,
        right,
        bottom,
    } = FRAME;
    let small = (12.0, INK);
    for (value, text) in &variance.ticks {
        let x = across(variance, *value);
        draw_line(root, &[(x, top), (x, bottom)], GRID, 1.0)?;
        draw_text(
            root,
            text,
            (x, bottom + 8.0),
            small,
            (HPos::Center, VPos::Top),
        )?;
    }
    for (value, text) in &bias.ticks {
        let y = up(bias, *value);
        draw_line(root, &[(left, y), (right, y)], GRID, 1.0)?;
        draw_text(
            root,
            text,
            (left - 8.0, y),
            small,
            (HPos::Right, VPos::Center),
        )?;
    }
    draw_line(
        root,
        &[(left, top), (left, bottom), (right, bottom)],
        GREY,
        1.0,
    )?;
    let middle = f64::midpoint(left, right);
    draw_text(
        root,
        picture.variance,
        (middle, bottom + 34.0),
        small,
        (HPos::Center, VPos::Top),
    )?;
    // Not along the axis, where it would have to be turned.
    draw_text(
        root,
        picture.bias,
        (12.0, top - 12.0),
        small,
        (HPos::Left, VPos::Bottom),
    )?;
    let centre = f64::from(SIZE.0) / 2.0;
    let heading = (18.0, INK);
    draw_text(
        root,
        picture.title,
        (centre, 10.0),
        heading,
        (HPos::Center, VPos::Top),
    )
}

fn text_width(text: &str, pixels: f64) -> f64 {
    0.56 * pixels * text.chars().count() as f64
}

/// From right to left, above the frame: numbers of samples by colour, and what is filled.
fn draw_legend(root: &Area<'_>, picture: &EstimatorPicture, samples: &[usize]) -> Drawn {
    let y = FRAME.top - 18.0;
    let mut x = FRAME.right;
    let mut entries = vec![
        (picture.unbiased.to_owned(), GREY, false),
        ("bias".to_owned(), GREY, true),
    ];
    let in_colours = samples.iter().zip(COLOURS.iter().cycle());
    let numbers: Vec<_> = in_colours
        .map(|(n, colour)| (format!("{n} samples"), *colour, true))
        .take(IN_LEGEND)
        .collect();
    entries.extend(numbers.into_iter().rev());
    for (text, colour, is_filled) in entries {
        x -= text_width(&text, 12.0);
        draw_text(root, &text, (x, y), (12.0, INK), (HPos::Left, VPos::Center))?;
        draw_mark(root, (x - 10.0, y), colour, is_filled)?;
        x -= 32.0;
    }
    Ok(())
}

fn draw_mark(root: &Area<'_>, place: Place, colour: RGBColor, is_filled: bool) -> Drawn {
    let radius = (RADIUS * UNIT) as i32;
    let inside = if is_filled { colour } else { WHITE };
    root.draw(&Circle::new(at(place), radius, inside.filled()))?;
    root.draw(&Circle::new(
        at(place),
        radius,
        colour.stroke_width((1.6 * UNIT) as u32),
    ))
}

/// The lines through the points of every estimator, in order of samples.
fn paths(marks: &[Mark<'_>]) -> Vec<(Place, Place)> {
    let mut names: Vec<&str> = marks.iter().map(|mark| mark.point.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let of_name = |name: &str| {
        let of_same = marks.iter().filter(|mark| mark.point.name == name);
        let mut of_same: Vec<&Mark<'_>> = of_same.collect();
        of_same.sort_by_key(|mark| mark.point.samples);
        let pairs = of_same
            .windows(2)
            .map(|pair| (pair[0].place, pair[1].place));
        pairs.collect::<Vec<_>>()
    };
    names.into_iter().flat_map(of_name).collect()
}

/// The names of points that stand at one place.
struct Label<'a> {
    names: Vec<&'a str>,
    place: Place,
    colour: RGBColor,
}

fn labels<'a>(marks: &[Mark<'a>]) -> Vec<Label<'a>> {
    let mut labels: Vec<Label<'a>> = Vec::new();
    for mark in marks.iter().take(LABELLED) {
        let is_same = |label: &&mut Label<'_>| {
            label.colour == mark.colour && distance(label.place, mark.place) < 1.0
        };
        match labels.iter_mut().find(is_same) {
            Some(label) => label.names.push(&mark.point.name),
            None => labels.push(Label {
                names: vec![&mark.point.name],
                place: mark.place,
                colour: mark.colour,
            }),
        }
    }
    labels
}

fn places(labels: &[Label<'_>], marks: &[Mark<'_>], lines: Vec<(Place, Place)>) -> Vec<Rectangle> {
    let side = 2.0 * RADIUS + 2.0;
    let mark = |mark: &Mark<'_>| Rectangle::around(mark.place, side, side);
    let obstacles = Obstacles {
        frame: FRAME,
        marks: marks.iter().map(mark).collect(),
        lines,
    };
    let wanted = |label: &Label<'_>| {
        let widths = label.names.iter().map(|name| text_width(name, LABEL.0));
        Wanted {
            point: label.place,
            width: widths.fold(0.0, f64::max),
            height: LABEL.1 * label.names.len() as f64,
        }
    };
    let labels: Vec<Wanted> = labels.iter().map(wanted).collect();
    placed(&labels, &obstacles)
}

fn draw_label(root: &Area<'_>, label: &Label<'_>, place: &Rectangle) -> Drawn {
    let end = place.nearest(label.place);
    if distance(end, label.place) > NEAR {
        draw_line(root, &[label.place, end], GREY, 0.75)?;
    }
    // Text stands at the side of its point.
    let is_right = place.left >= label.place.0 - 1.0;
    let is_left = place.right <= label.place.0 + 1.0;
    let (x, side) = match (is_right, is_left) {
        (true, _) => (place.left, HPos::Left),
        (_, true) => (place.right, HPos::Right),
        _ => (f64::midpoint(place.left, place.right), HPos::Center),
    };
    for (k, name) in label.names.iter().enumerate() {
        let y = place.top + (k as f64 + 0.5) * LABEL.1;
        let style = (LABEL.0, label.colour);
        draw_text(root, name, (x, y), style, (side, VPos::Center))?;
    }
    Ok(())
}
