//! What an open effect asks of the host.

use std::sync::Arc;

use kneo_core::event::EffectKind;
use kneo_core::message::{Message, Role};
use kneo_core::plan::{AgentIx, FunctionIx, NodeIx, NodeKind, ServerIx, Strategy, ToolIx};
use kneo_core::provider::{ModelRequest, OutputSchema};
use kneo_core::{Failure, FailureKind, Name, Path, Segment, Value};

use super::decide::{agent_of, call_arguments, call_at};
use super::environment::{InputView, text};
use super::state::State;
use super::toolbox::{Runs, Toolbox};

/// What an open effect asks of the host.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the driver performs each")]
pub enum EffectRequest {
    /// Call a function.
    Function {
        /// The step that calls it.
        node: NodeIx,
        /// The function.
        function: FunctionIx,
        /// The input.
        input: Value,
        /// The idempotency key in the author's words.
        key: Option<Name>,
    },
    /// Ask a model.
    ModelTurn {
        /// The agent.
        agent: AgentIx,
        /// The request.
        request: Box<ModelRequest>,
    },
    /// Call a tool.
    ToolCall {
        /// The tool.
        tool: ToolIx,
        /// The arguments, checked.
        arguments: Value,
    },
    /// Call a tool of a server.
    ServerCall {
        /// The server.
        server: ServerIx,
        /// The tool, by the server's name for it.
        tool: Arc<str>,
        /// The arguments, checked.
        arguments: Value,
    },
    /// Ask a server which tools it offers.
    Discovery {
        /// The server.
        server: ServerIx,
    },
}

/// Says what the open effect at a path asks of the host.
///
/// # Errors
/// A prompt that cannot be rendered: the effect's failure.
pub fn effect_request(state: &State, path: &Path) -> Result<EffectRequest, Failure> {
    let gone = || Failure::new(FailureKind::Function, "nothing there asks for anything");
    let kind = state.effects.get(path).ok_or_else(gone)?.kind;
    match kind {
        EffectKind::Function => {
            let step = state.steps.get(path).ok_or_else(gone)?;
            let Some(NodeKind::Function(function)) = state.plan().node(step.node).map(|node| &node.kind) else {
                return Err(gone());
            };
            let (input, key) = (step.input.clone(), step.key.clone());
            Ok(EffectRequest::Function { node: step.node, function: *function, input, key })
        }
        EffectKind::ToolCall => {
            let at = call_at(state, path).ok_or_else(gone)?;
            let arguments = call_arguments(at.call);
            match at.runs().ok_or_else(gone)? {
                Runs::Tool(tool) => Ok(EffectRequest::ToolCall { tool, arguments }),
                Runs::Server(server, tool) => Ok(EffectRequest::ServerCall { server, tool, arguments }),
                Runs::Workflow(_) => Err(gone()),
            }
        }
        EffectKind::Discovery => match path.last() {
            Some(Segment::Server(server)) => Ok(EffectRequest::Discovery { server }),
            _ => Err(gone()),
        },
        EffectKind::ModelTurn => model_turn(state, path).ok_or_else(gone)?,
    }
}

fn model_turn(state: &State, path: &Path) -> Option<Result<EffectRequest, Failure>> {
    let (step, def, run) = agent_of(state, &state.owner(path)?)?;
    let NodeKind::Agent(agent) = state.plan().node(step.node)?.kind else { return None };
    let mut messages = Vec::with_capacity(run.messages.len() + 1);
    if let Some(prompt) = &def.system_prompt {
        match text(prompt, &InputView { state, input: &step.input }) {
            Ok(prompt) => messages.push(Arc::new(Message::text(Role::System, prompt))),
            Err(failure) => return Some(Err(failure)),
        }
    }
    messages.extend(run.messages.iter().cloned());
    let mut request = Box::new(ModelRequest::new(def.name.to_shared(), run.turn, messages));
    request.model = def.model.name.clone();
    request.temperature = def.model.temperature;
    request.extra = def.model.extra.clone();
    // A simple agent gives one answer and calls nothing.
    if matches!(def.strategy, Strategy::React { .. }) {
        request.tools = Arc::from(Toolbox::new(&state.program, def, run).offers());
    }
    request.output = def
        .output
        .and_then(|at| state.plan().schema(at))
        .map(|schema| OutputSchema::new(def.name.to_shared(), schema.clone()));
    request.max_output_tokens = def.model.token_budget.map(|budget| budget.saturating_sub(run.usage.total()));
    Some(Ok(EffectRequest::ModelTurn { agent, request }))
}
