//! What tells a run that goes wrong from one that goes well: rules over the numbers that it logs, its settings and its data.
//!
//! | module | what is there |
//! |---|---|
//! | `fault` | what goes wrong in a stage, and the sentence for it |
//! | `history` | what the rules see of a stage: the records and sample captions so far |
//! | `rewards`, `policy`, `captions` | the rules, each a function of that with its bound |
//! | `examination` | all rules, fed record by record, each fault found once a stage |
//! | `settings` | what a configuration says is wrong before the first step |
//! | `frequency_table` | whether a table of document frequencies that a reward program is given is of these captions |
//! | `features`, `references` | what is known of the features and references of a data set |
//!
//! The trainer asks the rules while it runs, `scst doctor` afterwards: the state of an examination follows from the log alone,
//! so that a resumed run finds what one that was not interrupted finds.

mod captions;
mod case;
pub(crate) mod examination;
pub(crate) mod fault;
pub(crate) mod features;
pub(crate) mod frequency_table;
mod history;
mod policy;
pub(crate) mod references;
mod rewards;
pub(crate) mod settings;

#[cfg(test)]
mod tests;
