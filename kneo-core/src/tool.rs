//! The contracts of tools, functions and backings.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::call::{CallContext, CallError};
use crate::value::Value;

/// Something that a model may ask for.
///
/// # Contract
/// - **Checked arguments.** A call gets arguments that fit [`ToolDescription::parameters`] and, where the spec has its
///   own schema, that too.
/// - **At least once.** After a crash a call may run again with the same [`CallContext::key`], unless the spec says that
///   it writes. A tool that must not act twice gives the key to whoever can tell.
/// - **Cancellation.** When the token is cancelled the call ends soon and leaves nothing running. The runtime cancels a
///   call whose time is over and drops one that does not end within its grace.
/// - **Durability.** The result counts once it is committed; until then the call may run again.
/// - **Concurrency.** Calls may run at the same time, those of one turn too.
///
/// # Implementing
/// The `typed` module of `kneo-runtime` makes a tool of an async function over types of the host's own.
///
/// # Errors
/// An error is a result for the model, which reads its message. Codes begin with `tool_`.
///
/// # Cancel safety
/// Dropping the future must leave nothing running; whether the call acted is then unknown.
#[async_trait]
pub trait Tool: fmt::Debug + Send + Sync + 'static {
    /// What the tool is.
    fn description(&self) -> &ToolDescription;

    /// Runs the tool once.
    ///
    /// # Errors
    /// Whatever keeps the tool from a result.
    ///
    /// # Cancel safety
    /// Dropping the future must leave nothing running.
    async fn call(&self, arguments: Value, context: &CallContext) -> Result<Value, CallError>;
}

/// What a [`Tool`] is.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ToolDescription {
    /// The name under which a spec's `implementation` finds it.
    pub name: Arc<str>,
    /// What it does, for a model.
    pub description: Arc<str>,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// Recorded with each call, if given.
    pub version: Option<Arc<str>>,
}

impl ToolDescription {
    /// A description without a version.
    pub fn new(name: impl Into<Arc<str>>, description: impl Into<Arc<str>>, parameters: Value) -> ToolDescription {
        ToolDescription { name: name.into(), description: description.into(), parameters, version: None }
    }

    /// The same description with a version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<Arc<str>>) -> ToolDescription {
        self.version = Some(version.into());
        self
    }
}

/// Something that a step calls.
///
/// # Contract
/// As for [`Tool`], without a schema: any value may come in.
///
/// # Implementing
/// The `typed` module of `kneo-runtime` makes a function of an async function over types of the host's own.
///
/// # Errors
/// An error fails the attempt; `retryable` says whether the step's retry policy applies, `retry_after` how long to wait.
///
/// # Cancel safety
/// Dropping the future must leave nothing running; whether the call acted is then unknown.
#[async_trait]
pub trait Function: fmt::Debug + Send + Sync + 'static {
    /// Recorded with each call, if given.
    fn version(&self) -> Option<Arc<str>> {
        None
    }

    /// Runs the function once.
    ///
    /// # Errors
    /// Whatever keeps the function from a result.
    ///
    /// # Cancel safety
    /// Dropping the future must leave nothing running.
    async fn call(&self, input: Value, context: &CallContext) -> Result<Value, CallError>;
}

/// Turns what a spec says of a backing — of a program: [`CommandDef`](crate::plan::CommandDef) — into something that can
/// be called.
///
/// The runtime starts no process and opens no connection itself: a host that lets specs do so registers a backing.
///
/// # Contract
/// - **Checked once.** What the host does not allow or cannot run is refused when it is bound, before a run starts; what
///   depends on the input is refused when it is called, and nothing is run then.
/// - **No side effect.** Binding starts nothing. The same definition may be bound many times, also at the same time.
/// - **Idempotency.** Every call gets its key; the backing hands it on to what it runs.
/// - **Cancellation, time, concurrency.** As for [`Function`]: the function it gives is one.
///
/// # Implementing
/// `kneo-tools` has the backing of commands. [`Function`] says what the bound function owes.
///
/// # Errors
/// Codes begin with `tool_`; the message says what is refused and what to do.
pub trait Backing<Def>: fmt::Debug + Send + Sync + 'static {
    /// Makes a function of a definition; the spec's tools and functions both run it.
    ///
    /// # Errors
    /// A definition that the host does not allow or cannot run.
    fn bind(&self, definition: &Def) -> Result<Arc<dyn Function>, CallError>;
}
