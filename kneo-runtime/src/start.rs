//! How a host starts a run.

use std::sync::Arc;
use std::time::Duration;

use kneo_core::actor::Actor;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event};
use kneo_core::event::{Hold, RunStarted, StartKey};
use kneo_core::plan::CompiledPlan;
use kneo_core::record::Record;
use kneo_core::store::{CommitError, StoreError};
use kneo_core::trace::TraceContext;
use kneo_core::{Digest, Name, Path, Payload, RunId, Timestamp, Value};
use serde::Serialize;

use crate::driver::{Creation, NotMade, create};
use crate::engine::{Program, REVISION};
use crate::error::{RuntimeError, unexpected};
use crate::run::{Admission, RunHandle};
use crate::shared::Shared;
use crate::verify;

/// What a run starts with.
#[derive(Clone, Debug)]
pub struct Start {
    input: Value,
    by: Option<String>,
    labels: Vec<(String, Arc<str>)>,
    idempotency_key: Option<String>,
    exclusive: Vec<String>,
    deadline: Option<Duration>,
    trace: Option<TraceContext>,
}

impl Start {
    /// A start with an input, by the host itself.
    pub fn new(input: impl Into<Value>) -> Start {
        let (by, idempotency_key, deadline, trace) = (None, None, None, None);
        Start { input: input.into(), by, labels: Vec::new(), idempotency_key, exclusive: Vec::new(), deadline, trace }
    }

    /// On behalf of somebody whom the host has authenticated.
    #[must_use]
    pub fn by(mut self, name: impl Into<String>) -> Start {
        self.by = Some(name.into());
        self
    }

    /// With a label, by which runs can be found.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<Arc<str>>) -> Start {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Once: the same start under the same key gives the run that the first one made.
    ///
    /// The same is: the workflow's name, the input, the labels, exclusive keys and deadline. The plan is not part of
    /// it, so that a retry after a new version was rolled out still finds the run.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Start {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Alone: no other live run holds the key.
    #[must_use]
    pub fn exclusive(mut self, key: impl Into<String>) -> Start {
        self.exclusive.push(key.into());
        self
    }

    /// At most so long, pauses included; beyond it the run is `timed_out`. The plan's own limit holds as well.
    #[must_use]
    pub fn deadline(mut self, within: Duration) -> Start {
        self.deadline = Some(within);
        self
    }

    /// As part of a trace: the run's spans are children of this one. Without it a run has a trace of its own.
    #[must_use]
    pub fn trace(mut self, parent: TraceContext) -> Start {
        self.trace = Some(parent);
        self
    }

    /// The first record of the run, and who is behind it.
    fn admit(
        self,
        plan: &CompiledPlan,
        program: &Program,
        now: Timestamp,
    ) -> Result<(RunStarted, Actor), RuntimeError> {
        let workflow = plan.plan().name.clone();
        if let Some(schema) = plan.plan().input {
            program
                .check(schema, &self.input)
                .map_err(|problems| RuntimeError::InputInvalid { workflow: workflow.clone(), problems })?;
        }
        let by = self.by.as_deref().map(|by| Shared::name("starter", by)).transpose()?;
        let labels = self.labels.iter().map(|(name, value)| Ok((Shared::name("label", name)?, Arc::clone(value))));
        let mut labels = labels.collect::<Result<Vec<_>, RuntimeError>>()?;
        labels.sort();
        labels.dedup();
        let exclusive = self.exclusive.iter().map(|key| Shared::name("exclusive key", key));
        let mut exclusive = exclusive.collect::<Result<Vec<_>, _>>()?;
        exclusive.sort();
        exclusive.dedup();
        let key = self.idempotency_key.as_deref().map(|key| Shared::name("idempotency key", key)).transpose()?;
        let same = Same::new(&workflow, &self.input, &labels, &exclusive, self.deadline);
        let idempotency = match key {
            Some(key) => Some(StartKey { key, digest: same.digest()? }),
            None => None,
        };
        let own = plan.plan().limits.deadline_ms.map(Duration::from_millis);
        let within = [self.deadline, own].into_iter().flatten().min();
        let too_large =
            |error: kneo_core::payload::PayloadError| RuntimeError::PayloadTooLarge { message: error.to_string() };
        let started = RunStarted {
            workflow,
            plan: plan.digest(),
            input: Payload::new(self.input).map_err(too_large)?,
            labels,
            idempotency,
            holds: exclusive.into_iter().map(hold).collect::<Result<_, _>>()?,
            deadline: within.map(|within| now.after(within)),
            seal: plan.seal().cloned(),
        };
        Ok((started, by.map_or(Actor::Host, Actor::trusted)))
    }
}

/// What makes two starts the same.
#[derive(Serialize)]
struct Same<'a> {
    workflow: &'a Name,
    input: &'a Value,
    labels: Vec<(&'a str, &'a str)>,
    exclusive: &'a [Name],
    deadline_us: Option<String>,
}

