//! What has begun and not ended.

use std::ops::Bound;
use std::sync::Arc;

use kneo_core::event::EffectKind;
use kneo_core::plan::NodeIx;
use kneo_core::task::TaskCause;
use kneo_core::{Attempt, Failure, Path, Segment, TaskId, Timestamp, Value};

use super::{Ending, Fold, Out};
use crate::attribute;
use crate::finished::{Called, Notes, Problem, Said, What};
use crate::price::Spent;

/// What is open at a place.
#[derive(Default, Debug)]
pub(super) struct Open {
    pub(super) place: Option<OpenPlace>,
    pub(super) attempt: Option<OpenAttempt>,
    pub(super) wait: Option<OpenWait>,
}

/// A place that has a span of its own.
#[derive(Debug)]
pub(super) struct OpenPlace {
    pub(super) since: Timestamp,
    pub(super) kind: PlaceKind,
    pub(super) notes: Notes,
}

#[derive(Debug)]
pub(super) enum PlaceKind {
    Step {
        node: NodeIx,
        spent: Spent,
    },
    Branch(u32),
    Turn {
        turn: u32,
        /// What the model asked for.
        calls: Vec<Asked>,
        /// How many calls have no result yet.
        left: usize,
    },
    /// A call behind which a workflow runs.
    Call(Called),
}

/// A call that a model asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    /// Noted only where the host wants content.
    pub(super) arguments: Option<Value>,
}

#[derive(Debug)]
pub(super) struct OpenAttempt {
    pub(super) attempt: Attempt,
    pub(super) kind: EffectKind,
    pub(super) since: Timestamp,
    /// What is called, of a tool call: its turn may be over before it.
    pub(super) call: Option<Called>,
    /// Noted only where the host wants content.
    pub(super) arguments: Option<Value>,
}

#[derive(Debug)]
pub(super) struct OpenWait {
    pub(super) task: TaskId,
    pub(super) cause: TaskCause,
    pub(super) since: Timestamp,
    pub(super) notes: Notes,
}

impl Open {
    fn is_empty(&self) -> bool {
        self.place.is_none() && self.attempt.is_none() && self.wait.is_none()
    }
}

impl Fold {
    pub(super) fn open_place(&mut self, path: Path, since: Timestamp, kind: PlaceKind) -> &mut OpenPlace {
        self.open.entry(path).or_default().place.insert(OpenPlace { since, kind, notes: Notes::default() })
    }

    pub(super) fn place_mut(&mut self, path: &Path) -> Option<&mut OpenPlace> {
        self.open.get_mut(path)?.place.as_mut()
    }

    /// Takes something out of what is open at a place.
    pub(super) fn take_open<T>(&mut self, path: &Path, which: impl FnOnce(&mut Open) -> Option<T>) -> Option<T> {
        let open = self.open.get_mut(path)?;
        let taken = which(open);
        if open.is_empty() {
            self.open.remove(path);
        }
        taken
    }

    /// Ends a place, and before it whatever is still open below.
    pub(super) fn close(&mut self, path: &Path, ending: &Ending, out: &mut Out<'_>) {
        self.close_below(path, ending, out);
        self.close_place(path, ending.clone(), out);
    }

    /// [`Fold::close`] with a failure.
    pub(super) fn close_failed(&mut self, path: &Path, at: Timestamp, failure: &Failure, out: &mut Out<'_>) {
        if let (true, Some(place)) = (out.content, self.place_mut(path)) {
            place.notes.say(attribute::ERROR_MESSAGE, Said::Text(Arc::clone(&failure.message)));
        }
        self.close(path, &Ending::failed(at, Problem::of(failure)), out);
    }

    /// Stops everything below a place, and a branch itself: attempts end when they say so, and a step or call whose time
    /// is over fails by a record of its own.
    pub(super) fn stop(&mut self, path: &Path, at: Timestamp, out: &mut Out<'_>) {
        let ending = Ending::new(at, "cancelled");
        self.close_below(path, &ending, out);
        if let Some(Segment::Branch(_)) = path.last() {
            self.close_place(path, ending, out);
        }
    }

    /// Ends everything: the run is over.
    pub(super) fn abandon(&mut self, at: Timestamp, out: &mut Out<'_>) {
        while let Some((path, open)) = self.open.pop_last() {
            let Open { place, attempt, wait } = open;
            if let Some(attempt) = attempt {
                let ending = Ending { at, status: "lost", problem: Some(Problem::new("lost")) };
                self.tried(&path, attempt, ending, None, |_| {}, out);
            }
            if let Some(wait) = wait {
                let what = What::Wait { task: wait.task, cause: wait.cause };
                self.emit(path.clone(), wait.since, what, Ending::new(at, "withdrawn"), wait.notes, out);
            }
            if let Some(place) = place {
                self.place_over(path, place, Ending::new(at, "cancelled"), out);
            }
        }
    }

    pub(super) fn close_below(&mut self, path: &Path, ending: &Ending, out: &mut Out<'_>) {
        let below = (Bound::Excluded(path.segments()), Bound::Unbounded);
        let open = self.open.range::<[Segment], _>(below).take_while(|(at, _)| at.is_within(path));
        let paths: Vec<Path> = open.filter(|(_, open)| open.place.is_some()).map(|(at, _)| at.clone()).collect();
        // The innermost first.
        for path in paths.into_iter().rev() {
            self.close_place(&path, ending.clone(), out);
        }
    }

    fn close_place(&mut self, path: &Path, ending: Ending, out: &mut Out<'_>) {
        if let Some(place) = self.take_open(path, |open| open.place.take()) {
            self.place_over(path.clone(), place, ending, out);
        }
    }

    fn place_over(&mut self, path: Path, place: OpenPlace, ending: Ending, out: &mut Out<'_>) {
        let OpenPlace { since, kind, notes } = place;
        let what = match kind {
            PlaceKind::Step { node, spent } => What::Step { node, spent },
            PlaceKind::Branch(at) => What::Branch(at),
            PlaceKind::Turn { turn, .. } => What::Turn(turn),
            PlaceKind::Call(called) => What::Call(called),
        };
        self.emit(path, since, what, ending, notes, out);
    }
}
