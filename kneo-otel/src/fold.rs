//! Folds the records of a run into what is open, and gives what has ended.
//!
//! Everything is read from records: when something began, where it hangs, how it ended. A fold that starts from the
//! first record, in whatever process, has the same things open at the same record; so that what began elsewhere can end
//! here with its true beginning.

mod effect;
mod open;
mod recent;
mod step;
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::event::{BoundAt, Event, Parked};
use kneo_core::record::Stored;
use kneo_core::{Path, RunOutcome, Seq, Timestamp};
use opentelemetry::KeyValue;

use crate::attribute;
use crate::finished::{Finished, Notes, Problem, Said, What};
use crate::price::{Prices, Spent};
use crate::trace::Trace;
use open::Open;
use recent::Recent;

/// Where a run stands.
#[derive(Debug)]
pub(crate) struct Fold {
    trace: Arc<Trace>,
    started: Timestamp,
    /// The last record that is folded.
    last: Seq,
    claims: u32,
    spent: Spent,
    notes: Notes,
    /// What has begun and not ended, by its place.
    open: BTreeMap<Path, Open>,
    stage: Stage,
    recent: Recent,
}

/// Whether more records are to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// They are.
    Live,
    /// Not to this worker, unless it takes the run over again.
    Parked,
    /// The run has ended.
    Over,
}

/// Where what has ended goes.
#[derive(Debug)]
pub(crate) struct Out<'a> {
    /// `None`: it is past, and another worker has told of it.
    pub(crate) finished: Option<&'a mut Vec<Finished>>,
    /// Whether what people, models and tools say is noted too.
    pub(crate) content: bool,
    /// What models cost.
    pub(crate) prices: Option<&'a Prices>,
    /// How far back from the last word of another worker what it may not have told of is told again.
    pub(crate) repeat: Option<Duration>,
}

/// How something ends.
#[derive(Clone, Debug)]
struct Ending {
    at: Timestamp,
    status: &'static str,
    problem: Option<Problem>,
}

impl Ending {
    fn new(at: Timestamp, status: &'static str) -> Ending {
        Ending { at, status, problem: None }
    }

    fn failed(at: Timestamp, problem: Problem) -> Ending {
        Ending { at, status: "failed", problem: Some(problem) }
    }
}

impl Fold {
    /// Begins with the first record of a run.
    pub(crate) fn new(trace: Trace, first: &Stored, content: bool) -> Fold {
        let mut notes = Notes::default();
        if let (true, Event::RunStarted(start)) = (content, first.record.event()) {
            notes.say(attribute::RUN_INPUT, Said::Value(start.input.value().clone()));
        }
        Fold {
            trace: Arc::new(trace),
            started: first.record.at(),
            last: first.seq,
            claims: 0,
            spent: Spent::default(),
            notes,
            open: BTreeMap::new(),
            stage: Stage::Live,
            recent: Recent::default(),
        }
    }

