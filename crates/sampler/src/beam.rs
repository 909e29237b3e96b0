//! Beam search: the most probable captions among those that survive at every step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    END, Hypothesis, Limits, OptionProblem, SamplerError, StepModel,
    error::{refuse, require},
    step::{log_z, read},
    truncation::descending,
};

/// The widest beam: rows of a search stay few enough for memory.
const LARGEST_WIDTH: usize = 10_000;

/// How wide a beam is, and whether it is divided into groups that avoid one another's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [std::collections::BTreeMap::from([("width", 5)])]))]
pub struct BeamOptions {
    /// Captions of an image that survive a step, in all groups together.
    #[schemars(range(min = 1, max = LARGEST_WIDTH))]
    pub width: usize,
    /// Groups of an image; they divide the width.
    #[schemars(range(min = 1, max = LARGEST_WIDTH))]
    pub groups: usize,
    /// `lambda`, nats: what a word costs in a group for every earlier group's caption that takes it
    /// in the same place.
    #[schemars(range(min = 0.0))]
    pub diversity: f64,
}

impl Default for BeamOptions {
    fn default() -> Self {
        Self {
            width: 5,
            groups: 1,
            diversity: 0.5,
        }
    }
}

impl BeamOptions {
    /// What is out of range.
    pub fn problems(&self) -> Vec<OptionProblem> {
        let Self {
            width,
            groups,
            diversity,
        } = *self;
        let mut problems = Vec::new();
        require(&mut problems, width >= 1, "width", width, "1 or more");
        let is_small = width <= LARGEST_WIDTH;
        let largest = "at most 10000";
        require(&mut problems, is_small, "width", width, largest);
        let divides = groups >= 1 && width.is_multiple_of(groups);
        let divisor = "1 or more, a divisor of the width";
        require(&mut problems, divides, "groups", groups, divisor);
        let inside = diversity >= 0.0 && diversity.is_finite();
        let number = "a finite number, 0 or more";
        require(&mut problems, inside, "diversity", diversity, number);
        problems
    }
}

/// A caption of a beam, finished or not.
#[derive(Debug, Clone, Default)]
struct Path {
    hypothesis: Hypothesis,
    /// What captions of a group are compared by: log-probability less the cost of words that earlier
    /// groups took.
    rank: f64,
    /// Required words that it lacks.
    missing: usize,
    /// The row of the last step that it goes on from, if it is not finished.
    row: usize,
}

impl Path {
    /// The path with a word more.
    fn with(&self, word: u32, log_probability: f64, cost: f64, limits: &Limits) -> Self {
        let mut words = self.hypothesis.words.clone();
        words.push(word);
        Self {
            rank: self.rank + log_probability - cost,
            missing: limits.missing(&words).len(),
            row: self.row,
            hypothesis: Hypothesis {
                words,
                log_probability: self.hypothesis.log_probability + log_probability,
                broken: Vec::new(),
            },
        }
    }
}

/// The best captions of every image, most probable first, at most as many as the beam is wide.
///
/// At every step each live caption is extended by every word; the best of an image, finished ones
/// among them, survive. With `width >= vocab ^ max_length` this is exhaustive. Equal scores keep the
/// order of captions, then of word ids. Log-probabilities are the model's own: constraints forbid
/// words, but do not make the others more probable.
///
/// With several groups this is diverse beam search (Vijayakumar et al. 2018, algorithm 1, Hamming
/// diversity). The groups of an image step one after the other, each a beam of `width / groups`:
///
/// ```text
/// rank(y w) = rank(y) + log p(w given y) - lambda (captions of earlier groups that take w at this step)
/// ```
///
/// Groups may find the same caption; at the end all are ordered by their log-probabilities alone.
///
/// # Shapes
/// `state` holds one row an image.
///
/// # Errors
/// [`SamplerError`] when the model fails, its scores are no distribution, constraints leave nothing,
/// or an option is out of range.
pub fn beam<M: StepModel>(
    model: &mut M,
    mut state: M::State,
    images: usize,
    options: &BeamOptions,
    limits: &Limits,
) -> Result<Vec<Vec<Hypothesis>>, SamplerError<M::Error>> {
    refuse(options.problems())?;
    let groups = options.groups;
    let start = Path {
        missing: limits.missing(&[]).len(),
        ..Path::default()
    };
    // The groups of an image stand together.
    let mut beams = vec![vec![start]; images * groups];
    if groups > 1 {
        let image_of_group: Vec<usize> = (0..beams.len()).map(|group| group / groups).collect();
        state = model.select(state, &image_of_group);
    }
    for step in 0..limits.max_length {
        let mut words = Vec::new();
        for path in beams.iter_mut().flatten() {
            if !path.hypothesis.is_finished() {
                path.row = words.len();
                words.push(path.hypothesis.words.last().copied().unwrap_or(END));
            }
        }
        if words.is_empty() {
            break;
        }
        let (scores, next) = model.step(&words, state)?;
        let [_, vocab] = scores.dims();
        let scores = read(scores, step)?;
        for (image, beams) in beams.chunks_mut(groups).enumerate() {
            let mut taken = Vec::new();
            for beam in beams {
                let search = GroupStep {
                    scores: &scores,
                    vocab,
                    taken: &taken,
                    options,
                    limits,
                };
                let place = (image, step);
                *beam = search.advance(beam, place)?;
                let moved = beam
                    .iter()
                    .filter(|path| path.hypothesis.words.len() > step);
                taken.extend(moved.filter_map(|path| path.hypothesis.words.last()));
            }
        }
        let live = beams.iter().flatten();
        let live = live.filter(|path| !path.hypothesis.is_finished());
        let rows: Vec<usize> = live.map(|path| path.row).collect();
        if rows.is_empty() {
            break;
        }
        state = model.select(next, &rows);
    }
    Ok(beams
        .chunks(groups)
        .map(|beams| ordered(beams, options.width, limits))
        .collect())
}

