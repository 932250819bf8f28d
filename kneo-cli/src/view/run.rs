//! Runs.

use kneo::store::RunRow;
use kneo::{Failure, RunView, Value};
use serde_json::{Value as Json, json};

use super::{actor, task};
use crate::places::Places;

/// A run: `{"run_id", "status", "workflow", "output", "error", "pending", "usage", "cost_usd"}`.
pub(crate) fn run(view: &RunView, places: &Places) -> Json {
    json!({
        "run_id": view.run.to_string(),
        "status": view.status.as_str(),
        "workflow": view.workflow.as_str(),
        "output": view.output.as_ref().map_or(Json::Null, Value::to_json),
        "error": view.error.as_ref().map(failure),
        "pending": view.pending.iter().map(|row| task(row, places)).collect::<Vec<_>>(),
        "usage": {"input_tokens": view.usage.input, "output_tokens": view.usage.output},
        // No provider of this program has a price.
        "cost_usd": Json::Null,
    })
}

/// A run in a list.
pub(crate) fn listed(row: &RunRow) -> Json {
    let labels = row.labels.iter().map(|(name, value)| (name.to_string(), Json::from(&**value)));
    json!({
        "run_id": row.key.run.to_string(),
        "status": row.status.as_str(),
        "workflow": row.workflow.as_str(),
        "starter": actor(&row.starter),
        "labels": labels.collect::<serde_json::Map<_, _>>(),
        "started_at": row.started_at.to_string(),
        "ended_at": row.ended_at.map(|at| at.to_string()),
        "deadline": row.deadline.map(|at| at.to_string()),
        "ready_at": row.ready_at.map(|at| at.to_string()),
        "cancel_requested": row.cancel_requested,
        "holder": row.holder.map(|worker| worker.to_string()),
        "plan": row.plan.to_string(),
    })
}

/// A failure: `{"kind", "code", "message", "retryable"}`.
pub(super) fn failure(failure: &Failure) -> Json {
    failure.to_value().to_json()
}
