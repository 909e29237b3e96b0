//! Two sides, and the difference of their scores.

use rayon::prelude::*;

use crate::{
    Counts, SignificanceError,
    draws::{BLOCK, Draw, Purpose, choice, coins, generator},
    percentile::percentile,
    student::{LEVEL, NORMAL_QUANTILE, student_quantile},
};

/// The fewest resamples.
const LEAST_RESAMPLES: usize = 100;
/// The most resamples.
const MOST_RESAMPLES: usize = 1_000_000;
/// Differences this close, relative to the scores, are equal: sums of the same numbers in another order.
const TIE: f64 = 1e-10;

/// How many resamples there are, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Resamples of the bootstrap, and as many of the randomisation.
    pub resamples: usize,
    /// The seed of all draws.
    pub seed: u64,
}

/// What may be said of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The score of A, the mean over its runs.
    pub a: f64,
    /// The score of B, the mean over its runs.
    pub b: f64,
    /// `b - a`.
    pub difference: f64,
    /// Bounds of the difference, at the level [`LEVEL`].
    pub interval: [f64; 2],
    /// How likely chance alone makes a difference as large, of either sign.
    pub p: f64,
    /// The smallest `p` that there can be: few runs have few ways to change sides.
    pub smallest_p: f64,
}

impl Difference {
    /// Whether the sides may be told apart: 0 lies outside of the interval, and chance is unlikely, where `p` can say so.
    pub fn is_told_apart(&self) -> bool {
        let [low, high] = self.interval;
        let alpha = 1.0 - LEVEL;
        (low > 0.0 || high < 0.0) && (self.p <= alpha || self.smallest_p > alpha)
    }
}

/// The runs of two sides, all on the same sources.
pub struct Comparison<'a> {
    a: Side<'a>,
    b: Side<'a>,
}

impl<'a> Comparison<'a> {
    /// Compares B with A; `scores` makes the scores of all metrics of summed counts.
    ///
    /// # Errors
    /// [`SignificanceError`] when a side has no run, or runs have not the same sources and counts.
    pub fn new(
        a: &'a [Counts],
        b: &'a [Counts],
        scores: &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    ) -> Result<Self, SignificanceError> {
        if a.is_empty() || b.is_empty() {
            return Err(SignificanceError::NoRuns);
        }
        check(a.iter().chain(b))?;
        let [a, b] = [a, b].map(|runs| Side::new(runs, scores));
        Ok(Self { a, b })
    }

    /// What may be said of every metric.
    ///
    /// ```text
    /// interval  percentiles of resampled differences
    /// p         (k + 1) / (n + 1)      k of n random exchanges differ as much as the sides do, or more
    /// ```
    /// Sources are drawn with replacement, the same for all runs (Efron and Tibshirani 1993; Koehn 2004). Where a side has
    /// several runs, these are drawn too, independently, and the deviations of the drawn ones from the side's mean, on all
    /// sources, are added; widened, since few runs vary less than those they stand for: by `sqrt(n / (n - 1))` and the ratio
    /// of Student's `t`, with the runs of both sides less 2 as degrees of freedom, to the normal quantile (the expanded
    /// percentile interval of Hesterberg 2015). What single runs do on single sources counts in both draws, so that the
    /// interval is somewhat too wide rather than too narrow where that is most of what there is.
    /// `p` is that of sources that change sides (Noreen 1989; Riezler and Maxwell 2005), or, where a side has several
    /// runs, that of runs that change sides: all ways to do so, if they are no more than the resamples.
    ///
    /// # Errors
    /// [`SignificanceError::Resamples`] when there are too few or too many.
    pub fn differences(
        &self,
        resampling: Resampling,
    ) -> Result<Vec<Difference>, SignificanceError> {
        let Resampling { resamples, seed } = resampling;
        resampling.check()?;
        let [a, b] = [self.a.mean(), self.b.mean()];
        let observed = minus(&b, &a);
        let sizes = [self.a.sources(), self.a.runs.len(), self.b.runs.len()];
        let bootstrap = in_blocks(resamples, seed, Purpose::Bootstrap, |rng| {
            self.resampled(&Draw::random(rng, sizes))
        });
        let chance = self.chance(resampling);
        let of_metric = |metric: usize| {
            let mut resampled: Vec<f64> = bootstrap.iter().map(|found| found[metric]).collect();
            resampled.sort_by(f64::total_cmp);
            let tail = (1.0 - LEVEL) / 2.0;
            let tie = TIE * (a[metric].abs() + b[metric].abs());
            let least = observed[metric].abs() - tie;
            let exchanges = chance.exchanged.iter();
            let as_large = exchanges
                .filter(|found| found[metric].abs() >= least)
                .count();
            let (n, k) = (chance.exchanged.len() as f64, as_large as f64);
            Difference {
                a: a[metric],
                b: b[metric],
                difference: observed[metric],
                interval: [tail, 1.0 - tail].map(|share| percentile(&resampled, share)),
                p: if chance.is_complete {
                    k / n
                } else {
                    (k + 1.0) / (n + 1.0)
                },
                smallest_p: chance.smallest_p,
            }
        };
        Ok((0..observed.len()).map(of_metric).collect())
    }

