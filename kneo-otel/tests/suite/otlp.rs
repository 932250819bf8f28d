//! OTLP over HTTP, to collectors as they are. What they do is never felt by a run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kneo_core::plan::{CompiledPlan, Effect};
use kneo_otel::{BuildError, OtelObserver, OtelObserverBuilder, Otlp};
use kneo_runtime::testkit::PlanBuilder;
use kneo_runtime::{Outcome, Runtime, Start, typed};
use kneo_store::MemoryStore;
use opentelemetry_sdk::Resource;

use super::collector::{Log, Mood, answer, collector, serve};
use super::support::LONG;

/// The time of an export: far above what a run may take.
const EXPORT: Duration = Duration::from_secs(30);

/// What a run may take on a busy machine, if nothing keeps it waiting.
const UNHURT: Duration = Duration::from_secs(10);

const STEPS: usize = 50;

/// Steps that do nothing: the run, and for each step itself and its call.
const SPANS: usize = 1 + 2 * STEPS;

fn plan() -> Arc<CompiledPlan> {
    let mut plan = PlanBuilder::new("chain".parse().unwrap());
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let nodes: Vec<_> = (0..STEPS).map(|at| scope.function(&format!("s{at}"), work)).collect();
        nodes.windows(2).for_each(|pair| {
            scope.edge(pair[0], pair[1]);
        });
    });
    plan.build(root).unwrap()
}

fn to(address: SocketAddr) -> OtelObserverBuilder {
    let otlp = Otlp::new(format!("http://{address}/")).metrics_interval(Duration::from_millis(20));
    OtelObserver::builder().otlp(otlp).export_timeout(EXPORT).max_delay(Duration::from_millis(10))
}

/// Runs the plan once, told to an observer; how long that took.
async fn run(observer: &Arc<OtelObserver>) -> Duration {
    let store = Arc::new(MemoryStore::default());
    let work = typed::value_function(|value, _| async move { Ok(value) });
    let builder = Runtime::builder().store(store).function("work", work).observer(Arc::clone(observer) as _);
    let runtime = builder.build().unwrap();
    let started = Instant::now();
    let run = runtime.start(&plan(), Start::new(1)).await.unwrap();
    assert!(matches!(run.wait().await.unwrap(), Outcome::Completed(_)));
    let took = started.elapsed();
    runtime.shutdown().await;
    took
}

#[tokio::test]
async fn a_collector_gets_spans_and_metrics_with_headers_and_resource() {
    let (address, log) = collector(Mood::Well);
    let otlp = Otlp::new(format!("http://{address}")).header("Authorization", "Bearer hunter2").header("X-Org", "7");
    assert!(!format!("{otlp:?}").contains("hunter2"));
    let resource = Resource::builder_empty().with_service_name("reports").build();
    let observer = OtelObserver::builder().otlp(otlp).resource(resource).build().unwrap();
    run(&observer).await;
    observer.flush(LONG).await.unwrap();
    assert_eq!(log.spans().len(), SPANS);
    observer.shutdown(LONG).await.unwrap();
    let spans = log.spans();
    let different: std::collections::BTreeSet<&String> = spans.iter().collect();
    assert_eq!((spans.len(), different.len()), (SPANS, SPANS));
    assert_eq!(observer.stats().exported, SPANS as u64);
    assert_eq!(observer.stats().dropped(), 0);
    for asked in log.all() {
        assert!(asked.head.contains("authorization: bearer hunter2\r\n"), "{}", asked.head);
        assert!(asked.head.contains("x-org: 7\r\n") && asked.head.contains("content-type: application/x-protobuf\r\n"));
    }
    let (traces, metrics) = (log.traces(), log.metrics());
    let resources = traces.iter().flat_map(|it| &it.resource_spans).map(|it| it.resource.clone().unwrap());
    let resources =
        resources.chain(metrics.iter().flat_map(|it| &it.resource_metrics).map(|it| it.resource.clone().unwrap()));
    for resource in resources {
        assert!(format!("{resource:?}").contains("reports"), "{resource:?}");
    }
    let names: Vec<String> = metrics
        .iter()
        .flat_map(|it| &it.resource_metrics)
        .flat_map(|it| &it.scope_metrics)
        .flat_map(|it| &it.metrics)
        .map(|it| it.name.clone())
        .collect();
    assert!(names.iter().any(|name| name == "kneo.runs.ended"), "{names:?}");
    let schemas: Vec<&str> = traces
        .iter()
        .flat_map(|it| &it.resource_spans)
        .flat_map(|it| &it.scope_spans)
        .map(|it| &*it.schema_url)
        .collect();
    assert!(schemas.iter().all(|url| *url == kneo_otel::SCHEMA_URL), "{schemas:?}");
}

