//! Frames of version 1 as they were first written: each decodes for ever, to the records that stand here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::event::{
    AfterBound, AfterExpiry, AfterFailure, AfterLoss, BoundAt, EffectKind, Event, Hold, Parked, Refusal, RunStarted,
    Source, StartKey, TaskDecided, TaskOpened,
};
use kneo_core::message::Role;
use kneo_core::plan::{OnTimeout, RequestType};
use kneo_core::record::{Record, decode_frame, encode_frame};
use kneo_core::task::{Decision, DecisionKind, Request, TaskCause};
use kneo_core::{Actor, FailureKind, Fence, Payload, RunOutcome, Usage};

use super::samples::{
    AT, attempt, blob, digest, edge, failure, large, later, name, named, node, payload, record, record_of, task, text,
    trace, value, worker,
};

/// One frame a line; written by hand after the description of the format.
pub(super) const FRAMES: &str = include_str!("../golden/frames-v1.jsonl");

/// The records of each line.
pub(super) fn records() -> Vec<Vec<Record>> {
    let parts = [starts(), runs(), steps(), bounds_and_branches(), effects(), refusals(), tasks(), decisions(), ends()];
    parts.into_iter().flatten().map(|record| vec![record]).chain([neighbours()]).collect()
}

fn starts() -> Vec<Record> {
    let full = RunStarted {
        workflow: name("report"),
        plan: digest(1),
        input: payload(r#"{"topic":"rust","n":3}"#),
        labels: vec![(name("cost"), text("low")), (name("team"), text("blue"))],
        idempotency: Some(StartKey { key: name("order 7"), digest: digest(2) }),
        holds: vec![
            Hold { scope: name("exclusive"), key: name("report"), slot: 0 },
            Hold { scope: name("pool"), key: name("gpu"), slot: 2 },
        ],
        deadline: Some(later(60)),
        seal: Some(Arc::new(super::samples::seal(digest(1)))),
    };
    let least = RunStarted {
        input: Payload::null(),
        labels: Vec::new(),
        idempotency: None,
        holds: Vec::new(),
        deadline: None,
        seal: None,
        ..full.clone()
    };
    let start = |actor, started| record_of(actor, "", Event::RunStarted(Box::new(started)));
    vec![Record { trace: Some(trace()), ..start(named("ana"), full) }, start(Actor::Host, least)]
}

fn runs() -> Vec<Record> {
    let parked = |status, ready_at| record("", Event::RunParked { status, ready_at });
    let ended = |outcome| record("", Event::RunEnded(Box::new(outcome)));
    let slow = failure(FailureKind::Provider, "slow down")
        .with_code("provider_rate_limited")
        .with_retryable(true)
        .with_retry_after(Duration::from_millis(2_500));
    vec![
        record("", Event::RunClaimed { worker: worker(), fence: Fence::new(4) }),
        parked(Parked::Blocked, Some(later(90))),
        parked(Parked::Queued, None),
        parked(Parked::Running, Some(AT.after(Duration::from_micros(1)))),
        ended(RunOutcome::Completed(payload(r#"["a",1.5,true]"#))),
        ended(RunOutcome::Failed(slow)),
        ended(RunOutcome::Cancelled),
        ended(RunOutcome::TimedOut(failure(FailureKind::Timeout, "too long"))),
        ended(RunOutcome::Expired(failure(FailureKind::Expired, "nobody came"))),
        record_of(named("größe 1"), "", Event::CancelRequested { reason: text("no longer wanted") }),
    ]
}

fn steps() -> Vec<Record> {
    let failed = |failure, then| record("4#1", Event::StepFailed { failure, then });
    vec![
        record("0#1", Event::StepEntered { via: None, input: None }),
        record("3#2", Event::StepEntered { via: Some(edge(7)), input: Some(payload(r#""text""#)) }),
        record("3#1", Event::StepSkipped { via: Some(edge(2)) }),
        record("3#1", Event::StepSkipped { via: None }),
        record("2#1", Event::StepComputed { via: None, output: payload(r#"{"n":1}"#) }),
        record("2#1", Event::StepComputed { via: Some(edge(0)), output: large() }),
        record("4#1", Event::StepCompleted { output: Source::Flow }),
        record("4#1", Event::StepCompleted { output: Source::Value(payload(r#""done""#)) }),
        failed(failure(FailureKind::Limit, "enough"), AfterFailure::Propagate),
        failed(failure(FailureKind::Rejected, "no"), AfterFailure::Continue),
        failed(failure(FailureKind::Function, "broke"), AfterFailure::Fallback(node(5))),
    ]
}

fn bounds_and_branches() -> Vec<Record> {
    let bound = |path, bound, then| record(path, Event::BoundReached { bound, then });
    let jump = |mark: Option<&str>| AfterBound::To { node: node(6), mark: mark.map(text) };
    vec![
        bound("4#3", BoundAt::Edge(edge(1)), AfterBound::Fail),
        bound("", BoundAt::Scope, AfterBound::Continue),
        bound("4#3", BoundAt::Edge(edge(1)), jump(Some("gave up"))),
        bound("4#3", BoundAt::Edge(edge(1)), jump(None)),
        record("1#1", Event::ForkTaken { started: Box::from([0, 2]) }),
        record("1#1/b0", Event::BranchCompleted),
        record("1#1/b0", Event::BranchFailed { failure: failure(FailureKind::Tool, "broke") }),
        record("1#1/b2", Event::BranchCancelled),
    ]
}

fn effects() -> Vec<Record> {
    let intended = |path, at, kind, deadline, version: Option<&str>| {
        let (attempt, version) = (attempt(at), version.map(text));
        record(path, Event::EffectIntended { attempt, kind, deadline, version, key: None })
    };
    let (kind, key) = (EffectKind::Function, Some(name("invoice-7")));
    let keyed = Event::EffectIntended { attempt: attempt(1), kind, deadline: None, version: None, key };
    let keyed = record("5#1", keyed);
    let succeeded = |path, at, output, usage| {
        record(path, Event::EffectSucceeded { attempt: attempt(at), output: payload(output), usage })
    };
    let failed = |at, failure, usage, retry_at| {
        record("5#1", Event::EffectFailed { attempt: attempt(at), failure, usage, retry_at })
    };
    let lost = |then| record("5#1", Event::EffectLost { attempt: attempt(1), then });
    vec![
        intended("5#1", 1, EffectKind::Function, None, None),
        intended("5#1/t2", 2, EffectKind::ModelTurn, Some(later(30)), None),
        intended("5#1/t2/c0", 3, EffectKind::ToolCall, None, Some("v2")),
        intended("5#1/s1", 1, EffectKind::Discovery, None, None),
        keyed,
        succeeded("5#1/t2", 2, r#""answer""#, Usage::new(120, 30)),
        succeeded("5#1", 1, "null", Usage::default()),
        failed(1, failure(FailureKind::Timeout, "slow"), Usage::default(), Some(later(1))),
        failed(4, failure(FailureKind::DeadLetter, "hopeless"), Usage::default(), None),
        failed(1, failure(FailureKind::Provider, "cut off"), Usage::new(120, 7), None),
        lost(AfterLoss::Rerun),
        lost(AfterLoss::Ask),
        lost(AfterLoss::Fail),
        lost(AfterLoss::Nothing),
        record("5#1", Event::EffectCancelled { attempt: attempt(1) }),
        record("5#1", Event::LateOutcome { attempt: attempt(1), summary: text("it succeeded") }),
    ]
}

fn refusals() -> Vec<Record> {
    let reasons = [
        Refusal::UnknownTool,
        Refusal::MalformedArguments,
        Refusal::InvalidArguments,
        Refusal::Rejected,
        Refusal::Expired,
    ];
    let refused = |reason| record("5#1/t1/c0", Event::CallRefused { reason, message: text("because") });
    let refused = reasons.into_iter().map(refused);
    let call = |event| record("5#1/t1/c0", event);
    let calls = [
        call(Event::CallDelegated { deadline: None }),
        call(Event::CallDelegated { deadline: Some(later(60)) }),
        call(Event::CallReturned),
        call(Event::CallFailed { failure: failure(FailureKind::Provider, "no model") }),
        record("5#1/t1", Event::AnswerRefused { problem: text("`/title`: a text is wanted") }),
    ];
    refused.chain(calls).collect()
}

fn tasks() -> Vec<Record> {
    let opened = |path, request, assignees, deadline, on_timeout| {
        let request = Arc::new(request);
        let opened = TaskOpened { task: task(), request, digest: digest(2), assignees, deadline, on_timeout };
        record(path, Event::TaskOpened(Box::new(opened)))
    };
    let step = TaskCause::Step(RequestType::Selection);
    let mut selection = Request::new(step, "Which?", value(r#"{"a":1}"#), vec![DecisionKind::Select]);
    selection.options = vec![text("left"), text("right")];
    selection.default_option = Some(text("left"));
    selection.response_role = Some(Role::User);

    let actions = vec![DecisionKind::Approve, DecisionKind::Reject];
    let of = name("send_mail");
    let mut approval = Request::new(TaskCause::Approval { of }, "Send?", value("{}"), actions);
    approval.context = value(r#"{"why":"asked"}"#);

    let actions = vec![DecisionKind::Retry, DecisionKind::Provide, DecisionKind::Reject];
    let of = name("publish");
    let uncertain = Request::new(TaskCause::Uncertain { of }, "Did it happen?", value("null"), actions);
    vec![
        opened("6#1", selection, vec![name("ana"), name("bo")], Some(later(120)), OnTimeout::Escalate),
        opened("5#1/t1/c0", approval, Vec::new(), None, OnTimeout::Fail),
        opened("5#1", uncertain, Vec::new(), None, OnTimeout::Continue),
    ]
}

fn decisions() -> Vec<Record> {
    let all = [
        Decision::approve(),
        Decision::Approve { comment: Some(text("fine")) },
        Decision::reject(),
        Decision::reject_because("too long"),
        Decision::Edit { content: payload(r#""better""#) },
        Decision::select("right"),
        Decision::Provide { content: payload("42") },
        Decision::Retry,
        Decision::ApproveForRun { comment: None },
        Decision::ApproveForRun { comment: Some(text("all of them")) },
    ];
    let decided = |decision| {
        let decided = TaskDecided { task: task(), decision, digest: digest(2) };
        record_of(named("bo"), "6#1", Event::TaskDecided(Box::new(decided)))
    };
    all.into_iter().map(decided).collect()
}

fn ends() -> Vec<Record> {
    let expired = |then| record("6#1", Event::TaskExpired { task: task(), then });
    vec![
        record_of(named("ana"), "6#1", Event::TaskReassigned { task: task(), to: vec![name("cy")] }),
        expired(AfterExpiry::Fail),
        expired(AfterExpiry::Continue(Decision::select("left"))),
        record("6#1", Event::TaskEscalated { task: task() }),
        record("6#1", Event::TaskWithdrawn { task: task() }),
    ]
}

/// Records of one frame leave out what they share with the one before.
fn neighbours() -> Vec<Record> {
    let succeeded = Event::EffectSucceeded { attempt: attempt(1), output: payload("1"), usage: Usage::default() };
    let first = Record { trace: Some(trace()), ..record("1#1", succeeded) };
    let entered = Event::StepEntered { via: None, input: None };
    let second = Record { trace: Some(trace()), ..record("2#1", entered) };
    let intended = Event::EffectIntended {
        attempt: attempt(1),
        kind: EffectKind::Function,
        deadline: None,
        version: None,
        key: None,
    };
    let mut third = Record { revision: 2, ..record_of(Actor::Host, "2#1", intended) };
    third.entry.at = AT.after(Duration::from_micros(5));
    vec![first, second, third]
}

#[test]
fn every_golden_frame_decodes_to_its_records() {
    let records = records();
    assert_eq!(FRAMES.lines().count(), records.len());
    for (frame, expected) in FRAMES.lines().zip(&records) {
        assert_eq!(decode_frame(1, frame.as_bytes(), &blob).as_ref(), Ok(expected), "{frame}");
    }
}

#[test]
fn version_1_is_still_written_as_it_was() {
    for (frame, records) in FRAMES.lines().zip(records()) {
        assert_eq!(String::from_utf8(encode_frame(&records).unwrap()).unwrap(), frame);
    }
}

/// The arms of `Event::kind` name every kind there is.
pub(super) fn kinds() -> BTreeSet<&'static str> {
    let source = include_str!("../../src/event.rs");
    let (_, kind) = source.split_once("pub fn kind(&self)").unwrap();
    let (kind, _) = kind.split_once("\n    }\n").unwrap();
    kind.split('"').skip(1).step_by(2).collect()
}

#[test]
fn every_kind_of_event_has_a_golden_frame() {
    let kinds = kinds();
    assert!(kinds.len() >= 32 && kinds.contains("task_withdrawn"), "{kinds:?}");
    let records = records();
    let golden: BTreeSet<&str> = records.iter().flatten().map(|record| record.event().kind()).collect();
    assert_eq!(golden, kinds);
}
