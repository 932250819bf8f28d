//! What is in flight in a run, and what it waits for.

use std::collections::BTreeSet;

use kneo::event::{Event, Parked};
use kneo::{Path, RunEvent};

/// Follows a run's events.
#[derive(Debug, Default)]
pub(super) struct Flight {
    effects: BTreeSet<Path>,
    /// Effects that are tried again later.
    retries: BTreeSet<Path>,
    questions: BTreeSet<Path>,
    parked: bool,
    /// Somebody from outside said something last, and no worker has heard it yet.
    stirred: bool,
}

impl Flight {
    /// Whether nothing is in flight, and nothing happens before a time comes or a person speaks; true only between the
    /// commits of a run.
    pub(super) fn is_at_rest(&self) -> bool {
        let waits = self.parked || !self.retries.is_empty() || !self.questions.is_empty();
        self.effects.is_empty() && waits && !self.stirred
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, event: &RunEvent) {
        let path = event.record.path();
        self.stirred = event.event().is_external();
        self.parked = matches!(event.event(), Event::RunParked { status: Parked::Blocked, .. });
        match event.event() {
            Event::EffectIntended { .. } => {
                self.retries.remove(path);
                self.effects.insert(path.clone());
            }
            Event::EffectFailed { retry_at: Some(_), .. } => {
                self.effects.remove(path);
                self.retries.insert(path.clone());
            }
            Event::EffectSucceeded { .. }
            | Event::EffectFailed { retry_at: None, .. }
            | Event::EffectLost { .. }
            | Event::EffectCancelled { .. }
            | Event::LateOutcome { .. } => {
                self.effects.remove(path);
            }
            Event::TaskOpened(_) => {
                self.questions.insert(path.clone());
            }
            Event::TaskDecided(_) | Event::TaskExpired { .. } | Event::TaskWithdrawn { .. } => {
                self.questions.remove(path);
            }
            // Nothing there is waited for any more; effects in flight still have to end.
            Event::StepFailed { .. } | Event::BranchFailed { .. } | Event::BranchCancelled => {
                self.retries.retain(|waiting| !waiting.is_within(path));
                self.questions.retain(|waiting| !waiting.is_within(path));
            }
            _ => {}
        }
    }
}
