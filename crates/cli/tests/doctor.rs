//! `scst doctor`, on the drawn scenes: faults that were planted, each named with its remedy, by the run at the step where it
//! becomes true and by the doctor afterwards; and runs without one.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;
use support::{forget_from, npy};
use tempfile::TempDir;

/// The drawn scenes.
const SCENES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");

/// A small captioner; stages come after it.
const HEAD: &str = "\
seed = 1
threads = 1
log_every_steps = 10

[data]
captions.kaggle = { captions = \"SCENES/captions.csv\", splits = \"SCENES/splits.csv\" }
features.npy = { path = \"SCENES/pooled.npy\" }
standardise = true
minimum_count = 2
max_length = 16

[model.fc]
hidden = 96
embedding = 64
dropout = 0.0

";

/// Cross-entropy before what is planted.
const XE: &str = "\
[[stages]]
name = \"xe\"
epochs = 4
sources_per_batch = 10
learning_rate = 3e-3
clip.norm = 5.0
xe = { targets_per_source = 5 }
";

/// A self-critical stage from the weights that all begin with.
const SCST: &str = "\
[[stages]]
name = \"scst\"
sources_per_batch = 10
clip.norm = 5.0
validate_every_steps = 30
start_from = { checkpoint = \"base/checkpoints/best-xe\" }
learning_rate = 5e-4
steps = 60
";

/// A reward program: the score of a caption by a line of Python, where `image` is the image's id and `words` the caption's.
const PROGRAM: &str = "\
import json, sys
for line in sys.stdin:
    scores = []
    for caption in json.loads(line)['captions']:
        image, words = caption['image_id'], caption['text'].split()
        scores.append(float(SCORE))
    print(json.dumps({'scores': scores}), flush=True)
";

/// A directory in which the weights lie that planted stages begin with.
struct Place {
    directory: TempDir,
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file can be written");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scst"));
        command.args(arguments).current_dir(&self.directory);
        command.output().expect("scst starts")
    }

    /// Runs `scst`, which must succeed; what it prints on standard output and standard error.
    fn succeed(&self, arguments: &[&str]) -> [String; 2] {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success(), "scst {arguments:?}: {errors}");
        [String::from_utf8(output.stdout).expect("UTF-8"), errors]
    }

    /// Trains a run of this name; what it warned of on standard error.
    fn train(&self, name: &str, stages: &str) -> Vec<String> {
        let config = format!("{name}.toml");
        self.write(&config, &(HEAD.replace("SCENES", SCENES) + stages));
        let [_, errors] = self.succeed(&["train", &config, "--out", name]);
        warnings(&errors)
    }

    /// What the doctor finds of a run, by rule and sentence.
    fn doctor(&self, run: &str) -> Vec<(String, String)> {
        let [printed, _] = self.succeed(&["doctor", run, "--json"]);
        let report: Value = serde_json::from_str(&printed).expect("JSON");
        findings(&report["runs"][0])
    }
}

fn warnings(errors: &str) -> Vec<String> {
    let lines = errors.lines();
    let warnings = lines.filter_map(|line| line.strip_prefix("warning: "));
    // As the log has it, without how the program was called.
    let program = env!("CARGO_BIN_EXE_scst");
    warnings.map(|line| line.replace(program, "scst")).collect()
}

fn findings(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .map(|finding| (text(&finding["name"]), text(&finding["message"])))
        .collect()
}

/// The place, with a run `base` that was trained by cross-entropy.
fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let directory = TempDir::new().expect("a temporary directory");
        let place = Place { directory };
        assert_eq!(place.train("base", XE), [""; 0]);
        place
    })
}

