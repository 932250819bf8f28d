//! Arbitrary records of every kind.

use std::sync::Arc;
use std::time::Duration;

use kneo_core::event::{
    AfterBound, AfterExpiry, AfterFailure, AfterLoss, BoundAt, EffectKind, Entry, Event, Hold, Parked, Refusal,
    RunStarted, Source, StartKey, TaskDecided, TaskOpened,
};
use kneo_core::message::Role;
use kneo_core::plan::{EdgeIx, NodeIx, OnTimeout, RequestType, ServerIx};
use kneo_core::record::Record;
use kneo_core::task::{Decision, DecisionKind, Request, TaskCause};
use kneo_core::trace::TraceContext;
use kneo_core::{
    Actor, Attempt, Digest, Failure, FailureKind, Fence, Name, Path, Payload, RunOutcome, Segment, TaskId, Timestamp,
    Usage, Value, WorkerId,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

/// The cases of a property; a failure is printed whole, and kept nowhere.
pub(super) fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

pub(super) fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1i64 << 53) + 1..1 << 53).prop_map(|int| Value::int(int).unwrap()),
        any::<f64>().prop_filter_map("finite", |float| Value::float(float).ok()),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| Value::list(items).unwrap()),
            vec((any::<String>(), inner), 0..5).prop_map(|entries| Value::map(entries).unwrap()),
        ]
    })
}

/// One in five is large enough to be a blob.
fn payload() -> impl Strategy<Value = Payload> {
    let large = ("[a-zé\"\\\\\n]{1,8}", 4_500usize..6_000).prop_map(|(text, times)| Value::text(text.repeat(times)));
    prop_oneof![4 => value(), 1 => large].prop_map(|value| Payload::new(value).unwrap())
}

fn text() -> impl Strategy<Value = Arc<str>> {
    any::<String>().prop_map(Arc::from)
}

fn name() -> impl Strategy<Value = Name> {
    any::<String>().prop_filter_map("a name", |text| Name::new(text.trim()).ok())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_unix_micros)
}

fn worker() -> impl Strategy<Value = WorkerId> {
    any::<[u8; 16]>().prop_map(WorkerId::from_bytes)
}

fn task() -> impl Strategy<Value = TaskId> {
    any::<[u8; 16]>().prop_map(TaskId::from_bytes)
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![Just(Actor::Host), worker().prop_map(Actor::Worker), name().prop_map(Actor::Named)]
}

fn trace() -> impl Strategy<Value = TraceContext> {
    (1..=u128::MAX, 1..=u64::MAX, any::<u8>())
        .prop_map(|(trace, span, flags)| format!("00-{trace:032x}-{span:016x}-{flags:02x}").parse().unwrap())
}

fn path() -> impl Strategy<Value = Path> {
    let segment = prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(node, visit)| Segment::Node { node: NodeIx::new(node), visit }),
        any::<u32>().prop_map(Segment::Branch),
        any::<u32>().prop_map(Segment::Item),
        any::<u32>().prop_map(Segment::Turn),
        any::<u32>().prop_map(Segment::Call),
        any::<u32>().prop_map(|at| Segment::Server(ServerIx::new(at))),
    ];
    vec(segment, 0..6).prop_map(|segments| segments.into_iter().fold(Path::root(), |path, next| path.child(next)))
}

fn attempt() -> impl Strategy<Value = Attempt> {
    (1..=u32::MAX).prop_map(|at| Attempt::new(at).unwrap())
}

fn edge() -> impl Strategy<Value = EdgeIx> {
    any::<u32>().prop_map(EdgeIx::new)
}

fn node() -> impl Strategy<Value = NodeIx> {
    any::<u32>().prop_map(NodeIx::new)
}

fn failure() -> impl Strategy<Value = Failure> {
    (select(FailureKind::ALL), text(), of(text()), any::<bool>(), of(any::<u64>())).prop_map(
        |(kind, message, code, retryable, wait)| {
            let mut failure = Failure::new(kind, message).with_retryable(retryable);
            failure.code = code;
            failure.retry_after = wait.map(Duration::from_micros);
            failure
        },
    )
}

fn decision() -> BoxedStrategy<Decision> {
    prop_oneof![
        of(text()).prop_map(|comment| Decision::Approve { comment }),
        of(text()).prop_map(|reason| Decision::Reject { reason }),
        payload().prop_map(|content| Decision::Edit { content }),
        text().prop_map(|option| Decision::Select { option }),
        payload().prop_map(|content| Decision::Provide { content }),
        Just(Decision::Retry),
        of(text()).prop_map(|comment| Decision::ApproveForRun { comment }),
    ]
    .boxed()
}

