//! Version 2 of the protocol: captions to which a program does not apply, and where images and features are.

use std::{fs, path::Path, sync::Arc};

use scst_reward::{
    Candidate, CommandOptions, CommandReward, FeatureRows, RewardEntry, RewardMixture,
    RewardRegistry, RewardSources,
};

use crate::support::{LONG, executable, references, score, shell};

/// Scores the length of an image's file times its row, captions of one word alone.
const PROGRAM: &str = "
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    assert request['version'] == 2, request
    scores = []
    for caption in request['captions']:
        size = os.path.getsize(caption['image_path'])
        assert caption['features']['file'] == 'features.npy', caption
        one_word = len(caption['text'].split()) == 1
        scores.append(size * caption['features']['row'] if one_word else None)
    print(json.dumps({'scores': scores}), flush=True)
";

fn python(directory: &Path) -> CommandOptions {
    CommandOptions {
        program: ["python3", "-c", PROGRAM].map(str::to_owned).to_vec(),
        name: "sizes".to_owned(),
        protocol: 2,
        images: Some(directory.to_owned()),
        timeout_secs: LONG,
        workers: 2,
        ..CommandOptions::default()
    }
}

#[test]
fn program_finds_images_and_features_and_leaves_captions_out() {
    if !scst_testing::oracles::runs("python3", "--version") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    for (name, bytes) in [("a.jpg", "12345"), ("b.jpg", "123")] {
        fs::write(directory.path().join(name), bytes).expect("a file");
    }
    let entry = RewardEntry {
        command: Some(python(directory.path())),
        ..RewardEntry::default()
    };
    let length = RewardEntry {
        weight: 10.0,
        length_penalty: serde_json::from_str(r#"{"minimum":1,"maximum":1}"#).expect("options"),
        ..RewardEntry::default()
    };
    let sources = RewardSources::new(Arc::new(references()));
    let sources = sources.with_features("features.npy", vec![4, 7]);
    let mut mixture =
        RewardMixture::build(&[entry, length], &sources, &RewardRegistry::default()).expect("good");
    let signature = mixture.signature();
    let expected = format!("|images:{}|", directory.path().display());
    assert!(
        signature.starts_with("1 * sizes|protocol:2|program:python3 -c ")
            && signature.contains(&expected),
        "{signature}"
    );
    let candidate = |image, tokens, text| Candidate {
        image,
        tokens,
        text,
    };
    let candidates = [
        candidate(0, &[1, 0], "dog"),
        candidate(1, &[1, 2, 0], "a cat"),
        candidate(1, &[3, 0], "cat"),
        candidate(1, &[1, 2, 0], "a cat"),
    ];
    let scores = mixture.score(&candidates).expect("scores");
    let sizes = [Some(20.0), None, Some(21.0), None];
    assert_eq!(scores.parts[0].scores, sizes);
    assert_eq!(scores.total, [20.0, -10.0, 21.0, -10.0]);
    assert_eq!(scores.applies, [true; 4]);
}

#[test]
fn request_holds_what_is_known_of_an_image() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = executable(
        directory.path(),
        "program",
        "while read -r request; do printf '%s\\n' \"$request\" >> \"$1\"; echo '{\"scores\":[null]}'; done",
    );
    let sent = |name: &str, images: bool, features: Option<Vec<usize>>| {
        let seen = directory.path().join(name);
        let options = CommandOptions {
            program: [&script, &seen]
                .map(|path| path.display().to_string())
                .to_vec(),
            protocol: 2,
            images: images.then(|| "/".into()),
            timeout_secs: LONG,
            ..CommandOptions::default()
        };
        let file = "f.npy".into();
        let features = features.map(|rows| Arc::new(FeatureRows { file, rows }));
        let references = references();
        let mut reward =
            CommandReward::start(options, &references, features).expect("a good program");
        let error = score(&mut reward, &references, &[(1, &[5, 0], "x")]).expect_err("no score");
        assert!(!error.is_mistake());
        assert_eq!(
            error.to_string(),
            "reward command: caption 0 of image b.jpg: found no score, since the reward does not apply, expected a finite \
             number"
        );
        fs::read_to_string(seen).expect("requests")
    };
    let request = |rest: [&str; 2]| {
        format!(
            r#"{{"version":2,"captions":[{{"image_id":"a.jpg","tokens":[4,7,0],"text":"a dog runs","references":["a dog runs","two \"dogs\" \\ run"]{}}}]}}
{{"version":2,"captions":[{{"image_id":"b.jpg","tokens":[5,0],"text":"x","references":["a cat","café with cats"]{}}}]}}
"#,
            rest[0], rest[1]
        )
    };
    assert_eq!(sent("none", false, None), request(["", ""]));
    assert_eq!(
        sent("both", true, Some(vec![4, 0])),
        request([
            r#","image_path":"/a.jpg","features":{"file":"f.npy","row":4}"#,
            r#","image_path":"/b.jpg","features":{"file":"f.npy","row":0}"#,
        ])
    );
    assert_eq!(
        sent("features", false, Some(vec![4])),
        request([r#","features":{"file":"f.npy","row":4}"#, ""])
    );
}

#[test]
fn version_1_knows_no_null_and_is_told_of_no_features() {
    let references = references();
    let script = "while read -r request; do case $request in *features*) exit 3 ;; esac; echo '{\"scores\":[null]}'; done";
    let file = "f.npy".into();
    let features = Some(Arc::new(FeatureRows {
        file,
        rows: vec![0, 1],
    }));
    let error = CommandReward::start(shell(script), &references, features).expect_err("a null");
    let message = error.to_string();
    assert!(
        message.ends_with(
            "found null as the score of caption 0 (\"a dog runs\" of image a.jpg), expected a finite number"
        ),
        "{message}"
    );
}

#[test]
fn directory_of_images_has_to_be_there() {
    let options = CommandOptions {
        images: Some("/no/such/directory".into()),
        protocol: 2,
        ..shell("cat")
    };
    let error = CommandReward::start(options, &references(), None).expect_err("no directory");
    assert!(error.is_mistake());
    assert_eq!(
        error.to_string(),
        "command.images: found no directory `/no/such/directory`, expected the directory of the images"
    );
}
