//! Tokens against the reference's, properties that hold for any text, and hostile inputs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use scst_reward::ptb::{DROPPED, tokenize, tokenize_into, tokens};
use serde_json::Value;

/// The source of pairs that were written by hand to probe the reference.
const MADE: &str = "made";

/// Real captions whose words differ.
const REAL_WORDS: &[&str] = &[];
/// Real captions whose words are equal and whose punctuation differs.
const REAL_PUNCTUATION: &[&str] = &[];
/// Hand-made captions whose words differ.
const MADE_WORDS: &[&str] = &[];
/// Hand-made captions whose words are equal and whose punctuation differs.
const MADE_PUNCTUATION: &[&str] = &[];

/// What hostile captions repeat, between bars: what some rule begins with and then does not find.
const HOSTILE: &str = "\
    .|'|’|<|&|a|A|é|1|-|+|@|_|:|^|`|\"|!| |\n|#|(|😀|a.|A.|a'|n't|<a |</|&amp|&amp;|&amp;lt;|#a|@a|a-|\
    a--|a_|a_-|a._|1:|1.|1 |1 1/|http://|http://.|http|www.|www..|a@|a@b|a@-|a-@|a.com|a.1|.a|a&|a& |A&|\
    a!|a/|. |.. |-_|:-|no. |a. |a.\n|y'all|'n|\u{ad}|\u{a0}|no.\u{a0}|a'é|i'ii|A. The |inc. |inc.\"|$|\
    us$|中.|ph.d.|[|中|\u{2010}|a,|1,a|a.c |1a.|é.|www.ab;.|www.a|½.|&lt;a|<a b=\"|<a b='|<!a|a&eacute;|&|http://!|http://a |\
    a.com/|a.com/!|1 1|12 |12 123|(12|(12)|1-|a/|a/b-|o'|o'a|d'|'|a'|aa'|'9|Σ|aΣ|ΑΣ.|²|⁻|-l|. . |A&|A+|A&amp;|@@|##|__|b. |b.  |b. <a |a?|a.-|a,-|\
    anti|S&|x_|:|:-|(x_|n'|e'|\u{2003}|a\u{2028}|\u{1}|\u{1}.|ʻ|\u{301}|x\u{301}-|1⁄|1\u{ad}";
/// The length of a hostile caption in bytes.
const HOSTILE_SIZE: usize = 500_000;
/// A hostile caption takes a fraction of a second; a rule that looks at all that follows takes many.
const LINEAR: Duration = Duration::from_secs(5);

/// A caption, all its tokens and its words, the tokens joined by spaces.
struct Pair {
    source: String,
    raw: String,
    tokens: String,
    words: String,
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).join(name)
}

/// The pairs of a file, without those whose caption the reference breaks into several lines.
fn read(path: PathBuf) -> Vec<Pair> {
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let pair = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        let string = |key: &str| value[key].as_str().map(str::to_owned);
        Some(Pair {
            source: string("source").expect("a source"),
            raw: string("raw").expect("a caption"),
            tokens: string("ptb")?,
            words: string("tok").expect("words"),
        })
    };
    text.lines().filter_map(pair).collect()
}

/// The captions whose words differ, and those whose other tokens do.
fn differences<'a>(pairs: &[&'a Pair]) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut words, mut punctuation) = (Vec::new(), Vec::new());
    for pair in pairs {
        if tokenize(&pair.raw) != pair.words {
            words.push(&*pair.raw);
        } else if tokens(&pair.raw).join(" ") != pair.tokens {
            punctuation.push(&*pair.raw);
        }
    }
    (words, punctuation)
}

#[test]
fn tokens_equal_the_reference_when_captions_are_of_coco() {
    let pairs = read(fixture("ptb_coco.jsonl"));
    assert!(pairs.len() >= 150, "{} pairs", pairs.len());
    for pair in pairs {
        assert_eq!(tokens(&pair.raw).join(" "), pair.tokens, "{:?}", pair.raw);
        assert_eq!(tokenize(&pair.raw), pair.words, "{:?}", pair.raw);
    }
}

