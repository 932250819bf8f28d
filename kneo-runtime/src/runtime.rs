//! What a host holds: the door to every run of a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::actor::Actor;
use kneo_core::plan::CompiledPlan;
use kneo_core::store::{Page, RunQuery, RunRow, Store, TaskQuery};
use kneo_core::task::{Decision, TaskRow};
use kneo_core::{Digest, Name, Namespace, RunId, TaskId, WorkerId};
use tokio::task::AbortHandle;

use crate::builder::RuntimeBuilder;
use crate::driver::{claim_loop, heartbeat_loop, hint_loop};
use crate::error::{BindError, RuntimeError};
use crate::human::{self, Decided};
use crate::preflight::{self, PreflightError};
use crate::probe::{self, Probe};
use crate::run::{Admission, RunHandle};
use crate::shared::Shared;
use crate::start::{self, Start};
use crate::steer::{self, Cancelled, Resume};
use crate::view::{self, RunView};

/// Starts, advances and steers the runs of one store and namespace.
///
/// Clones are the same runtime. A runtime is a worker unless it was built [`on_request`] or [`client_only`]: it claims
/// runs whose plans it can bind, whoever started them. [`Runtime::shutdown`] ends it calmly; dropping the last clone
/// ends it like a crash — what was in flight is dropped, leases run out by themselves, and another worker goes on from
/// the journal.
///
/// [`client_only`]: RuntimeBuilder::client_only
/// [`on_request`]: RuntimeBuilder::on_request
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
    /// Held for its drop.
    _tasks: Arc<Tasks>,
}

/// The tasks of the runtime; dropped with its last clone.
struct Tasks {
    shared: Arc<Shared>,
    background: Vec<AbortHandle>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.shared.closing.cancel();
        self.background.iter().for_each(AbortHandle::abort);
        self.shared.live.all().iter().for_each(|live| live.abort());
    }
}

