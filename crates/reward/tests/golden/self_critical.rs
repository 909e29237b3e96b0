//! Equality with the rewards of ruotianluo/self-critical.pytorch 4c48a33 (ids, end token, mixtures).

use std::sync::Arc;

use scst_reward::{
    BleuOptions, Candidate, CiderDOptions, DocumentFrequency, ImageReferences, References,
    RewardEntry, RewardMixture, RewardRegistry, RewardSources, self_cider, through_end_token,
};
use serde_json::Value;

use crate::support::{Deviation, array, fixture, ids, json, number, string};

const END: u32 = 0;

fn captions(rows: &Value) -> Vec<Vec<u32>> {
    array(rows)
        .iter()
        .map(|row| through_end_token(&ids(row), END).to_vec())
        .collect()
}

fn training_table(vectors: &Value) -> DocumentFrequency {
    let mut builder = DocumentFrequency::builder();
    for image in array(&vectors["df_refs"]) {
        let references: Vec<_> = array(image).iter().map(ids).collect();
        builder.add_image(references.iter());
    }
    builder.build().expect("some images")
}

fn references(batch: &Value) -> References {
    let images = array(&batch["gts"])
        .iter()
        .enumerate()
        .map(|(image, rows)| {
            let tokens = captions(rows);
            let texts = vec![String::new(); tokens.len()];
            ImageReferences::new(format!("{image}.jpg"), tokens, texts)
        });
    References::new(Some(END), images.collect()).expect("good references")
}

fn mixture(
    run: &Value,
    references: &Arc<References>,
    table: &Arc<DocumentFrequency>,
) -> RewardMixture {
    let cider_d = RewardEntry {
        weight: number(&run["cider_weight"]),
        cider_d: Some(CiderDOptions::default()),
        ..RewardEntry::default()
    };
    let bleu = RewardEntry {
        weight: number(&run["bleu_weight"]),
        bleu: Some(BleuOptions::default()),
        ..RewardEntry::default()
    };
    let sources = RewardSources::new(Arc::clone(references));
    let sources = sources.with_frequency(Arc::clone(table));
    RewardMixture::build(&[cider_d, bleu], &sources, &RewardRegistry::default())
        .expect("a good list")
}

fn total(mixture: &mut RewardMixture, captions: &[Vec<u32>], per_image: usize) -> Vec<f64> {
    let candidate = |(index, tokens)| Candidate {
        image: index / per_image,
        tokens,
        text: "",
    };
    let candidates: Vec<_> = captions
        .iter()
        .map(Vec::as_slice)
        .enumerate()
        .map(candidate)
        .collect();
    mixture.score(&candidates).expect("known images").total
}

#[test]
fn table_holds_the_listed_frequencies_when_end_tokens_are_counted() {
    let vectors = json(fixture("scst_ids.json"));
    let table = training_table(&vectors);
    let expected = &vectors["df"];
    assert_eq!(table.images() as f64, number(&expected["ref_len"]));
    assert_eq!(
        (1..=4).map(|order| table.distinct(order)).sum::<usize>() as f64,
        number(&expected["distinct_ngrams"])
    );
    assert_eq!(
        f64::from(table.frequency(&[END])),
        number(&expected["df_of_eos"])
    );
    for entry in array(&expected["top"]) {
        let ngram = string(&entry[0])
            .split(' ')
            .map(|id| id.parse().expect("an id"))
            .collect::<Vec<u32>>();
        assert_eq!(
            f64::from(table.frequency(&ngram)),
            number(&entry[1]),
            "{entry}"
        );
    }
}

#[test]
fn captions_equal_the_reference_strings_when_cut_at_the_end_token() {
    for batch in array(&json(fixture("scst_ids.json"))["batches"]) {
        for (key, text) in batch["array_to_str"].as_object().expect("an object") {
            let index: usize = key.trim_start_matches("gen_").parse().expect("a row");
            let sequence = ids(&batch["gen"][index]);
            let caption: Vec<_> = through_end_token(&sequence, END)
                .iter()
                .map(u32::to_string)
                .collect();
            assert_eq!(caption.join(" "), string(text));
        }
    }
}

#[test]
fn scores_and_advantages_equal_self_critical_when_weights_vary() {
    let vectors = json(fixture("scst_ids.json"));
    let table = Arc::new(training_table(&vectors));
    let mut deviation = Deviation::default();
    for batch in array(&vectors["batches"]) {
        let references = Arc::new(references(batch));
        let (samples, greedy) = (captions(&batch["gen"]), captions(&batch["greedy"]));
        let per_image = number(&batch["seq_per_img"]) as usize;
        for run in array(&batch["runs"]) {
            let mut mixture = mixture(run, &references, &table);
            let samples = total(&mut mixture, &samples, per_image);
            let greedy = total(&mut mixture, &greedy, 1);
            for (image, &baseline) in greedy.iter().enumerate() {
                deviation.compare("greedy", baseline, &run["greedy_scores"][image]);
            }
            for (index, &score) in samples.iter().enumerate() {
                let image = index / per_image;
                deviation.compare("sample", score, &run["gen_scores"][index]);
                deviation.compare("reward", score - greedy[image], &run["reward"][index]);
                if per_image > 1 {
                    let sum: f64 = samples[image * per_image..][..per_image].iter().sum();
                    let advantage = score - (sum - score) / (per_image - 1) as f64;
                    deviation.compare(
                        "advantage",
                        advantage,
                        &run["new_self_critical_advantage"][index],
                    );
                }
            }
        }
    }
    deviation.report("self-critical rewards");
}

#[test]
fn self_cider_equals_self_critical_when_captions_are_sampled() {
    let vectors = json(fixture("scst_ids.json"));
    let table = Arc::new(training_table(&vectors));
    let mut deviation = Deviation::default();
    for batch in array(&vectors["batches"]) {
        let per_image = number(&batch["seq_per_img"]) as usize;
        let samples = captions(&batch["gen"]);
        let images: Vec<_> = samples.chunks(per_image).map(<[_]>::to_vec).collect();
        let found = self_cider(&images, &table).expect("finite scores");
        for run in array(&batch["runs"]) {
            let Some(expected) = run["self_cider_diversity"].as_array() else {
                assert!(per_image < 2 && found.iter().all(Option::is_none));
                continue;
            };
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                match found {
                    Some(found) => deviation.compare("self_cider", *found, expected),
                    None => assert!(expected.is_null(), "found none, expected {expected}"),
                }
            }
        }
    }
    deviation.report("self-CIDEr diversity");
}
