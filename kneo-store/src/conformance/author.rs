//! Creators, and authors from outside.

use std::time::Duration;

use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::store::{CommitError, LEASE};
use kneo_core::task::{Decision, TaskState};
use kneo_core::{Digest, Fence, RunStatus, Seq};

use super::kit::{Kit, assert_answer, computed, name};

/// A run's key is taken for good by its creator.
pub async fn a_second_creator_is_refused(kit: Kit) {
    let run = kit.make(kit.start()).await;
    let before = kit.row(&run).await;
    let mut again = kit.start().labels(&[("x", "y")]);
    again.run = run.clone();
    assert_answer!(kit.commit(again.commit(&kit)).await, Err(CommitError::RunExists { run: key }) if key == run);
    assert_eq!(kit.row(&run).await, before);
    assert_eq!(kit.records(&run).await.len(), 1);
}

/// A run whose plan is not in the store is not made, and leaves nothing.
pub async fn a_start_without_its_plan_is_refused(kit: Kit) {
    let start = kit.start().plan(Digest::of(b"unknown")).key("k", "c").holding(&[("workflow", "report", 0)]);
    let run = start.run.clone();
    assert_answer!(kit.commit(start.commit(&kit)).await, Err(CommitError::PlanMissing));
    assert_eq!(kit.store.run(&run).await.unwrap(), None);
    // Neither its key nor its hold is taken.
    kit.make(kit.start().key("k", "c").holding(&[("workflow", "report", 0)])).await;
}

/// Only creators may write to a run that does not exist.
pub async fn a_run_that_does_not_exist_takes_no_record(kit: Kit) {
    let mut held = kit.held().await;
    held.run = kit.run_key();
    let answer = kit.commit(held.commit(&kit, vec![computed("x")])).await;
    assert_answer!(answer, Err(CommitError::RunNotFound { run }) if run == held.run);
    assert_answer!(kit.commit(kit.cancel(&held.run)).await, Err(CommitError::RunNotFound { run }) if run == held.run);
    assert_eq!(kit.store.run(&held.run).await.unwrap(), None);
}

/// A creator may take the lease with its commit.
pub async fn a_creator_can_take_the_lease(kit: Kit) {
    let (start, worker) = (kit.start(), kit.worker());
    let run = start.run.clone();
    let answer = kit.commit(start.leased(&kit, worker)).await.unwrap();
    assert_eq!((answer.first, answer.tail), (Seq::FIRST, Seq::FIRST));
    assert!(answer.fence.unwrap() > Fence::default());
    assert_eq!(answer.lease_until, Some(kit.now().after(LEASE)));
    let row = kit.row(&run).await;
    assert_eq!((row.holder, row.lease_until, Some(row.fence)), (Some(worker), answer.lease_until, answer.fence));
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
}

/// A creator that takes no lease leaves the run to whoever claims it.
pub async fn a_creator_can_leave_the_run_to_others(kit: Kit) {
    let start = kit.start();
    let run = start.run.clone();
    let answer = kit.commit(start.commit(&kit)).await.unwrap();
    assert_eq!((answer.fence, answer.lease_until), (None, None));
    assert_eq!(kit.claim(kit.worker(), 10).await.first().map(|claimed| claimed.run.clone()), Some(run));
}

/// The time of a record from outside is the store's, whatever its author's clock says.
pub async fn a_record_from_outside_has_the_stores_time(kit: Kit) {
    let run = kit.make(kit.start()).await;
    let commit = kit.cancel(&run);
    kit.clock.advance(Duration::from_secs(7));
    kit.commit(commit).await.unwrap();
    assert_eq!(kit.records(&run).await[1].record.at(), kit.now());
}

/// A holder's clock may be ahead of the store's: a record from outside that follows its records is not before them, and
/// neither is what is said of the decision.
pub async fn a_record_from_outside_is_never_before_the_last(kit: Kit) {
    let (held, task) = (kit.held().await, kit.task_id());
    let ahead = kit.now().after(Duration::from_secs(7));
    let mut record = kit.record(kit.question(task, &[], None));
    record.entry.at = ahead;
    let author = Author::Holder { worker: held.worker, fence: held.fence, expected: held.tail };
    let commit = Commit::new(kit.commit_id(), held.run.clone(), author, LeaseChange::Keep, vec![record]);
    kit.commit(commit.unwrap()).await.unwrap();
    kit.clock.advance(Duration::from_secs(2));
    kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap();
    assert_eq!(kit.records(&held.run).await[2].record.at(), ahead);
    let TaskState::Decided(decision) = kit.task(task).await.state else { panic!("still open") };
    assert_eq!(decision.at, ahead);
    kit.clock.advance(Duration::from_secs(9));
    kit.commit(kit.cancel(&held.run)).await.unwrap();
    assert_eq!(kit.records(&held.run).await[3].record.at(), kit.now());
}