    /// The differences of one resample.
    pub fn resampled(&self, draw: &Draw) -> Vec<f64> {
        let degrees = (self.a.runs.len() + self.b.runs.len()).saturating_sub(2);
        let [a, b] = [(&self.a, &draw.a), (&self.b, &draw.b)]
            .map(|(side, times)| side.resampled(&draw.sources, times, degrees));
        minus(&b, &a)
    }

    /// The differences of two runs, one a side, when sources change sides.
    pub fn swapped(&self, is_swapped: &[bool]) -> Vec<f64> {
        let side = |own: &Counts, other: &Counts| {
            let mut sum = own.sum_where(|source| !is_swapped[source]);
            let of_other = other.sum_where(|source| is_swapped[source]);
            for (sum, more) in sum.iter_mut().zip(of_other) {
                *sum += more;
            }
            (self.a.scores)(&sum)
        };
        let (a, b) = (&self.a.runs[0], &self.b.runs[0]);
        minus(&side(b, a), &side(a, b))
    }

    /// What differences chance alone makes.
    fn chance(&self, Resampling { resamples, seed }: Resampling) -> Chance {
        let random = |exchanged| Chance {
            exchanged,
            is_complete: false,
            smallest_p: 1.0 / (resamples as f64 + 1.0),
        };
        let of_a = self.a.runs.len();
        let runs = of_a + self.b.runs.len();
        if runs == 2 {
            let sources = self.a.sources();
            return random(in_blocks(resamples, seed, Purpose::Swaps, |rng| {
                self.swapped(&coins(rng, sources))
            }));
        }
        let scores = [&*self.a.of_runs, &*self.b.of_runs].concat();
        let regrouped = |is_in_a: &[bool]| {
            let group = |wanted: bool| {
                let pairs = scores.iter().zip(is_in_a);
                let own = pairs.filter(|(_, is_in_a)| **is_in_a == wanted);
                mean(&own.map(|(scores, _)| scores.clone()).collect::<Vec<_>>())
            };
            minus(&group(false), &group(true))
        };
        match all_choices(runs, of_a, resamples) {
            Some(choices) => Chance {
                smallest_p: if 2 * of_a == runs { 2.0 } else { 1.0 } / choices.len() as f64,
                exchanged: choices.iter().map(|choice| regrouped(choice)).collect(),
                is_complete: true,
            },
            None => random(in_blocks(resamples, seed, Purpose::Groups, |rng| {
                regrouped(&choice(rng, runs, of_a))
            })),
        }
    }
}

/// The runs of a side, and their scores.
pub(crate) struct Side<'a> {
    runs: &'a [Counts],
    scores: &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    /// Of every run, on all sources.
    of_runs: Vec<Vec<f64>>,
}

impl<'a> Side<'a> {
    /// That of runs which [`check`] has seen.
    pub(crate) fn new(runs: &'a [Counts], scores: &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync)) -> Self {
        Self {
            runs,
            scores,
            of_runs: runs.iter().map(|run| scores(&run.sum())).collect(),
        }
    }

    fn sources(&self) -> usize {
        self.runs[0].sources()
    }

    /// The mean of the scores of the runs.
    pub(crate) fn mean(&self) -> Vec<f64> {
        mean(&self.of_runs)
    }