/// Trains a run with a fault, and holds what is said of it: these rules with these words by the run itself, once, and the same
/// by the doctor afterwards.
fn plant(name: &str, stages: &str, expected: &[(&str, &str)]) {
    let place = place();
    let said = place.train(name, stages);
    let found = place.doctor(name);
    for (rule, words) in expected {
        let of_rule: Vec<_> = found.iter().filter(|(name, _)| name == rule).collect();
        let [(_, sentence)] = of_rule.as_slice() else {
            panic!("{name}: {rule} in: {found:#?}");
        };
        assert!(sentence.contains(words), "{name}: {words} in: {sentence}");
        let times = said.iter().filter(|said| *said == sentence).count();
        assert_eq!(times, 1, "{name}: {sentence} in: {said:#?}");
    }
    // What the run says is what the doctor finds.
    let sentences: Vec<&String> = found.iter().map(|(_, sentence)| sentence).collect();
    let unfound: Vec<_> = said.iter().filter(|s| !sentences.contains(s)).collect();
    assert_eq!(unfound, [""; 0], "{name}");
}

/// A stage with other values, and the rest of its table.
fn scst(changes: &[(&str, &str)], rest: &str) -> String {
    let mut stage = SCST.to_owned();
    for (from, to) in changes {
        assert!(stage.contains(from), "{from}");
        stage = stage.replace(from, to);
    }
    format!("{stage}\n[stages.scst]\n{rest}\n")
}

/// A reward program for a stage, if there is Python.
fn program(name: &str, score: &str) -> Option<String> {
    if !scst_testing::oracles::runs("python3", "--version") {
        return None;
    }
    place().write(&format!("{name}.py"), &PROGRAM.replace("SCORE", score));
    Some(format!(
        "[[stages.scst.rewards]]\ncommand = {{ program = [\"python3\", \"{name}.py\"] }}\n"
    ))
}

#[test]
fn run_that_goes_well_has_no_findings_and_the_doctor_says_so() {
    let place = place();
    assert_eq!(place.doctor("base"), []);
    // Greedy captions get worse at first.
    let long = [("steps = 60", "steps = 400"), ("steps = 30", "steps = 80")];
    let said = place.train("good", &scst(&long, ""));
    assert_eq!(said, [""; 0]);
    let [printed, _] = place.succeed(&["doctor", "good"]);
    assert!(printed.contains("good, 400 steps\n"), "{printed}");
    assert!(printed.ends_with("\nno findings\n"), "{printed}");
}

#[test]
fn rewards_that_teach_nothing_are_named() {
    let step = "[[stages.scst.rewards]]\ncider_d = {}\ntransform.step = { threshold = 9.9 }\n";
    let words = "advantage of 0 for 100 % of the samples, whose mean reward is 0.000";
    plant("zero", &scst(&[], step), &[("zero_advantages", words)]);
    let constant = program("constant", "0.5");
    if let Some(reward) = constant {
        let words = "reward `command`: found the score 0.5 for every caption";
        plant(
            "constant",
            &scst(&[], &reward),
            &[("constant_reward", words)],
        );
    }
    if let Some(reward) = program("by-image", "sum(map(ord, image)) % 7") {
        let words = "see whether the reward reads the caption";
        plant(
            "by-image",
            &scst(&[], &reward),
            &[("no_spread_in_groups", words)],
        );
    }
}

#[test]
fn steps_that_go_too_far_are_named() {
    let clipped = scst(
        &[
            ("clip.norm = 5.0", "clip.norm = 0.01"),
            ("steps = 60", "steps = 130"),
        ],
        "",
    );
    let words = "key `clip.norm`: found gradients of norm";
    plant("clipped", &clipped, &[("clipped_gradients", words)]);
    let ratios =
        "objective = { token_clip = { low = 0.001, high = 0.001 } }\nupdates_per_rollout = 6";
    let words = "of the words clipped by the objective";
    plant("ratios", &scst(&[], ratios), &[("clipped_ratios", words)]);
    let fast = scst(&[("5e-4", "5e-3"), ("steps = 60", "steps = 120")], "");
    let words = "`stages.0.learning_rate`: found 5e-3, expected 5e-6 to 5e-4";
    plant("fast", &fast, &[("learning_rate", words)]);
    if let Some(reward) = program("shortest", "-sum(map(len, words)) ** 0.5") {
        let changes = [("steps = 60", "steps = 300"), ("5e-4", "1e-3")];
        let stage = scst(&changes, &reward);
        let words = "the samples of a source are all the same";
        let others = "a mean reward that rises, from";
        let expected = [
            ("entropy_collapse", words),
            ("reward_against_validation", others),
        ];
        plant("shortest", &stage, &expected);
    }
}

