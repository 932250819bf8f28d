//! What dropping a future does.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use kneo_core::Namespace;
use kneo_core::store::{Beat, ClaimAsk, LEASE, Page, RunQuery};

use super::kit::{Kit, computed};

/// Polls a future once and drops it.
fn start_and_drop(future: impl Future) {
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

/// A commit that was polled once is done, once, although nobody waits for it.
pub async fn a_dropped_commit_is_done_once(kit: Kit) {
    let mut held = kit.held().await;
    for step in 0..50 {
        let commit = held.commit(&kit, vec![computed(&step.to_string())]);
        start_and_drop(kit.store.commit(vec![commit.clone()]));
        let expected = held.tail.plus(1);
        kit.eventually("a dropped commit was done", || async { kit.row(&held.run).await.tail == expected }).await;
        held.tail = expected;
        assert_eq!(kit.commit(commit).await.unwrap().tail, expected);
    }
    assert_eq!(kit.records(&held.run).await.len(), 51);
}

/// Commits that are dropped while others wait are all done, and nobody else's is lost.
pub async fn dropped_commits_do_not_hinder_others(kit: Kit) {
    let work = |dropped: bool| {
        let kit = kit.clone();
        tokio::spawn(async move {
            let held = kit.held().await;
            for step in 0..20u64 {
                let at = super::kit::Held { tail: held.tail.plus(step), ..held.clone() };
                let commit = at.commit(&kit, vec![computed(&step.to_string())]);
                if dropped {
                    start_and_drop(kit.store.commit(vec![commit]));
                    let tail = held.tail.plus(step + 1);
                    kit.eventually("a commit was done", || async { kit.row(&held.run).await.tail == tail }).await;
                } else {
                    kit.commit(commit).await.unwrap();
                }
            }
            assert_eq!(kit.records(&held.run).await.len(), 21);
        })
    };
    let workers: Vec<_> = (0..8).map(|at| work(at % 2 == 0)).collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

/// A commit whose future was never polled never happens.
pub async fn a_commit_that_was_never_polled_never_happens(kit: Kit) {
    let mut held = kit.held().await;
    drop(kit.store.commit(vec![held.commit(&kit, vec![computed("never")])]));
    held.append(&kit, vec![computed("x")]).await;
    let records = kit.records(&held.run).await;
    assert_eq!((records.len(), records[1].record.event()), (2, &computed("x")));
}

/// A claim that is dropped happened or not; either way the run is claimable again in time.
pub async fn a_dropped_claim_loses_no_run(kit: Kit) {
    let run = kit.make(kit.start()).await;
    for _ in 0..20 {
        let (namespace, plans) = (Namespace::default(), [kit.plan]);
        let ask = ClaimAsk { worker: kit.worker(), namespace: &namespace, run: None, plans: &plans, max: 1 };
        start_and_drop(kit.store.claim(ask));
        // Whether it happened shows only later: after a lease's time there is nothing to wait for.
        kit.eventually("the run could be claimed again", || async {
            kit.clock.advance(LEASE);
            let claimed = kit.claim_run(kit.worker(), &run).await;
            if let Some(held) = &claimed {
                kit.store.release(&run, held.fence).await.unwrap();
            }
            claimed.is_some()
        })
        .await;
    }
}

/// Reads that are dropped change nothing.
pub async fn dropped_reads_change_nothing(kit: Kit) {
    let mut held = kit.held().await;
    held.append(&kit, vec![computed("x")]).await;
    for _ in 0..20 {
        start_and_drop(kit.store.run(&held.run));
        start_and_drop(kit.store.records(&held.run, None, 10));
        start_and_drop(kit.store.runs(&RunQuery::default(), Page::default()));
        start_and_drop(kit.store.ready_plans(&held.run.namespace));
        start_and_drop(kit.store.audit(&held.run));
    }
    held.append(&kit, vec![computed("y")]).await;
    assert_eq!(kit.records(&held.run).await.len(), 3);
}

/// A heartbeat or a release that is dropped happened or not; the lease is never somebody else's for it.
pub async fn dropped_heartbeats_and_releases_are_harmless(kit: Kit) {
    let held = kit.held().await;
    let pair = [(held.run.clone(), held.fence)];
    start_and_drop(kit.store.heartbeat(held.worker, &pair));
    let beats = kit.store.heartbeat(held.worker, &pair).await.unwrap();
    assert!(matches!(beats[..], [Beat::Held { .. }]), "{beats:?}");
    start_and_drop(kit.store.release(&held.run, held.fence));
    kit.eventually("the release was done or could be", || async {
        kit.store.release(&held.run, held.fence).await.unwrap();
        kit.row(&held.run).await.holder.is_none()
    })
    .await;
    assert!(kit.claim_run(kit.worker(), &held.run).await.is_some());
}
