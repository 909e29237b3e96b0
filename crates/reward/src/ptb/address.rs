//! URLs, mail addresses and domains.

use super::character::{byte, bytes_end, characters_end, is_space};

/// Where the URL ends that begins at `at`: anything after `http://` up to white space or a quote, less final punctuation.
pub(super) fn url_end(text: &str, at: usize) -> Option<usize> {
    let schemes = ["http://", "https://"];
    let scheme = schemes
        .into_iter()
        .find(|scheme| text[at..].starts_with(scheme))?;
    let start = at + scheme.len();
    let is_inside =
        |next: char| !is_space(next) && !next.is_control() && !matches!(next, '<' | '>' | '"');
    let is_final = |last: char| matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | ')');
    let end = characters_end(text, start, is_inside);
    let kept = text[start..end].trim_end_matches(is_final).len();
    (kept > 0).then_some(start + kept)
}

/// Where `www.` and what follows ends, beginning at `at`.
pub(super) fn www_end(text: &str, at: usize) -> Option<usize> {
    let start = at + b"www.".len();
    let prefix = text.as_bytes().get(at..start)?;
    if !prefix.eq_ignore_ascii_case(b"www.") {
        return None;
    }
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b".-/_?=&%".contains(&byte);
    let is_final = |last: char| !last.is_ascii_alphanumeric() && last != '/';
    let end = bytes_end(text, start, is_inside);
    let kept = text[start..end].trim_end_matches(is_final).len();
    (kept > 0).then_some(start + kept)
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// Mail addresses and domains, with what is known of the run of characters around the current place.
///
/// Both are recognised only at the end of such a run, so without memory every word of a run would search it again.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Up to here no mail address begins.
    no_mail_until: usize,
    /// Up to here `domain` is known.
    domain_until: usize,
    /// The last top-level domain before `domain_until`: its full stop and its end.
    domain: Option<(usize, usize)>,
}

impl Addresses {
    /// Where the mail address ends that begins at `at`.
    pub(super) fn mail_end(&mut self, text: &str, at: usize) -> Option<usize> {
        if at < self.no_mail_until {
            return None;
        }
        let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let sign = bytes_end(text, at, is_local);
        let end = Self::host_end(text, sign);
        if end.is_none() {
            self.no_mail_until = sign;
        }
        end.filter(|_| byte(text, at).is_ascii_alphanumeric())
    }

    /// Where the host after the `@` at `sign` ends; it has at least two labels.
    fn host_end(text: &str, sign: usize) -> Option<usize> {
        if byte(text, sign) != b'@' {
            return None;
        }
        let first = bytes_end(text, sign + 1, is_label);
        if first == sign + 1 {
            return None;
        }
        let mut end = first;
        while byte(text, end) == b'.' && is_label(byte(text, end + 1)) {
            end = bytes_end(text, end + 1, is_label);
        }
        (end > first).then_some(end)
    }

    /// Where the domain ends that begins at `at`: labels, then `.com` or the like.
    pub(super) fn domain_end(&mut self, text: &str, at: usize) -> Option<usize> {
        if !byte(text, at).is_ascii_alphanumeric() {
            return None;
        }
        if at >= self.domain_until {
            self.find_domain(text, at);
        }
        self.domain
            .filter(|&(stop, _)| stop > at)
            .map(|(_, end)| end)
    }

    fn find_domain(&mut self, text: &str, at: usize) {
        self.domain = None;
        let mut end = bytes_end(text, at, is_label);
        while byte(text, end) == b'.' && is_label(byte(text, end + 1)) {
            let next = bytes_end(text, end + 1, is_label);
            let label = &text.as_bytes()[end + 1..next];
            if let [b'c', b'o', b'm', rest @ ..]
            | [b'n', b'e', b't', rest @ ..]
            | [b'o', b'r', b'g', rest @ ..]
            | [b'e', b'd', b'u', rest @ ..]
            | [b'g', b'o', b'v', rest @ ..] = label
                && matches!(rest, [] | [b'-', ..])
            {
                self.domain = Some((end, end + 4));
            }
            end = next;
        }
        self.domain_until = end;
    }
}

#[cfg(test)]
mod tests {
    use crate::ptb::tokenize;

    #[test]
    fn urls_stay_whole_when_a_scheme_or_www_begins_them() {
        for whole in [
            "http://www.example.com/a?b=c",
            "https://a.b/(c)d",
            "www.example.com",
            "www.a.de/b_c?d=e%20",
        ] {
            assert_eq!(
                tokenize(&format!("see {whole}, or")),
                format!("see {whole} or")
            );
        }
        assert_eq!(tokenize("http://... www.. http"), "http / / www http");
    }

    #[test]
    fn mail_addresses_and_domains_stay_whole_when_words_surround_them() {
        assert_eq!(
            tokenize("a.b-c@example.co.uk, statefarm.com hat"),
            "a.b-c@example.co.uk statefarm.com hat"
        );
        assert_eq!(tokenize("7-a.1b.com. 1x.com-b"), "7-a.1b.com 1x.com b");
        assert_eq!(tokenize("@home a@b @ c"), "@home a @b @ c");
    }
}
