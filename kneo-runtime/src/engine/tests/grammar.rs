//! A small language of work: a plan and, without the engine, what the plan gives.

use std::num::NonZeroU32;
use std::sync::Arc;

use kneo_core::expr::{Expr, Root, TextPart, TextTemplate, ValueTemplate};
use kneo_core::plan::*;
use kneo_core::{Name, Value};
use proptest::prelude::{Just, Strategy, prop, prop_oneof};

/// Something to do with an input.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// `f<k>(input)`.
    Call(u8),
    /// `f<k>(input)`, which writes and parks for a person when its worker is lost.
    Write(u8),
    /// Fails so many times before it gives `f<k>(input)`.
    Flaky(u8, u8),
    /// Always fails; the flow goes on with the input.
    Ignored,
    /// Always fails. Only part of other work.
    Fails,
    /// Never ends by itself. Only part of other work.
    Hangs,
    /// Always fails; `f<k>(input)` in its place.
    Replaced(u8),
    /// Never runs.
    Skipped,
    /// `{"v": input as text}`.
    Set,
    /// A person who agrees.
    Approve,
    /// A person who says no; the flow goes on with the input.
    Reject,
    /// A person who may not answer in time; whatever then happens, the flow goes on with the input.
    Absent(OnTimeout),
    /// `f<k>(input)`, once somebody has agreed to the call.
    Agreed(u8),
    /// Nobody agrees to the call; the flow goes on with the input.
    Refused,
    /// So many turns with two tool calls each, then `a(input)`.
    Agent(u8),
    /// As an agent with so many turns, whose calls somebody allows or refuses.
    Consulted(u8),
    /// As an agent with so many turns, whose tools are a server's: one that the plan declares, one of the whole server.
    Served(u8),
    /// As an agent with one turn, whose tool is a workflow that does the work; what it gives is the model's to read.
    Deputy(Vec<Work>),
    /// `{"v": a(input)}`, after so many answers that do not fit.
    Shaped(u8),
    /// `f<k>` applied so many times, by a cycle.
    Cycle(u8, u8),
    /// `f<k>` applied so many times, by a cycle whose bound leads to `f0`.
    Left(u8, u8),
    /// Something that never ends beside the work, in a workflow whose time runs out; the flow goes on with the input.
    Overdue(Vec<Work>),
    /// Side by side with a branch that fails; the flow goes on with the input.
    Broken(OnBranchError, Vec<Work>),
    /// A nested workflow.
    Nested(Vec<Work>),
    /// Side by side.
    Parallel(Vec<Work>),
    /// Side by side with a branch that fails and one that never ends, neither of which is waited for.
    Enough(Vec<Work>),
    /// Side by side with a branch whose condition does not hold.
    Chosen(Vec<Work>),
}

/// What the work gives, by definition.
pub(super) fn expected(work: &[Work], input: Value) -> Value {
    work.iter().fold(input, |input, work| match work {
        Work::Call(k) | Work::Write(k) | Work::Flaky(k, _) | Work::Replaced(k) | Work::Agreed(k) => applied(*k, &input),
        Work::Ignored | Work::Skipped | Work::Approve | Work::Reject | Work::Absent(_) | Work::Refused => input,
        Work::Overdue(_) | Work::Broken(..) => input,
        Work::Fails | Work::Hangs => unreachable!("only part of other work"),
        Work::Set => Value::map([("v", Value::Str(input.to_text()))]).unwrap(),
        Work::Agent(_) | Work::Consulted(_) | Work::Served(_) | Work::Deputy(_) => {
            Value::from(format!("a({})", input.to_text()))
        }
        Work::Shaped(_) => Value::map([("v", Value::from(format!("a({})", input.to_text())))]).unwrap(),
        Work::Cycle(k, times) => (0..*times).fold(input, |input, _| applied(*k, &input)),
        Work::Left(k, times) => applied(0, &(0..*times).fold(input, |input, _| applied(*k, &input))),
        Work::Nested(inner) => expected(inner, input),
        Work::Parallel(branches) | Work::Enough(branches) | Work::Chosen(branches) => {
            let outputs = branches.iter().enumerate();
            let outputs =
                outputs.map(|(at, work)| (format!("b{at}"), expected(std::slice::from_ref(work), input.clone())));
            Value::map(outputs).unwrap()
        }
    })
}

pub(super) fn applied(k: u8, input: &Value) -> Value {
    // Short however deep it nests, so that cycles of cycles stay small.
    let digest = kneo_core::Digest::of(input.to_text().as_bytes()).to_string();
    Value::from(format!("f{k}({})", digest.get(..8).unwrap()))
}

