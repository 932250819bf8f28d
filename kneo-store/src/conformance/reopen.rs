//! What a store still knows when it is opened again.

use kneo_core::store::{Beat, Durability, LEASE, Page, RunQuery, Watermark};
use kneo_core::task::Decision;
use kneo_core::Namespace;

use super::kit::{Kit, assert_answer, computed, large};

/// A durable store knows everything again; one that lives with its process knows nothing, and says so.
pub async fn everything_is_there_again(kit: Kit) {
    let start = kit.start().key("k", "c").labels(&[("l", "v")]).holding(&[("pool", "a", 0)]).input(large("in "));
    let (mut held, task) = (kit.hold(start).await, kit.task_id());
    held.append(&kit, vec![computed("x"), kit.question(task, &["ana"], None)]).await;
    kit.commit(kit.decide(&held.run, task, "ana", Decision::approve())).await.unwrap();
    let mut ended = kit.held().await;
    ended.append(&kit, vec![computed("y")]).await;
    ended.end(&kit).await;

    let look = async |kit: &Kit| {
        (
            (kit.store.runs(&RunQuery::default(), Page::default()).await.unwrap(), kit.records(&held.run).await),
            kit.store.task(&Namespace::default(), task).await.unwrap(),
            kit.store.audit(&held.run).await.unwrap(),
            kit.store.outbox(&Namespace::default(), 10).await.unwrap(),
            kit.store.feed(&Namespace::default(), Watermark::default(), 100).await.unwrap(),
            kit.store.plan(kit.plan).await.unwrap(),
        )
    };
    let before = look(&kit).await;
    assert!(!before.0.0.is_empty());
    let kit = kit.reopened().await;
    if kit.traits().durable {
        assert_eq!(look(&kit).await, before);
        let taken = kit.commit(kit.start().holding(&[("pool", "a", 0)]).commit(&kit)).await;
        assert_answer!(taken, Err(kneo_core::store::CommitError::Conflict { .. }));
        let started = kit.commit(kit.start().key("k", "c").commit(&kit)).await;
        assert_answer!(started, Err(kneo_core::store::CommitError::Started { .. }));
    } else {
        assert_eq!(kit.store.durability(), Durability::Process);
        assert!(look(&kit).await.0.0.is_empty());
    }
}

/// A commit that was durable answers the same after reopening.
pub async fn a_commit_answers_alike_after_reopening(kit: Kit) {
    let start = kit.start();
    let worker = kit.worker();
    let start = start.leased(&kit, worker);
    let made = kit.commit(start.clone()).await.unwrap();
    let held = super::kit::Held { run: start.run().clone(), worker, fence: made.fence.unwrap(), tail: made.tail };
    let step = held.commit(&kit, vec![computed("x")]);
    let stepped = kit.commit(step.clone()).await.unwrap();
    let cancel = kit.cancel(&held.run);
    let cancelled = kit.commit(cancel.clone()).await.unwrap();
    let kit = kit.reopened().await;
    if kit.traits().durable {
        assert_eq!(kit.commit(start).await.unwrap(), made);
        assert_eq!(kit.commit(step).await.unwrap(), stepped);
        assert_eq!(kit.commit(cancel).await.unwrap(), cancelled);
        assert_eq!(kit.records(&held.run).await.len(), 3);
    } else {
        assert_eq!(kit.store.run(&held.run).await.unwrap(), None);
    }
}

/// The runs of a worker that is gone are claimed at once where the store can see that, else when its lease is over.
pub async fn a_gone_workers_runs_are_claimed(kit: Kit) {
    if !kit.traits().durable {
        assert_eq!(kit.store.durability(), Durability::Process);
        return;
    }
    let held = kit.held().await;
    let kit = kit.reopened().await;
    let claimed = kit.claim_run(kit.worker(), &held.run).await;
    let new = match (claimed, kit.traits().sees_gone_workers) {
        (Some(new), true) => new,
        (None, false) => {
            kit.clock.advance(LEASE);
            kit.claim_run(kit.worker(), &held.run).await.unwrap()
        }
        other => panic!("{other:?}"),
    };
    assert!(new.fence > held.fence);
    let beats = kit.store.heartbeat(held.worker, &[(held.run.clone(), held.fence)]).await.unwrap();
    assert_eq!(beats, vec![Beat::Lost]);
    assert!(kit.commit(held.commit(&kit, vec![computed("late")])).await.is_err());
}

/// Watermarks and outbox numbers go on where they were.
pub async fn numbers_go_on_after_reopening(kit: Kit) {
    kit.held().await.end(&kit).await;
    let feed = kit.store.feed(&Namespace::default(), Watermark::default(), 10).await.unwrap();
    let outbox = kit.store.outbox(&Namespace::default(), 10).await.unwrap();
    kit.store.outbox_done(&Namespace::default(), &[outbox[0].id]).await.unwrap();
    let kit = kit.reopened().await;
    if kit.traits().durable {
        kit.held().await.end(&kit).await;
        let last = feed.last().unwrap().watermark;
        assert_eq!(kit.store.feed(&Namespace::default(), last, 10).await.unwrap().len(), 2);
        let next = kit.store.outbox(&Namespace::default(), 10).await.unwrap();
        assert!(next.len() == 1 && next[0].id > outbox[0].id, "{next:?}");
    } else {
        let feed = kit.store.feed(&Namespace::default(), Watermark::default(), 10).await.unwrap();
        assert!(feed.is_empty());
    }
}
