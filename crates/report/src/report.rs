//! What a report is made of: plain data of one or several runs on the same sources.

/// Runs on one split.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The heading of the page.
    pub title: String,
    /// The split that was decoded.
    pub split: String,
    /// What sources and targets are called.
    pub names: Names,
    /// The metrics, in the order of all scores.
    pub metrics: Vec<Metric>,
    /// Which of them checkpoints are chosen by.
    pub main_metric: usize,
    /// What the captions are of.
    pub sources: Vec<Source>,
    /// The runs; all captions are of `sources`, in their order.
    pub runs: Vec<Run>,
    /// Words that no caption should end with; none where endings say nothing.
    pub bad_endings: Vec<String>,
    /// Share of resamples that an interval holds.
    pub level: f64,
    /// Resamples of the bootstrap.
    pub resamples: usize,
}

/// What sources and targets are called: images and captions, texts and targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// A source.
    pub source: String,
    /// Several sources.
    pub sources: String,
    /// A target.
    pub target: String,
    /// Several targets.
    pub targets: String,
}

/// A metric of captions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metric {
    /// Its name in files.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Whether smaller values are better, as of error rates.
    pub smaller_is_better: bool,
}

/// An image or text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// What it is called.
    pub name: String,
    /// What was read, if that is a text.
    pub text: Option<String>,
    /// What people wrote.
    pub references: Vec<String>,
    /// A small picture of it.
    pub picture: Option<Picture>,
    /// Where the captioner of the first run looked for every word of its last caption.
    pub attention: Option<Picture>,
}

/// A picture that goes into the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// `image/jpeg` or `image/png`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A run, or the runs of several seeds of one configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// What it was given as.
    pub name: String,
    /// Its configuration, as its file has it; that of the first seed.
    pub configuration: String,
    /// How captions were decoded.
    pub decoder: String,
    /// What signatures are of, and signatures: every choice that changes numbers.
    pub signatures: Vec<(String, String)>,
    /// What makes the results worth less than they look.
    pub warnings: Vec<String>,
    /// The stages of the first seed.
    pub stages: Vec<Stage>,
    /// What was recorded while it trained, seed by seed.
    pub seeds: Vec<Vec<Record>>,
    /// The captions of one or two checkpoints of the first seed: before and after self-critical training.
    pub outputs: Vec<Output>,
    /// From the first to the last of `outputs`, of every metric, if there are two.
    pub change: Vec<Change>,
    /// From the first run's last output to this one's, of every metric; none of the first run.
    pub against_first: Vec<Change>,
    /// Sampled captions of a few sources, with the advantage of every word.
    pub samples: Vec<Samples>,
}

/// A stage of training, with values of the main metric.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its objective.
    pub kind: String,
    /// Steps taken.
    pub steps: u64,
    /// Time spent.
    pub seconds: f64,
    /// What it began with.
    pub start: Option<f64>,
    /// The best, and after which step.
    pub best: Option<(u64, f64)>,
    /// What it ended with.
    pub last: Option<f64>,
}

/// What a record measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Steps of training.
    Train,
    /// Captions of the validation split.
    Validation,
}

/// Named numbers measured at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Steps of the run.
    pub step: u64,
    /// The stage that was running.
    pub stage: String,
    /// What was measured.
    pub kind: RecordKind,
    /// Names and numbers.
    pub values: Vec<(String, f64)>,
}

impl Record {
    /// The number called `name`, if there is one that is finite.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        let mut values = self.values.iter();
        let found = values.find(|(key, value)| key == name && value.is_finite());
        found.map(|&(_, value)| value)
    }
}

/// The captions of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// Which checkpoint.
    pub label: String,
    /// Of every metric; the mean over the seeds where there are several.
    pub estimates: Vec<Estimate>,
    /// Of every source.
    pub captions: Vec<Caption>,
}

/// A caption with its own scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caption {
    /// Words joined by spaces.
    pub text: String,
    /// By every metric.
    pub scores: Vec<f64>,
    /// Whether it reached the maximum length without ending.
    pub is_cut_off: bool,
}

/// A score and its interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// The score of all sources.
    pub value: f64,
    /// Its bounds.
    pub interval: [f64; 2],
}

/// A difference of two scores and its interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Change {
    /// The later less the earlier.
    pub difference: f64,
    /// Its bounds.
    pub interval: [f64; 2],
    /// How likely chance alone makes a difference as large.
    pub p: f64,
    /// Whether the two can be told apart.
    pub is_told_apart: bool,
}

/// What a change is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Worse,
    NotToldApart,
}

impl Change {
    pub(crate) fn verdict(&self, metric: &Metric) -> Verdict {
        if !self.is_told_apart {
            Verdict::NotToldApart
        } else if (self.difference > 0.0) == metric.smaller_is_better {
            Verdict::Worse
        } else {
            Verdict::Better
        }
    }
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NotToldApart => "cannot be told apart",
        }
    }

    /// For style sheets.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NotToldApart => "open",
        }
    }
}

/// Sampled captions of a source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// What the source is called.
    pub source: String,
    /// The captions.
    pub captions: Vec<Sampled>,
}

/// A sampled caption.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampled {
    /// Its words with the advantage of each.
    pub words: Vec<(String, f64)>,
    /// Its reward.
    pub reward: f64,
}

impl Report {
    /// Every output with the place of its run.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (usize, &Output)> {
        let runs = self.runs.iter().enumerate();
        runs.flat_map(|(k, run)| run.outputs.iter().map(move |output| (k, output)))
    }

    /// The name of an output: with its run, where there are several.
    pub(crate) fn output_name(&self, run: usize, output: &Output) -> String {
        if self.runs.len() == 1 {
            output.label.clone()
        } else {
            format!("{}: {}", self.runs[run].name, output.label)
        }
    }
}
