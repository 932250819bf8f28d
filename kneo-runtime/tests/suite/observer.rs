//! Observers: every record once, in order, after its commit; and the traces that calls go on with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kneo_core::call::CallContext;
use kneo_core::observer::{News, Observer};
use kneo_core::plan::{Effect, RequestType};
use kneo_core::record::Stored;
use kneo_core::task::Decision;
use kneo_core::trace::{SpanId, TraceContext, TraceId};
use kneo_core::{Attempt, Path, RunId};
use kneo_runtime::{Start, typed};

use super::support::*;

/// What was told: the records, and whether they were past.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<(RunId, bool, Stored)>>);

impl Observer for Seen {
    fn observe(&self, news: &News<'_>) {
        let told = news.records.iter().map(|stored| (news.run.run, news.past, stored.clone()));
        self.0.lock().unwrap().extend(told);
    }
}

impl Seen {
    fn of(&self, run: RunId, past: bool) -> Vec<Stored> {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|(of, was, _)| *of == run && *was == past).map(|(.., stored)| stored.clone()).collect()
    }
}

#[derive(Debug)]
struct Panics;

impl Observer for Panics {
    fn observe(&self, _: &News<'_>) {
        panic!("not today");
    }
}

#[tokio::test(start_paused = true)]
async fn every_record_is_told_once_and_a_panic_harms_nothing() {
    let harness = harness();
    let seen = Arc::new(Seen::default());
    let builder = harness.builder().function("work", inc()).observer(Arc::new(Panics));
    let runtime = build(builder.observer(Arc::clone(&seen) as _));
    let run = runtime.start(&chain(3, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(3));
    assert_eq!(seen.of(run.id(), false), harness.journal(run.id()).await.unwrap());
    assert_eq!(seen.of(run.id(), true), []);
}

/// Who takes over is told what others have told as past; what came from outside meanwhile is news.
#[tokio::test(start_paused = true)]
async fn who_takes_over_is_told_the_past() {
    let mut plan = plan();
    let human = plan.human("editor", RequestType::Approval);
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let (gate, work) = (scope.human("gate", human), scope.function("work", work));
        scope.edge(gate, work);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let (first, second) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let runtime = build(harness.builder().function("work", inc()).observer(Arc::clone(&first) as _));
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    let task = blocked(&run).await.remove(0).task;
    let id = run.id();
    drop((run, runtime));
    let before = first.of(id, false);
    assert_eq!(before, harness.journal(id).await.unwrap());

    let client = build(harness.builder().function("work", inc()).client_only());
    client.decide(task, Decision::approve(), ana()).await.unwrap();
    let runtime = build(harness.builder().function("work", inc()).observer(Arc::clone(&second) as _));
    assert_eq!(completed(&runtime.run(id)).await, int(1));
    assert_eq!(second.of(id, true), before);
    let news = second.of(id, false);
    assert_eq!(kinds(&news).first(), Some(&"task_decided"));
    assert_eq!([before, news].concat(), harness.journal(id).await.unwrap());
}

/// A call goes on with the span of its attempt, in the trace of the run or of its starter, whoever holds the run.
#[tokio::test(start_paused = true)]
async fn calls_are_in_the_trace_of_their_run() {
    let parent: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().unwrap();
    for parent in [None, Some(parent)] {
        let harness = harness();
        let log = Arc::new(Log::default());
        let says = |log: &Arc<Log>| {
            let log = Arc::clone(log);
            typed::value_function(move |value, context: CallContext| {
                log.say(context.trace().to_string());
                async move {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    Ok(value)
                }
            })
        };
        let first = build(harness.builder().function("work", says(&log)));
        let mut start = Start::new(int(0));
        if let Some(parent) = parent {
            start = start.trace(parent);
        }
        let run = first.start(&chain(1, Effect::Idempotent), start).await.unwrap().id();
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(first);
        let second = build(harness.builder().function("work", says(&log)));
        assert_eq!(completed(&second.run(run)).await, int(0));
        assert_eq!(harness.journal(run).await.unwrap()[0].record.trace, parent);
        let path: Path = "0#1".parse().unwrap();
        let base = parent.unwrap_or(TraceContext::new(TraceId::of_run(run), SpanId::of_run(run)));
        let of = |attempt: Attempt| base.with_span(SpanId::of_attempt(run, &path, attempt)).to_string();
        assert_eq!(log.lines(), [of(Attempt::FIRST), of(Attempt::FIRST.next())]);
    }
}