/// Runs with a collector in a mood: the run is not hurt, the shutdown is bounded, what is lost is counted.
async fn unhurt(address: SocketAddr, mood: Mood) {
    let observer = to(address).build().unwrap();
    let took = run(&observer).await;
    assert!(took < UNHURT, "{mood:?}: the run took {took:?}");
    let started = Instant::now();
    let takes_all = matches!(mood, Mood::Well | Mood::JunkBody);
    let ended = observer.shutdown(if takes_all { LONG } else { Duration::from_millis(700) }).await;
    let took = started.elapsed();
    assert!(took < UNHURT, "{mood:?}: the shutdown took {took:?}");
    while observer.stats().waiting > 0 {
        assert!(started.elapsed() < UNHURT, "{mood:?}: {:?}", observer.stats());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stats = observer.stats();
    assert_eq!(stats.exported + stats.dropped(), SPANS as u64, "{mood:?}: {stats:?}");
    match takes_all {
        true => assert_eq!((stats.dropped(), ended), (0, Ok(())), "{mood:?}: {stats:?}"),
        false => assert!(stats.exported == 0 && ended.is_err(), "{mood:?}: {ended:?} {stats:?}"),
    }
}

fn moods() -> Vec<(SocketAddr, Mood)> {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let moods = [
        Mood::Well,
        Mood::Status(500, None),
        Mood::Status(503, Some(3_600)),
        Mood::Status(429, None),
        Mood::Status(401, None),
        Mood::Status(301, None),
        Mood::Silent,
        Mood::Drips,
        Mood::Junk,
        Mood::JunkBody,
        Mood::Endless,
        Mood::Closes,
    ];
    let mut all: Vec<(SocketAddr, Mood)> = moods.into_iter().map(|mood| (collector(mood).0, mood)).collect();
    all.push((nobody, Mood::Closes));
    all
}

#[tokio::test(flavor = "current_thread")]
async fn no_collector_hurts_a_run_on_one_thread() {
    for (address, mood) in moods() {
        unhurt(address, mood).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_collector_hurts_a_run_on_a_worker_thread() {
    for (address, mood) in moods() {
        unhurt(address, mood).await;
    }
}

/// Dropping an observer waits for nobody, the last metrics included.
#[tokio::test]
async fn dropping_waits_for_no_collector() {
    for mood in [Mood::Silent, Mood::Well] {
        let (address, log) = collector(mood);
        let observer = to(address).build().unwrap();
        run(&observer).await;
        let started = Instant::now();
        drop(observer);
        assert!(started.elapsed() < Duration::from_secs(1), "{mood:?}");
        while mood == Mood::Well && (log.spans().len() < SPANS || log.metrics().is_empty()) {
            assert!(started.elapsed() < UNHURT);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn a_collector_that_recovers_in_time_gets_everything_once() {
    let (address, log) = collector(Mood::Recovers(2));
    let observer = to(address).build().unwrap();
    run(&observer).await;
    observer.shutdown(LONG).await.unwrap();
    assert_eq!(observer.stats().exported, SPANS as u64);
    assert!(log.spans().len() >= SPANS);
}

#[tokio::test]
async fn metrics_may_be_left_out_or_kept_by_the_host() {
    let (address, log) = collector(Mood::Well);
    let observer = OtelObserver::builder().otlp(Otlp::new(format!("http://{address}")).without_metrics());
    let observer = observer.build().unwrap();
    run(&observer).await;
    observer.shutdown(LONG).await.unwrap();
    assert_eq!((log.spans().len(), log.metrics().len()), (SPANS, 0));
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let refused = |otlp: Otlp| match OtelObserver::builder().otlp(otlp).build() {
        Err(BuildError::Option { option, .. }) => option,
        other => panic!("{other:?}"),
    };
    let signals = ["http://localhost:4318/v1/traces", "http://localhost:4318/v1/traces/", "http://x/otlp/v1/metrics"];
    for endpoint in ["", "localhost:4318", "ftp://localhost", "http://", "not a url"].iter().chain(&signals).copied() {
        assert_eq!(refused(Otlp::new(endpoint)), "otlp", "{endpoint}");
    }
    // What is no address may hold a password all the same.
    let odd = "ftp://me:hunter2@localhost";
    let error = OtelObserver::builder().otlp(Otlp::new(odd)).build().unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", Otlp::new(odd)).contains("hunter2"), "{error:?}");
    let local = || Otlp::new("http://localhost:4318");
    assert_eq!(refused(local().header("a b", "c")), "header");
    assert_eq!(refused(local().header("a", "hunter2\n")), "header");
    assert_eq!(refused(local().metrics_interval(Duration::ZERO)), "metrics_interval");
    assert_eq!(refused(local().trust("no certificate")), "trust");
    let error = OtelObserver::builder().otlp(local().header("a", "hunter2\n")).build().unwrap_err();
    assert!(!error.to_string().contains("hunter2") && error.code() == "option_invalid", "{error}");
}

/// A refused build inside an async runtime must not panic as it takes its own runtime down.
#[tokio::test]
async fn a_refused_build_harms_nothing_in_an_async_runtime() {
    assert!(OtelObserver::builder().otlp(Otlp::new("ftp://x")).build().is_err());
}

/// Whoever reads why not all was exported sees what the collector did, and whether more time would have helped.
#[tokio::test]
async fn what_is_not_exported_says_why() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = |mood| collector(mood).0;
    let (gone, overloaded) = (nobody, at(Mood::Status(503, None)));
    let (elsewhere, hopeless) = (at(Mood::Status(404, None)), at(Mood::Status(503, Some(3_600))));
    for metrics in [true, false] {
        for (address, code, says) in [
            (elsewhere, "telemetry_refused", "/v1/traces` answered 404 Not Found"),
            (hopeless, "telemetry_refused", "/v1/traces` answered 503 Service Unavailable"),
            (overloaded, "telemetry_refused", "/v1/traces` answered 503 Service Unavailable"),
            (gone, "telemetry_refused", "/v1/traces` cannot be asked: Connection refused"),
        ] {
            let otlp = Otlp::new(format!("http://me:hunter2@{address}/"));
            let otlp = if metrics { otlp } else { otlp.without_metrics() };
            let observer = OtelObserver::builder().otlp(otlp).export_timeout(EXPORT).build().unwrap();
            run(&observer).await;
            let ended = observer.shutdown(Duration::from_secs(2)).await.unwrap_err();
            let said = ended.to_string();
            assert_eq!(ended.code(), code, "{said}");
            assert!(said.contains(&format!("`http://{address}{says}")) && !said.contains("hunter2"), "{said}");
            assert!(!said.contains("give more time"), "{said}");
        }
    }
}

#[tokio::test]
async fn time_that_is_over_is_not_told_as_a_refusal() {
    let observer = to(collector(Mood::Silent).0).build().unwrap();
    run(&observer).await;
    let ended = observer.shutdown(Duration::from_millis(700)).await.unwrap_err();
    let said = ended.to_string();
    assert!(ended.code() == "telemetry_unfinished" && said.contains("within 700ms") && said.contains("give more time"));
}

fn certificate() -> (Vec<u8>, Arc<rustls::ServerConfig>) {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let pem = include_bytes!("localhost.pem");
    let chain = vec![CertificateDer::from_pem_slice(pem).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    (pem.to_vec(), Arc::new(config))
}

#[tokio::test]
async fn certificates_are_checked_against_those_that_are_trusted() {
    let (pem, config) = certificate();
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    let handle = move |stream, log: Log| {
        let acceptor = acceptor.clone();
        async move { answer(acceptor.accept(stream).await?, Mood::Well, log).await }
    };
    let (address, log) = serve(handle);
    let otlp = || Otlp::new(format!("https://localhost:{}", address.port())).without_metrics();
    let send = |otlp: Otlp| async move {
        let observer = OtelObserver::builder().otlp(otlp).export_timeout(Duration::from_secs(5)).build().unwrap();
        run(&observer).await;
        (observer.shutdown(LONG).await, observer.stats())
    };
    let (ended, stats) = send(otlp().trust(pem)).await;
    assert_eq!((ended, stats.exported), (Ok(()), SPANS as u64));
    assert_eq!(log.spans().len(), SPANS);
    // The roots of the platform know nothing of it.
    let (ended, stats) = send(otlp()).await;
    assert_eq!((stats.exported, stats.refused), (0, SPANS as u64));
    let ended = ended.unwrap_err();
    assert!(ended.code() == "telemetry_refused" && ended.to_string().contains("certificate"), "{ended}");
}
