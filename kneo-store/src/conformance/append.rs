//! Records come back as they were committed, in order.

use kneo_core::run::Attempt;
use kneo_core::{Actor, Failure, FailureKind, Payload, RunStatus, Seq, Usage, Value};
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{AfterFailure, Event, Parked};

use super::kit::{Kit, computed, ended, entered, name, payload, step_path};

/// Every part of a record comes back: event, place, time, author, trace and revision.
pub async fn a_record_comes_back_whole(kit: Kit) {
    let mut held = kit.held().await;
    let failure = Failure::new(FailureKind::Tool, "no such file");
    let (usage, retry_at) = (Usage::new(9, 1), Some(kit.now()));
    let mut first = kit.record(Event::EffectFailed { attempt: Attempt::FIRST, failure, usage, retry_at });
    first.entry.path = step_path(3, 1);
    first.revision = 7;
    first.trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
    let mut second = kit.record(Event::StepFailed {
        failure: Failure::new(FailureKind::Limit, "enough"),
        then: AfterFailure::Continue,
    });
    second.actor = Actor::Worker(held.worker);
    second.entry.path = step_path(3, 2);
    let records = vec![first, second];
    let author = Author::Holder { worker: held.worker, fence: held.fence, expected: held.tail };
    let commit = Commit::new(kit.commit_id(), held.run.clone(), author, LeaseChange::Keep, records.clone()).unwrap();
    held.tail = kit.commit(commit).await.unwrap().tail;
    let back = kit.store.records(&held.run, Some(Seq::FIRST), 10).await.unwrap();
    assert_eq!(back.iter().map(|stored| stored.record.clone()).collect::<Vec<_>>(), records);
}

/// The records of a run have dense places from 1, whoever wrote them.
pub async fn places_are_dense_from_one(kit: Kit) {
    let mut held = kit.held().await;
    for _ in 0..20 {
        held.append(&kit, vec![entered(), computed("x"), entered()]).await;
        held.tail = kit.commit(kit.cancel(&held.run)).await.unwrap().tail;
    }
    let places: Vec<u64> = kit.records(&held.run).await.iter().map(|stored| stored.seq.as_u64()).collect();
    assert_eq!(places, (1..=81).collect::<Vec<u64>>());
}

/// A commit's answer names the place of its first record and the run's last.
pub async fn an_answer_names_the_places(kit: Kit) {
    let mut held = kit.held().await;
    assert_eq!(held.tail, Seq::FIRST);
    let answer = held.append(&kit, vec![entered(), entered(), entered()]).await;
    assert_eq!((answer.first.as_u64(), answer.tail.as_u64()), (2, 4));
    let answer = kit.commit(kit.cancel(&held.run)).await.unwrap();
    assert_eq!((answer.first.as_u64(), answer.tail.as_u64()), (5, 5));
}

/// Pages of records, wherever they begin and end within commits, put together give the journal.
pub async fn records_are_read_in_pages(kit: Kit) {
    let mut held = kit.held().await;
    for commit in 0..7 {
        let events = (0..=commit).map(|record| computed(&format!("{commit} {record}"))).collect();
        held.append(&kit, events).await;
    }
    let whole = kit.records(&held.run).await;
    for size in [1, 2, 3, 5, 100] {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = kit.store.records(&held.run, after, size).await.unwrap();
            assert!(page.len() <= size);
            let Some(last) = page.last() else { break };
            after = Some(last.seq);
            pages.extend(page);
        }
        assert_eq!(pages, whole, "pages of {size}");
    }
    assert!(kit.store.records(&held.run, None, 0).await.unwrap().is_empty());
}

/// Nothing comes after the end, and a run that does not exist has no records.
pub async fn reading_beyond_the_end_gives_nothing(kit: Kit) {
    let held = kit.held().await;
    assert!(kit.store.records(&held.run, Some(held.tail), 10).await.unwrap().is_empty());
    assert!(kit.store.records(&held.run, Some(Seq::new(u64::MAX / 4).unwrap()), 10).await.unwrap().is_empty());
    assert!(kit.store.records(&kit.run_key(), None, 10).await.unwrap().is_empty());
}

/// A journal of many commits is read whole.
pub async fn a_long_journal_comes_back(kit: Kit) {
    let mut held = kit.held().await;
    for step in 0..400 {
        held.append(&kit, vec![computed(&step.to_string())]).await;
    }
    let records = kit.records(&held.run).await;
    assert_eq!(records.len(), 401);
    for (step, stored) in records.iter().skip(1).enumerate() {
        assert_eq!(stored.record.event(), &computed(&step.to_string()));
    }
}

