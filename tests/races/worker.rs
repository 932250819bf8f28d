//! A worker in single steps: what a driver does, without its tasks and timers.
//!
//! What was decided is committed a turn later, so that others come in between; functions are called in the same turn
//! in which their intent became durable, as a driver does.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use kneo_core::commit::{Author, LeaseChange};
use kneo_core::record::Record;
use kneo_core::store::{Beat, ClaimAsk, Claimed, CommitError, Store};
use kneo_core::{Actor, Attempt, Failure, FailureKind, Fence, Path, RunStatus, Seq, Timestamp, WorkerId};
use kneo_runtime::engine::{
    EffectRequest, EffectResult, Input, InputKind, OpenEffect, State, decide, effect_request, evolve,
};
use kneo_tests::schedule::pause;

use super::world::{World, applied, record};

/// Claims the run and advances it, again and again, until it is over.
pub(crate) async fn work(world: &World, number: u8) {
    work_ahead(world, number, Duration::ZERO).await;
}

/// [`work`] by a clock that is ahead of the store's.
pub(crate) async fn work_ahead(world: &World, number: u8, ahead: Duration) {
    let id = WorkerId::from_bytes([number; 16]);
    while let Some(claimed) = world.until(|| claim(world, id)).await {
        Hold::new(world, id, ahead, &claimed).advance(claimed).await;
    }
}

fn claim(world: &World, worker: WorkerId) -> Option<Claimed> {
    let plans = [world.plan.digest()];
    let ask = ClaimAsk { worker, namespace: &world.key.namespace, run: None, plans: &plans, max: 1 };
    world.store.claim(ask).now_or_never().unwrap().unwrap().pop()
}

/// A worker's hold on the run, from a claim to the loss of the lease.
struct Hold<'w> {
    world: &'w World,
    worker: WorkerId,
    ahead: Duration,
    fence: Fence,
    state: State,
    tail: Seq,
    /// Calls on their way.
    calls: BTreeSet<(Path, Attempt)>,
}

