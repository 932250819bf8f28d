//! Processes that are killed, and others that go on: what a collector gets of that, by OTLP over gRPC.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as File;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use fake_opentelemetry_collector::{ExportedSpan, FakeCollectorServer};
use kneo_core::call::CallError;
use kneo_core::plan::{CompiledPlan, Effect, RequestType};
use kneo_core::record::Stored;
use kneo_core::run::RunKey;
use kneo_core::store::Store as _;
use kneo_core::task::Decision;
use kneo_core::{Actor, Namespace, RunId};
use kneo_otel::OtelObserver;
use kneo_runtime::testkit::{PlanBuilder, ScriptedModel, answer, asks_for};
use kneo_runtime::{Outcome, Runtime, Start, typed};
use kneo_store::SqliteStore;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};

use super::support::{History, LONG, map};

/// Steps with an agent and its tool, then a person.
const ROUNDS: usize = 12;

/// How long each call of the function takes, and each export waits at most.
const WORK: Duration = Duration::from_millis(40);
const DELAY: Duration = Duration::from_millis(20);

/// The delay, an export, and what a busy machine adds.
const RECENT: Duration = Duration::from_secs(2);

fn plan() -> Arc<CompiledPlan> {
    let mut plan = PlanBuilder::new("rounds".parse().unwrap());
    let work = plan.function("work", Effect::Idempotent);
    let look = plan.tool("look", Effect::Read, kneo_core::plan::Approval::Never);
    let clerk = plan.agent("clerk", "clerk", vec![look]);
    let editor = plan.human("editor", RequestType::Approval);
    let nested = plan.scope("nested", |scope| {
        let (ask, work) = (scope.agent("ask", clerk), scope.function("work", work));
        scope.edge(ask, work);
    });
    let root = plan.scope("main", |scope| {
        let mut nodes: Vec<_> = (0..ROUNDS).map(|at| scope.workflow(&format!("round{at}"), nested)).collect();
        nodes.push(scope.human("agree", editor));
        nodes.windows(2).for_each(|pair| {
            scope.edge(pair[0], pair[1]);
        });
    });
    plan.build(root).unwrap()
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Nothing {}

/// What a child process does: it goes on with the run that is in the store, or starts it, until the run waits or ends.
#[test]
#[ignore = "the process that the other tests start"]
fn child() {
    let argument = |name: &str| std::env::var(name).unwrap();
    let (endpoint, database) = (argument("KNEO_TEST_COLLECTOR"), argument("KNEO_TEST_DATABASE"));
    let async_runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    async_runtime.block_on(async move {
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build().unwrap();
        let mut builder = OtelObserver::builder().exporter(exporter).max_delay(DELAY);
        if std::env::var("KNEO_TEST_REPEATS").is_ok() {
            builder = builder.repeat(RECENT);
        }
        let observer = builder.build().unwrap();
        let (hangs, calls) = (std::env::var("KNEO_TEST_HANGS").ok(), AtomicUsize::new(0));
        let work = typed::value_function(move |value, _| {
            let hangs = hangs.as_ref().is_some_and(|at| *at == calls.fetch_add(1, Ordering::SeqCst).to_string());
            async move {
                tokio::time::sleep(if hangs { LONG } else { WORK }).await;
                Ok(value)
            }
        });
        let look = typed::tool("look", "Looks.", |_: Nothing| async move { Ok::<_, CallError>("seen".to_owned()) });
        let clerk = ScriptedModel::new(|request| match request.turn {
            1 => Ok(asks_for([("look", map([]))])),
            _ => Ok(answer("done")),
        });
        let runtime = Runtime::builder()
            .store(Arc::new(SqliteStore::open(&database).await.unwrap()))
            .poll(Duration::from_millis(10))
            .function("work", work)
            .tool(look.unwrap())
            .provider("clerk", Arc::new(clerk))
            .observer(Arc::clone(&observer) as _)
            .build()
            .unwrap();
        let run = runtime.start(&plan(), Start::new("go").idempotency_key("once")).await.unwrap();
        println!("run {}", run.id());
        let mut outcome = run.wait().await.unwrap();
        if let (Outcome::Blocked(tasks), Ok(_)) = (&outcome, std::env::var("KNEO_TEST_DECIDES")) {
            let ana = Actor::trusted("ana".parse().unwrap());
            runtime.decide(tasks[0].task, Decision::approve(), ana).await.unwrap();
            outcome = run.wait().await.unwrap();
        }
        println!("{outcome:?}");
        runtime.shutdown().await;
        observer.shutdown(LONG).await.unwrap();
    });
}

/// What a child does besides.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Nothing.
    Works,
    /// Its third call of the function does not end.
    Hangs,
    /// It decides for the person.
    Decides,
    /// It repeats what a lost process may not have exported.
    Repeats,
    /// Both.
    RepeatsAndDecides,
}