#[test]
fn captions_that_get_worse_are_named() {
    let negative = "[[stages.scst.rewards]]\ncider_d = {}\nweight = -1.0\n";
    let stage = scst(&[("steps = 60", "steps = 120")], negative);
    let words = "see whether the reward means what is validated";
    plant("negative", &stage, &[("reward_against_validation", words)]);
    let short = "[[stages.scst.rewards]]\nlength_penalty = { minimum = 5, maximum = 6 }\n";
    // Gold captions say how long captions are to be.
    let gold = XE.replace("epochs = 4", "steps = 10");
    let gold = gold + "start_from = { checkpoint = \"base/checkpoints/best-xe\" }\n";
    let from = "{ checkpoint = \"base/checkpoints/best-xe\" }";
    let stage = gold + &scst(&[("steps = 60", "steps = 90"), (from, "\"last\"")], short);
    let words = "the reward favours short captions";
    plant("short", &stage, &[("length_drift", words)]);
    let score = "('a' in words) * 0.5 + (words[-1:] == ['a']) - 0.1 * abs(len(words) - 4)";
    if let Some(reward) = program("endings", score) {
        let stage = scst(&[("steps = 60", "steps = 240")], &reward);
        plant(
            "endings",
            &stage,
            &[("bad_endings", "add the reward `bad_ending_penalty`")],
        );
    }
    // Images that nothing tells apart.
    let names = fs::read_to_string(Path::new(SCENES).join("pooled.names.txt")).expect("names");
    let images = names.lines().count();
    let place = place();
    place.write("same.names.txt", &names);
    fs::write(
        place.path("same.npy"),
        npy(&[images, 2], &vec![0.5; 2 * images]),
    )
    .expect("a file");
    let same = (HEAD.to_owned() + XE).replace("SCENES/pooled.npy", "same.npy");
    place.write(
        "same.toml",
        &same
            .replace("SCENES", SCENES)
            .replace("epochs = 4", "epochs = 1"),
    );
    let [_, errors] = place.succeed(&["train", "same.toml", "--out", "same"]);
    let found = place.doctor("same");
    let one = "found 1 different caption for 180 validation sources";
    assert!(errors.contains(one), "{errors}");
    assert_eq!(
        found.iter().filter(|(_, text)| text.contains(one)).count(),
        1,
        "{found:?}"
    );
    let [printed, _] = place.succeed(&["doctor", "same.toml", "--steps", "0"]);
    let equal = "finding: key `data.features`: found 1379 of 1380 images with exactly the features of another";
    assert!(printed.contains(equal), "{printed}");
    assert!(
        printed.contains("found 2 of 2 dimensions that are the same"),
        "{printed}"
    );
}

#[test]
fn settings_that_fail_are_named_before_the_first_step() {
    let short = [("steps = 60", "steps = 3")];
    let unrewarded = scst(&short, "reward_end_token = false");
    let words = "`stages.0.scst.reward_end_token`: found false, expected true";
    plant(
        "unrewarded",
        &unrewarded,
        &[("end_token_unrewarded", words)],
    );
    let twice =
        "advantage_scale = \"batch\"\n[[stages.scst.rewards]]\ncider_d = {}\nstandardise = true\n";
    let words = "`stages.0.scst.rewards.0.standardise`: found true beside";
    plant(
        "twice",
        &scst(&short, twice),
        &[("standardised_twice", words)],
    );
    let early = XE.replace("epochs = 4", "epochs = 1")
        + &SCST
            .replace("steps = 60", "steps = 3")
            .replace("start_from", "#")
        + "scst = {}\n";
    let words = "stage `scst`: found 1.0 epochs of training on gold captions before it";
    plant("early", &early, &[("early_self_critical", words)]);
    // The doctor says the same of the configuration, and a shorter run leaves nothing behind.
    let [printed, _] = place().succeed(&["doctor", "early.toml"]);
    assert!(printed.contains(&format!("finding: {words}")), "{printed}");
    assert!(printed.ends_with("\n1 finding\n"), "{printed}");
    for line in [
        "references  5.0",
        "validation  180",
        "time        scst: ",
        "memory ",
    ] {
        assert!(printed.contains(line), "{line} in: {printed}");
    }
    assert!(!place().path("runs").exists());
}

