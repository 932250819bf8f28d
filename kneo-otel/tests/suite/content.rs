//! What people, models and tools say stays here, unless the host lets it leave, and then as the host lets it.

use std::collections::BTreeSet;

use kneo_otel::{ContentPolicy, OtelObserver, Withheld};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SpanData;

use super::scene::{self, CANARY};
use super::support::{Watch, attribute, check};

/// The attributes that only a content policy lets leave.
const CONTENTS: [&str; 11] = [
    "error.message",
    "gen_ai.output.messages",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "kneo.function.result",
    "kneo.run.input",
    "kneo.run.output",
    "kneo.step.input",
    "kneo.step.output",
    "kneo.task.answer",
    "kneo.task.description",
];

async fn play(watch: &Watch) -> Vec<SpanData> {
    scene::play(scene::office(), &watch.observer).await;
    watch.spans()
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_said_leaves_by_default() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter.clone()).build()).build();
    let watch = Watch::with(|builder| builder.meter_provider(&provider));
    let spans = play(&watch).await;
    provider.force_flush().unwrap();
    let metrics = exporter.get_finished_metrics().unwrap();
    assert!(spans.len() > 40 && !metrics.is_empty());
    for told in [format!("{spans:?}"), format!("{metrics:?}"), format!("{:?}", watch.observer)] {
        assert!(!told.contains(CANARY), "{told}");
    }
    for name in CONTENTS {
        assert!(spans.iter().all(|span| attribute(span, name).is_none()), "{name}");
    }
    assert_eq!(watch.observer.stats().withheld, 0);
}

#[tokio::test(start_paused = true)]
async fn all_that_is_said_leaves_where_the_host_wants_it() {
    let watch = Watch::with(|builder| builder.content(ContentPolicy::new()));
    let spans = play(&watch).await;
    let mut told: Vec<String> = Vec::new();
    for span in &spans {
        let place = attribute(span, "kneo.path").unwrap_or_default();
        let contents = CONTENTS.iter().filter_map(|name| Some((name, attribute(span, name)?)));
        told.extend(contents.map(|(name, text)| format!("{place} {}: {name}={text}\n", span.name)));
    }
    told.sort();
    check("office_content", &told.concat());
    let names: BTreeSet<&str> =
        told.iter().map(|line| line.split(": ").nth(1).unwrap().split('=').next().unwrap()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), CONTENTS);
}

#[tokio::test(start_paused = true)]
async fn a_redactor_sees_each_piece_with_its_place() {
    let policy = ContentPolicy::new().redact(|content| {
        assert_eq!(content.workflow, "office");
        match content.attribute {
            "kneo.run.input" => Err(Withheld),
            "kneo.run.output" => panic!("a redactor may be wrong"),
            _ => Ok(content.text.replace(CANARY, content.path.to_string().as_str())),
        }
    });
    let watch = Watch::with(|builder| builder.content(policy));
    let spans = play(&watch).await;
    assert!(!format!("{spans:?}").contains(CANARY));
    let run = spans.iter().find(|span| span.name == "invoke_workflow office").unwrap();
    assert_eq!((attribute(run, "kneo.run.input"), attribute(run, "kneo.run.output")), (None, None));
    let look = spans.iter().find(|span| attribute(span, "kneo.path").as_deref() == Some("3#1/t1/c0")).unwrap();
    let arguments = attribute(look, "gen_ai.tool.call.arguments").unwrap();
    assert_eq!(arguments, r#"{"text":"arguments of look 3#1/t1/c0"}"#);
    assert_eq!(watch.observer.stats().withheld, 2);
}

/// Nothing is even noted of a run that is not exported.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_sampled_is_not_exported() {
    let sampler = opentelemetry_sdk::trace::Sampler::AlwaysOff;
    let watch = Watch::with(|builder| builder.content(ContentPolicy::new()).sampler(sampler));
    assert!(play(&watch).await.is_empty());
    assert_eq!(
        watch.observer.stats(),
        OtelObserver::builder().exporter(super::support::Kept::default()).build().unwrap().stats()
    );
}

/// What waits with its content is bounded: more of it goes without.
#[tokio::test]
async fn content_that_waits_is_bounded() {
    use std::sync::Arc;

    use kneo_core::plan::Effect;
    use kneo_runtime::testkit::PlanBuilder;
    use kneo_runtime::{Runtime, Start, typed};
    use kneo_store::MemoryStore;

    let mut plan = PlanBuilder::new("large".parse().unwrap());
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        scope.function("only", work);
    });
    let plan = plan.build(root).unwrap();
    let policy = ContentPolicy::new().max_bytes(10);
    let watch = Watch::with(|it| it.content(policy).max_batch(8_192).max_delay(std::time::Duration::from_secs(600)));
    let large = typed::value_function(|_, _| async move { Ok("x".repeat(900_000).into()) });
    let builder = Runtime::builder().store(Arc::new(MemoryStore::default())).function("work", large);
    let runtime = builder.observer(Arc::clone(&watch.observer) as _).build().unwrap();
    // A result is on three spans: that of the call, the step and the run.
    for _ in 0..14 {
        runtime.start(&plan, Start::new("go")).await.unwrap().wait().await.unwrap();
    }
    let spans = watch.spans();
    assert_eq!(spans.len(), 42);
    let with = |name| spans.iter().filter(|span| attribute(span, name).is_some()).count() as u64;
    let told = with("kneo.run.output") + with("kneo.step.output") + with("kneo.function.result");
    assert!((30..=38).contains(&told), "{told}");
    // The input of a run is left out with its output.
    assert_eq!(watch.observer.stats().withheld, 42 - told + (14 - with("kneo.run.input")));
    assert_eq!(watch.observer.stats().dropped(), 0);
    runtime.shutdown().await;
}
