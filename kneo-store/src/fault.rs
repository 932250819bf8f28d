//! A wrapper that makes any store refuse, lose answers, wait and drop what it was asked.
//!
//! For tests of whatever stands on a store: the wrapped store stays right, only its caller has a hard time.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use kneo_core::commit::Commit;
use kneo_core::record::Stored;
use kneo_core::run::RunKey;
use kneo_core::store::{
    AuditEntry, Beat, ClaimAsk, Claimed, CommitError, Committed, Durability, FeedItem, OutboxEntry, OutboxId, Page,
    Pruned, Retention, RunQuery, RunRow, Store, StoreError, TaskQuery, Wakeup, Watermark,
};
use kneo_core::task::TaskRow;
use kneo_core::{Digest, Fence, Name, Namespace, Seq, TaskId, WorkerId};
use tokio::sync::Semaphore;

/// What befalls a call.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The store cannot be reached: nothing happens, and the caller is told so.
    Refuse,
    /// The call happens, and its answer is lost: the caller is told that it may have happened.
    LoseAnswer,
    /// The call is begun and dropped, as by a caller that goes away; the caller is told that it may have happened.
    Drop,
    /// The call waits before a gate until somebody opens it.
    Wait(Gate),
    /// The answer is held back while so many other tasks get their turn.
    Slow(u32),
}

/// Which method is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is named after its method")]
#[non_exhaustive]
pub enum Op {
    Commit,
    Claim,
    ReadyPlans,
    Heartbeat,
    Release,
    PutPlan,
    Plan,
    Floor,
    Run,
    Runs,
    Records,
    Task,
    Tasks,
    Feed,
    Outbox,
    OutboxDone,
    Audit,
    Prune,
    Wakeups,
}

/// One call, as a script sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The method.
    pub op: Op,
    /// How often it has been called, this time included.
    pub nth: u64,
}

/// Holds calls back until it is opened.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn closed() -> Gate {
        Gate(Arc::new(Semaphore::new(0)))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.close();
    }

    /// Waits until the gate is open.
    ///
    /// # Cancel safety
    /// May be dropped.
    pub async fn pass(&self) {
        // The only way through is that the semaphore is closed: nobody ever adds a permit.
        let _ = self.0.acquire().await;
    }
}

type Script = dyn Fn(Call) -> Fault + Send + Sync;

/// A store whose calls fare as a script says.
///
/// Hints are all lost where the script refuses or drops [`Op::Wakeups`]; its other faults leave them alone.
///
/// # Cancel safety
/// As of the wrapped store, except that a call that waits before a gate has not happened yet.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    script: Box<Script>,
    calls: Mutex<BTreeMap<Op, u64>>,
}

impl FaultyStore {
    /// Wraps a store. The script is asked once per call.
    pub fn new(inner: Arc<dyn Store>, script: impl Fn(Call) -> Fault + Send + Sync + 'static) -> FaultyStore {
        FaultyStore { inner, script: Box::new(script), calls: Mutex::default() }
    }

    fn fault(&self, op: Op) -> Fault {
        let nth = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let nth = calls.entry(op).or_default();
            *nth += 1;
            *nth
        };
        (self.script)(Call { op, nth })
    }

    async fn call<T>(&self, op: Op, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match self.fault(op) {
            Fault::None => call.await,
            Fault::Refuse => Err(unavailable(false)),
            Fault::LoseAnswer => {
                call.await?;
                Err(unavailable(true))
            }
            Fault::Drop => {
                let mut call = pin!(call);
                poll_fn(|context| {
                    let _ = call.as_mut().poll(context);
                    Poll::Ready(())
                })
                .await;
                Err(unavailable(true))
            }
            Fault::Wait(gate) => {
                gate.pass().await;
                call.await
            }
            Fault::Slow(turns) => {
                let answer = call.await;
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                answer
            }
        }
    }
}

