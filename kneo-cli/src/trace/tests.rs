//! Traces of runs in virtual time, and of journals that runs have left behind.

use std::path::Path as File;
use std::sync::Arc;
use std::time::Duration;

use kneo::clock::Clock as _;
use kneo::message::Role;
use kneo::plan::CompiledPlan;
use kneo::record::{Record, decode_frame};
use kneo::store::MemoryStore;
use kneo::testkit::{Harness, ScriptedModel, answer, asks_for};
use kneo::{
    Actor, Decision, Digest, Name, Namespace, Outcome, RunId, RunKey, RunStatus, Start, Timestamp, Usage, Value, tool,
};
use serde_json::Value as Json;

use super::axis::Axis;
use super::*;
use crate::places;

const SPEC: &str = r#"
version: v1
name: "<script>alert(1)</script> & more"
templates: true
workflow:
  type: sequential
  steps:
    - {id: facts, kind: workflow, ref: facts}
    - id: flaky
      kind: function
      ref: flaky
      retry: {max_attempts: 3, initial_seconds: 2, factor: 2, jitter: false}
    - {id: write, kind: agent, ref: writer}
    - {id: agree, kind: human, ref: {description: "Is {{ input }} right?", assignee: ana}}
    - {id: done, kind: set, set: {ok: true}}
components:
  workflows:
    facts:
      type: concurrent
      combine: map
      participants:
        - {id: quick, kind: function, ref: {implementation: quick}}
        - {id: slow, kind: function, ref: {implementation: slow}}
  functions:
    flaky: {implementation: flaky}
  agents:
    writer:
      system_prompt: Write.
      model: {provider: scripted}
      strategy: {type: react, max_iterations: 3}
      tools: [save]
tools:
  save: {description: Saves, implementation: save, effect: idempotent, approval: always}
"#;

/// How far a run goes.
#[derive(PartialEq)]
enum To {
    /// Ana has not answered.
    Ana,
    /// Ana answers after three days.
    End,
}

/// A run in virtual time.
struct Ran {
    harness: Harness,
    plan: Arc<CompiledPlan>,
    run: RunId,
}

type Saved = std::collections::BTreeMap<String, String>;

impl Ran {
    async fn to(end: To) -> Ran {
        let harness = Harness::new(|clock| Arc::new(MemoryStore::new(clock)));
        let plan = kneo::spec::compile_str("flow.yaml", SPEC).unwrap();
        let nap = |took: u64| {
            tool::function(move |_: Json| async move {
                tokio::time::sleep(Duration::from_millis(took)).await;
                Ok::<_, std::io::Error>("secret result")
            })
        };
        let flaky = tool::function_with(|_: Json, context: tool::CallContext| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            match context.attempt.as_u32() {
                1 | 2 => Err(std::io::Error::other("no <connection>")),
                _ => Ok("fine"),
            }
        });
        let model = Arc::new(ScriptedModel::taking_time(|request, _| async move {
            tokio::time::sleep(Duration::from_secs(4)).await;
            let is_first = !request.messages.iter().any(|message| message.role == Role::Tool);
            let save = Value::map([("text", Value::from("secret words"))]).unwrap();
            Ok(if is_first { asks_for([("save", save)]) } else { answer("secret answer") })
        }));
        let save = tool::tool("save", "Saves", |_: Saved| async { Ok::<_, std::io::Error>("secret saved") });
        let save = save.unwrap();
        let build = || {
            let builder = harness.builder().function("quick", nap(30)).function("slow", nap(1_500));
            let builder = builder.function("flaky", Arc::clone(&flaky)).tool(Arc::clone(&save));
            builder.provider("scripted", Arc::clone(&model) as _).build().unwrap()
        };
        let by = |name: &str| Actor::trusted(Name::new(name).unwrap());
        let runtime = build();
        let handle = runtime.start(&plan, Start::new("secret input")).await.unwrap();
        let run = handle.id();
        let Outcome::Blocked(tasks) = handle.wait().await.unwrap() else { panic!("somebody is asked") };
        tokio::time::sleep(Duration::from_secs(600)).await;
        runtime.decide(tasks[0].task, Decision::approve(), by("eva")).await.unwrap();
        let Outcome::Blocked(tasks) = handle.wait().await.unwrap() else { panic!("ana is asked") };
        runtime.shutdown().await;
        tokio::time::sleep(Duration::from_secs(3 * 86_400)).await;
        if end == To::End {
            let runtime = build();
            runtime.decide(tasks[0].task, Decision::approve(), by("ana")).await.unwrap();
            assert!(matches!(runtime.run(run).wait().await.unwrap(), Outcome::Completed(_)));
            runtime.shutdown().await;
        }
        Ran { harness, plan, run }
    }

    async fn trace(&self, with_values: bool) -> Trace {
        let runtime = self.harness.builder().client_only().build().unwrap();
        let row = places::row(runtime.store(), &RunKey::new(Namespace::default(), self.run)).await.unwrap();
        read(&runtime, &row, self.plan.plan(), with_values, self.harness.clock().now()).await.unwrap()
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// The span of a name.
fn named<'a>(trace: &'a Trace, name: &str) -> &'a Span {
    trace.spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"))
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_told_in_lines() {
    let trace = Ran::to(To::End).await.trace(false).await;
    let text = plain(&text(&trace)).replace(&trace.run.to_string(), "run_…");
    insta::with_settings!({filters => vec![(r"worker_\w+", "worker_…")]}, { insta::assert_snapshot!("trace", text) });
}

