//! A plan with what specs do not say in one place, in all forms, as expected; `UPDATE_EXPECT=1` writes the files.

use std::num::NonZeroU32;
use std::path::Path;

use kneo_core::expr::{CompareOp, Expr, Root};
use kneo_core::name::Name;
use kneo_core::plan::{
    AgentDef, AgentIx, Approval, Branch, Combine, Condition, Edge, EdgeIx, Effect, Fork, HttpDef, JoinRule,
    McpServerDef, ModelDef, Node, NodeIx, NodeKind, OnBranchError, OnUncertain, Plan, Rest, Scope, ScopeIx, ScopeKind,
    ServerIx, ServerTools, StepPolicy, Strategy, TlsDef, ToolBackingDef, ToolDef, ToolIx, Transport,
};
use kneo_core::value::Value;

use super::plans::empty;
use crate::graph::Graph;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn agent(plan: &mut Plan, called: &str, tools: Vec<ToolIx>, servers: Vec<ServerIx>) -> AgentIx {
    let model = ModelDef {
        provider: name("openai"),
        name: Some("gpt".into()),
        temperature: None,
        token_budget: None,
        extra: None,
    };
    let strategy = match tools.is_empty() && servers.is_empty() {
        true => Strategy::Simple,
        false => Strategy::React { max_iterations: NonZeroU32::new(8).unwrap() },
    };
    plan.agents.push(AgentDef {
        name: name(called),
        system_prompt: None,
        model,
        strategy,
        tools,
        servers,
        output: None,
    });
    AgentIx::new(plan.agents.len() as u32 - 1)
}

fn scope(plan: &mut Plan, called: &str, kind: ScopeKind, nodes: Vec<(&str, NodeKind)>) -> ScopeIx {
    let at = plan.scopes.len() as u32;
    let (first, len) = (NodeIx::new(plan.nodes.len() as u32), nodes.len() as u32);
    plan.scopes.push(Scope { name: name(called), kind, start: first, first, len, max_steps: None });
    for (id, kind) in nodes {
        plan.nodes.push(Node {
            id: name(id),
            scope: ScopeIx::new(at),
            when: None,
            input: None,
            output: None,
            idempotency_key: None,
            policy: StepPolicy::default(),
            kind,
            out: Vec::new(),
        });
    }
    ScopeIx::new(at)
}

fn link(plan: &mut Plan, from: u32, to: u32, ends: bool) {
    let at = EdgeIx::new(plan.edges.len() as u32);
    plan.edges.push(Edge { from: NodeIx::new(from), to: NodeIx::new(to), when: None, max_visits: None, ends });
    plan.nodes[from as usize].out.push(at);
}

fn tool(plan: &mut Plan, called: &str, backing: ToolBackingDef, approval: Approval) -> ToolIx {
    plan.tools.push(ToolDef {
        name: name(called),
        description: None,
        parameters: None,
        backing,
        effect: Effect::Read,
        on_uncertain: OnUncertain::Ask,
        approval,
    });
    ToolIx::new(plan.tools.len() as u32 - 1)
}

/// An agent with tools of a server and another agent as a tool; a fan-out from a step, with conditions, that needs two
/// of three branches, one of which leads on for two steps; a workflow that two steps run.
fn everything() -> Plan {
    let mut plan = empty("research");
    let http = HttpDef { url: "http://h/".into(), headers: Vec::new(), bearer_ref: None, tls: TlsDef::default() };
    plan.servers.push(McpServerDef {
        name: name("docs"),
        transport: Transport::Http(http),
        timeout_ms: None,
        max_response_bytes: None,
        tools: ServerTools { approval: Approval::Always, ..ServerTools::default() },
    });
    let (server, asks) = (ServerIx::new(0), ScopeIx::new(1));
    let find = tool(&mut plan, "find", ToolBackingDef::Mcp { server, tool: "search_pages".into() }, Approval::Never);
    let ask = tool(&mut plan, "ask_lawyer", ToolBackingDef::Workflow(asks), Approval::Always);
    let lead = agent(&mut plan, "lead", vec![find, ask], vec![server]);
    let lawyer = agent(&mut plan, "lawyer", Vec::new(), Vec::new());
    let scout = agent(&mut plan, "scout", Vec::new(), Vec::new());
    let checked = ScopeIx::new(2);
    let when = |text: &str| {
        let text = Expr::literal(&Value::from(text));
        Condition::Expr(Expr::Compare(CompareOp::In, Box::new(text), Box::new(Expr::Root(Root::Prev))))
    };
    let branch =
        |at: u32, called: &str, when: Option<Condition>| Branch { name: name(called), start: NodeIx::new(at), when };
    let fork = Fork {
        branches: vec![
            branch(2, "web", Some(when("web"))),
            branch(4, "papers", Some(when("papers"))),
            branch(5, "check", None),
        ],
        from: Some(NodeIx::new(0)),
        join: JoinRule::AtLeast(NonZeroU32::new(2).unwrap()),
        rest: Rest::Cancel,
        on_branch_error: OnBranchError::FailFast,
        combine: Combine::Map,
    };
    let nodes = vec![
        ("plan", NodeKind::Agent(lead)),
        ("sources", NodeKind::Fork(fork)),
        ("browse", NodeKind::Agent(scout)),
        ("digest", NodeKind::Set(vec![])),
        ("papers", NodeKind::Agent(scout)),
        ("facts", NodeKind::Workflow(checked)),
        ("merge", NodeKind::Workflow(checked)),
    ];
    scope(&mut plan, "main", ScopeKind::Graph, nodes);
    scope(&mut plan, "ask", ScopeKind::Sequential, vec![("answer", NodeKind::Agent(lawyer))]);
    scope(&mut plan, "checked", ScopeKind::Sequential, vec![("check", NodeKind::Agent(scout))]);
    for (from, to, ends) in [(0, 1, false), (2, 3, false), (3, 6, true), (4, 6, true), (5, 6, true), (1, 6, false)] {
        link(&mut plan, from, to, ends);
    }
    plan
}

#[test]
fn all_forms_of_a_plan_are_as_expected() {
    let plan = everything();
    kneo_core::plan::CompiledPlan::new(plan.clone()).unwrap();
    let graph = Graph::of(&plan);
    #[expect(clippy::disallowed_methods, reason = "the switch of whoever runs the tests")]
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    for (form, actual) in [("mmd", graph.mermaid()), ("dot", graph.dot()), ("svg", graph.svg())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drawings/research").with_extension(form);
        if update {
            std::fs::write(&path, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(expected == actual, "{} differs; UPDATE_EXPECT=1 writes it\n{actual}", path.display());
    }
}
