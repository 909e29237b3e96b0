//! Every reader of files against files that are damaged: no panic, no more memory than a multiple of the file's size, and a
//! message that keeps the rules.
//!
//! Real files are changed as strategies of proptest say, the same in every run. `PROPTEST_CASES=20000` tries more. A file
//! that fails is left in `target/tmp/loaders`.

mod archives;
mod checkpoints;
mod mutation;
mod readers;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use peak_alloc::PeakAlloc;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};
use scst_testing::messages;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Changed files of every kind, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 300;
/// What a reader may take whatever the file: tables of tokenizers and of regular expressions.
const CONSTANT: usize = 4 << 20;
/// What it may take for a byte of its files, if these are small.
const FACTOR: usize = 300;

/// One test at a time, from its first byte on: memory is that of the whole process.
struct Turn(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Turn {
    fn take() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        Self(TURN.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Messages that break the rules, each with what is wrong with it.
static BAD_MESSAGES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What was read; the message of an error is held against the rules.
fn told<T>(read: Result<T, impl Error + 'static>) -> Option<T> {
    read.inspect_err(|error| {
        let message = messages::with_causes(error);
        if let Some(problem) = messages::problem(&message) {
            let mut bad = BAD_MESSAGES.lock().unwrap_or_else(PoisonError::into_inner);
            bad.insert(format!("{problem}: {message}"));
        }
    })
    .ok()
}

/// A file and what it holds.
type File = (&'static str, Vec<u8>);

/// Files that belong together, in a folder of their own.
struct Files {
    folder: PathBuf,
    contents: Vec<File>,
}

impl Files {
    /// Writes files that are whole.
    fn new(_: &Turn, name: &str, files: Vec<File>) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("loaders")
            .join(name);
        // What an earlier run has left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let files = Self {
            folder,
            contents: files,
        };
        for (name, contents) in &files.contents {
            files.write(name, contents);
        }
        files
    }

    fn write(&self, name: &str, contents: &[u8]) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, contents).expect("a file");
    }

    /// Reads, and holds memory against the size of the files.
    fn read_within(&self, sizes: usize, factor: usize, read: &impl Fn(&Path)) {
        let allowed = CONSTANT + factor * sizes;
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        read(&self.folder);
        let taken = MEMORY.peak_usage().saturating_sub(before);
        assert!(
            taken <= allowed,
            "{taken} bytes of memory for files of {sizes}, expected at most {allowed}"
        );
    }

    /// Reads the files as they are, then with each of them changed in many ways. `seal` mends what tells a changed file
    /// at once, such as a checksum.
    fn change(&self, seal: impl Fn(&Path, &str, Vec<u8>) -> Vec<u8>, read: impl Fn(&Path)) {
        let sizes = self
            .contents
            .iter()
            .map(|(_, contents)| contents.len())
            .sum();
        self.read_within(sizes, FACTOR, &read);
        let cases = std::env::var_os("PROPTEST_CASES").map_or(CASES, |_| Config::default().cases);
        let config = Config {
            cases: cases.div_ceil(self.contents.len() as u32),
            failure_persistence: None,
            ..Config::default()
        };
        for (name, contents) in &self.contents {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            let mut runner = TestRunner::new_with_rng(config.clone(), rng);
            let others: Vec<&[u8]> = self
                .contents
                .iter()
                .map(|(_, contents)| &contents[..])
                .collect();
            let changed = mutation::changes().prop_map(|changes| changes.apply(contents, &others));
            let found = runner.run(&changed, |changed| {
                let changed = seal(&self.folder, name, changed);
                self.write(name, &changed);
                self.read_within(sizes + changed.len(), FACTOR, &read);
                Ok(())
            });
            if let Err(TestError::Fail(reason, changed)) = found {
                self.write(name, &changed);
                panic!("{}: {reason}", self.folder.join(name).display());
            }
            found.expect("cases");
            self.write(name, contents);
        }
        let bad = std::mem::take(&mut *BAD_MESSAGES.lock().unwrap_or_else(PoisonError::into_inner));
        let listed: Vec<String> = bad.into_iter().take(12).collect();
        assert!(
            listed.is_empty(),
            "messages that break the rules:\n{}",
            listed.join("\n")
        );
    }
}

/// Nothing to mend.
fn as_it_is(_: &Path, _: &str, contents: Vec<u8>) -> Vec<u8> {
    contents
}