#[test]
fn table_of_other_captions_is_named() {
    let place = place();
    let other =
        "image,caption\na,the dog runs over green grass\nb,two people ride bicycles in town\n";
    place.write("other.csv", other);
    place.succeed(&[
        "document-frequency",
        "--captions",
        "other.csv",
        "--out",
        "other.df",
    ]);
    let (captions, splits) = (
        format!("{SCENES}/captions.csv"),
        format!("{SCENES}/splits.csv"),
    );
    let own = ["--captions", &captions, "--splits", &splits];
    place.succeed(&[&["document-frequency", "--out", "own.df"][..], &own].concat());
    let reward = |table: &str| {
        let program = env!("CARGO_BIN_EXE_scst");
        format!(
            "[[stages.scst.rewards]]\ncommand = {{ program = [\"{program}\", \"-q\", \"reward\", \"--serve\", \
             \"--references\", \"{captions}\", \"--splits\", \"{splits}\", \"--document-frequency\", \"{table}\"] }}\n"
        )
    };
    let short = [("steps = 60", "steps = 3")];
    let said = place.train("own-table", &scst(&short, &reward("own.df")));
    let of_table = |said: &&String| said.contains("document frequencies");
    assert_eq!(said.iter().find(of_table), None);
    let said = place.train("other-table", &scst(&short, &reward("other.df")));
    let found: Vec<&String> = said.iter().filter(of_table).collect();
    let words = "stage `scst`, reward `command`, `other.df`: found a table of document frequencies that lacks";
    assert!(found.len() == 1 && found[0].starts_with(words), "{said:?}");
    let [printed, _] = place.succeed(&["doctor", "other-table"]);
    assert!(printed.contains(&format!("finding: {words}")), "{printed}");
}

#[test]
fn resumed_run_finds_what_an_uninterrupted_one_does_and_says_nothing_twice() {
    let place = place();
    let step = "[[stages.scst.rewards]]\ncider_d = {}\ntransform.step = { threshold = 9.9 }\n";
    let stage = scst(&[("steps = 60", "steps = 90")], step);
    let head = "checkpoints = { every_steps = 10, keep = 9 }\n";
    for name in ["whole", "stopped"] {
        let text = head.to_owned() + &HEAD.replace("SCENES", SCENES) + &stage;
        place.write(&format!("{name}.toml"), &text);
        place.succeed(&["train", &format!("{name}.toml"), "--out", name]);
    }
    let whole = place.doctor("whole");
    let fault = &whole.iter().find(|(name, _)| name == "zero_advantages");
    let (_, sentence) = fault.expect("a fault");
    assert!(sentence.contains("step 40"), "{sentence}");
    // Before it was said, and after.
    for (from, is_said) in [("step-00000040", true), ("step-00000060", false)] {
        forget_from(&place.path("stopped"), from);
        let [_, errors] = place.succeed(&["train", "stopped.toml", "--out", "stopped", "--resume"]);
        assert_eq!(
            warnings(&errors).contains(sentence),
            is_said,
            "{from}: {errors}"
        );
        assert_eq!(place.doctor("stopped"), whole, "{from}");
    }
}

#[test]
fn what_is_no_configuration_and_no_run_is_refused() {
    let place = place();
    let refuse = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let message = refuse(&["doctor", "bse"]);
    let expected = "`bse`: found neither a configuration nor a run";
    assert!(
        message.contains(expected) && message.contains("`base`"),
        "{message}"
    );
    let message = refuse(&["doctor", "base", "--seed", "3"]);
    assert!(
        message.contains("--seed: found beside the run `base`"),
        "{message}"
    );
    place.write("bad.toml", &(HEAD.replace("SCENES", "nowhere") + XE));
    let message = refuse(&["doctor", "bad.toml"]);
    assert!(message.contains("nowhere"), "{message}");
}
