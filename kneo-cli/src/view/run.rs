//! Runs.

use std::sync::Arc;

use kneo::store::RunRow;
use kneo::{Failure, Name, Value};
use serde_json::{Value as Json, json};

use super::{actor, task};
use crate::places::Places;
use crate::report::Report;
use crate::standing::Standing;

/// A run: `{"run_id", "status", "workflow", "output", "error", "pending", "usage", "cost_usd", "marks", "starter",
/// "labels", "started_at", "ended_at", "deadline", "cancel", "holder", "lease_until", "claimable", "lacks"}`.
pub(crate) fn run(report: &Report, places: &Places) -> Json {
    let view = &report.view;
    let cancel = report
        .cancel
        .as_ref()
        .map(|request| json!({"by": actor(&request.by), "at": request.at.to_string(), "reason": &*request.reason}));
    json!({
        "run_id": view.run.to_string(),
        "status": view.status.as_str(),
        "workflow": view.workflow.as_str(),
        "output": view.output.as_ref().map_or(Json::Null, Value::to_json),
        "error": view.error.as_ref().map(failure_object),
        "pending": view.pending.iter().map(|row| task(row, places)).collect::<Vec<_>>(),
        "usage": {"input_tokens": view.usage.input, "output_tokens": view.usage.output},
        // No provider of this program has a price.
        "cost_usd": Json::Null,
        "marks": view.marks.iter().map(|mark| &**mark).collect::<Vec<_>>(),
        "starter": actor(&view.starter),
        "labels": labels(&view.labels),
        "started_at": view.started_at.to_string(),
        "ended_at": view.ended_at.map(|at| at.to_string()),
        "deadline": view.deadline.map(|at| at.to_string()),
        "cancel": cancel,
        "holder": report.row.holder.map(|worker| worker.to_string()),
        "lease_until": report.row.lease_until.map(|at| at.to_string()),
        "claimable": report.standing.is_idle(),
        "lacks": report.lacks,
    })
}

/// A run in a list.
pub(crate) fn listed(row: &RunRow, standing: Standing) -> Json {
    json!({
        "run_id": row.key.run.to_string(),
        "status": row.status.as_str(),
        "workflow": row.workflow.as_str(),
        "starter": actor(&row.starter),
        "labels": labels(&row.labels),
        "started_at": row.started_at.to_string(),
        "ended_at": row.ended_at.map(|at| at.to_string()),
        "deadline": row.deadline.map(|at| at.to_string()),
        "ready_at": row.ready_at.map(|at| at.to_string()),
        "cancel_requested": row.cancel_requested,
        "holder": row.holder.map(|worker| worker.to_string()),
        "lease_until": row.lease_until.map(|at| at.to_string()),
        "claimable": standing.is_idle(),
        "plan": row.plan.to_string(),
    })
}

/// The labels of a run: an object.
pub(super) fn labels(labels: &[(Name, Arc<str>)]) -> Json {
    labels.iter().map(|(name, value)| (name.to_string(), Json::from(&**value))).collect()
}

/// A failure: `{"kind", "code", "message", "retryable"}`.
pub(super) fn failure_object(failure: &Failure) -> Json {
    failure.to_value().to_json()
}
