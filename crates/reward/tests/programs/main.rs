//! Rewards and metrics that are other programs, with stubs that fail in every way there is.

mod command;
mod failures;
mod meteor;
mod scripts;
mod spice;
mod support;
mod version_2;
