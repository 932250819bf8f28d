//! What must hold of every run that has ended, whoever won.

use std::collections::{BTreeMap, BTreeSet};

use kneo_core::event::Event;
use kneo_core::record::Stored;
use kneo_core::task::{DecisionKind, DecisionView, TaskState};
use kneo_core::{Attempt, Path, RunOutcome, TaskId, Timestamp};

use super::world::World;

/// A run that has ended, and was checked.
pub(crate) struct History {
    pub(crate) journal: Vec<Stored>,
    pub(crate) outcome: RunOutcome,
}

/// Reads a run that has ended and checks everything that no race may break.
pub(crate) fn check(world: &World) -> History {
    let (journal, row) = (world.journal(), world.row());
    let seqs: Vec<u64> = journal.iter().map(|stored| stored.seq.as_u64()).collect();
    assert_eq!(seqs, (1..=journal.len() as u64).collect::<Vec<_>>(), "the journal is not dense");
    assert_eq!(row.tail.as_u64(), journal.len() as u64);

    let mut facts = Facts::default();
    journal.iter().for_each(|stored| facts.see(stored));
    let outcome = facts.outcome.expect("a run that is over has an end");

    let replayed = kneo_runtime::replay(&world.plan, world.key.run, &journal).unwrap();
    assert_eq!(replayed.outcome(), Some(&outcome));
    assert_eq!((row.status, row.cancel_requested), (outcome.status(), facts.cancelled));
    assert_eq!((row.holder, row.lease_until), (None, None), "a run that is over is still leased");
    assert!(world.calls().is_subset(&facts.intents), "a call that nothing had announced");
    assert!(world.calls().is_superset(&facts.results), "a result of a call that never began");

    let closed: BTreeMap<TaskId, TaskState> = world.tasks().into_iter().map(|row| (row.task, row.state)).collect();
    assert_eq!(closed.keys().collect::<Vec<_>>(), facts.tasks.keys().collect::<Vec<_>>());
    for (task, by_journal) in facts.tasks {
        let by_row = &closed[&task];
        match by_journal {
            Closed::Open => panic!("{task} is open in a run that is over"),
            Closed::Decided(view) => assert_eq!(by_row, &TaskState::Decided(view)),
            Closed::Expired => assert_eq!(by_row, &TaskState::Expired),
            Closed::Withdrawn => assert_eq!(by_row, &TaskState::Withdrawn),
        }
    }
    History { journal, outcome }
}

impl History {
    /// The place of the first record that fits.
    pub(crate) fn find(&self, fits: impl Fn(&Event) -> bool) -> Option<usize> {
        self.journal.iter().position(|stored| fits(stored.record.event()))
    }

    /// The decision of a task, as losers must be told it.
    pub(crate) fn decision(&self) -> Option<(usize, DecisionView)> {
        self.journal.iter().enumerate().find_map(|(at, stored)| Some((at, view(stored)?)))
    }
}

fn view(stored: &Stored) -> Option<DecisionView> {
    match stored.record.event() {
        Event::TaskDecided(decided) => {
            let kind: DecisionKind = decided.decision.kind();
            Some(DecisionView::new(stored.record.actor.clone(), stored.record.at(), kind))
        }
        _ => None,
    }
}

/// What a journal says, watched record by record.
#[derive(Default)]
struct Facts {
    last: Timestamp,
    intents: BTreeSet<(Path, Attempt)>,
    attempts: BTreeMap<Path, Attempt>,
    results: BTreeSet<(Path, Attempt)>,
    succeeded: BTreeSet<Path>,
    tasks: BTreeMap<TaskId, Closed>,
    cancelled: bool,
    outcome: Option<RunOutcome>,
}

enum Closed {
    Open,
    Decided(DecisionView),
    Expired,
    Withdrawn,
}

impl Facts {
    fn see(&mut self, stored: &Stored) {
        let (path, at) = (stored.record.path().clone(), stored.record.at());
        assert!(at >= self.last, "time ran backwards");
        self.last = at;
        assert!(self.outcome.is_none(), "something followed the end");
        match stored.record.event() {
            Event::EffectIntended { attempt, .. } => {
                assert!(!self.cancelled, "{path} was started after a cancel");
                assert!(!self.succeeded.contains(&path), "{path} was started after its result");
                let before = self.attempts.insert(path.clone(), *attempt);
                assert!(before.is_none_or(|before| before < *attempt), "{path} did not count up");
                self.intents.insert((path, *attempt));
            }
            Event::EffectSucceeded { attempt, .. } => {
                assert_eq!(self.attempts.get(&path), Some(attempt), "a result of a try that is not the last");
                assert!(self.succeeded.insert(path.clone()), "{path} has two results");
                self.results.insert((path, *attempt));
            }
            Event::CancelRequested { .. } => self.cancelled = true,
            Event::TaskOpened(opened) => {
                assert!(!self.cancelled, "a question was asked after a cancel");
                assert!(self.tasks.insert(opened.task, Closed::Open).is_none());
            }
            Event::TaskDecided(decided) => {
                assert!(!self.cancelled, "a question was decided after a cancel");
                let view = view(stored).expect("it is a decision");
                self.close(decided.task, Closed::Decided(view));
            }
            Event::TaskExpired { task, .. } => self.close(*task, Closed::Expired),
            Event::TaskWithdrawn { task } => self.close(*task, Closed::Withdrawn),
            Event::RunEnded(outcome) => {
                let is_cancelled = matches!(**outcome, RunOutcome::Cancelled);
                assert_eq!(is_cancelled, self.cancelled, "a cancel that was acknowledged ends in `cancelled`");
                self.outcome = Some((**outcome).clone());
            }
            _ => {}
        }
    }

    fn close(&mut self, task: TaskId, how: Closed) {
        let before = self.tasks.insert(task, how);
        assert!(matches!(before, Some(Closed::Open)), "{task} was closed twice");
    }
}
