//! The table of estimators on a toy.

use std::fmt;

use scst_trainer::{TOY_SAMPLES, ToyReport};

/// Columns of the names.
const NAME: usize = 30;
/// Columns of the numbers of one number of samples.
const NUMBERS: usize = 24;

/// Every estimator in a line, with two and four samples; at most 80 columns.
pub(super) struct ToyTable<'a>(pub(super) &'a [ToyReport]);

impl fmt::Display for ToyTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:NAME$}", "")?;
        for samples in TOY_SAMPLES {
            let heading = format!("{samples} samples");
            write!(f, " {heading:>NUMBERS$}")?;
        }
        write!(f, "\n{:NAME$}", "estimator")?;
        for _ in TOY_SAMPLES {
            write!(f, " {:>8}{:>7}{:>9}", "cosine", "bias", "variance")?;
        }
        for reports in self.0.chunks(TOY_SAMPLES.len()) {
            let Some(first) = reports.first() else {
                continue;
            };
            write!(f, "\n{:NAME$}", first.estimator)?;
            for report in reports {
                let (cosine, bias, variance) = (report.cosine, report.bias, report.variance);
                write!(f, " {cosine:8.3}{bias:7.3}{variance:9.2}")?;
            }
        }
        Ok(())
    }
}
