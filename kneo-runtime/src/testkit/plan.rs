use std::num::NonZeroU32;
use std::sync::Arc;

use kneo_core::expr::Expr;
use kneo_core::name::NameError;
use kneo_core::plan::{
    AgentDef, AgentIx, Approval, BackingDef, Bound, Branch, Combine, CompiledPlan, Condition, Edge, EdgeIx, Effect,
    Fork, FunctionDef, FunctionIx, HttpDef, HumanDef, HumanIx, JoinRule, Limits, McpServerDef, ModelDef, Node, NodeIx,
    NodeKind, OnBranchError, OnMax, OnTimeout, OnUncertain, PLAN_VERSION, Plan, PlanError, RequestType, Rest, SchemaIx,
    Scope, ScopeIx, ScopeKind, ServerIx, ServerTools, StepPolicy, Strategy, TlsDef, ToolBackingDef, ToolDef, ToolIx,
    Transport,
};
use kneo_core::{Name, Value};

/// Builds a plan by hand, for tests that need no spec.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kneo_core::plan::Effect;
/// use kneo_runtime::testkit::PlanBuilder;
///
/// let mut plan = PlanBuilder::new("chain".parse()?);
/// let work = plan.function("work", Effect::Idempotent);
/// let root = plan.scope("main", |scope| {
///     let first = scope.function("first", work);
///     let second = scope.function("second", work);
///     scope.edge(first, second);
/// });
/// assert_eq!(plan.build(root)?.plan().nodes.len(), 2);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PlanBuilder {
    plan: Plan,
    problem: Option<PlanProblem>,
}

/// Why a plan that was built by hand is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanProblem {
    /// A text is not a name.
    #[error("`{text}` cannot be a name: {error}")]
    Name {
        /// The text.
        text: String,
        /// Why not.
        error: NameError,
    },
    /// The plan is not whole.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Builds the nodes and edges of one workflow; the first node is its start.
#[derive(Debug)]
pub struct ScopeBuilder<'a> {
    builder: &'a mut PlanBuilder,
    scope: ScopeIx,
}

impl PlanBuilder {
    /// Begins a plan with the workflow's name.
    #[must_use]
    pub fn new(name: Name) -> PlanBuilder {
        let plan = Plan {
            plan_version: PLAN_VERSION,
            name,
            root: ScopeIx::new(0),
            scopes: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            agents: Vec::new(),
            tools: Vec::new(),
            servers: Vec::new(),
            functions: Vec::new(),
            humans: Vec::new(),
            schemas: Vec::new(),
            input: None,
            outputs: None,
            limits: Limits::default(),
        };
        PlanBuilder { plan, problem: None }
    }

    /// Adds a JSON Schema.
    pub fn schema(&mut self, schema: Value) -> SchemaIx {
        self.plan.schemas.push(schema);
        SchemaIx::new(last(self.plan.schemas.len()))
    }

    /// Makes every input fit a schema.
    pub fn input(&mut self, schema: SchemaIx) {
        self.plan.input = Some(schema);
    }

    /// Bounds the whole run.
    pub fn limits(&mut self, limits: Limits) {
        self.plan.limits = limits;
    }

    /// Adds a function that the host registers under the same name.
    pub fn function(&mut self, name: &str, effect: Effect) -> FunctionIx {
        let name = self.name(name);
        let backing = BackingDef::Implementation(name.clone());
        let (on_uncertain, approval) = (OnUncertain::Ask, Approval::Never);
        self.plan.functions.push(FunctionDef { name, backing, effect, on_uncertain, approval });
        FunctionIx::new(last(self.plan.functions.len()))
    }

    /// Adds a tool that the host registers under the same name.
    pub fn tool(&mut self, name: &str, effect: Effect, approval: Approval) -> ToolIx {
        let name = self.name(name);
        let backing = ToolBackingDef::Implementation(name.clone());
        let (description, parameters, on_uncertain) = (None, None, OnUncertain::Ask);
        self.plan.tools.push(ToolDef { name, description, parameters, backing, effect, on_uncertain, approval });
        ToolIx::new(last(self.plan.tools.len()))
    }

