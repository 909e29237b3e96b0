//! Readers of captions, features, weights, words, tables and configurations.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use scst_data::{
    BoxSource, CaptionSource, CocoSource, Dataset, FeatureSource, FeatureStore, FileSource,
    FolderSource, KaggleSource, KarpathySource, NpySource, PairSource, ParallelFiles,
    ParallelSource, PickledFrequencies, RenumberedVocabulary, SafetensorsSource,
    SelfCriticalSource, Split, SplitSource, TextSource, TextVocabularies, Tokens, Vocabulary,
    coco_evaluation::{read_references, read_results},
    looks_like::looks_like,
    read_captions, read_image_list, read_sources,
    references_by_image::read_references_by_image,
    splitting::read_image_names,
};
use scst_encoder::{EncoderRecord, StateDict};
use scst_model::CaptionerRegistry;
use scst_reward::DocumentFrequency;
use scst_trainer::{Config, config::Override};
use sha2::{Digest, Sha256};

use super::{File, Files, Turn, as_it_is, told};

const CAPTIONS: &str = "image,caption\na.jpg,A dog runs.\na.jpg,\"A \"\"dog\"\", running\"\nb.jpg,\"two\nlines\"\nc.jpg,cat\n";
const SPLITS: &str = "image,split\na.jpg,train\nb.jpg,val\nc.jpg,test\n";
const KARPATHY: &str = r#"{"dataset": "coco", "images": [{"filepath": "val2014", "sentids": [1, 2], "filename": "a.jpg",
    "imgid": 0, "split": "train", "cocoid": 391895, "sentences": [{"tokens": ["a", "dog"], "raw": "A dog.", "imgid": 0,
    "sentid": 1}, {"tokens": ["un", "café"], "raw": "Un caf\u00e9"}]}, {"filename": "b.jpg", "imgid": 1, "split": "restval",
    "cocoid": 7, "sentences": [{"tokens": ["b"], "raw": "b"}]}]}"#;
const ANNOTATIONS: &str = r#"{"info": {"year": 2014}, "images": [{"id": 7, "file_name": "a.jpg", "width": 64, "height": 48},
    {"id": 9, "file_name": "b.jpg", "width": 64.5, "height": 1e2}], "annotations": [{"image_id": 7, "id": 1, "caption":
    "A dog runs."}, {"image_id": 9, "id": 2, "caption": "Two men \ud83d\ude00"}, {"image_id": "9", "id": 3, "caption": "x"}]}"#;
const RESULTS: &str =
    r#"[{"image_id": 7, "caption": "a dog"}, {"image_id": 9, "caption": "two", "id": 1.5}]"#;
const JSON_LINES: &str = "{\"image_id\": 7, \"caption\": \"a dog\"}\n{\"image\": \"b.jpg\", \"captions\": [\"two\", \"men\"]}\n";
const ENCODER: &str = r#"{"encoder": "resnet101", "weights": "/weights/resnet101.pth", "weights_crc32c": 4000000000,
    "features": "grid", "element": "f16"}"#;

