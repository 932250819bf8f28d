//! Exporters as they are, and every option of the builder.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use kneo_otel::{BuildError, ContentPolicy, OtelObserver, OtelObserverBuilder, Prices, SharedProcessor};
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter};

use super::support::{History, Kept, LONG, histories};

/// Far below the times that are tested against it.
const SOON: Duration = Duration::from_secs(5);

type Behaviour = dyn Fn(usize) -> futures_util::future::BoxFuture<'static, OTelSdkResult> + Send + Sync;

/// An exporter that does what it is told to, batch by batch.
struct Odd {
    kept: Kept,
    batches: Arc<Mutex<Vec<usize>>>,
    resource: Arc<Mutex<Option<Resource>>>,
    does: Box<Behaviour>,
    number: AtomicUsize,
}

impl fmt::Debug for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Odd")
    }
}

impl SpanExporter for Odd {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.batches.lock().unwrap().push(batch.len());
        (self.does)(self.number.fetch_add(1, Ordering::SeqCst)).await?;
        self.kept.export(batch).await
    }

    fn set_resource(&mut self, resource: &Resource) {
        *self.resource.lock().unwrap() = Some(resource.clone());
    }
}

fn odd(does: impl Fn(usize) -> futures_util::future::BoxFuture<'static, OTelSdkResult> + Send + Sync + 'static) -> Odd {
    let (kept, batches, resource) = Default::default();
    Odd { kept, batches, resource, does: Box::new(does), number: AtomicUsize::new(0) }
}

fn well() -> Odd {
    odd(|_| Box::pin(async { Ok(()) }))
}

/// A history of 40 spans or more.
fn history() -> History {
    histories().into_iter().find(|history| history.name == "review_loop").unwrap()
}

/// Tells a history as that of so many runs.
fn tell(observer: &OtelObserver, runs: u8) -> usize {
    let mut history = history();
    let spans = history.spans().len();
    for number in 1..=runs {
        history.run.run = kneo_core::RunId::from_bytes([number; 16]);
        history.tell(observer, &history.records, false);
    }
    spans * usize::from(runs)
}

fn build(builder: OtelObserverBuilder) -> Arc<OtelObserver> {
    builder.build().unwrap()
}

#[test]
fn an_exporter_that_fails_or_panics_loses_its_batch_and_no_other() {
    for panics in [false, true] {
        let odd = odd(move |number| {
            Box::pin(async move {
                match number {
                    1 if panics => panic!("not today"),
                    1 => Err(OTelSdkError::InternalFailure("not today".into())),
                    _ => Ok(()),
                }
            })
        });
        let kept = odd.kept.clone();
        let observer = build(OtelObserver::builder().exporter(odd).max_batch(10));
        let spans = tell(&observer, 1);
        let said = observer.flush_blocking(LONG).unwrap_err();
        let cause = if panics { "the exporter panicked" } else { "not today" };
        assert!(said.code() == "telemetry_refused" && said.to_string().contains(cause), "{said}");
        let stats = observer.stats();
        assert_eq!((stats.refused, stats.exported, stats.waiting), (10, spans as u64 - 10, 0));
        assert_eq!(kept.spans().len(), spans - 10);
        observer.shutdown_blocking(LONG).unwrap();
    }
}

