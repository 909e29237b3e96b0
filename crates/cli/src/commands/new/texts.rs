//! A configuration for pairs of texts.

use std::path::Path;

use scst_data::{
    Dataset, Example, FileSource, PairSource, Split, TextPairs, TextSource, TextVocabularies,
    vocabulary::Tokens,
};

use super::{
    draft::{Draft, SEED, SHARES, check_counts, command, head, part_of_validation, toml_path},
    sizes::{Lengths, batch, targets_per_source},
};
use crate::{failure::Failure, output::quoted};

/// Training pairs from which on few epochs are enough, and a vocabulary of pieces is larger.
const MANY: usize = 5_000;
/// The share of texts that have to be one word, so that a text counts as a word.
const SINGLE_WORDS: f64 = 0.95;

/// What the texts are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Words to sequences of tokens, such as phonemes.
    Spelling,
    /// Words to words, by their letters.
    Words,
    /// Running text.
    Running,
}

impl Kind {
    fn of(pairs: &TextPairs) -> Self {
        let is_single = |text: &str| !text.contains(char::is_whitespace);
        let share = |single: usize, all: usize| single as f64 / all.max(1) as f64;
        let sources = pairs.iter().filter(|pair| is_single(pair.source)).count();
        if share(sources, pairs.len()) < SINGLE_WORDS {
            return Self::Running;
        }
        let targets = || pairs.iter().flat_map(|pair| pair.targets);
        let single = targets().filter(|text| is_single(text)).count();
        if share(single, targets().count()) < SINGLE_WORDS {
            Self::Spelling
        } else {
            Self::Words
        }
    }

    fn tokens(self, pairs: usize) -> (Tokens, Tokens) {
        match self {
            Self::Spelling => (Tokens::Characters, Tokens::Given),
            Self::Words => (Tokens::Characters, Tokens::Characters),
            Self::Running => {
                let pieces = if pairs < MANY { 1000 } else { 3000 };
                (Tokens::Bpe(pieces), Tokens::Bpe(pieces))
            }
        }
    }

    /// The metric of validation, and what is counted beside it.
    fn metrics(self) -> (&'static str, &'static str) {
        match self {
            Self::Spelling => ("phoneme_error_rate", "exact_match"),
            Self::Words => ("character_error_rate", "exact_match"),
            Self::Running => ("sacrebleu", "chrf"),
        }
    }
}

pub(super) fn draft(name: &str, path: &Path, out: &Path) -> Result<Draft, Failure> {
    let mut file = FileSource {
        path: path.to_owned(),
        shares: None,
        seed: 0,
    };
    let are_drawn = !file.has_splits()?;
    if are_drawn {
        (file.shares, file.seed) = (Some(SHARES.to_owned()), SEED);
    }
    let source = PairSource::File(file);
    let pairs = source.read()?;
    let count = |split| pairs.iter().filter(|pair| pair.split == split).count();
    let counts = Split::ALL.map(count);
    check_counts(path, "sources", counts, are_drawn)?;
    let kind = Kind::of(&pairs);
    drop(pairs);
    let (source_tokens, target_tokens) = kind.tokens(counts[0]);
    let dataset = Dataset::load_text(
        &TextSource {
            pairs: source,
            source: source_tokens.clone(),
            target: Some(target_tokens.clone()),
            max_source_length: 256,
        },
        TextVocabularies::Build { minimum_count: 1 },
    )?;
    let train = dataset.split(Split::Train);
    let targets = || train.iter().flat_map(Example::captions);
    let lengths = Lengths::of(targets().map(<[u32]>::len).collect());
    let [sources, val, test] = counts;
    let about = format!("{sources} sources to train on, {val} of val, {test} of test.");
    let shares = if are_drawn {
        format!(", shares = \"{SHARES}\", seed = {SEED}")
    } else {
        String::new()
    };
    let (metric, beside) = kind.metrics();
    let config = format!(
        "{head}\n[data]\nminimum_count = 1\n\
         # In tokens, with the end; 99 of 100 targets are no longer, the longest has {longest}.\n\
         max_length = {enough}\n\n[data.text]\n{drawn}pairs.file = {{ path = {path}{shares} }}\n\
         # {what}\nsource = {source}\ntarget = {target}\n\n[validation]\nmetric = \"{metric}\"\n\
         text_metrics = [\"{beside}\"]\n{part}{model}{stages}",
        part = part_of_validation(val),
        head = head(name, out, &about),
        longest = lengths.longest,
        enough = lengths.enough,
        drawn = if are_drawn {
            "# The file has no splits: its sources are shared out by the seed.\n"
        } else {
            ""
        },
        path = toml_path(path),
        what = match kind {
            Kind::Spelling =>
                "Sources are words, read by their letters; targets are what white space divides.",
            Kind::Words => "Sources and targets are words, by their letters.",
            Kind::Running => "Running text, in pieces of words that are learnt from it.",
        },
        source = toml_tokens(&source_tokens),
        target = toml_tokens(&target_tokens),
        model = model(kind),
        stages = stages(kind, sources, targets().count()),
    );
    let run = Path::new("runs").join(name);
    let split = if test > 0 { "test" } else { "val" };
    Ok(Draft {
        config,
        files: Vec::new(),
        notices: dataset.notices.clone(),
        found: vec![format!(
            "{sources} sources to train on with {} targets, {val} of val, {test} of test",
            targets().count()
        )],
        next: vec![
            command("check", out),
            command("train", out),
            format!("{} --split {split} --beam 5", command("eval", &run)),
            format!("{} {}", command("generate", &run), quoted(path)),
        ],
    })
}

