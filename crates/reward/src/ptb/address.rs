//! URLs, mail addresses and domains.

use super::character::{byte, characters_end};

fn is_white(next: char) -> bool {
    matches!(next, ' ' | '\t' | '\n' | '\u{c}' | '\r')
}

/// What stands in a path.
fn is_path(next: char) -> bool {
    !is_white(next) && !matches!(next, '"' | '(' | ')' | '<' | '>' | '|')
}

/// What stands in a URL with its scheme.
fn is_url(next: char) -> bool {
    is_path(next) && !matches!(next, '{' | '}')
}

/// What no address ends with.
fn is_final(last: char) -> bool {
    matches!(
        last,
        '!' | '"' | ')'..='.' | '<' | '>' | '?' | '{' | '|' | '}'
    ) && !matches!(last, '*' | '+')
}

/// What stands in the name of a computer before `.com` and the like.
fn is_host(next: char) -> bool {
    !is_white(next) && !matches!(next, '!' | '"' | '$' | '\''..=')' | ','..='_' | '`' | '{'..='}')
}

/// What stands in the name of a computer after `www.`.
fn is_named_host(next: char) -> bool {
    is_url(next) && !matches!(next, '!' | ',' | '.' | '?' | '/')
}

/// What stands in a mail address.
fn is_mail(next: char) -> bool {
    is_url(next) && next != '\u{a0}'
}

/// Where the path ends whose slash is at `at`: at least two characters after it.
fn path_end(text: &str, at: usize) -> Option<usize> {
    if byte(text, at) != b'/' {
        return None;
    }
    let end = characters_end(text, at + 1, is_path);
    let kept = text[at + 1..end].trim_end_matches(is_final);
    kept.encode_utf16().nth(1).map(|_| at + 1 + kept.len())
}

/// Where the URL ends that begins at `at`: `http://` and two characters or more, less final punctuation.
pub(super) fn url_end(text: &str, at: usize) -> Option<usize> {
    let schemes: [&[u8]; 2] = [b"http://", b"https://"];
    let rest = &text.as_bytes()[at..];
    let starts = |scheme: &&&[u8]| {
        let found = rest.get(..scheme.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(scheme))
    };
    let start = at + schemes.iter().find(starts)?.len();
    let end = characters_end(text, start, is_url);
    let kept = text[start..end].trim_end_matches(is_final);
    kept.encode_utf16().nth(1).map(|_| start + kept.len())
}

/// URLs and mail addresses, with what is known of the run of characters around the current place.
///
/// They are recognised only at the end of such a run, so without memory every word of a run would search it again.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Up to here no mail address begins.
    no_mail_until: usize,
    /// Up to here no name that ends in `.com` or the like begins.
    no_top_until: usize,
    /// Up to here no `www.` begins a URL.
    no_www_until: usize,
}

impl Addresses {
    /// Where `www.`, the name after it and its path end, beginning at `at`.
    pub(super) fn www_end(&mut self, text: &str, at: usize) -> Option<usize> {
        let start = at + b"www.".len();
        let prefix = text.as_bytes().get(at..start)?;
        if at < self.no_www_until || !prefix.eq_ignore_ascii_case(b"www.") {
            return None;
        }
        let mut found = None;
        let mut label = start;
        loop {
            let end = characters_end(text, label, is_named_host);
            if end == label || byte(text, end) != b'.' {
                self.no_www_until = end.max(at + 1);
                break;
            }
            label = end + 1;
            let top = label
                + text[label..]
                    .bytes()
                    .take(5)
                    .take_while(u8::is_ascii_alphabetic)
                    .count();
            if (2..=4).contains(&(top - label)) {
                found = Some(top);
            }
        }
        let bare = found?;
        Some(path_end(text, bare).unwrap_or(bare))
    }

    /// Where a name that ends in `.com` or the like, and its path, end, beginning at `at`.
    pub(super) fn located_end(&mut self, text: &str, at: usize) -> Option<usize> {
        if at < self.no_top_until {
            return None;
        }
        let mut label = at;
        let mut found = None;
        loop {
            let end = characters_end(text, label, is_host);
            if end == label || byte(text, end) != b'.' {
                if found.is_none() {
                    self.no_top_until = end.max(at + 1);
                }
                return found;
            }
            label = end + 1;
            let tops = ["com", "net", "org", "edu", "COM", "NET", "ORG", "EDU"];
            if tops.iter().any(|top| text[label..].starts_with(top)) {
                let top = label + tops[0].len();
                if let Some(end) = path_end(text, top) {
                    return Some(end);
                }
                found = Some(top);
            }
        }
    }

    /// Where the mail address ends that begins at `at`.
    pub(super) fn mail_end(&mut self, text: &str, at: usize) -> Option<usize> {
        let first = match text.as_bytes()[at..] {
            [b'<', ..] => at + 1,
            [b'&', b'l', b't', b';', ..] => at + 4,
            _ => at,
        };
        if at < self.no_mail_until || !byte(text, first).is_ascii_alphanumeric() {
            return None;
        }
        let run = characters_end(text, first, is_mail);
        let end = Self::last_host_end(text, first, run);
        if end.is_none() {
            self.no_mail_until = run;
        }
        end
    }

    /// Where the address ends of those in the run from `first` to `run` that goes furthest.
    fn last_host_end(text: &str, first: usize, run: usize) -> Option<usize> {
        let mut found = None;
        for (sign, _) in text[first..run].match_indices('@') {
            let host = first + sign + 1;
            if found.is_some_and(|end| end > host) {
                continue;
            }
            let mut end = characters_end(text, host, |next| is_mail(next) && next != '.');
            if end == host {
                continue;
            }
            while byte(text, end) == b'.' {
                let next = characters_end(text, end + 1, |next| is_mail(next) && next != '.');
                if next == end + 1 {
                    break;
                }
                end = next;
            }
            found = Some(end);
        }
        let end = found?;
        Some(end + usize::from(byte(text, end) == b'>'))
    }
}

#[cfg(test)]
mod tests {
    use crate::ptb::tokenize;

    #[test]
    fn urls_stay_whole_when_a_scheme_or_www_begins_them() {
        for whole in [
            "http://www.example.com/a?b=c",
            "www.example.com",
            "www.a.de/b_c?d=e%20",
        ] {
            assert_eq!(
                tokenize(&format!("see {whole}, or")),
                format!("see {whole} or")
            );
        }
        assert_eq!(tokenize("https://a.b/(c)d"), "https://a.b/ -lrb- c -rrb- d");
        assert_eq!(tokenize("http://... www.. http"), "http / / www http");
    }

    #[test]
    fn mail_addresses_and_domains_stay_whole_when_words_surround_them() {
        assert_eq!(
            tokenize("a.b-c@example.co.uk, statefarm.com hat"),
            "a.b-c@example.co.uk, statefarm.com hat"
        );
        assert_eq!(
            tokenize("7-a.1b.com. 1x.com-b 350.org"),
            "7-a .1 b.com 1x.com-b 350 org"
        );
        assert_eq!(tokenize("@home a@b @ c"), "@home a@b @ c");
    }
}
