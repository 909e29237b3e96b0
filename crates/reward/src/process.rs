//! Another program, kept running, with which lines are exchanged.
//!
//! Three threads serve each program: one writes to its standard input, one reads lines from its standard output, one
//! remembers the last lines of its standard error. So neither a program that does not read nor one that writes before
//! it reads can block the caller, who waits only on channels, with time-outs.
//!
//! The program leads a process group of its own: Ctrl-C in the terminal does not reach it, so a trainer can still use
//! it until its checkpoint is written. When the trainer dies, whatever the reason, the program's input ends.

mod streams;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io;
#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use crate::program_error::beginning;
use crate::{ProgramError, ProgramFault, ProgramStage, RewardError};
use streams::{Input, Output, StderrTail};

/// Longest line that is accepted from a program, in bytes.
pub(crate) const LINE_LIMIT: usize = 64 << 20;

/// How long a program may go on after its input has ended, or after it has ended its output.
const GRACE: Duration = Duration::from_secs(1);

/// How long the last output of an ended program is waited for.
const SETTLE: Duration = Duration::from_millis(500);

/// Time between two looks at something that cannot be waited for with a time-out.
const POLL: Duration = Duration::from_millis(2);

/// A program that runs until this is dropped.
///
/// Dropping ends its input, gives it a second to end, then kills its process group and reaps it.
#[derive(Debug)]
pub(crate) struct Process {
    program: String,
    child: Child,
    input: Input,
    output: Receiver<Output>,
    reader: thread::JoinHandle<()>,
    stderr: StderrTail,
    stopped: bool,
}

impl Process {
    /// Starts a program, given with its arguments.
    ///
    /// # Errors
    /// [`RewardError::Program`] when there is no such program or it cannot be executed.
    pub(crate) fn start<S: AsRef<OsStr>>(
        program: &[S],
        stage: ProgramStage,
    ) -> Result<Self, RewardError> {
        Self::spawn(program).map_err(|error| {
            let fault = match error.kind() {
                io::ErrorKind::NotFound => ProgramFault::NotFound,
                io::ErrorKind::PermissionDenied => ProgramFault::NotExecutable,
                _ => ProgramFault::Start(error),
            };
            program_error(name(program), stage, fault, vec![])
        })
    }

    fn spawn<S: AsRef<OsStr>>(program: &[S]) -> io::Result<Self> {
        let Some((executable, arguments)) = program.split_first() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut command = Command::new(executable);
        command.args(arguments);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (output, reader) = streams::read_lines(stdout, LINE_LIMIT);
        Ok(Self {
            program: name(program),
            child,
            input: Input::new(stdin),
            output,
            reader,
            stderr: StderrTail::new(stderr),
            stopped: false,
        })
    }

    /// Hands bytes over to be written; does not wait until they are.
    ///
    /// # Errors
    /// [`ProgramFault::Unasked`] when the program has written a line that nobody has read, and whatever else is
    /// already known to be wrong with it.
    pub(crate) fn write(&mut self, bytes: Vec<u8>) -> Result<(), ProgramFault> {
        match self.output.try_recv() {
            Err(TryRecvError::Empty) => {
                self.input.write(bytes);
                Ok(())
            }
            Ok(Output::Line(line)) => Err(ProgramFault::Unasked {
                found: beginning(&line),
            }),
            Ok(Output::TooLong) => Err(ProgramFault::LineTooLong { limit: LINE_LIMIT }),
            Ok(Output::End) | Err(TryRecvError::Disconnected) => Err(self.end_of_output()),
        }
    }

    /// The next line, without its end.
    ///
    /// # Errors
    /// The time-out, the program's end, or a line that is too long.
    pub(crate) fn read(&mut self, deadline: Deadline) -> Result<Vec<u8>, ProgramFault> {
        match self.output.recv_timeout(deadline.left()) {
            Ok(Output::Line(line)) => Ok(line),
            Ok(Output::TooLong) => Err(ProgramFault::LineTooLong { limit: LINE_LIMIT }),
            Ok(Output::End) | Err(RecvTimeoutError::Disconnected) => Err(self.end_of_output()),
            Err(RecvTimeoutError::Timeout) => Err(self.time_out(deadline)),
        }
    }