/// A record from outside makes a run ready at once, whenever it would have been.
pub async fn a_record_from_outside_makes_a_run_ready(kit: Kit) {
    let held = kit.held().await;
    let run = held.run.clone();
    held.park(&kit, None).await;
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    kit.commit(kit.cancel(&run)).await.unwrap();
    assert_eq!(kit.row(&run).await.ready_at, Some(kit.now()));
    assert_eq!(kit.claim(kit.worker(), 10).await.len(), 1);
}

/// A record from outside leaves status and lease alone.
pub async fn a_record_from_outside_leaves_the_lease(kit: Kit) {
    let held = kit.held().await;
    kit.clock.advance(Duration::from_secs(1));
    let before = kit.row(&held.run).await;
    let answer = kit.commit(kit.cancel(&held.run)).await.unwrap();
    assert_eq!((answer.fence, answer.lease_until), (None, None));
    let after = kit.row(&held.run).await;
    assert_eq!((after.holder, after.lease_until, after.fence), (before.holder, before.lease_until, before.fence));
    assert_eq!(after.status, before.status);
}

/// Asking a run to stop stands in its row from then on; asking again adds a record.
pub async fn a_request_to_stop_is_durable(kit: Kit) {
    let run = kit.make(kit.start()).await;
    assert!(!kit.row(&run).await.cancel_requested);
    kit.commit(kit.cancel(&run)).await.unwrap();
    assert!(kit.row(&run).await.cancel_requested);
    kit.commit(kit.cancel(&run)).await.unwrap();
    assert!(kit.row(&run).await.cancel_requested);
    assert_eq!(kit.records(&run).await.len(), 3);
}

/// The same run id in two namespaces names two runs.
pub async fn namespaces_keep_runs_apart(kit: Kit) {
    let run = kit.make(kit.start()).await;
    let mut twin = kit.start().in_namespace("other");
    twin.run.run = run.run;
    twin.started.workflow = name("another");
    let other = kit.make(twin).await;
    kit.commit(kit.cancel(&other)).await.unwrap();
    assert_eq!((kit.row(&run).await.workflow, kit.row(&run).await.cancel_requested), (name("report"), false));
    assert_eq!((kit.row(&other).await.workflow, kit.row(&other).await.cancel_requested), (name("another"), true));
    assert_eq!((kit.records(&run).await.len(), kit.records(&other).await.len()), (1, 2));
}

/// Nobody adds to a run that has ended.
pub async fn an_ended_run_takes_no_record(kit: Kit) {
    let held = kit.held().await;
    let run = held.run.clone();
    let late = held.clone();
    held.end(&kit).await;
    let before = (kit.row(&run).await, kit.records(&run).await);
    let answer = kit.commit(late.commit(&kit, vec![computed("x")])).await;
    assert_answer!(answer, Err(CommitError::Terminal { status: RunStatus::Completed }));
    let answer = kit.commit(kit.cancel(&run)).await;
    assert_answer!(answer, Err(CommitError::Terminal { status: RunStatus::Completed }));
    assert_eq!((kit.row(&run).await, kit.records(&run).await), before);
}

/// Neither claims nor heartbeats nor releases change a run that has ended.
pub async fn an_ended_run_never_changes(kit: Kit) {
    let held = kit.hold(kit.start().deadline(kit.now().after(super::MINUTE))).await;
    let (run, worker, fence) = (held.run.clone(), held.worker, held.fence);
    kit.commit(kit.cancel(&run)).await.unwrap();
    let tail = Seq::new(held.tail.as_u64() + 1).unwrap();
    super::kit::Held { tail, ..held }.end(&kit).await;
    let before = (kit.row(&run).await, kit.records(&run).await);
    kit.clock.advance(super::MINUTE * 2);
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    assert!(kit.claim_run(kit.worker(), &run).await.is_none());
    let beats = kit.store.heartbeat(worker, &[(run.clone(), fence)]).await.unwrap();
    assert_eq!(beats, vec![kneo_core::store::Beat::Lost]);
    kit.store.release(&run, fence).await.unwrap();
    assert_eq!((kit.row(&run).await, kit.records(&run).await), before);
}
