//! Runs on several ranks over MPI: the bits of one process, whatever the ranks and however often they are killed; and an end
//! within seconds when a rank fails.
//!
//! This program is `scst` itself, with a reward that fails on a rank, where an environment variable says how; and the tests,
//! where it does not.

#![allow(
    clippy::print_stdout,
    reason = "a test that is its own harness says how it went"
)]

mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Child, Command, ExitCode, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use scst_reward::{Batch, Reward, RewardError};
use scst_trainer::Registry;
use support::{CONFIG, Workplace, newest_checkpoint};

/// How the reward fails, if this process is `scst`.
const FAULT: &str = "SCST_TEST_FAULT";
/// The rank on which it does.
const FAILING_RANK: usize = 1;

type Test = (&'static str, fn());

const TESTS: [Test; 6] = [
    ("bits", any_number_of_ranks_leaves_the_bits_of_one_process),
    ("options", everything_that_a_stage_remembers_is_of_all_ranks),
    (
        "kills",
        killed_ranks_go_on_in_other_numbers_with_the_same_bits,
    ),
    ("faults", a_rank_that_fails_ends_all_within_seconds),
    ("mistakes", what_ranks_cannot_do_is_said_once),
    (
        "signals",
        a_signal_to_one_rank_stops_all_with_one_checkpoint,
    ),
];

fn main() -> ExitCode {
    if let Ok(fault) = env::var(FAULT) {
        let mut registry = Registry::default();
        registry.rewards.register("failing", move |_, _| {
            Ok(Box::new(Failing {
                fault: fault.clone(),
                batches: 0,
            }))
        });
        return scst_cli::run(registry);
    }
    let found = Command::new("mpirun").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        scst_testing::oracles::skip("mpirun does not run");
        return ExitCode::SUCCESS;
    }
    let wanted = env::args().nth(1).filter(|name| !name.starts_with('-'));
    for (name, test) in TESTS {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            let start = Instant::now();
            test();
            println!(
                "test {name} ... ok ({:.1} s)",
                start.elapsed().as_secs_f64()
            );
        }
    }
    ExitCode::SUCCESS
}

/// A reward of nothing that fails on one rank, in the third batch.
struct Failing {
    fault: String,
    batches: usize,
}

impl Reward for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn signature(&self) -> String {
        "failing".to_owned()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let rank = env::var("OMPI_COMM_WORLD_RANK").or_else(|_| env::var("PMI_RANK"));
        let fails = rank.is_ok_and(|rank| rank == FAILING_RANK.to_string());
        self.batches += 1;
        if fails && self.batches == 3 {
            match self.fault.as_str() {
                "panic" => panic!("on purpose"),
                "hang" => thread::sleep(Duration::from_hours(1)),
                "exit" => std::process::exit(3),
                "error" => return Ok(Vec::new()),
                _ => {}
            }
        }
        Ok(vec![0.0; batch.candidates().len()])
    }
}

/// `scst` on ranks of this machine.
fn ranks(workplace: &Workplace, ranks: usize, fault: &str, arguments: &[&str]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/ranks.sh");
    let mut command = Command::new(script);
    command
        .arg(ranks.to_string())
        .arg(env::current_exe().expect("this program"))
        .args(arguments)
        .env(FAULT, fault)
        .current_dir(workplace.path("."));
    command
}

fn train(workplace: &Workplace, ranks: usize, run: &str, more: &[&str]) -> Output {
    let arguments = [&["train", "config.toml", "--out", run], more].concat();
    let output = self::ranks(workplace, ranks, "none", &arguments).output();
    output.expect("ranks start")
}

fn succeed(workplace: &Workplace, ranks: usize, run: &str, more: &[&str]) {
    let output = train(workplace, ranks, run, more);
    assert!(output.status.success(), "{run}: {}", errors(&output));
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Batches of four parts, every weight looked at.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let parts = CONFIG.replace("sources_per_batch = 4", "sources_per_batch = 4\nparts = 4");
    workplace.write("config.toml", parts.as_bytes());
    workplace
}

/// The fingerprints of weights that a run has logged, by step.
fn hashes(workplace: &Workplace, run: &str) -> BTreeMap<u64, String> {
    let log = fs::read_to_string(workplace.path(run).join("metrics.jsonl")).expect("a log");
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let hashes = lines.filter(|line: &serde_json::Value| line["kind"] == "hash");
    let hash = |line: serde_json::Value| {
        let step = line["step"].as_u64().expect("a step");
        (
            step,
            line["weights_sha256"].as_str().expect("a hash").to_owned(),
        )
    };
    hashes.map(hash).collect()
}

