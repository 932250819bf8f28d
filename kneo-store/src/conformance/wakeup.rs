//! Hints that runs changed.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use kneo_core::run::RunKey;
use kneo_core::store::Wakeup;

use super::kit::{Kit, computed};

/// Reads hints until one names the run.
async fn until(stream: &mut Pin<Box<dyn Stream<Item = Wakeup> + Send>>, run: &RunKey) {
    while let Some(hint) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        if hint.run == *run {
            return;
        }
    }
    panic!("the hints ended");
}

/// Whoever subscribes is told of runs that are made, get on, are released or get a record from outside.
pub async fn a_subscriber_is_told_of_changes(kit: Kit) {
    let mut hints = kit.store.wakeups(kit.worker());
    let mut held = kit.held().await;
    until(&mut hints, &held.run).await;
    held.append(&kit, vec![computed("x")]).await;
    until(&mut hints, &held.run).await;
    kit.commit(kit.cancel(&held.run)).await.unwrap();
    until(&mut hints, &held.run).await;
    kit.store.release(&held.run, held.fence).await.unwrap();
    until(&mut hints, &held.run).await;
}

/// A subscriber that never reads hinders nobody.
pub async fn a_slow_subscriber_hinders_nobody(kit: Kit) {
    let _never_read = kit.store.wakeups(kit.worker());
    let mut hints = kit.store.wakeups(kit.worker());
    let mut held = kit.held().await;
    for step in 0..300 {
        held.append(&kit, vec![computed(&step.to_string())]).await;
    }
    until(&mut hints, &held.run).await;
}
