//! Tells a server which answers nobody waits for any more.

use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{CancelledNotification, CancelledNotificationParam, RequestId};
use rmcp::service::Peer;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a notification may take to be sent; a server that takes nothing in is not told.
const SENT_WITHIN: Duration = Duration::from_secs(5);

/// A task of the session that sends `notifications/cancelled`, so that whoever drops a request need not wait for it.
///
/// See <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/cancellation>.
#[derive(Debug)]
pub(super) struct Courier {
    requests: mpsc::UnboundedSender<(RequestId, &'static str)>,
    task: JoinHandle<()>,
}

impl Courier {
    pub(super) fn new(peer: Peer<RoleClient>) -> Courier {
        let (requests, mut waiting) = mpsc::unbounded_channel::<(RequestId, &'static str)>();
        let task = tokio::spawn(async move {
            while let Some((request, reason)) = waiting.recv().await {
                let param = CancelledNotificationParam::new(Some(request), Some(reason.to_owned()));
                let notification = CancelledNotification::new(param);
                let _ = timeout(SENT_WITHIN, peer.send_notification(notification.into())).await;
            }
        });
        Courier { requests, task }
    }

    /// A request that is now waited for.
    pub(super) fn waits_for(&self, request: RequestId) -> Waiting {
        Waiting { request: Some(request), reason: "the caller is gone", requests: self.requests.clone() }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request whose answer is waited for; dropping it tells the server that it is not any more.
pub(super) struct Waiting {
    request: Option<RequestId>,
    reason: &'static str,
    requests: mpsc::UnboundedSender<(RequestId, &'static str)>,
}

impl Waiting {
    /// The answer is there.
    pub(super) fn finish(mut self) {
        self.request = None;
    }

    /// The answer is not wanted any more, and why.
    pub(super) fn call_off(mut self, reason: &'static str) {
        self.reason = reason;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            let _ = self.requests.send((request, self.reason));
        }
    }
}
