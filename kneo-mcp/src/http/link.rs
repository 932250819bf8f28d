//! What the HTTP transport tells the session beside messages.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::RequestId;

use super::HttpFailure;
use crate::allowance::Allowance;
use crate::redact::Redactor;

/// How many failures are remembered: each is asked for at once by the request that it is of, or by nobody.
const REMEMBERED: usize = 64;

/// Shared by the transport, which knows, and the session, which tells.
#[derive(Debug)]
pub(crate) struct Link {
    pub(super) redactor: Arc<Redactor>,
    failures: Mutex<VecDeque<(RequestId, HttpFailure)>>,
    sessions: AtomicU64,
    asks: Allowance,
}

impl Link {
    pub(crate) fn new(redactor: Arc<Redactor>) -> Arc<Link> {
        Arc::new(Link { redactor, failures: Mutex::default(), sessions: AtomicU64::new(0), asks: Allowance::new() })
    }

    /// Remembers why the stream with a request's answer ended without it.
    pub(super) fn note(&self, request: &RequestId, failure: HttpFailure) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED {
            failures.pop_front();
        }
        failures.push_back((request.clone(), failure));
    }

    /// Why the stream with a request's answer ended, if that is known.
    pub(crate) fn failure(&self, request: &RequestId) -> Option<HttpFailure> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let at = failures.iter().position(|(id, _)| id == request)?;
        failures.remove(at).map(|(_, failure)| failure)
    }

    /// Whether the server may make another request.
    pub(super) fn may_ask(&self) -> bool {
        self.asks.take()
    }

    /// A session begins: the first, or one after the server forgot the one before.
    pub(super) fn session_begins(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// How many sessions have begun: what was learned in one says nothing about the next.
    pub(crate) fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }
}
