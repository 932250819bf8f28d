//! Spans: run → effect, with run, path and attempt.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use kneo_core::call::CallError;
use kneo_core::plan::Effect;
use kneo_runtime::{Start, typed};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::support::*;

/// Keeps every span with its fields and parents, and where events happened.
#[derive(Clone, Default)]
struct Spans(Arc<Inner>);

#[derive(Default)]
struct Inner {
    next: AtomicU64,
    spans: Mutex<BTreeMap<u64, String>>,
    entered: Mutex<Vec<u64>>,
    events: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Fields(Vec<String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push(format!("{field}={value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push(format!("{field}={value}"));
    }
}

impl Spans {
    /// The span that is entered, after its parents.
    fn here(&self) -> Option<String> {
        let innermost = *self.0.entered.lock().unwrap().last()?;
        self.0.spans.lock().unwrap().get(&innermost).cloned()
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kneo_runtime") || metadata.target().starts_with("suite")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fields = Fields::default();
        span.record(&mut fields);
        let own = format!("{}{{{}}}", span.metadata().name(), fields.0.join(" "));
        let text = self.here().map_or(own.clone(), |parent| format!("{parent} > {own}"));
        self.0.spans.lock().unwrap().insert(id, text);
        Id::from_u64(id)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.0.events.lock().unwrap().push(format!("{}: {}", self.here().unwrap_or_default(), fields.0.join(" ")));
    }
    fn enter(&self, id: &Id) {
        self.0.entered.lock().unwrap().push(id.into_u64());
    }
    fn exit(&self, id: &Id) {
        let mut entered = self.0.entered.lock().unwrap();
        if let Some(at) = entered.iter().rposition(|found| *found == id.into_u64()) {
            entered.remove(at);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn host_code_runs_in_the_span_of_its_run_and_attempt() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let work = typed::value_function(|value, _| async move {
        tracing::info!("before");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        tracing::info!("after");
        Ok(value)
    });
    let harness = harness();
    let runtime = build(harness.builder().function("work", work));
    let run = runtime.start(&chain(1, Effect::Read), Start::new(int(0))).await.unwrap();
    completed(&run).await;
    runtime.shutdown().await;
    let place =
        format!("kneo.run{{run={} namespace=default}} > kneo.function{{path=0#1 attempt=1 place=s0#1}}", run.id());
    let events = spans.0.events.lock().unwrap().clone();
    for said in ["message=before", "message=after"] {
        assert!(events.contains(&format!("{place}: {said}")), "{events:#?}");
    }
}

/// What people and host code say is in the journal, and neither in the log nor in what `Debug` shows of a host.
#[tokio::test(start_paused = true)]
async fn what_is_said_is_in_no_log_and_no_handle() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let harness = harness();
    for panics in [false, true] {
        let work = typed::value_function(move |_, _| async move {
            assert!(!panics, "hunter2");
            Err(CallError::fatal("broken", "hunter2").with_source(std::io::Error::other("hunter2")))
        });
        let runtime = build(harness.builder().function("work", work));
        let run = runtime.start(&chain(1, Effect::Read), Start::new("hunter2")).await.unwrap();
        let outcome = run.wait().await.unwrap();
        assert!(format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
        let shown = format!("{run:?} {runtime:?}");
        assert!(shown.contains(&run.id().to_string()) && !shown.contains("hunter2"), "{shown}");
        runtime.shutdown().await;
    }
    let events = spans.0.events.lock().unwrap().clone();
    for said in ["message=the call failed kind=function code=broken retryable=false", "code panicked"] {
        assert!(events.iter().any(|event| event.contains(said)), "{said}: {events:#?}");
    }
    assert!(!format!("{events:?}").contains("hunter2"), "{events:#?}");
}
