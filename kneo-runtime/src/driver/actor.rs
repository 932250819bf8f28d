//! One live run: the loop that decides, commits, and only then acts.

mod effects;
mod tell;
mod turn;

use std::collections::BTreeMap;
use std::sync::Arc;

use kneo_core::actor::Actor as By;
use kneo_core::event::{Entry, RunStarted};
use kneo_core::record::Record;
use kneo_core::run::RunKey;
use kneo_core::seal::Vouched;
use kneo_core::store::{Claimed, CommitError};
use kneo_core::trace::TraceContext;
use kneo_core::{Cancel, Fence, Path, Seq, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use super::live::{Live, Slot};
use crate::bind::Bound;
use crate::draw::Draws;
use crate::engine::{InputKind, State};
use crate::error::{RuntimeError, unexpected};
use crate::observe;
use crate::replay::fold;
use crate::shared::Shared;
use crate::verify;
use effects::Running;

/// Advances one run, from claim or start to the end of the lease.
struct Actor {
    shared: Arc<Shared>,
    live: Arc<Live>,
    bound: Arc<Bound>,
    draws: Draws,
    /// The parent of the tokens of its calls.
    cancel: Cancel,
    fence: Fence,
    /// Whoever started the run; only a run that is being made asks.
    starter: By,
    /// The trace that the starter has begun.
    trace: Option<TraceContext>,
    /// Whether the seal of a run that is being made was verified.
    vouched: Vouched,
    /// The fold of the journal up to `tail`, and of `pending`.
    state: State,
    /// The last committed record that is folded; `None` until the run exists.
    tail: Option<Seq>,
    /// The last record that observers were told of.
    told: Option<Seq>,
    /// Folded, and not committed yet.
    pending: Vec<Record>,
    /// The size of `pending`, in bytes, roughly.
    weight: u64,
    /// What happened and is not decided yet.
    inbox: Vec<InputKind>,
    /// Room for what is being decided.
    entries: Vec<Entry>,
    /// Attempts on their way; one is gone before the next of its place begins.
    running: BTreeMap<Path, Running>,
    results: (mpsc::UnboundedSender<InputKind>, mpsc::UnboundedReceiver<InputKind>),
    /// The last time at which nothing more followed: timers up to it have been looked at.
    looked_at: Timestamp,
    /// The run has ended, durably.
    ended: bool,
    _slot: Slot,
}

/// Why an actor ends.
enum Stop {
    /// The run ended or parked, and the lease went with the commit that said so.
    Over,
    /// The run is another's, or has ended without this worker.
    Lost,
    /// The runtime goes away.
    Closed,
    /// The commit that makes the run was refused.
    NotCreated(CommitError),
    /// The run cannot go on here.
    Broken(RuntimeError),
}

impl From<RuntimeError> for Stop {
    fn from(error: RuntimeError) -> Stop {
        Stop::Broken(error)
    }
}

/// Why a run was not made.
#[derive(Debug)]
pub(crate) enum NotMade {
    /// The store refused.
    Refused(CommitError),
    /// The first turn went wrong.
    Broken(RuntimeError),
}

impl From<CommitError> for NotMade {
    fn from(error: CommitError) -> NotMade {
        NotMade::Refused(error)
    }
}

/// How an actor begins.
enum Opening {
    /// It makes the run, and says whether that succeeded.
    Create(oneshot::Sender<Result<(), NotMade>>),
    /// It reads the journal.
    Claim,
}

/// A run that is to be made.
pub(crate) struct Creation {
    pub(crate) key: RunKey,
    pub(crate) start: RunStarted,
    pub(crate) starter: By,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) vouched: Vouched,
}

/// Makes a run and advances it, in a task of its own: dropping the answer stops nothing.
pub(crate) fn create(
    shared: &Arc<Shared>,
    creation: Creation,
    bound: Arc<Bound>,
    slot: Slot,
) -> oneshot::Receiver<Result<(), NotMade>> {
    let Creation { key, start, starter, trace, vouched } = creation;
    let (answer, created) = oneshot::channel();
    // The first epoch of every run.
    let fence = Fence::default().next();
    let mut actor = Actor::new(shared, key, bound, fence, slot);
    actor.starter = starter;
    actor.trace = trace;
    actor.vouched = vouched;
    let claimed = InputKind::Claimed { worker: shared.worker, fence, fruitless: 1 };
    actor.inbox = vec![InputKind::Start(Box::new(start)), claimed];
    actor.spawn(Opening::Create(answer));
    created
}