/// One step of one group.
struct GroupStep<'a> {
    /// Scores of all rows, `[rows * vocab]`.
    scores: &'a [f32],
    vocab: usize,
    /// Words that earlier groups of the image took at this step.
    taken: &'a [u32],
    options: &'a BeamOptions,
    limits: &'a Limits,
}

impl GroupStep<'_> {
    fn width(&self) -> usize {
        self.options.width / self.options.groups
    }

    /// The survivors, best first; `place` is the image and the step.
    fn advance<E>(
        &self,
        beam: &[Path],
        (row, step): (usize, usize),
    ) -> Result<Vec<Path>, SamplerError<E>> {
        let mut extensions = Vec::new();
        for path in beam {
            if path.hypothesis.is_finished() {
                extensions.push(path.clone());
            } else {
                self.extend(path, &mut extensions)
                    .ok_or(SamplerError::NoDistribution { row, step })?;
            }
        }
        if extensions.is_empty() {
            // Nothing may follow any of them: the best one that can end does.
            let ended = beam.iter().find_map(|path| self.end(path));
            return Ok(vec![
                ended.ok_or(SamplerError::NothingAllowed { row, step })?,
            ]);
        }
        extensions.sort_by(|a, b| b.rank.total_cmp(&a.rank));
        Ok(self.survivors(extensions))
    }

    /// The scores of the words that follow a path.
    fn scores_after(&self, path: &Path) -> &[f32] {
        &self.scores[path.row * self.vocab..(path.row + 1) * self.vocab]
    }

    /// Pushes the best words after one path; `None` if the scores are no distribution.
    fn extend(&self, path: &Path, extensions: &mut Vec<Path>) -> Option<()> {
        let scores = self.scores_after(path);
        let log_z = log_z(scores)?;
        let caption = &path.hypothesis.words;
        let mut allowed = scores.to_vec();
        self.limits.forbid(caption, &mut allowed);
        for &word in self.taken {
            allowed[word as usize] -= self.options.diversity as f32;
        }
        let missing = self.limits.missing(caption);
        let (ahead, mut best): (Vec<u32>, Vec<u32>) = (0..allowed.len() as u32)
            .filter(|&word| allowed[word as usize] > f32::NEG_INFINITY)
            .partition(|word| missing.contains(word));
        let order = |a: &u32, b: &u32| descending(&allowed, *a, *b);
        if best.len() > self.width() {
            best.select_nth_unstable_by(self.width() - 1, order);
            best.truncate(self.width());
        }
        best.extend(ahead);
        best.sort_by(order);
        extensions.extend(best.into_iter().map(|word| {
            let log_probability = f64::from(scores[word as usize]) - log_z;
            let taken = self.taken.iter().filter(|&&taken| taken == word).count();
            let cost = self.options.diversity * taken as f64;
            path.with(word, log_probability, cost, self.limits)
        }));
        Some(())
    }

    /// The path with the end token, unless the model rules that out.
    fn end(&self, path: &Path) -> Option<Path> {
        let scores = self.scores_after(path);
        let log_probability = f64::from(*scores.get(END as usize)?) - log_z(scores)?;
        let ended = path.with(END, log_probability, 0.0, self.limits);
        log_probability.is_finite().then_some(ended)
    }

    /// The first `width` that lack equally many required words, for every such number.
    fn survivors(&self, extensions: Vec<Path>) -> Vec<Path> {
        let mut counts = Vec::new();
        let mut survivors = Vec::new();
        for path in extensions {
            if counts.len() <= path.missing {
                counts.resize(path.missing + 1, 0);
            }
            counts[path.missing] += 1;
            if counts[path.missing] <= self.width() {
                survivors.push(path);
            }
        }
        survivors
    }
}

/// The captions of all groups of an image: those that break no constraint, then those that lack the fewest required
/// words, then the most probable, first.
fn ordered(beams: &[Vec<Path>], width: usize, limits: &Limits) -> Vec<Hypothesis> {
    let paths = beams.iter().flatten().map(|path| {
        let Hypothesis {
            words,
            log_probability,
            ..
        } = path.hypothesis.clone();
        (path.missing, limits.judge(words, log_probability))
    });
    let mut paths: Vec<(usize, Hypothesis)> = paths.collect();
    paths.sort_by(|(missing_a, a), (missing_b, b)| {
        let kept_first = a.broken.is_empty().cmp(&b.broken.is_empty()).reverse();
        let probable_first = b.log_probability.total_cmp(&a.log_probability);
        kept_first
            .then(missing_a.cmp(missing_b))
            .then(probable_first)
    });
    paths.truncate(width);
    paths
        .into_iter()
        .map(|(_, hypothesis)| hypothesis)
        .collect()
}

#[cfg(test)]
mod tests;
