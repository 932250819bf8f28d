//! Only the holder of the present lease, who knows every record, gets a run on.

use std::time::Duration;

use kneo_core::event::Event;
use kneo_core::store::{CommitError, LEASE};
use kneo_core::{Fence, RunStatus, Seq};

use super::kit::{Held, Kit, assert_answer, claimed, computed, ended, hold, large};

/// A holder whose lease was taken by another is refused, and told by whom.
pub async fn a_stale_holder_is_refused(kit: Kit) {
    let old = kit.held().await;
    kit.clock.advance(LEASE);
    let new = kit.claim_run(kit.worker(), &old.run).await.unwrap();
    let answer = kit.commit(old.commit(&kit, vec![computed("late")])).await;
    assert_answer!(answer, Err(CommitError::LeaseLost { holder }) if holder == Some(new.worker));
    let answer = kit.commit(old.parting(&kit, vec![ended()])).await;
    assert_answer!(answer, Err(CommitError::LeaseLost { .. }));
    let row = kit.row(&old.run).await;
    assert_eq!((row.status, row.tail, row.holder), (RunStatus::Queued, old.tail, Some(new.worker)));
}

/// The epoch of a lease is that of the claim, not of the worker: one that claims again is another holder.
pub async fn a_worker_that_claims_again_has_a_new_epoch(kit: Kit) {
    let old = kit.held().await;
    kit.clock.advance(LEASE);
    let mut new = kit.claim_run(old.worker, &old.run).await.unwrap();
    assert!(new.fence > old.fence);
    let answer = kit.commit(old.commit(&kit, vec![computed("late")])).await;
    assert_answer!(answer, Err(CommitError::LeaseLost { .. }));
    new.append(&kit, vec![computed("x")]).await;
}

/// A fence that was never given is refused.
pub async fn a_fence_of_the_future_is_refused(kit: Kit) {
    let held = kit.held().await;
    for fence in [held.fence.next(), Fence::new(1 << 60)] {
        let forged = Held { fence, ..held.clone() };
        let answer = kit.commit(forged.commit(&kit, vec![computed("x")])).await;
        assert_answer!(answer, Err(CommitError::LeaseLost { .. }));
    }
}

/// The right fence in another worker's hands is refused.
pub async fn another_workers_fence_is_refused(kit: Kit) {
    let held = kit.held().await;
    let thief = Held { worker: kit.worker(), ..held.clone() };
    let answer = kit.commit(thief.commit(&kit, vec![computed("x")])).await;
    assert_answer!(answer, Err(CommitError::LeaseLost { holder }) if holder == Some(held.worker));
}

/// A holder that does not know every record is told up to where they go, keeps its lease, and gets on once it does.
pub async fn a_holder_that_is_behind_catches_up(kit: Kit) {
    let mut held = kit.held().await;
    let tail = kit.commit(kit.cancel(&held.run)).await.unwrap().tail;
    let answer = kit.commit(held.commit(&kit, vec![computed("x")])).await;
    assert_answer!(answer, Err(CommitError::Behind { tail: told }) if told == tail);
    let lacking = kit.store.records(&held.run, Some(held.tail), 10).await.unwrap();
    assert_answer!(lacking[0].record.event(), Event::CancelRequested { .. });
    held.tail = tail;
    assert_eq!(held.append(&kit, vec![computed("x")]).await.first, Seq::new(3).unwrap());
}

/// A holder that expects records that are not there is refused.
pub async fn a_holder_that_is_ahead_is_refused(kit: Kit) {
    let held = kit.held().await;
    let ahead = Held { tail: held.tail.plus(1), ..held.clone() };
    let answer = kit.commit(ahead.commit(&kit, vec![computed("x")])).await;
    assert_answer!(answer, Err(CommitError::Behind { tail }) if tail == held.tail);
}