    /// Whether its spans are wanted.
    pub(crate) fn is_sampled(&self) -> bool {
        self.trace.sampled.is_some()
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// Folds a record; one that was folded before is passed over.
    pub(crate) fn take(&mut self, stored: &Stored, out: &mut Out<'_>) {
        if stored.seq <= self.last {
            return;
        }
        self.last = stored.seq;
        // Whatever follows is told by one who goes on with the run.
        self.stage = Stage::Live;
        let record = &stored.record;
        let (at, path) = (record.at(), record.path());
        match record.event() {
            Event::RunStarted(_) => {}
            Event::RunClaimed { worker: holder, .. } => {
                self.claims = self.claims.saturating_add(1);
                let worker = KeyValue::new(attribute::WORKER, holder.to_string());
                self.notes.moment("kneo.run.claimed", at, vec![worker]);
                self.recent.claimed(*holder, at, out);
            }
            Event::RunParked { status, .. } => {
                let (stage, status) = match status {
                    Parked::Queued => (Stage::Live, "queued"),
                    Parked::Running => (Stage::Live, "running"),
                    Parked::Blocked => (Stage::Parked, "blocked"),
                };
                self.stage = stage;
                self.notes.moment("kneo.run.parked", at, vec![KeyValue::new(attribute::STATUS, status)]);
            }
            Event::RunEnded(outcome) => self.end(at, outcome, out),
            Event::CancelRequested { .. } => {
                self.notes.moment("kneo.run.cancel_requested", at, Vec::new());
                self.notes.link(record.trace);
            }
            Event::StepEntered { input, .. } => self.step_entered(path, at, input.as_ref(), out),
            Event::StepSkipped { .. } => self.step_passed(path, Ending::new(at, "skipped"), None, out),
            Event::StepComputed { output, .. } => {
                self.step_passed(path, Ending::new(at, "completed"), Some(output), out);
            }
            Event::StepCompleted { output } => self.step_completed(path, at, output, out),
            Event::StepFailed { failure, then } => self.step_failed(path, at, failure, *then, out),
            Event::BoundReached { bound, .. } => {
                let base = match bound {
                    BoundAt::Edge(_) => path.parent(),
                    BoundAt::Scope => Some(path.clone()),
                };
                self.note(&base.unwrap_or_else(Path::root), "kneo.bound_reached", at, Vec::new());
            }
            Event::ForkTaken { started } => self.fork_taken(path, at, started),
            Event::BranchCompleted => self.close(path, &Ending::new(at, "completed"), out),
            Event::BranchFailed { failure } => self.close_failed(path, at, failure, out),
            Event::BranchCancelled => self.stop(path, at, out),
            Event::EffectIntended { attempt, kind, .. } => self.effect_intended(path, at, *attempt, *kind, out),
            Event::EffectSucceeded { attempt, output, usage } => {
                self.effect_succeeded(path, at, *attempt, output, *usage, out);
            }
            Event::EffectFailed { attempt, failure, usage, retry_at } => {
                self.effect_failed(path, at, *attempt, (failure, *usage), retry_at.is_some(), out);
            }
            Event::EffectLost { attempt, then } => self.effect_lost(path, at, *attempt, *then, out),
            Event::EffectCancelled { attempt } => {
                self.attempt_over(path, *attempt, Ending::new(at, "cancelled"), None, |_| {}, out);
            }
            Event::CallRefused { reason, message } => self.call_refused(path, at, *reason, message, out),
            Event::CallDelegated { .. } => self.call_delegated(path, at, out),
            Event::CallReturned => self.call_returned(path, at, out),
            Event::CallFailed { failure } => self.call_failed(path, at, failure, out),
            Event::AnswerRefused { .. } => {
                let ending = Ending::failed(at, Problem::new("answer_refused"));
                self.close(path, &ending, out);
            }
            Event::TaskOpened(opened) => self.task_opened(path, at, opened, out),
            Event::TaskDecided(decided) => self.task_decided(path, at, decided, record.trace, out),
            Event::TaskReassigned { .. } => self.task_noted(path, "kneo.task.reassigned", at, record.trace),
            Event::TaskExpired { then, .. } => self.task_expired(path, at, then, out),
            Event::TaskEscalated { .. } => self.task_noted(path, "kneo.task.escalated", at, None),
            Event::TaskWithdrawn { .. } => self.task_over(path, Ending::new(at, "withdrawn"), out),
            // An outcome that nobody waits for changes nothing; and what a newer core knows may be told by a newer crate.
            _ => {}
        }
    }

    fn end(&mut self, at: Timestamp, outcome: &RunOutcome, out: &mut Out<'_>) {
        let problem = match outcome {
            RunOutcome::Completed(output) => {
                if out.content {
                    self.notes.say(attribute::RUN_OUTPUT, Said::Value(output.value().clone()));
                }
                None
            }
            RunOutcome::Failed(failure) | RunOutcome::TimedOut(failure) | RunOutcome::Expired(failure) => {
                if out.content {
                    self.notes.say(attribute::ERROR_MESSAGE, Said::Text(Arc::clone(&failure.message)));
                }
                Some(Problem::of(failure))
            }
            RunOutcome::Cancelled => None,
        };
        self.abandon(at, out);
        self.stage = Stage::Over;
        let what = What::Run { claims: self.claims, spent: self.spent };
        let (ending, notes) =
            (Ending { at, status: outcome.status().as_str(), problem }, std::mem::take(&mut self.notes));
        self.emit(Path::root(), self.started, what, ending, notes, out);
    }

    /// Notes something that happened at a place that is open, or else in the run.
    fn note(&mut self, place: &Path, name: &'static str, at: Timestamp, attributes: Vec<KeyValue>) {
        match self.open.get_mut(place).and_then(|open| open.place.as_mut()) {
            Some(place) => place.notes.moment(name, at, attributes),
            None => self.notes.moment(name, at, attributes),
        }
    }

    fn emit(&mut self, path: Path, start: Timestamp, what: What, ending: Ending, notes: Notes, out: &mut Out<'_>) {
        let Ending { at: end, status, problem } = ending;
        let trace = Arc::clone(&self.trace);
        let finished = Finished { trace, path, start, end, what, status, problem, notes, repeated: false };
        match (&mut out.finished, out.repeat) {
            (Some(all), _) => all.push(finished),
            (None, Some(within)) => self.recent.keep(finished, within),
            (None, None) => {}
        }
    }
}
