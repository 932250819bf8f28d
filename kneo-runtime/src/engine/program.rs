use std::collections::BTreeMap;
use std::sync::Arc;

use kneo_core::plan::{
    AgentDef, AgentIx, CompiledPlan, NodeIx, Plan, SchemaIx, ServerIx, Strategy, ToolBackingDef, ToolIx,
};
use kneo_core::provider::ToolOffer;
use kneo_core::schema::{Schema, SchemaError};
use kneo_core::{Name, Value};

/// A plan with the facts that deciding needs and that never change while the plan is bound: compiled schemas, and what
/// the host says of its tools.
#[derive(Debug)]
pub struct Program {
    plan: Arc<CompiledPlan>,
    schemas: Vec<Schema>,
    offers: Vec<ToolOffer>,
    /// The servers of each agent.
    servers: Vec<Vec<ServerIx>>,
    host_schemas: BTreeMap<ToolIx, Schema>,
    versions: Versions,
}

/// The versions that the host gives of its code; recorded with each call.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the binder builds it")]
pub struct Versions {
    /// Of tools.
    pub tools: BTreeMap<ToolIx, Arc<str>>,
    /// Of functions, by the node that calls them.
    pub functions: BTreeMap<NodeIx, Arc<str>>,
}

/// What the host says of one of its tools.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the binder builds it")]
pub struct HostTool {
    /// What it does, where the spec does not say.
    pub description: Arc<str>,
    /// The schema of its arguments, which holds beside the spec's.
    pub parameters: Value,
}

impl Program {
    /// Makes a program of a plan and what a host says of its tools.
    ///
    /// # Errors
    /// A schema of the plan or of a tool that cannot be compiled, with the schema's owner.
    pub fn new(
        plan: Arc<CompiledPlan>,
        host: &BTreeMap<ToolIx, HostTool>,
        versions: Versions,
    ) -> Result<Program, (Option<Name>, SchemaError)> {
        let compile = |schema: &Value| Schema::compile(schema).map_err(|error| (None, error));
        let schemas = plan.plan().schemas.iter().map(compile).collect::<Result<Vec<_>, _>>()?;
        let mut offers = Vec::new();
        let mut host_schemas = BTreeMap::new();
        for (index, tool) in (0u32..).zip(&plan.plan().tools) {
            let at = ToolIx::new(index);
            let own = host.get(&at);
            if let Some(own) = own {
                let schema = Schema::compile(&own.parameters).map_err(|error| (Some(tool.name.clone()), error))?;
                host_schemas.insert(at, schema);
            }
            let description = tool.description.clone().or_else(|| own.map(|own| Arc::clone(&own.description)));
            let parameters = tool.parameters.and_then(|at| plan.plan().schema(at)).or(own.map(|own| &own.parameters));
            offers.push(ToolOffer::new(
                tool.name.to_shared(),
                description.unwrap_or_else(|| Arc::from("")),
                parameters.cloned().unwrap_or_else(any_object),
            ));
        }
        let servers = plan.plan().agents.iter().map(|agent| servers_of(plan.plan(), agent)).collect();
        Ok(Program { plan, schemas, offers, servers, host_schemas, versions })
    }

    /// A program that can end runs and nothing else needs: without the host's tools.
    ///
    /// # Errors
    /// A schema of the plan that cannot be compiled.
    pub fn unbound(plan: Arc<CompiledPlan>) -> Result<Program, SchemaError> {
        Program::new(plan, &BTreeMap::new(), Versions::default()).map_err(|(_, error)| error)
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.plan.plan()
    }

    /// The plan with its digest.
    #[must_use]
    pub fn compiled(&self) -> &Arc<CompiledPlan> {
        &self.plan
    }

    /// A tool as a model sees it, as far as the plan and the host say.
    pub(super) fn offer(&self, tool: ToolIx) -> Option<&ToolOffer> {
        self.offers.get(tool.as_usize())
    }

    /// The servers that an agent asks for tools, each once.
    #[must_use]
    pub fn servers(&self, agent: AgentIx) -> &[ServerIx] {
        self.servers.get(agent.as_usize()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Checks the arguments of a tool call against the spec's schema and the host's; `more` says that there is another.
    ///
    /// # Errors
    /// What does not fit, in words for the model.
    pub(super) fn check_arguments(&self, tool: ToolIx, arguments: &Value, more: bool) -> Result<(), String> {
        let spec = self.plan().tool(tool).and_then(|tool| tool.parameters);
        if let Some(at) = spec {
            self.check(at, arguments)?;
        }
        match self.host_schemas.get(&tool) {
            Some(schema) => describe(schema.check(arguments)),
            None if !more && spec.is_none() && !matches!(arguments, Value::Map(_)) => Err("not an object".to_owned()),
            None => Ok(()),
        }
    }

    /// Checks a value against a schema of the plan.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn check(&self, schema: SchemaIx, value: &Value) -> Result<(), String> {
        self.schemas.get(schema.as_usize()).map_or(Ok(()), |schema| describe(schema.check(value)))
    }

    pub(super) fn tool_version(&self, tool: ToolIx) -> Option<Arc<str>> {
        self.versions.tools.get(&tool).cloned()
    }

    pub(super) fn function_version(&self, node: NodeIx) -> Option<Arc<str>> {
        self.versions.functions.get(&node).cloned()
    }
}

/// Programs of one plan are the same for replay: what a host says of its tools only guides decisions.
impl PartialEq for Program {
    fn eq(&self, other: &Program) -> bool {
        self.plan.digest() == other.plan.digest()
    }
}

/// A simple agent calls nothing, so that it asks nobody.
fn servers_of(plan: &Plan, agent: &AgentDef) -> Vec<ServerIx> {
    let mut servers = Vec::new();
    if matches!(agent.strategy, Strategy::React { .. }) {
        let declared = agent.tools.iter().filter_map(|tool| match &plan.tool(*tool)?.backing {
            ToolBackingDef::Mcp { server, .. } => Some(*server),
            _ => None,
        });
        for server in agent.servers.iter().copied().chain(declared) {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
    }
    servers
}

fn any_object() -> Value {
    Value::map([("type", Value::from("object"))]).unwrap_or_default()
}

pub(super) fn describe(result: Result<(), Vec<kneo_core::schema::Violation>>) -> Result<(), String> {
    result.map_err(|violations| violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}
