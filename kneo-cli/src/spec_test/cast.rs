//! Who plays models, functions, tools, servers and people in a test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kneo::message::{Message, Part, Role, StopReason, ToolCall};
use kneo::plan::{McpServerDef, Plan, ToolBackingDef};
use kneo::provider::{CallContext, CallError, ModelAnswer, ModelRequest, ToolOffer};
use kneo::spec::tests::{Answer, Decided, Decisions, Fault, Outcome, Outcomes, Reply, Say, Test};
use kneo::task::{TaskCause, TaskRow};
use kneo::testkit::{ScriptedModel, ScriptedServer, ScriptedServers};
use kneo::tool::{Tool, ToolDescription, value_function};
use kneo::{Actor, Decision, Name, RuntimeBuilder, TaskId, Usage, Value};

use super::stage::PROVIDER;
use super::trail::asked;

/// Everybody in a test, and what they have not said yet.
#[derive(Debug)]
pub(super) struct Cast {
    plan: Plan,
    /// The tools that servers offer in the test.
    offered: BTreeMap<Name, BTreeSet<Arc<str>>>,
    left: Mutex<Left>,
}

/// What is left to say.
#[derive(Debug, Default)]
struct Left {
    models: BTreeMap<String, Vec<Reply>>,
    /// Of functions, tools, and tools of servers, by what they are called in reports.
    calls: BTreeMap<String, Turns<Outcome>>,
    /// Of human steps, and of tools and functions that ask.
    people: BTreeMap<(bool, String), Turns<Decided>>,
    /// Questions that were answered, or never will be.
    done: BTreeSet<TaskId>,
    complaints: Vec<String>,
}

/// The same each time, or one after the other.
#[derive(Debug)]
enum Turns<T> {
    Always(T),
    InTurn(VecDeque<T>),
}

impl<T: Clone> Turns<T> {
    fn next(&mut self) -> Option<T> {
        match self {
            Turns::Always(one) => Some(one.clone()),
            Turns::InTurn(left) => left.pop_front(),
        }
    }

    fn left(&self) -> usize {
        match self {
            Turns::Always(_) => 0,
            Turns::InTurn(left) => left.len(),
        }
    }
}

impl From<&Outcomes> for Turns<Outcome> {
    fn from(outcomes: &Outcomes) -> Turns<Outcome> {
        match outcomes {
            Outcomes::Always(one) => Turns::Always(one.clone()),
            Outcomes::InTurn(all) => Turns::InTurn(all.iter().cloned().collect()),
        }
    }
}

impl From<&Decisions> for Turns<Decided> {
    fn from(decisions: &Decisions) -> Turns<Decided> {
        match decisions {
            Decisions::Always(one) => Turns::Always(one.clone()),
            Decisions::InTurn(all) => Turns::InTurn(all.iter().cloned().collect()),
        }
    }
}

