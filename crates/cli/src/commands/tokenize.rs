//! `scst tokenize`: raw captions in, words out.

use std::{
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    process::ExitCode,
};

use crate::{arguments::TokenizeArguments, failure::Failure, output::check};

/// The longest line that is taken for a caption, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

pub(crate) fn run(arguments: &TokenizeArguments) -> Result<ExitCode, Failure> {
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut output = BufWriter::with_capacity(1 << 16, output);
    let mut line = Vec::new();
    for number in 1u64.. {
        match next_line(&mut input, &mut line, number)? {
            None => break,
            Some(raw) => {
                let words = arguments.tokenizer.tokenize(raw);
                let mut written = writeln!(output, "{words}");
                // Whoever waits for an answer before the next caption gets it.
                if input.buffer().is_empty() {
                    written = written.and_then(|()| output.flush());
                }
                check(written);
            }
        }
    }
    check(output.flush());
    Ok(ExitCode::SUCCESS)
}

/// The next line without its end, or nothing after the last.
fn next_line<'a>(
    input: &mut impl BufRead,
    line: &'a mut Vec<u8>,
    number: u64,
) -> Result<Option<&'a str>, Failure> {
    line.clear();
    let mut limited = input.take(LONGEST_LINE + 2);
    let read = limited.read_until(b'\n', line);
    read.map_err(|error| Failure::Failed(format!("cannot read standard input: {error}")))?;
    if line.is_empty() {
        return Ok(None);
    }
    while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        line.pop();
    }
    if line.len() as u64 > LONGEST_LINE {
        return Err(Failure::Mistake(format!(
            "standard input: line {number}: found more than {LONGEST_LINE} bytes, expected a caption"
        )));
    }
    let text = std::str::from_utf8(line)
        .map_err(|error| Failure::Mistake(format!("standard input: line {number}: {error}")))?;
    Ok(Some(text))
}
