//! The rules that every message to users keeps, and a walk through all variants of error types.

use std::{collections::BTreeSet, error::Error};

/// A file in samples: a message that knows it names it.
pub const FILE: &str = "folder/file.ext";
/// A key in samples: a message that knows it names it.
pub const KEY: &str = "some.key";

/// Words that speak of the program instead of the user's files.
const PROGRAM: [&str; 33] = [
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "isize",
    "f32",
    "f64",
    "bool",
    "struct",
    "enum",
    "newtype",
    "variant",
    "serde",
    "serde_json",
    "String",
    "str",
    "PathBuf",
    "Vec",
    "Option",
    "Some",
    "None",
    "Ok",
    "Err",
    "EOF",
    "deserialize",
    "unwrap",
    "panicked",
];
/// Phrases of libraries.
const PHRASES: [&str; 8] = [
    " a map",
    " a sequence",
    "invalid type",
    "invalid value",
    "expected ident",
    "trailing characters",
    "key must be",
    "::",
];
/// Longer ones are no sentence.
const LONGEST: usize = 700;

/// What is wrong with a message.
pub fn problem(message: &str) -> Option<String> {
    let plain = outside_of_quotes(message);
    let first = message.chars().next()?;
    if message.contains('\n') {
        return Some("more than one line".to_owned());
    }
    // What the operating system says is only shown behind something else.
    let is_system = message.contains("(os error ");
    if first.is_uppercase() && plain.starts_with(first) && !is_name(&plain) && !is_system {
        return Some("a capital letter at the beginning".to_owned());
    }
    if plain.ends_with('.') || plain.contains(". ") {
        return Some("more than one sentence, or a full stop".to_owned());
    }
    if plain.chars().count() > LONGEST {
        return Some(format!("{} characters", plain.chars().count()));
    }
    if plain.contains(" at line ") && plain.contains(" column ") {
        return Some("a parser's place".to_owned());
    }
    let phrase = PHRASES.iter().find(|&&phrase| plain.contains(phrase));
    let mut words = plain.split(|c: char| !c.is_alphanumeric() && c != '_');
    let word = words.find(|word| PROGRAM.contains(word));
    if let Some(found) = phrase.copied().or(word) {
        return Some(format!("\"{found}\", a word of the program"));
    }
    is_dump(&plain).then(|| "bytes in hexadecimal".to_owned())
}

/// Whether a message begins with a name in capitals, such as COCO.
fn is_name(message: &str) -> bool {
    let word: String = message
        .chars()
        .take_while(|c| c.is_alphanumeric())
        .collect();
    word.chars().filter(|c| c.is_uppercase()).count() > 1
}

/// What stands neither in backticks nor in quotes: there users find their own words.
fn outside_of_quotes(message: &str) -> String {
    let mut plain = String::new();
    let mut within = None;
    let mut characters = message.chars();
    while let Some(character) = characters.next() {
        match within {
            None if matches!(character, '`' | '"') => {
                within = Some(character);
                plain.push('\u{25a1}');
            }
            None => plain.push(character),
            Some('"') if character == '\\' => drop(characters.next()),
            Some(quote) if character == quote => {
                within = None;
                // What was cut.
                if characters.as_str().starts_with("...") {
                    characters.nth(2);
                }
            }
            Some(_) => {}
        }
    }
    plain
}

/// Three bytes in hexadecimal, one behind the other, or a long word of such digits.
fn is_dump(plain: &str) -> bool {
    let words: Vec<&str> = plain
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']'))
        .filter(|word| !word.is_empty())
        .collect();
    let is_hex = |word: &&str| {
        word.bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    };
    let is_byte = |word: &&str| word.len() == 2 && is_hex(word);
    let has_letter = |words: &[&str]| {
        words
            .iter()
            .any(|word| word.bytes().any(|b| b.is_ascii_alphabetic()))
    };
    let has_bytes = words
        .windows(3)
        .any(|three| three.iter().all(is_byte) && has_letter(three));
    has_bytes
        || words
            .iter()
            .any(|word| word.starts_with("0x") || word.len() >= 32 && is_hex(word))
}

/// An error of some variant.
pub struct Sample {
    /// Type and variant.
    variant: String,
    debug: String,
    /// With its causes, as they are shown.
    message: String,
}

/// What is to be held against the rules of an error.
pub fn sample<E: Error + 'static>(error: E) -> Sample {
    let debug = format!("{error:?}");
    let of = std::any::type_name::<E>();
    let of = of
        .split('<')
        .next()
        .unwrap_or_default()
        .rsplit("::")
        .next()
        .unwrap_or_default();
    let variant: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
    Sample {
        variant: format!("{of}::{variant}"),
        message: with_causes(&error),
        debug,
    }
}

/// The message of an error and of its causes, as far as it does not hold them already.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        next = cause.source();
    }
    message
}

/// Holds samples against the rules, and their number against the variants that `sources` define: one with a message
/// that has no sample is a failure. `without`: variants that cannot be made here.
///
/// # Panics
/// A message breaks a rule, or a variant has no sample.
pub fn check(sources: &[&str], samples: &[Sample], without: &[&str]) {
    let variants: BTreeSet<&str> = samples.iter().map(|sample| &*sample.variant).collect();
    let defined: usize = sources
        .iter()
        .map(|source| source.matches("#[error(").count())
        .sum();
    assert_eq!(
        variants.len() + without.len(),
        defined,
        "variants with a sample, and those without, against those that are defined: {variants:#?}"
    );
    let wrong: Vec<String> = samples
        .iter()
        .filter_map(
            |Sample {
                 variant,
                 debug,
                 message,
             }| {
                let unnamed = [FILE, KEY]
                    .into_iter()
                    .find(|name| debug.contains(name) && !message.contains(name));
                let unnamed = unnamed.map(|name| format!("it does not name {name}"));
                let found = problem(message).or(unnamed)?;
                Some(format!("{variant}: {found}: {message}"))
            },
        )
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
