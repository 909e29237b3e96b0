//! What the pictures share: a canvas, colours and text in the vocabulary of the plotting library.

use std::io;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Units of a drawing per pixel: the backend rounds every position to a whole unit.
pub(crate) const UNIT: i32 = 4;

pub(crate) const INK: RGBColor = RGBColor(40, 40, 40);
pub(crate) const GREY: RGBColor = RGBColor(120, 120, 120);
pub(crate) const GRID: RGBColor = RGBColor(230, 230, 230);
// Colours that stay apart for colour-blind readers (Okabe and Ito 2008).
pub(crate) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(crate) const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub(crate) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(crate) const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub(crate) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(crate) const SKY: RGBColor = RGBColor(86, 180, 233);

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<io::Error>>;

/// The text of an SVG file of `size` pixels, of what `draw` puts on white.
pub(crate) fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Drawn<String> {
    let mut svg = String::new();
    let (width, height) = (size.0 * UNIT as u32, size.1 * UNIT as u32);
    {
        let root = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        root.fill(&WHITE)?;
        draw(&root)?;
        root.present()?;
    }
    let fine = format!("width=\"{width}\" height=\"{height}\"");
    let shown = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
    Ok(svg.replacen(&fine, &shown, 1))
}

/// Text of `pixels` height whose `position` is at the point given on drawing.
pub(crate) fn font(pixels: f64, colour: RGBColor, position: (HPos, VPos)) -> TextStyle<'static> {
    // The backend divides the size by 1.24.
    let size = pixels * f64::from(UNIT) * 1.24;
    let mut style = TextStyle::from(("sans-serif", size));
    style.color = colour.to_backend_color();
    style.pos(Pos::new(position.0, position.1))
}
