//! The store in one SQLite file.
//!
//! | Part | Does |
//! | --- | --- |
//! | [`writer`] | one writing connection; many commits share one transaction and one wait for the disk |
//! | [`commit`] | judges and writes commits inside that transaction |
//! | [`claim`], [`lock`] | leases, and the OS locks that show which workers live |
//! | [`query`], [`row`], [`reader`] | reads, on connections of their own |
//! | [`open`], [`schema`], [`migrate`] | the file |

mod chain;
mod claim;
mod commit;
mod error;
mod lock;
mod migrate;
mod open;
mod prune;
mod query;
mod reader;
mod row;
mod schema;
mod writer;

use std::collections::HashSet;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use kneo_core::commit::{Commit, LeaseChange};
use kneo_core::record::Stored;
use kneo_core::run::RunKey;
use kneo_core::store::{
    AuditEntry, Beat, ClaimAsk, Claimed, CommitError, Committed, Durability, FeedItem, OutboxEntry, OutboxId, Page,
    Pruned, Retention, RunQuery, RunRow, Store, StoreError, TaskQuery, Wakeup, Watermark,
};
use kneo_core::task::TaskRow;
use kneo_core::{Digest, Fence, Name, Namespace, Seq, TaskId, WorkerId};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::hint::Hints;
use commit::{Prepared, Slice};
use error::{Done, Fault};
use lock::WorkerLocks;
pub use open::{SqliteOptions, Synchronous};
use query::Effort;
use reader::Readers;
use writer::Writer;

/// Keeps runs in one SQLite file; any number of processes on one machine may share it.
///
/// - **Durability.** Every commit waits for the disk; commits that are submitted at the same time share the wait.
/// - **Leases.** A worker that claims through the store holds an OS lock in the folder `<file>.locks` until the store is
///   dropped, so that the runs of a process that died are claimed at once. The file must be on a local disk.
/// - **Wakeups** tell what this process changed. What other processes change is found by polling.
/// - **Blocking.** On an idle store with a quick disk a commit or a short read is done in place, for about as long as
///   one write to the disk takes; everything longer runs on the runtime's threads for blocking work. Outside a tokio
///   runtime everything is done in place.
#[derive(Debug)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: SqliteOptions,
    writer: Arc<Writer>,
    readers: Readers,
    locks: WorkerLocks,
    hints: Arc<Hints>,
    /// Plans that are in the file for certain.
    plans: Mutex<HashSet<Digest>>,
}

