//! How a host puts a runtime together.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::clock::{Clock, Entropy};
use kneo_core::observer::Observer;
use kneo_core::plan::CommandDef;
use kneo_core::provider::Provider;
use kneo_core::seal::PlanVerifier;
use kneo_core::secret::{SecretSource, Secrets};
use kneo_core::store::Store;
use kneo_core::tool::{Backing, Function, Tool};
use kneo_core::tool_server::Connector;
use kneo_core::{Name, Namespace};

use crate::bind::Host;
use crate::deltas::DeltaSink;
use crate::error::BuildError;
use crate::runtime::Runtime;
use crate::shared::{Listeners, Shared};
use crate::system::{SystemClock, SystemEntropy};

/// How a runtime works.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Whether the runtime advances runs, or only starts them, decides and looks.
    pub(crate) role: WorkerRole,
    /// The most runs in this worker's hands at a time; 1,024 unless said otherwise.
    pub(crate) max_live_runs: NonZeroUsize,
    /// How often the store is asked for work and news that no hint told of; one second unless said otherwise.
    pub(crate) poll: Duration,
    /// How long a cancelled call may take to end before it is dropped; five seconds unless said otherwise.
    pub(crate) cancel_grace: Duration,
    /// How long a run is kept while the store does not answer; the length of a lease unless said otherwise.
    pub(crate) store_patience: Duration,
}

/// What a runtime does with runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkerRole {
    /// It claims and advances them, whoever started them.
    Worker,
    /// It advances those that it starts, resumes or decides, and leaves all others to workers.
    OnRequest,
    /// It starts them, decides their tasks and looks at them.
    Client,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            role: WorkerRole::Worker,
            max_live_runs: NonZeroUsize::new(1_024).unwrap_or(NonZeroUsize::MIN),
            poll: Duration::from_secs(1),
            cancel_grace: Duration::from_secs(5),
            store_patience: kneo_core::store::LEASE,
        }
    }
}

/// Puts a [`Runtime`] together; [`Runtime::builder`] makes one.
#[derive(Debug)]
pub struct RuntimeBuilder {
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    namespace: Namespace,
    listeners: Listeners,
    host: Host,
    options: Options,
    problem: Option<BuildError>,
}