#[tokio::test(start_paused = true)]
async fn times_attempts_waits_and_tokens_are_those_of_the_run() {
    let trace = Ran::to(To::End).await.trace(false).await;
    let took = |name: &str| named(&trace, name).took(trace.until).as_millis();
    assert_eq!((took("quick"), took("slow"), took("facts")), (30, 1_500, 1_500));
    let flaky = named(&trace, "flaky");
    let phases: Vec<(&str, u128, State)> = flaky
        .phases
        .iter()
        .map(|phase| (phase.kind.as_str(), phase.took(trace.until).as_millis(), phase.state))
        .collect();
    let expected = [
        ("attempt", 100, State::Failed),
        ("pause", 2_000, State::Completed),
        ("attempt", 100, State::Failed),
        ("pause", 4_000, State::Completed),
        ("attempt", 100, State::Completed),
    ];
    assert_eq!(phases, expected);
    assert!(flaky.phases[0].text.contains("no <connection>"), "{:?}", flaky.phases);
    let save = named(&trace, "tool save");
    assert_eq!((save.phases[0].kind, save.phases[0].took(trace.until).as_secs()), (PhaseKind::Wait, 600));
    assert_eq!(save.phases[0].text, "asks anybody about save: approved by eva");
    let agree = named(&trace, "agree");
    assert_eq!((agree.kind, agree.phases[0].text.as_str()), (Kind::Person, "asks ana: approved by ana"));
    assert_eq!(named(&trace, "write").usage, Usage::new(20, 10));
    assert_eq!((trace.usage, trace.spans[0].usage), (Usage::new(20, 10), Usage::new(20, 10)));
    // Participants stand in their workflow, not in a fork that nobody wrote.
    assert!(trace.spans.iter().all(|span| !matches!(span.kind, Kind::Fork | Kind::Branch)));
    assert_eq!((named(&trace, "facts").depth, named(&trace, "quick").depth), (1, 2));
}

