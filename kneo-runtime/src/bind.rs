//! Attaches a plan to what a host has registered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kneo_core::plan::{
    AgentIx, BackingDef, CommandDef, CompiledPlan, FunctionIx, McpServerDef, NodeIx, NodeKind, Plan, Requirement,
    ServerIx, ToolBackingDef, ToolIx,
};
use kneo_core::provider::Provider;
use kneo_core::secret::Secrets;
use kneo_core::tool::{Backing, Function, Tool};
use kneo_core::tool_server::{Connector, ToolServer};
use kneo_core::{Digest, Name};

use crate::engine::{HostTool, Program, Versions};
use crate::error::BindError;

/// What a host has registered.
#[derive(Debug, Default)]
pub(crate) struct Host {
    pub(crate) providers: BTreeMap<Name, Arc<dyn Provider>>,
    pub(crate) tools: BTreeMap<Name, Arc<dyn Tool>>,
    pub(crate) functions: BTreeMap<Name, Arc<dyn Function>>,
    pub(crate) commands: Option<Arc<dyn Backing<CommandDef>>>,
    pub(crate) mcp: Option<Arc<dyn Connector>>,
    pub(crate) secrets: Secrets,
}

/// A plan with what runs behind its agents, tools and functions.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) program: Arc<Program>,
    providers: Vec<Arc<dyn Provider>>,
    /// `None` is a tool that a server or a workflow of the plan runs.
    tools: Vec<Option<Callable>>,
    servers: Vec<Arc<dyn ToolServer>>,
    functions: Vec<Arc<dyn Function>>,
    secrets: Secrets,
}

/// What runs behind a tool.
#[derive(Clone, Debug)]
pub(crate) enum Callable {
    Tool(Arc<dyn Tool>),
    Command(Arc<dyn Function>),
}

impl Bound {
    /// A plan with nothing behind it: enough to end a run.
    pub(crate) fn unbound(program: Arc<Program>) -> Bound {
        let (providers, tools, servers, functions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Bound { program, providers, tools, servers, functions, secrets: Secrets::default() }
    }

    pub(crate) fn provider(&self, at: AgentIx) -> Option<Arc<dyn Provider>> {
        self.providers.get(at.as_usize()).cloned()
    }

    pub(crate) fn tool(&self, at: ToolIx) -> Option<Callable> {
        self.tools.get(at.as_usize()).cloned().flatten()
    }

    pub(crate) fn server(&self, at: ServerIx) -> Option<Arc<dyn ToolServer>> {
        self.servers.get(at.as_usize()).cloned()
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn function(&self, at: FunctionIx) -> Option<Arc<dyn Function>> {
        self.functions.get(at.as_usize()).cloned()
    }
}

impl Host {
    /// Finds what runs behind every part of a plan.
    ///
    /// # Errors
    /// Everything that is missing, refused or unusable, at once.
    pub(crate) fn bind(&self, compiled: &Arc<CompiledPlan>) -> Result<Bound, Arc<BindError>> {
        let mut binder = Binder { host: self, missing: BTreeSet::new(), refused: Vec::new() };
        let plan = compiled.plan();
        let providers = plan.agents.iter().map(|agent| binder.provider(&agent.model.provider));
        let providers: Option<Vec<_>> = all(providers);
        let tools: Option<Vec<_>> = all(plan.tools.iter().map(|tool| binder.tool(&tool.name, &tool.backing)));
        let servers: Option<Vec<_>> = all(plan.servers.iter().map(|server| binder.server(server)));
        let functions = plan.functions.iter().map(|function| binder.function(&function.name, &function.backing));
        let functions: Option<Vec<_>> = all(functions);
        binder.secrets(plan);
        let (missing, refused): (Vec<Requirement>, _) = (binder.missing.into_iter().collect(), binder.refused);
        let (Some(providers), Some(tools), Some(servers), Some(functions), true) =
            (providers, tools, servers, functions, missing.is_empty())
        else {
            return Err(Arc::new(BindError { workflow: plan.name.clone(), missing, refused, schema: None }));
        };
        let (own, versions) = (host_tools(&tools), versions(plan, &tools, &functions));
        let program = Program::new(Arc::clone(compiled), &own, versions)
            .map_err(|(tool, error)| Arc::new(BindError::schema(plan.name.clone(), tool, error)))?;
        let (program, secrets) = (Arc::new(program), self.secrets.clone());
        Ok(Bound { program, providers, tools, servers, functions, secrets })
    }
}

/// Looks at every item, even after one that is missing.
fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<Option<T>> = items.collect();
    items.into_iter().collect()
}

struct Binder<'a> {
    host: &'a Host,
    missing: BTreeSet<Requirement>,
    refused: Vec<(Name, kneo_core::call::CallError)>,
}

