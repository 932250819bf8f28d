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
    /// Always fails; `f<k>(input)` in its place.
    Replaced(u8),
    /// Never runs.
    Skipped,
    /// `{"v": input as text}`.
    Set,
    /// A person who agrees.
    Approve,
    /// So many turns with two tool calls each, then `a(input)`.
    Agent(u8),
    /// `f<k>` applied so many times, by a cycle.
    Cycle(u8, u8),
    /// A nested workflow.
    Nested(Vec<Work>),
    /// Side by side.
    Parallel(Vec<Work>),
}

/// What the work gives, by definition.
pub(super) fn expected(work: &[Work], input: Value) -> Value {
    work.iter().fold(input, |input, work| match work {
        Work::Call(k) | Work::Write(k) | Work::Flaky(k, _) | Work::Replaced(k) => applied(*k, &input),
        Work::Ignored | Work::Skipped | Work::Approve => input,
        Work::Set => Value::map([("v", Value::Str(input.to_text()))]).unwrap(),
        Work::Agent(_) => Value::from(format!("a({})", input.to_text())),
        Work::Cycle(k, times) => (0..*times).fold(input, |input, _| applied(*k, &input)),
        Work::Nested(inner) => expected(inner, input),
        Work::Parallel(branches) => {
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
        2 => (0u8..3).prop_map(Work::Agent),
        1 => (0u8..9, 1u8..4).prop_map(|(k, times)| Work::Cycle(k, times)),
    ];
    let tree = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Work::Nested),
            prop::collection::vec(inner, 1..4).prop_map(Work::Parallel),
        ]
    });
    prop::collection::vec(tree, 1..5)
}

pub(super) fn plan(work: &[Work]) -> Arc<CompiledPlan> {
    let mut build = Build::default();
    let root = build.scope(work);
    let plan = Plan {
        plan_version: PLAN_VERSION,
        name: name("flow"),
        root,
        scopes: build.scopes,
        nodes: build.nodes,
        edges: build.edges,
        agents: build.agents,
        tools: vec![ToolDef {
            name: name("look"),
            description: None,
            parameters: None,
            backing: BackingDef::Implementation(name("look")),
            effect: Effect::Read,
            on_uncertain: OnUncertain::Retry,
            approval: Approval::Never,
        }],
        functions: build.functions,
        humans: build.humans,
        schemas: Vec::new(),
        input: None,
        outputs: None,
        limits: Limits::default(),
    };
    plan.compile().unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[derive(Default)]
struct Build {
    scopes: Vec<Scope>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    agents: Vec<AgentDef>,
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
                Work::Replaced(k) => vec![Work::Call(*k)],
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
            self.nodes.push(Node { id, scope: at, when, input: None, policy, kind, out: Vec::new() });
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
            if k + 1 < main.len() {
                self.edge(node, node + 1, None);
            }
        }
        at
    }

    fn edge(&mut self, from: u32, to: u32, max_visits: Option<Bound>) {
        self.nodes[from as usize].out.push(EdgeIx::new(self.edges.len() as u32));
        self.edges.push(Edge { from: NodeIx::new(from), to: NodeIx::new(to), when: None, max_visits });
    }

    fn policy(&self, item: &Work, extra: &[u32]) -> StepPolicy {
        let attempts = |n: u8| NonZeroU32::new(u32::from(n)).unwrap();
        match item {
            Work::Ignored => StepPolicy { on_error: OnError::Continue, ..StepPolicy::default() },
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
            Work::Call(k) | Work::Cycle(k, _) => self.function(format!("f{k}"), Effect::Idempotent),
            Work::Write(k) => self.function(format!("f{k}"), Effect::Write),
            Work::Flaky(k, fails) => self.function(format!("flaky{k}.{fails}"), Effect::Idempotent),
            Work::Ignored | Work::Replaced(_) => self.function("fails".to_owned(), Effect::Read),
            Work::Skipped => self.function("never".to_owned(), Effect::Read),
            Work::Set => {
                let text = TextTemplate::new([TextPart::Hole(Expr::Root(Root::Prev))]);
                NodeKind::Set(vec![(name("v"), ValueTemplate::Text(text))])
            }
            Work::Approve => {
                self.humans.push(HumanDef {
                    name: name("person"),
                    description: None,
                    request: RequestType::Approval,
                    assignees: Vec::new(),
                    timeout_ms: None,
                    on_timeout: OnTimeout::Fail,
                    options: Vec::new(),
                    default_option: None,
                    context: None,
                    response_role: None,
                });
                NodeKind::Human(HumanIx::new(self.humans.len() as u32 - 1))
            }
            Work::Agent(turns) => {
                self.agents.push(AgentDef {
                    name: name(&format!("agent{turns}")),
                    system_prompt: None,
                    model: ModelDef {
                        provider: name("model"),
                        name: None,
                        temperature: None,
                        token_budget: None,
                        extra: None,
                    },
                    strategy: kneo_core::plan::Strategy::React { max_iterations: NonZeroU32::new(10).unwrap() },
                    tools: vec![ToolIx::new(0)],
                });
                NodeKind::Agent(AgentIx::new(self.agents.len() as u32 - 1))
            }
            Work::Nested(inner) => NodeKind::Workflow(self.scope(inner)),
            Work::Parallel(_) => {
                let branches = extra.iter().enumerate();
                let branches =
                    branches.map(|(k, start)| Branch { name: name(&format!("b{k}")), start: NodeIx::new(*start) });
                NodeKind::Fork(Fork {
                    branches: branches.collect(),
                    join: JoinRule::All,
                    rest: Rest::Cancel,
                    on_branch_error: OnBranchError::FailFast,
                    combine: Combine::Map,
                })
            }
        }
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