impl RuntimeBuilder {
    pub(crate) fn new() -> RuntimeBuilder {
        RuntimeBuilder {
            store: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::default()),
            namespace: Namespace::default(),
            listeners: Listeners::default(),
            host: Host::default(),
            options: Options::default(),
            problem: None,
        }
    }

    /// Where runs live. The only part without a default.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> RuntimeBuilder {
        self.store = Some(store);
        self
    }

    /// Registers a model provider under the name that specs use.
    #[must_use]
    pub fn provider(mut self, name: impl AsRef<str>, provider: Arc<dyn Provider>) -> RuntimeBuilder {
        if let Some(name) = self.name("provider", name.as_ref())
            && self.host.providers.insert(name.clone(), provider).is_some()
        {
            self.refuse(BuildError::Twice { what: "provider", name });
        }
        self
    }

    /// Registers a tool under the name in its description.
    #[must_use]
    pub fn tool(mut self, tool: Arc<dyn Tool>) -> RuntimeBuilder {
        let name = Arc::clone(&tool.description().name);
        if let Some(name) = self.name("tool", &name)
            && self.host.tools.insert(name.clone(), tool).is_some()
        {
            self.refuse(BuildError::Twice { what: "tool", name });
        }
        self
    }

    /// Registers a function under the name that specs use.
    #[must_use]
    pub fn function(mut self, name: impl AsRef<str>, function: Arc<dyn Function>) -> RuntimeBuilder {
        if let Some(name) = self.name("function", name.as_ref())
            && self.host.functions.insert(name.clone(), function).is_some()
        {
            self.refuse(BuildError::Twice { what: "function", name });
        }
        self
    }

    /// Where secrets come from, by the names that specs use.
    #[must_use]
    pub fn secrets(mut self, source: Arc<dyn SecretSource>) -> RuntimeBuilder {
        self.host.secrets = Secrets::of(source);
        self
    }

    /// Lets specs run programs, through this backing.
    #[must_use]
    pub fn commands(mut self, backing: Arc<dyn Backing<CommandDef>>) -> RuntimeBuilder {
        self.host.commands = Some(backing);
        self
    }

    /// Lets specs name MCP servers, through this connector.
    #[must_use]
    pub fn mcp(mut self, connector: Arc<dyn Connector>) -> RuntimeBuilder {
        self.host.mcp = Some(connector);
        self
    }

    /// Tells the time instead of the machine. Waiting is tokio's: a clock that is not the machine's must go with it.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> RuntimeBuilder {
        self.clock = clock;
        self
    }

    /// Gives randomness instead of the machine.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> RuntimeBuilder {
        self.entropy = entropy;
        self
    }

    /// The namespace of every run that this runtime starts, claims and shows; `default` unless said otherwise.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> RuntimeBuilder {
        self.namespace = namespace;
        self
    }

    /// Takes the text that models generate, as they do.
    #[must_use]
    pub fn deltas(mut self, sink: Arc<dyn DeltaSink>) -> RuntimeBuilder {
        self.listeners.deltas = Some(sink);
        self
    }

    /// Tells somebody what happens in the runs that this runtime advances; several are told in the order in which they
    /// were added.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> RuntimeBuilder {
        self.listeners.observers.push(observer);
        self
    }

    /// Lets only those plans run that somebody vouches for: asked before a run starts, and before one goes on that this
    /// runtime takes up. A plan whose seal was verified does not start after a later one of its workflow and environment
    /// in the same namespace: the store sees to that with the commit that makes the run.
    #[must_use]
    pub fn plan_verifier(mut self, verifier: Arc<dyn PlanVerifier>) -> RuntimeBuilder {
        self.listeners.verifier = Some(verifier);
        self
    }

    /// Keeps the runtime to the runs that it starts, resumes or decides: for a program that is there for one run.
    #[must_use]
    pub fn on_request(mut self) -> RuntimeBuilder {
        self.options.role = WorkerRole::OnRequest;
        self
    }

    /// Makes the runtime a client: it starts runs, decides and looks, and leaves running to workers.
    #[must_use]
    pub fn client_only(mut self) -> RuntimeBuilder {
        self.options.role = WorkerRole::Client;
        self
    }

    /// The most runs in this worker's hands at a time.
    #[must_use]
    pub fn max_live_runs(mut self, max: NonZeroUsize) -> RuntimeBuilder {
        self.options.max_live_runs = max;
        self
    }

    /// How often the store is asked for work and news that no hint told of.
    #[must_use]
    pub fn poll(mut self, every: Duration) -> RuntimeBuilder {
        self.options.poll = every;
        self
    }

    /// How long a cancelled call may take to end before it is dropped.
    #[must_use]
    pub fn cancel_grace(mut self, grace: Duration) -> RuntimeBuilder {
        self.options.cancel_grace = grace;
        self
    }

    /// How long a run is kept while the store does not answer.
    #[must_use]
    pub fn store_patience(mut self, patience: Duration) -> RuntimeBuilder {
        self.options.store_patience = patience;
        self
    }

    /// Starts the runtime on the tokio runtime of the caller.
    ///
    /// # Errors
    /// The first thing that is missing or wrong.
    pub fn build(mut self) -> Result<Runtime, BuildError> {
        if self.options.poll.is_zero() {
            self.refuse(BuildError::Option { option: "poll", value: "0 s".to_owned(), help: "it is longer than that" });
        }
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let store = self.store.ok_or(BuildError::StoreMissing)?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(BuildError::NoAsyncRuntime);
        }
        let shared =
            Shared::new(store, self.clock, self.entropy, self.namespace, self.listeners, self.host, self.options);
        Ok(Runtime::launch(Arc::new(shared)))
    }

    fn name(&mut self, what: &'static str, text: &str) -> Option<Name> {
        match Name::new(text) {
            Ok(name) => Some(name),
            Err(error) => {
                self.refuse(BuildError::Name { what, text: text.to_owned(), error });
                None
            }
        }
    }

    fn refuse(&mut self, problem: BuildError) {
        self.problem.get_or_insert(problem);
    }
}
