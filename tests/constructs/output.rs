//! Schemas of answers and outputs, keys in the author's words, steps that run only in place of others.

use kneo::tool::{CallContext, CallError, value_function};
use kneo::{FailureKind, Value};

use super::support::*;

#[tokio::test(start_paused = true)]
async fn an_answer_is_asked_for_until_it_fits() {
    let spec = r#"
version: v1
outputs: {title: "{{ steps.write.output.title }}"}
components:
  agents:
    writer:
      model: {provider: model}
      output_schema: {type: object, required: [title], properties: {title: {type: string}}}
workflow:
  type: sequential
  steps: [{id: write, kind: agent, ref: writer}]
"#;
    let harness = harness();
    let model = says(&["no idea", r#"{"title": "On time"}"#]);
    let (_runtime, run) = start(harness.builder().provider("model", model), spec, "1").await;
    assert_eq!(completed(&run).await, json(r#"{"title": "On time"}"#));
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "answer_refused"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_does_not_fit_fails_the_step_or_is_tried_again() {
    let spec = |retry: &str| {
        format!(
            "version: v1
workflow:
  type: sequential
  steps: [{{id: count, kind: function, ref: {{implementation: count}}, output_schema: {{minimum: 2}}{retry}}}]
"
        )
    };
    let counter = || {
        let calls = std::sync::atomic::AtomicI64::new(0);
        gives(move |_| Ok(Value::int(calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst)).unwrap()))
    };
    let found = failure(harness().builder().function("count", counter()), &spec(""), "1").await;
    assert_eq!((found.kind, found.code.as_deref()), (FailureKind::InvalidOutput, Some("output_schema")));
    let again = spec(", retry: {max_attempts: 5, on: [invalid_output]}");
    assert_eq!(output(harness().builder().function("count", counter()), &again, "1").await, json("2"));
}

#[tokio::test(start_paused = true)]
async fn a_key_in_the_authors_words_reaches_the_function() {
    let spec = r#"
version: v1
workflow:
  type: sequential
  steps:
    - {id: order, kind: set, set: {number: 7}}
    - {id: pay, kind: function, ref: {implementation: pay}, idempotency_key: "{{ input }} of {{ steps.order.output.number }}"}
"#;
    let pay = value_function(|_, context: CallContext| async move { Ok(Value::from(context.key().to_string())) });
    assert_eq!(output(harness().builder().function("pay", pay), spec, r#""bill""#).await, Value::from("bill of 7"));
}

/// In a list as among branches: a step that runs only in place of another is passed over.
#[tokio::test(start_paused = true)]
async fn a_fallback_runs_nowhere_else_if_it_is_told_so() {
    let list = r#"
version: v1
workflow:
  type: sequential
  steps:
    - {id: spare, kind: function, ref: {implementation: say}, input: spare, fallback_only: true}
    - {id: first, kind: function, ref: {implementation: first}, input: first, on_error: fallback, fallback_ref: spare}
    - {id: last, kind: function, ref: {implementation: say}, input: "last after {{ prev }}"}
"#;
    let branches = r#"
version: v1
workflow:
  type: concurrent
  combine: map
  participants:
    - {id: spare, kind: function, ref: {implementation: say}, input: spare, fallback_only: true}
    - {id: first, kind: function, ref: {implementation: first}, input: first, on_error: fallback, fallback_ref: spare}
"#;
    for (spec, works, expected, said) in [
        (list, true, r#""last after first""#, vec!["first", "last after first"]),
        (list, false, r#""last after spare""#, vec!["first", "spare", "last after spare"]),
        (branches, true, r#"{"first": "first"}"#, vec!["first"]),
        (branches, false, r#"{"first": "spare"}"#, vec!["first", "spare"]),
    ] {
        let log = Log::default();
        let (heard, also) = (log.clone(), log.clone());
        let builder = harness().builder().function(
            "say",
            gives(move |value| {
                heard.say(value.to_text().to_string());
                Ok(value)
            }),
        );
        let builder = builder.function(
            "first",
            gives(move |value| {
                also.say(value.to_text().to_string());
                if works { Ok(value) } else { Err(CallError::fatal("broken", "it is broken")) }
            }),
        );
        assert_eq!(output(builder, spec, "1").await, json(expected));
        assert_eq!(log.lines(), said);
    }
}