    /// Adds an MCP server, whose tools all read.
    pub fn server(&mut self, name: &str) -> ServerIx {
        let name = self.name(name);
        let http = HttpDef {
            url: Arc::from("http://localhost/"),
            headers: Vec::new(),
            bearer_ref: None,
            tls: TlsDef::default(),
        };
        let (transport, timeout_ms, max_response_bytes) = (Transport::Http(http), None, None);
        let tools = ServerTools { effect: Effect::Read, ..ServerTools::default() };
        self.plan.servers.push(McpServerDef { name, transport, timeout_ms, max_response_bytes, tools });
        ServerIx::new(last(self.plan.servers.len()))
    }

    /// Adds a tool of a server under a name of its own.
    pub fn served_tool(&mut self, name: &str, server: ServerIx, tool: &str) -> ToolIx {
        let at = self.tool(name, Effect::Read, Approval::Never);
        self.backing(at, ToolBackingDef::Mcp { server, tool: Arc::from(tool) });
        at
    }

    /// Adds a tool behind which a workflow runs.
    pub fn workflow_tool(&mut self, name: &str, scope: ScopeIx) -> ToolIx {
        let at = self.tool(name, Effect::Idempotent, Approval::Never);
        self.backing(at, ToolBackingDef::Workflow(scope));
        at
    }

    fn backing(&mut self, at: ToolIx, backing: ToolBackingDef) {
        if let Some(tool) = self.plan.tools.get_mut(at.as_usize()) {
            tool.backing = backing;
        }
    }

    /// Adds an agent on a provider; with tools it works in up to ten turns, without it answers once.
    pub fn agent(&mut self, name: &str, provider: &str, tools: Vec<ToolIx>) -> AgentIx {
        let (name, provider) = (self.name(name), self.name(provider));
        let model = ModelDef { provider, name: None, temperature: None, token_budget: None, extra: None };
        let strategy = match (tools.is_empty(), NonZeroU32::new(10)) {
            (false, Some(max_iterations)) => Strategy::React { max_iterations },
            (true, _) | (false, None) => Strategy::Simple,
        };
        self.plan.agents.push(AgentDef {
            name,
            system_prompt: None,
            model,
            strategy,
            tools,
            servers: Vec::new(),
            output: None,
        });
        AgentIx::new(last(self.plan.agents.len()))
    }

    /// Adds a person.
    pub fn human(&mut self, name: &str, request: RequestType) -> HumanIx {
        let name = self.name(name);
        self.plan.humans.push(HumanDef {
            name,
            description: None,
            request,
            assignees: Vec::new(),
            timeout_ms: None,
            on_timeout: OnTimeout::Fail,
            options: Vec::new(),
            default_option: None,
            context: None,
            response_role: None,
        });
        HumanIx::new(last(self.plan.humans.len()))
    }

    /// Changes what no other method sets.
    pub fn edit(&mut self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.plan);
    }

    /// Adds a workflow with the nodes that `build` adds. A nested workflow is added before the one that runs it.
    pub fn scope(&mut self, name: &str, build: impl FnOnce(&mut ScopeBuilder<'_>)) -> ScopeIx {
        let (name, first) = (self.name(name), next(self.plan.nodes.len()));
        let (start, kind) = (NodeIx::new(first), ScopeKind::Graph);
        self.plan.scopes.push(Scope { name, kind, start, first: start, len: 0, max_steps: None });
        let scope = ScopeIx::new(last(self.plan.scopes.len()));
        build(&mut ScopeBuilder { builder: self, scope });
        let len = next(self.plan.nodes.len()).saturating_sub(first);
        if let Some(scope) = self.plan.scopes.get_mut(scope.as_usize()) {
            scope.len = len;
        }
        scope
    }

    /// The plan, which starts with this workflow.
    ///
    /// # Errors
    /// A text that is no name, an index that leads nowhere.
    pub fn build(mut self, root: ScopeIx) -> Result<Arc<CompiledPlan>, PlanProblem> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        self.plan.root = root;
        Ok(self.plan.compile()?)
    }

    fn name(&mut self, text: &str) -> Name {
        Name::new(text).unwrap_or_else(|error| {
            self.problem.get_or_insert(PlanProblem::Name { text: text.to_owned(), error });
            self.plan.name.clone()
        })
    }
}