/// Advances a claimed run, in a task of its own.
pub(super) fn adopt(shared: &Arc<Shared>, claimed: Claimed, bound: Arc<Bound>, slot: Slot) -> Arc<Live> {
    let Claimed { run, fence, fruitless, .. } = claimed;
    let mut actor = Actor::new(shared, run, bound, fence, slot);
    let live = Arc::clone(&actor.live);
    live.hold(fence);
    actor.inbox = vec![InputKind::Claimed { worker: shared.worker, fence, fruitless }];
    actor.spawn(Opening::Claim);
    live
}

impl Actor {
    fn new(shared: &Arc<Shared>, key: RunKey, bound: Arc<Bound>, fence: Fence, slot: Slot) -> Actor {
        let live = Live::new(key, &shared.hub);
        shared.live.insert(&live);
        Actor {
            state: State::new(Arc::clone(&bound.program), live.key.run),
            shared: Arc::clone(shared),
            draws: Draws::new(&*shared.entropy),
            cancel: shared.cancel.child(),
            live,
            bound,
            fence,
            starter: By::Host,
            trace: None,
            vouched: Vouched::Otherwise,
            tail: None,
            told: None,
            pending: Vec::new(),
            weight: 0,
            inbox: Vec::new(),
            entries: Vec::new(),
            running: BTreeMap::new(),
            results: mpsc::unbounded_channel(),
            looked_at: Timestamp::default(),
            ended: false,
            _slot: slot,
        }
    }

    fn spawn(self, opening: Opening) {
        let (shared, live) = (Arc::clone(&self.shared), Arc::clone(&self.live));
        let span = observe::run(&live.key);
        live.runs_as(shared.work.spawn(self.live(opening).instrument(span)).abort_handle());
        if shared.closing.is_cancelled() {
            live.close();
        }
    }

    async fn live(mut self, opening: Opening) {
        let opened = match opening {
            Opening::Create(answer) => self.make(answer).await,
            Opening::Claim => self.take_up().await,
        };
        let stop = match opened {
            Ok(()) => self.run().await,
            Err(stop) => stop,
        };
        self.leave(stop).await;
    }

    /// The commit that makes the run: with the claim and the whole first turn in it.
    async fn make(&mut self, answer: oneshot::Sender<Result<(), NotMade>>) -> Result<(), Stop> {
        let turn = self.turn().await;
        let made = match &turn {
            Err(Stop::NotCreated(error)) => Err(NotMade::Refused(error.clone())),
            Err(Stop::Broken(error)) => Err(NotMade::Broken(error.clone())),
            Ok(_) | Err(Stop::Over | Stop::Lost | Stop::Closed) => Ok(()),
        };
        // Whoever started the run may have gone; the run goes on.
        let _ = answer.send(made);
        turn?;
        self.reconcile().await
    }

    async fn run(&mut self) -> Stop {
        loop {
            if let Err(stop) = self.round().await {
                return stop;
            }
        }
    }

    /// One round: take what happened, decide, commit, act, wait.
    async fn round(&mut self) -> Result<(), Stop> {
        while let Ok(result) = self.results.1.try_recv() {
            self.settle(result);
        }
        if self.live.is_lost() {
            return Err(Stop::Lost);
        }
        if self.live.is_closing() {
            return Err(Stop::Closed);
        }
        // With results in hand there is no need to ask: the commit will say if others were faster.
        if self.inbox.is_empty() {
            self.catch_up().await?;
        }
        let more = self.turn().await?;
        self.reconcile().await?;
        if more || !self.inbox.is_empty() {
            tokio::task::consume_budget().await;
        } else {
            self.idle().await;
        }
        Ok(())
    }

    /// Waits for a result, a word from outside, or the next timer.
    async fn idle(&mut self) {
        // A timer that is due and yet led to nothing waits for something else.
        let timer = self.state.next_timer().filter(|at| *at > self.looked_at);
        let nap = timer.map(|at| at.since(self.shared.now()));
        tokio::select! {
            biased;
            Some(result) = self.results.1.recv() => self.settle(result),
            () = self.live.notify.notified() => {}
            () = nap_for(nap) => {}
        }
    }

    /// Folds what others have added.
    async fn catch_up(&mut self) -> Result<(), Stop> {
        let Some(tail) = self.tail.filter(|tail| self.live.take_hint(*tail)) else { return Ok(()) };
        let records = self.shared.records(&self.live.key, Some(tail)).await.map_err(RuntimeError::from);
        match records {
            Ok(records) => {
                self.tail = fold(&mut self.state, &records)?.or(Some(tail));
                self.tell(&records);
            }
            // The next commit tells of what was missed here, and the next beat hints again.
            Err(error) => tracing::warn!(%error, "the news of the run could not be read"),
        }
        Ok(())
    }

