//! The contract of stores.

mod error;
mod query;

pub use error::{CommitError, StoreError};
pub use query::{
    AuditEntry, Beat, ClaimAsk, Claimed, Committed, Durability, FeedItem, OutboxEntry, OutboxId, Page, Pruned,
    Retention, RunQuery, RunRow, TaskQuery, Wakeup, Watermark,
};

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

use crate::commit::Commit;
use crate::digest::Digest;
use crate::id::{TaskId, WorkerId};
use crate::name::{Name, Namespace};
use crate::record::Stored;
use crate::run::{Fence, RunKey, Seq};
use crate::task::TaskRow;

/// How long a lease lasts without a heartbeat or a commit.
pub const LEASE: Duration = Duration::from_secs(15);

/// How often a holder extends its leases at least.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// Where runs live.
///
/// # Contract
/// - **One way in.** Only [`Store::commit`] changes what a run is; claims, heartbeats and releases change its lease.
/// - **Durability.** A commit that answered `Ok` survives what [`Store::durability`] says. A record is visible to any
///   reader only after its commit is durable.
/// - **All or nothing.** A commit's records, run row, tasks, holds, idempotency key, floor, blobs, outbox and audit rows
///   change together or not at all. Commits of one call stand alone: each succeeds or fails by itself.
/// - **Order.** The records of a run have dense sequence numbers from 1; a reader who sees one has seen all before it.
/// - **Fencing.** A holder's commit succeeds only under the run's present fence, on the expected last record, of a live
///   run. A fence is never used twice for a run.
/// - **First wins.** Of several decisions of one task the first succeeds. A decision after the task's deadline, by the
///   store's clock, is refused even if nothing has recorded the expiry, unless the task escalates then; a decision after
///   a cancel request, or after the run's own deadline, even if nothing has withdrawn the task.
/// - **Idempotency.** A commit id that was committed answers as it did the first time. An idempotency key that was
///   taken with the same digest answers [`CommitError::Started`], with another [`CommitError::KeyConflict`].
/// - **No way back.** A start that has a [`Floor`](crate::commit::Floor) is refused with [`CommitError::RolledBack`] if its
///   sequence is lower than the floor of its namespace, workflow and environment, and raises that floor if it is higher.
///   Look and change are one: of two starts at the same moment the second sees what the first has raised. A start that
///   finds its run by its idempotency key makes nothing, so that the floor has no say in it. Commits without a floor
///   neither look at one nor raise one. Floors never sink and are never deleted, whatever becomes of the runs.
/// - **Time.** Leases, readiness and deadlines use the store's clock; `at` of external records is the store's, and never
///   before that of the run's last record. After a holder's commit or heartbeat its lease has at least 10 s left; a
///   store need not write the row anew for the rest.
/// - **Honest refusals.** A commit is refused only for a reason that a reader can see: a store that finds none, because
///   the run moved on between refusal and look, submits the commit again by itself.
/// - **Concurrency.** Every method may be called at any time from any task; several processes may share a durable store.
///
/// # Implementing
/// `kneo-store` holds the in-memory reference and the conformance suite; an implementation is correct if it passes.
///
/// # Cancel safety
/// A commit is submitted at the first poll and then belongs to the store: dropping its future neither aborts nor
/// repeats it. Every other method may be dropped; it has then happened or not.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Commits changes of different runs as one durable unit, and answers for each, in order.
    ///
    /// Two commits of one call never name the same run.
    ///
    /// # Errors
    /// Per commit: a refusal that says why, after which nothing of it was written. [`StoreError::Unavailable`] with
    /// `unknown` is the one answer that leaves this open: the same commit, submitted again, tells.
    ///
    /// # Cancel safety
    /// The commits are the store's from the first poll on: dropping the future neither aborts nor repeats them.
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, CommitError>>;

    /// Takes the leases of runs that are ready: live, unleased or with an expired lease, and due or asked to stop.
    ///
    /// On success every run that is given out is this worker's alone until its lease ends. The longest wait comes first.
    ///
    /// # Errors
    /// The store fails; leases that were taken all the same run out by themselves.
    ///
    /// # Cancel safety
    /// Dropping the future may leave leases taken; they run out by themselves.
    async fn claim(&self, ask: ClaimAsk<'_>) -> Result<Vec<Claimed>, StoreError>;

    /// The plans of runs that could be claimed now, each once.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn ready_plans(&self, namespace: &Namespace) -> Result<Vec<Digest>, StoreError>;

    /// Extends leases, and tells for each whether it is still held and what the run's last record is.
    ///
    /// Called at every poll of a worker, with all that it holds: leases that have enough left should cost a read. The
    /// answers are in the order of the question.
    ///
    /// # Errors
    /// The store fails; leases that are not extended run out.
    ///
    /// # Cancel safety
    /// Dropping the future may leave leases extended, which does no harm.
    async fn heartbeat(&self, worker: WorkerId, held: &[(RunKey, Fence)]) -> Result<Vec<Beat>, StoreError>;

    /// Gives a lease back without a commit; a lease that is no longer held is left alone.
    ///
    /// # Errors
    /// The store fails; the lease runs out by itself.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the lease given back.
    async fn release(&self, run: &RunKey, fence: Fence) -> Result<(), StoreError>;

    /// Keeps a plan under its digest; keeping it again changes nothing. Plans are never deleted while a run names them.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the plan kept, which does no harm.
    async fn put_plan(&self, digest: Digest, bytes: Bytes) -> Result<(), StoreError>;

    /// The bytes of a plan, as they were put; the caller checks them against the digest.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn plan(&self, digest: Digest) -> Result<Option<Bytes>, StoreError>;

    /// The least sequence of a workflow's plans that may start in an environment, where a start has raised one.
    ///
    /// `None` as environment is that of seals for any. It only tells what would be refused now; that nothing older
    /// starts is for [`Store::commit`] to see to.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn floor(
        &self,
        namespace: &Namespace,
        workflow: &Name,
        environment: Option<&Name>,
    ) -> Result<Option<u64>, StoreError>;

    /// A run's row.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn run(&self, run: &RunKey) -> Result<Option<RunRow>, StoreError>;

    /// Runs, newest first.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn runs(&self, query: &RunQuery, page: Page) -> Result<Vec<RunRow>, StoreError>;

    /// A run's records after a sequence number, in order, at most `max`; values are resolved.
    ///
    /// Fewer than `max` are all that there are. A run that does not exist has none.
    ///
    /// # Errors
    /// The store fails, or holds what it cannot read.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Result<Vec<Stored>, StoreError>;

    /// A human task.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn task(&self, namespace: &Namespace, task: TaskId) -> Result<Option<TaskRow>, StoreError>;

    /// Human tasks, oldest first.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn tasks(&self, query: &TaskQuery, page: Page) -> Result<Vec<TaskRow>, StoreError>;

    /// Commits of a namespace after a watermark: at least once, in order within a run.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Result<Vec<FeedItem>, StoreError>;

    /// Outbox rows that are not yet done, oldest first.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn outbox(&self, namespace: &Namespace, max: usize) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Marks outbox rows as done; one that is done already is left alone.
    ///
    /// # Errors
    /// The store fails; what is not marked is given out again.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the rows marked.
    async fn outbox_done(&self, namespace: &Namespace, done: &[OutboxId]) -> Result<(), StoreError>;

    /// A run's audit rows, oldest first.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn audit(&self, run: &RunKey) -> Result<Vec<AuditEntry>, StoreError>;

    /// Deletes ended runs with everything that belongs to them; live runs are never touched, and floors stay.
    ///
    /// A blob goes with the last run that refers to it, in the same transaction.
    ///
    /// # Errors
    /// The store fails; nothing is deleted by halves.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the runs deleted.
    async fn prune(&self, retention: &Retention) -> Result<Pruned, StoreError>;

    /// Hints that runs changed, for a worker: what it committed itself it knows, and a store that can tell leaves it out.
    ///
    /// Hints may be lost or doubled: polling is the truth. A subscriber that does not read hinders nobody.
    fn wakeups(&self, worker: WorkerId) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>>;

    /// What a committed record survives.
    fn durability(&self) -> Durability;
}
