//! Events of runs.

use kneo::event::{
    AfterBound, AfterExpiry, AfterFailure, AfterLoss, BoundAt, Event, Parked, RunStarted, Source, TaskDecided,
    TaskOpened,
};
use kneo::plan::{EdgeIx, NodeIx, Plan};
use kneo::seal::Seal;
use kneo::task::Decision;
use kneo::{Name, Payload, RunEvent, RunOutcome, Usage};
use serde_json::{Value as Json, json};

use super::actor;
use super::run::{failure_object as failure, labels};
use crate::places::words;

/// An event: `{"run_id", "seq", "at", "actor", "path", "place", "kind", "data"}`.
pub(crate) fn event(event: &RunEvent, plan: &Plan) -> Json {
    let record = &event.record;
    json!({
        "run_id": event.run.to_string(),
        "seq": event.seq.as_u64(),
        "at": record.at().to_string(),
        "actor": actor(&record.actor),
        "path": record.path().to_string(),
        "place": words(plan, record.path()),
        "kind": event.event().kind(),
        "data": data(event.event(), plan),
    })
}

fn data(event: &Event, plan: &Plan) -> Json {
    match event {
        Event::RunStarted(started) => run_started(started),
        Event::RunClaimed { worker, fence } => json!({"worker": worker.to_string(), "fence": fence.as_u64()}),
        Event::RunParked { status, ready_at } => {
            json!({"status": parked(*status), "ready_at": ready_at.map(|at| at.to_string())})
        }
        Event::RunEnded(outcome) => run_ended(outcome),
        Event::CancelRequested { reason } => json!({"reason": &**reason}),
        Event::StepEntered { via, input } => {
            json!({"from": from(plan, *via), "input": input.as_ref().map(payload)})
        }
        Event::StepSkipped { via } => json!({"from": from(plan, *via)}),
        Event::StepComputed { via, output } => json!({"from": from(plan, *via), "output": payload(output)}),
        Event::StepCompleted { output: Source::Flow } => json!({"output_is_input": true}),
        Event::StepCompleted { output: Source::Value(output) } => json!({"output": payload(output)}),
        Event::StepFailed { failure: why, then } => {
            let (then, to) = match then {
                AfterFailure::Propagate => ("propagate", None),
                AfterFailure::Continue => ("continue", None),
                AfterFailure::Fallback(to) => ("fallback", Some(node(plan, *to))),
            };
            json!({"error": failure(why), "then": then, "to": to})
        }
        Event::BoundReached { bound, then } => bound_reached(bound, then, plan),
        Event::ForkTaken { started } => json!({"branches": started}),
        Event::BranchFailed { failure: why } => json!({"error": failure(why)}),
        Event::EffectIntended { attempt, kind, deadline, version, key } => json!({
            "attempt": attempt.as_u32(),
            "effect": kind.as_str(),
            "deadline": deadline.map(|at| at.to_string()),
            "version": version.as_deref(),
            "idempotency_key": key.as_ref().map(Name::as_str),
        }),
        Event::EffectSucceeded { attempt, output, usage: used } => {
            json!({"attempt": attempt.as_u32(), "output": payload(output), "usage": usage(*used)})
        }
        Event::EffectFailed { attempt, failure: why, usage: used, retry_at } => json!({
            "attempt": attempt.as_u32(),
            "error": failure(why),
            "usage": usage(*used),
            "retry_at": retry_at.map(|at| at.to_string()),
        }),
        Event::EffectLost { attempt, then } => json!({"attempt": attempt.as_u32(), "then": after_loss(*then)}),
        Event::EffectCancelled { attempt } => json!({"attempt": attempt.as_u32()}),
        Event::LateOutcome { attempt, summary } => json!({"attempt": attempt.as_u32(), "summary": &**summary}),
        Event::CallRefused { reason, message } => json!({"reason": reason.as_str(), "message": &**message}),
        Event::CallDelegated { deadline } => json!({"deadline": deadline.map(|at| at.to_string())}),
        Event::CallFailed { failure: why } => json!({"error": failure(why)}),
        Event::AnswerRefused { problem } => json!({"problem": &**problem}),
        Event::TaskOpened(opened) => task_opened(opened),
        Event::TaskDecided(decided) => task_decided(decided),
        Event::TaskReassigned { task, to } => json!({"task_id": task.to_string(), "to": names(to)}),
        Event::TaskExpired { task, then } => {
            let decision = match then {
                AfterExpiry::Fail => None,
                AfterExpiry::Continue(decision) => Some(decided(decision)),
            };
            json!({"task_id": task.to_string(), "decision": decision})
        }
        Event::TaskEscalated { task } | Event::TaskWithdrawn { task } => json!({"task_id": task.to_string()}),
        Event::CallReturned | Event::BranchCompleted | Event::BranchCancelled => json!({}),
        _ => json!({}),
    }
}

