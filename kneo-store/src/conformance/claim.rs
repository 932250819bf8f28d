//! Claims: the one way to a run that somebody else made or left.

use std::collections::BTreeSet;
use std::time::Duration;

use kneo_core::event::{Event, Parked};
use kneo_core::store::{ClaimAsk, LEASE};
use kneo_core::{Digest, Namespace, RunId, RunStatus};

use super::MINUTE;
use super::kit::{Kit, claimed, computed, entered, namespace};

/// A claim gives the run, its plan, its last record, and a lease.
pub async fn a_claim_gives_a_lease(kit: Kit) {
    let (run, worker) = (kit.make(kit.start()).await, kit.worker());
    let claims = kit.claim(worker, 10).await;
    assert_eq!(claims.len(), 1);
    let claim = &claims[0];
    assert_eq!((&claim.run, claim.plan, claim.tail.as_u64(), claim.fruitless), (&run, kit.plan, 1, 1));
    let row = kit.row(&run).await;
    assert_eq!((row.holder, row.fence, row.lease_until), (Some(worker), claim.fence, Some(kit.now().after(LEASE))));
    assert_eq!(row.status, RunStatus::Queued);
}

/// A run is given to one worker.
pub async fn a_claimed_run_is_not_given_again(kit: Kit) {
    let run = kit.make(kit.start()).await;
    let worker = kit.worker();
    assert_eq!(kit.claim(worker, 10).await.len(), 1);
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    assert!(kit.claim(worker, 10).await.is_empty());
    assert!(kit.claim_run(kit.worker(), &run).await.is_none());
}

/// A run whose plan the worker does not know is left to others.
pub async fn an_unknown_plan_is_left_to_others(kit: Kit) {
    let other = kit.keep_plan(b"another plan").await;
    let run = kit.make(kit.start().plan(other)).await;
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    assert!(kit.claim_with(kit.worker(), &[], 10).await.is_empty());
    assert!(kit.claim_run(kit.worker(), &run).await.is_none());
    assert_eq!(kit.claim_with(kit.worker(), &[kit.plan, other], 10).await.len(), 1);
}

/// A run that waits for a time is given out when it has come.
pub async fn a_timer_makes_a_run_ready(kit: Kit) {
    let held = kit.held().await;
    held.park(&kit, Some(kit.now().after(MINUTE))).await;
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    kit.clock.advance(MINUTE - Duration::from_micros(1));
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    kit.clock.advance(Duration::from_micros(1));
    assert_eq!(kit.claim(kit.worker(), 10).await.len(), 1);
}

/// A run that waits for people alone is given out only when one has come.
pub async fn a_waiting_run_is_left_alone(kit: Kit) {
    let held = kit.held().await;
    let run = held.run.clone();
    held.park(&kit, None).await;
    kit.clock.advance(MINUTE * 60 * 24 * 365);
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    assert!(kit.claim_run(kit.worker(), &run).await.is_none());
}

/// A run that is asked to stop is given to any worker, whatever plans it knows.
pub async fn a_run_asked_to_stop_needs_no_plan(kit: Kit) {
    let held = kit.held().await;
    let run = held.run.clone();
    held.park(&kit, None).await;
    kit.commit(kit.cancel(&run)).await.unwrap();
    assert_eq!(kit.claim_with(kit.worker(), &[], 10).await.len(), 1);
}

/// A request to stop keeps a run claimable, although its holder parks it for ever.
pub async fn a_request_to_stop_outlives_parking(kit: Kit) {
    let mut held = kit.held().await;
    held.tail = kit.commit(kit.cancel(&held.run)).await.unwrap().tail;
    held.park(&kit, None).await;
    assert_eq!(kit.claim_with(kit.worker(), &[], 10).await.len(), 1);
}

