//! A worker is lost, and another goes on: one trace, nothing twice, nothing without its parent.

use std::collections::BTreeSet;
use std::time::Duration;

use kneo_runtime::Start;

use super::scene::{harness, office, staffed, to_the_end};
use super::support::{Watch, assert_whole, attribute};

#[tokio::test(start_paused = true)]
async fn whenever_a_worker_is_lost_the_next_one_goes_on_with_the_trace() {
    let plan = office();
    let (mut lost, mut parked) = (0, 0);
    // The scene takes 69 seconds; what happens in it happens in whole ones.
    for half_seconds in 0..30 {
        let harness = harness();
        let (first, second) = (Watch::new(), Watch::new());
        let runtime = staffed(harness.builder(), &first.observer);
        let run = runtime.start(&plan, Start::new("go")).await.unwrap();
        let id = run.id();
        let time = Duration::from_millis(250 + 500 * half_seconds);
        assert!(tokio::time::timeout(time, to_the_end(&runtime, &run)).await.is_err());
        drop((run, runtime));
        let before = first.spans();
        assert!(before.iter().all(|span| attribute(span, "kneo.run.claims").is_none()), "the run has not ended");

        let runtime = staffed(harness.builder(), &second.observer);
        to_the_end(&runtime, &runtime.run(id)).await;
        runtime.shutdown().await;
        let after = second.spans();
        let spans = [before, after].concat();
        assert_whole(&spans);
        lost += spans.iter().filter(|span| attribute(span, "kneo.status").as_deref() == Some("lost")).count();
        parked += spans.iter().filter(|span| span.name.starts_with("human_task")).count();
        let ends: BTreeSet<&str> =
            spans.iter().filter(|it| it.name == "invoke_workflow office").map(|it| &*it.name).collect();
        assert_eq!(ends.len(), 1);
        // What began with the first worker has its true beginning, however late it ended.
        let run = spans.iter().find(|span| span.name == "invoke_workflow office").unwrap();
        let start = spans.iter().map(|span| span.start_time).min().unwrap();
        assert_eq!(run.start_time, start);
    }
    assert!(lost > 10 && parked > 60, "{lost} {parked}");
}

/// The process that a run is started in need not be one that advances it.
#[tokio::test(start_paused = true)]
async fn a_run_that_waited_in_a_queue_is_told_by_whoever_takes_it_up() {
    let harness = harness();
    let (client, worker) = (Watch::new(), Watch::new());
    let runtime = staffed(harness.builder().client_only(), &client.observer);
    let run = runtime.start(&office(), Start::new("go")).await.unwrap().id();
    drop(runtime);
    let runtime = staffed(harness.builder(), &worker.observer);
    to_the_end(&runtime, &runtime.run(run)).await;
    runtime.shutdown().await;
    assert_eq!(client.spans(), []);
    assert_whole(&worker.spans());
}
