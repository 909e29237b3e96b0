//! Keys of a configuration, explained in 80 columns.

use std::fmt;

use scst_trainer::config::KeyDescription;

/// Columns of a line.
const COLUMNS: usize = 80;
/// Columns for a name before what it means.
const NAME: usize = 18;

/// A key below the other, each with kind, default and meaning.
pub(crate) struct Explanation<'a>(pub(crate) &'a [KeyDescription]);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, key) in self.0.iter().enumerate() {
            if k > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{}", key.path)?;
            write_wrapped(f, 2, "", &facts(key))?;
            write_wrapped(f, 2, "", &key.meaning)?;
            for (name, meaning) in &key.choices {
                write_wrapped(f, 4, name, meaning)?;
            }
        }
        Ok(())
    }
}

/// Kind, range and default.
fn facts(key: &KeyDescription) -> String {
    let kind = &key.kind;
    match (&key.default, &key.default_of_scst) {
        (Some(default), Some(of_scst)) => {
            format!("{kind}; default {default}, in an scst stage {of_scst}")
        }
        (Some(default), None) if !key.is_table => format!("{kind}; default {default}"),
        // What a table holds by default stands at its keys, but for the one that it has.
        (Some(default), None) => {
            let chosen = key
                .choices
                .iter()
                .find(|(name, _)| default.starts_with(&format!("{{ {name} =")));
            chosen.map_or_else(
                || kind.clone(),
                |(name, _)| format!("{kind}; default {name}"),
            )
        }
        (None, _) if key.is_required => format!("{kind}; has to be given"),
        _ => kind.clone(),
    }
}

/// Words in lines of [`COLUMNS`], behind a name in the first of them.
fn write_wrapped(
    f: &mut fmt::Formatter<'_>,
    indent: usize,
    name: &str,
    words: &str,
) -> fmt::Result {
    let hanging = if name.is_empty() {
        indent
    } else {
        indent + NAME
    };
    let mut line = format!("{:indent$}{name}", "");
    if line.chars().count() >= hanging && !name.is_empty() {
        writeln!(f, "{line}")?;
        line.clear();
    }
    let mut line = format!("{line:hanging$}");
    let mut is_empty = true;
    for word in words.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            writeln!(f, "{line}")?;
            line = format!("{:hanging$}", "");
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    if is_empty && name.is_empty() {
        return Ok(());
    }
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use scst_trainer::config::explain;

    use super::*;

    #[test]
    fn explanations_of_all_keys_fit_80_columns() {
        let all = explain(None).expect("all keys");
        let text = Explanation(&all).to_string();
        assert!(all.len() > 150, "{}", all.len());
        for line in text.lines() {
            assert!(line.chars().count() <= COLUMNS, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }

    #[test]
    fn key_is_explained_with_kind_default_and_names() {
        let found = explain(Some("stages.0.sources_per_batch")).expect("a key");
        assert_eq!(
            Explanation(&found).to_string(),
            "stages.N.sources_per_batch\n  whole number, 1 to 100000; default 10, in an scst stage 50\n  \
             Sources (images or texts) in a batch; those that do not fill a batch are left\n  out of their epoch. If absent, \
             10, and 50 in an `scst` stage.\n"
        );
        let found = explain(Some("rerank")).expect("a key");
        assert_eq!(
            Explanation(&found).to_string(),
            "validation.decoder.rerank\n  one of these names; default \"probability\"\n  \
             Which of several captions of a source is taken.\n    probability       The most probable one, lengths \
             normalised.\n    consensus         The one with the highest mean CIDEr-D against the others,\n                      \
             document frequencies from the training captions: minimum\n                      Bayes risk decoding.\n"
        );
    }
}