/// All that a run has logged, but for times.
fn log(workplace: &Workplace, run: &str) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let log = fs::read_to_string(workplace.path(run).join("metrics.jsonl")).expect("a log");
    let is_time = |name: &str| {
        name == "slowest_rank" || ["_secs", "_per_sec"].iter().any(|end| name.ends_with(end))
    };
    let line = |line: &str| -> serde_json::Map<_, _> {
        let values: serde_json::Map<String, _> = serde_json::from_str(line).expect("JSON");
        values
            .into_iter()
            .filter(|(name, _)| !is_time(name))
            .collect()
    };
    log.lines().map(line).collect()
}

fn weights(workplace: &Workplace, run: &str) -> Vec<u8> {
    let newest = newest_checkpoint(&workplace.path(run));
    fs::read(newest.join("model.safetensors")).expect("weights")
}

fn any_number_of_ranks_leaves_the_bits_of_one_process() {
    let workplace = workplace();
    let every = ["--hash-every", "6"];
    let one = ["train", "config.toml", "--out", "one"];
    workplace.succeed(&[&one[..], &every].concat());
    let (hashes_of_one, log_of_one) = (hashes(&workplace, "one"), log(&workplace, "one"));
    assert_eq!(hashes_of_one.len(), 12, "{hashes_of_one:?}");
    for (ranks, threads) in [(2, "1"), (3, "2"), (4, "1")] {
        let run = format!("ranks-{ranks}");
        succeed(
            &workplace,
            ranks,
            &run,
            &[&every[..], &["--threads", threads]].concat(),
        );
        assert_eq!(hashes(&workplace, &run), hashes_of_one, "{ranks} ranks");
        assert_eq!(log(&workplace, &run), log_of_one, "{ranks} ranks");
        assert!(weights(&workplace, &run) == weights(&workplace, "one"));
        let samples = |run: &str| workplace.read(&format!("{run}/samples.jsonl"));
        assert!(samples(&run) == samples("one"), "{ranks} ranks");
    }
    // Estimators are divided, and have the same numbers but for times.
    let sets = ["--set", "stages.1.scst.rewards=[{ cider_d = {} }]"];
    let lab = [
        "estimators",
        "config.toml",
        "--checkpoint",
        "one",
        "--reference-draws",
        "4",
        "--images",
        "4",
        "--samples",
        "2,3",
        "--draws",
        "4",
        "--json",
    ];
    let lab = [&lab[..], &sets].concat();
    let without_times = |printed: &str| {
        let mut reports: Vec<serde_json::Value> = serde_json::from_str(printed).expect("JSON");
        for report in &mut reports {
            report["milliseconds"] = 0.into();
        }
        reports
    };
    let of_one = without_times(&workplace.succeed(&lab));
    let of_two = ranks(&workplace, 2, "none", &lab).output();
    let of_two = of_two.expect("ranks start");
    assert!(of_two.status.success(), "{}", errors(&of_two));
    assert_eq!(
        without_times(&String::from_utf8_lossy(&of_two.stdout)),
        of_one
    );
    // Evaluation is divided, and has the same captions and scores.
    let eval = ["eval", "one", "--split", "val", "--json", "--per-caption"];
    let of_one = workplace.succeed(&eval);
    let of_three = ranks(&workplace, 3, "none", &eval)
        .output()
        .expect("ranks start");
    assert!(of_three.status.success(), "{}", errors(&of_three));
    assert_eq!(String::from_utf8_lossy(&of_three.stdout), of_one);
}

/// What is defined over a batch, or lives from step to step, and a network of layers, beside what the configuration has anyway.
fn everything_that_a_stage_remembers_is_of_all_ranks() {
    let workplace = workplace();
    for (name, sets) in [
        (
            "replay",
            &[
                "stages.1.scst.replay_weight=0.5",
                "stages.1.scst.xe_weight=0.2",
            ][..],
        ),
        ("learned", &["stages.1.scst.baseline=learned"]),
        (
            "updates",
            &[
                "stages.1.scst.objective={ token_clip = {} }",
                "stages.1.scst.updates_per_rollout=3",
                "stages.1.scst.sources_per_update=2",
                "stages.1.dropout=0.0",
            ],
        ),
        (
            "standardised",
            &[
                "stages.1.scst.rewards.0.standardise=true",
                "stages.1.scst.advantage_scale=batch",
                "stages.1.scst.baseline=greedy",
            ],
        ),
        ("mixer", &["stages.1.scst.mixer={ shrink = 2 }"]),
        // Its gradients are exchanged layer by layer, while others are computed.
        (
            "layers",
            &[
                "model={ transformer = { hidden = 160, layers = 3, heads = 2, feed_forward = 640 } }",
                "data.features={ folder = { path = \"regions\" } }",
            ],
        ),
    ] {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let short = ["--hash-every", "3", "--set", "stages.0.epochs=1"];
        let more = [&short[..], &sets].concat();
        let runs = [1, 3].map(|ranks| format!("{name}-{ranks}"));
        let one = ["train", "config.toml", "--out", &runs[0]];
        workplace.succeed(&[&one[..], &more].concat());
        succeed(&workplace, 3, &runs[1], &more);
        assert_eq!(
            hashes(&workplace, &runs[1]),
            hashes(&workplace, &runs[0]),
            "{name}"
        );
        assert_eq!(
            log(&workplace, &runs[1]),
            log(&workplace, &runs[0]),
            "{name}"
        );
    }
}

