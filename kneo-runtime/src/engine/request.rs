//! What an open effect asks of the host.

use std::sync::Arc;

use kneo_core::event::EffectKind;
use kneo_core::message::{Message, Role};
use kneo_core::plan::{AgentIx, FunctionIx, NodeIx, NodeKind, Strategy, ToolIx};
use kneo_core::provider::ModelRequest;
use kneo_core::{Failure, FailureKind, Path, Value};

use super::decide::{agent_of, call_arguments, call_at};
use super::environment::{InputView, text};
use super::state::{Phase, State};

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
            Ok(EffectRequest::Function { node: step.node, function: *function, input: step.input.clone() })
        }
        EffectKind::ToolCall => {
            let (_, call) = call_at(state, path).ok_or_else(gone)?;
            Ok(EffectRequest::ToolCall { tool: call.tool.ok_or_else(gone)?, arguments: call_arguments(call) })
        }
        EffectKind::ModelTurn => model_turn(state, path).ok_or_else(gone)?,
    }
}

fn model_turn(state: &State, path: &Path) -> Option<Result<EffectRequest, Failure>> {
    let (step, def) = agent_of(state, &state.owner(path)?)?;
    let Phase::Agent(run) = &step.phase else { return None };
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
        request.tools = Arc::from(state.program.offers(agent));
    }
    request.max_output_tokens = def.model.token_budget.map(|budget| budget.saturating_sub(run.usage.total()));
    Some(Ok(EffectRequest::ModelTurn { agent, request }))
}
