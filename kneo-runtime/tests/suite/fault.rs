//! A store that does not always answer, and facts that come in at the worst moment.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_core::Stream;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event};
use kneo_core::plan::{CompiledPlan, Effect};
use kneo_core::record::{Record, Stored};
use kneo_core::run::RunKey;
use kneo_core::store::*;
use kneo_core::task::TaskRow;
use kneo_core::{Actor, CommitId, Digest, Fence, Name, Namespace, Path, Seq, TaskId, Timestamp, WorkerId};
use kneo_runtime::testkit::Harness;
use kneo_runtime::{Outcome, RuntimeError, Start};
use kneo_store::MemoryStore;

use super::support::*;

/// What goes wrong with a commit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// It happens, and the answer is lost.
    AnswerLost,
    /// It does not happen.
    Refused,
    /// Somebody asks for the run to stop just before it.
    CancelFirst,
    /// The store finds itself damaged.
    Damaged,
}

/// Not one commit, but every one.
const ALWAYS: u32 = 0;

/// The memory store, with a fault at the n-th commit of a creator or holder.
#[derive(Debug)]
struct Faulty {
    inner: MemoryStore,
    fault: Mutex<Option<(u32, Fault)>>,
    commits: AtomicU32,
    ids: AtomicU64,
}

impl Faulty {
    fn due(&self, commit: &Commit) -> Option<Fault> {
        let (at, fault) = (*self.fault.lock().unwrap())?;
        if commit.author() == Author::External {
            return None;
        }
        let n = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        (n == at || at == ALWAYS).then_some(fault)
    }
}

fn lost(unknown: bool) -> CommitError {
    StoreError::Unavailable { message: "the line is dead".into(), unknown, source: None }.into()
}

#[async_trait]
impl Store for Faulty {
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, CommitError>> {
        match self.due(&commits[0]) {
            None => self.inner.commit(commits).await,
            Some(Fault::Refused) => vec![Err(lost(false))],
            Some(Fault::Damaged) => vec![Err(StoreError::damaged("a page is gone").into())],
            Some(Fault::AnswerLost) => {
                let answers = self.inner.commit(commits).await;
                answers.into_iter().map(|answer| answer.and(Err(lost(true)))).collect()
            }
            Some(Fault::CancelFirst) => {
                let event = Event::CancelRequested { reason: "now".into() };
                let entry = Entry { at: Timestamp::default(), path: Path::root(), event };
                let record = Record { revision: 1, actor: Actor::Host, trace: None, entry };
                let id = self.ids.fetch_add(1, Ordering::SeqCst);
                let id = CommitId::new(Timestamp::from_unix_millis(1), [u8::try_from(id).unwrap(); 10]);
                let run = commits[0].run().clone();
                let cancel = Commit::new(id, run, Author::External, LeaseChange::Keep, [record]).unwrap();
                self.inner.commit(vec![cancel]).await.pop().unwrap().unwrap();
                self.inner.commit(commits).await
            }
        }
    }
    async fn claim(&self, ask: ClaimAsk<'_>) -> Result<Vec<Claimed>, StoreError> {
        self.inner.claim(ask).await
    }
    async fn ready_plans(&self, namespace: &Namespace) -> Result<Vec<Digest>, StoreError> {
        self.inner.ready_plans(namespace).await
    }
    async fn heartbeat(&self, worker: WorkerId, held: &[(RunKey, Fence)]) -> Result<Vec<Beat>, StoreError> {
        self.inner.heartbeat(worker, held).await
    }
    async fn release(&self, run: &RunKey, fence: Fence) -> Result<(), StoreError> {
        self.inner.release(run, fence).await
    }
    async fn put_plan(&self, digest: Digest, bytes: bytes::Bytes) -> Result<(), StoreError> {
        self.inner.put_plan(digest, bytes).await
    }
    async fn plan(&self, digest: Digest) -> Result<Option<bytes::Bytes>, StoreError> {
        self.inner.plan(digest).await
    }
    async fn floor(
        &self,
        namespace: &Namespace,
        workflow: &Name,
        environment: Option<&Name>,
    ) -> Result<Option<u64>, StoreError> {
        self.inner.floor(namespace, workflow, environment).await
    }

