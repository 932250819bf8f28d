//! From an event to its stored form.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::event::{
    AfterBound, AfterExpiry, AfterFailure, AfterLoss, BoundAt, EffectKind, Event, Parked, Refusal, Source,
};
use crate::record::v1::wire::{FailureWire, PayloadOut};
use crate::run::RunOutcome;
use crate::task::Decision;
use crate::time::Timestamp;

use super::Body;
use super::shape::*;

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let micros = |at: &Option<Timestamp>| at.map(Timestamp::as_unix_micros);
        match self.0 {
            Event::RunStarted(started) => Started {
                wf: started.workflow.clone(),
                pl: started.plan,
                i: PayloadOut(&started.input),
                l: started.labels.clone(),
                k: started.idempotency.as_ref().map(|start| (start.key.clone(), start.digest)),
                h: started.holds.iter().map(|hold| (hold.scope.clone(), hold.key.clone(), hold.slot)).collect(),
                dl: micros(&started.deadline),
                sl: started.seal.clone(),
            }
            .serialize(s),
            Event::RunClaimed { worker, fence } => Claimed { w: worker.to_string(), f: fence.as_u64() }.serialize(s),
            Event::RunParked { status, ready_at } => {
                let word = match status {
                    Parked::Queued => ParkedWord::Queued,
                    Parked::Running => ParkedWord::Running,
                    Parked::Blocked => ParkedWord::Blocked,
                };
                ParkedWire { s: word, ra: micros(ready_at) }.serialize(s)
            }
            Event::RunEnded(outcome) => ended(outcome).serialize(s),
            Event::CancelRequested { reason } => Text { m: &**reason }.serialize(s),
            Event::StepEntered { via, input } => Via { e: *via, o: input.as_ref().map(PayloadOut) }.serialize(s),
            Event::StepSkipped { via } => Via { e: *via, o: None::<PayloadOut<'_>> }.serialize(s),
            Event::StepComputed { via, output } => Via { e: *via, o: Some(PayloadOut(output)) }.serialize(s),
            Event::StepCompleted { output } => {
                let output = match output {
                    Source::Flow => None,
                    Source::Value(payload) => Some(PayloadOut(payload)),
                };
                Via { e: None, o: output }.serialize(s)
            }
            Event::StepFailed { failure, then } => {
                let (word, node) = match then {
                    AfterFailure::Propagate => (AfterFailureWord::Propagate, None),
                    AfterFailure::Continue => (AfterFailureWord::Continue, None),
                    AfterFailure::Fallback(node) => (AfterFailureWord::Fallback, Some(*node)),
                };
                StepFailedWire { f: failure.into(), th: word, n: node }.serialize(s)
            }
            Event::BoundReached { bound, then } => {
                let edge = match bound {
                    BoundAt::Edge(edge) => Some(*edge),
                    BoundAt::Scope => None,
                };
                let (word, node, mark) = match then {
                    AfterBound::Fail => (AfterBoundWord::Fail, None, None),
                    AfterBound::Continue => (AfterBoundWord::Continue, None, None),
                    AfterBound::To { node, mark } => (AfterBoundWord::To, Some(*node), mark.clone()),
                };
                BoundWire { e: edge, th: word, n: node, mk: mark }.serialize(s)
            }
            Event::ForkTaken { started } => Fork { b: started.clone() }.serialize(s),
            Event::BranchCompleted | Event::BranchCancelled | Event::CallReturned => Nothing {}.serialize(s),
            Event::BranchFailed { failure } | Event::CallFailed { failure } => {
                FailureOnly { f: failure.into() }.serialize(s)
            }
            Event::EffectIntended { attempt, kind, deadline, version, key } => {
                let word = match kind {
                    EffectKind::Function => EffectWord::Function,
                    EffectKind::ModelTurn => EffectWord::ModelTurn,
                    EffectKind::ToolCall => EffectWord::ToolCall,
                    EffectKind::Discovery => EffectWord::Discovery,
                };
                let (vn, ik) = (version.clone(), key.clone());
                Intended { a: attempt.as_u32(), k: word, dl: micros(deadline), vn, ik }.serialize(s)
            }
            Event::EffectSucceeded { attempt, output, usage } => {
                Succeeded { a: attempt.as_u32(), o: PayloadOut(output), u: (*usage).into() }.serialize(s)
            }
            Event::EffectFailed { attempt, failure, usage, retry_at } => {
                let (a, u) = (attempt.as_u32(), (*usage).into());
                EffectFailedWire { a, f: failure.into(), u, ra: micros(retry_at) }.serialize(s)
            }
            Event::EffectLost { attempt, then } => {
                let word = match then {
                    AfterLoss::Rerun => AfterLossWord::Rerun,
                    AfterLoss::Ask => AfterLossWord::Ask,
                    AfterLoss::Fail => AfterLossWord::Fail,
                    AfterLoss::Nothing => AfterLossWord::Nothing,
                };
                Lost { a: attempt.as_u32(), th: word }.serialize(s)
            }
            Event::EffectCancelled { attempt } => AttemptOnly { a: attempt.as_u32() }.serialize(s),
            Event::LateOutcome { attempt, summary } => {
                Late { a: attempt.as_u32(), m: Arc::clone(summary) }.serialize(s)
            }
            Event::CallRefused { reason, message } => {
                let word = match reason {
                    Refusal::UnknownTool => RefusalWord::UnknownTool,
                    Refusal::MalformedArguments => RefusalWord::MalformedArguments,
                    Refusal::InvalidArguments => RefusalWord::InvalidArguments,
                    Refusal::Rejected => RefusalWord::Rejected,
                    Refusal::Expired => RefusalWord::Expired,
                };
                Refused { rs: word, m: Arc::clone(message) }.serialize(s)
            }
            Event::CallDelegated { deadline } => Delegated { dl: micros(deadline) }.serialize(s),
            Event::AnswerRefused { problem } => Problem { m: Arc::clone(problem) }.serialize(s),
            Event::TaskOpened(opened) => Opened {
                id: opened.task.to_string(),
                rq: &*opened.request,
                dg: opened.digest,
                to: opened.assignees.clone(),
                dl: micros(&opened.deadline),
                ot: opened.on_timeout,
            }
            .serialize(s),
            Event::TaskDecided(decided) => {
                Decided { id: decided.task.to_string(), dn: decision_out(&decided.decision), dg: decided.digest }
                    .serialize(s)
            }
            Event::TaskReassigned { task, to } => Reassigned { id: task.to_string(), to: to.clone() }.serialize(s),
            Event::TaskExpired { task, then } => {
                let decision = match then {
                    AfterExpiry::Fail => None,
                    AfterExpiry::Continue(decision) => Some(decision_out(decision)),
                };
                Expired { id: task.to_string(), dn: decision }.serialize(s)
            }
            Event::TaskEscalated { task } | Event::TaskWithdrawn { task } => {
                TaskOnly { id: task.to_string() }.serialize(s)
            }
        }
    }
}

fn ended(outcome: &RunOutcome) -> Ended<PayloadOut<'_>> {
    let (word, output, failure) = match outcome {
        RunOutcome::Completed(output) => (EndedWord::Completed, Some(PayloadOut(output)), None),
        RunOutcome::Failed(failure) => (EndedWord::Failed, None, Some(failure)),
        RunOutcome::Cancelled => (EndedWord::Cancelled, None, None),
        RunOutcome::TimedOut(failure) => (EndedWord::TimedOut, None, Some(failure)),
        RunOutcome::Expired(failure) => (EndedWord::Expired, None, Some(failure)),
    };
    Ended { s: word, o: output, f: failure.map(FailureWire::from) }
}

fn decision_out(decision: &Decision) -> DecisionWire<PayloadOut<'_>> {
    let (text, content) = match decision {
        Decision::Approve { comment: text }
        | Decision::ApproveForRun { comment: text }
        | Decision::Reject { reason: text } => (text.clone(), None),
        Decision::Select { option } => (Some(Arc::clone(option)), None),
        Decision::Edit { content } | Decision::Provide { content } => (None, Some(PayloadOut(content))),
        Decision::Retry => (None, None),
    };
    DecisionWire { k: decision.kind(), m: text, o: content }
}
