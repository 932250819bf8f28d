//! What every part of a runtime shares.

use std::sync::Arc;
use std::time::Duration;

use kneo_core::clock::{Clock, Entropy};
use kneo_core::commit::Commit;
use kneo_core::observer::Observer;
use kneo_core::plan::CompiledPlan;
use kneo_core::record::Stored;
use kneo_core::run::RunKey;
use kneo_core::seal::PlanVerifier;
use kneo_core::store::{CommitError, Committed, Page, RunRow, Store, StoreError, TaskQuery};
use kneo_core::task::TaskRow;
use kneo_core::{Cancel, CommitId, Digest, Name, Namespace, RunId, Seq, TaskId, Timestamp, WorkerId};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::bind::{Host, Plans};
use crate::builder::{Options, WorkerRole};
use crate::deltas::DeltaSink;
use crate::driver::{Asked, Hub, LiveRuns};
use crate::error::RuntimeError;

/// How many records are read at a time.
pub(crate) const RECORDS_PER_READ: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) namespace: Namespace,
    pub(crate) deltas: Option<Arc<dyn DeltaSink>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) verifier: Option<Arc<dyn PlanVerifier>>,
    pub(crate) worker: WorkerId,
    pub(crate) options: Options,
    pub(crate) plans: Plans,
    pub(crate) live: LiveRuns,
    /// All that it may claim, if it works on request.
    pub(crate) asked: Asked,
    pub(crate) hub: Hub,
    /// Wakes the task that claims.
    pub(crate) claims: Notify,
    /// The root of the tokens that calls get.
    pub(crate) cancel: Cancel,
    /// No new work.
    pub(crate) closing: Cancel,
    /// Nothing at all any more.
    pub(crate) closed: Cancel,
    /// Runs and their effects.
    pub(crate) work: TaskTracker,
    /// Claims, heartbeats, hints.
    pub(crate) background: TaskTracker,
}

/// Who is told of what happens, or asked.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) deltas: Option<Arc<dyn DeltaSink>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) verifier: Option<Arc<dyn PlanVerifier>>,
}

