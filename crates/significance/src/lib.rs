//! Whether two systems differ, by metrics whose counts add up over sources.
//!
//! A metric is two things: what it counts of every source ([`Counts`]), and its score of summed counts. A mean counts a
//! value and 1; BLEU of a corpus counts n-grams. So resamples sum counts, and no score of a corpus is ever a mean of scores
//! of sentences.
//!
//! | question | answer |
//! |---|---|
//! | between what bounds does the difference lie? | paired bootstrap over sources, over runs too where a side has several |
//! | between what bounds does one score lie? | [`estimates`], by the same bootstrap |
//! | how often would chance alone differ as much? | approximate randomisation: sources change sides, or runs where there are several |
//! | how much do runs of several seeds vary? | [`Spread`]: mean, deviation, Student's interval |
//!
//! Every draw comes from a seed, a stream a block of resamples, so that results do not depend on the number of threads.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod comparison;
mod counts;
mod draws;
mod error;
mod interval;
mod percentile;
mod spread;
mod student;

pub use comparison::{Comparison, Difference, Resampling};
pub use counts::Counts;
pub use draws::Draw;
pub use error::SignificanceError;
pub use interval::{Estimate, estimates};
pub use percentile::percentile;
pub use spread::Spread;
pub use student::{LEVEL, student_quantile};
