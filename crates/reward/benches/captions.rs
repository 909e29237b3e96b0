//! Captions scored in a second, on one thread.
//!
//! The captions are those of the drawn scenes in `data/scenes`, or of any other table with the columns
//! `image,caption` that the environment variable `SCST_BENCH_CAPTIONS` names. A candidate is a reference of its image
//! in which every third word was replaced by one of another image's: most n-grams of sampled captions are as much of
//! a mixture.

mod caption_table;

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scst_reward::{
    BleuScorer, Candidate, CiderDOptions, CiderFormula, CiderScorer, FrequencySource, Item,
    References, RewardEntry, RewardMixture, RewardRegistry, RewardSources, RougeLOptions,
    RougeLScorer, evaluate_text, ptb,
};

use caption_table::END;

struct Corpus {
    texts: Vec<Vec<String>>,
    references: Arc<References>,
    /// Five an image, in the order of the images.
    candidates: Vec<(usize, Vec<u32>)>,
}

fn corpus() -> Corpus {
    let texts = caption_table::read();
    let images = caption_table::with_ids(texts.clone());
    let mut candidates = Vec::new();
    for (image, references) in images.iter().enumerate() {
        let other = &images[(image * 7 + 3) % images.len()].tokens;
        for (k, reference) in references.tokens.iter().enumerate() {
            let mut words = reference.clone();
            let strangers = other[k % other.len()].iter().filter(|&&word| word != END);
            for (word, &stranger) in words.iter_mut().skip(k % 3).step_by(3).zip(strangers) {
                if *word != END {
                    *word = stranger;
                }
            }
            candidates.push((image, words));
        }
    }
    let references = Arc::new(References::new(Some(END), images).expect("good references"));
    Corpus {
        texts,
        references,
        candidates,
    }
}

fn metrics(criterion: &mut Criterion) {
    let corpus = corpus();
    let sources = RewardSources::new(Arc::clone(&corpus.references));
    let (ngrams, frequency) = (sources.ngrams(), sources.frequency().expect("images"));
    let mut group = criterion.benchmark_group("captions");
    group.sample_size(20);
    group.throughput(Throughput::Elements(corpus.candidates.len() as u64));

    let formula = CiderFormula::CiderD(CiderDOptions::default());
    let mut cider_d =
        CiderScorer::new(formula, Arc::clone(ngrams), Arc::clone(frequency)).expect("good options");
    group.bench_function("cider_d", |bencher| {
        bencher.iter(|| {
            for (image, tokens) in &corpus.candidates {
                black_box(cider_d.score(*image, tokens).expect("a known image"));
            }
        });
    });
    let mut bleu = BleuScorer::new(Arc::clone(ngrams));
    group.bench_function("bleu_4", |bencher| {
        bencher.iter(|| {
            for (image, tokens) in &corpus.candidates {
                black_box(
                    bleu.statistics(*image, tokens)
                        .expect("a known image")
                        .scores(),
                );
            }
        });
    });
    let mut rouge_l = RougeLScorer::new(RougeLOptions::default()).expect("good options");
    group.bench_function("rouge_l", |bencher| {
        bencher.iter(|| {
            for (image, tokens) in &corpus.candidates {
                let image = corpus.references.image(*image).expect("an image");
                black_box(rouge_l.score(tokens, &image.tokens));
            }
        });
    });
    let raw: Vec<String> = corpus
        .texts
        .iter()
        .flatten()
        .map(|text| format!("{}{}.", text[..1].to_uppercase(), &text[1..]))
        .collect();
    group.bench_function("ptb", |bencher| {
        let mut words = String::new();
        bencher.iter(|| {
            for caption in &raw {
                words.clear();
                ptb::tokenize_into(caption, &mut words);
                black_box(&words);
            }
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("batch");
    let entry = RewardEntry {
        cider_d: Some(CiderDOptions::default()),
        ..RewardEntry::default()
    };
    let mut mixture =
        RewardMixture::build(&[entry], &sources, &RewardRegistry::default()).expect("a good entry");
    let batch: Vec<Candidate<'_>> = corpus.candidates[..300]
        .iter()
        .map(|(image, tokens)| Candidate {
            image: *image,
            tokens,
            text: "",
        })
        .collect();
    group.throughput(Throughput::Elements(300));
    group.bench_function("scst_of_300", |bencher| {
        bencher.iter(|| black_box(mixture.score(&batch).expect("scores")));
    });
    group.finish();

    let mut group = criterion.benchmark_group("evaluation");
    group.sample_size(10);
    let items: Vec<_> = (0..40_504)
        .map(|image| {
            let texts = &corpus.texts[image % corpus.texts.len()];
            let others = &corpus.texts[(image * 11 + 5) % corpus.texts.len()];
            Item {
                candidate: others[0].as_str(),
                references: texts.as_slice(),
            }
        })
        .collect();
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function("of_40504_images", |bencher| {
        bencher.iter(|| black_box(evaluate_text(&items, FrequencySource::Corpus).expect("scores")));
    });
    group.finish();
}

/// Metrics of raw text as rewards.
fn raw_text(criterion: &mut Criterion) {
    let corpus = corpus();
    let sources = RewardSources::new(Arc::clone(&corpus.references));
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(300));
    // Another image's captions.
    let texts = corpus.texts.iter().skip(7).flatten();
    let batch: Vec<Candidate<'_>> = corpus.candidates[..300]
        .iter()
        .zip(texts)
        .map(|((image, tokens), text)| Candidate {
            image: *image,
            tokens,
            text,
        })
        .collect();
    for key in [
        "word_error_rate",
        "character_error_rate",
        "chrf",
        "sacrebleu",
        "rouge_score",
    ] {
        let entry = serde_json::json!({ key: {} });
        let entry: RewardEntry = serde_json::from_value(entry).expect("a good entry");
        let mut mixture = RewardMixture::build(&[entry], &sources, &RewardRegistry::default())
            .expect("a good entry");
        group.bench_function(format!("{key}_of_300"), |bencher| {
            bencher.iter(|| black_box(mixture.score(&batch).expect("scores")));
        });
    }
    group.finish();
}

criterion_group!(benches, metrics, raw_text);
criterion_main!(benches);
