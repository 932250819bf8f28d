//! From the stored form to an event.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::digest::Digest;
use crate::event::{
    AfterBound, AfterExpiry, AfterFailure, AfterLoss, BoundAt, EffectKind, Event, Hold, Parked, Refusal, RunStarted,
    Source, StartKey, TaskDecided, TaskOpened,
};
use crate::failure::Failure;
use crate::payload::{Payload, PayloadError};
use crate::record::DecodeError;
use crate::record::v1::wire::PayloadIn;
use crate::run::{Attempt, Fence, RunOutcome};
use crate::task::{Decision, DecisionKind, Request};
use crate::time::Timestamp;

use super::shape::*;

/// Reads what is particular to a kind of event.
pub(in crate::record::v1) fn read(
    kind: &str,
    json: &str,
    blob: &dyn Fn(Digest) -> Option<Bytes>,
) -> Result<Event, DecodeError> {
    let cx = Reader { kind, json, blob };
    Ok(match kind {
        "run_started" => {
            let wire: Started<PayloadIn> = cx.parse()?;
            Event::RunStarted(Box::new(RunStarted {
                workflow: wire.wf,
                plan: wire.pl,
                input: cx.payload(wire.i)?,
                labels: wire.l,
                idempotency: wire.k.map(|(key, digest)| StartKey { key, digest }),
                holds: wire.h.into_iter().map(|(scope, key, slot)| Hold { scope, key, slot }).collect(),
                deadline: wire.dl.map(Timestamp::from_unix_micros),
                seal: wire.sl,
            }))
        }
        "run_claimed" => {
            let wire: Claimed = cx.parse()?;
            Event::RunClaimed { worker: cx.id(&wire.w)?, fence: Fence::new(wire.f) }
        }
        "run_parked" => {
            let wire: ParkedWire = cx.parse()?;
            let status = match wire.s {
                ParkedWord::Queued => Parked::Queued,
                ParkedWord::Running => Parked::Running,
                ParkedWord::Blocked => Parked::Blocked,
            };
            Event::RunParked { status, ready_at: wire.ra.map(Timestamp::from_unix_micros) }
        }
        "run_ended" => Event::RunEnded(Box::new(cx.ended()?)),
        "cancel_requested" => Event::CancelRequested { reason: cx.parse::<Text<Arc<str>>>()?.m },
        "step_entered" => {
            let wire: Via<PayloadIn> = cx.parse()?;
            Event::StepEntered { via: wire.e, input: wire.o.map(|payload| cx.payload(payload)).transpose()? }
        }
        "step_skipped" => Event::StepSkipped { via: cx.parse::<Via<()>>()?.e },
        "step_computed" => {
            let wire: Via<PayloadIn> = cx.parse()?;
            let output = wire.o.ok_or_else(|| cx.wrong("it has no output"))?;
            Event::StepComputed { via: wire.e, output: cx.payload(output)? }
        }
        "step_completed" => {
            let wire: Via<PayloadIn> = cx.parse()?;
            let output = match (wire.e, wire.o) {
                (None, None) => Source::Flow,
                (None, Some(payload)) => Source::Value(cx.payload(payload)?),
                (Some(_), _) => return Err(cx.wrong("no edge leads to an output")),
            };
            Event::StepCompleted { output }
        }
        "step_failed" => {
            let wire: StepFailedWire = cx.parse()?;
            let then = match (wire.th, wire.n) {
                (AfterFailureWord::Propagate, None) => AfterFailure::Propagate,
                (AfterFailureWord::Continue, None) => AfterFailure::Continue,
                (AfterFailureWord::Fallback, Some(node)) => AfterFailure::Fallback(node),
                _ => return Err(cx.wrong("a fallback, and nothing else, names a node")),
            };
            Event::StepFailed { failure: wire.f.into(), then }
        }
        "bound_reached" => {
            let wire: BoundWire = cx.parse()?;
            let then = match (wire.th, wire.n, wire.mk) {
                (AfterBoundWord::Fail, None, None) => AfterBound::Fail,
                (AfterBoundWord::Continue, None, None) => AfterBound::Continue,
                (AfterBoundWord::To, Some(node), mark) => AfterBound::To { node, mark },
                _ => return Err(cx.wrong("a jump, and nothing else, names a node")),
            };
            Event::BoundReached { bound: wire.e.map_or(BoundAt::Scope, BoundAt::Edge), then }
        }
        "fork_taken" => Event::ForkTaken { started: cx.parse::<Fork>()?.b },
        "branch_completed" => cx.parse::<Nothing>().map(|Nothing {}| Event::BranchCompleted)?,
        "branch_cancelled" => cx.parse::<Nothing>().map(|Nothing {}| Event::BranchCancelled)?,
        "branch_failed" => Event::BranchFailed { failure: cx.parse::<FailureOnly>()?.f.into() },
        "effect_intended" => {
            let wire: Intended = cx.parse()?;
            let kind = match wire.k {
                EffectWord::Function => EffectKind::Function,
                EffectWord::ModelTurn => EffectKind::ModelTurn,
                EffectWord::ToolCall => EffectKind::ToolCall,
                EffectWord::Discovery => EffectKind::Discovery,
            };
            let deadline = wire.dl.map(Timestamp::from_unix_micros);
            Event::EffectIntended { attempt: cx.attempt(wire.a)?, kind, deadline, version: wire.vn, key: wire.ik }
        }
        "effect_succeeded" => {
            let wire: Succeeded<PayloadIn> = cx.parse()?;
            let output = cx.payload(wire.o)?;
            Event::EffectSucceeded { attempt: cx.attempt(wire.a)?, output, usage: wire.u.into() }
        }
        "effect_failed" => {
            let wire: EffectFailedWire = cx.parse()?;
            let failure: Failure = wire.f.into();
            let retry_at = wire.ra.map(Timestamp::from_unix_micros);
            Event::EffectFailed { attempt: cx.attempt(wire.a)?, failure, usage: wire.u.into(), retry_at }
        }
        "effect_lost" => {
            let wire: Lost = cx.parse()?;
            let then = match wire.th {
                AfterLossWord::Rerun => AfterLoss::Rerun,
                AfterLossWord::Ask => AfterLoss::Ask,
                AfterLossWord::Fail => AfterLoss::Fail,
                AfterLossWord::Nothing => AfterLoss::Nothing,
            };
            Event::EffectLost { attempt: cx.attempt(wire.a)?, then }
        }
        "effect_cancelled" => Event::EffectCancelled { attempt: cx.attempt(cx.parse::<AttemptOnly>()?.a)? },
        "late_outcome" => {
            let wire: Late = cx.parse()?;
            Event::LateOutcome { attempt: cx.attempt(wire.a)?, summary: wire.m }
        }
        "call_refused" => {
            let wire: Refused = cx.parse()?;
            let reason = match wire.rs {
                RefusalWord::UnknownTool => Refusal::UnknownTool,
                RefusalWord::MalformedArguments => Refusal::MalformedArguments,
                RefusalWord::InvalidArguments => Refusal::InvalidArguments,
                RefusalWord::Rejected => Refusal::Rejected,
                RefusalWord::Expired => Refusal::Expired,
            };
            Event::CallRefused { reason, message: wire.m }
        }
        "call_delegated" => {
            Event::CallDelegated { deadline: cx.parse::<Delegated>()?.dl.map(Timestamp::from_unix_micros) }
        }
        "call_returned" => cx.parse::<Nothing>().map(|Nothing {}| Event::CallReturned)?,
        "call_failed" => Event::CallFailed { failure: cx.parse::<FailureOnly>()?.f.into() },
        "answer_refused" => Event::AnswerRefused { problem: cx.parse::<Problem>()?.m },
        "task_opened" => {
            let wire: Opened<Request> = cx.parse()?;
            Event::TaskOpened(Box::new(TaskOpened {
                task: cx.id(&wire.id)?,
                request: Arc::new(wire.rq),
                digest: wire.dg,
                assignees: wire.to,
                deadline: wire.dl.map(Timestamp::from_unix_micros),
                on_timeout: wire.ot,
            }))
        }
        "task_decided" => {
            let wire: Decided<DecisionWire<PayloadIn>> = cx.parse()?;
            let decision = cx.decision(wire.dn)?;
            Event::TaskDecided(Box::new(TaskDecided { task: cx.id(&wire.id)?, decision, digest: wire.dg }))
        }
        "task_reassigned" => {
            let wire: Reassigned = cx.parse()?;
            Event::TaskReassigned { task: cx.id(&wire.id)?, to: wire.to }
        }
        "task_expired" => {
            let wire: Expired<DecisionWire<PayloadIn>> = cx.parse()?;
            let then = match wire.dn {
                None => AfterExpiry::Fail,
                Some(decision) => AfterExpiry::Continue(cx.decision(decision)?),
            };
            Event::TaskExpired { task: cx.id(&wire.id)?, then }
        }
        "task_escalated" => Event::TaskEscalated { task: cx.id(&cx.parse::<TaskOnly>()?.id)? },
        "task_withdrawn" => Event::TaskWithdrawn { task: cx.id(&cx.parse::<TaskOnly>()?.id)? },
        _ => return Err(cx.wrong("this build knows no such kind: upgrade it")),
    })
}