#[test]
fn an_exporter_that_takes_too_long_is_not_waited_for() {
    let odd = odd(|number| {
        Box::pin(async move {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    });
    let timeout = Duration::from_millis(200);
    let observer = build(OtelObserver::builder().exporter(odd).max_batch(10).export_timeout(timeout));
    let started = Instant::now();
    let spans = tell(&observer, 1);
    let said = observer.flush_blocking(LONG).unwrap_err();
    assert!(said.code() == "telemetry_refused" && said.to_string().contains("timed out after 2"), "{said}");
    assert!(started.elapsed() >= timeout);
    let stats = observer.stats();
    assert_eq!((stats.refused, stats.exported), (10, spans as u64 - 10));
}

/// A lock that a thread waits for until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn wait(&self) {
        let (open, opened) = &*self.0;
        drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// The worst that an exporter can do: it blocks its thread, and heeds nothing.
#[test]
fn the_queue_is_bounded_what_does_not_fit_is_counted_and_nobody_waits() {
    let gate = Gate::default();
    let gated = gate.clone();
    let odd = odd(move |_| {
        gated.wait();
        Box::pin(async { Ok(()) })
    });
    let (kept, batches) = (odd.kept.clone(), Arc::clone(&odd.batches));
    let observer = build(OtelObserver::builder().exporter(odd).max_queue(100).max_batch(20));
    let started = Instant::now();
    tell(&observer, 1);
    while batches.lock().unwrap().is_empty() {
        assert!(started.elapsed() < SOON);
        std::thread::yield_now();
    }
    let spans = tell(&observer, 100) + tell(&observer, 1);
    let stats = observer.stats();
    // A hundred wait, and no more than a batch is in the exporter's hands.
    assert!((100..=120).contains(&stats.waiting), "{stats:?}");
    assert!(stats.queue_full as usize >= spans - 220 && stats.exported == 0, "{stats:?}");
    let unfinished = observer.flush_blocking(Duration::from_millis(50)).unwrap_err();
    assert_eq!(unfinished.code(), "telemetry_unfinished");
    observer.shutdown_blocking(Duration::from_millis(50)).unwrap_err();
    tell(&observer, 1);
    let late = observer.stats().late;
    assert!(late > 0, "nothing is taken in after a shutdown");
    drop(observer);
    assert!(started.elapsed() < SOON, "somebody waited");
    gate.open();
    while kept.spans().is_empty() {
        assert!(started.elapsed() < LONG);
        std::thread::yield_now();
    }
    assert!(batches.lock().unwrap().iter().all(|batch| *batch <= 20));
}

#[test]
fn what_has_ended_is_exported_in_time_without_being_asked_for() {
    let odd = well();
    let kept = odd.kept.clone();
    let observer = build(OtelObserver::builder().exporter(odd).max_delay(Duration::from_millis(20)));
    let started = Instant::now();
    let spans = tell(&observer, 1);
    while kept.spans().len() < spans {
        assert!(started.elapsed() < SOON);
        std::thread::yield_now();
    }
    // A longer delay is kept as well.
    let odd = well();
    let kept = odd.kept.clone();
    let observer = build(OtelObserver::builder().exporter(odd).max_delay(Duration::from_secs(600)).max_batch(8_192));
    tell(&observer, 1);
    std::thread::park_timeout(Duration::from_millis(100));
    assert!(kept.spans().is_empty() && observer.stats().waiting == spans as u64);
    // Dropping it exports what is left.
    drop(observer);
    let started = Instant::now();
    while kept.spans().len() < spans {
        assert!(started.elapsed() < SOON);
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_whole_batch_does_not_wait_and_a_shutdown_happens_once() {
    let odd = well();
    let (kept, batches) = (odd.kept.clone(), Arc::clone(&odd.batches));
    let observer = build(OtelObserver::builder().exporter(odd).max_batch(8).max_delay(Duration::from_secs(600)));
    let spans = tell(&observer, 1);
    let started = Instant::now();
    while kept.spans().len() < spans - spans % 8 {
        assert!(started.elapsed() < SOON);
        tokio::task::yield_now().await;
    }
    let (one, two) = tokio::join!(observer.shutdown(LONG), observer.shutdown(LONG));
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert_eq!(kept.spans().len(), spans);
    assert!(batches.lock().unwrap().iter().all(|batch| *batch <= 8));
    assert_eq!(observer.flush(LONG).await, Ok(()));
}

#[test]
fn the_resource_reaches_the_exporter() {
    let odd = well();
    let given = Arc::clone(&odd.resource);
    let resource = Resource::builder_empty().with_service_name("reports").build();
    let _observer = build(OtelObserver::builder().exporter(odd).resource(resource.clone()));
    assert_eq!(*given.lock().unwrap(), Some(resource));
}

#[test]
fn spans_go_the_way_of_the_host_s_own() {
    let kept = Kept::default();
    let processor = SharedProcessor::new(BatchSpanProcessor::builder(kept.clone()).build());
    let provider = SdkTracerProvider::builder().with_span_processor(processor.clone()).build();
    let observer = build(OtelObserver::builder().processor(processor));
    let spans = tell(&observer, 1);
    provider.tracer("host").start("the host's").end();
    observer.shutdown_blocking(LONG).unwrap();
    provider.force_flush().unwrap();
    assert_eq!(kept.spans().len(), spans + 1);
    provider.shutdown().unwrap();
}

#[test]
fn options_that_would_be_ignored_are_refused() {
    type Change = fn(OtelObserverBuilder) -> OtelObserverBuilder;
    let meters = SdkMeterProvider::builder().build();
    let option = |builder: OtelObserverBuilder| match builder.build() {
        Err(error @ (BuildError::Excluded { option, .. } | BuildError::Option { option, .. })) => {
            assert!(error.to_string().contains(option), "{error}");
            option
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(OtelObserver::builder().build().unwrap_err().code(), "telemetry_nowhere");
    // Options of spans, where there are only metrics.
    let changes: [(&str, Change); 8] = [
        ("resource", |it| it.resource(Resource::builder_empty().build())),
        ("sampler", |it| it.sampler(Sampler::AlwaysOn)),
        ("content", |it| it.content(ContentPolicy::new())),
        ("max_queue", |it| it.max_queue(1)),
        ("max_batch", |it| it.max_batch(1)),
        ("max_delay", |it| it.max_delay(Duration::from_secs(1))),
        ("export_timeout", |it| it.export_timeout(Duration::from_secs(1))),
        ("repeat", |it| it.repeat(Duration::from_secs(1))),
    ];
    for (name, change) in changes {
        assert_eq!(option(change(OtelObserver::builder().meter_provider(&meters))), name);
        assert!(change(OtelObserver::builder().exporter(Kept::default()).max_batch(1)).build().is_ok(), "{name}");
    }
    // Two ways for the same thing.
    let processor = || SharedProcessor::new(BatchSpanProcessor::builder(Kept::default()).build());
    let exporter = || OtelObserver::builder().exporter(Kept::default());
    let otlp = || kneo_otel::Otlp::new("http://localhost:4318");
    assert_eq!(option(exporter().exporter(Kept::default())), "exporter");
    assert_eq!(option(exporter().processor(processor())), "processor");
    assert_eq!(option(exporter().otlp(otlp())), "otlp");
    assert_eq!(option(OtelObserver::builder().otlp(otlp()).meter_provider(&meters)), "meter_provider");
    assert!(OtelObserver::builder().otlp(otlp().without_metrics()).meter_provider(&meters).build().is_ok());
    let resource = Resource::builder_empty().build();
    assert_eq!(option(OtelObserver::builder().processor(processor()).resource(resource)), "resource");
    // What is out of range.
    assert_eq!(option(exporter().max_queue(0)), "max_queue");
    assert_eq!(option(exporter().max_queue(1_000_001)), "max_queue");
    assert_eq!(option(exporter().max_batch(0)), "max_batch");
    assert_eq!(option(exporter().max_queue(10).max_batch(11)), "max_batch");
    assert!(exporter().max_queue(10).build().is_ok(), "the batch is no larger than the queue");
    assert_eq!(option(exporter().max_delay(Duration::ZERO)), "max_delay");
    assert_eq!(option(exporter().export_timeout(Duration::from_secs(601))), "export_timeout");
    assert_eq!(option(exporter().repeat(Duration::ZERO)), "repeat");
    assert_eq!(option(exporter().prices(Prices::new("euro"))), "prices");
}

/// Who follows more runs than there is room for gives up those that say nothing, and tells so.
#[test]
fn the_runs_that_are_followed_are_bounded() {
    let kept = Kept::default();
    let observer = build(OtelObserver::builder().exporter(kept.clone()));
    let mut history = history();
    let runs: u64 = 16_384 + 1;
    let named = |number: u64| {
        let mut bytes = [1; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        kneo_core::RunId::from_bytes(bytes)
    };
    for number in 0..runs {
        history.run.run = named(number);
        history.tell(&observer, &history.records[..1], false);
    }
    assert_eq!(observer.stats().runs_given_up, 2_048);
    // The first is forgotten; the last goes on.
    for (number, spans) in [(0, 0), (runs - 1, history.spans().len())] {
        history.run.run = named(number);
        history.tell(&observer, &history.records[1..], false);
        observer.flush_blocking(LONG).unwrap();
        assert_eq!(kept.spans().len(), spans, "{number}");
    }
}
