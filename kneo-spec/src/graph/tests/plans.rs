//! Plans as no compiler writes them: any kind of step, edges from anywhere to anywhere, names that mean harm.

use std::num::NonZeroU32;
use std::sync::Arc;

use kneo_core::expr::{CompareOp, Expr, Root};
use kneo_core::name::Name;
use kneo_core::plan::{
    AgentDef, AgentIx, Approval, BackingDef, Bound, Branch, Combine, CommandDef, CompiledPlan, Condition, Edge, EdgeIx,
    Effect, Fork, FunctionDef, FunctionIx, HttpDef, HumanDef, HumanIx, JoinRule, Limits, McpServerDef, ModelDef, Node,
    NodeIx, NodeKind, OnBranchError, OnError, OnMax, OnTimeout, OnUncertain, PLAN_VERSION, Plan, RequestType, Rest,
    Retry, Scope, ScopeIx, ScopeKind, ServerIx, ServerTools, Stdin, StepPolicy, StepStatus, Strategy, TlsDef,
    ToolBackingDef, ToolDef, ToolIx, Transport,
};
use kneo_core::value::Value;
use proptest::prelude::*;

/// Names that break what does not take care.
pub(super) const NAMES: [&str; 14] = [
    "write",
    "<script>alert(1)</script>",
    "\"]; end",
    "a & b < c > d 'e' \"f\"",
    "]]>",
    "--> n0",
    "back\\slash\\n",
    "漢字の長い名前がここにあります",
    "\u{202e}desrever",
    "\u{200b}",
    "😀 and friends",
    "a_very_long_name_that_goes_on_and_on_and_on_and_on_until_nobody_reads_it_any_more_and_then_some_more",
    "%%{init: {}}%% click n0 \"javascript:alert(1)\"",
    "x{{y}}|z|`w`#35;",
];

/// Numbers that decide, and are shrunk to fewer and smaller ones.
struct Tape(std::vec::IntoIter<u32>);

impl Tape {
    /// A number below `count`; zero when the tape is at its end.
    fn below(&mut self, count: u32) -> u32 {
        self.0.next().unwrap_or(0) % count.max(1)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == count - 1
    }

    fn name(&mut self) -> Name {
        let text = NAMES[self.below(NAMES.len() as u32) as usize];
        Name::new(text).unwrap()
    }
}

/// Any plan that the core takes.
pub(in crate::graph) fn any_plan() -> impl proptest::strategy::Strategy<Value = Plan> {
    let tape = proptest::collection::vec(any::<u32>(), 0..300);
    proptest::strategy::Strategy::prop_map(tape, |tape| build(&mut Tape(tape.into_iter())))
}

fn build(tape: &mut Tape) -> Plan {
    let mut plan = empty("drawn");
    let scopes = 1 + tape.below(3);
    let sizes: Vec<u32> = (0..scopes).map(|_| 1 + tape.below(7)).collect();
    parts(&mut plan, tape, scopes);
    let mut first = 0;
    for (at, len) in (0..scopes).zip(&sizes) {
        scope(&mut plan, tape, at, first, *len, scopes);
        first += len;
    }
    plan.root = ScopeIx::new(tape.below(scopes));
    CompiledPlan::new(plan.clone()).unwrap();
    plan
}

/// A plan with nothing in it, to be filled.
pub(in crate::graph) fn empty(name: &str) -> Plan {
    Plan {
        plan_version: PLAN_VERSION,
        name: Name::new(name).unwrap(),
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
    }
}

fn parts(plan: &mut Plan, tape: &mut Tape, scopes: u32) {
    let approval = |tape: &mut Tape| match tape.below(3) {
        0 => Approval::Never,
        1 => Approval::Always,
        _ => Approval::When(Expr::Root(Root::Input)),
    };
    let http = HttpDef { url: "http://h/".into(), headers: Vec::new(), bearer_ref: None, tls: TlsDef::default() };
    plan.servers.push(McpServerDef {
        name: tape.name(),
        transport: Transport::Http(http),
        timeout_ms: None,
        max_response_bytes: None,
        tools: ServerTools { include: tape.one_in(2).then(|| vec!["one".into()]), ..ServerTools::default() },
    });
    for backing in [
        ToolBackingDef::Implementation(tape.name()),
        ToolBackingDef::Mcp { server: ServerIx::new(0), tool: "theirs".into() },
        ToolBackingDef::Workflow(ScopeIx::new(tape.below(scopes))),
    ] {
        plan.tools.push(ToolDef {
            name: tape.name(),
            description: None,
            parameters: None,
            backing,
            effect: Effect::Read,
            on_uncertain: OnUncertain::Ask,
            approval: approval(tape),
        });
    }
    for strategy in [Strategy::Simple, Strategy::React { max_iterations: NonZeroU32::MIN }] {
        let tools = (0..tape.below(4)).map(|_| ToolIx::new(tape.below(3))).collect();
        let model = ModelDef { provider: tape.name(), name: None, temperature: None, token_budget: None, extra: None };
        let servers = if tape.one_in(3) { vec![ServerIx::new(0)] } else { Vec::new() };
        plan.agents.push(AgentDef {
            name: tape.name(),
            system_prompt: None,
            model,
            strategy,
            tools,
            servers,
            output: None,
        });
    }
    let command = CommandDef { argv: Vec::new(), env: Vec::new(), cwd: None, stdin: Stdin::Json };
    for backing in [BackingDef::Implementation(tape.name()), BackingDef::Command(command)] {
        let (effect, on_uncertain, approval) = (Effect::Write, OnUncertain::Ask, approval(tape));
        plan.functions.push(FunctionDef { name: tape.name(), backing, effect, on_uncertain, approval });
    }
    plan.humans.push(HumanDef {
        name: tape.name(),
        description: None,
        request: RequestType::Selection,
        assignees: vec![tape.name()],
        timeout_ms: Some(u64::from(tape.below(100_000))),
        on_timeout: OnTimeout::Continue,
        options: vec!["<yes>".into(), "no & never".into()],
        default_option: Some("<yes>".into()),
        context: None,
        response_role: None,
    });
}