fn killed_ranks_go_on_in_other_numbers_with_the_same_bits() {
    const KILLS: usize = 20;
    let workplace = workplace();
    let long = [
        "--hash-every",
        "5",
        "--set",
        "stages.0.epochs=90",
        "--set",
        "stages.1.epochs=60",
    ];
    let one = ["train", "config.toml", "--out", "one"];
    workplace.succeed(&[&one[..], &long].concat());
    let mut draw = 12_345u64;
    let mut random = |below: u64| {
        draw = draw
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (draw >> 33) % below
    };
    let mut kills = 0;
    while kills < KILLS {
        let size = 2 + random(3) as usize;
        let arguments = [
            &[
                "train",
                "config.toml",
                "--out",
                "killed",
                "--resume-or-start",
            ],
            &long[..],
        ];
        let mut job = quietly(&mut ranks(&workplace, size, "none", &arguments.concat()));
        // From the start of the program on: in the middle of reading, training, validating and writing.
        thread::sleep(Duration::from_millis(300 + random(1_000)));
        let found = ranks_of(&job);
        if found.is_empty() || job.try_wait().expect("its state").is_some() {
            // Over before it was killed.
            job.wait().expect("its end");
            break;
        }
        let victim = found[random(found.len() as u64) as usize];
        signal("KILL", victim);
        let status = ends_within(&mut job, Duration::from_secs(20), "a killed rank");
        assert!(!status, "a killed rank is no success");
        assert!(ranks_of(&job).is_empty(), "no rank is left");
        kills += 1;
    }
    succeed(
        &workplace,
        3,
        "killed",
        &[&["--resume-or-start"], &long[..]].concat(),
    );
    println!("{kills} kills");
    assert!(kills >= 3, "{kills}: the run is too short to be killed");
    assert_eq!(hashes(&workplace, "killed"), hashes(&workplace, "one"));
    assert!(weights(&workplace, "killed") == weights(&workplace, "one"));
}

fn a_rank_that_fails_ends_all_within_seconds() {
    let workplace = workplace();
    let reward = "stages.1.scst.rewards=[{ custom = { name = \"failing\" } }]";
    let more = [
        "--set",
        reward,
        "--set",
        "stages.0.epochs=1",
        "--rank-timeout",
        "3",
    ];
    for (fault, code, said) in [
        ("panic", 101, "a rank has failed (rank 1 of 3, on "),
        ("exit", 3, ""),
        ("error", 1, "one per caption (rank 1 of 3, on "),
        ("hang", 75, "found no answer of rank 1 within 3 s"),
    ] {
        let arguments = [&["train", "config.toml", "--out", fault], &more[..]].concat();
        let start = Instant::now();
        let output = ranks(&workplace, 3, fault, &arguments)
            .output()
            .expect("ranks start");
        let secs = start.elapsed().as_secs_f64();
        let errors = errors(&output);
        println!("{fault}: code {:?} after {secs:.1} s", output.status.code());
        assert_eq!(output.status.code(), Some(code), "{fault}: {errors}");
        assert!(errors.contains(said), "{fault}: {errors}");
        assert!(secs < 20.0, "{fault}: {secs} s");
        // The checkpoint of the stage before is whole.
        let rest = ["train", "--resume", fault, "--rank-timeout", "60"];
        let output = ranks(&workplace, 2, "none", &rest)
            .output()
            .expect("ranks start");
        assert!(
            output.status.success(),
            "{fault}: {}",
            self::errors(&output)
        );
    }
}