impl ScopeBuilder<'_> {
    /// Adds a step.
    pub fn node(&mut self, id: &str, kind: NodeKind) -> NodeIx {
        let id = self.builder.name(id);
        let (scope, policy) = (self.scope, StepPolicy::default());
        let node = Node {
            id,
            scope,
            when: None,
            input: None,
            output: None,
            idempotency_key: None,
            policy,
            kind,
            out: Vec::new(),
        };
        self.builder.plan.nodes.push(node);
        NodeIx::new(last(self.builder.plan.nodes.len()))
    }

    /// Adds a step that calls a function.
    pub fn function(&mut self, id: &str, function: FunctionIx) -> NodeIx {
        self.node(id, NodeKind::Function(function))
    }

    /// Adds a step that asks an agent.
    pub fn agent(&mut self, id: &str, agent: AgentIx) -> NodeIx {
        self.node(id, NodeKind::Agent(agent))
    }

    /// Adds a step that asks a person.
    pub fn human(&mut self, id: &str, human: HumanIx) -> NodeIx {
        self.node(id, NodeKind::Human(human))
    }

    /// Adds a step that runs another workflow.
    pub fn workflow(&mut self, id: &str, workflow: ScopeIx) -> NodeIx {
        self.node(id, NodeKind::Workflow(workflow))
    }

    /// Adds a step that starts branches at nodes that were added before, each named after its first node, and joins
    /// them to a map. The workflow starts here if it started at a branch.
    pub fn fork(&mut self, id: &str, starts: &[NodeIx], on_branch_error: OnBranchError) -> NodeIx {
        let plan = &self.builder.plan;
        let branches = starts.iter().filter_map(|start| Some((plan.node(*start)?.id.clone(), *start)));
        let branches: Vec<Branch> = branches.map(|(name, start)| Branch { name, start, when: None }).collect();
        let (join, rest, combine) = (JoinRule::All, Rest::Cancel, Combine::Map);
        let fork = self.node(id, NodeKind::Fork(Fork { branches, from: None, join, rest, on_branch_error, combine }));
        let scope = self.builder.plan.scopes.get_mut(self.scope.as_usize());
        if let Some(scope) = scope.filter(|scope| starts.contains(&scope.start)) {
            scope.start = fork;
        }
        fork
    }

    /// Leads from a step to the next.
    pub fn edge(&mut self, from: NodeIx, to: NodeIx) -> EdgeIx {
        self.link(Edge { from, to, when: None, max_visits: None, ends: false })
    }

    /// Leads from a step to the next where an expression holds.
    pub fn edge_when(&mut self, from: NodeIx, to: NodeIx, when: Expr) -> EdgeIx {
        self.link(Edge { from, to, when: Some(Condition::Expr(when)), max_visits: None, ends: false })
    }

    /// Leads back, at most so often.
    pub fn edge_at_most(&mut self, from: NodeIx, to: NodeIx, max: NonZeroU32, on_max: OnMax) -> EdgeIx {
        self.link(Edge { from, to, when: None, max_visits: Some(Bound { max, on_max }), ends: false })
    }

    /// Changes a step.
    pub fn edit(&mut self, node: NodeIx, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.builder.plan.nodes.get_mut(node.as_usize()) {
            change(node);
        }
    }

    fn link(&mut self, edge: Edge) -> EdgeIx {
        let from = edge.from;
        self.builder.plan.edges.push(edge);
        let at = EdgeIx::new(last(self.builder.plan.edges.len()));
        self.edit(from, |node| node.out.push(at));
        at
    }
}

/// The index that the next item of a list gets.
fn next(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The index of the last item of a list.
fn last(len: usize) -> u32 {
    next(len).saturating_sub(1)
}
