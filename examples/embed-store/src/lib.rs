//! A store of one's own: one log file for one process.
//!
//! Whatever changes is a line of the log; what the lines make is kept in memory, and is made again from the log when the
//! file is opened. So a change is judged by what is in memory, written, and only then seen — and the code that applies
//! a change does not know whether it is new or read from the file. Nothing has an index: it is small instead of fast.
//!
//! The contract is [`kneo_core::store::Store`], the rules by which commits are judged are [`kneo_store::rule`], and the
//! proof is the conformance suite, in `tests/conformance.rs`.

mod change;
mod commit;
mod log;
mod state;

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use kneo_core::clock::Clock;
use kneo_core::commit::Commit;
use kneo_core::record::Stored;
use kneo_core::store::{
    AuditEntry, Beat, ClaimAsk, Claimed, CommitError, Committed, Durability, FeedItem, OutboxEntry, OutboxId, Page,
    Pruned, Retention, RunQuery, RunRow, Store, StoreError, TaskQuery, Wakeup, Watermark,
};
use kneo_core::task::TaskRow;
use kneo_core::{Digest, Fence, Name, Namespace, RunKey, Seq, TaskId, WorkerId};
use tokio::sync::broadcast;

use change::{Change, MadeCommit};
use log::Log;
use state::State;

/// How many hints wait for a subscriber who does not read: the rest is lost to it, as hints may be.
const HINTS: usize = 1_024;

/// Keeps runs in one log file.
///
/// The file belongs to one open store at a time. Commits are on the disk when they answer.
#[derive(Debug)]
pub struct LogStore {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
    hints: broadcast::Sender<RunKey>,
}

#[derive(Debug)]
struct Inner {
    log: Log,
    state: State,
}

impl LogStore {
    /// Opens the store of a file, which is made if it does not exist.
    ///
    /// # Errors
    /// The file cannot be opened, is open elsewhere, or is damaged before its last line.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<LogStore, StoreError> {
        let (log, changes) = Log::open(path)?;
        let mut state = State::default();
        for change in &changes {
            state.apply(change)?;
        }
        let inner = Mutex::new(Inner { log, state });
        Ok(LogStore { clock, inner, hints: broadcast::Sender::new(HINTS) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, run: &RunKey) {
        // Without subscribers nobody is told.
        let _ = self.hints.send(run.clone());
    }
}

impl Inner {
    /// Writes a change, then makes it seen.
    fn change(&mut self, change: &Change) -> Result<(), StoreError> {
        self.log.append(std::slice::from_ref(change))?;
        self.state.apply(change)
    }

    /// Judges and writes the commits of a call, with one wait for the disk.
    ///
    /// They may depend on one another — two may want one slot —, so each is seen by the next before all are written. If
    /// the file then takes no more, memory is ahead of it: the log stays closed, and the store must be opened again.
    fn commit(&mut self, commits: &[Commit], clock: &dyn Clock) -> Vec<Result<Committed, CommitError>> {
        if let Err(error) = self.log.usable() {
            return commits.iter().map(|_| Err(error.clone().into())).collect();
        }
        let now = clock.now();
        let (mut changes, mut answers) = (Vec::new(), Vec::with_capacity(commits.len()));
        for commit in commits {
            answers.push(match self.state.answered(commit) {
                Some(first) => Ok(first),
                None => self.state.judge(commit, now).and_then(|()| {
                    changes.push(Change::Commit(MadeCommit::new(commit, now)?));
                    self.state.commit(commit, now)
                }),
            });
        }
        if !changes.is_empty()
            && let Err(error) = self.log.append(&changes)
        {
            return commits.iter().map(|_| Err(error.clone().into())).collect();
        }
        answers
    }
}

#[async_trait]
impl Store for LogStore {
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, CommitError>> {
        // Nothing is awaited, so that a commit that was begun is done, whoever drops the future.
        let answers = self.inner().commit(&commits, &*self.clock);
        for (commit, answer) in commits.iter().zip(&answers) {
            if answer.is_ok() {
                self.tell(commit.run());
            }
        }
        answers
    }

    async fn claim(&self, ask: ClaimAsk<'_>) -> Result<Vec<Claimed>, StoreError> {
        let (mut inner, now) = (self.inner(), self.clock.now());
        let runs = inner.state.claimable(&ask, now);
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let claims = runs.iter().map(|run| Change::claim(run, ask.worker, now));
        inner.log.append(&claims.clone().collect::<Vec<_>>())?;
        for claim in claims {
            inner.state.apply(&claim)?;
        }
        Ok(runs.iter().filter_map(|run| inner.state.claimed(run)).collect())
    }