pub(super) fn work() -> impl Strategy<Value = Vec<Work>> {
    let leaf = prop_oneof![
        4 => (0u8..9).prop_map(Work::Call),
        1 => (0u8..9).prop_map(Work::Write),
        1 => (0u8..9, 1u8..3).prop_map(|(k, fails)| Work::Flaky(k, fails)),
        1 => Just(Work::Ignored),
        1 => (0u8..9).prop_map(Work::Replaced),
        1 => Just(Work::Skipped),
        2 => Just(Work::Set),
        2 => Just(Work::Approve),
        1 => Just(Work::Reject),
        2 => prop_oneof![Just(OnTimeout::Fail), Just(OnTimeout::Continue), Just(OnTimeout::Escalate)]
            .prop_map(Work::Absent),
        1 => (0u8..9).prop_map(Work::Agreed),
        1 => Just(Work::Refused),
        2 => (0u8..3).prop_map(Work::Agent),
        1 => (1u8..3).prop_map(Work::Consulted),
        1 => (1u8..3).prop_map(Work::Served),
        1 => (0u8..3).prop_map(Work::Shaped),
        1 => (0u8..9, 1u8..4).prop_map(|(k, times)| Work::Cycle(k, times)),
        1 => (0u8..9, 1u8..4).prop_map(|(k, times)| Work::Left(k, times)),
    ];
    let tree = leaf.prop_recursive(3, 24, 4, |inner| {
        let many = prop::collection::vec(inner, 1..4);
        let on_error = prop_oneof![Just(OnBranchError::FailFast), Just(OnBranchError::Drain)];
        prop_oneof![
            2 => many.clone().prop_map(Work::Nested),
            2 => many.clone().prop_map(Work::Parallel),
            1 => many.clone().prop_map(Work::Overdue),
            1 => many.clone().prop_map(Work::Deputy),
            1 => many.clone().prop_map(Work::Enough),
            1 => many.clone().prop_map(Work::Chosen),
            1 => (on_error, many).prop_map(|(on_error, branches)| Work::Broken(on_error, branches)),
        ]
    });
    prop::collection::vec(tree, 1..5)
}

