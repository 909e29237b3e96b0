//! Why ranks cannot go on together.

/// Why ranks cannot go on together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The engine below has failed.
    #[error("the ranks cannot exchange {what}: {message}")]
    Engine {
        /// What was on its way.
        what: String,
        /// Its message.
        message: String,
    },
    /// Ranks have not come to an exchange.
    #[error(
        "found no answer of {} within {secs} s, waiting for {what}, expected one: it was killed, or hangs, or its machine cannot be \
         reached",
        ranks(.missing)
    )]
    Silent {
        /// The ranks; none if it is not known which.
        missing: Vec<usize>,
        /// What was on its way.
        what: String,
        /// How long was waited, seconds.
        secs: u64,
    },
    /// A rank is not like the first.
    #[error("found another {what} on rank {rank}, expected that of rank 0")]
    Differ {
        /// What differs.
        what: String,
        /// The rank.
        rank: usize,
    },
    /// A message is larger than the engine takes.
    #[error(
        "found {found} numbers in one message between ranks, expected at most {most}: use more ranks"
    )]
    TooLarge {
        /// Its size.
        found: usize,
        /// The largest.
        most: usize,
    },
    /// What another rank has sent cannot be read.
    #[error("found {what} of rank {rank} that cannot be read, expected those of the same program")]
    Unreadable {
        /// What was sent.
        what: String,
        /// The rank.
        rank: usize,
    },
}

impl GroupError {
    /// What a rank has sent cannot be read.
    pub fn unreadable(what: &str, rank: usize) -> Self {
        Self::Unreadable {
            what: what.to_owned(),
            rank,
        }
    }
}

/// Ranks by their numbers, for a sentence.
fn ranks(numbers: &[usize]) -> String {
    match numbers {
        [] => "some rank".to_owned(),
        [one] => format!("rank {one}"),
        [all @ .., last] => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("ranks {} and {last}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_ranks_are_named() {
        let message = |missing: &[usize]| {
            GroupError::Silent {
                missing: missing.to_vec(),
                what: "rewards".to_owned(),
                secs: 600,
            }
            .to_string()
        };
        assert!(
            message(&[3])
                .starts_with("found no answer of rank 3 within 600 s, waiting for rewards")
        );
        assert!(message(&[0, 1, 3]).contains(" ranks 0, 1 and 3 "));
        assert!(message(&[]).contains(" some rank "));
    }
}
