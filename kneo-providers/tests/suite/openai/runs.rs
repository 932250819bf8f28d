//! The provider at work in runs: what is tried again, when, how often, and what never is.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kneo_core::call::CallError;
use kneo_core::plan::{Approval, CompiledPlan, Effect, Retry};
use kneo_core::{Actor, Failure, FailureKind, Value};
use kneo_providers::openai::{Answers, OpenAiProvider};
use kneo_runtime::testkit::PlanBuilder;
use kneo_runtime::{Cursor, Outcome, Runtime, RuntimeBuilder, Start, typed};
use kneo_store::MemoryStore;

use super::server::{Act, FakeServer, Seen, answer, chunk, chunked_head, done, end, json, piece, said, saying, stream};
use super::{KEY, builder, provider};

/// Up to so many attempts, with a wait of at most so long before the second one, drawn as hosts have it.
fn tries(attempts: u32, initial_ms: u64) -> Retry {
    let mut retry = Retry::default();
    (retry.max_attempts, retry.initial_ms) = (NonZeroU32::new(attempts).unwrap(), initial_ms);
    retry
}

/// One agent, with or without a tool that deletes.
fn plan(retry: Retry, has_tool: bool) -> Arc<CompiledPlan> {
    let mut plan = PlanBuilder::new("test".parse().unwrap());
    let tools = if has_tool { vec![plan.tool("delete", Effect::Write, Approval::Never)] } else { Vec::new() };
    let agent = plan.agent("writer", "model", tools);
    let root = plan.scope("main", |scope| {
        let step = scope.agent("write", agent);
        scope.edit(step, |node| node.policy.retry = retry);
    });
    plan.build(root).unwrap()
}

fn host(provider: OpenAiProvider) -> RuntimeBuilder {
    let builder = Runtime::builder().store(Arc::new(MemoryStore::default())).provider("model", Arc::new(provider));
    builder.poll(Duration::from_millis(20))
}

fn failure(outcome: Outcome) -> Option<Failure> {
    if let Outcome::Failed(failure) = outcome { Some(failure) } else { None }
}

/// Runs the agent once.
async fn ran(provider: OpenAiProvider, retry: Retry) -> Outcome {
    let runtime = host(provider).build().unwrap();
    let run = runtime.start(&plan(retry, false), Start::new("go")).await.unwrap();
    let outcome = run.wait().await.unwrap();
    runtime.shutdown().await;
    outcome
}

/// How long it was between one request and the next.
fn waits(seen: &[Seen]) -> Vec<Duration> {
    seen.windows(2).map(|pair| pair[1].at - pair[0].at).collect()
}