fn unavailable(unknown: bool) -> StoreError {
    StoreError::Unavailable { message: "a fault was injected".into(), unknown, source: None }
}

#[async_trait]
impl Store for FaultyStore {
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, CommitError>> {
        let count = commits.len();
        let call = async { Ok(self.inner.commit(commits).await) };
        let answers = self.call(Op::Commit, call).await;
        answers.unwrap_or_else(|error| vec![Err(error.into()); count])
    }

    async fn claim(&self, ask: ClaimAsk<'_>) -> Result<Vec<Claimed>, StoreError> {
        self.call(Op::Claim, self.inner.claim(ask)).await
    }

    async fn ready_plans(&self, namespace: &Namespace) -> Result<Vec<Digest>, StoreError> {
        self.call(Op::ReadyPlans, self.inner.ready_plans(namespace)).await
    }

    async fn heartbeat(&self, worker: WorkerId, held: &[(RunKey, Fence)]) -> Result<Vec<Beat>, StoreError> {
        self.call(Op::Heartbeat, self.inner.heartbeat(worker, held)).await
    }

    async fn release(&self, run: &RunKey, fence: Fence) -> Result<(), StoreError> {
        self.call(Op::Release, self.inner.release(run, fence)).await
    }

    async fn put_plan(&self, digest: Digest, bytes: Bytes) -> Result<(), StoreError> {
        self.call(Op::PutPlan, self.inner.put_plan(digest, bytes)).await
    }

    async fn plan(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        self.call(Op::Plan, self.inner.plan(digest)).await
    }

    async fn floor(
        &self,
        namespace: &Namespace,
        workflow: &Name,
        environment: Option<&Name>,
    ) -> Result<Option<u64>, StoreError> {
        self.call(Op::Floor, self.inner.floor(namespace, workflow, environment)).await
    }

    async fn run(&self, run: &RunKey) -> Result<Option<RunRow>, StoreError> {
        self.call(Op::Run, self.inner.run(run)).await
    }

    async fn runs(&self, query: &RunQuery, page: Page) -> Result<Vec<RunRow>, StoreError> {
        self.call(Op::Runs, self.inner.runs(query, page)).await
    }

    async fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Result<Vec<Stored>, StoreError> {
        self.call(Op::Records, self.inner.records(run, after, max)).await
    }

    async fn task(&self, namespace: &Namespace, task: TaskId) -> Result<Option<TaskRow>, StoreError> {
        self.call(Op::Task, self.inner.task(namespace, task)).await
    }

    async fn tasks(&self, query: &TaskQuery, page: Page) -> Result<Vec<TaskRow>, StoreError> {
        self.call(Op::Tasks, self.inner.tasks(query, page)).await
    }

    async fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Result<Vec<FeedItem>, StoreError> {
        self.call(Op::Feed, self.inner.feed(namespace, after, max)).await
    }

    async fn outbox(&self, namespace: &Namespace, max: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.call(Op::Outbox, self.inner.outbox(namespace, max)).await
    }

    async fn outbox_done(&self, namespace: &Namespace, done: &[OutboxId]) -> Result<(), StoreError> {
        self.call(Op::OutboxDone, self.inner.outbox_done(namespace, done)).await
    }

    async fn audit(&self, run: &RunKey) -> Result<Vec<AuditEntry>, StoreError> {
        self.call(Op::Audit, self.inner.audit(run)).await
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, StoreError> {
        self.call(Op::Prune, self.inner.prune(retention)).await
    }

    fn wakeups(&self, worker: WorkerId) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>> {
        match self.fault(Op::Wakeups) {
            Fault::Refuse | Fault::Drop => Box::pin(Silence),
            Fault::None | Fault::LoseAnswer | Fault::Wait(_) | Fault::Slow(_) => self.inner.wakeups(worker),
        }
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// Hints that never come.
struct Silence;

impl Stream for Silence {
    type Item = Wakeup;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Wakeup>> {
        Poll::Pending
    }
}