struct Reader<'a> {
    kind: &'a str,
    json: &'a str,
    blob: &'a dyn Fn(Digest) -> Option<Bytes>,
}

impl Reader<'_> {
    fn wrong(&self, problem: impl ToString) -> DecodeError {
        DecodeError::Record { kind: self.kind.to_owned(), problem: problem.to_string() }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_str(self.json).map_err(|error| self.wrong(error))
    }

    fn id<T: std::str::FromStr<Err = crate::id::ParseIdError>>(&self, text: &str) -> Result<T, DecodeError> {
        text.parse().map_err(|error| self.wrong(error))
    }

    fn attempt(&self, attempt: u32) -> Result<Attempt, DecodeError> {
        Attempt::new(attempt).ok_or_else(|| self.wrong("attempt 0"))
    }

    fn payload(&self, wire: PayloadIn) -> Result<Payload, DecodeError> {
        match (wire.i, wire.b, wire.n) {
            (Some(value), None, None) => Ok(Payload::new(value)?),
            (None, Some(digest), Some(size)) => {
                let bytes = (self.blob)(digest).ok_or(DecodeError::BlobMissing { digest })?;
                if bytes.len() != size {
                    return Err(PayloadError::Damaged { digest }.into());
                }
                Ok(Payload::from_blob(digest, bytes)?)
            }
            _ => Err(self.wrong("a payload is a value, or a blob with its size")),
        }
    }

    fn decision(&self, wire: DecisionWire<PayloadIn>) -> Result<Decision, DecodeError> {
        Ok(match (wire.k, wire.m, wire.o) {
            (DecisionKind::Approve, comment, None) => Decision::Approve { comment },
            (DecisionKind::Reject, reason, None) => Decision::Reject { reason },
            (DecisionKind::Edit, None, Some(content)) => Decision::Edit { content: self.payload(content)? },
            (DecisionKind::Provide, None, Some(content)) => Decision::Provide { content: self.payload(content)? },
            (DecisionKind::Select, Some(option), None) => Decision::Select { option },
            (DecisionKind::Retry, None, None) => Decision::Retry,
            (DecisionKind::ApproveForRun, comment, None) => Decision::ApproveForRun { comment },
            (kind, ..) => return Err(self.wrong(format!("`{kind}` comes with too little or too much"))),
        })
    }

    fn ended(&self) -> Result<RunOutcome, DecodeError> {
        let wire: Ended<PayloadIn> = self.parse()?;
        Ok(match (wire.s, wire.o, wire.f) {
            (EndedWord::Completed, Some(output), None) => RunOutcome::Completed(self.payload(output)?),
            (EndedWord::Failed, None, Some(failure)) => RunOutcome::Failed(failure.into()),
            (EndedWord::Cancelled, None, None) => RunOutcome::Cancelled,
            (EndedWord::TimedOut, None, Some(failure)) => RunOutcome::TimedOut(failure.into()),
            (EndedWord::Expired, None, Some(failure)) => RunOutcome::Expired(failure.into()),
            _ => return Err(self.wrong("the outcome comes with too little or too much")),
        })
    }
}
