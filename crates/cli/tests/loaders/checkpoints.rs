//! Checkpoints: every file of one changed, with a manifest that does not tell; and the records of a run.

use std::{fs, path::Path};

use scst_model::CaptionerRegistry;
use scst_trainer::{
    Checkpoint,
    events::{METRICS_FILE, SAMPLES_FILE, read_records, read_samples},
};
use sha2::{Digest, Sha256};

use super::{Files, Turn, as_it_is, readers::fixture, support::Workplace, told};

const MANIFEST: &str = "manifest.json";

/// A manifest of the files in a folder, in which `name` holds `contents`.
fn manifest(folder: &Path, name: &str, contents: &[u8]) -> Vec<u8> {
    let mut entries = serde_json::Map::new();
    for entry in fs::read_dir(folder).expect("a checkpoint") {
        let path = entry.expect("a file").path();
        let file = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if file == MANIFEST {
            continue;
        }
        let bytes = if file == name {
            contents.to_vec()
        } else {
            fs::read(&path).expect("a file")
        };
        let digest: Vec<String> = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        entries.insert(
            file,
            serde_json::json!({"bytes": bytes.len(), "sha256": digest.concat()}),
        );
    }
    serde_json::to_vec(&entries).expect("JSON")
}

#[test]
fn files_of_a_checkpoint() {
    let turn = Turn::take();
    let workplace = Workplace::new();
    for name in ["newfc.pth", "infos.pkl"] {
        workplace.write(name, &fixture(name));
    }
    let import = [
        "import",
        "--from",
        "self-critical",
        "newfc.pth",
        "infos.pkl",
        "--out",
        "made",
    ];
    workplace.succeed(&import);
    let names = [
        "config.toml",
        "tokenizer.json",
        "state.json",
        "model.safetensors",
        MANIFEST,
    ];
    let files = names.map(|name| (name, workplace.read(&format!("made/{name}"))));
    let files = Files::new(&turn, "checkpoint", files.to_vec());
    let read = |folder: &Path| {
        told(Checkpoint::load_run_or_checkpoint(
            folder,
            &CaptionerRegistry::default(),
        ));
    };
    files.change(as_it_is, read);
    let mended = |folder: &Path, name: &str, contents: Vec<u8>| {
        if name != MANIFEST {
            let entries = manifest(folder, name, &contents);
            fs::write(folder.join(MANIFEST), entries).expect("a file");
        }
        contents
    };
    files.change(mended, read);
}

#[test]
fn records_of_a_run_that_are_damaged() {
    let turn = Turn::take();
    let workplace = Workplace::new();
    let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    workplace.succeed(&[&["train", "config.toml"], &short[..]].concat());
    let of_run = |name| (name, workplace.read(&format!("runs/tiny/{name}")));
    let files = Files::new(
        &turn,
        "records",
        vec![of_run(METRICS_FILE), of_run(SAMPLES_FILE)],
    );
    files.change(as_it_is, |folder: &Path| {
        told(read_records(&folder.join(METRICS_FILE)));
        told(read_samples(&folder.join(SAMPLES_FILE)));
    });
}