impl Cast {
    pub(super) fn of(test: &Test, plan: &Plan) -> Cast {
        let mut left = Left::default();
        for (agent, replies) in &test.models {
            left.models.insert(agent.to_string(), replies.clone());
        }
        for (function, outcomes) in &test.functions {
            left.calls.insert(function_of(function.as_str()), outcomes.into());
        }
        for (tool, outcomes) in &test.tools {
            left.calls.insert(tool_of(tool.as_str()), outcomes.into());
        }
        let mut offered: BTreeMap<Name, BTreeSet<Arc<str>>> = BTreeMap::new();
        for server in &test.servers {
            offered.insert(server.name.clone(), server.tools.iter().map(|(tool, _)| Arc::clone(tool)).collect());
            for (tool, outcomes) in &server.tools {
                left.calls.insert(served_of(server.name.as_str(), tool), outcomes.into());
            }
        }
        let people = test.humans.iter().map(|human| (true, human)).chain(test.approvals.iter().map(|ask| (false, ask)));
        for (step, (name, decisions)) in people {
            left.people.insert((step, name.to_string()), decisions.into());
        }
        Cast { plan: plan.clone(), offered, left: Mutex::new(left) }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        // A list is whole even if somebody panicked while it was locked.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something happened that the test does not foresee.
    pub(super) fn complain(&self, what: String) {
        let mut left = self.left();
        if !left.complaints.contains(&what) {
            left.complaints.push(what);
        }
    }

    /// What happened that the test does not foresee, and what it foresees that did not happen.
    pub(super) fn complaints(&self) -> Vec<String> {
        let left = self.left();
        let unsaid = left.models.iter().filter(|(_, replies)| !replies.is_empty());
        let unsaid = unsaid.map(|(agent, all)| unused(all.len(), ["reply", "replies"], &format!("of agent `{agent}`")));
        let uncalled = left.calls.iter().filter(|(_, turns)| turns.left() > 0);
        let uncalled =
            uncalled.map(|(what, turns)| unused(turns.left(), ["outcome", "outcomes"], &format!("of {what}")));
        let unasked = left.people.iter().filter(|(_, turns)| turns.left() > 0);
        let unasked =
            unasked.map(|((_, name), turns)| unused(turns.left(), ["decision", "decisions"], &format!("at `{name}`")));
        left.complaints.iter().cloned().chain(unsaid).chain(uncalled).chain(unasked).collect()
    }

    /// A host with everybody in it.
    pub(super) fn host(self: &Arc<Self>, mut builder: RuntimeBuilder, plan: &Plan) -> RuntimeBuilder {
        let cast = Arc::clone(self);
        let model = ScriptedModel::taking_time(move |request, context| {
            let reply = cast.reply(&request);
            async move { said(reply, &context).await }
        });
        builder = builder.provider(PROVIDER, Arc::new(model));
        let mut known = BTreeSet::new();
        for function in plan.functions.iter().filter(|function| known.insert(function.name.clone())) {
            let (cast, what) = (Arc::clone(self), function_of(function.name.as_str()));
            let called = value_function(move |_, context| {
                let outcome = cast.outcome(&what);
                async move { given(outcome, &context).await }
            });
            builder = builder.function(function.name.as_str(), called);
        }
        for tool in plan.tools.iter().filter(|tool| matches!(tool.backing, ToolBackingDef::Implementation(_))) {
            let description = ToolDescription::new(tool.name.to_shared(), "", any_object());
            builder = builder.tool(Arc::new(Played { description, cast: Arc::clone(self) }));
        }
        let servers = plan.servers.iter().fold(ScriptedServers::new(), |servers, server| {
            servers.server(server.name.clone(), Arc::new(self.server(server)))
        });
        if plan.servers.is_empty() { builder } else { builder.mcp(Arc::new(servers)) }
    }

    /// A server with the tools that the test gives it, and those that the spec counts on.
    fn server(self: &Arc<Self>, of: &McpServerDef) -> ScriptedServer {
        let mut tools = self.offered.get(&of.name).cloned().unwrap_or_default();
        tools.extend(of.tools.include.iter().flatten().chain(&of.tools.exclude).cloned());
        tools.into_iter().fold(ScriptedServer::new(), |server, tool| {
            let (cast, what) = (Arc::clone(self), served_of(of.name.as_str(), &tool));
            server.tool(ToolOffer::new(tool, "", any_object()), move |_, context: CallContext| {
                let outcome = cast.outcome(&what);
                async move { given_by(outcome, &context).await }
            })
        })
    }

    /// The first reply that is left for a request.
    fn reply(&self, request: &ModelRequest) -> Result<Reply, CallError> {
        let input = request.messages.iter().rev().find(|message| message.role == Role::User);
        let input = input.map(|message| message.to_text()).unwrap_or_default();
        let mut left = self.left();
        let found = left.models.get_mut(&*request.agent).and_then(|replies| {
            let fits = |reply: &Reply| reply.when_input_contains.as_ref().is_none_or(|text| input.contains(&**text));
            let at = replies.iter().position(fits)?;
            Some(replies.remove(at))
        });
        drop(left);
        found.ok_or_else(|| {
            let what = format!("agent `{}` asks its model, and the test has no further reply for it", request.agent);
            self.complain(what.clone());
            CallError::fatal("provider_script_exhausted", what)
        })
    }

    fn outcome(&self, what: &str) -> Result<Outcome, CallError> {
        let found = self.left().calls.get_mut(what).and_then(Turns::next);
        found.ok_or_else(|| {
            let what = format!("{what} is called, and the test has no further outcome for it");
            self.complain(what.clone());
            CallError::fatal("test_outcome_missing", what)
        })
    }

    /// What is decided about a question, and by whom; `None` where nobody answers.
    pub(super) fn decide(&self, task: &TaskRow) -> Option<(Decision, Actor)> {
        let step = matches!(task.request.cause, TaskCause::Step(_));
        let name = asked(&self.plan, &task.path, &task.request.cause)?;
        let mut left = self.left();
        if !left.done.insert(task.task) {
            return None;
        }
        let decided = left.people.get_mut(&(step, name)).and_then(Turns::next)?;
        let by = decided.by.or_else(|| task.assignees.first().cloned()).or_else(|| Name::new("tester").ok())?;
        Some((decided.decision, Actor::trusted(by)))
    }
}

/// A tool that the test plays.
struct Played {
    description: ToolDescription,
    cast: Arc<Cast>,
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played").field("name", &self.description.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl Tool for Played {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, _: Value, context: &CallContext) -> Result<Value, CallError> {
        given(self.cast.outcome(&tool_of(&self.description.name)), context).await
    }
}