impl<'w> Hold<'w> {
    fn new(world: &'w World, worker: WorkerId, ahead: Duration, claimed: &Claimed) -> Hold<'w> {
        let (fence, tail) = (claimed.fence, claimed.tail);
        Hold { world, worker, ahead, fence, state: world.state(), tail, calls: BTreeSet::new() }
    }

    async fn advance(mut self, claimed: Claimed) {
        let Claimed { fence, fruitless, .. } = claimed;
        let mut inbox = vec![InputKind::Claimed { worker: self.worker, fence, fruitless }];
        self.rebuild();
        loop {
            let pending = self.turn(&inbox);
            if !pending.is_empty() {
                pause().await;
                let over = self.state.outcome().is_some() || self.state.status() == RunStatus::Blocked;
                let lease = if over { LeaseChange::Release } else { LeaseChange::Keep };
                match self.commit(lease, pending) {
                    Ok(()) if over => return,
                    Ok(()) => {}
                    Err(CommitError::Behind { tail }) => {
                        assert!(tail > self.tail, "behind nothing");
                        self.world.behind.set(self.world.behind.get() + 1);
                        self.rebuild();
                        continue;
                    }
                    Err(CommitError::LeaseLost { holder }) => {
                        assert_ne!(holder, Some(self.worker));
                        self.world.fenced.set(self.world.fenced.get() + 1);
                        return;
                    }
                    // Whoever claimed the run after this worker has ended it.
                    Err(CommitError::Terminal { .. }) => return,
                    Err(other) => panic!("{other}"),
                }
            }
            inbox.clear();
            if !self.news(&mut inbox).await {
                return;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.world.now().after(self.ahead)
    }

    fn rebuild(&mut self) {
        self.state = self.world.state();
        self.read(None);
    }

    /// Folds the records after a place.
    fn read(&mut self, after: Option<Seq>) {
        let records = self.world.store.records(&self.world.key, after, usize::MAX).now_or_never().unwrap().unwrap();
        for stored in &records {
            evolve(&mut self.state, &stored.record.entry, &stored.record.actor).unwrap();
            self.tail = stored.seq;
        }
    }

    /// Decides everything that follows from what happened.
    fn turn(&mut self, inbox: &[InputKind]) -> Vec<Record> {
        let mut pending = Vec::new();
        let now = self.now();
        for kind in inbox {
            self.step(self.world.input(now, kind.clone()), &mut pending);
        }
        while self.step(self.world.input(now, InputKind::Advance), &mut pending) {}
        pending
    }

    fn step(&mut self, input: Input, pending: &mut Vec<Record>) -> bool {
        let entries = decide(&self.state, &input);
        let any = !entries.is_empty();
        for entry in entries {
            let actor = Actor::Worker(self.worker);
            evolve(&mut self.state, &entry, &actor).unwrap();
            pending.push(record(actor, entry));
        }
        any
    }

    fn commit(&mut self, lease: LeaseChange, records: Vec<Record>) -> Result<(), CommitError> {
        let count = records.len() as u64;
        let author = Author::Holder { worker: self.worker, fence: self.fence, expected: self.tail };
        let committed = self.world.commit(author, lease, records)?;
        assert_eq!(committed.first, self.tail.plus(1), "the journal is dense");
        assert_eq!(committed.tail, self.tail.plus(count));
        self.tail = committed.tail;
        self.replay_is_live();
        let open: Vec<(Path, OpenEffect)> = self.state.open_effects().map(|(at, open)| (at.clone(), *open)).collect();
        for (path, OpenEffect { attempt, cancelling, .. }) in open {
            if !cancelling && self.calls.insert((path.clone(), attempt)) {
                self.world.call(&path, attempt);
            }
        }
        Ok(())
    }

    /// What others read is what this worker goes on from.
    fn replay_is_live(&self) {
        let journal = self.world.journal();
        assert_eq!(journal.last().map(|stored| stored.seq), Some(self.tail));
        let replayed = kneo_runtime::replay(&self.world.plan, self.world.key.run, &journal).unwrap();
        assert_eq!(replayed, self.state, "replay is not the live state");
    }

    /// Waits for calls that end, news from outside, or a timer; `false` if the lease is gone.
    async fn news(&mut self, inbox: &mut Vec<InputKind>) -> bool {
        // What was told to stop in the turn that wanted it never began.
        for (path, open) in self.state.open_effects() {
            if open.cancelling && !self.calls.contains(&(path.clone(), open.attempt)) {
                let (path, attempt) = (path.clone(), open.attempt);
                inbox.push(InputKind::Outcome { path, attempt, result: EffectResult::Cancelled });
            }
        }
        loop {
            pause().await;
            let beat = self.world.draw(|rng| rng.one_in(3));
            if beat && !self.beat() {
                return false;
            }
            let calls: Vec<(Path, Attempt)> = self.calls.iter().cloned().collect();
            for (path, attempt) in calls {
                if self.world.draw(|rng| rng.one_in(3)) {
                    self.calls.remove(&(path.clone(), attempt));
                    let result = self.result(&path, attempt);
                    inbox.push(InputKind::Outcome { path, attempt, result });
                }
            }
            let due = self.state.next_timer().is_some_and(|at| at <= self.now());
            if !inbox.is_empty() || beat || due {
                return true;
            }
        }
    }

    /// Extends the lease and takes what others have added.
    fn beat(&mut self) -> bool {
        let held = [(self.world.key.clone(), self.fence)];
        let beats = self.world.store.heartbeat(self.worker, &held).now_or_never().unwrap().unwrap();
        match beats.as_slice() {
            [Beat::Held { tail, .. }] if *tail > self.tail => self.read(Some(self.tail)),
            [Beat::Held { .. }] => {}
            _ => return false,
        }
        true
    }

    /// What became of a call. Some calls that were told to stop do, others give their result all the same.
    fn result(&self, path: &Path, attempt: Attempt) -> EffectResult {
        match self.state.open_effect(path).filter(|open| open.attempt == attempt) {
            Some(open) if !open.cancelling => match effect_request(&self.state, path).unwrap() {
                EffectRequest::Function { function, input, .. } => {
                    let name = &self.world.plan.plan().function(function).unwrap().name;
                    match name.as_str() {
                        "fails" => EffectResult::failed(Failure::new(FailureKind::Function, "it always fails")),
                        name => EffectResult::Value(applied(name, &input)),
                    }
                }
                other => panic!("a race has functions only: {other:?}"),
            },
            _ if self.world.draw(|rng| rng.one_in(2)) => EffectResult::Cancelled,
            _ => EffectResult::Value(kneo_core::Value::from("too late")),
        }
    }
}
