//! The agent loop: what servers offer, turns of the model, and its answer.

use std::sync::Arc;

use kneo_core::event::{EffectKind, Event, Source};
use kneo_core::plan::{AgentDef, NodeKind, SchemaIx, Strategy};
use kneo_core::{Failure, FailureKind, Name, Path, Payload, Segment, Value};

use super::{Out, call, effect, step};
use crate::engine::state::{AgentPhase, AgentRun, Phase, ServerPhase, State, StepRun};
use crate::engine::toolbox::Toolbox;

/// How often a model is asked again for an answer that did not fit its schema.
const MAX_REFUSED: u32 = 2;

pub(super) fn advance(state: &State, out: &mut Out, path: &Path, run: &AgentRun) {
    match &run.phase {
        AgentPhase::Discovering => ask_servers(state, out, path, run),
        AgentPhase::Turn => match refuse_turn(state, path, run) {
            Some(failure) => step::fail(state, out, path, &failure),
            None => ask_model(state, out, &path.child(Segment::Turn(run.turn))),
        },
        AgentPhase::Calls(calls) => call::advance(state, out, path, run.turn, calls),
        AgentPhase::Answer(text) => answer(state, out, path, run, text),
        AgentPhase::Failing(failure) => step::fail(state, out, path, failure),
        AgentPhase::Asked | AgentPhase::BackingOff => {}
    }
}

/// Asks every server that was not asked yet; one that failed for good fails the agent.
fn ask_servers(state: &State, out: &mut Out, path: &Path, run: &AgentRun) {
    let failed = run.servers.iter().find_map(|server| match &server.phase {
        ServerPhase::Failed(failure) => Some(failure),
        _ => None,
    });
    if let Some(failure) = failed {
        if !state.is_busy_within(path) {
            step::fail(state, out, path, failure);
        }
        return;
    }
    for server in &run.servers {
        if matches!(server.phase, ServerPhase::New) {
            let at = path.child(Segment::Server(server.server));
            effect::intend(state, out, &at, EffectKind::Discovery, server.tries.next());
        }
    }
}

/// Starts the next attempt to find out what a server offers.
pub(super) fn ask_server(state: &State, out: &mut Out, at: &Path) {
    let Some(Segment::Server(server)) = at.last() else { return };
    let run = state.owner(at).and_then(|step| agent_of(state, &step)).map(|(.., run)| run);
    if let Some(known) = run.and_then(|run| run.servers.iter().find(|known| known.server == server)) {
        effect::intend(state, out, at, EffectKind::Discovery, known.tries.next());
    }
}

/// What keeps the agent from asking its model again.
fn refuse_turn(state: &State, path: &Path, run: &AgentRun) -> Option<Failure> {
    let (_, def, _) = agent_of(state, path)?;
    if run.turn == 1
        && let Some(name) = Toolbox::new(&state.program, def, run).name_of_two()
    {
        return Some(name_of_two(&def.name, &name));
    }
    let most = match def.strategy {
        Strategy::React { max_iterations } => max_iterations.get(),
        Strategy::Simple => 1,
    };
    // An answer that did not fit is asked for again beyond what the loop may take.
    if run.turn > most.saturating_add(run.refused) {
        let message = format!("the agent took {most} turns without an answer: `max_iterations` allows no more");
        return Some(Failure::new(FailureKind::Limit, message).with_code("max_iterations"));
    }
    let budget = def.model.token_budget?;
    let spent = run.usage.total();
    (spent >= budget).then(|| {
        let message = format!("the agent used {spent} tokens: `token_budget` allows {budget}");
        Failure::new(FailureKind::Limit, message).with_code("token_budget_exceeded")
    })
}

/// Two tools of an agent have one name, which only shows when its servers say what they offer.
pub(crate) fn name_of_two(agent: &Name, name: &str) -> Failure {
    let message = format!(
        "two tools of agent `{agent}` have the name `{name}`: give a server's tools a `prefix`, or name one in `exclude`"
    );
    Failure::new(FailureKind::Tool, message).with_code("tool_name_of_two").with_retryable(false)
}

/// Starts the next attempt of a turn.
pub(super) fn ask_model(state: &State, out: &mut Out, turn: &Path) {
    let run = state.owner(turn).and_then(|step| agent_of(state, &step)).map(|(.., run)| run);
    if let Some(run) = run {
        effect::intend(state, out, turn, EffectKind::ModelTurn, run.tries.next());
    }
}

/// Takes the model's last word: as text, or as the JSON that the agent's schema wants.
fn answer(state: &State, out: &mut Out, path: &Path, run: &AgentRun, text: &Arc<str>) {
    let Some((_, def, _)) = agent_of(state, path) else { return };
    let value = match def.output {
        None => Ok(Value::Str(Arc::clone(text))),
        Some(schema) => structured(state, schema, text),
    };
    let problem = match value {
        Ok(value) => match Payload::new(value) {
            Ok(output) => return step::complete(state, out, path, Source::Value(output)),
            Err(error) => {
                let failure = Failure::new(FailureKind::InvalidOutput, error.to_string());
                return step::fail(state, out, path, &failure.with_code("payload_too_large"));
            }
        },
        Err(problem) => problem,
    };
    if run.refused < MAX_REFUSED {
        let turn = path.child(Segment::Turn(run.turn));
        return out.push(turn, Event::AnswerRefused { problem: Arc::from(problem) });
    }
    let asked = MAX_REFUSED.saturating_add(1);
    let message = format!("agent `{}` answered {asked} times without fitting its `output_schema`: {problem}", def.name);
    let failure = Failure::new(FailureKind::InvalidOutput, message).with_code("output_schema");
    step::fail(state, out, path, &failure);
}

fn structured(state: &State, schema: SchemaIx, text: &str) -> Result<Value, String> {
    let value = Value::from_json_text(text.trim()).map_err(|error| format!("it is not JSON: {error}"))?;
    state.program.check(schema, &value)?;
    Ok(value)
}

/// The agent of a live step, and how far it is.
pub(in crate::engine) fn agent_of<'a>(
    state: &'a State,
    path: &Path,
) -> Option<(&'a StepRun, &'a AgentDef, &'a AgentRun)> {
    let step = state.steps.get(path)?;
    let NodeKind::Agent(at) = state.plan().node(step.node)?.kind else { return None };
    let Phase::Agent(run) = &step.phase else { return None };
    Some((step, state.plan().agent(at)?, run))
}