    /// Waits for the program to end by itself, well; what it writes is thrown away.
    ///
    /// # Errors
    /// The time-out, or an exit status other than success.
    pub(crate) fn finish(&mut self, deadline: Deadline) -> Result<(), ProgramFault> {
        self.input.end();
        loop {
            match self.output.recv_timeout(deadline.left()) {
                Ok(Output::Line(_)) => {}
                Ok(Output::TooLong | Output::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(self.time_out(deadline)),
            }
        }
        match self.exited_within(deadline.left()) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(ProgramFault::Exited(status)),
            None => Err(self.time_out(deadline)),
        }
    }

    /// Kills the program and makes an error of its fault and its last words.
    pub(crate) fn fail(mut self, stage: ProgramStage, fault: ProgramFault) -> RewardError {
        self.stop(Duration::ZERO);
        program_error(self.program.clone(), stage, fault, self.stderr.lines())
    }

    /// Ends the program's input, so that several programs can end at the same time.
    pub(crate) fn end_input(&mut self) {
        self.input.end();
    }

    /// Kills the program at once, as after the failure of another one.
    pub(crate) fn kill(mut self) {
        self.stop(Duration::ZERO);
    }

    fn time_out(&mut self, deadline: Deadline) -> ProgramFault {
        let secs = deadline.secs;
        match self.child.try_wait() {
            // Its output is held open by a program that it has started.
            Ok(Some(status)) => ProgramFault::Exited(status),
            _ if self.input.is_pending() => ProgramFault::RequestUnread { secs },
            _ => ProgramFault::TimeOut { secs },
        }
    }

    fn end_of_output(&mut self) -> ProgramFault {
        self.exited_within(GRACE)
            .map_or(ProgramFault::OutputClosed, ProgramFault::Exited)
    }

    fn exited_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let child = &mut self.child;
        poll(time, || child.try_wait().ok().flatten())
    }

    fn stop(&mut self, grace: Duration) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        self.input.end();
        // A reader that holds a line gives up when nobody can take it.
        self.output = mpsc::channel().1;
        if self.exited_within(grace).is_none() {
            kill_group(self.child.id());
            // Both fail only where there is nothing left to kill or to reap.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if !self.streams_end_within(SETTLE) {
            // Something that the program started holds its pipes open; so its group still exists.
            kill_group(self.child.id());
            self.streams_end_within(SETTLE);
        }
    }

    fn streams_end_within(&self, time: Duration) -> bool {
        let ended =
            || self.reader.is_finished() && self.stderr.is_finished() && self.input.is_finished();
        poll(time, || ended().then_some(())).is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop(GRACE);
    }
}

/// A moment that is waited for at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
    secs: f64,
}

impl Deadline {
    /// Largest time-out in seconds.
    pub(crate) const LARGEST: f64 = 1e6;

    /// The moment `secs` from now.
    pub(crate) fn after(secs: f64) -> Self {
        let wait = Duration::try_from_secs_f64(secs.clamp(0.0, Self::LARGEST));
        Self {
            end: Instant::now() + wait.unwrap_or_default(),
            secs,
        }
    }

    /// The problem with a time-out option, unless it is in range.
    pub(crate) fn problem(option: &'static str, secs: f64) -> Option<RewardError> {
        let good = secs > 0.0 && secs <= Self::LARGEST;
        RewardError::option(good, option, secs, "seconds above 0 and up to 1e6")
    }

    fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

/// An error about a program.
pub(crate) fn program_error(
    program: String,
    stage: ProgramStage,
    fault: ProgramFault,
    stderr: Vec<String>,
) -> RewardError {
    RewardError::Program(Box::new(ProgramError {
        program,
        stage,
        fault,
        stderr,
    }))
}

/// A program and its arguments as they stand in messages.
pub(crate) fn name<S: AsRef<OsStr>>(program: &[S]) -> String {
    let words: Vec<_> = program
        .iter()
        .map(|word| word.as_ref().to_string_lossy())
        .collect();
    words.join(" ")
}

fn poll<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let found @ Some(_) = look() {
            return found;
        }
        if start.elapsed() >= time {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// Kills a process group; the standard library has no call for it, every shell has.
fn kill_group(leader: u32) {
    if cfg!(unix) {
        let mut kill = Command::new("/bin/sh");
        kill.args(["-c", "kill -s KILL -- \"-$0\"", &leader.to_string()]);
        kill.stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Where it fails, the leader is still killed by its own handle.
        let _ = kill.status();
    }
}