/// Shows who it is and what it is made of, and nothing of the runs and plans that it has in its hands.
impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("worker", &self.shared.worker)
            .field("namespace", &self.shared.namespace)
            .field("store", &self.shared.store)
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Runtime {
    /// Begins to put a runtime together.
    #[must_use]
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::new()
    }

    pub(crate) fn launch(shared: Arc<Shared>) -> Runtime {
        let mut background = vec![
            shared.background.spawn(hint_loop(Arc::clone(&shared))).abort_handle(),
            shared.background.spawn(heartbeat_loop(Arc::clone(&shared))).abort_handle(),
        ];
        if shared.is_worker() {
            background.push(shared.background.spawn(claim_loop(Arc::clone(&shared))).abort_handle());
        }
        let tasks = Arc::new(Tasks { shared: Arc::clone(&shared), background });
        Runtime { shared, _tasks: tasks }
    }

    /// The runtime's name among workers, as leases and records carry it.
    #[must_use]
    pub fn worker(&self) -> WorkerId {
        self.shared.worker
    }

    /// The namespace of its runs.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.shared.namespace
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// Checks that everything a plan needs is registered.
    ///
    /// # Errors
    /// Everything that is missing, refused or unusable, at once.
    pub fn bind(&self, plan: &Arc<CompiledPlan>) -> Result<(), Arc<BindError>> {
        self.shared.plans.bind(plan).map(|_| ())
    }

    /// Looks at everything that runs of a plan need: what is registered, every secret, the store.
    ///
    /// # Errors
    /// Everything that is wrong, at once, each with a code and a remedy.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn preflight(&self, plan: &Arc<CompiledPlan>) -> Result<(), PreflightError> {
        preflight::preflight(&self.shared, plan).await
    }

    /// Asks the models and servers of a plan whether runs could use them, all at once, and gives each `patience`.
    ///
    /// Models answer nothing and no tool runs: a provider looks whether it can reach the model with the key that it has,
    /// as far as it can tell, and a server is started or connected to and asked for its tools, which are held against
    /// what the plan says of them, and against what else an agent has: two of its tools with one name refuse the server
    /// of the second.
    ///
    /// # Errors
    /// What [`Runtime::bind`] finds missing: nothing is asked then.
    ///
    /// # Cancel safety
    /// Dropping the future ends what is under way.
    pub async fn probe(&self, plan: &Arc<CompiledPlan>, patience: Duration) -> Result<Vec<Probe>, Arc<BindError>> {
        probe::probe(&self.shared, plan, patience).await
    }

    /// Starts a run: checks the input, keeps the plan, and makes the run durable with the claim and the whole first
    /// turn in one commit. [`RunHandle::admission`] says who advances it.
    ///
    /// # Errors
    /// The input does not fit, an exclusive key is held, the idempotency key stands for another start, this worker
    /// cannot run the plan, nobody vouches for it or a later one has started, the store fails. Nothing is written then, unless a store failed that cannot tell: an
    /// idempotency key makes it safe to start again.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the run made, and then it runs.
    pub async fn start(&self, plan: &Arc<CompiledPlan>, start: Start) -> Result<RunHandle, RuntimeError> {
        start::start(&self.shared, plan, start).await
    }

    /// A run, by id; whether it exists is seen when it is asked something.
    #[must_use]
    pub fn run(&self, run: RunId) -> RunHandle {
        RunHandle::new(&self.shared, run, Admission::Found)
    }

    /// Runs, newest first; the query's namespace is this runtime's.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn runs(&self, query: &RunQuery, page: Page) -> Result<Vec<RunRow>, RuntimeError> {
        let mut query = query.clone();
        query.namespace = self.shared.namespace.clone();
        Ok(self.shared.store.runs(&query, page).await?)
    }

    /// Human tasks, oldest first; the query's namespace is this runtime's.
    ///
    /// # Errors
    /// The store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn tasks(&self, query: &TaskQuery, page: Page) -> Result<Vec<TaskRow>, RuntimeError> {
        let mut query = query.clone();
        query.namespace = self.shared.namespace.clone();
        Ok(self.shared.store.tasks(&query, page).await?)
    }

    /// A human task, by id.
    ///
    /// # Errors
    /// There is no such task, or the store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn task(&self, task: TaskId) -> Result<TaskRow, RuntimeError> {
        self.shared.task(task).await
    }

    /// A run in full.
    ///
    /// # Errors
    /// There is no such run, its plan or journal cannot be used, or the store fails.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn view(&self, run: RunId) -> Result<RunView, RuntimeError> {
        view::view(&self.shared, run).await
    }

    /// Decides a task, as it is now. The first decision counts.
    ///
    /// # Errors
    /// The decision does not fit the question, is not for this actor, comes second or too late; or the store fails.
    /// Nothing is written then.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the task decided.
    pub async fn decide(&self, task: TaskId, decision: Decision, by: Actor) -> Result<Decided, RuntimeError> {
        human::decide(&self.shared, task, decision, by, None).await
    }

    /// Decides a task that somebody has seen: refused if the question is another by now.
    ///
    /// # Errors
    /// As [`Runtime::decide`], and [`RuntimeError::RequestChanged`].
    ///
    /// # Cancel safety
    /// As [`Runtime::decide`].
    pub async fn decide_seen(
        &self,
        task: TaskId,
        seen: Digest,
        decision: Decision,
        by: Actor,
    ) -> Result<Decided, RuntimeError> {
        human::decide(&self.shared, task, decision, by, Some(seen)).await
    }

    /// Gives an open task to others; nobody means anybody.
    ///
    /// # Errors
    /// The task is not open, or the store fails.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the task reassigned.
    pub async fn reassign(&self, task: TaskId, to: Vec<Name>, by: Actor) -> Result<(), RuntimeError> {
        human::reassign(&self.shared, task, to, by).await
    }

    /// Asks a run to stop. A run that no live worker holds is ended here and now.
    ///
    /// # Errors
    /// The run has ended or does not exist, or the store fails.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the request made.
    pub async fn cancel(&self, run: RunId, reason: impl Into<Arc<str>>, by: Actor) -> Result<Cancelled, RuntimeError> {
        steer::cancel(&self.shared, run, reason.into(), by).await
    }

    /// Takes a live run into this worker's hands, and waits for a lease that is really alive.
    ///
    /// A run that waits for people or a timer stays where it is; the handle tells.
    ///
    /// # Errors
    /// The run has ended or does not exist, this worker lacks what it needs, another worker really holds it, or the
    /// store fails.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the run in this worker's hands.
    pub async fn resume(&self, resume: impl Into<Resume>) -> Result<RunHandle, RuntimeError> {
        steer::resume(&self.shared, resume.into()).await
    }

    /// Ends the runtime calmly and waits until nothing of it is left.
    ///
    /// Nothing new is claimed or started. Calls in flight are told to stop; results that still come are committed;
    /// what does not end in time stays an open intent for the next worker. Every lease is given back.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the shutdown under way; calling again waits for it.
    pub async fn shutdown(&self) {
        let shared = &self.shared;
        shared.closing.cancel();
        shared.live.all().iter().for_each(|live| live.close());
        shared.work.close();
        shared.work.wait().await;
        shared.closed.cancel();
        shared.background.close();
        shared.background.wait().await;
    }
}
