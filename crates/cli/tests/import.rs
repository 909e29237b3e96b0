//! Models and data of self-critical.pytorch, against what its own code computes from them.
//!
//! `scripts/self_critical_fixture.py` wrote the fixtures: models of that program's classes with random weights, and
//! the log-probabilities, greedy captions and region vectors that it has for them.

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};
use scst_data::{
    BoxSource, FeatureBatch, FeatureSource, FeatureStore, FolderSource, ImageNames,
    RenumberedVocabulary,
};
use scst_encoder::StateDict;
use scst_model::{CaptionerRegistry, ImageFeatures, Noise};
use scst_trainer::Checkpoint;
use serde::Deserialize;
use support::Workplace;
use tempfile::TempDir;

/// Data of a model that reads one vector an image, and its captioner.
const POOLED: (&str, &str) = (
    "fc",
    "[model.fc]\nhidden = 8\nembedding = 7\ncandidate = \"maxout\"\nword_input = \"linear\"",
);
const ATT2IN: (&str, &str) = (
    "att",
    "[model.att2in]\nhidden = 8\nembedding = 7\nattention_size = 5",
);
const LINEAR_ATT2IN: (&str, &str) = (
    "att",
    "[model.att2in]\nhidden = 8\nembedding = 7\nattention_size = 5\ninputs = \"linear\"",
);
const UP_DOWN: (&str, &str) = (
    "att",
    "[model.up_down]\nhidden = 8\nembedding = 7\nattention_size = 5",
);

const SHOW_TELL: (&str, &str) = ("fc", "[model.show_tell]\nhidden = 8\nembedding = 7");
const ATT2ALL: (&str, &str) = (
    "att",
    "[model.att2all]\nhidden = 8\nembedding = 7\nattention_size = 5",
);

/// Model, vocabulary, data and captioner.
const MODELS: [(&str, &str, (&str, &str)); 7] = [
    ("newfc", "infos.pkl", POOLED),
    ("fc", "cocotalk.json", POOLED),
    ("att2in2", "infos.pkl", ATT2IN),
    ("updown", "cocotalk.json", UP_DOWN),
    ("show_tell", "infos.pkl", SHOW_TELL),
    ("att2all2", "infos.pkl", ATT2ALL),
    ("att2in", "infos.pkl", LINEAR_ATT2IN),
];

const CONFIG: &str = r#"
name = "moved"
threads = 2

[data]
captions.self_critical = { json = "cocotalk.json", labels = "cocotalk_label.h5" }
features.folder = { path = "FEATURES" }
vocabulary = "imported/tokenizer.json"
max_length = 6

MODEL

[[stages]]
epochs = 1
sources_per_batch = 3
learning_rate = 1e-4
start_from = { checkpoint = "imported" }

[stages.scst]
samples_per_source = 2
rewards = [{ cider_d = {} }]
"#;

#[derive(Deserialize)]
struct Expected {
    captions: Vec<Vec<usize>>,
    models: BTreeMap<String, ExpectedModel>,
    boxes: Vec<Vec<Vec<f32>>>,
}