impl SqliteStore {
    /// Opens a file with the default options; makes the file and its folder if they do not exist.
    ///
    /// # Errors
    /// See [`SqliteStore::open_with`].
    ///
    /// # Cancel safety
    /// The file may have been made and its schema brought up to date.
    pub async fn open(path: impl AsRef<Path> + Send) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(path, SqliteOptions::new()).await
    }

    /// Opens a file; makes the file and its folder if they do not exist, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] for the file of a newer build, [`StoreError::Unusable`] for a place that cannot be
    /// written, [`StoreError::Damaged`] for a file that this build did not write so.
    ///
    /// # Cancel safety
    /// The file may have been made and its schema brought up to date.
    pub async fn open_with(path: impl AsRef<Path> + Send, options: SqliteOptions) -> Result<SqliteStore, StoreError> {
        let path = path.as_ref().to_owned();
        blocking(move || {
            let connection = open::open(&path, &options)?;
            let locks = WorkerLocks::beside(&path);
            locks.sweep();
            let inner = Inner {
                writer: Writer::new(connection, options.patience),
                readers: Readers::new(path, options.patience),
                locks,
                hints: Arc::default(),
                plans: Mutex::default(),
                options,
            };
            Ok(SqliteStore { inner: Arc::new(inner) })
        })
        .await
    }

    /// Reads on a thread where it holds up nobody.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection, &Inner) -> Done<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.readers.read(|connection| query(connection, &inner))).await
    }

    /// Encodes a commit; one that takes a lease shows first that its worker lives.
    fn prepare(&self, commit: Commit) -> Prepared {
        let LeaseChange::Take { worker } = commit.lease() else { return Prepared::new(commit) };
        match self.inner.locks.hold(worker) {
            Ok(()) => Prepared::new(commit),
            Err(error) => Prepared::refused(commit, error),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, CommitError>> {
        let count = commits.len();
        if count == 0 {
            return Vec::new();
        }
        let (reply, answer) = oneshot::channel();
        self.inner.writer.submit(Box::new(Slice {
            commits: commits.into_iter().map(|commit| self.prepare(commit)).collect(),
            answers: Vec::with_capacity(count),
            reply,
            clock: Arc::clone(&self.inner.options.clock),
            hints: Arc::clone(&self.inner.hints),
        }));
        answer.await.map_or_else(|_| vec![Err(writer::lost().into()); count], |(answers, _)| answers)
    }

    async fn claim(&self, ask: ClaimAsk<'_>) -> Result<Vec<Claimed>, StoreError> {
        let ClaimAsk { worker, namespace, run, plans, max } = ask;
        let ask = claim::Ask { worker, namespace: namespace.clone(), run, plans: plans.to_vec(), max };
        let looked_for = ask.clone();
        let look = move |connection: &Connection, inner: &Inner| {
            inner.locks.hold(worker)?;
            let now = inner.options.clock.now();
            Ok(!claim::claimable(connection, &looked_for, &inner.locks, now)?.is_empty())
        };
        // Looking at one run is quick; looking for runs may not be.
        let anything = match run {
            Some(_) => self.inner.readers.read(|connection| look(connection, &self.inner))?,
            None => self.read(look).await?,
        };
        if !anything {
            return Ok(Vec::new());
        }
        let inner = Arc::clone(&self.inner);
        let claimed = self.inner.writer.perform(move |desk| {
            let now = inner.options.clock.now();
            claim::claim(desk, &ask, &inner.locks, now)
        });
        claimed.await
    }

    async fn ready_plans(&self, namespace: &Namespace) -> Result<Vec<Digest>, StoreError> {
        let namespace = namespace.clone();
        self.read(move |connection, inner| {
            claim::ready_plans(connection, &namespace, &inner.locks, inner.options.clock.now())
        })
        .await
    }

    async fn heartbeat(&self, worker: WorkerId, held: &[(RunKey, Fence)]) -> Result<Vec<Beat>, StoreError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let (held, clock) = (held.to_vec(), Arc::clone(&self.inner.options.clock));
        let asked = held.clone();
        let listened = self.read(move |connection, inner| {
            let now = inner.options.clock.now();
            let listen = |(run, fence): &(RunKey, Fence)| claim::listen(connection, worker, run, *fence, now);
            asked.iter().map(listen).collect::<Done<Option<Vec<Beat>>>>()
        });
        if let Some(beats) = listened.await? {
            return Ok(beats);
        }
        let beats = self.inner.writer.perform(move |desk| {
            let now = clock.now();
            held.iter().map(|(run, fence)| claim::beat(&desk.connection, worker, run, *fence, now)).collect()
        });
        beats.await
    }

    async fn release(&self, run: &RunKey, fence: Fence) -> Result<(), StoreError> {
        let key = run.clone();
        let released = self.inner.writer.perform(move |desk| claim::release(&desk.connection, &key, fence));
        if released.await? {
            self.inner.hints.tell(run, None);
        }
        Ok(())
    }

    async fn put_plan(&self, digest: Digest, bytes: Bytes) -> Result<(), StoreError> {
        let known = |digest| self.inner.plans.lock().unwrap_or_else(PoisonError::into_inner).contains(digest);
        if known(&digest) {
            return Ok(());
        }
        let put = self.inner.writer.perform(move |desk| {
            let sql = "insert into plans (digest, bytes) values (?1, ?2) on conflict do nothing";
            desk.connection.prepare_cached(sql)?.execute(params![digest.as_bytes(), &bytes[..]])?;
            Ok(())
        });
        put.await?;
        self.inner.plans.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
        Ok(())
    }

    async fn plan(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        self.inner.readers.read(|connection| query::plan(connection, digest))
    }

    async fn floor(
        &self,
        namespace: &Namespace,
        workflow: &Name,
        environment: Option<&Name>,
    ) -> Result<Option<u64>, StoreError> {
        self.inner.readers.read(|connection| query::floor(connection, namespace, workflow, environment))
    }

    async fn run(&self, run: &RunKey) -> Result<Option<RunRow>, StoreError> {
        self.inner.readers.read(|connection| query::run(connection, run))
    }

    async fn runs(&self, query: &RunQuery, page: Page) -> Result<Vec<RunRow>, StoreError> {
        let query = query.clone();
        self.read(move |connection, _| query::runs(connection, &query, page)).await
    }

    async fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Result<Vec<Stored>, StoreError> {
        let quick = |connection: &Connection| query::records(connection, run, after, max, Effort::Little);
        if let Some(found) = self.inner.readers.read(quick)? {
            return Ok(found);
        }
        let run = run.clone();
        let whole = self.read(move |connection, _| {
            let found = query::records(connection, &run, after, max, Effort::Whole)?;
            found.ok_or_else(|| Fault::damaged("a read of everything stopped half-way"))
        });
        whole.await
    }

    async fn task(&self, namespace: &Namespace, task: TaskId) -> Result<Option<TaskRow>, StoreError> {
        self.inner.readers.read(|connection| query::task(connection, namespace, task))
    }

    async fn tasks(&self, query: &TaskQuery, page: Page) -> Result<Vec<TaskRow>, StoreError> {
        let query = query.clone();
        self.read(move |connection, _| query::tasks(connection, &query, page)).await
    }

    async fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Result<Vec<FeedItem>, StoreError> {
        let namespace = namespace.clone();
        self.read(move |connection, _| query::feed(connection, &namespace, after, max)).await
    }

    async fn outbox(&self, namespace: &Namespace, max: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let namespace = namespace.clone();
        self.read(move |connection, _| query::outbox(connection, &namespace, max)).await
    }

    async fn outbox_done(&self, namespace: &Namespace, done: &[OutboxId]) -> Result<(), StoreError> {
        let (namespace, done) = (namespace.clone(), done.to_vec());
        self.inner.writer.perform(move |desk| prune::outbox_done(&desk.connection, &namespace, &done)).await
    }

    async fn audit(&self, run: &RunKey) -> Result<Vec<AuditEntry>, StoreError> {
        let run = run.clone();
        self.read(move |connection, _| query::audit(connection, &run)).await
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, StoreError> {
        let retention = retention.clone();
        self.inner.writer.perform(move |desk| prune::prune(&desk.connection, &retention)).await
    }

    fn wakeups(&self, worker: WorkerId) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>> {
        self.inner.hints.subscribe(worker)
    }

    fn durability(&self) -> Durability {
        self.inner.options.synchronous.durability()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.inner.hints.close();
    }
}

/// Runs what may take long on a thread for blocking work, or here if there is no runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::runtime::Handle::try_current() {
        Err(_) => work(),
        Ok(runtime) => {
            let done = runtime.spawn_blocking(work).await;
            done.unwrap_or_else(|_| Err(StoreError::unavailable("the runtime is shutting down")))
        }
    }
}
