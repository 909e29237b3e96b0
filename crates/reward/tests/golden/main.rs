//! Equality with the reference implementations on stored scores, at 1e-12 absolute.

mod bleu;
mod corpora;
mod mixer;
mod raw_text;
mod self_critical;
mod support;