/// Starts a child.
fn start(endpoint: &str, database: &File, role: Role) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "suite::process::child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("KNEO_TEST_COLLECTOR", endpoint).env("KNEO_TEST_DATABASE", database);
    match role {
        Role::Works => {}
        Role::Hangs => drop(command.env("KNEO_TEST_HANGS", "2")),
        Role::Decides => drop(command.env("KNEO_TEST_DECIDES", "yes")),
        Role::Repeats => drop(command.env("KNEO_TEST_REPEATS", "yes")),
        Role::RepeatsAndDecides => drop(command.env("KNEO_TEST_DECIDES", "yes").env("KNEO_TEST_REPEATS", "yes")),
    }
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// Everything that the collector has got, once there is enough of it or time is up.
async fn gather(
    collector: &mut FakeCollectorServer,
    spans: &mut Vec<ExportedSpan>,
    enough: impl Fn(&[ExportedSpan]) -> bool,
    within: Duration,
) -> bool {
    let started = Instant::now();
    loop {
        spans.extend(collector.exported_spans(1, Duration::from_millis(10)).await);
        if enough(spans) {
            return true;
        }
        if started.elapsed() >= within {
            return false;
        }
    }
}

/// Waits for a child to end by itself, and takes what the collector gets meanwhile.
async fn ended(child: &mut Child, collector: &mut FakeCollectorServer, spans: &mut Vec<ExportedSpan>) {
    let started = Instant::now();
    loop {
        gather(collector, spans, |_| false, Duration::from_millis(20)).await;
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            break;
        }
        assert!(started.elapsed() < LONG, "the process does not end");
    }
    gather(collector, spans, |_| false, Duration::from_millis(200)).await;
}

fn run_of(spans: &[ExportedSpan]) -> RunId {
    let run = spans[0].attributes["kneo.run.id"].clone();
    // The collector shows values as their debug text.
    let text = run.split('"').find(|part| part.starts_with("run_")).unwrap_or(&run).to_owned();
    text.parse().unwrap()
}

/// The spans of a run, from its journal.
async fn expected(database: &File, run: RunId) -> History {
    let store = SqliteStore::open(database).await.unwrap();
    let key = RunKey::new(Namespace::default(), run);
    let mut records: Vec<Stored> = Vec::new();
    loop {
        let page = store.records(&key, records.last().map(|last| last.seq), 1_000).await.unwrap();
        if page.is_empty() {
            return History { name: "rounds".into(), run: key, plan: plan(), records };
        }
        records.extend(page);
    }
}

/// Whether no span came twice, and all are of one trace.
fn assert_once(spans: &[ExportedSpan]) {
    let traces: BTreeSet<&str> = spans.iter().map(|span| &*span.trace_id).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    let ids: BTreeSet<&str> = spans.iter().map(|span| &*span.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "a span came twice");
}

#[tokio::test]
async fn a_run_is_one_trace_across_a_kill_and_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("kneo.db");
    let mut collector = FakeCollectorServer::start().await.unwrap();
    let (endpoint, mut spans) = (collector.endpoint(), Vec::new());

    // Killed in the third round, once all that has ended has come.
    let mut first = start(&endpoint, &database, Role::Hangs);
    assert!(gather(&mut collector, &mut spans, |spans| spans.len() >= 18, LONG).await, "{}", spans.len());
    gather(&mut collector, &mut spans, |_| false, Duration::from_secs(1)).await;
    first.kill().unwrap();
    first.wait().unwrap();
    let by_first = spans.len();

    // To the person, and calmly out.
    let mut second = start(&endpoint, &database, Role::Works);
    ended(&mut second, &mut collector, &mut spans).await;
    let by_second = spans.len() - by_first;

    // To the end.
    let mut third = start(&endpoint, &database, Role::Decides);
    ended(&mut third, &mut collector, &mut spans).await;
    let by_third = spans.len() - by_first - by_second;
    // The question, its step, the run.
    assert!(by_first >= 18 && by_second > 20 && by_third == 3, "{by_first} {by_second} {by_third}");

    assert_once(&spans);
    let ids: BTreeSet<&str> = spans.iter().map(|span| &*span.span_id).collect();
    let roots: Vec<&ExportedSpan> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.len(), 1);
    assert!(format!("{:?}", roots[0].attributes["kneo.run.claims"]).contains('3'), "{:?}", roots[0]);
    let orphans: Vec<&ExportedSpan> =
        spans.iter().filter(|span| !span.parent_span_id.is_empty() && !ids.contains(&*span.parent_span_id)).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
    // What came is what the journal says.
    let history = expected(&database, run_of(&spans)).await;
    let whole: BTreeSet<String> = history.spans().iter().map(|it| it.span_context.span_id().to_string()).collect();
    assert_eq!(ids, whole.iter().map(String::as_str).collect());
}