impl Shared {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        namespace: Namespace,
        listeners: Listeners,
        host: Host,
        options: Options,
    ) -> Shared {
        let Listeners { deltas, observers, verifier } = listeners;
        let worker = WorkerId::new(clock.now(), entropy.id_bytes());
        Shared {
            store,
            clock,
            entropy,
            namespace,
            deltas,
            observers,
            verifier,
            worker,
            plans: Plans::new(host),
            live: LiveRuns::new(options.max_live_runs),
            options,
            asked: Asked::default(),
            hub: Hub::default(),
            claims: Notify::new(),
            cancel: Cancel::new(),
            closing: Cancel::new(),
            closed: Cancel::new(),
            work: TaskTracker::new(),
            background: TaskTracker::new(),
        }
    }

    /// Whether it advances runs.
    pub(crate) fn is_worker(&self) -> bool {
        match self.options.role {
            WorkerRole::Worker | WorkerRole::OnRequest => true,
            WorkerRole::Client => false,
        }
    }

    /// Notes a run that it is asked for.
    pub(crate) fn ask_for(&self, run: RunId, plan: Digest) {
        if self.options.role == WorkerRole::OnRequest {
            self.asked.add(run, plan);
        }
    }

    pub(crate) fn key(&self, run: RunId) -> RunKey {
        RunKey::new(self.namespace.clone(), run)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn commit_id(&self) -> CommitId {
        CommitId::new(self.now(), self.entropy.id_bytes())
    }

    /// The right to take on a run, unless the runtime is going away. A shutdown waits as long as it is held, which is
    /// never across an await.
    pub(crate) fn admit(&self) -> Option<TaskTrackerToken> {
        let token = self.work.token();
        // INVARIANT: a shutdown says that it is under way before it waits, so that one of the two sees the other.
        (!self.closing.is_cancelled()).then_some(token)
    }

    /// A run's row.
    pub(crate) async fn row(&self, run: RunId) -> Result<RunRow, RuntimeError> {
        self.store.run(&self.key(run)).await?.ok_or(RuntimeError::RunNotFound { run })
    }

    /// The plan of a run, from the cache or the store.
    pub(crate) async fn plan(&self, run: RunId, digest: Digest) -> Result<Arc<CompiledPlan>, RuntimeError> {
        if let Some(plan) = self.plans.decoded(digest) {
            return Ok(plan);
        }
        let bytes = self.store.plan(digest).await?.ok_or(RuntimeError::PlanMissing { run, plan: digest })?;
        let plan = CompiledPlan::decode(digest, bytes).map_err(|error| RuntimeError::PlanUnreadable { run, error })?;
        let plan = Arc::new(plan);
        self.plans.remember(&plan);
        self.plans.set_stored(digest, true);
        Ok(plan)
    }

    /// Every record of a run after one, up to the last.
    pub(crate) async fn records(&self, run: &RunKey, mut after: Option<Seq>) -> Result<Vec<Stored>, StoreError> {
        let mut all = Vec::new();
        loop {
            let page = self.store.records(run, after, RECORDS_PER_READ).await?;
            let whole = page.len() < RECORDS_PER_READ;
            after = page.last().map(|record| record.seq).or(after);
            if all.is_empty() {
                all = page;
            } else {
                all.extend(page);
            }
            if whole {
                return Ok(all);
            }
        }
    }

    /// [`Shared::records`] from the first on, asked for again while the store does not answer.
    pub(crate) async fn journal(&self, run: &RunKey) -> Result<Vec<Stored>, StoreError> {
        let mut patience = self.patience();
        loop {
            match self.records(run, None).await {
                Err(error) if error.is_retryable() && patience.is_left(self) => {
                    tracing::warn!(run = %run.run, %error, "the journal could not be read; it is tried again");
                    patience.pause().await;
                }
                answer => return answer,
            }
        }
    }

    /// Commits, and submits the same commit again while the store does not answer and there is patience left.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let mut patience: Option<Patience> = None;
        loop {
            // A commit that already answered gives that answer again, so nothing is committed twice.
            let answer = self.store.commit(vec![commit.clone()]).await.pop();
            let missing = || StoreError::damaged("it answered fewer commits than it was given");
            let error = match answer.unwrap_or_else(|| Err(missing().into())) {
                Ok(committed) => return Ok(committed),
                Err(error) => error,
            };
            let again = matches!(&error, CommitError::Store(error) if error.is_retryable());
            let patience = patience.get_or_insert_with(|| self.patience());
            if !again || !patience.is_left(self) {
                return Err(error);
            }
            tracing::warn!(run = %commit.run().run, %error, "the store does not answer; the commit is submitted again");
            patience.pause().await;
        }
    }

    fn patience(&self) -> Patience {
        Patience { since: self.now(), wait: Duration::from_millis(10) }
    }

    /// Tells who is interested that somebody committed to a run from outside.
    pub(crate) fn told(&self, run: RunId, tail: Seq) {
        self.hub.changed(run);
        if let Some(live) = self.live.get(run) {
            live.behind(tail);
        } else {
            self.hub.settled(run);
        }
    }

    pub(crate) fn name(what: &'static str, text: &str) -> Result<Name, RuntimeError> {
        Name::new(text).map_err(|error| RuntimeError::NameInvalid { what, text: text.to_owned(), error })
    }

    pub(crate) async fn task(&self, task: TaskId) -> Result<TaskRow, RuntimeError> {
        self.store.task(&self.namespace, task).await?.ok_or(RuntimeError::TaskNotFound { task })
    }

    /// The questions of a run that wait for people, oldest first.
    pub(crate) async fn open_tasks(&self, run: RunId) -> Result<Vec<TaskRow>, StoreError> {
        let mut query = TaskQuery::new(self.namespace.clone());
        query.run = Some(run);
        let mut page = Page::default();
        let mut all = Vec::new();
        loop {
            let rows = self.store.tasks(&query, page).await?;
            page.offset += rows.len();
            let whole = rows.len() < page.limit;
            all.extend(rows);
            if whole {
                return Ok(all);
            }
        }
    }
}

/// How long a store that does not answer is asked again, and how often.
struct Patience {
    since: Timestamp,
    wait: Duration,
}

impl Patience {
    fn is_left(&self, shared: &Shared) -> bool {
        shared.now().since(self.since) < shared.options.store_patience && !shared.closing.is_cancelled()
    }

    async fn pause(&mut self) {
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(Duration::from_secs(1));
    }
}
