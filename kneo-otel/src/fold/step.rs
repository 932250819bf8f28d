//! Steps and branches.

use kneo_core::event::{AfterFailure, Source};
use kneo_core::plan::NodeIx;
use kneo_core::{Failure, Path, Payload, Segment, Timestamp};
use opentelemetry::KeyValue;

use super::open::PlaceKind;
use super::{Ending, Fold, Out};
use crate::attribute;
use crate::finished::{Notes, Problem, Said, What};
use crate::price::Spent;

fn node_of(path: &Path) -> Option<NodeIx> {
    match path.last() {
        Some(Segment::Node { node, .. }) => Some(node),
        _ => None,
    }
}

impl Fold {
    pub(super) fn step_entered(&mut self, path: &Path, at: Timestamp, input: Option<&Payload>, out: &Out<'_>) {
        let Some(node) = node_of(path) else { return };
        let step = self.open_place(path.clone(), at, PlaceKind::Step { node, spent: Spent::default() });
        if let (true, Some(input)) = (out.content, input) {
            step.notes.say(attribute::STEP_INPUT, Said::Value(input.value().clone()));
        }
    }

    /// A step that is over as it is reached.
    pub(super) fn step_passed(&mut self, path: &Path, ending: Ending, output: Option<&Payload>, out: &mut Out<'_>) {
        let Some(node) = node_of(path) else { return };
        let mut notes = Notes::default();
        if let (true, Some(output)) = (out.content, output) {
            notes.say(attribute::STEP_OUTPUT, Said::Value(output.value().clone()));
        }
        let (start, what) = (ending.at, What::Step { node, spent: Spent::default() });
        self.emit(path.clone(), start, what, ending, notes, out);
    }

    pub(super) fn step_completed(&mut self, path: &Path, at: Timestamp, output: &Source, out: &mut Out<'_>) {
        if let (true, Source::Value(output), Some(step)) = (out.content, output, self.place_mut(path)) {
            step.notes.say(attribute::STEP_OUTPUT, Said::Value(output.value().clone()));
        }
        self.close(path, &Ending::new(at, "completed"), out);
    }

    pub(super) fn step_failed(
        &mut self,
        path: &Path,
        at: Timestamp,
        failure: &Failure,
        then: AfterFailure,
        out: &mut Out<'_>,
    ) {
        if self.place_mut(path).is_none() {
            // A bound of the run stood before the step.
            let ending = Ending::failed(at, Problem::of(failure));
            return self.step_passed(path, ending, None, out);
        }
        match then {
            AfterFailure::Propagate | AfterFailure::Continue => self.close_failed(path, at, failure, out),
            // Another node runs in its place: the step goes on.
            AfterFailure::Fallback(node) => {
                let problem = Problem::of(failure);
                let by = self.trace.plan().node(node).map(|node| node.id.to_shared());
                let mut attributes = vec![KeyValue::new(attribute::ERROR, problem.error_type())];
                attributes.extend(by.map(|by| KeyValue::new(attribute::STEP, by)));
                self.close_below(path, &Ending::failed(at, problem), out);
                self.note(path, "kneo.step.fallback", at, attributes);
            }
        }
    }

    pub(super) fn fork_taken(&mut self, path: &Path, at: Timestamp, started: &[u32]) {
        for branch in started {
            self.open_place(path.child(Segment::Branch(*branch)), at, PlaceKind::Branch(*branch));
        }
    }
}
