use std::io::Cursor;

use super::streams::{Output, Tail, next_line};
use super::*;

/// Longer than anything here takes on a busy machine.
const LONG: f64 = 60.0;

fn shell(script: &str) -> Process {
    Process::start(&["/bin/sh", "-c", script], ProgramStage::Start).expect("a shell")
}

fn line(process: &mut Process) -> String {
    let line = process.read(Deadline::after(LONG)).expect("a line");
    String::from_utf8(line).expect("UTF-8")
}

/// Whether there is no such process, not even a zombie.
fn is_gone(pid: &str) -> bool {
    let mut kill = Command::new("/bin/sh");
    kill.args(["-c", "kill -0 \"$0\" 2>/dev/null", pid]);
    !kill.status().expect("a shell").success()
}

/// Whether a process exists and is no zombie: who adopted it may reap it late.
fn is_running(pid: &str) -> bool {
    let zombie = "grep -q ') Z ' \"/proc/$0/stat\" 2>/dev/null";
    let mut look = Command::new("/bin/sh");
    look.args([
        "-c",
        &format!("kill -0 \"$0\" 2>/dev/null && ! {zombie}"),
        pid,
    ]);
    look.status().expect("a shell").success()
}

#[test]
fn lines_are_exchanged_when_the_program_echoes() {
    let mut process = shell("cat");
    for text in ["one", "", "two"] {
        let bytes = format!("{text}\n").into_bytes();
        process.write(bytes).expect("nothing unasked");
        assert_eq!(line(&mut process), text);
    }
}

#[test]
fn no_line_is_lost_when_the_program_writes_before_it_reads() {
    // It waits for the first byte: lines that nobody asked for are refused.
    let mut process = shell("head -c 1 >/dev/null; yes 0123456789 | head -n 100000; cat");
    let request = vec![b'x'; 1 + (1 << 20)];
    process.write(request).expect("nothing unasked");
    for _ in 0..100_000 {
        assert_eq!(line(&mut process), "0123456789");
    }
    process.end_input();
    assert_eq!(line(&mut process).len(), 1 << 20);
}

#[test]
fn line_is_refused_when_nobody_asked_for_it() {
    let mut process = shell("echo hello; cat");
    let unasked = poll(Duration::from_secs(10), || {
        process.write(b"x\n".to_vec()).err()
    });
    let fault = unasked.expect("a line nobody asked for");
    assert!(matches!(&fault, ProgramFault::Unasked { .. }), "{fault}");
}

#[test]
fn child_is_gone_when_it_is_dropped() {
    let scripts = [
        "echo $$; cat >/dev/null",
        "echo $$; exec sleep 1000",
        "trap '' TERM INT HUP; echo $$; while :; do sleep 0.1; done",
    ];
    for script in scripts {
        let mut process = shell(script);
        let pid = line(&mut process);
        assert!(!is_gone(&pid));
        drop(process);
        assert!(is_gone(&pid), "{script}");
    }
}

#[test]
fn grandchildren_are_gone_when_they_outlive_the_program() {
    for script in ["sleep 1000 & echo $!", "sleep 1000 & echo $!; wait"] {
        let mut process = shell(script);
        let pid = line(&mut process);
        drop(process);
        let ended = poll(Duration::from_secs(30), || {
            (!is_running(&pid)).then_some(())
        });
        assert!(ended.is_some(), "{script}");
    }
}

#[cfg(unix)]
#[test]
fn child_leads_its_own_group_when_it_starts() {
    let mut process = shell("echo $$; ps -o pgid= -p $$ || echo none; cat");
    let pid = line(&mut process);
    let group = line(&mut process);
    if group != "none" {
        assert_eq!(group.trim(), pid);
    }
}

#[test]
fn exit_is_reported_when_a_grandchild_holds_the_output_open() {
    let mut process = shell("sleep 1000 & exit 4");
    let fault = process.read(Deadline::after(2.0)).expect_err("no line");
    assert_eq!(fault.to_string(), "found exit status 4, expected an answer");
}

#[test]
fn closed_output_is_reported_when_the_program_goes_on() {
    let mut process = shell("exec >&-; sleep 1000");
    let fault = process.read(Deadline::after(LONG)).expect_err("no line");
    assert!(matches!(fault, ProgramFault::OutputClosed), "{fault}");
}

#[test]
fn finish_tells_success_from_failure_when_the_program_ends() {
    let finish = |script: &str, secs| shell(script).finish(Deadline::after(secs));
    finish("yes | head -n 100000; cat", LONG).expect("success");
    let fault = finish("exit 1", LONG).expect_err("failure");
    assert!(matches!(fault, ProgramFault::Exited(_)), "{fault}");
    let fault = finish("exec sleep 1000", 0.2).expect_err("time-out");
    assert!(matches!(fault, ProgramFault::TimeOut { .. }), "{fault}");
}

#[test]
fn line_is_bounded_when_it_does_not_end() {
    let mut input = Cursor::new(b"abc\r\nabcd\n\nabcde".to_vec());
    let mut next = || next_line(&mut input, 4);
    assert_eq!(next(), Output::Line(b"abc".to_vec()));
    assert_eq!(next(), Output::Line(b"abcd".to_vec()));
    assert_eq!(next(), Output::Line(vec![]));
    assert_eq!(next(), Output::TooLong);
    let mut input = Cursor::new(b"ab".to_vec());
    assert_eq!(next_line(&mut input, 4), Output::Line(b"ab".to_vec()));
    assert_eq!(next_line(&mut input, 4), Output::End);
}

#[test]
fn tail_keeps_the_last_lines_when_there_are_many() {
    let mut tail = Tail::default();
    for number in 0..100 {
        tail.add(format!("line {number}\n").as_bytes());
    }
    assert_eq!(tail.lines().len(), 20);
    assert_eq!(tail.lines()[19], "line 99");
    for _ in 0..1000 {
        tail.add(&[b'x'; 100]);
    }
    assert_eq!(tail.lines().len(), 20);
    assert_eq!(tail.lines()[19], "x".repeat(400));
    tail.add(b"\n\nlast");
    assert_eq!(tail.lines().last().map(String::as_str), Some("last"));
}
