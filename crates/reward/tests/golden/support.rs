//! Reads score vectors and compares with them.

use std::path::PathBuf;
use std::sync::Arc;

use scst_reward::{
    CiderDOptions, CiderFormula, CiderScorer, DocumentFrequency, FrequencySource, ImageReferences,
    Interner, Item, ReferenceNgrams, References, evaluate_text, evaluate_tokens,
};
use serde_json::Value;

/// Largest absolute difference from a reference value that is taken for rounding.
pub(crate) const TOLERANCE: f64 = 1e-12;

/// Vectors beside the repository, over captions that may not be in it.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    scst_testing::oracles::shared(&format!("metrics/{file}"))
}

pub(crate) fn fixture(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).join(file)
}

pub(crate) fn json(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

pub(crate) fn array(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("{value} is no array"))
}

pub(crate) fn ids(value: &Value) -> Vec<u32> {
    array(value).iter().map(|id| number(id) as u32).collect()
}

pub(crate) fn string(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no string"))
}

/// Remembers the largest difference of a comparison and fails on one above the tolerance.
#[derive(Default)]
pub(crate) struct Deviation {
    largest: f64,
    compared: usize,
}

impl Deviation {
    pub(crate) fn compare(&mut self, what: &str, found: f64, expected: &Value) {
        let difference = (found - number(expected)).abs();
        assert!(
            difference <= TOLERANCE,
            "{what}: found {found}, expected {expected}, difference {difference:e}"
        );
        self.largest = self.largest.max(difference);
        self.compared += 1;
    }

    #[expect(
        clippy::print_stderr,
        reason = "the deviation seen belongs into the test's report"
    )]
    pub(crate) fn report(&self, what: &str) {
        assert!(self.compared > 0, "{what}: nothing was compared");
        eprintln!(
            "{what}: {} values, largest deviation {:e}",
            self.compared, self.largest
        );
    }
}

/// One evaluated corpus of the vectors.
pub(crate) struct Corpus {
    pub(crate) json: Value,
    pub(crate) candidates: Vec<String>,
    references: Vec<Vec<String>>,
}

impl Corpus {
    pub(crate) fn read(path: PathBuf) -> Self {
        let json = json(path);
        let items = array(&json["items"]);
        let texts = |value: &Value| {
            array(value)
                .iter()
                .map(|text| string(text).to_owned())
                .collect()
        };
        let candidates = items
            .iter()
            .map(|item| string(&item["cand"]).to_owned())
            .collect();
        let references = items.iter().map(|item| texts(&item["refs"])).collect();
        Self {
            json,
            candidates,
            references,
        }
    }

    /// The vectors' scores of one item.
    pub(crate) fn scores(&self, item: usize) -> &Value {
        &self.json["items"][item]["scores"]
    }

    /// Compares what coco-caption prints, for the corpus and for every caption.
    pub(crate) fn compare_evaluation(&self, deviation: &mut Deviation) {
        let pairs = self.candidates.iter().zip(&self.references);
        let items: Vec<_> = pairs
            .map(|(candidate, references)| Item {
                candidate: &**candidate,
                references,
            })
            .collect();
        let evaluation = evaluate_text(&items, FrequencySource::Corpus).expect("a good corpus");
        assert_eq!(evaluation.images, self.candidates.len());
        let captions = (0..)
            .map(|item| self.scores(item))
            .zip(&evaluation.captions);
        for (expected, found) in captions.chain([(&self.json["corpus"], &evaluation.scores)]) {
            deviation.compare("cider_d", found.cider_d, &expected["cider_d"]);
            deviation.compare("rouge_l", found.rouge_l, &expected["rouge_l"]);
            for (order, score) in found.bleu.iter().enumerate() {
                deviation.compare("bleu", *score, &expected["bleu"][order]);
            }
        }
    }

    /// Compares plain CIDEr with the corpus's own frequencies.
    pub(crate) fn compare_plain(&self, deviation: &mut Deviation) {
        let mut interner = Interner::default();
        let references = self.intern_references(&mut interner);
        let frequency = DocumentFrequency::from_references(&references).expect("some images");
        self.compare_formula(
            CiderFormula::Cider,
            &mut interner,
            &references,
            frequency,
            "cider",
            deviation,
        );
    }

    /// Compares CIDEr-D and plain CIDEr with the frequencies of a table, which the interner's ids were built with.
    pub(crate) fn compare_table<'a>(
        &'a self,
        interner: &mut Interner<'a>,
        frequency: &DocumentFrequency,
        deviation: &mut Deviation,
    ) {
        let references = self.intern_references(interner);
        let cider_d = CiderFormula::CiderD(CiderDOptions::default());
        for (formula, key) in [(cider_d, "cider_d_df"), (CiderFormula::Cider, "cider_df")] {
            self.compare_formula(
                formula,
                interner,
                &references,
                frequency.clone(),
                key,
                deviation,
            );
        }
    }

    fn compare_formula<'a>(
        &'a self,
        formula: CiderFormula,
        interner: &mut Interner<'a>,
        references: &References,
        frequency: DocumentFrequency,
        key: &str,
        deviation: &mut Deviation,
    ) {
        let ngrams = ReferenceNgrams::new(references).into();
        let mut scorer =
            CiderScorer::new(formula, ngrams, frequency.into()).expect("default options");
        let mut total = 0.0;
        for (image, candidate) in self.candidates.iter().enumerate() {
            if let expected @ Value::Number(_) = &self.scores(image)[key] {
                let score = scorer
                    .score(image, &interner.words(candidate))
                    .expect("a known image");
                deviation.compare(key, score, expected);
                total += score;
            }
        }
        if let expected @ Value::Number(_) = &self.json["corpus"][key] {
            deviation.compare(key, total / self.candidates.len() as f64, expected);
        }
    }

    /// The references as ids.
    pub(crate) fn intern_references<'a>(&'a self, interner: &mut Interner<'a>) -> References {
        let images = self.references.iter().enumerate().map(|(image, texts)| {
            let tokens = texts.iter().map(|text| interner.words(text));
            ImageReferences::new(image.to_string(), tokens.collect::<Vec<_>>(), texts.clone())
        });
        References::new(None, images.collect()).expect("good references")
    }

    /// Compares the corpus CIDEr-D of token ids with a table.
    pub(crate) fn compare_token_evaluation<'a>(
        &'a self,
        interner: &mut Interner<'a>,
        frequency: &DocumentFrequency,
        deviation: &mut Deviation,
    ) {
        let references = self.intern_references(interner);
        let candidates: Vec<_> = self
            .candidates
            .iter()
            .map(|text| interner.words(text))
            .collect();
        let images: Vec<_> = references.images().collect();
        let pairs = candidates.iter().zip(&images);
        let items: Vec<_> = pairs
            .map(|(candidate, image)| Item {
                candidate: &candidate[..],
                references: &image.tokens,
            })
            .collect();
        let frequency = Arc::new(frequency.clone());
        let source = FrequencySource::Table(&frequency);
        let evaluation = evaluate_tokens(&items, source).expect("a good corpus");
        deviation.compare(
            "cider_d_df",
            evaluation.scores.cider_d,
            &self.json["corpus"]["cider_d_df"],
        );
    }
}
