//! Steps, forks and branches.

use kneo::event::{AfterBound, AfterFailure, BoundAt, Source};
use kneo::plan::NodeKind;
use kneo::{Failure, Path, Payload, Segment, Timestamp};

use super::super::{Kind, State};
use super::Fold;

impl Fold<'_> {
    pub(super) fn step_entered(&mut self, path: &Path, at: Timestamp, input: Option<&Payload>) {
        let (kind, name) = self.step_name(path);
        self.open(path, kind, name, at);
        if let Some(input) = input {
            self.value(path, "input", input.value());
        }
    }

    /// A step that is over as soon as the flow comes to it.
    pub(super) fn step_passed(&mut self, path: &Path, at: Timestamp, state: State) {
        let (kind, name) = self.step_name(path);
        self.open(path, kind, name, at);
        self.close(path, at, state);
    }

    pub(super) fn step_completed(&mut self, path: &Path, at: Timestamp, output: &Source) {
        if let Source::Value(output) = output {
            self.value(path, "output", output.value());
        }
        self.close(path, at, State::Completed);
    }

    pub(super) fn step_failed(&mut self, path: &Path, at: Timestamp, failure: &Failure, then: AfterFailure) {
        // A bound may stand before a step that nothing has entered.
        let (kind, name) = self.step_name(path);
        self.open(path, kind, name, at);
        self.note_failure(path, at, failure);
        match then {
            AfterFailure::Propagate => self.close(path, at, State::Failed),
            AfterFailure::Continue => {
                self.note(path, at, "failed: the flow goes on".to_owned());
                self.close(path, at, State::Failed);
            }
            AfterFailure::Fallback(to) => {
                let to = self.plan.node(to).map_or("?", |node| node.id.as_str()).to_owned();
                self.note(path, at, format!("{to} runs in its place"));
            }
        }
    }

    pub(super) fn bound_reached(&mut self, path: &Path, at: Timestamp, bound: BoundAt, then: &AfterBound) {
        let then = match then {
            AfterBound::Fail => "the workflow fails".to_owned(),
            AfterBound::Continue => match bound {
                BoundAt::Edge(_) => "the way is passed over".to_owned(),
                BoundAt::Scope => "the workflow ends".to_owned(),
            },
            AfterBound::To { node, mark } => {
                let to = self.plan.node(*node).map_or("?", |node| node.id.as_str());
                let mark = mark.as_deref().map_or_else(String::new, |mark| format!(" ({mark})"));
                format!("the flow goes on at {to}{mark}")
            }
        };
        let what = match bound {
            BoundAt::Edge(edge) => {
                let to = self.plan.edge(edge).and_then(|edge| self.plan.node(edge.to));
                format!("the way to {} has been taken as often as it may", to.map_or("?", |node| node.id.as_str()))
            }
            BoundAt::Scope => "as many steps as there may be".to_owned(),
        };
        self.note(path, at, format!("{what}: {then}"));
    }

    pub(super) fn fork_taken(&mut self, path: &Path, at: Timestamp, started: &[u32]) {
        let Some(Segment::Node { node, .. }) = path.last() else { return };
        let Some(NodeKind::Fork(fork)) = self.plan.node(node).map(|node| &node.kind) else { return };
        let names: Vec<(u32, String)> =
            started.iter().filter_map(|at| Some((*at, fork.branches.get(*at as usize)?.name.to_string()))).collect();
        for (branch, name) in names {
            self.open(&path.child(Segment::Branch(branch)), Kind::Branch, name, at);
        }
    }
}
