//! The metrics and rewards of `scst-reward` for Python: the extension module `scst._scst`.
//!
//! All numbers are made here, and all arguments that hold captions are read here. What is a matter of calling
//! conventions (classes as in pycocoevalcap, reward functions of trainers) is Python, in `package/scst`.
//!
//! | file | what is there |
//! |---|---|
//! | `input` | captions and references out of Python objects, with errors that name the place |
//! | `error` | errors of the library as exceptions |
//! | `threads` | the threads that work while Python's lock is released |
//! | `vocabulary` | words as ids |
//! | `tokenizer` | raw captions to words |
//! | `frequency` | `DocumentFrequency` |
//! | `corpus` | CIDEr, BLEU and ROUGE-L of a corpus, one metric at a time |
//! | `evaluation` | any metrics of a corpus, by name |
//! | `reward` | `Reward`: references that are kept, and captions scored against them |
//! | `meteor` | `MeteorProcess` |

mod corpus;
mod error;
mod evaluation;
mod frequency;
mod input;
mod meteor;
mod reward;
mod threads;
mod tokenizer;
mod vocabulary;

/// The metrics and rewards of scst.
#[pyo3::pymodule]
mod _scst {
    #[pymodule_export]
    use super::corpus::{bleu, cider, rouge_l};
    #[pymodule_export]
    use super::evaluation::evaluate;
    #[pymodule_export]
    use super::frequency::DocumentFrequency;
    #[pymodule_export]
    use super::meteor::MeteorProcess;
    #[pymodule_export]
    use super::reward::Reward;
    #[pymodule_export]
    use super::tokenizer::tokenize;

    /// The version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
