//! Errors of rewards, tables and other programs.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use scst_reward::{
    DocumentFrequency, ProgramError, ProgramFault, ProgramStage, RewardError, serve::RequestError,
};

use super::{check, file, key, sample, system, text};

fn json() -> serde_json::Error {
    serde_json::from_str::<serde_json::Value>("{\"scores\": [1").expect_err("cut")
}

fn faults() -> Vec<ProgramFault> {
    vec![
        ProgramFault::NotFound,
        ProgramFault::NotExecutable,
        ProgramFault::Start(system()),
        ProgramFault::Files(system()),
        ProgramFault::TimeOut { secs: 0.5 },
        ProgramFault::NoLine { secs: 0.5 },
        ProgramFault::RequestUnread { secs: 0.5 },
        ProgramFault::Exited(ExitStatus::from_raw(9)),
        ProgramFault::OutputClosed,
        ProgramFault::Unasked { found: text() },
        ProgramFault::LineTooLong { limit: 3 },
        ProgramFault::NotJson {
            found: text(),
            reason: json().classify(),
            expected: "a line such as {\"scores\":[0.5]}",
        },
        ProgramFault::Form {
            found: text(),
            expected: "a line such as {\"scores\":[0.5]}",
        },
        ProgramFault::Keys {
            found: "no key".to_owned(),
        },
        ProgramFault::Refused(text()),
        ProgramFault::ScoreCount {
            found: 1,
            expected: 2,
        },
        ProgramFault::Score {
            found: "NaN".to_owned(),
            caption: 0,
            text: text(),
            image: text(),
            expected: "a finite number",
        },
        ProgramFault::Request(serde_json::Error::io(system())),
        ProgramFault::Stopped,
    ]
}

fn of_configurations() -> Vec<RewardError> {
    vec![
        RewardError::NoRewards,
        RewardError::Entry {
            entry: 0,
            problem: Box::new(RewardError::NoRewards),
        },
        RewardError::KindCount {
            found: "none".to_owned(),
            expected: "cider_d, bleu",
        },
        RewardError::NotRegistered {
            found: text(),
            registered: "mine".to_owned(),
        },
        RewardError::OptionRange {
            option: "bleu.order",
            value: 7.0,
            expected: "1 to 4",
        },
        RewardError::OptionValue {
            option: "command.name",
            found: key(),
            expected: "letters",
        },
        RewardError::FileMissing {
            option: "meteor.jar",
            path: file(),
            expected: "meteor-1.5.jar",
        },
        RewardError::DuplicateReward { name: text() },
    ]
}

fn of_scores() -> Vec<RewardError> {
    let program = ProgramError {
        program: "python3 mine.py".to_owned(),
        stage: ProgramStage::Check,
        fault: ProgramFault::NotFound,
        stderr: Vec::new(),
    };
    vec![
        RewardError::ScoreCount {
            reward: text(),
            found: 1,
            expected: 2,
        },
        RewardError::NotFinite {
            reward: text(),
            caption: 0,
            image: text(),
            value: f64::NAN,
        },
        RewardError::Program(Box::new(program)),
        RewardError::Failed {
            reward: text(),
            source: Box::new(system()),
        },
        RewardError::Overflow {
            reward: text(),
            weight: 1.0,
            text: text(),
            image: text(),
            value: 1e300,
        },
        RewardError::NegativeScore {
            reward: text(),
            text: text(),
            image: text(),
            value: -0.5,
        },
        RewardError::NotApplicable {
            reward: text(),
            caption: 0,
            image: text(),
        },
        RewardError::UnknownImage {
            image: 3,
            images: 2,
        },
    ]
}

fn of_references() -> Vec<RewardError> {
    vec![
        RewardError::NoImages,
        RewardError::NoReferences { image: text() },
        RewardError::TextCount {
            image: text(),
            texts: 1,
            sequences: 2,
        },
        RewardError::EndTokenInside {
            image: text(),
            reference: 0,
            end: 0,
            position: 1,
            length: 3,
        },
        RewardError::EndTokenUnseen { end: 0 },
    ]
}

fn of_requests() -> Vec<RequestError> {
    vec![
        RequestError::Form { found: text() },
        RequestError::Value {
            at: key(),
            found: text(),
            expected: "a list of token ids".to_owned(),
        },
        RequestError::LineTooLong { limit: 3 },
        RequestError::Reward(RewardError::NoImages),
    ]
}

fn of_tables() -> Vec<RewardError> {
    let table = DocumentFrequency::from_texts(&[vec!["a dog"]]).expect("a table");
    let twice = table.clone().with_words(vec![text(), text()]);
    let bytes = table.to_bytes();
    let read = |bytes: &[u8]| DocumentFrequency::from_bytes(bytes).expect_err("no table");
    let mut newer = bytes.clone();
    newer[8] = 9;
    vec![
        RewardError::NgramOrder { found: 5 },
        read(b"PK\x03\x04"),
        read(&newer),
        read(&bytes[..bytes.len() - 1]),
        read(&bytes[..12]),
        RewardError::TableWithoutWords,
        twice.expect_err("one word twice"),
        RewardError::TableRead(system()),
        RewardError::TableWrite(system()),
    ]
}

#[test]
fn messages_of_rewards_keep_the_rules() {
    let errors = [
        of_configurations(),
        of_scores(),
        of_references(),
        of_tables(),
    ]
    .concat_all();
    let faults = faults();
    let samples: Vec<_> = errors
        .into_iter()
        .map(sample)
        .chain(faults.into_iter().map(sample))
        .chain(of_requests().into_iter().map(sample))
        .collect();
    let sources = [
        include_str!("../../../reward/src/error.rs"),
        include_str!("../../../reward/src/program_error.rs"),
        include_str!("../../../reward/src/serve/error.rs"),
    ];
    check(&sources, &samples, &[]);
}

/// Lists of what cannot be cloned, one behind the other.
trait ConcatAll<T> {
    fn concat_all(self) -> Vec<T>;
}

impl<T, const N: usize> ConcatAll<T> for [Vec<T>; N] {
    fn concat_all(self) -> Vec<T> {
        self.into_iter().flatten().collect()
    }
}
