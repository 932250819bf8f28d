//! When participants are done: all, any, so many; and what becomes of the rest.

use std::time::Duration;

use kneo::Value;
use kneo::clock::Clock as _;
use kneo::tool::value_function;

use super::support::*;

/// Three participants: one fails after a second, one takes five, one ten.
fn spec(joining: &str) -> String {
    format!(
        "version: v1
workflow:
  type: concurrent
  combine: map
{joining}
  participants:
    - {{id: broken, kind: function, ref: {{implementation: broken}}}}
    - {{id: quick, kind: function, ref: {{implementation: quick}}}}
    - {{id: slow, kind: function, ref: {{implementation: slow}}}}
"
    )
}

fn host(harness: &kneo::testkit::Harness) -> kneo::RuntimeBuilder {
    let takes = |seconds: u64| {
        value_function(move |_, _| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(Value::int(i64::try_from(seconds).unwrap()).unwrap())
        })
    };
    let broken = value_function(|_, _| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err(kneo::tool::CallError::fatal("broken", "it is broken"))
    });
    harness.builder().function("broken", broken).function("quick", takes(5)).function("slow", takes(10))
}

/// What it came to, how many were ended, and after how many seconds.
async fn run(joining: &str) -> (Result<Value, String>, usize, u64) {
    let harness = harness();
    let before = harness.clock().now();
    let (_runtime, run) = start(host(&harness), &spec(joining), "1").await;
    let outcome = match run.wait().await.unwrap() {
        kneo::Outcome::Completed(value) => Ok(value),
        kneo::Outcome::Failed(failure) => Err(failure.message.to_string()),
        other => panic!("{other:?}"),
    };
    let seconds = harness.clock().now().since(before).as_secs();
    (outcome, count(&harness.journal(run.id()).await.unwrap(), "branch_cancelled"), seconds)
}

/// Work that does not listen when it is ended is waited for a while.
const GRACE: u64 = 5;

#[tokio::test(start_paused = true)]
async fn a_join_waits_for_as_many_as_it_says() {
    let broken = || Err("branch `broken`: it is broken".to_owned());
    assert_eq!(run("").await, (broken(), 2, 1 + GRACE));
    assert_eq!(run("  on_branch_error: drain").await, (broken(), 0, 10));
    assert_eq!(run("  join: any").await, (Ok(json(r#"{"quick": 5}"#)), 1, 5 + GRACE));
    let both = || Ok(json(r#"{"quick": 5, "slow": 10}"#));
    assert_eq!(run("  join: any\n  rest: drain").await, (both(), 0, 10));
    assert_eq!(run("  join: {at_least: 2}").await, (both(), 0, 10));
    assert_eq!(run("  join: {at_least: 3}").await, (broken(), 2, 1 + GRACE));
}
