//! The stored form of each kind of event: the `d` of an element.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::super::DecodeError;
use super::wire::{FailureWire, PayloadIn, PayloadOut, UsageWire};
use crate::digest::Digest;
use crate::event::{
    AfterBound, AfterExpiry, AfterFailure, AfterLoss, BoundAt, EffectKind, Event, Hold, Parked, Refusal, RunStarted,
    Source, StartKey, TaskDecided, TaskOpened,
};
use crate::failure::Failure;
use crate::name::Name;
use crate::payload::{Payload, PayloadError};
use crate::plan::{EdgeIx, NodeIx, OnTimeout};
use crate::run::{Attempt, Fence, RunOutcome};
use crate::task::{Decision, DecisionKind, Request};
use crate::time::Timestamp;

/// Writes what is particular to an event.
pub(super) struct Body<'a>(pub(super) &'a Event);

impl Body<'_> {
    pub(super) fn is_empty(&self) -> bool {
        matches!(
            self.0,
            Event::BranchCompleted
                | Event::BranchCancelled
                | Event::StepEntered { via: None, input: None }
                | Event::StepSkipped { via: None }
                | Event::StepCompleted { output: Source::Flow }
                | Event::EffectCancelled { attempt: Attempt::FIRST }
        )
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Via<P> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<EdgeIx>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    o: Option<P>,
}

/// Nearly every attempt is the first.
fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(attempt: &u32) -> bool {
    *attempt == first()
}

fn none<P>() -> Option<P> {
    None
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Started<P> {
    wf: Name,
    pl: Digest,
    i: P,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    l: Vec<(Name, Arc<str>)>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    k: Option<(Name, Digest)>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    h: Vec<(Name, Name, u32)>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    dl: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    w: String,
    f: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParkedWire {
    s: ParkedWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ra: Option<i64>,
}

#[derive(Serialize, Deserialize)]
enum ParkedWord {
    #[serde(rename = "queued")]
    Queued,
    #[serde(rename = "running")]
    Running,
    #[serde(rename = "blocked")]
    Blocked,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended<P> {
    s: EndedWord,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    o: Option<P>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    f: Option<FailureWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EndedWord {
    Completed,
    Failed,
    Cancelled,
    TimedOut,
    Expired,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<T> {
    m: T,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFailedWire {
    f: FailureWire,
    th: AfterFailureWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<NodeIx>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AfterFailureWord {
    Propagate,
    Continue,
    Fallback,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<EdgeIx>,
    th: AfterBoundWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<NodeIx>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mk: Option<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AfterBoundWord {
    Fail,
    Continue,
    To,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fork {
    b: Box<[u32]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureOnly {
    f: FailureWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Intended {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    a: u32,
    k: EffectWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dl: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vn: Option<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
enum EffectWord {
    #[serde(rename = "f")]
    Function,
    #[serde(rename = "m")]
    ModelTurn,
    #[serde(rename = "t")]
    ToolCall,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Succeeded<P> {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    a: u32,
    o: P,
    #[serde(default, skip_serializing_if = "UsageWire::is_zero")]
    u: UsageWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EffectFailedWire {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    a: u32,
    f: FailureWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ra: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lost {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    a: u32,
    th: AfterLossWord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AfterLossWord {
    Rerun,
    Ask,
    Fail,
    Nothing,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttemptOnly {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    a: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Late {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    a: u32,
    m: Arc<str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    rs: RefusalWord,
    m: Arc<str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefusalWord {
    UnknownTool,
    MalformedArguments,
    InvalidArguments,
    Rejected,
    Expired,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened<R> {
    id: String,
    rq: R,
    dg: Digest,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    to: Vec<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dl: Option<i64>,
    ot: OnTimeout,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionWire<P> {
    k: DecisionKind,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    m: Option<Arc<str>>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    o: Option<P>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided<D> {
    id: String,
    dn: D,
    dg: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reassigned {
    id: String,
    to: Vec<Name>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expired<D> {
    id: String,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    dn: Option<D>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskOnly {
    id: String,
}

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
            Event::BranchCompleted | Event::BranchCancelled => Nothing {}.serialize(s),
            Event::BranchFailed { failure } => FailureOnly { f: failure.into() }.serialize(s),
            Event::EffectIntended { attempt, kind, deadline, version } => {
                let word = match kind {
                    EffectKind::Function => EffectWord::Function,
                    EffectKind::ModelTurn => EffectWord::ModelTurn,
                    EffectKind::ToolCall => EffectWord::ToolCall,
                };
                Intended { a: attempt.as_u32(), k: word, dl: micros(deadline), vn: version.clone() }.serialize(s)
            }
            Event::EffectSucceeded { attempt, output, usage } => {
                Succeeded { a: attempt.as_u32(), o: PayloadOut(output), u: (*usage).into() }.serialize(s)
            }
            Event::EffectFailed { attempt, failure, retry_at } => {
                EffectFailedWire { a: attempt.as_u32(), f: failure.into(), ra: micros(retry_at) }.serialize(s)
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
        Decision::Approve { comment: text } | Decision::Reject { reason: text } => (text.clone(), None),
        Decision::Select { option } => (Some(Arc::clone(option)), None),
        Decision::Edit { content } | Decision::Provide { content } => (None, Some(PayloadOut(content))),
        Decision::Retry => (None, None),
    };
    DecisionWire { k: decision.kind(), m: text, o: content }
}

/// Reads what is particular to a kind of event.
pub(super) fn read(kind: &str, json: &str, blob: &dyn Fn(Digest) -> Option<Bytes>) -> Result<Event, DecodeError> {
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
            };
            let deadline = wire.dl.map(Timestamp::from_unix_micros);
            Event::EffectIntended { attempt: cx.attempt(wire.a)?, kind, deadline, version: wire.vn }
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
            Event::EffectFailed { attempt: cx.attempt(wire.a)?, failure, retry_at }
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
