//! Takes the store's hints.

use std::future::poll_fn;
use std::sync::Arc;

use crate::shared::Shared;

/// Passes hints on to actors, to whoever waits, and to the task that claims, until the runtime is closed.
pub(crate) async fn hint_loop(shared: Arc<Shared>) {
    let mut hints = shared.store.wakeups(shared.worker);
    let mut closed = shared.closed.cancelled();
    loop {
        let hint = tokio::select! {
            biased;
            () = &mut closed => return,
            hint = poll_fn(|cx| hints.as_mut().poll_next(cx)) => hint,
        };
        // A store whose hints have ended is polled.
        let Some(hint) = hint else { return };
        if hint.run.namespace != shared.namespace {
            continue;
        }
        shared.hub.changed(hint.run.run);
        match shared.live.get(hint.run.run) {
            Some(live) => live.hint(),
            // Nothing more happens to it, and whoever waited was told when it ended.
            None if shared.live.has_ended(hint.run.run) => {}
            None => {
                shared.hub.settled(hint.run.run);
                shared.claims.notify_one();
            }
        }
    }
}
