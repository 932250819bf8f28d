//! What programs with OpenTelemetry find in the environment is not looked for here: a process of its own has it all set.

use std::process::{Command, Stdio};
use std::sync::Arc;

use kneo_core::plan::Effect;
use kneo_otel::{OtelObserver, Otlp};
use kneo_runtime::testkit::PlanBuilder;
use kneo_runtime::{Runtime, Start, typed};
use kneo_store::MemoryStore;

use super::collector::{Mood, collector};
use super::support::LONG;

/// What the other tests start: one run, told to the collector that a variable names.
#[test]
#[ignore = "the process that the other tests start"]
fn child() {
    let endpoint = std::env::var("KNEO_TEST_COLLECTOR").unwrap();
    let async_runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    async_runtime.block_on(async move {
        let otlp = Otlp::new(endpoint).header("X-Org", "7");
        let observer = OtelObserver::builder().otlp(otlp).export_timeout(LONG).build().unwrap();
        let mut plan = PlanBuilder::new("one".parse().unwrap());
        let work = plan.function("work", Effect::Idempotent);
        let root = plan.scope("main", |scope| {
            scope.function("step", work);
        });
        let plan = plan.build(root).unwrap();
        let work = typed::value_function(|value, _| async move { Ok(value) });
        let builder = Runtime::builder().store(Arc::new(MemoryStore::default())).function("work", work);
        let runtime = builder.observer(Arc::clone(&observer) as _).build().unwrap();
        runtime.start(&plan, Start::new(1)).await.unwrap().wait().await.unwrap();
        runtime.shutdown().await;
        observer.shutdown(LONG).await.unwrap();
    });
}

/// Starts a child with variables; whether it ended well.
fn started(endpoint: &str, variables: &[(&str, &str)]) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "suite::environment::child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("KNEO_TEST_COLLECTOR", endpoint).envs(variables.iter().copied());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_changes_nothing_that_is_sent() {
    let (address, log) = collector(Mood::Well);
    let (elsewhere, other) = collector(Mood::Well);
    let elsewhere = format!("http://{elsewhere}");
    let variables: Vec<(String, &str)> = ["", "TRACES_", "METRICS_"]
        .iter()
        .flat_map(|signal| {
            [
                ("ENDPOINT", elsewhere.as_str()),
                ("HEADERS", "x-spy=canary,x-org=9,content-type=text/plain,user-agent=canary"),
                ("PROTOCOL", "http/json"),
                ("TIMEOUT", "1"),
                ("COMPRESSION", "gzip"),
            ]
            .map(|(name, value)| (format!("OTEL_EXPORTER_OTLP_{signal}{name}"), value))
        })
        .chain([
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE".to_owned(), "delta"),
            ("OTEL_METRIC_EXPORT_INTERVAL".to_owned(), "1"),
        ])
        .collect();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert!(started(&format!("http://{address}"), &variables));
    assert!(other.all().is_empty());
    let asked = log.all();
    assert!(!log.traces().is_empty() && !log.metrics().is_empty());
    for asked in &asked {
        assert!(!asked.head.contains("canary"), "{}", asked.head);
        assert!(asked.head.contains("x-org: 7\r\n"), "{}", asked.head);
        assert!(asked.head.contains("content-type: application/x-protobuf\r\n"), "{}", asked.head);
    }
    // Once, at the end: not each millisecond.
    assert_eq!(log.metrics().len(), 1);
    let metrics = format!("{:?}", log.metrics());
    assert!(metrics.contains("aggregation_temporality: Cumulative"), "{metrics}");
}