/// Values come back bit for bit, however odd.
pub async fn values_come_back_exactly(kit: Kit) {
    let texts = [
        "9007199254740991",
        "-9007199254740991",
        "0.1",
        "-0.0",
        "1e300",
        "5e-324",
        "\"\"",
        "\"\\u0000 \\u001f \\\" \\\\ \\ud83d\\ude00 \u{10ffff} e\u{301}\"",
        "[]",
        "{}",
        "[null,true,[[[[1]]]],{\"\":{\"a b\":[]}}]",
        "\"'; drop table runs; --\"",
    ];
    let values: Vec<Value> = texts.iter().map(|text| Value::from_json_text(text).unwrap()).collect();
    let mut held = kit.held().await;
    let events = values.iter().map(|value| {
        Event::StepComputed { via: None, output: Payload::new(value.clone()).unwrap() }
    });
    held.append(&kit, events.collect()).await;
    let back = kit.store.records(&held.run, Some(Seq::FIRST), 100).await.unwrap();
    assert_eq!(back.len(), values.len());
    for (stored, value) in back.iter().zip(&values) {
        let Event::StepComputed { output, .. } = stored.record.event() else { panic!("{stored:?}") };
        assert_eq!(output.value().to_string(), value.to_string());
    }
}

/// The row of a run follows its records: status, readiness, end, and the last record.
pub async fn the_row_follows_the_records(kit: Kit) {
    let mut held = kit.held().await;
    assert_eq!(kit.row(&held.run).await.status, RunStatus::Queued);
    let event = super::kit::claimed(&held);
    held.append(&kit, vec![event]).await;
    let row = kit.row(&held.run).await;
    assert_eq!((row.status, row.ready_at, row.tail), (RunStatus::Running, Some(kit.now()), held.tail));
    let later = kit.now().after(std::time::Duration::from_secs(90));
    held.append(&kit, vec![Event::RunParked { status: Parked::Blocked, ready_at: Some(later) }]).await;
    let row = kit.row(&held.run).await;
    assert_eq!((row.status, row.ready_at, row.ended_at), (RunStatus::Blocked, Some(later), None));
    let run = held.run.clone();
    held.end(&kit).await;
    let row = kit.row(&run).await;
    assert_eq!((row.status, row.ready_at, row.ended_at), (RunStatus::Completed, None, Some(kit.now())));
    assert_eq!(row.tail.as_u64(), 4);
}

/// A commit of one run leaves every other run as it is.
pub async fn runs_do_not_touch_each_other(kit: Kit) {
    let (mut one, other) = (kit.held().await, kit.held().await);
    let (row, records) = (kit.row(&other.run).await, kit.records(&other.run).await);
    one.append(&kit, vec![computed("x")]).await;
    kit.commit(kit.cancel(&one.run)).await.unwrap();
    let one_run = one.run.clone();
    assert_eq!(kit.row(&other.run).await, row);
    assert_eq!(kit.records(&other.run).await, records);
    assert!(kit.row(&one_run).await.cancel_requested);
}

/// A plan comes back as it was kept; keeping it again changes nothing, and one that was not kept is not there.
pub async fn plans_are_kept_by_digest(kit: Kit) {
    let digest = kit.keep_plan(b"{\"plan_version\":1}").await;
    kit.keep_plan(b"{\"plan_version\":1}").await;
    assert_eq!(kit.store.plan(digest).await.unwrap().as_deref(), Some(&b"{\"plan_version\":1}"[..]));
    assert_eq!(kit.store.plan(kneo_core::Digest::of(b"never kept")).await.unwrap(), None);
}

/// A run keeps its starter, labels and workflow as they were given.
pub async fn a_row_keeps_what_the_start_says(kit: Kit) {
    let mut start = kit.start().labels(&[("team", "news"), ("tier", "1")]).deadline(kit.now().after(super::MINUTE));
    start.actor = Actor::trusted(name("ana"));
    start.started.input = payload("in");
    let run = kit.make(start).await;
    let row = kit.row(&run).await;
    assert_eq!((row.key, row.workflow, row.plan), (run, name("report"), kit.plan));
    assert_eq!(row.starter, Actor::trusted(name("ana")));
    assert_eq!(row.labels, vec![(name("team"), "news".into()), (name("tier"), "1".into())]);
    assert_eq!((row.started_at, row.deadline), (kit.now(), Some(kit.now().after(super::MINUTE))));
    assert_eq!((row.status, row.ready_at, row.tail), (RunStatus::Queued, Some(kit.now()), Seq::FIRST));
    assert_eq!((row.holder, row.lease_until, row.fruitless, row.cancel_requested), (None, None, 0, false));
}

/// A whole run in one commit: made, worked and ended.
pub async fn a_run_can_begin_and_end_in_one_commit(kit: Kit) {
    let start = kit.start();
    let run = start.run.clone();
    let (worker, first) = (kit.worker(), kit.record(Event::RunStarted(Box::new(start.started))));
    let records = vec![first, kit.record(computed("x")), kit.record(ended())];
    let lease = LeaseChange::Take { worker };
    let commit = Commit::new(kit.commit_id(), run.clone(), Author::Creator, lease, records).unwrap();
    let answer = kit.commit(commit).await.unwrap();
    assert_eq!((answer.tail.as_u64(), answer.fence, answer.lease_until), (3, None, None));
    let row = kit.row(&run).await;
    assert_eq!((row.status, row.holder, row.lease_until), (RunStatus::Completed, None, None));
}
