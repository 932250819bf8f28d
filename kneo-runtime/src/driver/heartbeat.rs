//! Extends the leases of the runs in this worker's hands, and hears what others have added to them.

use std::sync::Arc;

use kneo_core::Fence;
use kneo_core::run::RunKey;
use kneo_core::store::{Beat, HEARTBEAT};

use super::live::Live;
use crate::shared::Shared;

/// Beats for all held runs at once, until the runtime is closed: at every poll, since a beat is also how a holder hears
/// of a decision or a cancel of which no hint told.
pub(crate) async fn heartbeat_loop(shared: Arc<Shared>) {
    let every = HEARTBEAT.min(shared.options.poll);
    let mut closed = shared.closed.cancelled();
    loop {
        tokio::select! {
            biased;
            () = &mut closed => return,
            () = tokio::time::sleep(every) => beat(&shared).await,
        }
    }
}

async fn beat(shared: &Shared) {
    let held: Vec<(Arc<Live>, Fence)> =
        shared.live.all().into_iter().filter_map(|live| live.fence().map(|fence| (live, fence))).collect();
    if held.is_empty() {
        return;
    }
    let asked: Vec<(RunKey, Fence)> = held.iter().map(|(live, fence)| (live.key.clone(), *fence)).collect();
    match shared.store.heartbeat(shared.worker, &asked).await {
        Ok(beats) => held.iter().zip(beats).for_each(|((live, _), beat)| match beat {
            Beat::Held { tail, .. } => live.behind(tail),
            Beat::Lost => live.lose(),
        }),
        // The fence guards every commit: a beat that is missed costs at most the lease.
        Err(error) => tracing::warn!(%error, "the leases could not be extended; they are tried again"),
    }
}
