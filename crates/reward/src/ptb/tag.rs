//! Tags: `<UNK>`, `</b>`, `<a href="x">`, `<!-- x -->`.

use super::character::{byte, bytes_end};

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')
}

/// No tag is longer, in bytes: what looks like the beginning of one is not searched further.
const LONGEST: usize = 1000;

/// Where the tag ends that begins at `at`.
pub(super) fn tag_end(text: &str, at: usize) -> Option<usize> {
    if byte(text, at) != b'<' {
        return None;
    }
    let text = &text[..text.floor_char_boundary(at + LONGEST)];
    match byte(text, at + 1) {
        b'!' | b'?' => declaration_end(text, at + 2),
        b'/' => {
            let name = name_end(text, at + 2)?;
            closed(text, bytes_end(text, name, is_white))
        }
        _ => element_end(text, name_end(text, at + 1)?),
    }
}

fn name_end(text: &str, at: usize) -> Option<usize> {
    byte(text, at)
        .is_ascii_alphabetic()
        .then(|| bytes_end(text, at, is_name))
}

fn closed(text: &str, at: usize) -> Option<usize> {
    (byte(text, at) == b'>').then_some(at + 1)
}

/// Where the attributes and the `>` after a name end.
fn element_end(text: &str, name: usize) -> Option<usize> {
    let mut end = name;
    loop {
        let next = bytes_end(text, end, is_white);
        if byte(text, next) == b'/' {
            return closed(text, bytes_end(text, next + 1, is_white));
        }
        if next == end || byte(text, next) == b'>' {
            return closed(text, next);
        }
        end = attribute_end(text, next)?;
    }
}

fn attribute_end(text: &str, at: usize) -> Option<usize> {
    let name = name_end(text, at)?;
    let equals = bytes_end(text, name, is_white);
    if byte(text, equals) != b'=' {
        return Some(name);
    }
    let quote = bytes_end(text, equals + 1, is_white);
    let mark = byte(text, quote);
    if mark != b'"' && mark != b'\'' {
        return None;
    }
    let end = bytes_end(text, quote + 1, |byte| byte != mark);
    (byte(text, end) == mark).then_some(end + 1)
}

/// Where `<!name ...>` or `<?name ...?>` ends whose name begins at `at`.
fn declaration_end(text: &str, at: usize) -> Option<usize> {
    let first = byte(text, at);
    let end = bytes_end(text, at, |byte| byte != b'>');
    let holds = first.is_ascii_alphabetic() || first == b'-';
    holds.then(|| closed(text, end)).flatten()
}