#[test]
fn words_equal_the_reference_when_captions_are_real() {
    compare_shares(read(fixture("ptb_pairs.jsonl")));
    // Captions that may not be in the repository too.
    if let Some(path) = scst_testing::oracles::shared("metrics/ptb_pairs.jsonl") {
        compare_shares(read(path));
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the shares belong into the test's report"
)]
fn compare_shares(pairs: Vec<Pair>) {
    let (made, real): (Vec<_>, Vec<_>) = pairs.iter().partition(|pair| pair.source == MADE);
    let (words, punctuation) = differences(&real);
    let share = |differing: usize, all: usize| 100.0 * (1.0 - differing as f64 / all as f64);
    let words_share = share(words.len(), real.len());
    let tokens_share = share(words.len() + punctuation.len(), real.len());
    eprintln!(
        "{} real: words {words_share:.2} %, tokens {tokens_share:.2} %",
        real.len()
    );
    assert_eq!(words, REAL_WORDS);
    assert_eq!(punctuation, REAL_PUNCTUATION);
    assert!(words_share >= 99.9 && tokens_share >= 99.9);

    let (words, punctuation) = differences(&made);
    let words_share = share(words.len(), made.len());
    let tokens_share = share(words.len() + punctuation.len(), made.len());
    eprintln!(
        "{} made: words {words_share:.2} %, tokens {tokens_share:.2} %",
        made.len()
    );
    assert_eq!(words, MADE_WORDS);
    assert_eq!(punctuation, MADE_PUNCTUATION);
}

#[test]
fn captions_stay_one_line_when_they_hold_characters_that_break_lines() {
    for line_break in ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{2028}", "\u{2029}"] {
        assert_eq!(
            tokenize(&format!("line{line_break}break")),
            "line break",
            "{line_break:?}"
        );
    }
    assert_eq!(tokens("nel\u{85}char"), ["nel", "...", "char"]);
    assert_eq!(
        tokenize("no\u{a0}break zero\u{200b}width\u{feff}mark"),
        "no break zero width mark"
    );
}

#[test]
fn time_is_linear_when_inputs_are_hostile() {
    let mut out = String::new();
    for unit in HOSTILE.split('|') {
        for ending in ["", "@b.c>/2"] {
            let text = unit.repeat(HOSTILE_SIZE / unit.len()) + ending;
            out.clear();
            let started = Instant::now();
            tokenize_into(&text, &mut out);
            let elapsed = started.elapsed();
            assert!(elapsed < LINEAR, "{unit:?}: {elapsed:?}");
            assert!(out.len() <= 6 * text.len(), "{unit}");
        }
    }
}

/// Text in which every rule has something to match.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-zA-Z0-9]{1,3}",
        "[-.,:;'\"`\u{92}’‘“<>&@#$£½/!?()=_+ \u{a0}\u{85}\u{2010}\u{2028}\t\n]",
        prop::sample::select(vec![
            "n't", "'s", "'ve", "cannot", "'tis", "y'all", "o'clock", "st.", "inc.", "no.", "U.S.",
            "The ", "<B a>", "&amp;", "&nbsp;", "&lt;", "\u{ad}", "http://", "www.", ".com", "3/4",
            "...", " . . .", "--", ":-)", "-LRB-", "&eacute;", "(555) 1", "1/2-", "anti-",
            "<a b=\"", ".txt ", "É", "Σ", "İ", "K", "AT&T", "US$", "'em", "'80s",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_are_clean_when_text_is_arbitrary(text in text(), before in "[ a]{0,2}") {
        let words = tokenize(&text);
        prop_assert!(!words.contains(|c: char| c.is_ascii_uppercase()), "{words:?}");
        prop_assert!(words.split(' ').all(|word| !word.is_empty()) || words.is_empty(), "{words:?}");
        let kept: Vec<_> = tokens(&text).into_iter().filter(|token| !DROPPED.contains(&&**token)).collect();
        prop_assert_eq!(&kept.join(" "), &words);
        let mut appended = before.clone();
        tokenize_into(&text, &mut appended);
        prop_assert_eq!(appended, before + &words);
    }

    #[test]
    fn nothing_panics_when_text_is_any_string(text in any::<String>()) {
        prop_assert!(tokens(&text).iter().all(|token| !token.is_empty()));
    }

    #[test]
    fn nothing_changes_when_words_are_plain(words in prop::collection::vec("[a-z]{1,9}", 0..12)) {
        let together = ["cannot", "gonna", "wanna", "gotta", "lemme", "gimme"];
        prop_assume!(words.iter().all(|word| !together.contains(&&**word)));
        let text = words.join(" ");
        prop_assert_eq!(tokenize(&text), text);
    }
}