impl<'a> Same<'a> {
    fn new(
        workflow: &'a Name,
        input: &'a Value,
        labels: &'a [(Name, Arc<str>)],
        exclusive: &'a [Name],
        deadline: Option<Duration>,
    ) -> Same<'a> {
        let labels = labels.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        // Text, because a canonical number cannot hold every duration.
        let deadline_us = deadline.map(|within| within.as_micros().to_string());
        Same { workflow, input, labels, exclusive, deadline_us }
    }

    fn digest(&self) -> Result<Digest, RuntimeError> {
        let bytes = serde_json_canonicalizer::to_vec(self).map_err(|error| RuntimeError::InputInvalid {
            workflow: self.workflow.clone(),
            problems: format!("it has no canonical form: {error}"),
        })?;
        Ok(Digest::of(&bytes))
    }
}

fn hold(key: Name) -> Result<Hold, RuntimeError> {
    Ok(Hold { scope: Shared::name("scope", "exclusive")?, key, slot: 0 })
}

pub(crate) async fn start(
    shared: &Arc<Shared>,
    plan: &Arc<CompiledPlan>,
    start: Start,
) -> Result<RunHandle, RuntimeError> {
    if shared.closing.is_cancelled() {
        return Err(RuntimeError::ShuttingDown);
    }
    let vouched = verify::start(shared, plan).await?;
    // A worker makes sure that it could run what it starts; a client leaves that to workers.
    let bound = match shared.is_worker() {
        true => Some(shared.plans.bind(plan).map_err(RuntimeError::RequirementsMissing)?),
        false => None,
    };
    let program = match &bound {
        Some(bound) => Arc::clone(&bound.program),
        None => shared.plans.unbound(plan).map_err(RuntimeError::RequirementsMissing)?,
    };
    let now = shared.now();
    let trace = start.trace;
    let (start, starter) = start.admit(plan, &program, now)?;
    let run = RunId::new(now, shared.entropy.id_bytes());
    // What becomes of the run at once is not missed by whoever gets the handle.
    let _watch = shared.hub.watch(run);
    for _ in 0..2 {
        if !shared.plans.is_stored(plan.digest()) {
            shared.store.put_plan(plan.digest(), plan.bytes().clone()).await?;
            shared.plans.set_stored(plan.digest(), true);
        }
        let creation =
            Creation { key: shared.key(run), start: start.clone(), starter: starter.clone(), trace, vouched };
        let (admission, made) = match (&bound, shared.live.slot()) {
            (Some(bound), Some(slot)) => {
                let made = {
                    let Some(_admitted) = shared.admit() else { return Err(RuntimeError::ShuttingDown) };
                    create(shared, creation, Arc::clone(bound), slot)
                };
                (Admission::Claimed, made.await.unwrap_or_else(|_| Err(gone().into())))
            }
            (Some(_), None) => (Admission::AtCapacity, enqueue(shared, creation).await),
            (None, _) => (Admission::LeftToWorkers, enqueue(shared, creation).await),
        };
        let refused = match made {
            Ok(()) => {
                shared.ask_for(run, plan.digest());
                return Ok(RunHandle::new(shared, run, admission));
            }
            Err(NotMade::Broken(error)) => return Err(error),
            Err(NotMade::Refused(refused)) => refused,
        };
        return match refused {
            CommitError::Started { run } => Ok(RunHandle::new(shared, run, Admission::StartedBefore)),
            CommitError::KeyConflict { run } => Err(RuntimeError::KeyConflict { run }),
            CommitError::Conflict { key, holder } => Err(RuntimeError::Conflict { key, holder }),
            CommitError::RolledBack { sequence, least } => Err(verify::rolled_back(plan, sequence, least)),
            CommitError::PlanMissing => {
                // Pruned since this process stored it.
                shared.plans.set_stored(plan.digest(), false);
                continue;
            }
            CommitError::Store(error) => Err(error.into()),
            other => Err(unexpected(&other)),
        };
    }
    Err(RuntimeError::PlanMissing { run, plan: plan.digest() })
}

/// Makes a run and leaves it to whoever claims it.
async fn enqueue(shared: &Arc<Shared>, creation: Creation) -> Result<(), NotMade> {
    let Creation { key, start, starter, trace, vouched } = creation;
    let entry = Entry { at: shared.now(), path: Path::root(), event: Event::RunStarted(Box::new(start)) };
    let record = Record { revision: REVISION, actor: starter, trace, entry };
    let commit = Commit::new(shared.commit_id(), key, Author::Creator, LeaseChange::Keep, [record])
        .and_then(|commit| verify::floored(commit, vouched))
        .map_err(|error| CommitError::from(StoreError::damaged(error.to_string())))?;
    Ok(shared.commit(commit).await.map(|_| ())?)
}

/// The task that makes the run was dropped: the runtime went away, and whether the run exists is for the store to say.
fn gone() -> CommitError {
    StoreError::Unavailable {
        message: Arc::from("the runtime went away while the run was being made"),
        unknown: true,
        source: None,
    }
    .into()
}