    /// The scores of one resample, in which each source and each run is drawn so many times.
    pub(crate) fn resampled(&self, sources: &[u32], times: &[u32], degrees: usize) -> Vec<f64> {
        let resampled = self.runs.iter().map(|run| run.sum_of(sources));
        let resampled: Vec<Vec<f64>> = resampled.map(|sum| (self.scores)(&sum)).collect();
        let mut score = mean(&resampled);
        if self.runs.len() == 1 {
            return score;
        }
        let n = self.runs.len() as f64;
        let wider = (n / (n - 1.0)).sqrt() * student_quantile(degrees) / NORMAL_QUANTILE;
        for (k, (score, mean)) in score.iter_mut().zip(self.mean()).enumerate() {
            let drawn = self.of_runs.iter().zip(times);
            let drawn: f64 = drawn.map(|(own, &times)| f64::from(times) * own[k]).sum();
            *score += wider * (drawn / n - mean);
        }
        score
    }
}

/// The sources of runs that all have the same, and counts of the same width.
pub(crate) fn check<'a>(
    runs: impl IntoIterator<Item = &'a Counts>,
) -> Result<usize, SignificanceError> {
    let mut runs = runs.into_iter();
    let first = runs.next().ok_or(SignificanceError::NoRuns)?;
    for run in runs {
        if run.sources() != first.sources() {
            return Err(SignificanceError::Sources {
                found: run.sources(),
                expected: first.sources(),
            });
        }
        if run.width() != first.width() {
            return Err(SignificanceError::Width {
                found: run.width(),
                expected: first.width(),
            });
        }
    }
    Ok(first.sources())
}

impl Resampling {
    /// Refuses too few and too many resamples.
    pub(crate) fn check(self) -> Result<(), SignificanceError> {
        if (LEAST_RESAMPLES..=MOST_RESAMPLES).contains(&self.resamples) {
            return Ok(());
        }
        Err(SignificanceError::Resamples {
            found: self.resamples,
            least: LEAST_RESAMPLES,
            most: MOST_RESAMPLES,
        })
    }
}

/// The differences when sources or runs change sides by chance.
struct Chance {
    exchanged: Vec<Vec<f64>>,
    /// Whether these are all that there are, the sides as they are among them.
    is_complete: bool,
    smallest_p: f64,
}

/// So many resamples, in order, whatever the number of threads.
pub(crate) fn in_blocks(
    resamples: usize,
    seed: u64,
    purpose: Purpose,
    resample: impl Fn(&mut rand_chacha::ChaCha8Rng) -> Vec<f64> + Sync,
) -> Vec<Vec<f64>> {
    let blocks: Vec<Vec<Vec<f64>>> = (0..resamples.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut rng = generator(seed, purpose, block);
            let size = BLOCK.min(resamples - block * BLOCK);
            (0..size).map(|_| resample(&mut rng)).collect()
        })
        .collect();
    blocks.into_iter().flatten().collect()
}

/// Every way to choose `chosen` of `n`, unless there are more than `most`.
fn all_choices(n: usize, chosen: usize, most: usize) -> Option<Vec<Vec<bool>>> {
    let mut choices = vec![Vec::new()];
    for k in 0..n {
        let mut longer = Vec::new();
        for choice in choices {
            let so_far = choice.iter().filter(|&&is_chosen| is_chosen).count();
            for next in [false, true] {
                let count = so_far + usize::from(next);
                if count <= chosen && chosen - count < n - k {
                    longer.push([&choice[..], &[next]].concat());
                }
            }
        }
        // Beginnings are never more than the choices that they lead to.
        if longer.len() > most {
            return None;
        }
        choices = longer;
    }
    Some(choices)
}

fn mean(runs: &[Vec<f64>]) -> Vec<f64> {
    let metrics = runs.first().map_or(0, Vec::len);
    let of_metric = |k: usize| runs.iter().map(|run| run[k]).sum::<f64>() / runs.len() as f64;
    (0..metrics).map(of_metric).collect()
}

