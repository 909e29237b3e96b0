//! The threads at the three pipes of a program.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Lines of standard error that are remembered.
const TAIL_LINES: usize = 20;

/// Bytes of a line of standard error that are remembered.
const TAIL_BYTES: usize = 400;

/// What comes from a program's standard output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line above the limit; nothing is read after it.
    TooLong,
    /// The end.
    End,
}

/// Reads lines in a thread, which is at most two lines ahead of the receiver.
pub(super) fn read_lines(stdout: ChildStdout, limit: usize) -> (Receiver<Output>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = thread::spawn(move || {
        let mut reader = BufReader::with_capacity(1 << 16, stdout);
        loop {
            let output = next_line(&mut reader, limit);
            let last = !matches!(output, Output::Line(_));
            if sender.send(output).is_err() || last {
                break;
            }
        }
    });
    (receiver, thread)
}

/// The next line; what stands between the last line end and the end of the output is a line too.
pub(super) fn next_line(reader: &mut impl BufRead, limit: usize) -> Output {
    let mut line = Vec::new();
    let read = reader.take(limit as u64 + 1).read_until(b'\n', &mut line);
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
        return Output::Line(line);
    }
    match read {
        Ok(_) if line.len() > limit => Output::TooLong,
        Ok(_) if !line.is_empty() => Output::Line(line),
        _ => Output::End,
    }
}

/// A program's standard input, written by a thread.
#[derive(Debug)]
pub(super) struct Input {
    bytes: Option<Sender<Vec<u8>>>,
    /// How many of the writes are not done.
    pending: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Input {
    pub(super) fn new(mut stdin: ChildStdin) -> Self {
        let (bytes, receiver) = mpsc::channel::<Vec<u8>>();
        let pending = Arc::new(AtomicUsize::new(0));
        let done = Arc::clone(&pending);
        let thread = thread::spawn(move || {
            for bytes in receiver {
                if stdin
                    .write_all(&bytes)
                    .and_then(|()| stdin.flush())
                    .is_err()
                {
                    // The program has closed its input: what becomes of it, its output will tell.
                    break;
                }
                done.fetch_sub(1, Ordering::Relaxed);
            }
        });
        Self {
            bytes: Some(bytes),
            pending,
            thread,
        }
    }

    /// Hands bytes to the thread.
    pub(super) fn write(&self, bytes: Vec<u8>) {
        self.pending.fetch_add(1, Ordering::Relaxed);
        if let Some(sender) = &self.bytes {
            // Without a thread there is no input any more, which shows when an answer is read.
            let _ = sender.send(bytes);
        }
    }

    /// Closes the pipe once everything is written.
    pub(super) fn end(&mut self) {
        self.bytes = None;
    }

    /// Whether something is not written yet.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Relaxed) > 0
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

/// The last lines of a program's standard error, read by a thread.
#[derive(Debug)]
pub(super) struct StderrTail {
    tail: Arc<Mutex<Tail>>,
    thread: JoinHandle<()>,
}

impl StderrTail {
    pub(super) fn new(stderr: ChildStderr) -> Self {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let shared = Arc::clone(&tail);
        let thread = thread::spawn(move || {
            let mut stderr = stderr;
            let mut buffer = vec![0; 1 << 14];
            loop {
                match stderr.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => locked(&shared).add(&buffer[..length]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        });
        Self { tail, thread }
    }

    /// The lines so far, the newest last.
    pub(super) fn lines(&self) -> Vec<String> {
        locked(&self.tail).lines()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

fn locked(tail: &Mutex<Tail>) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last lines of a stream, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<Vec<u8>>,
    /// Whether the newest line has not ended.
    open: bool,
}

impl Tail {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match part {
                [text @ .., b'\n'] => (text, true),
                text => (text, false),
            };
            if !self.open {
                self.lines.push_back(Vec::new());
                if self.lines.len() > TAIL_LINES {
                    self.lines.pop_front();
                }
            }
            if let Some(line) = self.lines.back_mut() {
                let room = TAIL_BYTES - line.len();
                line.extend_from_slice(&text[..text.len().min(room)]);
            }
            self.open = !ended;
        }
    }

    /// The lines, without blank ones and white space at their ends.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = self.lines.iter().map(|line| {
            let text = String::from_utf8_lossy(line);
            text.trim_end().to_owned()
        });
        lines.filter(|line| !line.is_empty()).collect()
    }
}
