//! What became of runs: a page that opens anywhere, or text for terminals.
//!
//! [`Report`] is plain data, which others gather: metrics and their intervals, records of training, captions before and
//! after self-critical training. [`page`] makes one HTML file of it that needs no network, [`text`] lines for terminals, [`card`] a model card.
//! The same data give the same bytes. Names, captions and configurations are text, whatever they hold: nothing in them
//! becomes markup or script.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod card;
mod curves;
mod data;
mod error;
mod numbers;
mod page;
mod report;
mod text;
mod words;

pub use card::{CardDetails, card};
pub use error::ReportError;
pub use page::page;
pub use report::{
    Caption, Change, Estimate, Metric, Names, Output, Picture, Record, RecordKind, Report, Run,
    Sampled, Samples, Source, Stage,
};
pub use text::text;