    /// Reads the journal of a run that another began, and makes sure that its plan may run here.
    async fn take_up(&mut self) -> Result<(), Stop> {
        self.rebuild().await?;
        let seal = self.state.seal();
        match verify::go_on(&self.shared, self.bound.program.compiled(), seal.as_deref()).await {
            // A run that is to be stopped starts nothing any more, whatever its plan.
            Err(_) if self.state.is_cancel_requested() => Ok(()),
            verified => Ok(verified?),
        }
    }

    /// Reads the whole journal: after a claim, and when others were faster than a commit.
    async fn rebuild(&mut self) -> Result<(), Stop> {
        self.pending.clear();
        self.weight = 0;
        self.state = State::new(Arc::clone(&self.bound.program), self.live.key.run);
        let records = self.shared.journal(&self.live.key).await.map_err(RuntimeError::from)?;
        self.tail = fold(&mut self.state, &records)?;
        self.trace = records.first().and_then(|first| first.record.trace);
        self.tell(&records);
        match self.tail {
            Some(_) => Ok(()),
            None => Err(RuntimeError::RunNotFound { run: self.live.key.run }.into()),
        }
    }

    /// Ends: gives back what it holds, and tells who waits.
    async fn leave(mut self, stop: Stop) {
        match &stop {
            Stop::Over => {
                if let Some(outcome) = self.state.outcome() {
                    self.ended = true;
                    // A run ends once.
                    let _ = self.live.watch.ended.set(outcome.clone());
                }
                self.tell_running_to_stop();
            }
            Stop::NotCreated(_) => self.tell_running_to_stop(),
            Stop::Lost => {
                tracing::info!("the run is another worker's now");
                self.tell_running_to_stop();
            }
            Stop::Closed => self.hand_over().await,
            Stop::Broken(error) => {
                tracing::error!(code = error.code(), %error, "the run cannot go on here");
                self.tell_running_to_stop();
                // Any other lease runs out by itself: given back, the run would be claimed and broken again at once.
                if matches!(error, RuntimeError::Store(error) if error.is_retryable()) {
                    self.give_back().await;
                } else {
                    self.live.watch.set_broken(Some(error.clone()));
                }
            }
        }
    }

    /// Ends calmly: calls are told to stop, results that still come are committed, the lease is given back.
    ///
    /// What does not end with a result stays an open intent, and is for the next worker to judge.
    async fn hand_over(&mut self) {
        self.tell_running_to_stop();
        while !self.running.is_empty() {
            // Every attempt ends within its grace, and says so.
            let Some(result) = self.results.1.recv().await else { break };
            self.settle(result);
        }
        self.inbox.retain(|input| !is_cancelled(input));
        match self.last_turn().await {
            Ok(true) => {}
            Ok(false) => self.give_back().await,
            Err(Stop::Over | Stop::Lost | Stop::Closed | Stop::NotCreated(_)) => {}
            Err(Stop::Broken(error)) => {
                tracing::warn!(%error, "the last results were not committed; what led to them runs again");
                self.give_back().await;
            }
        }
    }

    async fn give_back(&mut self) {
        if self.live.fence().is_none() {
            return;
        }
        if let Err(error) = self.shared.store.release(&self.live.key, self.fence).await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
    }
}

/// However an actor ends, dropped by an abort included, nothing of it stays behind.
impl Drop for Actor {
    fn drop(&mut self) {
        if self.ended {
            self.shared.live.end(self.live.key.run);
        }
        self.shared.live.remove(&self.live);
        self.live.gone.cancel();
        self.live.watch.changed.notify_waiters();
        self.live.watch.settled.notify_waiters();
        // A fact that came in while the run was parked may have been told to this actor, which no longer listened.
        if !self.ended || self.shared.live.take_wanted() {
            self.shared.claims.notify_one();
        }
    }
}

fn is_cancelled(input: &InputKind) -> bool {
    matches!(input, InputKind::Outcome { result: crate::engine::EffectResult::Cancelled, .. })
}

async fn nap_for(nap: Option<std::time::Duration>) {
    match nap {
        Some(nap) => tokio::time::sleep(nap).await,
        None => std::future::pending().await,
    }
}

/// What a refused commit means for an actor.
fn refused(error: CommitError, creating: bool) -> Stop {
    match error {
        error if creating => Stop::NotCreated(error),
        CommitError::LeaseLost { .. } | CommitError::Terminal { .. } | CommitError::RunNotFound { .. } => Stop::Lost,
        CommitError::Store(error) => Stop::Broken(error.into()),
        other => Stop::Broken(unexpected(&other)),
    }
}
