use kneo_core::plan::{Effect, RequestType};
use kneo_core::task::Decision;
use kneo_runtime::{Cursor, RunEvent, RunHandle, Start};

use super::support::*;

async fn rest(run: &RunHandle, cursor: Cursor) -> Vec<RunEvent> {
    let mut events = run.events_from(cursor);
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        all.push(event.unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn live_and_historical_events_are_one_stream() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", slow(3)));
    let run = runtime.start(&chain(3, Effect::Read), Start::new(int(0))).await.unwrap();
    let live = rest(&run, Cursor::START).await;
    let seqs: Vec<u64> = live.iter().map(|event| event.seq.as_u64()).collect();
    assert_eq!(seqs, (1..=live.len() as u64).collect::<Vec<_>>());
    assert_eq!(live.last().map(|event| event.event().kind()), Some("run_ended"));
    assert_eq!(rest(&run, Cursor::START).await, live);
    for (at, event) in live.iter().enumerate() {
        assert_eq!(rest(&run, event.cursor()).await, live[at + 1..]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_goes_on_in_another_process_while_a_third_works() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let human = plan.human("editor", RequestType::Approval);
    let root = plan.scope("main", |scope| {
        let (gate, work) = (scope.human("gate", human), scope.function("work", work));
        scope.edge(gate, work);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let first = build(harness.builder().function("work", slow(20)));
    let run = first.start(&plan, Start::new(int(0))).await.unwrap();
    let task = blocked(&run).await.remove(0);
    let mut events = run.events_from(Cursor::START);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last: &RunEvent| last.event().kind() != "run_parked") {
        seen.push(events.next().await.unwrap().unwrap());
    }
    let run = run.id();
    drop(events);
    first.shutdown().await;

    let client = build(harness.builder().client_only());
    let watching = {
        let (handle, cursor) = (client.run(run), seen.last().unwrap().cursor());
        tokio::spawn(async move { rest(&handle, cursor).await })
    };
    let second = build(harness.builder().function("work", slow(20)));
    client.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&second.run(run)).await, int(1));
    seen.extend(watching.await.unwrap());
    let journal = harness.journal(run).await.unwrap();
    let records: Vec<_> = seen.into_iter().map(|event| (event.seq, event.record)).collect();
    assert_eq!(records, journal.into_iter().map(|stored| (stored.seq, stored.record)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_exist_has_no_events() {
    let harness = harness();
    let client = build(harness.builder().client_only());
    let run = client.run("run_0198f2a7c0de7f00a1b2c3d4e5f60718".parse().unwrap());
    let mut events = run.events_from(Cursor::START);
    assert_eq!(events.next().await.unwrap().unwrap_err().code(), "run_not_found");
    assert!(events.next().await.is_none());
    assert_eq!(run.wait().await.unwrap_err().code(), "run_not_found");
    assert_eq!(run.view().await.unwrap_err().code(), "run_not_found");
}
