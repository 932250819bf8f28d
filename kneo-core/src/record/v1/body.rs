//! The stored form of each kind of event: the `d` of an element.

mod read;
mod shape;
mod write;

pub(super) use read::read;

use crate::event::{Event, Source};
use crate::run::Attempt;

/// Writes what is particular to an event.
pub(super) struct Body<'a>(pub(super) &'a Event);

impl Body<'_> {
    pub(super) fn is_empty(&self) -> bool {
        matches!(
            self.0,
            Event::BranchCompleted
                | Event::BranchCancelled
                | Event::StepEntered { via: None, input: None }
                | Event::StepSkipped { via: None }
                | Event::StepCompleted { output: Source::Flow }
                | Event::CallDelegated { deadline: None }
                | Event::CallReturned
                | Event::EffectCancelled { attempt: Attempt::FIRST }
        )
    }
}