fn what_ranks_cannot_do_is_said_once() {
    let workplace = workplace();
    let refused = |ranks: usize, more: &[&str], said: &str| {
        let output = train(&workplace, ranks, "refused", more);
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        let lines = errors.lines().filter(|line| line.starts_with("error: "));
        let lines: Vec<&str> = lines.collect();
        assert!(lines.len() == 1 && lines[0].contains(said), "{errors}");
        assert!(
            !workplace.path("refused").exists(),
            "nothing is left behind"
        );
    };
    refused(
        2,
        &["--set", "stages.1.parts=1"],
        "stage `scst`: found 1 `parts` of a batch on 2 ranks, expected 2 parts or more",
    );
    refused(
        3,
        &["--set", "stages.1.part=4"],
        "did you mean `stages.1.parts`",
    );
    refused(2, &["--set", "data.features.npy.path=none.npy"], "none.npy");
    refused(
        2,
        &["--seeds", "2"],
        "found runs of several seeds on 2 ranks",
    );
    // Two programs with other seeds in one job.
    let program = env::current_exe().expect("this program");
    let program = program.to_str().expect("UTF-8");
    let first = ["train", "config.toml", "--out", "refused", "--seed", "1"];
    let second = [
        ":",
        "-n",
        "1",
        program,
        "train",
        "config.toml",
        "--out",
        "refused",
        "--seed",
        "2",
    ];
    let arguments = [&first[..], &second].concat();
    let output = ranks(&workplace, 1, "none", &arguments)
        .output()
        .expect("ranks start");
    let errors = errors(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let said = "error: found another configuration on rank 1, `seed = 2`, expected that of rank 0, `seed = 1`";
    assert!(errors.contains(said), "{errors}");
    // Started as one of several by a program that is not the MPI it was built with, or knows of none.
    for (by, size, rank) in [
        (
            "mpirun of MVAPICH",
            "MV2_COMM_WORLD_SIZE",
            "MV2_COMM_WORLD_RANK",
        ),
        ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    ] {
        let mut command = workplace.command(&first);
        let output = command.env(size, "4").env(rank, "0").output();
        let output = output.expect("scst starts");
        let errors = self::errors(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        let said = format!("found 4 processes, started by {by}, where MPI knows of ");
        assert!(errors.contains(&said), "{errors}");
    }
}

fn a_signal_to_one_rank_stops_all_with_one_checkpoint() {
    let workplace = workplace();
    let long = [
        "--set",
        "stages.0.epochs=2000",
        "--set",
        "checkpoints.every_steps=100000",
    ];
    let arguments = [&["train", "config.toml", "--out", "stopped"], &long[..]].concat();
    let mut job = quietly(&mut ranks(&workplace, 3, "none", &arguments));
    let log = workplace.path("stopped").join("metrics.jsonl");
    let start = Instant::now();
    while fs::metadata(&log).map_or(0, |file| file.len()) == 0 {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "the run does not begin"
        );
        thread::sleep(Duration::from_millis(20));
    }
    // Not to the first, which writes.
    let found = ranks_of(&job);
    signal("TERM", *found.last().expect("a rank"));
    assert!(!ends_within(&mut job, Duration::from_secs(20), "a signal"));
    let newest = newest_checkpoint(&workplace.path("stopped"));
    assert!(newest.join("model.safetensors").is_file());
    let begun = fs::read_dir(workplace.path("stopped/checkpoints")).expect("checkpoints");
    let steps = begun
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("step-"));
    // The one of the first epochs' validations that is kept, or none, and that of the signal.
    assert!((1..=3).contains(&steps.count()));
}

fn quietly(command: &mut Command) -> Child {
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.spawn().expect("ranks start")
}

/// The processes of all ranks of a job, the first rank first.
fn ranks_of(job: &Child) -> Vec<u32> {
    let program = env::current_exe().expect("this program");
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let of_job = ids.filter(|&id| {
        let is_program = fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == program);
        // MPICH has a process between `mpirun` and the ranks.
        let mut above = [parent(id), parent(id).and_then(parent)].into_iter();
        is_program && above.any(|above| above == Some(job.id()))
    });
    let mut found: Vec<u32> = of_job.collect();
    found.sort_unstable();
    found
}

fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = status.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

fn signal(name: &str, process: u32) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

/// Waits for the end of a job, and returns whether it was a success.
fn ends_within(job: &mut Child, limit: Duration, what: &str) -> bool {
    let start = Instant::now();
    loop {
        if let Some(status) = job.try_wait().expect("its state") {
            return status.success();
        }
        if start.elapsed() > limit {
            let _ = job.kill();
            panic!("{what}: the job goes on after {limit:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}
