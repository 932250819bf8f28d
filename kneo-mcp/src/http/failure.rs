//! How an exchange by HTTP fails.

use std::error::Error;
use std::time::Duration;

use kneo_core::retry_after::retry_after;
use reqwest::header::HeaderMap;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use crate::problem::Problem;

/// How a server's answer, or its absence, is wrong. Holds no secret and no address.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum HttpFailure {
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Tls(String),
    #[error("HTTP {status}")]
    Status { status: u16, text: String, retry_after: Option<Duration> },
    #[error("HTTP {status}")]
    Redirect { status: u16, to: String },
    #[error("no answer within {0:?}")]
    Silent(Duration),
    #[error("more than {cap} bytes")]
    TooLarge { cap: usize },
    #[error("{0}")]
    Broken(String),
    #[error("{0}")]
    Protocol(String),
}

impl HttpFailure {
    /// Why a request could not be made or a body not be read.
    pub(super) fn of(error: reqwest::Error) -> HttpFailure {
        // Its own text names the address.
        let error = error.without_url();
        let text = deepest(&error);
        let mut source: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(cause) = source {
            if is_tls(cause) {
                return HttpFailure::Tls(text);
            }
            source = cause.source();
        }
        if error.is_connect() || error.is_timeout() || error.is_builder() {
            HttpFailure::Unreachable(text)
        } else {
            HttpFailure::Broken(text)
        }
    }

    pub(super) fn status(status: u16, text: String, headers: &HeaderMap) -> HttpFailure {
        let retry_after = retry_after(|name| headers.get(name)?.to_str().ok());
        HttpFailure::Status { status, text, retry_after }
    }

    /// Whether reading the same once more would fail once more.
    pub(super) fn is_final(&self) -> bool {
        match self {
            HttpFailure::TooLarge { .. } | HttpFailure::Protocol(_) => true,
            HttpFailure::Unreachable(_)
            | HttpFailure::Tls(_)
            | HttpFailure::Status { .. }
            | HttpFailure::Redirect { .. }
            | HttpFailure::Silent(_)
            | HttpFailure::Broken(_) => false,
        }
    }

    pub(crate) fn problem(&self) -> Problem {
        match self.clone() {
            HttpFailure::Unreachable(text) => Problem::Unreachable(text),
            HttpFailure::Tls(text) => Problem::Tls(text),
            HttpFailure::Status { status: status @ (401 | 403), text, .. } => Problem::Unauthorized { status, text },
            HttpFailure::Redirect { status, to } => Problem::Redirect { status, to },
            HttpFailure::Status { status, text, retry_after } => Problem::Http { status, text, retry_after },
            HttpFailure::Silent(limit) => {
                let (what, hint) = ("did not answer the first question", "; see that it runs");
                Problem::Timeout { what, limit, hint }
            }
            HttpFailure::TooLarge { cap } => Problem::TooLarge { cap },
            HttpFailure::Broken(text) => Problem::Lost(text),
            HttpFailure::Protocol(text) => Problem::Protocol(text),
        }
    }
}

/// Whether a cause is one of TLS; I/O errors may hold it, one in another, without calling it their source.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    let held = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    cause.is::<rustls::Error>() || held.is_some_and(|held| is_tls(held))
}

/// The text of the last cause, which says most.
fn deepest(error: &dyn Error) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// What a failure of the transport means.
pub(crate) fn failure_of(error: &StreamableHttpError<HttpFailure>) -> Problem {
    match error {
        StreamableHttpError::Client(failure) => failure.problem(),
        StreamableHttpError::AuthRequired(_) => Problem::Unauthorized { status: 401, text: String::new() },
        StreamableHttpError::InsufficientScope(_) => Problem::Unauthorized { status: 403, text: String::new() },
        StreamableHttpError::SessionExpired => {
            Problem::Lost("it forgot the session, and the one that was begun anew".to_owned())
        }
        StreamableHttpError::SessionRecoveryTimeout => {
            Problem::Lost("it forgot the session, and a new one did not come in time".to_owned())
        }
        StreamableHttpError::TransportChannelClosed | StreamableHttpError::UnexpectedEndOfStream => {
            Problem::Lost("the connection was closed".to_owned())
        }
        StreamableHttpError::Io(error) => Problem::Lost(error.to_string()),
        other => Problem::Protocol(other.to_string()),
    }
}
