//! Equality with the reference implementations on stored scores, at 1e-12 absolute.

mod bleu;
mod corpora;
mod mixer;
mod self_critical;
mod support;