const FAN_OUT: &str = "
version: v1
workflow:
  type: graph
  start: plan
  nodes:
    plan: {id: plan, kind: set, set: {x: 1}, route: all, join_at: merge}
    browse: {id: browse, kind: function, ref: {implementation: work}}
    digest: {id: digest, kind: set, set: {x: 1}}
    facts: {id: facts, kind: function, ref: {implementation: work}}
    merge: {id: merge, kind: set, set: {x: 1}}
  edges:
    - {from: plan, to: browse}
    - {from: plan, to: facts}
    - {from: browse, to: digest}
    - {from: digest, to: merge}
    - {from: facts, to: merge}
";

/// A branch of one step is that step; the fork itself is the compiler's.
#[tokio::test(start_paused = true)]
async fn branches_of_several_steps_have_a_span_of_their_own() {
    let harness = Harness::new(|clock| Arc::new(MemoryStore::new(clock)));
    let plan = kneo::spec::compile_str("flow.yaml", FAN_OUT).unwrap();
    let work = tool::function(|_: Json| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, std::io::Error>("done")
    });
    let finished = harness.run(harness.builder().function("work", work), &plan, "x").await.unwrap();
    let trace = Ran { harness, plan, run: finished.run }.trace(false).await;
    let spans: Vec<(usize, &str, &str)> =
        trace.spans.iter().map(|span| (span.depth, span.kind.as_str(), span.name.as_str())).collect();
    let expected = [
        (0, "run", "workflow"),
        (1, "set", "plan"),
        (1, "branch", "browse"),
        (2, "function", "browse"),
        (2, "set", "digest"),
        (1, "function", "facts"),
        (1, "set", "merge"),
    ];
    assert_eq!(spans, expected);
    assert_eq!(named(&trace, "facts").start, named(&trace, "browse").start, "side by side");
}

#[tokio::test(start_paused = true)]
async fn what_has_not_ended_is_seen_up_to_now() {
    let trace = Ran::to(To::Ana).await.trace(false).await;
    assert_eq!((trace.status, trace.ended, trace.spans[0].end), (RunStatus::Blocked, None, None));
    let agree = named(&trace, "agree");
    assert_eq!((agree.state, agree.phases[0].state, agree.end), (State::Waiting, State::Waiting, None));
    assert_eq!(agree.took(trace.until).as_secs(), 3 * 86_400);
    let held = trace.spans[0].phases.last().unwrap();
    assert_eq!((held.kind, held.state), (PhaseKind::Held, State::Completed), "no worker has a blocked run");
}

