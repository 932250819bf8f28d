//! What is said of steps, agents, tools, people and bounds.

use kneo_core::plan::{
    AgentDef, Approval, BackingDef, Bound, CommandDef, Condition, Effect, Fork, FunctionDef, HumanDef, JoinRule,
    McpServerDef, Node, NodeKind, OnBranchError, OnError, OnMax, OnTimeout, Plan, RequestType, Rest, Scope, ScopeKind,
    Strategy, ToolBackingDef, ToolDef,
};

use super::Label;
use super::expression::{written, written_text};

/// What a step is, with the name of what it refers to.
pub(super) fn what(node: &Node, plan: &Plan) -> Label {
    let text = match &node.kind {
        NodeKind::Agent(at) => named("agent", plan.agent(*at).map(|agent| agent.name.as_str())),
        NodeKind::Function(at) => named("function", plan.function(*at).map(|function| function.name.as_str())),
        NodeKind::Human(at) => plan.human(*at).map_or_else(|| "person".to_owned(), asked),
        NodeKind::Workflow(at) => named("workflow", plan.scope(*at).map(|scope| scope.name.as_str())),
        NodeKind::Set(values) => {
            let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
            format!("set {}", names.join(", "))
        }
        // Its branches tell.
        NodeKind::Fork(_) => String::new(),
    };
    Label::new(&text)
}

fn named(kind: &str, name: Option<&str>) -> String {
    name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"))
}

/// What is asked of whom.
fn asked(human: &HumanDef) -> String {
    let what = match human.request {
        RequestType::Approval => "approval",
        RequestType::Review => "review",
        RequestType::Correction => "correction",
        RequestType::Selection => "selection",
        RequestType::Freeform => "answer",
    };
    let who: Vec<&str> = human.assignees.iter().map(kneo_core::Name::as_str).collect();
    let who = if who.is_empty() { "anybody".to_owned() } else { who.join(" or ") };
    format!("{what} by {who}")
}

/// What else is to be known of a step, a line each.
pub(super) fn notes(node: &Node, plan: &Plan) -> Vec<Label> {
    let mut notes = Vec::new();
    if let Some(when) = &node.when {
        notes.push(format!("when {}", written(when, plan)));
    }
    match &node.kind {
        NodeKind::Agent(at) => plan.agent(*at).into_iter().for_each(|agent| of_agent(agent, plan, &mut notes)),
        NodeKind::Function(at) => {
            plan.function(*at).into_iter().for_each(|function| of_function(function, plan, &mut notes));
        }
        NodeKind::Human(at) => plan.human(*at).into_iter().for_each(|human| of_human(human, &mut notes)),
        NodeKind::Workflow(_) | NodeKind::Set(_) | NodeKind::Fork(_) => {}
    }
    let attempts = node.policy.retry.max_attempts.get();
    if attempts > 1 {
        notes.push(format!("up to {attempts} attempts"));
    }
    if let Some(timeout) = node.policy.timeout_ms {
        let each = if attempts > 1 { " each" } else { "" };
        notes.push(format!("at most {}{each}", duration(timeout)));
    }
    match node.policy.on_error {
        // The way there is an edge.
        OnError::Fail | OnError::Fallback(_) => {}
        OnError::Continue => notes.push("if it fails, the flow goes on".to_owned()),
    }
    notes.iter().map(|note| Label::new(note)).collect()
}

fn of_agent(agent: &AgentDef, plan: &Plan, notes: &mut Vec<String>) {
    let model = agent.model.name.as_deref().map_or_else(String::new, |name| format!("/{name}"));
    notes.push(format!("model {}{model}", agent.model.provider));
    if let Strategy::React { max_iterations } = agent.strategy {
        notes.push(format!("up to {}", count(max_iterations.get(), "turn")));
    }
    notes.extend(agent.tools.iter().filter_map(|at| plan.tool(*at)).map(|tool| of_tool(tool, plan)));
    notes.extend(agent.servers.iter().filter_map(|at| plan.server(*at)).map(|server| of_server(server, plan)));
}

fn of_tool(tool: &ToolDef, plan: &Plan) -> String {
    let behind = match &tool.backing {
        ToolBackingDef::Implementation(_) | ToolBackingDef::Command(_) => String::new(),
        ToolBackingDef::Mcp { server, tool: theirs } => {
            let theirs = if **theirs == *tool.name.as_str() { String::new() } else { format!("{theirs} ") };
            plan.server(*server).map_or_else(String::new, |server| format!(": {theirs}of server {}", server.name))
        }
        ToolBackingDef::Workflow(at) => {
            let kind = |scope| if is_agent(scope, plan) { "agent" } else { "workflow" };
            plan.scope(*at).map_or_else(String::new, |scope| format!(": {} {}", kind(scope), scope.name))
        }
    };
    format!("tool {}{behind}{}", tool.name, approval(&tool.approval, plan))
}

fn of_server(server: &McpServerDef, plan: &Plan) -> String {
    let tools = &server.tools;
    let which = match &tools.include {
        Some(names) => names.iter().map(|name| &**name).collect::<Vec<_>>().join(", "),
        None if tools.exclude.is_empty() => "all".to_owned(),
        None => {
            let names: Vec<&str> = tools.exclude.iter().map(|name| &**name).collect();
            format!("all but {}", names.join(", "))
        }
    };
    format!("tools of server {}: {which}{}", server.name, approval(&tools.approval, plan))
}

