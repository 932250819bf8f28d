//! Large values, kept once.

use kneo_core::event::Event;
use kneo_core::store::Retention;
use kneo_core::{Namespace, Payload, Timestamp};

use super::kit::{Kit, large};

fn output(payload: &Payload) -> Event {
    Event::StepComputed { via: None, output: payload.clone() }
}

/// Large values come back, among small ones, wherever in a commit they stand.
pub async fn large_values_come_back(kit: Kit) {
    let (one, two) = (large("one "), large("two "));
    let mut held = kit.hold(kit.start().input(one.clone())).await;
    held.append(&kit, vec![super::kit::computed("small"), output(&two), super::kit::computed("small")]).await;
    held.append(&kit, vec![output(&one), output(&two)]).await;
    let records = kit.records(&held.run).await;
    let Event::RunStarted(started) = records[0].record.event() else { panic!("{records:?}") };
    assert_eq!(started.input, one);
    let outputs: Vec<_> = records[1..].iter().map(|stored| stored.record.event().clone()).collect();
    let small = super::kit::computed("small");
    assert_eq!(outputs, vec![small.clone(), output(&two), small, output(&one), output(&two)]);
}

/// The largest value that a payload may have comes back.
pub async fn the_largest_value_comes_back(kit: Kit) {
    let size = usize::try_from(kneo_core::payload::MAX_PAYLOAD_BYTES).unwrap() - 64;
    let payload = super::kit::payload(&"x".repeat(size));
    let run = kit.make(kit.start().input(payload.clone())).await;
    let records = kit.records(&run).await;
    let Event::RunStarted(started) = records[0].record.event() else { panic!("no start") };
    assert!(started.input == payload);
}

/// A blob that two runs share goes with the last of them, and is counted once.
pub async fn a_shared_blob_goes_with_its_last_run(kit: Kit) {
    let (shared, own) = (large("shared "), large("own "));
    let mut first = kit.hold(kit.start().input(shared.clone())).await;
    first.append(&kit, vec![output(&shared), output(&own)]).await;
    first.end(&kit).await;
    let second = kit.hold(kit.start().input(shared.clone())).await;
    let run = second.run.clone();
    let all = Retention { namespace: Namespace::default(), ended_before: Timestamp::MAX, max: 10 };
    let pruned = kit.store.prune(&all).await.unwrap();
    assert_eq!((pruned.runs, pruned.blobs), (1, 1));
    let records = kit.records(&run).await;
    let Event::RunStarted(started) = records[0].record.event() else { panic!("{records:?}") };
    assert_eq!(started.input, shared);
    second.end(&kit).await;
    let pruned = kit.store.prune(&all).await.unwrap();
    assert_eq!((pruned.runs, pruned.blobs), (1, 1));
}

/// A blob that was deleted with its last run can be kept again.
pub async fn a_deleted_blob_can_come_again(kit: Kit) {
    let value = large("again ");
    let all = Retention { namespace: Namespace::default(), ended_before: Timestamp::MAX, max: 10 };
    for _ in 0..3 {
        let held = kit.hold(kit.start().input(value.clone())).await;
        let records = kit.records(&held.run).await;
        let Event::RunStarted(started) = records[0].record.event() else { panic!("{records:?}") };
        assert_eq!(started.input, value);
        held.end(&kit).await;
        assert_eq!(kit.store.prune(&all).await.unwrap().blobs, 1);
    }
}
