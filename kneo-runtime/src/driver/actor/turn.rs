//! One turn: everything that follows from what happened, in one commit.

use std::sync::Arc;

use kneo_core::actor::Actor as By;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event};
use kneo_core::record::Record;
use kneo_core::seal::Vouched;
use kneo_core::store::{CommitError, Committed, StoreError};
use kneo_core::{CommitId, Fence, Payload, RunOutcome, RunStatus, Timestamp};

use super::{Actor, Stop, refused};
use crate::engine::{Input, InputKind, REVISION, decide_into, evolve};
use crate::error::{Place, RuntimeError};
use crate::verify;

/// A turn ends with this many records, so that a run that only computes can still be cancelled.
const MAX_RECORDS: usize = 1_000;

/// A turn ends with this many bytes, roughly.
const MAX_BYTES: u64 = 1024 * 1024;

impl Actor {
    /// Decides what follows from the inbox and commits it; whether more follows than one turn takes.
    pub(super) async fn turn(&mut self) -> Result<bool, Stop> {
        let mut inputs = std::mem::take(&mut self.inbox);
        loop {
            let now = self.shared.now();
            let more = self.decide_all(now, &mut inputs)?;
            if self.pending.is_empty() {
                return Ok(more);
            }
            let over = self.state.outcome().is_some() || self.state.status() == RunStatus::Blocked;
            let lease = match (self.tail, over) {
                (None, false) => LeaseChange::Take { worker: self.shared.worker },
                (None, true) => {
                    self.claim_nothing();
                    LeaseChange::Keep
                }
                (Some(_), false) => LeaseChange::Keep,
                (Some(_), true) => LeaseChange::Release,
            };
            match self.commit(now, lease).await {
                Ok(_) if over => return Err(Stop::Over),
                Ok(_) => {
                    // The inbox keeps its room.
                    inputs.clear();
                    self.inbox = inputs;
                    return Ok(more);
                }
                // Nothing was done on what was decided, so it is decided again on what others have added.
                Err(CommitError::Behind { .. }) => self.rebuild().await?,
                Err(error) => return Err(refused(error, self.tail.is_none())),
            }
        }
    }

    /// The last results, and nothing that follows from them; whether there was a commit, which gave the lease back.
    pub(super) async fn last_turn(&mut self) -> Result<bool, Stop> {
        if self.inbox.is_empty() || self.tail.is_none() {
            return Ok(false);
        }
        let mut inputs = std::mem::take(&mut self.inbox);
        loop {
            let now = self.shared.now();
            for input in &mut inputs {
                self.step(now, input)?;
            }
            if self.pending.is_empty() {
                return Ok(false);
            }
            match self.commit(now, LeaseChange::Release).await {
                Ok(_) => return Ok(true),
                Err(CommitError::Behind { .. }) => self.rebuild().await?,
                Err(error) => return Err(refused(error, false)),
            }
        }
    }

    fn decide_all(&mut self, now: Timestamp, inputs: &mut [InputKind]) -> Result<bool, Stop> {
        for input in inputs {
            self.step(now, input)?;
        }
        while self.pending.len() < MAX_RECORDS && self.weight < MAX_BYTES {
            if !self.step(now, &mut InputKind::Advance)? {
                self.looked_at = now;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Decides one input and folds what follows; whether anything did.
    fn step(&mut self, now: Timestamp, kind: &mut InputKind) -> Result<bool, Stop> {
        // The input is lent to the engine and taken back: it may have to be decided again.
        let lent = std::mem::replace(kind, InputKind::Advance);
        let input = Input { now, entropy: self.draws.bytes(), kind: lent };
        let mut entries = std::mem::take(&mut self.entries);
        decide_into(&self.state, &input, &mut entries);
        *kind = input.kind;
        let any = !entries.is_empty();
        for entry in entries.drain(..) {
            let (actor, trace) = match &entry.event {
                Event::RunStarted(_) => (self.starter.clone(), self.trace),
                _ => (By::Worker(self.shared.worker), None),
            };
            evolve(&mut self.state, &entry, &actor).map_err(|mismatch| RuntimeError::JournalMismatch {
                place: Place { run: self.live.key.run, path: entry.path.clone() },
                seq: self.tail.map_or(0, |tail| tail.as_u64()) + self.pending.len() as u64 + 1,
                message: mismatch.to_string(),
            })?;
            self.weight += weight(&entry);
            self.pending.push(Record { revision: REVISION, actor, trace, entry });
        }
        self.entries = entries;
        Ok(any)
    }

    /// A run that ends or parks in the commit that makes it is never leased: its claim is of the epoch before all.
    fn claim_nothing(&mut self) {
        for record in &mut self.pending {
            if let Event::RunClaimed { fence, .. } = &mut record.entry.event {
                *fence = Fence::default();
            }
        }
    }

    async fn commit(&mut self, now: Timestamp, lease: LeaseChange) -> Result<Committed, CommitError> {
        let (author, vouched) = match self.tail {
            None => (Author::Creator, self.vouched),
            Some(expected) => {
                let author = Author::Holder { worker: self.shared.worker, fence: self.fence, expected };
                (author, Vouched::Otherwise)
            }
        };
        let id = CommitId::new(now, self.draws.bytes());
        let records: Arc<[Record]> = self.pending.drain(..).collect();
        self.weight = 0;
        let told = if self.shared.observers.is_empty() { Vec::new() } else { records.to_vec() };
        let commit = Commit::new(id, self.live.key.clone(), author, lease, records)
            .and_then(|commit| verify::floored(commit, vouched))
            .map_err(|error| StoreError::damaged(format!("the engine's records make no commit: {error}")))?;
        let committed = self.shared.commit(commit).await?;
        self.tail = Some(committed.tail);
        self.tell_committed(told, committed.tail);
        if let Some(fence) = committed.fence {
            self.fence = fence;
            self.live.hold(fence);
        }
        self.live.watch.changed.notify_waiters();
        Ok(committed)
    }
}

/// About how many bytes an entry adds to a commit.
fn weight(entry: &Entry) -> u64 {
    let size = |payload: &Payload| payload.value().size();
    let payload = match &entry.event {
        Event::RunStarted(start) => size(&start.input),
        Event::RunEnded(outcome) => match &**outcome {
            RunOutcome::Completed(output) => size(output),
            RunOutcome::Failed(_) | RunOutcome::Cancelled | RunOutcome::TimedOut(_) | RunOutcome::Expired(_) => 0,
        },
        Event::StepEntered { input: Some(payload), .. }
        | Event::StepComputed { output: payload, .. }
        | Event::StepCompleted { output: kneo_core::event::Source::Value(payload) }
        | Event::EffectSucceeded { output: payload, .. } => size(payload),
        Event::TaskOpened(opened) => opened.request.subject.size() + opened.request.context.size(),
        _ => 0,
    };
    payload.saturating_add(64)
}
