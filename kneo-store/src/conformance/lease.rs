//! Leases end by the store's clock, are extended by heartbeats, and are given back.

use std::time::Duration;

use kneo_core::store::{Beat, CommitError, LEASE};

use super::kit::{Kit, assert_answer, computed};

/// A lease that has not run out is its holder's, one that has is anybody's.
pub async fn an_expired_lease_is_claimed(kit: Kit) {
    let old = kit.held().await;
    kit.clock.advance(LEASE - Duration::from_micros(1));
    assert!(kit.claim_run(kit.worker(), &old.run).await.is_none());
    kit.clock.advance(Duration::from_micros(1));
    let new = kit.claim_run(kit.worker(), &old.run).await.unwrap();
    assert!(new.fence > old.fence);
    assert_eq!(kit.row(&old.run).await.holder, Some(new.worker));
}

/// A heartbeat extends a lease, and tells of records and requests to stop.
pub async fn a_heartbeat_extends_the_lease(kit: Kit) {
    let held = kit.held().await;
    for _ in 0..4 {
        kit.clock.advance(LEASE - Duration::from_secs(1));
        let beats = kit.store.heartbeat(held.worker, &[(held.run.clone(), held.fence)]).await.unwrap();
        assert_eq!(beats, vec![Beat::Held { tail: held.tail, cancel_requested: false }]);
        assert!(kit.claim(kit.worker(), 10).await.is_empty());
    }
    assert_eq!(kit.row(&held.run).await.lease_until, Some(kit.now().after(LEASE)));
    let tail = kit.commit(kit.cancel(&held.run)).await.unwrap().tail;
    let beats = kit.store.heartbeat(held.worker, &[(held.run.clone(), held.fence)]).await.unwrap();
    assert_eq!(beats, vec![Beat::Held { tail, cancel_requested: true }]);
}

/// Heartbeats of several leases are answered in their order, each for itself.
pub async fn heartbeats_are_answered_in_order(kit: Kit) {
    let worker = kit.worker();
    for _ in 0..3 {
        kit.make(kit.start()).await;
    }
    let claims = kit.claim(worker, 3).await;
    kit.store.release(&claims[1].run, claims[1].fence).await.unwrap();
    let mut held: Vec<_> = claims.iter().map(|claim| (claim.run.clone(), claim.fence)).collect();
    held.push((kit.run_key(), claims[0].fence));
    let beats = kit.store.heartbeat(worker, &held).await.unwrap();
    let alive = Beat::Held { tail: claims[0].tail, cancel_requested: false };
    assert_eq!(beats, vec![alive, Beat::Lost, alive, Beat::Lost]);
    assert!(kit.store.heartbeat(worker, &[]).await.unwrap().is_empty());
}

/// The heartbeat of a lease that another has taken is lost, and leaves the other's alone.
pub async fn a_lost_lease_cannot_be_extended(kit: Kit) {
    let old = kit.held().await;
    kit.clock.advance(LEASE);
    let new = kit.claim_run(kit.worker(), &old.run).await.unwrap();
    let until = kit.row(&old.run).await.lease_until;
    kit.clock.advance(Duration::from_secs(1));
    for (worker, fence) in [(old.worker, old.fence), (new.worker, old.fence), (old.worker, new.fence)] {
        let beats = kit.store.heartbeat(worker, &[(old.run.clone(), fence)]).await.unwrap();
        assert_eq!(beats, vec![Beat::Lost]);
    }
    assert_eq!(kit.row(&old.run).await.lease_until, until);
}

/// A late heartbeat revives a lease that nobody has claimed since.
pub async fn a_late_heartbeat_revives_an_unclaimed_lease(kit: Kit) {
    let held = kit.held().await;
    kit.clock.advance(LEASE * 3);
    let beats = kit.store.heartbeat(held.worker, &[(held.run.clone(), held.fence)]).await.unwrap();
    assert_eq!(beats, vec![Beat::Held { tail: held.tail, cancel_requested: false }]);
    assert!(kit.claim_run(kit.worker(), &held.run).await.is_none());
}

/// A lease that is given back can be claimed at once, under a new fence.
pub async fn a_released_run_is_claimable(kit: Kit) {
    let held = kit.held().await;
    kit.store.release(&held.run, held.fence).await.unwrap();
    let row = kit.row(&held.run).await;
    assert_eq!((row.holder, row.lease_until), (None, None));
    let next = kit.claim_run(kit.worker(), &held.run).await.unwrap();
    assert!(next.fence > held.fence);
}

/// Giving a lost lease back leaves the new holder's alone; so does giving it back twice, or one that never was.
pub async fn releasing_a_lost_lease_changes_nothing(kit: Kit) {
    let old = kit.held().await;
    kit.clock.advance(LEASE);
    let mut new = kit.claim_run(kit.worker(), &old.run).await.unwrap();
    kit.store.release(&old.run, old.fence).await.unwrap();
    kit.store.release(&old.run, new.fence.next()).await.unwrap();
    kit.store.release(&kit.run_key(), old.fence).await.unwrap();
    assert_eq!(kit.row(&old.run).await.holder, Some(new.worker));
    new.append(&kit, vec![computed("x")]).await;
    kit.store.release(&new.run, new.fence).await.unwrap();
    kit.store.release(&new.run, new.fence).await.unwrap();
    let answer = kit.commit(new.commit(&kit, vec![computed("y")])).await;
    assert_answer!(answer, Err(CommitError::LeaseLost { holder: None }));
}

/// A fence is never given twice, however often a run is claimed and left.
pub async fn fences_only_grow(kit: Kit) {
    let run = kit.make(kit.start()).await;
    let worker = kit.worker();
    let mut last = kneo_core::Fence::default();
    for round in 0..6 {
        let held = kit.claim_run(worker, &run).await.unwrap();
        assert!(held.fence > last);
        last = held.fence;
        match round % 3 {
            0 => kit.store.release(&run, held.fence).await.unwrap(),
            1 => kit.clock.advance(LEASE),
            _ => held.park(&kit, Some(kit.now())).await,
        }
    }
}

/// A clock that is set back costs nobody the lease.
pub async fn a_clock_set_back_takes_no_lease(kit: Kit) {
    let held = kit.held().await;
    kit.clock.set(kneo_core::Timestamp::from_unix_micros(kit.now().as_unix_micros() - 3_600_000_000));
    assert!(kit.claim_run(kit.worker(), &held.run).await.is_none());
    let beats = kit.store.heartbeat(held.worker, &[(held.run.clone(), held.fence)]).await.unwrap();
    assert_answer!(&beats[..], [Beat::Held { .. }]);
}