/// Tokens as a value of TOML.
fn toml_tokens(tokens: &Tokens) -> String {
    match tokens {
        Tokens::Given => "\"given\"".to_owned(),
        Tokens::Bpe(pieces) => format!("{{ bpe = {pieces} }}"),
        _ => "\"characters\"".to_owned(),
    }
}

fn model(kind: Kind) -> &'static str {
    match kind {
        Kind::Spelling | Kind::Words => {
            "\n# LSTMs in both directions read, one that attends to them writes.\n[encoder.lstm]\nhidden = 128\n\
             embedding = 64\n\n[model.att2in]\nhidden = 192\nembedding = 64\nattention_size = 64\ndropout = 0.3\n"
        }
        Kind::Running => {
            "\n# LSTMs in both directions read, one that attends to them writes.\n[encoder.lstm]\nhidden = 256\n\
             embedding = 256\n\n[model.att2in]\nhidden = 512\nembedding = 256\nattention_size = 128\ndropout = 0.2\n"
        }
    }
}

fn stages(kind: Kind, sources: usize, targets: usize) -> String {
    let is_running = kind == Kind::Running;
    let batch = batch(if is_running { 32 } else { 64 }, sources);
    let (xe_epochs, scst_epochs) = match (sources < MANY, is_running) {
        (true, _) => (20, 4),
        (false, true) => (8, 1),
        (false, false) => (6, 4),
    };
    let (xe_rate, fraction) = if is_running {
        ("2e-3", "0.05")
    } else {
        ("3e-3", "0.1")
    };
    let (scst_rate, objective) = if is_running {
        ("3e-5", "baseline = \"leave_one_out\"")
    } else {
        (
            "2e-4",
            "# What every next token would make of the error rate is known, not only of whole samples.\n\
             objective = \"all_action\"",
        )
    };
    let (reward, _) = kind.metrics();
    let targets = targets_per_source(targets, sources);
    format!(
        "\n# Token by token, by cross-entropy.\n[[stages]]\nname = \"xe\"\nepochs = {xe_epochs}\nsources_per_batch = {batch}\n\
         learning_rate = {xe_rate}\nschedule.cosine = {{ final_fraction = {fraction} }}\nclip.norm = 5.0\n\
         xe = {{ targets_per_source = {targets} }}\n\
         \n# Whole targets that are sampled, by the metric itself; without dropout, as targets are decoded.\n[[stages]]\n\
         name = \"scst\"\nepochs = {scst_epochs}\nsources_per_batch = {batch}\nlearning_rate = {scst_rate}\ndropout = 0.0\n\
         clip.norm = 5.0\n\n[stages.scst]\nsamples_per_source = 5\n{objective}\n\n[[stages.scst.rewards]]\n{reward} = {{}}\n"
    )
}
