//! The fault-injecting wrapper: right when it does nothing, and wrong in the way it says.

use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::clock::Clock;
use kneo_core::store::{CommitError, Store, StoreError};
use kneo_store::conformance::{StoreBuilder, Traits};
use kneo_store::fault::{Call, Fault, FaultyStore, Gate, Op};
use kneo_store::{MemoryStore, SystemClock};

use super::kit::{Held, cancel, commit, put_plan, worker};

struct Slow;

#[async_trait]
impl StoreBuilder for Slow {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(clock)), |_| Fault::Slow(2)))
    }

    fn traits(&self) -> Traits {
        Traits { durable: false, sees_gone_workers: false }
    }
}

kneo_store::conformance_tests!(Slow);

/// A store with one run, and the same store behind a script.
async fn behind(script: impl Fn(Call) -> Fault + Send + Sync + 'static) -> (Arc<dyn Store>, FaultyStore, Held) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    put_plan(&*store).await;
    let held = Held::new(&*store).await;
    (Arc::clone(&store), FaultyStore::new(store, script), held)
}

fn is_unavailable(error: &CommitError, may_have_happened: bool) -> bool {
    matches!(error, CommitError::Store(StoreError::Unavailable { unknown, .. }) if *unknown == may_have_happened)
}

#[tokio::test]
async fn a_refused_call_did_not_happen() {
    let (store, faulty, held) = behind(|call| match call {
        Call { op: Op::Commit, nth: 1, .. } => Fault::Refuse,
        _ => Fault::None,
    })
    .await;
    let step = held.step("x");
    let error = commit(&faulty, step.clone()).await.unwrap_err();
    assert!(is_unavailable(&error, false), "{error:?}");
    assert_eq!(store.run(&held.run).await.unwrap().unwrap().tail, held.tail);
    commit(&faulty, step).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    for fault in [Fault::LoseAnswer, Fault::Drop] {
        let (store, faulty, held) = behind(move |call| match call.nth {
            1 => fault.clone(),
            _ => Fault::None,
        })
        .await;
        let step = held.step("x");
        let error = commit(&faulty, step.clone()).await.unwrap_err();
        assert!(is_unavailable(&error, true), "{error:?}");
        assert_eq!(store.run(&held.run).await.unwrap().unwrap().tail, held.tail.plus(1));
        assert_eq!(commit(&faulty, step).await.unwrap().tail, held.tail.plus(1));
    }
}

#[tokio::test]
async fn a_call_waits_before_its_gate() {
    let gate = Gate::closed();
    let (store, faulty, held) = {
        let gate = gate.clone();
        behind(move |_| Fault::Wait(gate.clone())).await
    };
    let step = held.step("x");
    let waiting = tokio::spawn(async move { commit(&faulty, step).await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.run(&held.run).await.unwrap().unwrap().tail, held.tail);
    gate.open();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn every_method_can_be_made_to_fail() {
    let (_, faulty, held) = behind(|_| Fault::Refuse).await;
    let ns = &held.run.namespace;
    assert!(commit(&faulty, cancel(&held.run)).await.is_err());
    let ask = kneo_core::store::ClaimAsk { worker: worker(), namespace: ns, run: None, plans: &[], max: 1 };
    assert!(faulty.claim(ask).await.is_err());
    assert!(faulty.ready_plans(ns).await.is_err());
    assert!(faulty.heartbeat(held.worker, &[(held.run.clone(), held.fence)]).await.is_err());
    assert!(faulty.release(&held.run, held.fence).await.is_err());
    assert!(faulty.put_plan(super::kit::plan(), Default::default()).await.is_err());
    assert!(faulty.plan(super::kit::plan()).await.is_err());
    assert!(faulty.run(&held.run).await.is_err());
    assert!(faulty.runs(&Default::default(), Default::default()).await.is_err());
    assert!(faulty.records(&held.run, None, 1).await.is_err());
    assert!(faulty.task(ns, kneo_core::TaskId::from_bytes([1; 16])).await.is_err());
    assert!(faulty.tasks(&Default::default(), Default::default()).await.is_err());
    assert!(faulty.feed(ns, Default::default(), 1).await.is_err());
    assert!(faulty.outbox(ns, 1).await.is_err());
    assert!(faulty.outbox_done(ns, &[]).await.is_err());
    assert!(faulty.audit(&held.run).await.is_err());
    let retention =
        kneo_core::store::Retention { namespace: ns.clone(), ended_before: kneo_core::Timestamp::MAX, max: 1 };
    assert!(faulty.prune(&retention).await.is_err());
}