fn run_started(started: &RunStarted) -> Json {
    json!({
        "workflow": started.workflow.as_str(),
        "plan": started.plan.to_string(),
        "input": payload(&started.input),
        "labels": labels(&started.labels),
        "idempotency_key": started.idempotency.as_ref().map(|start| start.key.as_str()),
        "holds": started.holds.iter().map(|hold| hold.key.as_str()).collect::<Vec<_>>(),
        "deadline": started.deadline.map(|at| at.to_string()),
        "seal": started.seal.as_deref().map(Seal::claim).map(|claim| json!({
            "key": claim.key.as_str(),
            "sequence": claim.sequence,
            "environment": claim.environment.as_ref().map(Name::as_str),
            "approved_by": claim.approved_by.as_str(),
            "sealed_at": claim.sealed_at.to_string(),
        })),
    })
}

fn run_ended(outcome: &RunOutcome) -> Json {
    let (output, error) = match outcome {
        RunOutcome::Completed(output) => (Some(payload(output)), None),
        RunOutcome::Failed(why) | RunOutcome::TimedOut(why) | RunOutcome::Expired(why) => (None, Some(failure(why))),
        RunOutcome::Cancelled => (None, None),
    };
    json!({"status": outcome.status().as_str(), "output": output, "error": error})
}

fn bound_reached(bound: &BoundAt, then: &AfterBound, plan: &Plan) -> Json {
    let bound = match bound {
        BoundAt::Edge(_) => "max_visits",
        BoundAt::Scope => "max_steps",
    };
    match then {
        AfterBound::Fail => json!({"bound": bound, "then": "fail"}),
        AfterBound::Continue => json!({"bound": bound, "then": "continue"}),
        AfterBound::To { node: to, mark } => {
            json!({"bound": bound, "then": "to", "to": node(plan, *to), "mark": mark.as_deref()})
        }
    }
}

fn task_opened(opened: &TaskOpened) -> Json {
    json!({
        "task_id": opened.task.to_string(),
        "description": &*opened.request.description,
        "assignees": names(&opened.assignees),
        "deadline": opened.deadline.map(|at| at.to_string()),
        "digest": opened.digest.to_string(),
    })
}

fn task_decided(event: &TaskDecided) -> Json {
    json!({"task_id": event.task.to_string(), "decision": decided(&event.decision), "digest": event.digest.to_string()})
}

fn decided(decision: &Decision) -> Json {
    json!({"kind": decision.kind().as_str(), "content": decision.content().to_json()})
}

fn payload(payload: &Payload) -> Json {
    payload.value().to_json()
}

fn usage(usage: Usage) -> Json {
    json!({"input_tokens": usage.input, "output_tokens": usage.output})
}

fn parked(status: Parked) -> &'static str {
    match status {
        Parked::Queued => "queued",
        Parked::Running => "running",
        Parked::Blocked => "blocked",
    }
}

fn after_loss(then: AfterLoss) -> &'static str {
    match then {
        AfterLoss::Rerun => "rerun",
        AfterLoss::Ask => "ask",
        AfterLoss::Fail => "fail",
        AfterLoss::Nothing => "nothing",
    }
}

fn names(names: &[Name]) -> Vec<&str> {
    names.iter().map(Name::as_str).collect()
}

fn node(plan: &Plan, at: NodeIx) -> String {
    plan.node(at).map_or_else(|| at.as_u32().to_string(), |node| node.id.to_string())
}

/// The step from which the flow came; nothing at the start of a workflow.
fn from(plan: &Plan, via: Option<EdgeIx>) -> Option<String> {
    Some(node(plan, plan.edge(via?)?.from))
}
