//! What metrics count of every source of a run.

use crate::SignificanceError;

/// What metrics count of every source of one run: rows that add up.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    width: usize,
    values: Vec<f64>,
}

impl Counts {
    /// `values` holds `width` counts a source, source after source.
    ///
    /// # Errors
    /// [`SignificanceError`] when there is no source, a row is cut, or a count is not finite.
    pub fn new(width: usize, values: Vec<f64>) -> Result<Self, SignificanceError> {
        if values.is_empty() || width == 0 {
            return Err(SignificanceError::NoSources);
        }
        if !values.len().is_multiple_of(width) {
            let found = values.len();
            return Err(SignificanceError::Rows { found, width });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(SignificanceError::Count {
                source_index: at / width,
                found: values[at],
            });
        }
        Ok(Self { width, values })
    }

    /// How many sources there are.
    pub fn sources(&self) -> usize {
        self.values.len() / self.width
    }

    /// Counts of a source.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The sum over all sources.
    pub fn sum(&self) -> Vec<f64> {
        self.sum_where(|_| true)
    }

    /// The sum over the sources that are chosen.
    pub(crate) fn sum_where(&self, is_chosen: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut sum = vec![0.0; self.width];
        for (source, row) in self.values.chunks_exact(self.width).enumerate() {
            if is_chosen(source) {
                for (sum, count) in sum.iter_mut().zip(row) {
                    *sum += count;
                }
            }
        }
        sum
    }

    /// The sum over sources that each count so many times.
    pub(crate) fn sum_of(&self, times: &[u32]) -> Vec<f64> {
        let mut sum = vec![0.0; self.width];
        for (row, &times) in self.values.chunks_exact(self.width).zip(times) {
            if times > 0 {
                let times = f64::from(times);
                for (sum, count) in sum.iter_mut().zip(row) {
                    *sum += times * count;
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_up_as_often_as_they_are_drawn() {
        let counts = Counts::new(2, vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0]).unwrap();
        assert_eq!((counts.sources(), counts.width()), (3, 2));
        assert_eq!(counts.sum(), [6.0, 60.0]);
        assert_eq!(counts.sum_of(&[2, 0, 1]), [5.0, 50.0]);
        assert_eq!(counts.sum_where(|source| source == 1), [2.0, 20.0]);
    }

    #[test]
    fn counts_that_are_none_are_refused() {
        let message = |width, values| Counts::new(width, values).unwrap_err().to_string();
        assert!(message(2, vec![]).contains("no source"));
        assert!(message(2, vec![1.0; 3]).contains("found 3 counts, expected rows of 2"));
        assert!(message(2, vec![1.0, 2.0, f64::NAN, 1.0]).contains("source 1: found NaN"));
    }
}
