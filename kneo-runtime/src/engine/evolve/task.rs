//! Human tasks: from the question to what stands for an answer.

use std::sync::Arc;

use kneo_core::event::{AfterExpiry, TaskDecided, TaskOpened};
use kneo_core::task::{Decision, TaskCause};
use kneo_core::{Actor, Name, Path, Segment, TaskId, Timestamp, Value};

use super::Folded;
use super::effect::{Owner, owner};
use crate::engine::state::{Answer, Ask, CallPhase, Edited, OpenTask, Phase, Ready, State, Timer};

const NO_TASK: &str = "no such task is open";
const NO_OWNER: &str = "nothing there waits for a person";

pub(super) fn opened(state: &mut State, path: &Path, opened: &TaskOpened) -> Folded {
    let ask = match opened.request.cause {
        TaskCause::Approval { .. } => Ask::Approval,
        TaskCause::Uncertain { .. } => Ask::Uncertain,
        _ => Ask::Human,
    };
    let (step, owner) = owner(state, path).ok_or(NO_OWNER)?;
    match owner {
        Owner::Step(run) => {
            run.phase = Phase::Asking(ask);
            state.ready.remove(&Ready::Step(step));
        }
        Owner::Call(call) => call.phase = CallPhase::Asking(ask),
        Owner::Turn(_) | Owner::Server(_) => return Err(NO_OWNER),
    }
    if let Some(deadline) = opened.deadline {
        state.timers.insert((deadline, Timer::Task(opened.task)));
    }
    let task = OpenTask { path: path.clone(), opened: Box::new(opened.clone()), escalated: false };
    state.tasks.insert(opened.task, task);
    Ok(())
}

/// Closes a task; gives it.
pub(super) fn close(state: &mut State, task: TaskId) -> Result<OpenTask, &'static str> {
    let open = state.tasks.remove(&task).ok_or(NO_TASK)?;
    if let Some(deadline) = open.opened.deadline {
        state.timers.remove(&(deadline, Timer::Task(task)));
    }
    Ok(open)
}

/// The question is asked no more: its run or branch ends, or an agreement for the run has come, with which the call goes
/// on from the beginning.
pub(super) fn withdrawn(state: &mut State, task: TaskId) -> Folded {
    let task = close(state, task)?;
    if let Some((step, Owner::Call(call))) = owner(state, &task.path)
        && call.phase == CallPhase::Asking(Ask::Approval)
    {
        call.phase = CallPhase::New;
        state.ready.insert(Ready::Step(step));
    }
    Ok(())
}

pub(super) fn decided(state: &mut State, decided: &TaskDecided, actor: &Actor, at: Timestamp) -> Folded {
    let task = close(state, decided.task)?;
    let answer = Answer::Decided { decision: decided.decision.clone(), by: Some(actor.clone()), at };
    answered(state, &task.path, answer)
}

pub(super) fn expired(state: &mut State, task: TaskId, then: &AfterExpiry, at: Timestamp) -> Folded {
    let task = close(state, task)?;
    let answer = match then {
        AfterExpiry::Fail => Answer::Expired,
        AfterExpiry::Continue(decision) => Answer::Decided { decision: decision.clone(), by: None, at },
    };
    answered(state, &task.path, answer)
}

fn answered(state: &mut State, path: &Path, answer: Answer) -> Folded {
    let mut granted = None;
    let (step, owner) = owner(state, path).ok_or(NO_OWNER)?;
    match owner {
        Owner::Step(run) => {
            let Phase::Asking(ask) = run.phase else { return Err(NO_OWNER) };
            if ask == Ask::Human {
                run.decision = decision_value(&answer);
            }
            run.phase = Phase::Answered(ask, answer);
        }
        Owner::Call(call) => {
            let CallPhase::Asking(ask) = call.phase else { return Err(NO_OWNER) };
            if ask == Ask::Approval
                && let Answer::Decided { decision, by, .. } = &answer
            {
                match decision {
                    Decision::Edit { content } => {
                        let by = by.as_ref().and_then(Actor::name).cloned();
                        call.edited = Some(Edited { arguments: content.value().clone(), by });
                    }
                    Decision::ApproveForRun { .. } => granted = call.tool.clone(),
                    _ => {}
                }
            }
            call.phase = CallPhase::Answered(ask, answer);
        }
        Owner::Turn(_) | Owner::Server(_) => return Err(NO_OWNER),
    }
    state.ready.insert(Ready::Step(step));
    if let Some(called) = granted {
        // Other calls may wait for an agreement to the same tool: their agents look again.
        let asking = state.tasks.values().filter(|task| matches!(task.path.last(), Some(Segment::Call(_))));
        let agents: Vec<Path> = asking.filter_map(|task| state.owner(&task.path)).collect();
        state.ready.extend(agents.into_iter().map(Ready::Step));
        state.granted.insert(called);
    }
    Ok(())
}

/// What expressions read as `steps.<id>.decision`: `{kind, content, option, by, at}`.
fn decision_value(answer: &Answer) -> Option<Value> {
    let Answer::Decided { decision, by, at } = answer else { return None };
    let option = match decision {
        Decision::Select { option } => Value::Str(Arc::clone(option)),
        _ => Value::Null,
    };
    let by = by.as_ref().and_then(Actor::name).map_or(Value::Null, |name| Value::Str(name.to_shared()));
    let entries = [
        ("kind", Value::from(decision.kind().as_str())),
        ("content", decision.content()),
        ("option", option),
        ("by", by),
        ("at", Value::from(at.to_string())),
    ];
    // Content that already has the greatest depth is left out rather than losing the decision.
    Value::map(entries).or_else(|_| Value::map([("kind", Value::from(decision.kind().as_str()))])).ok()
}

pub(super) fn reassigned(state: &mut State, task: TaskId, to: &[Name]) -> Folded {
    state.tasks.get_mut(&task).ok_or(NO_TASK)?.opened.assignees = to.to_vec();
    Ok(())
}

pub(super) fn escalated(state: &mut State, task: TaskId) -> Folded {
    let open = state.tasks.get_mut(&task).ok_or(NO_TASK)?;
    open.escalated = true;
    if let Some(deadline) = open.opened.deadline.take() {
        state.timers.remove(&(deadline, Timer::Task(task)));
    }
    Ok(())
}
