//! What the tests of all crates share.
//!
//! | module | what is there |
//! |---|---|
//! | [`oracles`] | numbers, programs and devices to compare with, which not every machine has |
//! | [`messages`] | the rules that every message to users keeps |

pub mod messages;
pub mod oracles;