#[tokio::test(start_paused = true)]
async fn values_are_told_only_to_who_asks_for_them() {
    let ran = Ran::to(To::End).await;
    let (without, with) = (ran.trace(false).await, ran.trace(true).await);
    let forms = |trace: &Trace| [plain(&text(trace)), html(trace), json(trace).to_string()];
    let secrets =
        ["secret input", "secret result", "secret words", "secret saved", "secret answer", "Is secret answer right?"];
    for form in forms(&without) {
        assert!(!form.contains("secret"), "{form}");
    }
    for form in forms(&with) {
        for secret in secrets {
            assert!(form.contains(secret), "{secret}: {form}");
        }
    }
    let long = values::capped(&"é".repeat(5_000));
    assert_eq!((long.chars().filter(|c| *c == 'é').count(), long.ends_with("… (3000 more characters)")), (2_000, true));
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_days_is_drawn_short_so_that_work_is_seen() {
    let trace = Ran::to(To::End).await.trace(false).await;
    let axis = Axis::of(&trace);
    let short: Vec<u64> =
        axis.pieces.iter().filter(|piece| piece.short).map(|piece| piece.to.since(piece.from).as_secs()).collect();
    assert_eq!(short, [4, 600, 3 * 86_400]);
    let width = |span: &Span| axis.place(span.end.unwrap()) - axis.place(span.start);
    assert!(width(named(&trace, "slow")) > 5.0, "{axis:?}");
    assert!(width(named(&trace, "agree")) < 10.0, "{axis:?}");
    whole(&axis, &trace);
}

/// An axis goes from the beginning to the end, and time never goes back on it.
fn whole(axis: &Axis, trace: &Trace) {
    let mut at = (trace.started, 0.0);
    for piece in &axis.pieces {
        assert_eq!(piece.from, at.0);
        assert!((piece.left - at.1).abs() < 0.001 && piece.width > 0.0, "{axis:?}");
        at = (piece.to, piece.left + piece.width);
    }
    assert!(axis.pieces.is_empty() || (at.0 == trace.until && (at.1 - 100.0).abs() < 0.001), "{axis:?}");
    let mut times: Vec<Timestamp> =
        trace.spans.iter().flat_map(|span| [Some(span.start), span.end]).flatten().collect();
    times.sort_unstable();
    let places: Vec<f64> = times.iter().map(|at| axis.place(*at)).collect();
    assert!(places.is_sorted() && places.iter().all(|place| (0.0..=100.001).contains(place)), "{places:?}");
}

/// The page without its script, which is no XML.
fn parsed(page: &str) -> (String, usize) {
    let (start, end) = (page.find("<script>").unwrap(), page.find("</script>").unwrap());
    let body = page[..start].replacen("<!DOCTYPE html>", "", 1) + &page[end + "</script>".len()..];
    let document = roxmltree::Document::parse(body.trim()).unwrap_or_else(|error| panic!("{error}\n{body}"));
    for node in document.descendants().filter(|node| node.is_element()) {
        assert!(!["script", "link", "img", "iframe", "object", "base"].contains(&node.tag_name().name()));
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(!name.starts_with("on") && !["href", "src", "action"].contains(&name), "{name}");
        }
    }
    let class = |node: &roxmltree::Node<'_, '_>, class: &str| {
        node.attribute("class").is_some_and(|own| own.split(' ').any(|own| own == class))
    };
    let rows = document.descendants().filter(|node| class(node, "row") && !class(node, "axis")).count();
    let labels = document.descendants().filter(|node| class(node, "label"));
    let labels = labels.map(|node| node.descendants().filter_map(|node| node.text()).next().unwrap_or("").to_owned());
    (labels.collect::<Vec<_>>().join("\n"), rows)
}

