//! What draws captions and takes the gradient at them.

use scst_model::Captioner;

use crate::{config::ScstConfig, custom::Named, objective::custom::CustomObjective};

/// Draws captions, and takes the gradient at those that have been judged. It knows nothing of rewards, and threads share it.
pub(crate) struct Actor {
    pub(super) config: ScstConfig,
    /// The objective, if it is one of another crate.
    pub(super) custom: Option<Named<dyn CustomObjective>>,
    /// The model that the stage began with, where the divergence from it counts.
    pub(super) reference: Option<Captioner>,
}