/// A holder's commit extends its lease.
pub async fn a_commit_extends_the_lease(kit: Kit) {
    let mut held = kit.held().await;
    for _ in 0..4 {
        kit.clock.advance(LEASE - Duration::from_secs(1));
        let answer = held.append(&kit, vec![computed("x")]).await;
        assert_eq!((answer.fence, answer.lease_until), (Some(held.fence), Some(kit.now().after(LEASE))));
        assert!(kit.claim(kit.worker(), 10).await.is_empty());
    }
    assert_eq!(kit.row(&held.run).await.lease_until, Some(kit.now().after(LEASE)));
}

/// A lease that ran out is still the holder's as long as nobody claimed the run.
pub async fn a_late_holder_goes_on_if_nobody_claimed(kit: Kit) {
    let mut held = kit.held().await;
    kit.clock.advance(LEASE * 10);
    let answer = held.append(&kit, vec![computed("late")]).await;
    assert_eq!(answer.lease_until, Some(kit.now().after(LEASE)));
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
}

/// The commit that parks a run can give the lease back; after that the former holder is refused.
pub async fn a_commit_can_release_the_lease(kit: Kit) {
    let mut held = kit.held().await;
    let answer = kit.commit(held.parting(&kit, vec![computed("x")])).await.unwrap();
    assert_eq!((answer.fence, answer.lease_until), (None, None));
    held.tail = answer.tail;
    let row = kit.row(&held.run).await;
    assert_eq!((row.holder, row.lease_until, row.fence), (None, None, held.fence));
    let answer = kit.commit(held.commit(&kit, vec![computed("y")])).await;
    assert_answer!(answer, Err(CommitError::LeaseLost { holder: None }));
}

/// The commit that ends a run releases its lease, whether it says so or not.
pub async fn the_end_releases_the_lease(kit: Kit) {
    let held = kit.held().await;
    let answer = kit.commit(held.commit(&kit, vec![ended()])).await.unwrap();
    assert_eq!((answer.fence, answer.lease_until), (None, None));
    let row = kit.row(&held.run).await;
    assert_eq!((row.holder, row.lease_until), (None, None));
}

/// Of a refused commit nothing remains: no record, task, hold, blob, outbox or audit row.
pub async fn a_refused_commit_leaves_nothing(kit: Kit) {
    let held = kit.held().await;
    kit.commit(kit.cancel(&held.run)).await.unwrap();
    let (row, records) = (kit.row(&held.run).await, kit.records(&held.run).await);
    let audit = kit.store.audit(&held.run).await.unwrap();
    let feed = kit.store.feed(&held.run.namespace, Default::default(), 100).await.unwrap();
    let task = kit.task_id();
    let blob = Event::StepComputed { via: None, output: large("never kept ") };
    let events = vec![claimed(&held), kit.question(task, &[], None), blob, ended()];
    assert_answer!(kit.commit(held.parting(&kit, events)).await, Err(CommitError::Behind { .. }));
    assert_eq!((kit.row(&held.run).await, kit.records(&held.run).await), (row, records));
    assert_eq!(kit.store.task(&held.run.namespace, task).await.unwrap(), None);
    assert!(kit.store.outbox(&held.run.namespace, 100).await.unwrap().is_empty());
    assert_eq!(kit.store.audit(&held.run).await.unwrap(), audit);
    assert_eq!(kit.store.feed(&held.run.namespace, Default::default(), 100).await.unwrap(), feed);
}

/// A start that is refused for its hold leaves nothing, and above all no run.
pub async fn a_refused_start_leaves_nothing(kit: Kit) {
    kit.make(kit.start().holding(&[("workflow", "b", 0)])).await;
    let start = kit.start().key("k", "c").labels(&[("l", "v")]).holding(&[("workflow", "a", 0), ("workflow", "b", 0)]);
    let run = start.run.clone();
    assert_answer!(kit.commit(start.leased(&kit, kit.worker())).await, Err(CommitError::Conflict { .. }));
    assert_eq!(kit.store.run(&run).await.unwrap(), None);
    assert!(kit.records(&run).await.is_empty());
    assert!(kit.store.audit(&run).await.unwrap().is_empty());
    let free = kit.start().key("k", "other");
    let mut free = free;
    free.started.holds = vec![hold("workflow", "a", 0)];
    kit.make(free).await;
}