    async fn run(&self, run: &RunKey) -> Result<Option<RunRow>, StoreError> {
        self.inner.run(run).await
    }
    async fn runs(&self, query: &RunQuery, page: Page) -> Result<Vec<RunRow>, StoreError> {
        self.inner.runs(query, page).await
    }
    async fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Result<Vec<Stored>, StoreError> {
        self.inner.records(run, after, max).await
    }
    async fn task(&self, namespace: &Namespace, task: TaskId) -> Result<Option<TaskRow>, StoreError> {
        self.inner.task(namespace, task).await
    }
    async fn tasks(&self, query: &TaskQuery, page: Page) -> Result<Vec<TaskRow>, StoreError> {
        self.inner.tasks(query, page).await
    }
    async fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Result<Vec<FeedItem>, StoreError> {
        self.inner.feed(namespace, after, max).await
    }
    async fn outbox(&self, namespace: &Namespace, max: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.inner.outbox(namespace, max).await
    }
    async fn outbox_done(&self, namespace: &Namespace, done: &[OutboxId]) -> Result<(), StoreError> {
        self.inner.outbox_done(namespace, done).await
    }
    async fn audit(&self, run: &RunKey) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner.audit(run).await
    }
    async fn prune(&self, retention: &Retention) -> Result<Pruned, StoreError> {
        self.inner.prune(retention).await
    }
    // No hints: everything must come from polling and from the runtime itself.
    fn wakeups(&self, _: WorkerId) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>> {
        Box::pin(futures_util::stream::pending())
    }
    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}

fn faulty(fault: Option<(u32, Fault)>) -> Harness {
    Harness::new(|clock| {
        let (fault, commits) = (Mutex::new(fault), AtomicU32::new(0));
        Arc::new(Faulty { inner: MemoryStore::new(clock), fault, commits, ids: AtomicU64::new(0) })
    })
}

fn three() -> Arc<CompiledPlan> {
    chain(3, Effect::Write)
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_is_submitted_again_and_happens_once() {
    for at in 1..=4 {
        for fault in [Fault::AnswerLost, Fault::Refused] {
            let harness = faulty(Some((at, fault)));
            let (work, calls) = counted();
            let runtime = build(harness.builder().function("work", work));
            let run = runtime.start(&three(), Start::new(int(0))).await.unwrap();
            assert_eq!(completed(&run).await, int(3), "{fault:?} at {at}");
            assert_eq!(calls.load(Ordering::SeqCst), 3);
            assert_eq!(commits(&harness, run.id()).await, 4);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_behind_decides_again_and_repeats_nothing() {
    for at in 2..=4 {
        let harness = faulty(Some((at, Fault::CancelFirst)));
        let (work, calls) = counted();
        let runtime = build(harness.builder().function("work", work));
        let run = runtime.start(&three(), Start::new(int(0))).await.unwrap();
        assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
        // The result that was in hand is recorded, and no further call starts.
        assert_eq!(calls.load(Ordering::SeqCst), at - 1);
        let journal = harness.journal(run.id()).await.unwrap();
        assert_eq!(count(&journal, "effect_succeeded") as u32, at - 1);
        assert_eq!(count(&journal, "effect_intended") as u32, at - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_hints_polling_finds_everything() {
    let harness = faulty(None);
    let client = build(harness.builder().client_only());
    let worker = build(harness.builder().function("work", slow(7)));
    let run = client.start(&three(), Start::new(int(0))).await.unwrap();
    let other = client.start(&three(), Start::new(int(0))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    // A request from elsewhere reaches the worker with its next beat or commit.
    client.cancel(other.id(), "enough", ana()).await.unwrap();
    assert_eq!(other.wait().await.unwrap(), Outcome::Cancelled);
    assert_eq!(completed(&run).await, int(3));
    worker.shutdown().await;
}

/// Whoever waits is told why the run stands still. Once its lease is over a worker takes it again.
#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_go_on_here_is_not_waited_for() {
    let harness = faulty(Some((2, Fault::Damaged)));
    let runtime = build(harness.builder().function("work", inc()).on_request());
    let run = runtime.start(&chain(3, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    let error = run.wait().await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("store_damaged", false), "{error}");
    let resumed = runtime.resume(run.id()).await.unwrap();
    assert_eq!(completed(&resumed).await, int(3));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_the_store_never_answers_is_an_error() {
    let harness = faulty(Some((ALWAYS, Fault::Refused)));
    let runtime = build(harness.builder().function("work", inc()).store_patience(Duration::from_secs(1)));
    let error = runtime.start(&three(), Start::new(int(0))).await.unwrap_err();
    assert!(matches!(&error, RuntimeError::Store(_)), "{error}");
    assert_eq!((error.code(), error.is_retryable()), ("store_unavailable", true));
    let rows = runtime.runs(&RunQuery::default(), Page::default()).await.unwrap();
    assert_eq!(rows, []);
}
