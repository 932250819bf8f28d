//! What the HTTP transport tells the session beside messages.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::RequestId;

use super::HttpFailure;
use crate::allowance::Allowance;
use crate::redact::Redactor;

/// How many failures and places in streams are remembered: each is asked for at once by the request that it is of, or
/// by nobody.
const REMEMBERED: usize = 256;

/// Shared by the transport, which knows, and the session, which tells.
#[derive(Debug)]
pub(crate) struct Link {
    pub(super) redactor: Arc<Redactor>,
    streams: Mutex<Streams>,
    sessions: AtomicU64,
    is_doubtful: AtomicBool,
    /// The session whose stream beside cannot be read, counted from 1.
    unreadable: AtomicU64,
    asks: Allowance,
    opens: Allowance,
}

/// The streams with answers, by their requests.
#[derive(Debug, Default)]
struct Streams {
    failures: VecDeque<(RequestId, HttpFailure)>,
    /// The id of the last event of each, where it can be taken up again.
    places: VecDeque<(RequestId, String)>,
}

/// Puts the newest in place of what was known of the same request.
fn remember<T>(all: &mut VecDeque<(RequestId, T)>, request: &RequestId, what: T) {
    all.retain(|(known, _)| known != request);
    if all.len() >= REMEMBERED {
        all.pop_front();
    }
    all.push_back((request.clone(), what));
}

impl Link {
    pub(crate) fn new(redactor: Arc<Redactor>) -> Arc<Link> {
        Arc::new(Link {
            redactor,
            streams: Mutex::default(),
            sessions: AtomicU64::new(0),
            is_doubtful: AtomicBool::new(false),
            unreadable: AtomicU64::new(0),
            asks: Allowance::of_requests(),
            opens: Allowance::of_streams(),
        })
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers why a stream ended early: that with a request's answer, or the one beside.
    pub(super) fn note(&self, request: Option<&RequestId>, failure: &HttpFailure) {
        match request {
            Some(request) => remember(&mut self.streams().failures, request, failure.clone()),
            None if failure.is_final() => self.unreadable.store(self.sessions(), Ordering::Relaxed),
            None => {}
        }
    }

    /// Remembers how far the stream with a request's answer was read.
    pub(super) fn read_up_to(&self, request: &RequestId, event: &str) {
        remember(&mut self.streams().places, request, event.to_owned());
    }

    /// Whose answer a stream has that goes on after an event.
    pub(super) fn request_at(&self, event: &str) -> Option<RequestId> {
        self.streams().places.iter().find(|(_, place)| place == event).map(|(request, _)| request.clone())
    }

    /// The stream with a request's answer is read to its answer.
    pub(super) fn answered(&self, request: &RequestId) {
        self.streams().places.retain(|(known, _)| known != request);
    }

    /// Whether what could be read once more would fail once more.
    pub(super) fn is_unreadable(&self, request: Option<&RequestId>) -> bool {
        match request {
            Some(request) => {
                self.streams().failures.iter().any(|(known, failure)| known == request && failure.is_final())
            }
            None => self.sessions() > 0 && self.unreadable.load(Ordering::Relaxed) == self.sessions(),
        }
    }

    /// Why the stream with a request's answer ended, if that is known.
    pub(crate) fn failure(&self, request: &RequestId) -> Option<HttpFailure> {
        let mut streams = self.streams();
        let at = streams.failures.iter().position(|(known, _)| known == request)?;
        streams.failures.remove(at).map(|(_, failure)| failure)
    }

    /// Why the last stream ended that ended early, if any did: while there is one request at a time.
    pub(crate) fn last_failure(&self) -> Option<HttpFailure> {
        self.streams().failures.pop_back().map(|(_, failure)| failure)
    }

    /// Whether the server may make another request.
    pub(super) fn may_ask(&self) -> bool {
        self.asks.take()
    }

    /// Waits until another stream may be opened: a server that ends them at once does not keep this side busy.
    pub(super) async fn may_open(&self) {
        self.opens.wait().await;
    }

    /// A session begins: the first, or one after the server forgot the one before.
    pub(super) fn session_begins(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// The server may have forgotten the session, and does not say so as the protocol has it.
    pub(super) fn doubt(&self) {
        self.is_doubtful.store(true, Ordering::Relaxed);
    }

    /// Whether the next who asks something should begin a session anew.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_doubtful.load(Ordering::Relaxed)
    }

    /// How many sessions have begun: what was learned in one says nothing about the next.
    pub(crate) fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }
}