pub(super) fn plan(work: &[Work]) -> Arc<CompiledPlan> {
    let look = tool("look", Approval::Never, ToolBackingDef::Implementation(name("look")));
    let touch = tool("touch", Approval::Always, ToolBackingDef::Implementation(name("touch")));
    let fetch = ToolBackingDef::Mcp { server: ServerIx::new(0), tool: Arc::from("fetch") };
    let fetch = tool("fetch", Approval::Never, fetch);
    let mut build = Build { tools: vec![look, touch, fetch], ..Build::default() };
    let root = build.scope(work);
    let plan = Plan {
        plan_version: PLAN_VERSION,
        name: name("flow"),
        root,
        scopes: build.scopes,
        nodes: build.nodes,
        edges: build.edges,
        agents: build.agents,
        tools: build.tools,
        servers: vec![server()],
        functions: build.functions,
        humans: build.humans,
        schemas: vec![Value::from_json_text(SHAPE).unwrap()],
        input: None,
        outputs: None,
        limits: Limits::default(),
    };
    plan.compile().unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// What an answer of shaped work fits.
const SHAPE: &str = r#"{"type": "object", "required": ["v"], "properties": {"v": {"type": "string"}}}"#;

fn server() -> McpServerDef {
    let url = Arc::from("http://localhost/");
    let (headers, bearer_ref, tls) = (Vec::new(), None, TlsDef::default());
    McpServerDef {
        name: name("shop"),
        transport: Transport::Http(HttpDef { url, headers, bearer_ref, tls }),
        timeout_ms: None,
        max_response_bytes: None,
        tools: ServerTools {
            exclude: vec![Arc::from("fetch")],
            prefix: Some(Arc::from("s_")),
            effect: Effect::Read,
            ..ServerTools::default()
        },
    }
}

fn tool(text: &str, approval: Approval, backing: ToolBackingDef) -> ToolDef {
    ToolDef {
        name: name(text),
        description: None,
        parameters: None,
        backing,
        effect: Effect::Read,
        on_uncertain: OnUncertain::Retry,
        approval,
    }
}

/// What a person or a nested workflow has until its time is over, in milliseconds.
const PATIENCE: u64 = 10_000;

#[derive(Default)]
struct Build {
    scopes: Vec<Scope>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    agents: Vec<AgentDef>,
    tools: Vec<ToolDef>,
    functions: Vec<FunctionDef>,
    humans: Vec<HumanDef>,
}

impl Build {
    fn scope(&mut self, main: &[Work]) -> ScopeIx {
        let at = ScopeIx::new(self.scopes.len() as u32);
        let first = self.nodes.len() as u32;
        // Every node of the scope first: branches of branches and replacements are nodes of their own.
        let mut items: Vec<Work> = main.to_vec();
        let mut next = 0;
        let mut extra: Vec<Vec<u32>> = Vec::new();
        while let Some(item) = items.get(next).cloned() {
            let more = match &item {
                Work::Parallel(branches) => branches.clone(),
                Work::Broken(_, branches) | Work::Chosen(branches) => {
                    branches.iter().cloned().chain([Work::Fails]).collect()
                }
                Work::Enough(branches) => branches.iter().cloned().chain([Work::Fails, Work::Hangs]).collect(),
                Work::Replaced(k) => vec![Work::Call(*k)],
                // A leaf of its own leads on to where the cycle would have.
                Work::Left(..) => vec![Work::Call(0)],
                _ => Vec::new(),
            };
            extra.push((0..more.len()).map(|k| first + (items.len() + k) as u32).collect());
            items.extend(more);
            next += 1;
        }
        self.scopes.push(Scope {
            name: name("scope"),
            kind: ScopeKind::Sequential,
            start: NodeIx::new(first),
            first: NodeIx::new(first),
            len: items.len() as u32,
            max_steps: None,
        });
        for (k, item) in items.iter().enumerate() {
            let kind = NodeKind::Set(Vec::new());
            let policy = self.policy(item, &extra[k]);
            let id = name(&format!("n{}", first + k as u32));
            let when = matches!(item, Work::Skipped).then(|| Expr::Literal(Value::Bool(false)));
            let (input, output, idempotency_key, out) = (None, None, None, Vec::new());
            self.nodes.push(Node { id, scope: at, when, input, output, idempotency_key, policy, kind, out });
        }
        for (k, item) in items.iter().enumerate() {
            let node = first + k as u32;
            let kind = self.kind(item, &extra[k]);
            self.nodes[node as usize].kind = kind;
            if let Work::Cycle(_, times) = item
                && *times > 1
            {
                let max = NonZeroU32::new(u32::from(times - 1)).unwrap();
                self.edge(node, node, Some(Bound { max, on_max: OnMax::Continue }));
            }
            let mut last = node;
            if let Work::Left(_, times) = item {
                last = extra[k][0];
                match NonZeroU32::new(u32::from(times - 1)) {
                    Some(max) => {
                        let to = OnMax::To { node: NodeIx::new(last), mark: Some("left".into()) };
                        self.edge(node, node, Some(Bound { max, on_max: to }));
                    }
                    None => self.edge(node, last, None),
                }
            }
            if k + 1 < main.len() {
                self.edge(last, node + 1, None);
            }
        }
        at
    }

    fn edge(&mut self, from: u32, to: u32, max_visits: Option<Bound>) {
        self.nodes[from as usize].out.push(EdgeIx::new(self.edges.len() as u32));
        self.edges.push(Edge { from: NodeIx::new(from), to: NodeIx::new(to), when: None, max_visits, ends: false });
    }

    fn policy(&self, item: &Work, extra: &[u32]) -> StepPolicy {
        let attempts = |n: u8| NonZeroU32::new(u32::from(n)).unwrap();
        match item {
            Work::Ignored | Work::Reject | Work::Absent(_) | Work::Refused | Work::Broken(..) => {
                StepPolicy { on_error: OnError::Continue, ..StepPolicy::default() }
            }
            Work::Overdue(_) => {
                StepPolicy { on_error: OnError::Continue, timeout_ms: Some(PATIENCE), ..StepPolicy::default() }
            }
            Work::Replaced(_) => {
                StepPolicy { on_error: OnError::Fallback(NodeIx::new(extra[0])), ..StepPolicy::default() }
            }
            Work::Flaky(_, fails) => StepPolicy {
                retry: Retry { max_attempts: attempts(fails + 1), ..Retry::default() },
                ..StepPolicy::default()
            },
            _ => StepPolicy::default(),
        }
    }

    fn kind(&mut self, item: &Work, extra: &[u32]) -> NodeKind {
        match item {
            Work::Call(k) | Work::Cycle(k, _) | Work::Left(k, _) => self.function(format!("f{k}"), Effect::Idempotent),
            Work::Hangs => self.function("hangs".to_owned(), Effect::Read),
            Work::Agreed(k) => self.agreed(format!("f{k}")),
            Work::Refused => self.agreed("refused".to_owned()),
            Work::Write(k) => self.function(format!("f{k}"), Effect::Write),
            Work::Flaky(k, fails) => self.function(format!("flaky{k}.{fails}"), Effect::Idempotent),
            Work::Ignored | Work::Replaced(_) | Work::Fails => self.function("fails".to_owned(), Effect::Read),
            Work::Skipped => self.function("never".to_owned(), Effect::Read),
            Work::Set => {
                let text = TextTemplate::new([TextPart::Hole(Expr::Root(Root::Prev))]);
                NodeKind::Set(vec![(name("v"), ValueTemplate::Text(text))])
            }
            Work::Approve => self.human("agrees", None, OnTimeout::Fail),
            Work::Reject => self.human("refuses", None, OnTimeout::Fail),
            Work::Absent(on_timeout) => self.human("may be away", Some(PATIENCE), *on_timeout),
            Work::Agent(turns) => self.agent(format!("agent{turns}"), Some(0)),
            Work::Consulted(turns) => self.agent(format!("agent{turns}"), Some(1)),
            Work::Served(turns) => {
                let kind = self.agent(format!("agent{turns}"), Some(2));
                if let Some(agent) = self.agents.last_mut() {
                    agent.servers = vec![ServerIx::new(0)];
                }
                kind
            }
            Work::Shaped(bad) => {
                let kind = self.agent(format!("shaped{bad}"), None);
                if let Some(agent) = self.agents.last_mut() {
                    agent.output = Some(SchemaIx::new(0));
                }
                kind
            }
            Work::Deputy(inner) => {
                let scope = self.scope(inner);
                self.tools.push(tool("deputy", Approval::Never, ToolBackingDef::Workflow(scope)));
                self.agent("agent1".to_owned(), Some(self.tools.len() as u32 - 1))
            }
            Work::Nested(inner) => NodeKind::Workflow(self.scope(inner)),
            Work::Overdue(inner) => {
                let beside = Work::Nested(inner.clone());
                NodeKind::Workflow(self.scope(&[Work::Parallel(vec![Work::Hangs, beside])]))
            }
            Work::Parallel(_) | Work::Broken(..) | Work::Enough(_) | Work::Chosen(_) => {
                let on_branch_error = match item {
                    Work::Broken(on_error, _) => *on_error,
                    _ => OnBranchError::FailFast,
                };
                let branches = extra.iter().enumerate();
                let chosen = |k: usize| match item {
                    Work::Chosen(branches) => Some(Condition::Expr(Expr::Literal(Value::Bool(k < branches.len())))),
                    _ => None,
                };
                let branches = branches.map(|(k, start)| Branch {
                    name: name(&format!("b{k}")),
                    start: NodeIx::new(*start),
                    when: chosen(k),
                });
                let join = match item {
                    Work::Enough(branches) if branches.len() == 1 => JoinRule::Any,
                    Work::Enough(branches) => JoinRule::AtLeast(NonZeroU32::new(branches.len() as u32).unwrap()),
                    _ => JoinRule::All,
                };
                NodeKind::Fork(Fork {
                    branches: branches.collect(),
                    from: None,
                    join,
                    rest: Rest::Cancel,
                    on_branch_error,
                    combine: Combine::Map,
                })
            }
        }
    }

    fn human(&mut self, text: &str, timeout_ms: Option<u64>, on_timeout: OnTimeout) -> NodeKind {
        self.humans.push(HumanDef {
            name: name(text),
            description: None,
            request: RequestType::Approval,
            assignees: Vec::new(),
            timeout_ms,
            on_timeout,
            options: Vec::new(),
            default_option: None,
            context: None,
            response_role: None,
        });
        NodeKind::Human(HumanIx::new(self.humans.len() as u32 - 1))
    }

    fn agent(&mut self, text: String, tool: Option<u32>) -> NodeKind {
        let model =
            ModelDef { provider: name("model"), name: None, temperature: None, token_budget: None, extra: None };
        self.agents.push(AgentDef {
            name: name(&text),
            system_prompt: None,
            model,
            strategy: kneo_core::plan::Strategy::React { max_iterations: NonZeroU32::new(10).unwrap() },
            tools: tool.into_iter().map(ToolIx::new).collect(),
            servers: Vec::new(),
            output: None,
        });
        NodeKind::Agent(AgentIx::new(self.agents.len() as u32 - 1))
    }

    /// A function that runs only if somebody agrees.
    fn agreed(&mut self, text: String) -> NodeKind {
        let kind = self.function(text, Effect::Idempotent);
        if let Some(function) = self.functions.last_mut() {
            function.approval = Approval::Always;
        }
        kind
    }

    fn function(&mut self, text: String, effect: Effect) -> NodeKind {
        self.functions.push(FunctionDef {
            name: name(&text),
            backing: BackingDef::Implementation(name(&text)),
            effect,
            on_uncertain: OnUncertain::Ask,
            approval: Approval::Never,
        });
        NodeKind::Function(FunctionIx::new(self.functions.len() as u32 - 1))
    }
}
