//! Deleting what has ended.

use std::time::Duration;

use kneo_core::store::{Page, Retention, RunQuery, TaskQuery};
use kneo_core::{Namespace, Timestamp};

use super::kit::{Kit, large, namespace};

fn retention(ended_before: Timestamp, max: usize) -> Retention {
    Retention { namespace: Namespace::default(), ended_before, max }
}

/// A deleted run leaves nothing behind, and its key, slots and id are free.
pub async fn a_deleted_run_leaves_nothing(kit: Kit) {
    let start = kit.start().key("k", "c").holding(&[("pool", "a", 0)]).labels(&[("l", "v")]).input(large("in "));
    let (mut held, task) = (kit.hold(start).await, kit.task_id());
    held.append(&kit, vec![kit.question(task, &["ana"], None)]).await;
    let run = held.run.clone();
    held.end(&kit).await;
    let pruned = kit.store.prune(&retention(Timestamp::MAX, 10)).await.unwrap();
    assert_eq!((pruned.runs, pruned.blobs), (1, 1));
    assert_eq!(kit.store.run(&run).await.unwrap(), None);
    assert!(kit.records(&run).await.is_empty());
    assert!(kit.store.audit(&run).await.unwrap().is_empty());
    assert!(kit.store.outbox(&run.namespace, 10).await.unwrap().is_empty());
    assert_eq!(kit.store.task(&run.namespace, task).await.unwrap(), None);
    let mut tasks = TaskQuery::default();
    tasks.include_closed = true;
    assert!(kit.store.tasks(&tasks, Page::default()).await.unwrap().is_empty());
    let mut again = kit.start().key("k", "c").holding(&[("pool", "a", 0)]).labels(&[("m", "w")]);
    again.run = run.clone();
    kit.make(again).await;
    assert_eq!(kit.records(&run).await.len(), 1);
    assert_eq!(kit.row(&run).await.labels.len(), 1);
}

/// Live runs are never deleted, however old.
pub async fn live_runs_are_never_deleted(kit: Kit) {
    let (queued, held) = (kit.make(kit.start()).await, kit.held().await);
    let parked = held.run.clone();
    held.park(&kit, None).await;
    kit.clock.advance(Duration::from_secs(1 << 30));
    assert_eq!(kit.store.prune(&retention(Timestamp::MAX, 10)).await.unwrap(), Default::default());
    kit.row(&queued).await;
    assert_eq!(kit.records(&parked).await.len(), 2);
}

/// Only runs that ended before the given time are deleted, the oldest first, and no more than asked for.
pub async fn the_oldest_are_deleted_first(kit: Kit) {
    let mut runs = Vec::new();
    for _ in 0..5 {
        let held = kit.held().await;
        runs.push((kit.now(), held.run.clone()));
        held.end(&kit).await;
        kit.clock.advance(super::MINUTE);
    }
    let left = async || kit.store.runs(&RunQuery::default(), Page::default()).await.unwrap().len();
    assert_eq!(kit.store.prune(&retention(runs[0].0, 10)).await.unwrap().runs, 0);
    assert_eq!(kit.store.prune(&retention(runs[3].0, 2)).await.unwrap().runs, 2);
    assert_eq!(left().await, 3);
    assert_eq!(kit.store.run(&runs[1].1).await.unwrap(), None);
    assert_eq!(kit.store.prune(&retention(runs[3].0, 2)).await.unwrap().runs, 1);
    assert_eq!(kit.store.prune(&retention(runs[3].0, 2)).await.unwrap().runs, 0);
    kit.row(&runs[3].1).await;
    assert_eq!(kit.store.prune(&retention(Timestamp::MAX, 0)).await.unwrap().runs, 0);
}

/// Deleting stays in its namespace.
pub async fn deleting_stays_in_its_namespace(kit: Kit) {
    let held = kit.hold(kit.start().in_namespace("other")).await;
    let run = held.run.clone();
    held.end(&kit).await;
    assert_eq!(kit.store.prune(&retention(Timestamp::MAX, 10)).await.unwrap().runs, 0);
    kit.row(&run).await;
    let other = Retention { namespace: namespace("other"), ended_before: Timestamp::MAX, max: 10 };
    assert_eq!(kit.store.prune(&other).await.unwrap().runs, 1);
}
