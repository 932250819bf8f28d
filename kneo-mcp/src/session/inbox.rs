//! What a server sends on its own: news are taken in, requests are refused.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleClient;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientResult, ErrorCode, ErrorData, Implementation, ProgressToken,
    ProtocolVersion, ServerNotification, ServerRequest,
};
use rmcp::service::{NotificationContext, RequestContext, Service};
use tokio::sync::Notify;

/// Takes in what a server says unasked. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox(Arc<News>);

#[derive(Debug, Default)]
struct News {
    changes: AtomicU64,
    /// Who waits for progress, by the token of the request.
    progress: Mutex<BTreeMap<String, Arc<Notify>>>,
}

impl Inbox {
    /// How often the server said that its tools have changed.
    pub(super) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// Waits for progress of a request until what this gives is dropped.
    pub(super) fn watch(&self, token: &ProgressToken) -> Progress {
        let (token, told) = (token.0.to_string(), Arc::new(Notify::new()));
        let mut watchers = self.0.progress.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.insert(token.clone(), Arc::clone(&told));
        drop(watchers);
        Progress { news: Arc::clone(&self.0), token, told }
    }
}

/// The progress of one request.
pub(super) struct Progress {
    news: Arc<News>,
    token: String,
    told: Arc<Notify>,
}

impl Progress {
    /// Waits until the server tells of progress.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.news.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

impl Service<RoleClient> for Inbox {
    /// Answers a ping. Nothing else that a server may ask for is offered — no sampling, no elicitation, no roots — and
    /// one that asks all the same gets an error at once.
    async fn handle_request(
        &self,
        request: ServerRequest,
        _: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        match request {
            ServerRequest::PingRequest(_) => Ok(ClientResult::empty(())),
            _ => Err(ErrorData::new(
                ErrorCode::METHOD_NOT_FOUND,
                "this client has no such capability, and declares none: no sampling, no elicitation, no roots",
                None,
            )),
        }
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        _: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        match notification {
            ServerNotification::ProgressNotification(progress) => {
                let watchers = self.0.progress.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(told) = watchers.get(&progress.params.progress_token.0.to_string()) {
                    told.notify_one();
                }
            }
            ServerNotification::ToolListChangedNotification(_) => {
                self.0.changes.fetch_add(1, Ordering::Release);
            }
            _ => {}
        }
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        let client = Implementation::new("kneo", env!("CARGO_PKG_VERSION"));
        // What a handshake asks for: versions without one are asked for in another way.
        let version = ProtocolVersion::LATEST_WITH_INITIALIZE;
        ClientConfig::new(ClientCapabilities::default(), client).with_protocol_version(version)
    }
}