fn request() -> impl Strategy<Value = Request> {
    use DecisionKind::{Approve, ApproveForRun, Edit, Provide, Reject, Retry, Select};
    use RequestType::{Approval, Correction, Freeform, Review, Selection};
    let cause = prop_oneof![
        select(vec![Approval, Review, Correction, Selection, Freeform]).prop_map(TaskCause::Step),
        name().prop_map(|of| TaskCause::Approval { of }),
        name().prop_map(|of| TaskCause::Uncertain { of }),
    ];
    let actions = vec(select(vec![Approve, Reject, Edit, Select, Provide, Retry, ApproveForRun]), 0..6);
    let role = of(select(vec![Role::System, Role::User, Role::Assistant, Role::Tool]));
    (cause, text(), value(), value(), actions, vec(text(), 0..3), of(text()), role).prop_map(
        |(cause, description, subject, context, actions, options, default_option, response_role)| {
            let mut request = Request::new(cause, description, subject, actions);
            request.context = context;
            request.options = options;
            request.default_option = default_option;
            request.response_role = response_role;
            request
        },
    )
}

fn started() -> impl Strategy<Value = Event> {
    let holds = vec((name(), name(), any::<u32>()).prop_map(|(scope, key, slot)| Hold { scope, key, slot }), 0..3);
    let start = (name(), digest()).prop_map(|(key, digest)| StartKey { key, digest });
    let seal = digest().prop_map(|plan| Arc::new(super::samples::seal(plan)));
    (name(), digest(), payload(), vec((name(), text()), 0..3), of(start), holds, of(time()), of(seal)).prop_map(
        |(workflow, plan, input, labels, idempotency, holds, deadline, seal)| {
            let started = RunStarted { workflow, plan, input, labels, idempotency, holds, deadline, seal };
            Event::RunStarted(Box::new(started))
        },
    )
}

fn opened() -> impl Strategy<Value = Event> {
    let on_timeout = select(vec![OnTimeout::Fail, OnTimeout::Continue, OnTimeout::Escalate]);
    (task(), request(), digest(), vec(name(), 0..3), of(time()), on_timeout).prop_map(
        |(task, request, digest, assignees, deadline, on_timeout)| {
            let request = Arc::new(request);
            Event::TaskOpened(Box::new(TaskOpened { task, request, digest, assignees, deadline, on_timeout }))
        },
    )
}