    async fn ready_plans(&self, namespace: &Namespace) -> Result<Vec<Digest>, StoreError> {
        Ok(self.inner().state.ready_plans(namespace, self.clock.now()))
    }

    async fn heartbeat(&self, worker: WorkerId, held: &[(RunKey, Fence)]) -> Result<Vec<Beat>, StoreError> {
        let (mut inner, now) = (self.inner(), self.clock.now());
        let mut beats = Vec::with_capacity(held.len());
        for (run, fence) in held {
            if inner.state.runs_low(run, worker, *fence, now) {
                inner.change(&Change::beat(run, now))?;
            }
            beats.push(inner.state.beat(run, worker, *fence));
        }
        Ok(beats)
    }

    async fn release(&self, run: &RunKey, fence: Fence) -> Result<(), StoreError> {
        let mut inner = self.inner();
        if inner.state.is_held(run, fence) {
            inner.change(&Change::release(run))?;
            self.tell(run);
        }
        Ok(())
    }

    async fn put_plan(&self, digest: Digest, bytes: Bytes) -> Result<(), StoreError> {
        let mut inner = self.inner();
        if inner.state.plan(digest).is_none() {
            let text = String::from_utf8(bytes.to_vec()).map_err(|error| StoreError::damaged(error.to_string()))?;
            inner.change(&Change::Plan { digest, text })?;
        }
        Ok(())
    }

    async fn plan(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        Ok(self.inner().state.plan(digest))
    }

    async fn floor(
        &self,
        namespace: &Namespace,
        workflow: &Name,
        environment: Option<&Name>,
    ) -> Result<Option<u64>, StoreError> {
        Ok(self.inner().state.floor(namespace, workflow, environment))
    }

    async fn run(&self, run: &RunKey) -> Result<Option<RunRow>, StoreError> {
        Ok(self.inner().state.row(run).cloned())
    }

    async fn runs(&self, query: &RunQuery, page: Page) -> Result<Vec<RunRow>, StoreError> {
        Ok(self.inner().state.list_runs(query, page))
    }

    async fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Result<Vec<Stored>, StoreError> {
        Ok(self.inner().state.records(run, after, max))
    }

    async fn task(&self, namespace: &Namespace, task: TaskId) -> Result<Option<TaskRow>, StoreError> {
        Ok(self.inner().state.task(namespace, task).cloned())
    }

    async fn tasks(&self, query: &TaskQuery, page: Page) -> Result<Vec<TaskRow>, StoreError> {
        Ok(self.inner().state.list_tasks(query, page))
    }

    async fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Result<Vec<FeedItem>, StoreError> {
        Ok(self.inner().state.feed(namespace, after, max))
    }

    async fn outbox(&self, namespace: &Namespace, max: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        Ok(self.inner().state.outbox(namespace, max))
    }

    async fn outbox_done(&self, namespace: &Namespace, done: &[OutboxId]) -> Result<(), StoreError> {
        let ids = done.iter().map(|id| id.0).collect();
        self.inner().change(&Change::OutboxDone { namespace: namespace.to_string(), ids })
    }

    async fn audit(&self, run: &RunKey) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.inner().state.audit(run))
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, StoreError> {
        let mut inner = self.inner();
        let doomed = inner.state.old(retention);
        if doomed.is_empty() {
            return Ok(Pruned::default());
        }
        // The new log lacks the runs, and keeps the numbers that must not be given twice and the floors.
        let kept = inner.state.kept();
        inner.log.without(&doomed, &kept)?;
        let blobs = inner.state.forget(&doomed);
        Ok(Pruned { runs: doomed.len() as u64, blobs })
    }

    fn wakeups(&self, _worker: WorkerId) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>> {
        use broadcast::error::RecvError::{Closed, Lagged};
        Box::pin(stream::unfold(self.hints.subscribe(), |mut hints| async move {
            loop {
                match hints.recv().await {
                    Ok(run) => return Some((Wakeup { run }, hints)),
                    // Polling is the truth: what was missed is found by it.
                    Err(Lagged(_)) => {}
                    Err(Closed) => return None,
                }
            }
        }))
    }

    fn durability(&self) -> Durability {
        Durability::Disk
    }
}
