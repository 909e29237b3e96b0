//! Scores of captions, of all and of each, and what may be said of their differences.

use scst_report::{Caption, Change, Estimate, Output, Run, Sampled, Samples, Source};
use scst_reward::{CorpusCounts, ReportMetric, TextMetric};
use scst_significance::{Comparison, Counts, Difference, Resampling, SignificanceError, estimates};

use super::outputs::{Side, SideOutput};
use crate::{commands::captions::counts_of, failure::Failure};

/// The seed of all resamples, that of `scst compare`.
const SEED: u64 = 1;

/// The scores of all sides.
pub(super) struct Scored {
    pub(super) metrics: Vec<ReportMetric>,
    sides: Vec<ScoredSide>,
}

/// The scores of a run.
struct ScoredSide {
    /// Of every output.
    estimates: Vec<Vec<Estimate>>,
    /// Of every output, caption and metric, of the first seed.
    captions: Vec<Vec<Vec<f64>>>,
    change: Vec<Change>,
    against_first: Vec<Change>,
    /// Of the last output, by sample: the scores of the captions in which the few sources have that sample.
    samples: Vec<Vec<Vec<f64>>>,
}

/// Scores the captions of all sides by the metrics that any of the runs asks for.
pub(super) fn score(sides: &[Side], resamples: usize) -> Result<Scored, Failure> {
    let resampling = Resampling {
        resamples,
        seed: SEED,
    };
    let asked = sides
        .iter()
        .flat_map(|side| side.config.validation.raw_text());
    let asked: Vec<_> = asked.collect();
    let mut scorer: Option<CorpusCounts> = None;
    let mut counted = Vec::with_capacity(sides.len());
    let mut captions = Vec::with_capacity(sides.len());
    for side in sides {
        let (mut of_side, mut of_captions) = (Vec::new(), Vec::new());
        for output in &side.outputs {
            let mut of_output = Vec::new();
            for (seed, run) in output.runs.iter().enumerate() {
                let counts = run.counts(&asked)?;
                if seed == 0 {
                    let rows = counts.rows().iter();
                    of_captions.push(rows.map(|row| counts.scores(row)).collect::<Vec<_>>());
                }
                of_output.push(counts_of(&counts)?);
                scorer.get_or_insert(counts);
            }
            of_side.push(of_output);
        }
        counted.push(of_side);
        captions.push(of_captions);
    }
    let scorer = scorer.ok_or(SignificanceError::NoRuns)?;
    // How the counts of all runs, which are alike, become scores.
    let scores = |sum: &[f64]| scorer.scores(sum);
    let compare = |a: &[Counts], b: &[Counts]| -> Result<Vec<Change>, Failure> {
        let differences = Comparison::new(a, b, &scores)?.differences(resampling)?;
        Ok(differences.iter().map(change).collect())
    };
    let mut scored = Vec::with_capacity(sides.len());
    for (k, (of_side, captions)) in counted.iter().zip(captions).enumerate() {
        let mut own = ScoredSide {
            estimates: Vec::new(),
            captions,
            change: Vec::new(),
            against_first: Vec::new(),
            samples: match sides[k].outputs.last() {
                Some(output) => scores_of_samples(output, &asked)?,
                None => Vec::new(),
            },
        };
        for output in of_side {
            let found = estimates(output, &scores, resampling)?.into_iter();
            let estimate = found.map(|found| Estimate {
                value: found.value,
                interval: found.interval,
            });
            own.estimates.push(estimate.collect());
        }
        if let [before, after] = &**of_side {
            own.change = compare(before, after)?;
        }
        if let (true, Some(first), Some(last)) = (k > 0, counted[0].last(), of_side.last()) {
            own.against_first = compare(first, last)?;
        }
        scored.push(own);
    }
    Ok(Scored {
        metrics: scorer.metrics(),
        sides: scored,
    })
}

/// The scores of every sample of an output, with the document frequencies of the whole split.
fn scores_of_samples(
    output: &SideOutput,
    metrics: &[TextMetric],
) -> Result<Vec<Vec<Vec<f64>>>, Failure> {
    let Some(run) = output.runs.first() else {
        return Ok(Vec::new());
    };
    let most = output
        .samples
        .iter()
        .map(|(_, samples)| samples.len())
        .max();
    let scores = |nth: usize| {
        let mut run = run.clone();
        for (place, samples) in &output.samples {
            if let Some(sample) = samples.get(nth) {
                run.texts[*place].clone_from(sample);
            }
        }
        let counts = run.counts(metrics)?;
        let of = |(place, _): &(usize, Vec<String>)| counts.scores(&counts.rows()[*place]);
        Ok(output.samples.iter().map(of).collect())
    };
    (0..most.unwrap_or(0)).map(scores).collect()
}

fn change(found: &Difference) -> Change {
    Change {
        difference: found.difference,
        interval: found.interval,
        p: found.p,
        is_told_apart: found.is_told_apart(),
    }
}

impl Scored {
    /// Gives a run its captions and scores; advantages of samples are by the main metric.
    pub(super) fn fill(&self, place: usize, side: &Side, main: usize, run: &mut Run) {
        let own = &self.sides[place];
        if let Some(output) = side.outputs.last() {
            run.samples = self.samples(own, output, &side.sources, main);
        }
        run.change.clone_from(&own.change);
        run.against_first.clone_from(&own.against_first);
        for (k, output) in side.outputs.iter().enumerate() {
            let texts = output.runs.first().into_iter().flat_map(|run| &run.texts);
            let texts = texts.zip(&own.captions[k]).zip(&output.is_cut_off);
            let captions = texts.map(|((text, scores), &is_cut_off)| Caption {
                text: text.clone(),
                scores: scores.clone(),
                is_cut_off,
            });
            run.outputs.push(Output {
                label: output.label.clone(),
                estimates: own.estimates[k].clone(),
                captions: captions.collect(),
            });
        }
    }

    /// Every sample with the advantage that all of its words have: its score less the mean of the other samples.
    fn samples(
        &self,
        own: &ScoredSide,
        output: &SideOutput,
        sources: &[Source],
        main: usize,
    ) -> Vec<Samples> {
        let sign = if self.metrics[main].smaller_is_better() {
            -1.0
        } else {
            1.0
        };
        let of_source = |(k, (place, texts)): (usize, &(usize, Vec<String>))| {
            let rewards: Vec<f64> = own.samples.iter().map(|nth| sign * nth[k][main]).collect();
            let sum: f64 = rewards.iter().sum();
            let others = (rewards.len().max(2) - 1) as f64;
            let sampled = texts.iter().zip(&rewards).map(|(text, reward)| {
                let advantage = reward - (sum - reward) / others;
                let words = text.split_whitespace();
                Sampled {
                    words: words.map(|word| (word.to_owned(), advantage)).collect(),
                    reward: sign * reward,
                }
            });
            Samples {
                source: sources[*place].name.clone(),
                captions: sampled.collect(),
            }
        };
        output.samples.iter().enumerate().map(of_source).collect()
    }
}
