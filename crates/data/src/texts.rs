//! Pairs of a source text and its targets, from the files in which people have them.
//!
//! | files | configuration | targets of one source |
//! |---|---|---|
//! | a table or JSON Lines for each split | `pairs.splits = { train = "train.tsv", val = "val.tsv" }` | columns, a list, or lines with the same source |
//! | one such file, with a column `split` or shared out by a seed | `pairs.file = { path = "all.tsv", shares = [0.8, 0.1, 0.1] }` | the same |
//! | parallel files, the same line of each | `pairs.parallel = { train = { source = "a.en", targets = ["a.es"] } }` | files |
//!
//! A table has a header with `source` and one or more `target`, `target_2`, ..., perhaps `id` and `split`, and tabs between
//! its columns (or commas and quotation marks, as in CSV); without a header, a line is the source, a tab and the target,
//! perhaps more targets. Text is as it stands, without white space around it; between tabs, quotation marks are text.
//!
//! Texts need not fit into memory: it holds where they begin, some tens of bytes a pair. The texts themselves, and then
//! their ids, lie in temporary files without names and are read from there when they are needed. Only while pairs
//! are read does memory also hold a hash of every source.

mod encoded;
mod gather;
mod json_lines;
mod parallel;
mod read;
mod row;
mod source;
mod sources_only;
mod table;

pub use encoded::{TextSources, TokenBatch};
pub use gather::{TextPair, TextPairs};
pub use row::SourceText;
pub use source::{FileSource, PairSource, ParallelFiles, ParallelSource, SplitSource, TextSource};
pub use sources_only::read_sources;

#[cfg(test)]
mod tests;