#[derive(Deserialize)]
struct ExpectedModel {
    /// By caption, timestep and word.
    log_probs: Vec<Vec<Vec<f64>>>,
    /// By image.
    greedy: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Document {
    ix_to_word: BTreeMap<usize, String>,
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    id: i64,
}

/// The features of an image, which are named by its id.
fn read(store: &mut FeatureStore, image: &Image) -> FeatureBatch {
    let image = ImageNames {
        file_name: "not a name",
        folder: None,
        id: Some(image.id.to_string()),
    };
    let rows = store.locate_all(&[image]).expect("features by id");
    store.read_batch(&rows).expect("features")
}

fn json<T: for<'a> Deserialize<'a>>(workplace: &Workplace, name: &str) -> T {
    serde_json::from_slice(&workplace.read(name)).expect("a fixture")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("fixtures") {
        let path = entry.expect("a file").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// The fixtures and a configuration for a captioner.
fn workplace((features, model): (&str, &str)) -> Workplace {
    let workplace = Workplace::new();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/self_critical");
    copy(Path::new(fixtures), &workplace.path(""));
    let config = CONFIG.replace("FEATURES", features).replace("MODEL", model);
    workplace.write("config.toml", config.as_bytes());
    workplace
}

fn arguments<'a>(model: &'a str, words: &'a str) -> Vec<&'a str> {
    vec![
        "import",
        "--from",
        "self-critical",
        model,
        words,
        "--config",
        "config.toml",
        "--out",
        "imported",
    ]
}

/// A workplace with one model imported.
fn imported(model: &str, words: &str, captioner: (&str, &str)) -> Workplace {
    let workplace = workplace(captioner);
    let printed = workplace.succeed(&arguments(&format!("{model}.pth"), words));
    assert!(printed.contains("checkpoint: imported"), "{printed}");
    workplace
}

#[test]
fn log_probabilities_are_those_of_pytorch() {
    let device = Device::flex();
    for (name, words, captioner) in MODELS {
        let workplace = imported(name, words, captioner);
        let expected: Expected = json(&workplace, "expected.json");
        let document: Document = json(&workplace, "cocotalk.json");
        let checkpoint =
            Checkpoint::load(&workplace.path("imported"), &CaptionerRegistry::default())
                .expect("a checkpoint");
        let captioner_here = checkpoint.captioner(&checkpoint.config.model, &device);
        let captioner_here = captioner_here.expect("weights that fit");
        // Here ids are another order: the end token, the unknown word, then all others.
        let id_here = |id: usize| match id {
            0 => 0,
            id => checkpoint.vocabulary.id(&document.ix_to_word[&id]),
        };
        let store = FeatureStore::open(&FeatureSource::Folder(FolderSource {
            path: workplace.path(captioner.0),
            ..FolderSource::default()
        }));
        let mut store = store.expect("features");
        let mut largest = 0.0_f64;
        let expected_model = &expected.models[name];
        for (k, (caption, rows)) in expected
            .captions
            .iter()
            .zip(&expected_model.log_probs)
            .enumerate()
        {
            let batch = read(&mut store, &document.images[k / 2]);
            let shape = [batch.regions[0], batch.dim];
            let vectors = Tensor::from_data(TensorData::new(batch.values, shape), &device);
            let features = ImageFeatures::regions(vectors, batch.regions).expect("regions");
            let spoken = caption.iter().take_while(|&&id| id != 0);
            let input: Vec<u32> = [0]
                .into_iter()
                .chain(spoken.map(|&id| id_here(id)))
                .collect();
            assert_eq!(input.len(), rows.len());
            let tape = captioner_here.teacher_forced(features, &[0], &[&input], Noise::default());
            let hidden = tape.expect("a run").hidden().expect("steps");
            let found = log_softmax(captioner_here.logits(hidden), 1);
            let found: Vec<f32> = found.try_into_vec_as().expect("values");
            for (found, expected) in found.chunks(document.ix_to_word.len() + 1).zip(rows) {
                for (id, expected) in expected.iter().enumerate() {
                    let difference = (f64::from(found[id_here(id) as usize]) - expected).abs();
                    largest = largest.max(difference);
                }
            }
        }
        assert!(largest < 1e-5, "{name}: {largest:e}");
    }
}

#[test]
fn greedy_captions_are_those_of_pytorch_and_training_goes_on() {
    #[derive(Deserialize)]
    struct Caption {
        image_id: i64,
        caption: String,
    }
    for (name, words, captioner) in MODELS {
        let workplace = imported(name, words, captioner);
        let expected: Expected = json(&workplace, "expected.json");
        let document: Document = json(&workplace, "cocotalk.json");
        let mut found = BTreeMap::new();
        for split in ["train", "val", "test"] {
            workplace.succeed(&[
                "eval",
                "imported",
                "--split",
                split,
                "--out",
                "captions.json",
            ]);
            let captions: Vec<Caption> = json(&workplace, "captions.json");
            found.extend(captions.into_iter().map(|c| (c.image_id, c.caption)));
        }
        if let Some(greedy) = &expected.models[name].greedy {
            let ids = document.images.iter().map(|image| image.id);
            let expected: BTreeMap<i64, String> = ids.zip(greedy.iter().cloned()).collect();
            assert_eq!(found, expected, "{name}");
        }
        workplace.succeed(&["train", "config.toml"]);
        workplace.succeed(&["eval", "runs/moved", "--json"]);
    }
}

#[test]
fn import_without_a_configuration_makes_one_to_go_on_with() {
    let workplace = workplace(ATT2IN);
    let expected: Expected = json(&workplace, "expected.json");
    let import = [
        "import",
        "--from",
        "self-critical",
        "att2in2.pth",
        "infos.pkl",
        "--out",
        "made",
    ];
    let printed = workplace.succeed(&import);
    assert!(
        printed.contains("next: scst eval made --captions"),
        "{printed}"
    );
    // The third image of the fixtures.
    workplace.write(
        "annotations.json",
        br#"{"images": [{"id": 114, "file_name": "a.jpg"}], "annotations": [{"image_id": 114, "caption": "a dog"}]}"#,
    );
    let captions = ["--captions", "annotations.json", "--out", "captions.json"];
    let eval = [&["eval", "made", "--features", "att"][..], &captions].concat();
    workplace.succeed(&eval);
    let greedy = expected.models["att2in2"]
        .greedy
        .as_ref()
        .expect("captions");
    let caption = format!(r#"[{{"image_id":114,"caption":"{}"}}]"#, greedy[2]);
    assert_eq!(workplace.text("captions.json"), caption);
    workplace.succeed(&[
        "train",
        "made/config.toml",
        "--set",
        "data.captions.self_critical={json=\"cocotalk.json\", labels=\"cocotalk_label.h5\"}",
        "--set",
        "data.features.folder.path=att",
        "--set",
        "stages.0.epochs=1",
        "--set",
        "stages.0.sources_per_batch=3",
        "--out",
        "gone-on",
    ]);
}

#[test]
fn vectors_with_boxes_are_those_of_the_data_loader() {
    let workplace = workplace(ATT2IN);
    let expected: Expected = json(&workplace, "expected.json");
    let document: Document = json(&workplace, "cocotalk.json");
    let store = FeatureStore::open(&FeatureSource::Folder(FolderSource {
        path: workplace.path("att"),
        key: None,
        normalise: true,
        boxes: Some(BoxSource {
            path: workplace.path("box"),
            sizes: workplace.path("cocotalk.json"),
            normalise: true,
        }),
    }));
    let mut store = store.expect("features");
    for (image, expected) in document.images.iter().zip(&expected.boxes) {
        let found = read(&mut store, image).values;
        let expected: Vec<f32> = expected.iter().flatten().copied().collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 2e-6, "{found} {expected}");
        }
    }
}

#[test]
fn wrapped_weights_are_those_without_wrappers() {
    let workplace = workplace(POOLED);
    workplace.succeed(&arguments("newfc_wrapped.pth", "infos.pkl"));
    let wrapped = workplace.read("imported/model.safetensors");
    fs::rename(workplace.path("imported"), workplace.path("wrapped")).expect("a new name");
    workplace.succeed(&arguments("newfc.pth", "infos.pkl"));
    assert!(workplace.read("imported/model.safetensors") == wrapped);
}

#[test]
fn weights_of_another_kind_are_named_for_what_they_are() {
    let workplace = workplace(ATT2IN);
    let cases: [(&[u8], &str); 5] = [
        (
            b"<!DOCTYPE html><html>",
            "it is an HTML page, expected weights that PyTorch saved (.pth)",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
            "it is a Git LFS pointer",
        ),
        (b"\x02\0\0\0\0\0\0\0{\"\"}", "it is a safetensors file"),
        (b"", "it is an empty file"),
        (
            b"\x00\x01\x02\xff",
            "it is not a whole file of PyTorch weights",
        ),
    ];
    for (contents, expected) in cases {
        workplace.write("other.pth", contents);
        let message = workplace.refuse(2, &arguments("other.pth", "infos.pkl"));
        assert!(
            message.starts_with("error: weights `other.pth`: "),
            "{message}"
        );
        assert!(message.contains(expected), "{message}");
    }
    let whole = workplace.read("att2in2.pth");
    workplace.write("cut.pth", &whole[..whole.len() / 2]);
    let message = workplace.refuse(2, &arguments("cut.pth", "infos.pkl"));
    assert!(message.contains("damaged or cut off"), "{message}");
    let message = workplace.refuse(2, &arguments("att", "infos.pkl"));
    assert!(
        message.contains("weights `att`: cannot read it: Is a directory"),
        "{message}"
    );
}

#[test]
fn what_does_not_belong_together_is_one_sentence() {
    let workplace = workplace(ATT2IN);
    let refuse = |arguments: &[&str], parts: &[&str]| {
        let message = workplace.refuse(2, arguments);
        for part in parts {
            assert!(message.contains(part), "{part} in: {message}");
        }
        assert!(
            !workplace.path("imported").exists(),
            "nothing is left behind"
        );
    };
    refuse(
        &arguments("att2in.pth", "infos.pkl"),
        &["configuration, key `model.att2in.inputs`: found \"relu\", expected \"linear\""],
    );
    refuse(
        &arguments("infos.pkl", "infos.pkl"),
        &["weights `infos.pkl`: found no tensors, expected one of `newfc`"],
    );
    refuse(
        &arguments("nowhere.pth", "infos.pkl"),
        &["weights `nowhere.pth`: cannot read it: No such file"],
    );
    refuse(
        &arguments("att2in2.pth", "nowhere.json"),
        &["cannot read `nowhere.json`", "No such file"],
    );
    refuse(
        &arguments("newfc.pth", "infos.pkl"),
        &[
            "configuration, key `model.att2in`: found",
            "expected nothing, as the weights were trained",
        ],
    );
    let set = |change| {
        [
            &arguments("att2in2.pth", "infos.pkl")[..],
            &["--set", change],
        ]
        .concat()
    };
    refuse(
        &set("model.att2in.hidden=9"),
        &[
            "configuration, key `model.att2in.hidden`: found 9, expected 8, as the weights were trained",
        ],
    );
    refuse(
        &set("data.standardise=true"),
        &["configuration, key `data.standardise`: found true, expected false"],
    );
    workplace.write("vocab.json", br#"{"1": "a", "2": "dog"}"#);
    refuse(
        &arguments("att2in2.pth", "vocab.json"),
        &["weights `att2in2.pth`: it knows 19 words, the vocabulary holds 2"],
    );
    let mut taken = arguments("att2in2.pth", "infos.pkl");
    taken[8] = "att";
    let message = workplace.refuse(2, &taken);
    assert!(
        message.contains("`att` exists, expected a directory to be made"),
        "{message}"
    );
}

#[test]
fn cut_files_are_refused_wherever_they_are_cut() {
    let workplace = workplace(ATT2IN);
    let directory = TempDir::new().expect("a temporary directory");
    for (name, steps) in [
        ("att2in2.pth", 23),
        ("infos.pkl", 12),
        ("cocotalk.json", 12),
    ] {
        let whole = workplace.read(name);
        let cut = directory.path().join(name);
        let path = cut.to_str().expect("UTF-8");
        for step in 0..steps {
            fs::write(&cut, &whole[..step * whole.len() / steps]).expect("a cut file");
            let arguments = match name {
                "att2in2.pth" => arguments(path, "infos.pkl"),
                _ => arguments("att2in2.pth", path),
            };
            let message = workplace.refuse(2, &arguments);
            assert!(message.contains(name), "{message}");
        }
    }
}

#[test]
fn damaged_files_are_refused_or_read_without_a_panic() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/self_critical");
    let directory = TempDir::new().expect("a temporary directory");
    for name in ["att2in2.pth", "infos.pkl", "cocotalk.json"] {
        let whole = fs::read(fixtures.join(name)).expect("a fixture");
        let path = directory.path().join(name);
        for position in (0..whole.len()).step_by(whole.len() / 900 + 1) {
            for flipped in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[position] ^= flipped;
                fs::write(&path, &damaged).expect("a damaged file");
                if name == "att2in2.pth" {
                    let _ = StateDict::open(&path).and_then(StateDict::floats);
                } else {
                    let _ = RenumberedVocabulary::read_self_critical(&path);
                }
            }
        }
    }
}