async fn said(reply: Result<Reply, CallError>, context: &CallContext) -> Result<ModelAnswer, CallError> {
    let reply = reply?;
    pause(reply.delay, context).await?;
    match reply.say {
        Say::Error(fault) => Err(failed(fault)),
        Say::Answer(answer) => Ok(answered(answer)),
    }
}

fn answered(answer: Answer) -> ModelAnswer {
    let stop = if answer.tool_calls.is_empty() { StopReason::End } else { StopReason::ToolCalls };
    let text = answer.text.into_iter().map(Part::Text);
    let calls = answer.tool_calls.into_iter().enumerate();
    let calls =
        calls.map(|(at, (name, arguments))| Part::ToolCall(ToolCall::new(format!("call_{at}"), name, arguments)));
    let message = Message::new(Role::Assistant, text.chain(calls).collect());
    ModelAnswer::new(message, stop, Usage::default())
}

async fn given(outcome: Result<Outcome, CallError>, context: &CallContext) -> Result<Value, CallError> {
    let outcome = outcome?;
    pause(outcome.delay, context).await?;
    outcome.result.map_err(failed)
}

/// As [`given`], of a server, whose errors have a code of their own.
async fn given_by(outcome: Result<Outcome, CallError>, context: &CallContext) -> Result<Value, CallError> {
    given(outcome, context).await.map_err(|error| CallError::fatal("mcp_tool_error", error.message))
}

async fn pause(delay: Duration, context: &CallContext) -> Result<(), CallError> {
    if delay.is_zero() {
        return Ok(());
    }
    tokio::select! {
        () = tokio::time::sleep(delay) => Ok(()),
        () = context.cancel.cancelled() => Err(CallError::fatal("cancelled", "the call was cancelled")),
    }
}

fn failed(fault: Fault) -> CallError {
    let error = if fault.retryable { CallError::retryable } else { CallError::fatal };
    error(fault.code, fault.message)
}

fn any_object() -> Value {
    // So small a value has a form.
    Value::map([("type", Value::from("object"))]).unwrap_or_default()
}

fn function_of(name: &str) -> String {
    format!("function `{name}`")
}

fn tool_of(name: &str) -> String {
    format!("tool `{name}`")
}

fn served_of(server: &str, tool: &str) -> String {
    format!("tool of server `{server}`: `{tool}`")
}

fn unused(count: usize, [one, several]: [&str; 2], whose: &str) -> String {
    match count {
        1 => format!("1 {one} {whose} was never asked for"),
        count => format!("{count} {several} {whose} were never asked for"),
    }
}