/// A run past its deadline is given to any worker, whatever plans it knows.
pub async fn a_run_past_its_deadline_needs_no_plan(kit: Kit) {
    let held = kit.hold(kit.start().deadline(kit.now().after(MINUTE))).await;
    held.park(&kit, None).await;
    kit.clock.advance(MINUTE - Duration::from_micros(1));
    assert!(kit.claim_with(kit.worker(), &[], 10).await.is_empty());
    kit.clock.advance(Duration::from_micros(1));
    assert_eq!(kit.claim_with(kit.worker(), &[], 10).await.len(), 1);
}

/// A live lease keeps others away, also from a run that should stop.
pub async fn a_live_lease_keeps_others_away(kit: Kit) {
    let held = kit.hold(kit.start().deadline(kit.now().after(Duration::from_secs(1)))).await;
    kit.commit(kit.cancel(&held.run)).await.unwrap();
    kit.clock.advance(LEASE - Duration::from_micros(1));
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
}

/// A running run that nobody holds is claimable, whatever it waited for.
pub async fn a_running_run_without_a_holder_is_claimable(kit: Kit) {
    let mut held = kit.held().await;
    let parked = Event::RunParked { status: Parked::Running, ready_at: Some(kit.now().after(MINUTE)) };
    held.append(&kit, vec![claimed(&held), parked]).await;
    kit.store.release(&held.run, held.fence).await.unwrap();
    assert_eq!(kit.claim(kit.worker(), 10).await.len(), 1);
}

/// A claim can ask for one run.
pub async fn a_claim_can_name_its_run(kit: Kit) {
    kit.make(kit.start()).await;
    let wanted = kit.make(kit.start()).await;
    kit.make(kit.start()).await;
    let held = kit.claim_run(kit.worker(), &wanted).await.unwrap();
    assert_eq!(held.run, wanted);
    assert_eq!(kit.claim(kit.worker(), 10).await.len(), 2);
    let ask = ClaimAsk {
        worker: kit.worker(),
        namespace: &Namespace::default(),
        run: Some(RunId::from_bytes([9; 16])),
        plans: &[kit.plan],
        max: 1,
    };
    assert!(kit.store.claim(ask).await.unwrap().is_empty());
}

/// A claim takes no more than it asks for, and those first that have waited longest.
pub async fn the_longest_wait_comes_first(kit: Kit) {
    let mut runs = Vec::new();
    for wait in [5, 3, 9, 1, 7] {
        let held = kit.held().await;
        runs.push((wait, held.run.clone()));
        held.park(&kit, Some(kit.now().after(Duration::from_secs(wait)))).await;
    }
    kit.clock.advance(MINUTE);
    runs.sort();
    assert!(kit.claim(kit.worker(), 0).await.is_empty());
    for pair in runs.chunks(2) {
        let claims: Vec<_> = kit.claim(kit.worker(), 2).await.into_iter().map(|claim| claim.run).collect();
        assert_eq!(claims, pair.iter().map(|(_, run)| run.clone()).collect::<Vec<_>>());
    }
}

/// Claims stay in their namespace.
pub async fn claims_stay_in_their_namespace(kit: Kit) {
    let run = kit.make(kit.start().in_namespace("other")).await;
    kit.commit(kit.cancel(&run)).await.unwrap();
    assert!(kit.claim(kit.worker(), 10).await.is_empty());
    let other = namespace("other");
    let ask = ClaimAsk { worker: kit.worker(), namespace: &other, run: None, plans: &[kit.plan], max: 10 };
    assert_eq!(kit.store.claim(ask).await.unwrap().len(), 1);
}