fn scope(plan: &mut Plan, tape: &mut Tape, at: u32, first: u32, len: u32, scopes: u32) {
    let node = |tape: &mut Tape| NodeIx::new(first + tape.below(len));
    let kind = match tape.below(3) {
        0 => ScopeKind::Sequential,
        1 => ScopeKind::Concurrent,
        _ => ScopeKind::Graph,
    };
    let max_steps = tape.one_in(3).then(|| bound(tape, first, len));
    let (name, start) = (tape.name(), node(tape));
    plan.scopes.push(Scope { name, kind, start, first: NodeIx::new(first), len, max_steps });
    for own in first..first + len {
        let out: Vec<EdgeIx> = (0..tape.below(4))
            .map(|_| {
                let when = condition(tape);
                let max_visits = tape.one_in(3).then(|| bound(tape, first, len));
                let (from, to, ends) = (NodeIx::new(own), node(tape), tape.one_in(6));
                plan.edges.push(Edge { from, to, when, max_visits, ends });
                EdgeIx::new(plan.edges.len() as u32 - 1)
            })
            .collect();
        let kind = match tape.below(8) {
            0 => NodeKind::Set(vec![(tape.name(), kneo_core::expr::ValueTemplate::Literal(Value::Null))]),
            1 | 2 => NodeKind::Agent(AgentIx::new(tape.below(2))),
            3 => NodeKind::Function(FunctionIx::new(tape.below(2))),
            4 => NodeKind::Human(HumanIx::new(0)),
            5 | 6 => NodeKind::Workflow(ScopeIx::new(tape.below(scopes))),
            _ => NodeKind::Fork(fork(tape, first, len)),
        };
        let on_error = match tape.below(6) {
            0 => OnError::Fallback(node(tape)),
            1 => OnError::Continue,
            _ => OnError::Fail,
        };
        let retry = Retry { max_attempts: NonZeroU32::new(1 + tape.below(3)).unwrap(), ..Retry::default() };
        plan.nodes.push(Node {
            id: tape.name(),
            scope: ScopeIx::new(at),
            when: tape.one_in(4).then(|| Expr::Root(Root::Input)),
            input: None,
            output: None,
            idempotency_key: None,
            policy: StepPolicy { on_error, retry, timeout_ms: tape.one_in(4).then_some(90_000) },
            kind,
            out,
        });
    }
}

fn fork(tape: &mut Tape, first: u32, len: u32) -> Fork {
    let branches = (0..=tape.below(3))
        .map(|_| {
            let (name, start) = (tape.name(), NodeIx::new(first + tape.below(len)));
            Branch { name, start, when: condition(tape) }
        })
        .collect();
    let join = match tape.below(3) {
        0 => JoinRule::All,
        1 => JoinRule::Any,
        _ => JoinRule::AtLeast(NonZeroU32::MIN),
    };
    let from = tape.one_in(3).then(|| NodeIx::new(first + tape.below(len)));
    let (on_branch_error, combine) = (OnBranchError::Drain, Combine::Map);
    Fork { branches, from, join, rest: Rest::Drain, on_branch_error, combine }
}

fn condition(tape: &mut Tape) -> Option<Condition> {
    match tape.below(5) {
        0 => Some(Condition::StatusIs(StepStatus::Failed)),
        1 => Some(Condition::OutputContains(Arc::from(tape.name().as_str()))),
        2 => {
            let text = Expr::literal(&Value::from(tape.name().as_str()));
            Some(Condition::Expr(Expr::Compare(CompareOp::Equal, Box::new(Expr::Root(Root::Prev)), Box::new(text))))
        }
        _ => None,
    }
}

fn bound(tape: &mut Tape, first: u32, len: u32) -> Bound {
    let on_max = match tape.below(3) {
        0 => OnMax::Fail,
        1 => OnMax::Continue,
        _ => {
            let mark = tape.one_in(2).then(|| Arc::from(tape.name().as_str()));
            OnMax::To { node: NodeIx::new(first + tape.below(len)), mark }
        }
    };
    Bound { max: NonZeroU32::new(1 + tape.below(9)).unwrap(), on_max }
}
