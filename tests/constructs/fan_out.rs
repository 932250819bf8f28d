//! Edges of a graph that are all followed, and meet again.

use kneo::{Decision, FailureKind, Outcome, Value};

use super::support::*;

/// A function that says with what it was called, and gives `who(input)`.
fn told(log: &Log, who: &'static str) -> std::sync::Arc<dyn kneo::tool::Function> {
    let log = log.clone();
    gives(move |value| {
        log.say(who);
        Ok(Value::from(format!("{who}({})", value.to_text())))
    })
}

const GRAPH: &str = r#"
version: v1
workflow:
  type: graph
  start: draft
  nodes:
    draft: {kind: function, ref: {implementation: draft}, route: all, join_at: merge JOINING}
    facts: {kind: function, ref: {implementation: facts}}
    check: {kind: function, ref: {implementation: check}}
    style: {kind: function, ref: {implementation: style}}
    merge: {kind: set, set: {got: "{{ prev }}", checked: "{{ default(steps.check.output, 'not') }}", draft: "{{ steps.draft.output }}"}}
  edges:
    - {from: draft, to: style, when: "input.contains('style')"}
    - {from: draft, to: facts}
    - {from: facts, to: check, condition: {type: output_contains, value: check}}
    - {from: facts, to: merge}
    - {from: check, to: merge}
    - {from: style, to: merge}
"#;

async fn graph(joining: &str, input: &str) -> (Value, Vec<String>) {
    let log = Log::default();
    let mut builder = harness().builder();
    for who in ["draft", "facts", "check", "style"] {
        builder = builder.function(who, told(&log, who));
    }
    let output = output(builder, &GRAPH.replace("JOINING", joining), input).await;
    (output, log.lines())
}

#[tokio::test(start_paused = true)]
async fn branches_run_as_far_as_their_edges_lead_and_meet_once() {
    let (output, said) = graph("", r#""style and check""#).await;
    let expected = r#"{
        "got": {"style": "style(draft(style and check))", "facts": "check(facts(draft(style and check)))"},
        "checked": "check(facts(draft(style and check)))",
        "draft": "draft(style and check)"
    }"#;
    assert_eq!(output, json(expected));
    assert_eq!(said, ["draft", "style", "facts", "check"]);

    // A branch whose condition does not hold is not there where they meet.
    let (output, said) = graph("", r#""plain""#).await;
    let expected = r#"{"got": {"facts": "facts(draft(plain))"}, "checked": "not", "draft": "draft(plain)"}"#;
    assert_eq!(output, json(expected));
    assert_eq!(said, ["draft", "facts"]);

    let (output, _) = graph(", combine: text", r#""style""#).await;
    let text = "style: style(draft(style))\n\nfacts: facts(draft(style))";
    assert_eq!(output.get("got"), Some(&Value::from(text)));
}

/// Branches in a branch, and a cycle around all of it.
#[tokio::test(start_paused = true)]
async fn branches_nest_and_are_taken_again() {
    let spec = r#"
version: v1
workflow:
  type: graph
  start: begin
  nodes:
    begin: {kind: set, set: {n: "{{ default(steps.met.output.n, 0) + 1 }}"}, route: all, join_at: met}
    left: {kind: function, ref: {implementation: left}, input: l, route: all, join_at: met}
    one: {kind: function, ref: {implementation: one}, input: "{{ steps.begin.output.n }}"}
    two: {kind: function, ref: {implementation: two}, input: "{{ prev }}"}
    right: {kind: function, ref: {implementation: right}, input: r}
    met: {kind: set, set: {n: "{{ steps.begin.output.n }}", all: "{{ prev }}"}}
    end: {kind: set, set: {all: "{{ prev }}"}}
  edges:
    - {from: begin, to: left}
    - {from: begin, to: right}
    - {from: left, to: one}
    - {from: left, to: two}
    - {from: one, to: met}
    - {from: two, to: met}
    - {from: right, to: met}
    - {from: met, to: begin, when: "prev.n < 3", max_visits: 5}
    - {from: met, to: end}
"#;
    let log = Log::default();
    let mut builder = harness().builder();
    for who in ["left", "one", "two", "right"] {
        builder = builder.function(who, told(&log, who));
    }
    let expected =
        r#"{"all": {"n": 3, "all": {"left": {"one": "one(3)", "two": "two(left(l))"}, "right": "right(r)"}}}"#;
    assert_eq!(output(builder, spec, "1").await, json(expected));
    let lines = log.lines();
    for who in ["left", "one", "two", "right"] {
        assert_eq!(lines.iter().filter(|line| *line == who).count(), 3, "{lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_branch_fails_the_workflow_unless_enough_are_left() {
    let host = || {
        let log = Log::default();
        let builder = harness().builder().function("facts", fails()).function("check", same());
        builder.function("draft", same()).function("style", told(&log, "style"))
    };
    let found = failure(host(), &GRAPH.replace("JOINING", ""), r#""style""#).await;
    assert_eq!((found.kind, &*found.message), (FailureKind::Function, "branch `facts`: it is broken"));
    let output = output(host(), &GRAPH.replace("JOINING", ", join: any"), r#""style""#).await;
    assert_eq!(output.get("got"), Some(&json(r#"{"style": "style(style)"}"#)));
}

/// People in branches are asked at the same time, and one answer may be enough.
#[tokio::test(start_paused = true)]
async fn people_in_branches_are_asked_and_spared() {
    let spec = r#"
version: v1
components:
  humans: {owner: {request_type: freeform, assignee: ana}}
workflow:
  type: graph
  start: begin
  nodes:
    begin: {kind: set, set: {x: 1}, route: all, join_at: met, join: any}
    one: {kind: human, ref: owner}
    two: {kind: human, ref: owner}
    met: {kind: set, set: {heard: "{{ prev }}"}}
  edges:
    - {from: begin, to: one}
    - {from: begin, to: two}
    - {from: one, to: met}
    - {from: two, to: met}
"#;
    let harness = harness();
    let (runtime, run) = start(harness.builder(), spec, "1").await;
    let Outcome::Blocked(tasks) = run.wait().await.unwrap() else { panic!("nobody is asked") };
    assert_eq!(tasks.len(), 2);
    let content = kneo::Payload::new(Value::from("yes")).unwrap();
    runtime.decide(tasks[1].task, Decision::Provide { content }, ana()).await.unwrap();
    assert_eq!(completed(&run).await, json(r#"{"heard": {"two": "yes"}}"#));
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "task_withdrawn"), 1);
}
