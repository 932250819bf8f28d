//! What the tests share: a harness on the memory store, small plans, functions that tests can steer.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kneo_core::call::{CallContext, CallError};
use kneo_core::expr::{ArithmeticOp, CompareOp, Expr, Root};
use kneo_core::plan::{CompiledPlan, Effect, NodeIx};
use kneo_core::record::Stored;
use kneo_core::store::Watermark;
use kneo_core::tool::Function;
use kneo_core::{Actor, Name, Namespace, RunId, Value};
use kneo_runtime::testkit::{Harness, PlanBuilder};
use kneo_runtime::{Outcome, RunHandle, Runtime, RuntimeBuilder, typed};
use kneo_store::MemoryStore;

pub(crate) fn harness() -> Harness {
    Harness::new(|clock| Arc::new(MemoryStore::new(clock)))
}

pub(crate) fn plan() -> PlanBuilder {
    PlanBuilder::new("test".parse().unwrap())
}

pub(crate) fn int(value: i64) -> Value {
    Value::int(value).unwrap()
}

pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn ana() -> Actor {
    Actor::trusted(name("ana"))
}

/// Adds one to an integer.
pub(crate) fn inc() -> Arc<dyn Function> {
    typed::value_function(|value, _| async move { Ok(int(value.as_i64().unwrap_or(0) + 1)) })
}

/// Counts its calls and adds one.
pub(crate) fn counted() -> (Arc<dyn Function>, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&count);
    let function = typed::value_function(move |value, _| {
        counts.fetch_add(1, Ordering::SeqCst);
        async move { Ok(int(value.as_i64().unwrap_or(0) + 1)) }
    });
    (function, count)
}

/// Waits for its token, and says whether it got it.
pub(crate) fn waits() -> (Arc<dyn Function>, Arc<Log>) {
    let log = Arc::new(Log::default());
    let logs = Arc::clone(&log);
    let function = typed::value_function(move |_, context: CallContext| {
        let log = Arc::clone(&logs);
        async move {
            log.say(format!("start {}", context.attempt));
            context.cancel.cancelled().await;
            log.say(format!("stop {}", context.attempt));
            Err(CallError::fatal("stopped", "stopped"))
        }
    });
    (function, log)
}

/// Takes so long in virtual time, then adds one.
pub(crate) fn slow(seconds: u64) -> Arc<dyn Function> {
    typed::value_function(move |value, _| async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(int(value.as_i64().unwrap_or(0) + 1))
    })
}

/// What host code said, in order.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

impl Log {
    pub(crate) fn say(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A chain of `n` steps `s0`, `s1`, … that call the function `work`.
pub(crate) fn chain(n: usize, effect: Effect) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let work = plan.function("work", effect);
    let root = plan.scope("main", |scope| {
        let nodes: Vec<NodeIx> = (0..n).map(|at| scope.function(&format!("s{at}"), work)).collect();
        for pair in nodes.windows(2) {
            scope.edge(pair[0], pair[1]);
        }
    });
    plan.build(root).unwrap()
}

/// `prev < limit`.
pub(crate) fn below(limit: i64) -> Expr {
    let limit = Expr::literal(&int(limit));
    Expr::Compare(CompareOp::Less, Box::new(Expr::Root(Root::Prev)), Box::new(limit))
}

/// `prev + 1`.
pub(crate) fn plus_one() -> Expr {
    Expr::Arithmetic(ArithmeticOp::Add, vec![Expr::Root(Root::Prev), Expr::literal(&int(1))])
}

pub(crate) fn build(builder: RuntimeBuilder) -> Runtime {
    builder.build().unwrap()
}

/// Waits in virtual time until something holds.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(600), async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.expect("it never came to hold");
}

/// The kinds of a run's events, in order.
pub(crate) fn kinds(journal: &[Stored]) -> Vec<&'static str> {
    journal.iter().map(|stored| stored.record.event().kind()).collect()
}

pub(crate) fn count(journal: &[Stored], kind: &str) -> usize {
    kinds(journal).into_iter().filter(|found| *found == kind).count()
}

/// How many commits a run took.
pub(crate) async fn commits(harness: &Harness, run: RunId) -> usize {
    let feed = harness.store().feed(&Namespace::default(), Watermark::default(), usize::MAX).await.unwrap();
    feed.iter().filter(|item| item.run.run == run).count()
}

pub(crate) async fn completed(run: &RunHandle) -> Value {
    match run.wait().await.unwrap() {
        Outcome::Completed(value) => value,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn failed(run: &RunHandle) -> kneo_core::Failure {
    match run.wait().await.unwrap() {
        Outcome::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn blocked(run: &RunHandle) -> Vec<kneo_core::task::TaskRow> {
    match run.wait().await.unwrap() {
        Outcome::Blocked(tasks) => tasks,
        other => panic!("{other:?}"),
    }
}