/// A server that answers with the first of these, then the second and so on, and goes on with the last.
async fn one_by_one(answers: Vec<Vec<Act>>) -> FakeServer {
    let next = AtomicUsize::new(0);
    FakeServer::start(move |_| answers[next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone()).await
}

#[tokio::test]
async fn a_limit_is_waited_out_as_long_as_the_server_asks() {
    let date = ["date: Sun, 06 Nov 1994 08:49:37 GMT", "retry-after: Sun, 06 Nov 1994 08:49:38 GMT"];
    for (headers, wait) in [
        (vec!["retry-after: 1"], Duration::from_secs(1)),
        (vec!["retry-after-ms: 300"], Duration::from_millis(300)),
        (date.to_vec(), Duration::from_secs(1)),
        // What is no wait is not waited for: the author's own wait counts.
        (vec!["retry-after: soon"], Duration::ZERO),
    ] {
        for answers in [Answers::Streamed, Answers::Plain] {
            let server = one_by_one(vec![vec![answer(429, &headers, "slow down")], saying("hi")]).await;
            let provider = builder(&server).answers(answers).build().unwrap();
            assert_eq!(ran(provider, tries(3, 1)).await, Outcome::Completed(Value::from("hi")), "{headers:?}");
            let waits = waits(&server.seen());
            assert_eq!(waits.len(), 1, "{headers:?}");
            assert!(waits[0] >= wait && waits[0] < wait + Duration::from_secs(3), "{headers:?}: {waits:?}");
        }
    }
}

#[tokio::test]
async fn a_wait_beyond_the_authors_longest_ends_the_step_at_once() {
    let server = FakeServer::always(vec![answer(429, &["retry-after: 36000"], "slow down")]).await;
    let begun = Instant::now();
    let failure = failure(ran(provider(&server), tries(5, 1)).await).unwrap();
    assert_eq!(failure.code.as_deref(), Some("provider_rate_limited"));
    assert_eq!(server.seen().len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_run_that_waits_for_a_server_can_be_cancelled() {
    let server = FakeServer::always(vec![answer(429, &["retry-after: 50"], "slow down")]).await;
    let runtime = host(provider(&server)).build().unwrap();
    let run = runtime.start(&plan(tries(5, 1), false), Start::new("go")).await.unwrap();
    let mut events = run.events_from(Cursor::START);
    while events.next().await.unwrap().unwrap().event().kind() != "effect_failed" {}
    let begun = Instant::now();
    runtime.cancel(run.id(), "enough", Actor::trusted("ana".parse().unwrap())).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    runtime.shutdown().await;
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_cancelled_run_closes_its_connection() {
    let half = vec![chunked_head(), chunk(&format!("data: {}\n\n", said("half"))), Act::Hang];
    for acts in [vec![Act::Hang], half] {
        let server = FakeServer::always(acts).await;
        let runtime = host(provider(&server)).build().unwrap();
        let run = runtime.start(&plan(tries(5, 1), false), Start::new("go")).await.unwrap();
        server.has_seen(1).await;
        let cancelled = Instant::now();
        runtime.cancel(run.id(), "enough", Actor::trusted("ana".parse().unwrap())).await.unwrap();
        server.has_lost(1).await;
        assert!(cancelled.elapsed() < Duration::from_secs(1), "{:?}", cancelled.elapsed());
        assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
        runtime.shutdown().await;
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn there_are_as_many_attempts_as_the_author_says() {
    let cut = || vec![chunked_head(), chunk(&format!("data: {}\n\n", said("half"))), Act::Close];
    for (acts, code) in [
        (vec![json(503, "")], "provider_overloaded"),
        (vec![json(500, "")], "provider_server_error"),
        (vec![json(200, r#"{"error":{"message":"gone"}}"#)], "provider_server_error"),
        (vec![Act::Reset], "provider_connection_lost"),
        (cut(), "provider_stream_cut"),
    ] {
        for attempts in [1, 3] {
            for answers in [Answers::Streamed, Answers::Plain] {
                let server = FakeServer::always(acts.clone()).await;
                let provider = builder(&server).answers(answers).build().unwrap();
                let failure = failure(ran(provider, tries(attempts, 1)).await).unwrap();
                assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Provider, Some(code)));
                assert_eq!(server.seen().len(), attempts as usize, "{code}, {answers:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_help_is_asked_once() {
    let too_long = r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#;
    let wrong_key = format!(r#"{{"error":{{"message":"Incorrect API key: {KEY}","code":"invalid_api_key"}}}}"#);
    let no_model = r#"{"error":{"message":"no such model","code":"model_not_found"}}"#;
    for (status, body, code) in [
        (400, "", "provider_invalid_request"),
        (400, too_long, "provider_context_too_long"),
        (401, &*wrong_key, "provider_authentication"),
        (403, "", "provider_permission"),
        (404, no_model, "provider_model_not_found"),
        (404, "", "provider_endpoint_not_found"),
        (429, r#"{"error":{"code":"insufficient_quota"}}"#, "provider_quota_exhausted"),
    ] {
        let server = FakeServer::always(vec![answer(status, &["retry-after: 1"], body)]).await;
        let runtime = host(provider(&server)).build().unwrap();
        let run = runtime.start(&plan(tries(5, 1), false), Start::new("go")).await.unwrap();
        let failure = failure(run.wait().await.unwrap()).unwrap();
        assert_eq!((failure.code.as_deref(), failure.retryable), (Some(code), false));
        assert_eq!(server.seen().len(), 1, "{code}");
        let shown = format!("{failure:?} {:?}", run.view().await.unwrap());
        assert!(!shown.contains(KEY), "{shown}");
        runtime.shutdown().await;
    }
}

#[tokio::test]
async fn a_probe_finds_what_would_keep_runs_from_an_answer_and_asks_no_model() {
    let models = r#"{"object":"list","data":[{"id":"gpt-test"},{"id":"gpt-next"}]}"#;
    for (acts, model, code) in [
        (vec![json(200, models)], "gpt-test", None),
        (vec![json(200, models)], "gpt-none", Some("provider_model_not_found")),
        (vec![json(401, "")], "gpt-test", Some("provider_authentication")),
        (vec![Act::Close], "gpt-test", Some("provider_connection_lost")),
    ] {
        let server = FakeServer::always(acts).await;
        let runtime = host(builder(&server).default_model(model).build().unwrap()).build().unwrap();
        let probes = runtime.probe(&plan(tries(5, 1), false), Duration::from_secs(10)).await.unwrap();
        let codes: Vec<_> =
            probes.iter().map(|probe| probe.result.as_ref().err().and_then(|e| e.code.clone())).collect();
        assert_eq!(codes, [code.map(Arc::from)]);
        assert!(server.seen().iter().all(|seen| seen.line.starts_with("GET /v1/models")), "{:?}", server.seen());
        runtime.shutdown().await;
    }
}

/// A hundred runs that a server turns away together do not come back together.
#[tokio::test]
async fn a_storm_of_retries_is_spread_out() {
    const RUNS: usize = 100;
    const WAIT: Duration = Duration::from_secs(2);
    let question = |seen: &Seen| seen.json()["messages"][0]["content"].as_str().unwrap().to_owned();
    let turned_away = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let server = FakeServer::start(move |seen| match turned_away.lock().unwrap().insert(question(seen)) {
        true => vec![json(429, "slow down")],
        false => saying("hi"),
    })
    .await;
    let runtime = host(provider(&server)).build().unwrap();
    let plan = plan(tries(2, 2_000), false);
    let mut runs = Vec::new();
    for run in 0..RUNS {
        runs.push(runtime.start(&plan, Start::new(format!("run {run}"))).await.unwrap());
    }
    for run in &runs {
        assert_eq!(run.wait().await.unwrap(), Outcome::Completed(Value::from("hi")));
    }
    runtime.shutdown().await;

    let seen = server.seen();
    assert_eq!(seen.len(), 2 * RUNS);
    let mut waits: Vec<Duration> = (0..RUNS)
        .map(|run| {
            let of_run: Vec<&Seen> = seen.iter().filter(|seen| question(seen) == format!("run {run}")).collect();
            of_run[1].at - of_run[0].at
        })
        .collect();
    waits.sort_unstable();
    // Drawn evenly from nothing to all of the wait: of a hundred, ten or more in each third, whatever the luck.
    let within =
        |from: f64, to: f64| waits.iter().filter(|wait| (WAIT.mul_f64(from)..WAIT.mul_f64(to)).contains(wait)).count();
    assert!(within(0.0, 0.35) >= 10 && within(0.35, 0.65) >= 10 && within(0.65, 2.0) >= 10, "{waits:?}");
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Place {
    path: String,
}

/// The paths that the tool `delete` was called with, and the host that has it.
fn deleting(server: &FakeServer) -> (Arc<std::sync::Mutex<Vec<String>>>, Runtime) {
    let deleted = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&deleted);
    let tool = typed::tool("delete", "Deletes a file.", move |place: Place| {
        log.lock().unwrap().push(place.path);
        async { Ok::<_, CallError>("deleted") }
    });
    (deleted, host(provider(server)).tool(tool.unwrap()).build().unwrap())
}

fn call(arguments: &str) -> String {
    let arguments = serde_json::to_string(arguments).unwrap();
    piece(&format!(
        r#"{{"tool_calls":[{{"index":0,"id":"c","function":{{"name":"delete","arguments":{arguments}}}}}]}}"#
    ))
}

#[tokio::test]
async fn a_call_whose_arguments_are_cut_is_never_executed() {
    // Closed or mended, these would name a folder that nobody meant.
    for cut in [r#"{"path": "/tm"#, r#"{"path": "/tmp""#] {
        for reason in ["tool_calls", "stop"] {
            let server = one_by_one(vec![stream(&[call(cut), end(reason), done()]), saying("sorry")]).await;
            let (deleted, runtime) = deleting(&server);
            let run = runtime.start(&plan(tries(1, 1), true), Start::new("go")).await.unwrap();
            assert_eq!(run.wait().await.unwrap(), Outcome::Completed(Value::from("sorry")), "{cut}");
            assert_eq!(*deleted.lock().unwrap(), Vec::<String>::new());
            // The model hears of it, under the call's own id.
            let heard = server.seen()[1].json()["messages"].as_array().unwrap().last().cloned().unwrap();
            assert_eq!((&heard["role"], &heard["tool_call_id"]), (&"tool".into(), &"c".into()), "{heard}");
            runtime.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_call_of_a_stream_that_is_cut_is_executed_once_when_it_comes_whole() {
    let half = vec![chunked_head(), chunk(&format!("data: {}\n\n", call(r#"{"path": "/tmp/a"}"#))), Act::Close];
    let whole = stream(&[call(r#"{"path": "/tmp/a/b"}"#), end("tool_calls"), done()]);
    let server = one_by_one(vec![half.clone(), half, whole, saying("done")]).await;
    let (deleted, runtime) = deleting(&server);
    let run = runtime.start(&plan(tries(3, 1), true), Start::new("go")).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), Outcome::Completed(Value::from("done")));
    assert_eq!(*deleted.lock().unwrap(), ["/tmp/a/b"]);
    assert_eq!(server.seen().len(), 4);
    runtime.shutdown().await;
}
