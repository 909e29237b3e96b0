//! Which machine and process this is, as far as the system tells.
//!
//! Linux tells all of it under `/proc`; elsewhere only host name and process id are known.

use std::{env, fs, process, process::Command};

use serde::{Deserialize, Serialize};

/// A process, named so that it can be told from every other one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProcessName {
    /// The name of the machine.
    pub(crate) host: String,
    /// A number that a machine draws whenever it starts; all of its containers share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) boot_id: Option<String>,
    /// Which numbering of processes the id belongs to: containers have one each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid_namespace: Option<String>,
    /// The process id.
    pub(crate) process: u32,
    /// When the process began, in ticks since the machine started: ids are used again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) process_started: Option<u64>,
}

impl ProcessName {
    /// This process.
    pub(crate) fn own() -> Self {
        let id = process::id();
        Self {
            host: host_name(),
            boot_id: line("/proc/sys/kernel/random/boot_id"),
            pid_namespace: fs::read_link("/proc/self/ns/pid")
                .ok()
                .map(|link| link.to_string_lossy().into_owned()),
            process: id,
            process_started: status(id).and_then(|status| status.started),
        }
    }

    /// Whether the process runs, if that can be known; it has to be one of this machine and numbering.
    pub(crate) fn is_running(&self) -> Option<bool> {
        // Where not even this process is found, nothing is known of others.
        status(process::id())?;
        Some(match (status(self.process), self.process_started) {
            (None, _) => false,
            (
                Some(Status {
                    started: Some(found),
                }),
                Some(expected),
            ) => found == expected,
            (Some(_), _) => true,
        })
    }
}

/// A process that runs.
struct Status {
    /// When it began, in ticks since the machine started, if that is known.
    started: Option<u64>,
}

/// A process; `None` where there is no such process, or only its remains.
fn status(process: u32) -> Option<Status> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in parentheses, and may hold anything.
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    // Fields are counted from 1: the state is the third, the start the 22nd.
    let started = fields.nth(18).and_then(|ticks| ticks.parse().ok());
    (!matches!(state, "Z" | "X" | "x")).then_some(Status { started })
}

/// The name of the machine, `unknown` if nothing tells it.
fn host_name() -> String {
    line("/proc/sys/kernel/hostname")
        .or_else(|| {
            let output = Command::new("hostname").output().ok()?;
            let name = String::from_utf8(output.stdout).ok()?;
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        })
        .or_else(|| env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The one line of a file.
fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn own_process_runs_and_one_of_another_start_does_not() {
        let own = ProcessName::own();
        assert_eq!(own.is_running(), Some(true));
        let mut other = own.clone();
        other.process_started = own.process_started.map(|ticks| ticks + 1);
        assert_eq!(other.is_running(), Some(false));
    }

    #[test]
    fn ended_process_does_not_run_whether_it_was_reaped_or_not() {
        let mut child = Command::new("true").spawn().unwrap();
        let mut name = ProcessName {
            process: child.id(),
            ..ProcessName::own()
        };
        name.process_started = None;
        while name.is_running() == Some(true) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert_eq!(name.is_running(), Some(false));
        child.wait().unwrap();
        assert_eq!(name.is_running(), Some(false));
    }
}