fn approval(approval: &Approval, plan: &Plan) -> String {
    match approval {
        Approval::Never => String::new(),
        Approval::Always => ", with approval".to_owned(),
        Approval::When(when) => format!(", with approval when {}", written(when, plan)),
    }
}

fn of_function(function: &FunctionDef, plan: &Plan, notes: &mut Vec<String>) {
    if let BackingDef::Command(command) = &function.backing {
        notes.push(format!("command {}", program(command, plan)));
    }
    if function.effect == Effect::Write {
        notes.push("writes: not run again by itself".to_owned());
    }
    match &function.approval {
        Approval::Never => {}
        Approval::Always => notes.push("runs with approval".to_owned()),
        Approval::When(when) => notes.push(format!("runs with approval when {}", written(when, plan))),
    }
}

fn program(command: &CommandDef, plan: &Plan) -> String {
    command.argv.first().map_or_else(String::new, |program| written_text(program, plan))
}

fn of_human(human: &HumanDef, notes: &mut Vec<String>) {
    if !human.options.is_empty() {
        let options: Vec<&str> = human.options.iter().map(|option| &**option).collect();
        notes.push(format!("one of: {}", options.join(", ")));
    }
    if let Some(timeout) = human.timeout_ms {
        let then = match (human.on_timeout, &human.default_option) {
            (OnTimeout::Fail, _) => "else it fails".to_owned(),
            (OnTimeout::Continue, Some(option)) => format!("else “{option}”"),
            (OnTimeout::Continue, None) => "else it counts as approved".to_owned(),
            (OnTimeout::Escalate, _) => "else it is escalated".to_owned(),
        };
        notes.push(format!("within {}, {then}", duration(timeout)));
    }
}

/// What a fork waits for.
pub(super) fn join(fork: &Fork) -> Vec<Label> {
    let branches = u32::try_from(fork.branches.len()).unwrap_or(u32::MAX);
    let rest = match fork.rest {
        Rest::Cancel => "the rest is cancelled",
        Rest::Drain => "the rest finishes",
    };
    let wanted = match fork.join {
        JoinRule::All => vec!["waits for all".to_owned()],
        JoinRule::Any => vec!["waits for one".to_owned(), rest.to_owned()],
        JoinRule::AtLeast(least) if least.get() >= branches => vec![format!("waits for {least}")],
        JoinRule::AtLeast(least) => vec![format!("waits for {least} of {branches}"), rest.to_owned()],
    };
    let failure = match fork.on_branch_error {
        OnBranchError::FailFast => None,
        OnBranchError::Drain => Some("after a failure the others finish".to_owned()),
    };
    wanted.into_iter().chain(failure).map(|note| Label::new(&note)).collect()
}

/// What a workflow is, in a few words.
pub(super) fn kind(kind: ScopeKind) -> Option<&'static str> {
    match kind {
        ScopeKind::Sequential => Some("in order"),
        ScopeKind::Concurrent => Some("side by side"),
        // Its edges tell.
        ScopeKind::Graph => None,
    }
}

/// Whether a workflow is nothing but an agent, of which it has the name: such are made of agents that others ask.
pub(super) fn is_agent(scope: &Scope, plan: &Plan) -> bool {
    let only = plan.node(scope.first).filter(|_| scope.len == 1);
    let agent = only.and_then(|node| match node.kind {
        NodeKind::Agent(at) => plan.agent(at),
        _ => None,
    });
    scope.kind == ScopeKind::Sequential && agent.is_some_and(|agent| agent.name == scope.name)
}

/// A condition.
pub(super) fn condition(condition: &Condition, plan: &Plan) -> String {
    match condition {
        Condition::Expr(when) => written(when, plan),
        Condition::OutputContains(text) => format!("output contains “{text}”"),
        Condition::StatusIs(status) => format!("status is {}", status.as_str()),
    }
}

/// How often an edge is taken, and what happens then.
pub(super) fn visits(bound: &Bound) -> Label {
    let most = format!("at most {}", count(bound.max.get(), "time"));
    Label::new(&match bound.on_max {
        OnMax::Fail => format!("{most}, then it fails"),
        OnMax::Continue => format!("{most}, then it is passed over"),
        OnMax::To { .. } => most,
    })
}

/// What is written at the way that a bound opens.
pub(super) fn beyond(bound: &Bound, unit: &str) -> Label {
    let mark = match &bound.on_max {
        OnMax::To { mark: Some(mark), .. } => format!(": {mark}"),
        _ => String::new(),
    };
    Label::new(&format!("after {}{mark}", count(bound.max.get(), unit)))
}

/// How many steps a workflow takes.
pub(super) fn steps(bound: &Bound) -> Label {
    let most = format!("at most {}", count(bound.max.get(), "step"));
    Label::new(&match bound.on_max {
        OnMax::Fail => format!("{most}, then it fails"),
        OnMax::Continue => format!("{most}, then it ends"),
        OnMax::To { .. } => most,
    })
}

fn count(number: u32, unit: &str) -> String {
    match number {
        1 => format!("1 {unit}"),
        more => format!("{more} {unit}s"),
    }
}

/// A time in its largest whole unit.
pub(super) fn duration(ms: u64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let whole = units.into_iter().find(|(length, _)| ms >= *length && ms.is_multiple_of(*length));
    match whole {
        Some((length, unit)) => {
            let number = ms.checked_div(length).unwrap_or_default();
            format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
        }
        None => format!("{ms} ms"),
    }
}