/// One strategy for each kind of event.
pub(super) fn events() -> Vec<BoxedStrategy<Event>> {
    use EffectKind::{Discovery, Function, ModelTurn, ToolCall};
    use Refusal::{Expired, InvalidArguments, MalformedArguments, Rejected, UnknownTool};
    let outcome = prop_oneof![
        payload().prop_map(RunOutcome::Completed),
        failure().prop_map(RunOutcome::Failed),
        Just(RunOutcome::Cancelled),
        failure().prop_map(RunOutcome::TimedOut),
        failure().prop_map(RunOutcome::Expired),
    ];
    let parked = select(vec![Parked::Queued, Parked::Running, Parked::Blocked]);
    let source = prop_oneof![Just(Source::Flow), payload().prop_map(Source::Value)];
    let after_failure = prop_oneof![
        Just(AfterFailure::Propagate),
        Just(AfterFailure::Continue),
        node().prop_map(AfterFailure::Fallback)
    ];
    let bound = prop_oneof![edge().prop_map(BoundAt::Edge), Just(BoundAt::Scope)];
    let after_bound = prop_oneof![
        Just(AfterBound::Fail),
        Just(AfterBound::Continue),
        (node(), of(text())).prop_map(|(node, mark)| AfterBound::To { node, mark }),
    ];
    let after_loss = select(vec![AfterLoss::Rerun, AfterLoss::Ask, AfterLoss::Fail, AfterLoss::Nothing]);
    let reason = select(vec![UnknownTool, MalformedArguments, InvalidArguments, Rejected, Expired]);
    let after_expiry = prop_oneof![Just(AfterExpiry::Fail), decision().prop_map(AfterExpiry::Continue)];
    let kind = select(vec![Function, ModelTurn, ToolCall, Discovery]);
    let usage = (any::<u64>(), any::<u64>()).prop_map(|(input, output)| Usage::new(input, output));
    vec![
        started().boxed(),
        (worker(), any::<u64>())
            .prop_map(|(worker, fence)| Event::RunClaimed { worker, fence: Fence::new(fence) })
            .boxed(),
        (parked, of(time())).prop_map(|(status, ready_at)| Event::RunParked { status, ready_at }).boxed(),
        outcome.prop_map(|outcome| Event::RunEnded(Box::new(outcome))).boxed(),
        text().prop_map(|reason| Event::CancelRequested { reason }).boxed(),
        (of(edge()), of(payload())).prop_map(|(via, input)| Event::StepEntered { via, input }).boxed(),
        of(edge()).prop_map(|via| Event::StepSkipped { via }).boxed(),
        (of(edge()), payload()).prop_map(|(via, output)| Event::StepComputed { via, output }).boxed(),
        source.prop_map(|output| Event::StepCompleted { output }).boxed(),
        (failure(), after_failure).prop_map(|(failure, then)| Event::StepFailed { failure, then }).boxed(),
        (bound, after_bound).prop_map(|(bound, then)| Event::BoundReached { bound, then }).boxed(),
        vec(any::<u32>(), 0..5).prop_map(|started| Event::ForkTaken { started: started.into() }).boxed(),
        Just(Event::BranchCompleted).boxed(),
        failure().prop_map(|failure| Event::BranchFailed { failure }).boxed(),
        Just(Event::BranchCancelled).boxed(),
        (attempt(), kind, of(time()), of(text()), of(name()))
            .prop_map(|(attempt, kind, deadline, version, key)| Event::EffectIntended {
                attempt,
                kind,
                deadline,
                version,
                key,
            })
            .boxed(),
        (attempt(), payload(), usage.clone())
            .prop_map(|(attempt, output, usage)| Event::EffectSucceeded { attempt, output, usage })
            .boxed(),
        (attempt(), failure(), usage.clone(), of(time()))
            .prop_map(|(attempt, failure, usage, retry_at)| Event::EffectFailed { attempt, failure, usage, retry_at })
            .boxed(),
        (attempt(), after_loss).prop_map(|(attempt, then)| Event::EffectLost { attempt, then }).boxed(),
        attempt().prop_map(|attempt| Event::EffectCancelled { attempt }).boxed(),
        (attempt(), text()).prop_map(|(attempt, summary)| Event::LateOutcome { attempt, summary }).boxed(),
        (reason, text()).prop_map(|(reason, message)| Event::CallRefused { reason, message }).boxed(),
        of(time()).prop_map(|deadline| Event::CallDelegated { deadline }).boxed(),
        Just(Event::CallReturned).boxed(),
        failure().prop_map(|failure| Event::CallFailed { failure }).boxed(),
        text().prop_map(|problem| Event::AnswerRefused { problem }).boxed(),
        opened().boxed(),
        (task(), decision(), digest())
            .prop_map(|(task, decision, digest)| Event::TaskDecided(Box::new(TaskDecided { task, decision, digest })))
            .boxed(),
        (task(), vec(name(), 0..3)).prop_map(|(task, to)| Event::TaskReassigned { task, to }).boxed(),
        (task(), after_expiry).prop_map(|(task, then)| Event::TaskExpired { task, then }).boxed(),
        task().prop_map(|task| Event::TaskEscalated { task }).boxed(),
        task().prop_map(|task| Event::TaskWithdrawn { task }).boxed(),
    ]
}

/// A record of any kind.
pub(super) fn record() -> impl Strategy<Value = Record> {
    record_of(proptest::strategy::Union::new(events()))
}

/// A record of an event.
pub(super) fn record_of(event: impl Strategy<Value = Event>) -> impl Strategy<Value = Record> {
    (any::<u16>(), actor(), of(trace()), time(), path(), event).prop_map(|(revision, actor, trace, at, path, event)| {
        Record { revision, actor, trace, entry: Entry { at, path, event } }
    })
}

/// Records of one frame; neighbours often share time, actor and trace.
pub(super) fn records() -> impl Strategy<Value = Vec<Record>> {
    vec((record(), any::<bool>()), 0..12).prop_map(|made| {
        let mut records: Vec<Record> = Vec::new();
        for (mut record, alike) in made {
            if let (true, Some(last)) = (alike, records.last()) {
                record.actor = last.actor.clone();
                record.trace = last.trace;
                record.revision = last.revision;
                record.entry.at = last.entry.at;
            }
            records.push(record);
        }
        records
    })
}
