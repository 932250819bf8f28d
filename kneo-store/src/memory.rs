//! The store that lives in the process: the reference implementation.
//!
//! Everything is behind one lock and every method runs to its end under it, so that each is atomic. A commit is judged
//! whole before it changes anything, and changing cannot fail; a store with a database does the same in a transaction.

mod claim;
mod commit;
mod query;
mod state;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use kneo_core::clock::Clock;
use kneo_core::commit::Commit;
use kneo_core::record::Stored;
use kneo_core::run::RunKey;
use kneo_core::store::{
    AuditEntry, Beat, ClaimAsk, Claimed, CommitError, Committed, Durability, FeedItem, OutboxEntry, OutboxId, Page,
    Pruned, Retention, RunQuery, RunRow, Store, StoreError, TaskQuery, Wakeup, Watermark,
};
use kneo_core::task::TaskRow;
use kneo_core::{Digest, Fence, Name, Namespace, Seq, TaskId, WorkerId};

use crate::clock::SystemClock;
use crate::hint::Hints;
use state::State;

/// Keeps runs in memory, for as long as the store lives.
///
/// Records are kept as they were committed and shared with whoever reads them; nothing is encoded.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    hints: Arc<Hints>,
}

/// Shows how many runs there are, and nothing of what is said in them.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("clock", &self.clock)
            .field("runs", &self.state().runs.len())
            .finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// Makes an empty store with a clock for leases, readiness and deadlines.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> MemoryStore {
        MemoryStore { clock, state: Mutex::default(), hints: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // INVARIANT: the state is changed only by code that does not panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An empty store with the machine's clock.
impl Default for MemoryStore {
    fn default() -> MemoryStore {
        MemoryStore::new(Arc::new(SystemClock))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, CommitError>> {
        let now = self.clock.now();
        let mut answers = Vec::with_capacity(commits.len());
        {
            let mut state = self.state();
            answers.extend(commits.iter().map(|commit| state.commit(commit, now)));
        }
        if self.hints.any() {
            let done = commits.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
            done.for_each(|(commit, _)| self.hints.tell_of(commit));
        }
        answers
    }

    async fn claim(&self, ask: ClaimAsk<'_>) -> Result<Vec<Claimed>, StoreError> {
        Ok(self.state().claim(&ask, self.clock.now()))
    }

    async fn ready_plans(&self, namespace: &Namespace) -> Result<Vec<Digest>, StoreError> {
        Ok(self.state().ready_plans(namespace, self.clock.now()))
    }

    async fn heartbeat(&self, worker: WorkerId, held: &[(RunKey, Fence)]) -> Result<Vec<Beat>, StoreError> {
        let (now, mut state) = (self.clock.now(), self.state());
        Ok(held.iter().map(|(run, fence)| state.beat(worker, run, *fence, now)).collect())
    }

    async fn release(&self, run: &RunKey, fence: Fence) -> Result<(), StoreError> {
        if self.state().release(run, fence) {
            self.hints.tell(run, None);
        }
        Ok(())
    }

    async fn put_plan(&self, digest: Digest, bytes: Bytes) -> Result<(), StoreError> {
        self.state().plans.entry(digest).or_insert(bytes);
        Ok(())
    }

    async fn plan(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state().plans.get(&digest).cloned())
    }

    async fn floor(
        &self,
        namespace: &Namespace,
        workflow: &Name,
        environment: Option<&Name>,
    ) -> Result<Option<u64>, StoreError> {
        let key = (namespace.clone(), workflow.clone(), environment.cloned());
        Ok(self.state().floors.get(&key).copied())
    }

    async fn run(&self, run: &RunKey) -> Result<Option<RunRow>, StoreError> {
        Ok(self.state().runs.get(run).map(|run| run.row.clone()))
    }

    async fn runs(&self, query: &RunQuery, page: Page) -> Result<Vec<RunRow>, StoreError> {
        Ok(self.state().list_runs(query, page))
    }

    async fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Result<Vec<Stored>, StoreError> {
        Ok(self.state().records(run, after, max))
    }

    async fn task(&self, namespace: &Namespace, task: TaskId) -> Result<Option<TaskRow>, StoreError> {
        Ok(self.state().tasks.get(&(namespace.clone(), task)).cloned())
    }

    async fn tasks(&self, query: &TaskQuery, page: Page) -> Result<Vec<TaskRow>, StoreError> {
        Ok(self.state().list_tasks(query, page))
    }

    async fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Result<Vec<FeedItem>, StoreError> {
        Ok(self.state().feed(namespace, after, max))
    }

    async fn outbox(&self, namespace: &Namespace, max: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        Ok(self.state().outbox(namespace, max))
    }

    async fn outbox_done(&self, namespace: &Namespace, done: &[OutboxId]) -> Result<(), StoreError> {
        self.state().outbox_done(namespace, done);
        Ok(())
    }

    async fn audit(&self, run: &RunKey) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.state().runs.get(run).map(|run| run.audit.clone()).unwrap_or_default())
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, StoreError> {
        Ok(self.state().prune(retention))
    }

    fn wakeups(&self, worker: WorkerId) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>> {
        self.hints.subscribe(worker)
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.hints.close();
    }
}
