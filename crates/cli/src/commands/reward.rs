//! `scst reward`: rewards for other programs, a line of JSON in and a line out.

mod references;

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::ExitCode,
};

use scst_data::{
    Vocabulary,
    vocabulary::{END_ID, UNKNOWN_ID},
};
use scst_model::CaptionerRegistry;
use scst_reward::{
    RewardEntry,
    serve::{LONGEST_LINE, RequestError, RewardService, ServedImage, Words},
};
use scst_trainer::{Checkpoint, Registry, config::parse_rewards};
use serde_json::json;

use crate::{
    arguments::{RewardArguments, Tokenizer},
    commands::{document_frequency::read_table, set_threads},
    failure::Failure,
    output::{check, note},
};

pub(crate) fn run(arguments: &RewardArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads)?;
    let mut service = service(arguments, registry)?;
    let mut input = BufReader::with_capacity(1 << 16, io::stdin().lock());
    serve(&mut service, &mut input, &mut io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn service<'a>(
    arguments: &RewardArguments,
    registry: &'a Registry,
) -> Result<RewardService<'a>, Failure> {
    let entries = parse_rewards("--reward", &arguments.reward)?;
    let table = match arguments.document_frequency.as_path() {
        path if path == Path::new("corpus") => None,
        path => Some(read_table(path)?),
    };
    let (words, images) = words_and_images(arguments, &registry.captioners)?;
    let raw_text = entries.iter().find_map(RewardEntry::raw_text_key);
    if let (Words::Text(_), Tokenizer::Ptb, Some(key)) = (&words, arguments.tokenizer, raw_text) {
        return Err(Failure::Mistake(format!(
            "--tokenizer: found ptb with the reward {key}, expected none, since it takes text as it stands"
        )));
    }
    let (count, captions) = (images.len(), captions(&images));
    let service = RewardService::new(words, images, table, entries, &registry.rewards)?;
    match service.signature() {
        Some(signature) => {
            note!("ready: {count} images with {captions} references, {signature}");
        }
        None => note!("ready: references come with the requests"),
    }
    Ok(service)
}

fn captions(images: &[ServedImage]) -> usize {
    images.iter().map(|image| image.references.len()).sum()
}

fn words_and_images(
    arguments: &RewardArguments,
    captioners: &CaptionerRegistry,
) -> Result<(Words, Vec<ServedImage>), Failure> {
    if let Some(run) = &arguments.run {
        let checkpoint = Checkpoint::load_run_or_checkpoint(run, captioners)?;
        let data = &checkpoint.config.data;
        let Some(mut captions) = data.captions.clone() else {
            return Err(Failure::Mistake(format!(
                "`{}` reads texts, expected a run that captions images",
                run.display()
            )));
        };
        for (_, path) in captions.paths_mut() {
            *path = checkpoint.find(path)?;
        }
        let captions = captions.read(data.words)?;
        let mut scst = checkpoint
            .config
            .stages
            .iter()
            .rev()
            .filter_map(|stage| stage.scst.as_ref());
        let with_end = scst.next().is_none_or(|scst| scst.reward_end_token);
        let words = words_of(&checkpoint.vocabulary, with_end);
        let split = arguments.split.into();
        let images = references::of_captions(captions, split, &words, run)?;
        return Ok((words, images));
    }
    let words = match (&arguments.vocabulary, arguments.ids, arguments.tokenizer) {
        (Some(path), ..) => words_of(&Vocabulary::load(path)?, true),
        (None, true, _) => Words::Ids {
            end: arguments.end_token,
        },
        (None, false, Tokenizer::Ptb) => Words::Text(scst_reward::ptb::tokenize),
        (None, false, Tokenizer::None) => Words::Text(|raw| Tokenizer::None.tokenize(raw)),
    };
    let images = match &arguments.references {
        Some(path) => references::read(path, arguments, &words)?,
        None => Vec::new(),
    };
    Ok((words, images))
}

fn words_of(vocabulary: &Vocabulary, with_end: bool) -> Words {
    Words::Vocabulary {
        words: vocabulary.words().to_vec(),
        end: END_ID,
        unknown: UNKNOWN_ID,
        with_end,
    }
}

/// Answers every line in order. A request that cannot be answered gets an error, and the next one is read.
///
/// # Errors
/// When requests were refused: once the input has ended.
fn serve(
    service: &mut RewardService<'_>,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    let (mut requests, mut refused) = (0_u64, 0_u64);
    let mut first = None;
    loop {
        let answer = match next_line(input, &mut line)? {
            Line::End => break,
            Line::TooLong => Err(RequestError::LineTooLong {
                limit: LONGEST_LINE,
            }),
            Line::Whole => service.answer(&line),
        };
        requests += 1;
        let answer = answer.map_or_else(
            |error| {
                let error = Failure::from(error);
                refused += 1;
                first.get_or_insert_with(|| format!("request {requests}: {error}"));
                json!({ "error": error.to_string() }).to_string()
            },
            |scores| scores.to_json(),
        );
        check(writeln!(output, "{answer}").and_then(|()| output.flush()));
    }
    first.map_or(Ok(()), |first| {
        Err(Failure::Mistake(format!(
            "{refused} of {requests} requests were refused, the first of them {first}"
        )))
    })
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads the next line without its end into `line`; what a line has too much is passed over.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<Line, Failure> {
    let failed = |error: io::Error| Failure::Failed(format!("cannot read standard input: {error}"));
    line.clear();
    let mut limited = input.by_ref().take(LONGEST_LINE as u64 + 2);
    if limited.read_until(b'\n', line).map_err(failed)? == 0 {
        return Ok(Line::End);
    }
    let is_whole = line.last() == Some(&b'\n');
    while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        line.pop();
    }
    if line.len() <= LONGEST_LINE {
        return Ok(Line::Whole);
    }
    if !is_whole {
        input.skip_until(b'\n').map_err(failed)?;
    }
    Ok(Line::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_that_is_too_long_is_passed_over_when_others_follow() {
        let long = io::repeat(b'a').take(LONGEST_LINE as u64 + 1);
        let longest = io::repeat(b'b').take(LONGEST_LINE as u64);
        let input = long.chain(&b"\nshort\r\n"[..]).chain(longest);
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        let mut next = || {
            let found = next_line(&mut input, &mut line).map_err(|failure| failure.to_string());
            (found, line.len(), line.first().copied())
        };
        assert!(matches!(next(), (Ok(Line::TooLong), ..)));
        assert!(matches!(next(), (Ok(Line::Whole), 5, Some(b's'))));
        assert!(matches!(
            next(),
            (Ok(Line::Whole), LONGEST_LINE, Some(b'b'))
        ));
        assert!(matches!(next(), (Ok(Line::End), 0, None)));
    }
}
