//! What `scst score` prints: a table for people, an object for programs.

use scst_data::ExampleId;
use scst_reward::TextMetric;
use serde_json::{Map, Value, json};

use crate::{arguments::ScoreArguments, output::print_line};

/// A caption that was scored.
pub(super) struct Row {
    pub(super) id: ExampleId,
    /// The file name of the image, if it is known and not its id.
    pub(super) image: Option<String>,
    pub(super) caption: String,
}

/// A metric's numbers.
pub(super) struct Metric {
    /// Its name in files and flags.
    pub(super) name: String,
    /// Of the corpus; nothing if it is undefined.
    pub(super) corpus: Option<f64>,
    /// Of the best caption of every image.
    pub(super) best: Option<f64>,
    /// Of every row.
    pub(super) captions: Vec<f64>,
}

/// What is printed.
pub(super) struct Report {
    pub(super) images: usize,
    /// Captions, where an image has several.
    pub(super) several: Option<usize>,
    pub(super) rows: Vec<Row>,
    pub(super) metrics: Vec<Metric>,
    pub(super) signatures: Vec<String>,
    /// Of metrics that no tokenizer comes before.
    pub(super) raw_text_signature: Option<String>,
    pub(super) tokenizer: &'static str,
}

impl Report {
    /// Adds a metric of the corpus and of every caption.
    pub(super) fn add(&mut self, name: &str, corpus: f64, captions: Vec<f64>) {
        self.add_metric(name, Some(corpus), None, captions);
    }

    /// The same, with the best of every image.
    pub(super) fn add_metric(
        &mut self,
        name: &str,
        corpus: Option<f64>,
        best: Option<f64>,
        captions: Vec<f64>,
    ) {
        self.metrics.push(Metric {
            name: name.to_owned(),
            corpus,
            best,
            captions,
        });
    }

    pub(super) fn print(&self, arguments: &ScoreArguments) {
        if arguments.json {
            print_line!("{}", self.to_json(arguments.per_caption));
            return;
        }
        if arguments.per_caption {
            self.print_captions();
        }
        match self.several {
            None => print_line!("{} images", self.images),
            Some(captions) => print_line!("{} images, {captions} captions", self.images),
        }
        let widths = self.metrics.iter().map(|metric| label(&metric.name).len());
        let width = widths.max().unwrap_or(0).max(11);
        if self.several.is_some() && self.metrics.iter().any(|metric| metric.best.is_some()) {
            print_line!("{:<width$} {:>8} {:>8}", "", "all", "best");
        }
        for metric in &self.metrics {
            let name = label(&metric.name);
            let corpus = number(metric.corpus);
            match metric.best {
                None => print_line!("{name:<width$} {corpus:>8}"),
                best => print_line!("{name:<width$} {corpus:>8} {:>8}", number(best)),
            }
        }
        print_line!("{}", self.signature());
    }

    /// A row a caption, under the names of the metrics.
    fn print_captions(&self) {
        let with_captions: Vec<&Metric> = self.of_captions().collect();
        let names: Vec<String> = self.rows.iter().map(Row::name).collect();
        let widest = names.iter().map(|name| name.chars().count()).max();
        let width = widest.unwrap_or(0).max("image".len());
        let labels: Vec<String> = with_captions.iter().map(|m| label(&m.name)).collect();
        let header: Vec<String> = labels.iter().map(|label| format!("{label:>8}")).collect();
        print_line!("{:<width$} {}  caption", "image", header.join(" "));
        for (row, caption) in self.rows.iter().enumerate() {
            let scores = with_captions.iter().map(|metric| metric.captions[row]);
            let scores: Vec<String> = scores
                .zip(&labels)
                .map(|(score, label)| format!("{score:>width$.4}", width = label.len().max(8)))
                .collect();
            let name = &names[row];
            print_line!("{name:<width$} {}  {}", scores.join(" "), caption.caption);
        }
        print_line!("");
    }

    /// The metrics that captions have one by one.
    fn of_captions(&self) -> impl Iterator<Item = &Metric> {
        let rows = self.rows.len();
        let metrics = self.metrics.iter();
        metrics.filter(move |metric| metric.captions.len() == rows)
    }

    fn to_json(&self, per_caption: bool) -> Value {
        let by_name = |number: &dyn Fn(&Metric) -> Option<Value>| {
            let metrics = self.metrics.iter();
            let metrics = metrics.filter_map(|metric| Some((metric.name.clone(), number(metric)?)));
            Value::Object(metrics.collect())
        };
        let mut output = json!({
            "metrics": by_name(&|metric| Some(json!(metric.corpus))),
            "images": self.images,
            "signature": self.signature(),
        });
        if let Some(captions) = self.several {
            output["captions"] = captions.into();
            output["best"] = by_name(&|metric| metric.best.map(Value::from));
        }
        if per_caption {
            let rows = self.rows.iter().enumerate().map(|(k, row)| {
                let mut object = Map::from_iter([
                    ("image_id".to_owned(), json!(row.id)),
                    ("caption".to_owned(), json!(row.caption)),
                ]);
                if let Some(image) = &row.image {
                    object.insert("image".to_owned(), json!(image));
                }
                let scores = self.of_captions();
                object
                    .extend(scores.map(|metric| (metric.name.clone(), json!(metric.captions[k]))));
                Value::Object(object)
            });
            output["per_caption"] = rows.collect();
        }
        output
    }

    fn signature(&self) -> String {
        let of_words = (!self.signatures.is_empty())
            .then(|| format!("{}|tokenizer:{}", self.signatures.join("+"), self.tokenizer));
        let parts = of_words.into_iter().chain(self.raw_text_signature.clone());
        parts.collect::<Vec<_>>().join("+")
    }
}

impl Row {
    /// What the image is called.
    fn name(&self) -> String {
        let id = self.id.to_text();
        match &self.image {
            None => id,
            Some(image) => format!("{id} {image}"),
        }
    }
}

fn number(score: Option<f64>) -> String {
    score.map_or("undefined".to_owned(), |score| format!("{score:.4}"))
}

/// A metric in the words of the field.
fn label(name: &str) -> String {
    let mut of_text = TextMetric::ALL.into_iter();
    if let Some(metric) = of_text.find(|metric| metric.name() == name) {
        return metric.label().to_owned();
    }
    match name {
        "cider_d" => "CIDEr-D".to_owned(),
        "cider" => "CIDEr".to_owned(),
        "rouge_l" => "ROUGE-L".to_owned(),
        "meteor" => "METEOR".to_owned(),
        "spice" => "SPICE".to_owned(),
        "self_cider" => "self-CIDEr".to_owned(),
        name => match name.split_once('_') {
            Some(("bleu", n)) => format!("BLEU-{n}"),
            Some(("mbleu", n)) => format!("mBLEU-{n}"),
            _ => name.replace('_', "-"),
        },
    }
}
