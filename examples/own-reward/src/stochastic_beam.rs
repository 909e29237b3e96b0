//! The search: a stochastic beam (Kool et al. 2019), which draws different captions without replacement.

use std::{error::Error, sync::Arc};

use rand::{Rng, RngExt};
use scst_sampler::{END, Hypothesis, Limits};
use scst_trainer::{CustomSearch, SearchModel, config::CustomChoice};

/// A beam of `width` captions a source, compared by their perturbed log-probabilities `g`: for a caption of `g` that goes on
/// with words `w` of log-probabilities `l_w`, the caption's own among them,
///
/// ```text
/// h_w = l_w + Gumbel noise,   Z = max_w h_w,   g_w = -log(e^-g - e^-Z + e^-h_w)
/// ```
/// so that no `g_w` is above `g`, and the largest one is `g`. The captions that are left at the end are a sample without
/// replacement of all captions.
pub(crate) struct StochasticBeam {
    width: usize,
}

/// The search with the options of its table in the configuration.
///
/// # Errors
/// What was found where for an option that is none or out of range: the message ends up behind the name of the search.
pub(crate) fn from_choice(
    choice: &CustomChoice,
) -> Result<Arc<dyn CustomSearch>, Box<dyn Error + Send + Sync>> {
    let mut width = 5;
    for (key, value) in &choice.options {
        width = match (key.as_str(), value.as_u64()) {
            ("width", Some(width @ 1..=100)) => width as usize,
            _ => {
                let problem = format!("found `{key}` = {value}, expected `width` from 1 to 100");
                return Err(problem.into());
            }
        };
    }
    Ok(Arc::new(StochasticBeam { width }))
}

/// A caption in the beam of a source.
#[derive(Clone)]
struct Perturbed {
    source: usize,
    words: Vec<u32>,
    log_probability: f64,
    g: f64,
}

impl Perturbed {
    fn is_open(&self, limits: &Limits) -> bool {
        self.words.last() != Some(&END) && self.words.len() < limits.max_length
    }
}

impl CustomSearch for StochasticBeam {
    fn search(
        &self,
        model: &mut SearchModel<'_>,
        sources: usize,
        limits: &Limits,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<Hypothesis>>, Box<dyn Error + Send + Sync>> {
        let begin = |source| Perturbed {
            source,
            words: Vec::new(),
            log_probability: 0.0,
            g: 0.0,
        };
        let mut open: Vec<Perturbed> = (0..sources).map(begin).collect();
        let mut done: Vec<Perturbed> = Vec::new();
        while !open.is_empty() {
            let last = |caption: &Perturbed| caption.words.last().copied().unwrap_or(END);
            let words: Vec<u32> = open.iter().map(last).collect();
            let (scores, ()) = model.step(&words, ())?;
            let [_, vocab] = scores.dims();
            let scores = scores.try_into_vec_as::<f32>()?;
            // Every caption with the row of the model that it goes on from; finished ones have none.
            let mut beam: Vec<(Option<usize>, Perturbed)> =
                done.drain(..).map(|caption| (None, caption)).collect();
            for (row, (caption, scores)) in open.iter().zip(scores.chunks(vocab)).enumerate() {
                let next = continued(caption, scores.to_vec(), limits, rng)?;
                beam.extend(next.into_iter().map(|caption| (Some(row), caption)));
            }
            beam.sort_by(|(_, a), (_, b)| a.source.cmp(&b.source).then(b.g.total_cmp(&a.g)));
            open.clear();
            let mut rows = Vec::new();
            for of_source in beam.chunk_by(|(_, a), (_, b)| a.source == b.source) {
                for (row, caption) in of_source.iter().take(self.width) {
                    match row {
                        Some(row) if caption.is_open(limits) => {
                            rows.push(*row);
                            open.push(caption.clone());
                        }
                        _ => done.push(caption.clone()),
                    }
                }
            }
            if !rows.is_empty() {
                model.select((), &rows);
            }
        }
        let mut found = vec![Vec::new(); sources];
        for caption in done {
            let hypothesis = limits.judge(caption.words, caption.log_probability);
            found[caption.source].push(hypothesis);
        }
        Ok(found)
    }
}

/// A caption with every word that may follow it.
fn continued(
    caption: &Perturbed,
    mut scores: Vec<f32>,
    limits: &Limits,
    rng: &mut dyn Rng,
) -> Result<Vec<Perturbed>, Box<dyn Error + Send + Sync>> {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = scores.iter().map(|&s| f64::from(s - top).exp()).sum();
    let log_z = f64::from(top) + sum.ln();
    if !log_z.is_finite() || !limits.forbid_or_end(&caption.words, &mut scores) {
        return Err("found no word that may follow, expected one".into());
    }
    let mut next = Vec::new();
    for (word, &score) in (0..).zip(&scores) {
        // Every word takes its number, so that draws do not depend on what is forbidden.
        let uniform: f64 = rng.random();
        if score > f32::NEG_INFINITY {
            let log_probability = caption.log_probability + f64::from(score) - log_z;
            next.push(Perturbed {
                source: caption.source,
                words: [&*caption.words, &[word]].concat(),
                log_probability,
                g: log_probability - (-uniform.max(f64::MIN_POSITIVE).ln()).ln(),
            });
        }
    }
    let largest = next
        .iter()
        .map(|caption| caption.g)
        .fold(f64::MIN, f64::max);
    for perturbed in &mut next {
        // The stable form of appendix B.3 of the paper.
        let v = caption.g - perturbed.g + (-(perturbed.g - largest).exp()).ln_1p();
        perturbed.g = caption.g - v.max(0.0) - (-v.abs()).exp().ln_1p();
    }
    Ok(next)
}