/// The plans of ready runs are those under which a claim would give a run, each once.
pub async fn ready_plans_are_those_of_claims(kit: Kit) {
    let plans: Vec<Digest> = {
        let names: [&'static [u8]; 6] = [b"ready", b"later", b"never", b"held", b"stopping", b"overdue"];
        let mut plans = Vec::new();
        for bytes in names {
            plans.push(kit.keep_plan(bytes).await);
        }
        plans
    };
    let ready = async || kit.store.ready_plans(&Namespace::default()).await.unwrap();
    let set = |plans: &[Digest]| plans.iter().copied().collect::<BTreeSet<Digest>>();
    assert!(ready().await.is_empty());
    kit.make(kit.start().plan(plans[0])).await;
    kit.make(kit.start().plan(plans[0])).await;
    kit.hold(kit.start().plan(plans[1])).await.park(&kit, Some(kit.now().after(MINUTE))).await;
    kit.hold(kit.start().plan(plans[2])).await.park(&kit, None).await;
    kit.hold(kit.start().plan(plans[3])).await;
    let stopping = kit.hold(kit.start().plan(plans[4])).await;
    let run = stopping.run.clone();
    stopping.park(&kit, None).await;
    kit.commit(kit.cancel(&run)).await.unwrap();
    let soon = kit.now().after(Duration::from_secs(1));
    kit.hold(kit.start().plan(plans[5]).deadline(soon)).await.park(&kit, None).await;
    assert_eq!(ready().await.len(), 2);
    assert_eq!(set(&ready().await), set(&[plans[0], plans[4]]));
    kit.clock.advance(Duration::from_secs(2));
    assert_eq!(set(&ready().await), set(&[plans[0], plans[4], plans[5]]));
    kit.clock.advance(MINUTE);
    assert_eq!(set(&ready().await), set(&[plans[0], plans[1], plans[3], plans[4], plans[5]]));
    let claims = kit.claim_with(kit.worker(), &plans, 100).await;
    assert_eq!(claims.len(), 6);
    assert!(ready().await.is_empty());
    assert!(kit.store.ready_plans(&namespace("other")).await.unwrap().is_empty());
}

/// A run that is claimed again and again without getting on is counted.
pub async fn fruitless_claims_are_counted(kit: Kit) {
    let run = kit.make(kit.start()).await;
    for count in 1..=3 {
        let claims = kit.claim(kit.worker(), 1).await;
        assert_eq!(claims[0].fruitless, count);
        kit.clock.advance(LEASE);
    }
    let mut held = kit.claim_run(kit.worker(), &run).await.unwrap();
    let event = claimed(&held);
    held.append(&kit, vec![event, entered()]).await;
    assert_eq!(kit.row(&run).await.fruitless, 4);
    held.append(&kit, vec![computed("got on")]).await;
    assert_eq!(kit.row(&run).await.fruitless, 0);
    kit.store.release(&run, held.fence).await.unwrap();
    assert_eq!(kit.claim(kit.worker(), 1).await[0].fruitless, 1);
}

/// The lease that a creator takes counts as a claim.
pub async fn a_creators_lease_counts_as_a_claim(kit: Kit) {
    let held = kit.held().await;
    assert_eq!(kit.row(&held.run).await.fruitless, 1);
    kit.clock.advance(LEASE);
    assert_eq!(kit.claim(kit.worker(), 1).await[0].fruitless, 2);
}

/// Eight workers that claim at the same moment share the runs: each goes to one of them.
pub async fn eight_workers_share_the_runs(kit: Kit) {
    let mut runs = BTreeSet::new();
    for _ in 0..40 {
        runs.insert(kit.make(kit.start()).await);
    }
    let work = |_| {
        let kit = kit.clone();
        tokio::spawn(async move {
            let (worker, mut mine) = (kit.worker(), Vec::new());
            loop {
                let claims = kit.claim(worker, 3).await;
                if claims.is_empty() {
                    return mine;
                }
                mine.extend(claims.into_iter().map(|claim| claim.run));
            }
        })
    };
    let workers: Vec<_> = (0..8).map(work).collect();
    let mut given = Vec::new();
    for worker in workers {
        given.extend(worker.await.unwrap());
    }
    assert_eq!(given.len(), 40);
    assert_eq!(given.into_iter().collect::<BTreeSet<_>>(), runs);
}