/// A file of the repository.
fn repository(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fixture of self-critical.pytorch.
pub(super) fn fixture(name: &str) -> Vec<u8> {
    repository(&format!("crates/cli/tests/fixtures/self_critical/{name}"))
}

fn text(name: &'static str, contents: &str) -> File {
    (name, contents.as_bytes().to_vec())
}

/// Opens features and reads all of them.
fn features(source: &FeatureSource) {
    let Some(store) = told(FeatureStore::open(source)) else {
        return;
    };
    let rows: Vec<_> = store.rows().collect();
    let mut values = Vec::new();
    for &row in &rows {
        values.clear();
        told(store.read(row, &mut values));
    }
    told(store.check(&rows, |_, _| {}));
    told(source.encoder_record());
}

/// A `.npy` file of 32-bit floats.
fn npy(shape: &str, count: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((padded.len() as u16).to_le_bytes());
    bytes.extend(padded.bytes());
    bytes.extend((0..count).flat_map(|value| (value as f32).to_le_bytes()));
    bytes
}

/// A `.safetensors` file of two images, of one and of two regions.
fn safetensors() -> Vec<u8> {
    let header = r#"{"a":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[12,24]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend([0; 24]);
    bytes
}

#[test]
fn tables_of_captions() {
    let turn = Turn::take();
    let files = Files::new(
        &turn,
        "kaggle",
        vec![text("captions.csv", CAPTIONS), text("splits.csv", SPLITS)],
    );
    files.change(as_it_is, |folder| {
        let source = KaggleSource {
            captions: folder.join("captions.csv"),
            splits: folder.join("splits.csv"),
        };
        told(read_captions(&source.captions, None, None));
        told(read_captions(&source.captions, Some(&source.splits), None));
        told(read_image_names(&source.captions));
        told(CaptionSource::Kaggle(source).read(None));
    });
}

#[test]
fn captions_in_json() {
    let turn = Turn::take();
    let files = Files::new(&turn, "karpathy", vec![text("dataset.json", KARPATHY)]);
    files.change(as_it_is, |folder| {
        let path = folder.join("dataset.json");
        told(read_image_list(&path));
        told(read_captions(&path, None, Some(Split::Val)));
        told(CaptionSource::Karpathy(KarpathySource { path }).read(None));
    });
    drop(files);
    let files = Files::new(
        &turn,
        "coco",
        vec![
            text("train.json", ANNOTATIONS),
            text("results.json", RESULTS),
            text("results.jsonl", JSON_LINES),
        ],
    );
    files.change(as_it_is, |folder| {
        let train = folder.join("train.json");
        told(read_references(&train));
        told(read_image_list(&train));
        told(read_results(&folder.join("results.json")));
        for name in ["train.json", "results.json", "results.jsonl"] {
            told(read_captions(&folder.join(name), None, None));
        }
        let source = CocoSource {
            train: Some(train),
            ..CocoSource::default()
        };
        told(CaptionSource::Coco(source).read(None));
    });
}

#[test]
fn references_by_image() {
    let turn = Turn::take();
    let references = r#"{"a.jpg": ["A dog.", [4, 7, 0]], "b": [[]]}"#;
    let files = Files::new(&turn, "by-image", vec![text("refs.json", references)]);
    files.change(as_it_is, |folder| {
        told(read_references_by_image(&folder.join("refs.json")));
    });
}

#[test]
fn captions_of_self_critical() {
    let turn = Turn::take();
    let names = ["cocotalk.json", "cocotalk_label.h5"];
    let files = names.map(|name| (name, fixture(name)));
    let files = Files::new(&turn, "self_critical", files.to_vec());
    files.change(as_it_is, |folder| {
        let [json, labels] = names.map(|name| folder.join(name));
        told(RenumberedVocabulary::read_self_critical(&json));
        told(CaptionSource::SelfCritical(SelfCriticalSource { json, labels }).read(None));
    });
}

#[test]
fn arrays_and_their_names() {
    let turn = Turn::take();
    let names = text("pooled.names.txt", "a.jpg\nb.jpg\nc.jpg\n");
    for (case, shape) in ["(3, 4)", "(3, 1, 4)", "(3, 1, 2, 2)"].iter().enumerate() {
        let array = ("pooled.npy", npy(shape, 12));
        let record = text("pooled.encoder.json", ENCODER);
        let files = Files::new(
            &turn,
            &format!("npy{case}"),
            vec![array, names.clone(), record],
        );
        files.change(as_it_is, |folder| {
            let path = folder.join("pooled.npy");
            features(&FeatureSource::Npy(NpySource { path, names: None }));
            let record = fs::read(folder.join("pooled.encoder.json")).expect("a file");
            told(EncoderRecord::parse(&record));
        });
    }
}

#[test]
fn folders_of_arrays_with_boxes() {
    let turn = Turn::take();
    let sizes = fixture("cocotalk.json");
    let files = vec![
        ("att/100.npz", fixture("att/100.npz")),
        ("att/107.npz", fixture("att/107.npz")),
        ("box/100.npy", fixture("box/100.npy")),
        ("box/107.npy", fixture("box/107.npy")),
        ("sizes.json", sizes),
    ];
    let files = Files::new(&turn, "folder", files);
    files.change(as_it_is, |folder| {
        features(&FeatureSource::Folder(FolderSource {
            path: folder.join("att"),
            normalise: true,
            boxes: Some(BoxSource {
                path: folder.join("box"),
                sizes: folder.join("sizes.json"),
                normalise: true,
            }),
            ..FolderSource::default()
        }));
    });
}

#[test]
fn safetensors_of_images() {
    let turn = Turn::take();
    let files = Files::new(&turn, "safetensors", vec![("a.safetensors", safetensors())]);
    files.change(as_it_is, |folder| {
        let path = folder.join("a.safetensors");
        features(&FeatureSource::Safetensors(SafetensorsSource { path }));
    });
}

#[test]
fn weights_of_pytorch() {
    let turn = Turn::take();
    let fixtures = [
        fixture("newfc.pth"),
        fixture("newfc_wrapped.pth"),
        repository("crates/encoder/tests/fixtures/tiny_legacy.pth"),
        repository("crates/encoder/tests/fixtures/tiny_zip.pth"),
    ];
    for (case, weights) in fixtures.into_iter().enumerate() {
        let files = Files::new(
            &turn,
            &format!("weights{case}"),
            vec![("model.pth", weights)],
        );
        files.change(as_it_is, |folder| {
            told(StateDict::open(&folder.join("model.pth")).and_then(StateDict::floats));
        });
    }
}

#[test]
fn pickles() {
    let turn = Turn::take();
    let pickles = "crates/data/tests/fixtures/pickles";
    for name in [
        "infos_0",
        "infos_2",
        "infos_4",
        "infos_torch",
        "infos_torch_legacy",
    ] {
        let contents = repository(&format!("{pickles}/{name}.pkl"));
        let files = Files::new(&turn, name, vec![("infos.pkl", contents)]);
        files.change(as_it_is, |folder| {
            told(RenumberedVocabulary::read_self_critical(
                &folder.join("infos.pkl"),
            ));
        });
    }
    for name in ["words_0", "words_2", "words_4"] {
        let contents = repository(&format!("{pickles}/{name}.p"));
        let files = Files::new(&turn, name, vec![("words.p", contents)]);
        files.change(as_it_is, |folder| {
            let Some(table) = told(PickledFrequencies::read(&folder.join("words.p"))) else {
                return;
            };
            let made = DocumentFrequency::from_counts(table.images, &table.ngrams);
            told(made.and_then(|made| made.with_words(table.words)));
        });
    }
}

#[test]
fn tables_of_document_frequencies() {
    let turn = Turn::take();
    let texts = ["a dog runs", "two café dogs", "狗"].map(|text| vec![text]);
    let table = DocumentFrequency::from_texts(&texts)
        .expect("a table")
        .to_bytes();
    let read = |folder: &Path| {
        let bytes = fs::read(folder.join("a.df")).expect("a file");
        let _ = looks_like(&bytes);
        told(DocumentFrequency::from_bytes(&bytes));
    };
    let files = Files::new(&turn, "frequencies", vec![("a.df", table)]);
    files.change(as_it_is, read);
    // With the checksum that belongs to the damage.
    let sealed = |_: &Path, _: &str, mut contents: Vec<u8>| {
        contents.truncate(contents.len().saturating_sub(32));
        let checksum = Sha256::digest(&contents);
        contents.extend(checksum);
        contents
    };
    files.change(sealed, read);
}

#[test]
fn vocabularies() {
    let turn = Turn::take();
    let words = [["a", "dog", "café"].map(str::to_owned)];
    let vocabulary = Vocabulary::build(words.iter().map(|words| &words[..]), 1);
    let json = vocabulary.to_json(None).expect("JSON");
    let files = Files::new(&turn, "vocabulary", vec![text("tokenizer.json", &json)]);
    files.change(as_it_is, |folder| {
        told(Vocabulary::load(&folder.join("tokenizer.json")));
    });
}

#[test]
fn vocabularies_of_texts() {
    let turn = Turn::take();
    let texts = ["The lazy dog.", "the laziest fox", "a fox, a dog"];
    for (case, tokens) in [Tokens::Characters, Tokens::Bpe(262), Tokens::Unigram(40)]
        .into_iter()
        .enumerate()
    {
        let vocabulary = Vocabulary::of_texts(&tokens, texts.into_iter(), 1).expect("a vocabulary");
        let json = vocabulary.to_json(None).expect("JSON");
        let files = Files::new(
            &turn,
            &format!("tokens{case}"),
            vec![text("tokenizer.json", &json)],
        );
        files.change(as_it_is, |folder| {
            if let Some(vocabulary) = told(Vocabulary::load(&folder.join("tokenizer.json"))) {
                let ids = vocabulary.encode_text("The quick fox, Ω <end>\u{301}");
                let _ = vocabulary.decode(&ids);
                let _ = vocabulary.decode(&[3, 9, 2, 1, 7, 5]);
            }
        });
    }
}

#[test]
fn pairs_of_texts() {
    let turn = Turn::take();
    let table = "id\tsplit\tsource\ttarget\ttarget_2\n1\ttrain\ta dog\tein Hund\tHund\n2\tval\tcafé\tCafé\t\n";
    let csv = "source,target\na,b\n\"a, c\",\"d \"\"e\"\"\"\n";
    let lines = "{\"source\": \"a\", \"targets\": [\"b\", \"c\"], \"id\": 7, \"split\": \"dev\"}\n{\"source\": \"d\", \"target\": \"e\"}\n";
    let files = vec![
        text("a.tsv", table),
        text("b.csv", csv),
        text("c.jsonl", lines),
        text("d.en", "one\n\ntwo\n"),
        text("d.es", "uno\ndos\ntres\n"),
    ];
    let files = Files::new(&turn, "pairs", files);
    files.change(as_it_is, |folder| {
        for name in ["a.tsv", "b.csv", "c.jsonl", "d.en"] {
            let path = folder.join(name);
            told(read_sources(&path));
            let mut file = FileSource {
                path: path.clone(),
                shares: None,
                seed: 3,
            };
            told(PairSource::File(file.clone()).read());
            file.shares = Some("0.5,0.5".to_owned());
            told(PairSource::File(file).read());
            let splits = SplitSource {
                train: Some(path),
                ..SplitSource::default()
            };
            let source = TextSource {
                pairs: PairSource::Splits(splits),
                source: Tokens::Characters,
                target: Some(Tokens::Words),
                max_source_length: 9,
            };
            let words = TextVocabularies::Build { minimum_count: 1 };
            told(Dataset::load_text(&source, words));
        }
        let train = ParallelFiles {
            source: folder.join("d.en"),
            targets: vec![folder.join("d.es")],
        };
        let parallel = ParallelSource {
            train: Some(train),
            ..ParallelSource::default()
        };
        told(PairSource::Parallel(parallel).read());
    });
}

/// Pairs of sixty words a side, a number behind each.
fn many_pairs(pairs: usize) -> Vec<u8> {
    let side = |of: usize, pair: usize| {
        let words = (0..60).map(|n| format!("w{}", of * n % 997));
        format!("{} {pair}", words.collect::<Vec<_>>().join(" "))
    };
    let line = |pair| format!("{}\t{}\n", side(pair, pair), side(pair + 7, pair));
    (0..pairs).map(line).collect::<String>().into_bytes()
}

#[test]
fn many_pairs_take_less_memory_than_their_texts() {
    const PAIRS: usize = 50_000;
    let turn = Turn::take();
    let table = many_pairs(PAIRS);
    let size = table.len();
    let files = Files::new(&turn, "many_pairs", vec![("a.tsv", table)]);
    let read = |folder: &Path, path: &str, shares: Option<&str>| {
        let path = folder.join(path);
        let (pairs, shares) = (PairSource::File, shares.map(str::to_owned));
        let pairs = match shares {
            Some(_) => pairs(FileSource {
                path,
                shares,
                seed: 3,
            }),
            None => PairSource::Splits(SplitSource {
                train: Some(path),
                ..SplitSource::default()
            }),
        };
        let source = TextSource {
            pairs,
            source: Tokens::Words,
            target: Some(Tokens::Words),
            max_source_length: 90,
        };
        let words = TextVocabularies::Build { minimum_count: 2 };
        told(Dataset::load_text(&source, words)).expect("pairs")
    };
    for shares in [None, Some("0.9,0.1")] {
        files.read_within(size / 3, 1, &|folder| {
            let read = read(folder, "a.tsv", shares);
            let all = [Split::Train, Split::Val].map(|split| read.split(split));
            let all = || all.into_iter().flatten();
            assert_eq!(all().count(), PAIRS);
            for example in all() {
                let ids = example.captions().map(<[u32]>::len);
                assert_eq!(ids.sum::<usize>(), 62, "{}", example.name());
                let texts = example.references().map(|text| text.split(' ').count());
                assert_eq!(texts.sum::<usize>(), 61, "{}", example.name());
                assert_eq!(read.sources.ids(example.row).len(), 61);
            }
        });
    }
    // The bound is one that texts in memory break.
    let kept = AssertUnwindSafe(|| {
        files.read_within(size / 3, 1, &|folder| {
            let read = read(folder, "a.tsv", None);
            let kept = read.split(Split::Train).iter();
            let kept = kept.flat_map(|example| example.references().map(str::to_owned));
            assert_eq!(kept.collect::<Vec<_>>().len(), PAIRS);
        });
    });
    assert!(catch_unwind(kept).is_err());
}

#[test]
fn configurations() {
    let turn = Turn::take();
    for name in ["quickstart", "flickr8k-mixer", "flickr8k-transformer"] {
        let contents = repository(&format!("configs/{name}.toml"));
        let files = Files::new(&turn, name, vec![("config.toml", contents)]);
        files.change(as_it_is, |folder| {
            if let Some(config) = told(Config::load(
                &folder.join("config.toml"),
                Vec::new(),
                &CaptionerRegistry::default(),
            )) {
                let _ = config.to_toml();
            }
        });
    }
    let overrides = "seed=3\nstages.0.epochs=2\ndata.features.npy.path=\"x.npy\"\nmodel={fc={}}\n";
    let files = Files::new(&turn, "overrides", vec![text("overrides", overrides)]);
    let whole = String::from_utf8(repository("configs/quickstart.toml")).expect("UTF-8");
    files.change(as_it_is, |folder| {
        let lines = fs::read(folder.join("overrides")).expect("a file");
        let lines = String::from_utf8_lossy(&lines).into_owned();
        let overrides: Result<Vec<_>, _> = lines.lines().map(Override::parse).collect();
        if let Some(overrides) = told(overrides) {
            told(Config::parse(
                &whole,
                Path::new("config.toml"),
                overrides,
                &CaptionerRegistry::default(),
            ));
        }
    });
}