impl Binder<'_> {
    fn provider(&mut self, name: &Name) -> Option<Arc<dyn Provider>> {
        let found = self.host.providers.get(name).cloned();
        self.need(found, || Requirement::Provider(name.clone()))
    }

    fn tool(&mut self, name: &Name, backing: &ToolBackingDef) -> Option<Option<Callable>> {
        match backing {
            ToolBackingDef::Implementation(implementation) => {
                let found = self.host.tools.get(implementation).cloned().map(Callable::Tool);
                self.need(found, || Requirement::Tool(implementation.clone())).map(Some)
            }
            ToolBackingDef::Command(command) => self.command(name, command).map(Callable::Command).map(Some),
            ToolBackingDef::Mcp { .. } | ToolBackingDef::Workflow(_) => Some(None),
        }
    }

    fn server(&mut self, server: &McpServerDef) -> Option<Arc<dyn ToolServer>> {
        let connector = self.need(self.host.mcp.clone(), || Requirement::Mcp)?;
        self.accepted(&server.name, connector.server(server))
    }

    fn function(&mut self, name: &Name, backing: &BackingDef) -> Option<Arc<dyn Function>> {
        match backing {
            BackingDef::Implementation(implementation) => {
                let found = self.host.functions.get(implementation).cloned();
                self.need(found, || Requirement::Function(implementation.clone()))
            }
            BackingDef::Command(command) => self.command(name, command),
        }
    }

    fn command(&mut self, name: &Name, command: &CommandDef) -> Option<Arc<dyn Function>> {
        let backing = self.need(self.host.commands.clone(), || Requirement::Command)?;
        self.accepted(name, backing.bind(command))
    }

    fn accepted<T>(&mut self, name: &Name, bound: Result<T, kneo_core::call::CallError>) -> Option<T> {
        bound.map_err(|error| self.refused.push((name.clone(), error))).ok()
    }

    /// Without a source no secret can be had; whether a source has them is for a preflight to ask.
    fn secrets(&mut self, plan: &Plan) {
        if !self.host.secrets.has_source() {
            self.missing.extend(plan.secrets().map(Requirement::Secret));
        }
    }

    fn need<T>(&mut self, found: Option<T>, what: impl FnOnce() -> Requirement) -> Option<T> {
        if found.is_none() {
            self.missing.insert(what());
        }
        found
    }
}

fn host_tools(tools: &[Option<Callable>]) -> BTreeMap<ToolIx, HostTool> {
    let own = (0u32..).zip(tools).filter_map(|(at, tool)| match tool {
        Some(Callable::Tool(tool)) => {
            let is = tool.description();
            let own = HostTool { description: Arc::clone(&is.description), parameters: is.parameters.clone() };
            Some((ToolIx::new(at), own))
        }
        Some(Callable::Command(_)) | None => None,
    });
    own.collect()
}

fn versions(plan: &Plan, tools: &[Option<Callable>], functions: &[Arc<dyn Function>]) -> Versions {
    let of_tools = (0u32..).zip(tools).filter_map(|(at, tool)| {
        let version = match tool.as_ref()? {
            Callable::Tool(tool) => tool.description().version.clone(),
            Callable::Command(function) => function.version(),
        };
        Some((ToolIx::new(at), version?))
    });
    let of_functions = (0u32..).zip(&plan.nodes).filter_map(|(at, node)| match &node.kind {
        NodeKind::Function(function) => Some((NodeIx::new(at), functions.get(function.as_usize())?.version()?)),
        NodeKind::Agent(_) | NodeKind::Human(_) | NodeKind::Workflow(_) | NodeKind::Set(_) | NodeKind::Fork(_) => None,
    });
    Versions { tools: of_tools.collect(), functions: of_functions.collect() }
}

/// The plans that this runtime has met: decoded, bound, stored. Only a cache: forgetting is harmless.
#[derive(Debug)]
pub(crate) struct Plans {
    host: Host,
    known: Mutex<HashMap<Digest, Known>>,
}

/// A host that makes a plan for every run must not fill the memory with them.
const MAX_KNOWN: usize = 4_096;

#[derive(Debug, Clone, Default)]
struct Known {
    plan: Option<Arc<CompiledPlan>>,
    bound: Option<Result<Arc<Bound>, Arc<BindError>>>,
    unbound: Option<Arc<Program>>,
    stored: bool,
}

impl Plans {
    pub(crate) fn new(host: Host) -> Plans {
        Plans { host, known: Mutex::default() }
    }

    /// Binds a plan, once.
    pub(crate) fn bind(&self, plan: &Arc<CompiledPlan>) -> Result<Arc<Bound>, Arc<BindError>> {
        if let Some(bound) = self.known(plan.digest()).bound {
            return bound;
        }
        let bound = self.host.bind(plan).map(Arc::new);
        self.change(plan.digest(), |known| {
            known.plan.get_or_insert_with(|| Arc::clone(plan));
            known.bound = Some(bound.clone());
        });
        bound
    }

    /// The program of a plan without the host's part: enough to look at runs and to end them.
    pub(crate) fn unbound(&self, plan: &Arc<CompiledPlan>) -> Result<Arc<Program>, Arc<BindError>> {
        let known = self.known(plan.digest());
        if let Some(Ok(bound)) = &known.bound {
            return Ok(Arc::clone(&bound.program));
        }
        if let Some(program) = known.unbound {
            return Ok(program);
        }
        let program = Program::unbound(Arc::clone(plan))
            .map(Arc::new)
            .map_err(|error| Arc::new(BindError::schema(plan.plan().name.clone(), None, error)))?;
        self.change(plan.digest(), |known| known.unbound = Some(Arc::clone(&program)));
        Ok(program)
    }

    /// The host's secrets.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.host.secrets
    }

    pub(crate) fn decoded(&self, digest: Digest) -> Option<Arc<CompiledPlan>> {
        self.known(digest).plan
    }

    pub(crate) fn remember(&self, plan: &Arc<CompiledPlan>) {
        self.change(plan.digest(), |known| known.plan = Some(Arc::clone(plan)));
    }

    pub(crate) fn is_stored(&self, digest: Digest) -> bool {
        self.known(digest).stored
    }

    pub(crate) fn set_stored(&self, digest: Digest, stored: bool) {
        self.change(digest, |known| known.stored = stored);
    }

    fn known(&self, digest: Digest) -> Known {
        self.lock().get(&digest).cloned().unwrap_or_default()
    }

    fn change(&self, digest: Digest, change: impl FnOnce(&mut Known)) {
        let mut known = self.lock();
        if known.len() >= MAX_KNOWN && !known.contains_key(&digest) {
            known.clear();
        }
        change(known.entry(digest).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Known>> {
        // Nothing panics half-way through a change.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