fn minus(b: &[f64], a: &[f64]) -> Vec<f64> {
    b.iter().zip(a).map(|(b, a)| b - a).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_mean(sum: &[f64]) -> Vec<f64> {
        vec![sum[0] / sum[1]]
    }

    /// A run whose metric is the mean of these.
    fn run(values: &[f64]) -> Counts {
        Counts::new(2, values.iter().flat_map(|&value| [value, 1.0]).collect()).unwrap()
    }

    fn differences(a: &[Counts], b: &[Counts]) -> Difference {
        let comparison = Comparison::new(a, b, &one_mean).unwrap();
        let resampling = Resampling {
            resamples: 1000,
            seed: 1,
        };
        comparison.differences(resampling).unwrap()[0]
    }

    #[test]
    fn sides_that_are_the_same_are_not_told_apart() {
        let values: Vec<f64> = (0..50).map(|k| f64::from(k * 7 % 11) / 3.0).collect();
        let (a, b) = ([run(&values)], [run(&values)]);
        let found = differences(&a, &b);
        assert_eq!((found.interval, found.p), ([0.0; 2], 1.0));
        assert!(!found.is_told_apart());
    }

    #[test]
    fn one_source_that_differs_proves_nothing() {
        let values: Vec<f64> = (0..50).map(|k| f64::from(k * 7 % 11) / 3.0).collect();
        let mut better = values.clone();
        better[3] += 10.0;
        // Whichever side the source is on, the difference is as large.
        let found = differences(&[run(&values)], &[run(&better)]);
        assert_eq!(found.p, 1.0);
    }

    #[test]
    fn shift_of_all_sources_is_told_apart_though_sources_vary_more() {
        let values: Vec<f64> = (0..50).map(|k| f64::from(k * 7 % 11)).collect();
        let better: Vec<f64> = (0..50)
            .map(|k| values[k] + 0.1 + 0.01 * (k % 3) as f64)
            .collect();
        let found = differences(&[run(&values)], &[run(&better)]);
        assert!(found.is_told_apart(), "{found:?}");
        assert!(found.interval[0] > 0.1 && found.interval[1] < 0.12);
        assert_eq!(found.p, 1.0 / 1001.0);
    }

    #[test]
    fn runs_change_sides_in_all_ways_when_they_are_few() {
        let side = |values: [f64; 3]| values.map(|value| run(&[value, value]));
        let found = differences(&side([1.0, 2.0, 3.0]), &side([4.0, 5.0, 6.0]));
        assert_eq!((found.a, found.b), (2.0, 5.0));
        // The two of 20 ways in which all of one side are above all of the other.
        assert_eq!((found.p, found.smallest_p), (0.1, 0.1));
        let [low, high] = found.interval;
        assert!(low < 2.0 && high > 4.0, "{found:?}");
        let found = differences(&side([1.0, 2.0, 3.0]), &[run(&[9.0, 9.0])]);
        assert_eq!((found.p, found.smallest_p), (0.25, 0.25));
    }

    #[test]
    fn choices_are_all_that_there_are() {
        assert_eq!(all_choices(6, 3, 100).unwrap().len(), 20);
        assert_eq!(all_choices(5, 1, 100).unwrap().len(), 5);
        assert_eq!(all_choices(20, 10, 10_000), None);
        let mut four = all_choices(4, 2, 100).unwrap();
        four.sort();
        four.dedup();
        assert_eq!(four.len(), 6);
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let a: Vec<f64> = (0..40).map(|k| f64::from(k * 7 % 11) / 7.0).collect();
        let b: Vec<f64> = (0..40).map(|k| f64::from(k * 5 % 13) / 7.0).collect();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| differences(&[run(&a)], &[run(&b)]))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn sides_that_cannot_be_compared_are_refused() {
        let message = |a: &[Counts], b: &[Counts]| {
            let refused = Comparison::new(a, b, &one_mean).err().unwrap();
            refused.to_string()
        };
        let (two, three) = ([run(&[1.0; 2])], [run(&[1.0; 3])]);
        assert!(message(&[], &two).contains("without a run"));
        assert!(message(&two, &three).contains("found a run of 3 sources, expected 2"));
        let wide = [Counts::new(3, vec![1.0; 6]).unwrap()];
        assert!(message(&two, &wide).contains("3 counts a source, expected 2"));
        let comparison = Comparison::new(&two, &two, &one_mean).unwrap();
        let resampling = Resampling {
            resamples: 3,
            seed: 1,
        };
        let refused = comparison.differences(resampling).unwrap_err().to_string();
        assert_eq!(refused, "resamples: found 3, expected 100 to 1000000");
    }
}
