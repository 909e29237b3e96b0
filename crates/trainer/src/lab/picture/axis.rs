//! An axis of numbers of 0 or more: logarithmic, or linear from 0 where some of them are (almost) 0.

/// The smallest of the numbers on a logarithmic axis, relative to the largest.
const LEAST: f64 = 1e-9;
/// Space around the numbers, in shares of the axis.
const MARGIN: f64 = 0.07;
/// Most ticks of an axis.
const TICKS: usize = 9;

/// From numbers to places.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    is_log: bool,
    /// Ends; logarithms of them on a logarithmic axis.
    low: f64,
    high: f64,
    /// Marked numbers, and what stands beside them.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that holds some finite numbers.
    pub(super) fn holding(values: &[f64]) -> Self {
        let largest = values.iter().copied().fold(0.0, f64::max);
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        if largest > 0.0 && smallest > LEAST * largest {
            Self::logarithmic(smallest, largest)
        } else {
            Self::linear(if largest > 0.0 { largest } else { 1.0 })
        }
    }

    fn logarithmic(smallest: f64, largest: f64) -> Self {
        let (smallest, largest) = (smallest.log10(), largest.log10());
        // At least as much as from 1 to 3.
        let space = (MARGIN * (largest - smallest)).max(0.24 - 0.5 * (largest - smallest));
        let (low, high) = (smallest - space, largest + space);
        let decades = low.floor() as i32..=high.floor() as i32;
        let ticks_at = |digits: &[f64]| -> Vec<(f64, String)> {
            let ticks = decades.clone().flat_map(|decade| {
                let tick = move |digit: &f64| (digit * 10f64.powi(decade), decade);
                digits.iter().map(tick).collect::<Vec<_>>()
            });
            let is_inside = |tick: f64| (low..=high).contains(&tick.log10());
            let inside = ticks.filter(|(tick, _)| is_inside(*tick));
            inside
                .map(|(tick, decade)| (tick, text(tick, decade)))
                .collect()
        };
        let choices = [
            &[1.0, 2.0, 3.0, 4.0, 5.0, 7.0][..],
            &[1.0, 2.0, 5.0],
            &[1.0],
        ];
        let all = choices.map(ticks_at);
        let fitting = all.iter().find(|ticks| ticks.len() <= TICKS);
        Self {
            is_log: true,
            low,
            high,
            ticks: fitting.unwrap_or(&all[2]).clone(),
        }
    }

    fn linear(largest: f64) -> Self {
        let least = 1.5 * largest / TICKS as f64;
        let decade = least.log10().floor() as i32;
        let unit = 10f64.powi(decade);
        let digits = [1.0, 2.0, 5.0, 10.0];
        let fitting = digits.iter().find(|digit| *digit * unit >= least);
        let step = fitting.unwrap_or(&10.0) * unit;
        let high = largest * (1.0 + MARGIN);
        let values = (0..=TICKS).map(|k| k as f64 * step);
        let inside = values.take_while(|tick| *tick <= high);
        Self {
            is_log: false,
            low: -MARGIN * largest,
            high,
            ticks: inside.map(|tick| (tick, text(tick, decade))).collect(),
        }
    }

    /// Where a number stands, from 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.is_log { value.log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }
}

/// A number that is a multiple of 10 to the power of `decade`.
fn text(value: f64, decade: i32) -> String {
    if value != 0.0 && !(-4..6).contains(&decade) {
        return format!("{value:.0e}");
    }
    let decimals = (-decade).clamp(0, 4) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn positive_numbers_stand_on_a_logarithmic_axis() {
        let axis = Axis::holding(&[1.37, 13.45]);
        assert_eq!(texts(&axis), ["2", "3", "4", "5", "7", "10"]);
        let (low, middle, high) = (axis.place(2.0), axis.place(4.0), axis.place(8.0));
        assert!((low + high - 2.0 * middle).abs() < 1e-12);
        assert_eq!(texts(&Axis::holding(&[0.1])), ["0.07", "0.1"]);
        assert_eq!(texts(&Axis::holding(&[0.02, 70.0])).len(), 4);
    }

    #[test]
    fn numbers_of_zero_stand_on_a_linear_axis() {
        let axis = Axis::holding(&[0.674, 1e-16, 0.0]);
        assert_eq!(texts(&axis), ["0.0", "0.2", "0.4", "0.6"]);
        assert!(axis.place(0.0) > 0.0 && axis.place(0.674) < 1.0);
        assert_eq!(texts(&Axis::holding(&[0.0]))[0], "0.0");
        assert_eq!(texts(&Axis::holding(&[])).len(), 6);
    }

    #[test]
    fn places_are_inside_however_large_numbers_are() {
        for largest in [1e-300, 1e-9, 0.5, 1e12, 1e300] {
            for smallest in [0.0, 1e-12 * largest, 0.5 * largest, largest] {
                let axis = Axis::holding(&[smallest, largest]);
                for value in [smallest, largest] {
                    assert!((0.0..=1.0).contains(&axis.place(value)), "{axis:?}");
                }
                assert!(axis.ticks.len() <= TICKS + 1, "{axis:?}");
            }
        }
    }
}
