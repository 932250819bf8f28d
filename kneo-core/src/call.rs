//! What every call of a host's code gets, and how it fails.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::failure::{Failure, FailureKind};
use crate::name::Name;
use crate::path::Path;
use crate::plan::CompiledPlan;
use crate::run::{Attempt, IdempotencyKey, RunKey};
use crate::secret::Secrets;
use crate::time::Timestamp;
use crate::trace::{SpanId, TraceContext, TraceId};
use crate::usage::Usage;

/// Where a call stands, and when it must stop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallContext {
    /// The run.
    pub run: RunKey,
    /// The place in the run.
    pub path: Path,
    /// Which try.
    pub attempt: Attempt,
    /// When the run started.
    pub run_started_at: Timestamp,
    /// Tells the call to stop.
    pub cancel: Cancel,
    /// How long the call may take. The runtime cancels it then, and says why: a callee need not watch the time.
    pub timeout: Option<Duration>,
    /// Takes text as it is generated.
    pub deltas: Deltas,
    /// Where the call finds secrets by the names that specs use.
    pub secrets: Secrets,
    /// The plan in whose words a place is told.
    plan: Option<Arc<CompiledPlan>>,
    /// The trace that whoever started the run has begun.
    parent: Option<TraceContext>,
    /// The idempotency key in the author's words.
    own_key: Option<Name>,
}

impl CallContext {
    /// A context without a timeout, secrets and a plan, whose deltas go nowhere.
    #[must_use]
    pub fn new(run: RunKey, path: Path, attempt: Attempt, cancel: Cancel) -> CallContext {
        let (run_started_at, timeout, plan) = (Timestamp::default(), None, None);
        let (deltas, secrets, parent, own_key) = (Deltas::default(), Secrets::default(), None, None);
        CallContext { run, path, attempt, run_started_at, cancel, timeout, deltas, secrets, plan, parent, own_key }
    }

    /// The idempotency key: the same for every try of this piece of work, and of no other.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        match &self.own_key {
            Some(key) => IdempotencyKey::from(key.clone()),
            None => IdempotencyKey::of(self.run.run, &self.path),
        }
    }

    /// The same context with an idempotency key in the author's words, if there is one.
    #[must_use]
    pub fn with_key(mut self, key: Option<Name>) -> CallContext {
        self.own_key = key;
        self
    }

    /// The place in the author's words, for people; without a plan it is the path.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.plan {
            Some(plan) => plan.plan().describe(&self.path),
            None => self.path.to_string(),
        }
    }

    /// The span of this attempt, for whoever is called to go on with: the run's own trace, or that of its starter.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        let span = SpanId::of_attempt(self.run.run, &self.path, self.attempt);
        match self.parent {
            Some(parent) => parent.with_span(span),
            None => TraceContext::new(TraceId::of_run(self.run.run), span),
        }
    }

    /// The same context in a trace that somebody else has begun.
    #[must_use]
    pub fn with_parent(mut self, parent: Option<TraceContext>) -> CallContext {
        self.parent = parent;
        self
    }

    /// The same context, whose place is told in the words of a plan.
    #[must_use]
    pub fn with_plan(mut self, plan: Arc<CompiledPlan>) -> CallContext {
        self.plan = Some(plan);
        self
    }

    /// The same context with the time at which the run started.
    #[must_use]
    pub fn with_run_started_at(mut self, at: Timestamp) -> CallContext {
        self.run_started_at = at;
        self
    }

    /// The same context with a timeout.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Option<Duration>) -> CallContext {
        self.timeout = timeout;
        self
    }

    /// The same context with secrets.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Secrets) -> CallContext {
        self.secrets = secrets;
        self
    }

    /// The same context, whose deltas go to a sink.
    #[must_use]
    pub fn with_deltas(mut self, deltas: Deltas) -> CallContext {
        self.deltas = deltas;
        self
    }
}

/// Takes text as a model generates it: a preview that may be lost, and that nothing decides by.
#[derive(Clone, Default)]
pub struct Deltas(Option<Arc<Sink>>);

type Sink = dyn Fn(&str) + Send + Sync;

impl Deltas {
    /// Deltas that go to a sink. The sink must not block.
    pub fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Deltas {
        Deltas(Some(Arc::new(sink)))
    }

    /// Hands on a piece of text.
    pub fn push(&self, text: &str) {
        if let Some(sink) = &self.0 {
            sink(text);
        }
    }
}

impl fmt::Debug for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Deltas(sink)" } else { "Deltas" })
    }
}

/// Why a call of a tool, function or provider failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct CallError {
    /// The stable, snake-case code, such as `provider_rate_limited`.
    pub code: Arc<str>,
    /// What happened, for people and models; holds no secret.
    pub message: Arc<str>,
    /// Whether another try can help.
    pub retryable: bool,
    /// How long to wait before another try.
    pub retry_after: Option<Duration>,
    /// What the call cost all the same: a model's turn may be paid for and fail.
    pub usage: Usage,
    /// The cause, for who calls by themselves. A runtime neither stores nor logs it: it may say anything.
    #[source]
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl CallError {
    /// A failure after which another try can help.
    pub fn retryable(code: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> CallError {
        CallError::new(code.into(), message.into(), true)
    }

    /// A failure after which another try cannot help.
    pub fn fatal(code: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> CallError {
        CallError::new(code.into(), message.into(), false)
    }

    fn new(code: Arc<str>, message: Arc<str>, retryable: bool) -> CallError {
        CallError { code, message, retryable, retry_after: None, usage: Usage::default(), source: None }
    }

    /// The same error with the wait that the failing party asks for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> CallError {
        self.retry_after = Some(wait);
        self
    }

    /// The same error with what the call cost.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> CallError {
        self.usage = usage;
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> CallError {
        self.source = Some(Arc::new(source));
        self
    }

    /// The failure that a record carries.
    #[must_use]
    pub fn to_failure(&self, kind: FailureKind) -> Failure {
        let mut failure = Failure::new(kind, Arc::clone(&self.message)).with_code(Arc::clone(&self.code));
        failure.retryable = self.retryable;
        failure.retry_after = self.retry_after;
        failure
    }
}
