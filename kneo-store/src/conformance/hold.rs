//! Slots that one live run holds at a time.

use kneo_core::store::CommitError;

use super::kit::{Kit, assert_answer};

/// A slot belongs to one run; another is told to whom.
pub async fn a_slot_is_held_by_one_run(kit: Kit) {
    let first = kit.make(kit.start().holding(&[("workflow", "report", 0)])).await;
    let second = kit.commit(kit.start().holding(&[("workflow", "report", 0)]).commit(&kit)).await;
    assert_answer!(second, Err(CommitError::Conflict { key, holder }) if &*key == "report" && holder == first.run);
}

/// Another scope, key, slot or namespace is another slot.
pub async fn other_slots_are_free(kit: Kit) {
    kit.make(kit.start().holding(&[("workflow", "report", 0)])).await;
    kit.make(kit.start().holding(&[("customer", "report", 0)])).await;
    kit.make(kit.start().holding(&[("workflow", "report 2", 0)])).await;
    kit.make(kit.start().holding(&[("workflow", "report", 1)])).await;
    kit.make(kit.start().in_namespace("other").holding(&[("workflow", "report", 0)])).await;
}

/// A run takes all its slots or none.
pub async fn slots_are_taken_all_or_none(kit: Kit) {
    kit.make(kit.start().holding(&[("pool", "b", 0)])).await;
    let both = kit.start().holding(&[("pool", "a", 0), ("pool", "b", 0), ("pool", "c", 0)]);
    assert_answer!(kit.commit(both.commit(&kit)).await, Err(CommitError::Conflict { .. }));
    kit.make(kit.start().holding(&[("pool", "a", 0), ("pool", "c", 0)])).await;
}

/// The end of a run frees its slots, and nothing else does.
pub async fn the_end_frees_the_slots(kit: Kit) {
    let mut held = kit.hold(kit.start().holding(&[("pool", "a", 0), ("pool", "a", 1)])).await;
    held.append(&kit, vec![super::kit::computed("x")]).await;
    let run = held.run.clone();
    held.park(&kit, None).await;
    let answer = kit.commit(kit.start().holding(&[("pool", "a", 1)]).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::Conflict { .. }));
    kit.commit(kit.cancel(&run)).await.unwrap();
    kit.claim_run(kit.worker(), &run).await.unwrap().end(&kit).await;
    kit.make(kit.start().holding(&[("pool", "a", 0), ("pool", "a", 1)])).await;
}

/// A slot stays with its run when the lease is lost: it belongs to the run, not to the worker.
pub async fn a_slot_outlives_the_lease(kit: Kit) {
    let held = kit.hold(kit.start().holding(&[("pool", "a", 0)])).await;
    kit.clock.advance(kneo_core::store::LEASE * 2);
    let answer = kit.commit(kit.start().holding(&[("pool", "a", 0)]).commit(&kit)).await;
    assert_answer!(answer, Err(CommitError::Conflict { holder, .. }) if holder == held.run.run);
}

/// Of sixteen starts that want one slot at the same moment one gets it.
pub async fn sixteen_want_a_slot_and_one_gets_it(kit: Kit) {
    let start = |_| {
        let kit = kit.clone();
        tokio::spawn(async move {
            let start = kit.start().holding(&[("pool", "a", 0)]);
            let run = start.run.run;
            (run, kit.commit(start.commit(&kit)).await)
        })
    };
    let tasks: Vec<_> = (0..16).map(start).collect();
    let (mut winners, mut told) = (Vec::new(), Vec::new());
    for joined in tasks {
        match joined.await.unwrap() {
            (run, Ok(_)) => winners.push(run),
            (_, Err(CommitError::Conflict { holder, .. })) => told.push(holder),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((winners.len(), told.len()), (1, 15));
    assert!(told.iter().all(|holder| *holder == winners[0]));
}
