//! Numbers and names as readers of the picture see them.

use std::ops::Range;

use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;

/// Formats the tick labels of an axis with at most `ticks` of them, with as few decimals as tell its ticks exactly.
pub(super) fn tick_format(range: &Range<f64>, ticks: usize) -> impl Fn(&f64) -> String + use<> {
    let ticks = RangedCoordf64::from(range.clone()).key_points(ticks);
    let tolerance = 1e-4 * (range.end - range.start);
    let is_exact = |decimals: &usize| {
        let unit = 0.1_f64.powi(*decimals as i32);
        let error = |tick: &f64| (tick - (tick / unit).round() * unit).abs();
        ticks.iter().all(|tick| error(tick) < tolerance)
    };
    let decimals = (0..9).find(is_exact).unwrap_or(9);
    move |tick| {
        let text = format!("{tick:.decimals$}");
        match text.strip_prefix('-') {
            Some(size) if size.contains(|digit| ('1'..='9').contains(&digit)) => {
                format!("\u{2212}{size}")
            }
            Some(zero) => zero.to_owned(),
            None => text,
        }
    }
}

/// `1500` is `1.5k`.
pub(super) fn step_format(step: f64) -> String {
    match step.round() {
        step if step >= 1e6 => format!("{}M", step / 1e6),
        step if step >= 1e3 => format!("{}k", step / 1e3),
        step => format!("{}", step.abs()),
    }
}

/// `59400` is `59,400`.
pub(super) fn grouped(step: f64) -> String {
    let digits = format!("{step:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Text without the characters that XML forbids.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_decimals_of_the_ticks_when_formatting_values() {
        assert_eq!(tick_format(&(0.0..10.0), 7)(&4.0), "4");
        assert_eq!(tick_format(&(0.5..1.4), 7)(&(0.1 + 0.5)), "0.6");
        assert_eq!(tick_format(&(1.0..1.3), 7)(&1.05), "1.05");
        assert_eq!(tick_format(&(-0.3..0.1), 7)(&-0.2), "\u{2212}0.2");
    }

    #[test]
    fn drops_the_sign_when_a_tick_is_zero() {
        assert_eq!(tick_format(&(-1.0..1.0), 7)(&-0.0), "0.0");
        assert_eq!(step_format(-0.0), "0");
    }

    #[test]
    fn abbreviates_thousands_when_steps_are_many() {
        let steps = [0.0, 500.0, 1500.0, 60000.0, 1.2e6];
        let labels = steps.map(step_format);
        assert_eq!(labels, ["0", "500", "1.5k", "60k", "1.2M"]);
    }

    #[test]
    fn separates_thousands_when_a_step_is_named() {
        let steps = [0.0, 999.0, 1000.0, 59400.0, 1_234_567.0];
        let names = steps.map(grouped);
        assert_eq!(names, ["0", "999", "1,000", "59,400", "1,234,567"]);
    }

    #[test]
    fn leaves_out_a_character_when_xml_forbids_it() {
        assert_eq!(printable("a\u{1b}\n<b>"), "a<b>");
    }
}