/// Kills processes that go on with a run, at moments that differ, and lets the last one end it; gives what came, and when
/// the others were killed.
async fn killed(role: Role, last: Role, database: &File) -> (Vec<ExportedSpan>, Vec<SystemTime>) {
    let mut collector = FakeCollectorServer::start().await.unwrap();
    let (endpoint, mut spans) = (collector.endpoint(), Vec::new());
    let mut kills = Vec::new();
    for number in 0..20 {
        let mut child = start(&endpoint, database, role);
        let (before, lives) = (spans.len(), Duration::from_millis(number * 37 % 200));
        // From when it does something: a process takes its time to start.
        gather(&mut collector, &mut spans, |spans| spans.len() > before, Duration::from_secs(2)).await;
        gather(&mut collector, &mut spans, |_| false, lives).await;
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the times of other processes are the system's")]
        kills.push(SystemTime::now());
        child.wait().unwrap();
    }
    let mut last = start(&endpoint, database, last);
    ended(&mut last, &mut collector, &mut spans).await;
    assert!(kills.len() >= 3, "{}", kills.len());
    (spans, kills)
}

/// Whenever a process is killed, only what ended within the delay before it is missing: no span comes twice.
#[tokio::test]
async fn kills_at_any_moment_lose_what_had_not_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("kneo.db");
    let (spans, kills) = killed(Role::Works, Role::Decides, &database).await;
    assert_once(&spans);
    let history = expected(&database, run_of(&spans)).await;
    let came: BTreeMap<&str, &ExportedSpan> = spans.iter().map(|span| (&*span.span_id, span)).collect();
    let whole = history.spans();
    let nanos = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut missing = 0;
    for span in &whole {
        match came.get(&*span.span_context.span_id().to_string()) {
            Some(came) => {
                let times = (came.start_time_unix_nano, came.end_time_unix_nano);
                assert_eq!(times, (nanos(span.start_time), nanos(span.end_time)), "{}", span.name);
                assert_eq!(came.name, span.name);
            }
            None => {
                missing += 1;
                let recent = |kill: &SystemTime| {
                    span.end_time <= *kill && kill.duration_since(span.end_time).is_ok_and(|ago| ago < RECENT)
                };
                assert!(kills.iter().any(recent), "{} is missing, and nobody was killed", span.name);
            }
        }
    }
    assert_eq!(came.len() + missing, whole.len(), "what came is in the journal");
    assert!(missing * 2 < whole.len(), "{missing} of {}", whole.len());
}

/// Where the host wants it, nothing is missing whenever a process is killed: some spans come twice, the same each time.
#[tokio::test]
async fn kills_at_any_moment_lose_nothing_where_what_may_not_have_left_is_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("kneo.db");
    // Nobody goes on with a run that has ended: what ends it is the last one's.
    let (spans, _) = killed(Role::Repeats, Role::RepeatsAndDecides, &database).await;
    let mut came: BTreeMap<&str, &ExportedSpan> = BTreeMap::new();
    for span in &spans {
        let first = came.entry(&span.span_id).or_insert(span);
        assert_eq!(*first, span, "a span comes again as it came");
    }
    let whole = expected(&database, run_of(&spans)).await.spans();
    let whole: BTreeSet<String> = whole.iter().map(|span| span.span_context.span_id().to_string()).collect();
    let missing: Vec<&String> = whole.iter().filter(|id| !came.contains_key(id.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let last = spans.iter().filter(|span| span.parent_span_id.is_empty()).count();
    assert_eq!((came.len(), last), (whole.len(), 1), "what came is in the journal, and the run once");
    for span in came.values() {
        assert!(
            span.parent_span_id.is_empty() || came.contains_key(&*span.parent_span_id),
            "{} has no parent",
            span.name
        );
    }
}
