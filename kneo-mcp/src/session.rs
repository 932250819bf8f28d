//! A connection to a server that is ready to be asked.

mod courier;
mod inbox;
mod open;
mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kneo_core::cancel::Cancel;
use kneo_core::secret::Secret;
use rmcp::RoleClient;
use rmcp::service::{Peer, RunningService};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::courier::Courier;
use self::inbox::Inbox;
pub(crate) use self::open::{Greeting, open};
use crate::http;
use crate::offer::Offer;
use crate::problem::Problem;
use crate::redact::Redactor;
#[cfg(unix)]
use crate::stdio;

/// One session with a server.
///
/// Dropping it ends the session in the background: a server that was started gets the end of its input and, after the
/// grace, signals; one at an address is told that the session is over. Dropping the async runtime ends it at once. What
/// ends in the background is tracked, so that who closes everything can wait for it.
#[derive(Debug)]
pub(crate) struct Session {
    peer: Peer<RoleClient>,
    running: Mutex<Option<RunningService<RoleClient, Inbox>>>,
    stop: CancellationToken,
    inbox: Inbox,
    courier: Courier,
    channel: Channel,
    redactor: Arc<Redactor>,
    bounds: Bounds,
    offer: Mutex<Option<Offer>>,
    broken: AtomicBool,
    endings: Endings,
}

/// The sessions that end in the background.
#[derive(Clone, Debug)]
pub(crate) struct Endings(TaskTracker);

impl Endings {
    pub(crate) fn new() -> Endings {
        Endings(TaskTracker::new())
    }

    /// Waits until all have ended.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait.
    pub(crate) async fn wait(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

/// The limits of each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) total: Duration,
    pub(crate) idle: Option<Duration>,
}

/// What the transport tells beside messages.
#[derive(Clone, Debug)]
enum Channel {
    #[cfg(unix)]
    Stdio(Arc<stdio::Link>),
    Http(Arc<http::Link>),
}

impl Session {
    /// Whether it can be asked something, and was made with these secrets.
    pub(crate) fn is_usable(&self, secrets: &[Secret]) -> bool {
        let ended = self.channel.ended().is_some_and(Cancel::is_cancelled);
        let gone = ended || self.channel.is_doubtful() || self.stop.is_cancelled() || self.peer.is_transport_closed();
        !gone && !self.broken.load(Ordering::Relaxed) && self.redactor.is_of(secrets)
    }

    /// Makes it end soon, and be replaced by the next who needs one.
    fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
        self.stop.cancel();
    }

    /// Ends it, and waits until it has ended.
    ///
    /// # Cancel safety
    /// Dropping the future lets it end in the background.
    pub(crate) async fn close(&self) {
        self.broken.store(true, Ordering::Relaxed);
        let running = self.running.lock().await.take();
        if let Some(mut running) = running {
            let _ = running.close().await;
        }
    }

    pub(crate) fn offer(&self) -> &Mutex<Option<Offer>> {
        &self.offer
    }

    /// A number that grows when what the server offers may have changed.
    pub(crate) fn offer_version(&self) -> u64 {
        let begun = match &self.channel {
            #[cfg(unix)]
            Channel::Stdio(_) => 0,
            Channel::Http(link) => link.sessions(),
        };
        begun.saturating_add(self.inbox.changes())
    }

    /// Whether the server speaks a version of before 2026-07-28: one with a handshake, that tells on every connection
    /// when what it offers changes.
    pub(crate) fn is_legacy(&self) -> bool {
        self.peer.peer_info().is_some_and(|info| info.protocol_version.has_initialize())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Without an async runtime here, dropping it is what ends it, in the runtime that it is of.
        if let Some(mut running) = self.running.get_mut().take()
            && let Ok(runtime) = Handle::try_current()
        {
            self.endings.0.spawn_on(
                async move {
                    let _ = running.close().await;
                },
                &runtime,
            );
        }
    }
}

impl Channel {
    fn ended(&self) -> Option<&Cancel> {
        match self {
            #[cfg(unix)]
            Channel::Stdio(link) => Some(link.ended()),
            Channel::Http(_) => None,
        }
    }

    /// What it means that the connection is closed, for the request that waits.
    fn closed(&self, request: Option<&rmcp::model::RequestId>) -> Problem {
        match self {
            #[cfg(unix)]
            Channel::Stdio(link) => link.problem(),
            Channel::Http(link) => match request.map_or_else(|| link.last_failure(), |request| link.failure(request)) {
                Some(failure) => failure.problem(),
                None => Problem::Lost("it closed the connection before it answered".to_owned()),
            },
        }
    }

    fn is_doubtful(&self) -> bool {
        match self {
            #[cfg(unix)]
            Channel::Stdio(_) => false,
            Channel::Http(link) => link.is_doubtful(),
        }
    }

    /// Whether the server takes nothing in.
    fn is_stuck(&self) -> bool {
        match self {
            #[cfg(unix)]
            Channel::Stdio(link) => link.is_stuck(),
            Channel::Http(_) => false,
        }
    }
}
