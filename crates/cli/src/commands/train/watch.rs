//! Whether a run has begun or gone on, so that what fails then is told with the way on.

use scst_trainer::{Event, Observer};

/// Hands events on, and remembers that a stage has begun.
pub(super) struct Watch<'a> {
    observer: &'a mut dyn Observer,
    is_begun: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn new(observer: &'a mut dyn Observer) -> Self {
        Self {
            observer,
            is_begun: false,
        }
    }

    /// Whether a stage has begun, so that the run itself is in order.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun
    }
}

impl Observer for Watch<'_> {
    fn observe(&mut self, event: &Event<'_>) {
        self.is_begun |= matches!(event, Event::StageStarted { .. });
        self.observer.observe(event);
    }
}