#[tokio::test(start_paused = true)]
async fn a_page_is_well_formed_has_a_row_for_each_place_and_loads_nothing() {
    let ran = Ran::to(To::End).await;
    for with_values in [false, true] {
        let trace = ran.trace(with_values).await;
        let page = html(&trace);
        let (labels, rows) = parsed(&page);
        assert_eq!(rows, trace.spans.len());
        assert!(labels.starts_with("<script>alert(1)</script> & more\n"), "{labels}");
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"), "{page}");
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("), "nothing is loaded");
        assert_eq!(page.matches("<script>").count(), 1, "no author adds one");
    }
}

/// The journals that runs have left behind, by name.
fn histories() -> Vec<(String, CompiledPlan, Vec<Record>)> {
    let folder = File::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
    let read = |history: std::path::PathBuf| {
        let bytes = std::fs::read(history.join("plan.json")).unwrap();
        let plan = CompiledPlan::decode(Digest::of(&bytes), bytes.into()).unwrap();
        let frames = std::fs::read_to_string(history.join("frames.jsonl")).unwrap();
        let records = frames.lines().flat_map(|line| {
            let frame: Json = serde_json::from_str(line).unwrap();
            let body = frame["body"].to_string();
            let mut read = decode_frame(1, body.as_bytes(), &|_| None).unwrap();
            if let Some(at) = frame["at"].as_i64() {
                read.iter_mut().for_each(|record| record.entry.at = Timestamp::from_unix_micros(at));
            }
            read
        });
        (history.file_name().unwrap().to_string_lossy().into_owned(), plan, records.collect())
    };
    std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

/// What is true of the trace of anything.
fn sound(trace: &Trace) {
    let mut depths: Vec<usize> = Vec::new();
    for (at, span) in trace.spans.iter().enumerate() {
        assert_eq!(span.depth == 0, at == 0, "the run is around all");
        depths.truncate(span.depth);
        assert_eq!(depths.len(), span.depth, "no depth is left out");
        depths.push(at);
        assert!(span.start >= trace.started && span.end.is_none_or(|end| end >= span.start && end <= trace.until));
        assert_eq!(span.end.is_none(), matches!(span.state, State::Running | State::Waiting), "{span:?}");
        for phase in &span.phases {
            assert!(phase.start >= span.start && phase.end.is_none_or(|end| end >= phase.start), "{span:?}");
        }
    }
    whole(&Axis::of(trace), trace);
    assert_eq!(parsed(&html(trace)).1, trace.spans.len());
    assert_eq!(trace.spans.first().map(|run| run.usage), Some(trace.usage));
}

#[test]
fn every_beginning_of_every_history_has_a_sound_trace() {
    let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    for (name, plan, records) in histories() {
        for end in 1..=records.len() {
            let mut fold = Fold::new(plan.plan(), true);
            records[..end].iter().for_each(|record| fold.take(record));
            let is_over = end == records.len();
            let status = if is_over { RunStatus::Completed } else { RunStatus::Running };
            let trace = fold.finish(RunId::from_bytes([1; 16]), status, now);
            assert_eq!(trace.ended.is_some(), is_over, "{name}");
            sound(&trace);
        }
    }
}

/// A worker was lost twice in this one.
#[test]
fn lost_attempts_and_workers_are_seen() {
    let (_, plan, records) = histories().into_iter().find(|(name, ..)| name == "crash_twice").unwrap();
    let mut fold = Fold::new(plan.plan(), false);
    records.iter().for_each(|record| fold.take(record));
    let trace = fold.finish(RunId::from_bytes([1; 16]), RunStatus::Completed, Timestamp::MAX);
    let phases = || trace.spans.iter().flat_map(|span| &span.phases).filter(|phase| phase.state == State::Lost);
    assert!(phases().any(|phase| phase.kind == PhaseKind::Held), "{trace:?}");
    assert!(phases().any(|phase| matches!(phase.kind, PhaseKind::Attempt(_))), "{trace:?}");
    assert!(plain(&text(&trace)).contains("its worker was lost: it runs again"));
}

#[test]
fn many_spans_make_a_page_in_time_and_of_a_size() {
    let (_, plan, records) = histories().into_iter().find(|(name, ..)| name == "review_loop").unwrap();
    let mut fold = Fold::new(plan.plan(), false);
    records.iter().for_each(|record| fold.take(record));
    let mut trace = fold.finish(RunId::from_bytes([1; 16]), RunStatus::Completed, Timestamp::MAX);
    let some: Vec<Span> = trace.spans.iter().skip(1).cloned().collect();
    trace.spans.extend(some.iter().cycle().take(10_000).cloned());
    let computed = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        told.split(' ').next()?.parse::<u64>().ok()
    };
    let before = computed();
    let page = html(&trace);
    if let (Some(before), Some(after)) = (before, computed()) {
        let most = if cfg!(debug_assertions) { 10_000 } else { 1_000 };
        assert!((after - before) / 1_000_000 < most, "{} ms", (after - before) / 1_000_000);
    }
    assert!(page.len() < trace.spans.len() * 1_500, "{} bytes", page.len());
}

#[test]
fn lengths_have_two_units_at_most() {
    let all = [
        (0, "0 s"),
        (999, "999 µs"),
        (1_000, "1 ms"),
        (999_999, "999 ms"),
        (1_000_000, "1.0 s"),
        (59_999_999, "59.9 s"),
        (60_000_000, "1 min"),
        (200_000_000, "3 min 20 s"),
        (3_600_000_000, "1 h"),
        (187_200_000_000, "2 d 4 h"),
    ];
    for (micros, text) in all {
        assert_eq!(length(Duration::from_micros(micros)), text);
    }
}
