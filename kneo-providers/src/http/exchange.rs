//! One bounded exchange: a request, the head of its answer, and the body piece by piece.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use kneo_core::Cancel;
use kneo_core::call::CallError;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response};

use super::bounds::Bounds;
use super::client::chain;
use super::code::Code;
use super::redact::redact;
use crate::cancelled;

/// Does something within a call's cancellation and a deadline.
///
/// # Errors
/// What the future says, `provider_cancelled`, or `provider_timeout`. Either way the future is dropped, and with it
/// whatever connection it has.
pub(crate) async fn within<T>(
    cancel: &Cancel,
    deadline: Duration,
    exchange: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(cancelled::error()),
        done = tokio::time::timeout(deadline, exchange) => match done {
            Ok(result) => result,
            Err(_) => Err(Code::Timeout.error(format!("the exchange took longer than its deadline of {deadline:?}"))),
        },
    }
}

/// Sends a request and waits for the head of the answer.
///
/// `patience` is how long the server may be silent; `None` leaves that to the deadline.
///
/// # Errors
/// Whatever keeps a head from arriving within its bounds.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub(crate) async fn head(
    request: RequestBuilder,
    bounds: &Bounds,
    patience: Option<Duration>,
    key: Option<&str>,
) -> Result<Response, CallError> {
    let sent = request.send();
    let response = match patience {
        Some(idle) => tokio::time::timeout(idle, sent).await.map_err(|_| stalled(idle))?,
        None => sent.await,
    };
    let response = response.map_err(|error| unanswered(error.without_url(), bounds, key))?;
    let size: u64 = response.headers().iter().map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64).sum();
    if size > bounds.header_bytes {
        return Err(header_too_large(bounds));
    }
    Ok(response)
}

fn stalled(idle: Duration) -> CallError {
    Code::Stalled.error(format!("the server sent nothing for {idle:?}"))
}

fn header_too_large(bounds: &Bounds) -> CallError {
    let message = format!("the answer has more than {} bytes of headers, or too many of them", bounds.header_bytes);
    Code::HeaderTooLarge.error(message)
}

/// Why there is no head.
fn unanswered(error: reqwest::Error, bounds: &Bounds, key: Option<&str>) -> CallError {
    let said = redact(&chain(&error), key);
    if let Some(reason) = find::<rustls::Error>(&error) {
        return match reason {
            rustls::Error::InvalidCertificate(_) => Code::Untrusted
                .error(format!("the server's certificate is not trusted: {reason}; {}", Code::Untrusted.remedy())),
            _ => Code::Unreachable.error(format!("no TLS connection came about: {said}")),
        };
    }
    if error.is_connect() {
        let why = if error.is_timeout() { format!("no connection within {:?}", bounds.connect) } else { said };
        return Code::Unreachable.error(format!("the server cannot be reached: {why}"));
    }
    // The library tells such a head apart in words alone; a test sees that it still does.
    if said.contains("message head is too large") {
        return header_too_large(bounds);
    }
    Code::ConnectionLost.error(format!("the connection ended before the answer began: {said}"))
}

/// The first cause of a kind, also where an I/O error carries it.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// Why a body ends early.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The connection ended in the middle.
    Cut(CallError),
    /// Nothing arrived for too long.
    Stalled(CallError),
    /// There are more bytes than allowed.
    TooLarge(CallError),
}

impl From<BodyError> for CallError {
    fn from(error: BodyError) -> CallError {
        match error {
            BodyError::Cut(error) | BodyError::Stalled(error) | BodyError::TooLarge(error) => error,
        }
    }
}

/// A body that arrives piece by piece.
#[derive(Debug)]
pub(crate) struct Body {
    response: Response,
    idle: Duration,
    max_bytes: u64,
    left: u64,
}

impl Body {
    /// The body of an answer.
    pub(crate) fn of(response: Response, bounds: &Bounds) -> Body {
        Body { response, idle: bounds.idle, max_bytes: bounds.answer_bytes, left: bounds.answer_bytes }
    }

    /// The headers before it.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece; `None` once the body is whole.
    ///
    /// # Errors
    /// A connection that ends, a silence that is too long, a body that is too large.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; dropping the body closes the connection.
    pub(crate) async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, BodyError> {
        self.next_within(self.idle).await
    }

    /// As [`Body::next`], with another patience.
    pub(crate) async fn next_within(
        &mut self,
        patience: Duration,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, BodyError> {
        let piece = tokio::time::timeout(patience, self.response.chunk()).await;
        let piece = piece.map_err(|_| BodyError::Stalled(stalled(patience)))?;
        let piece = piece.map_err(|error| {
            let said = chain(&error.without_url());
            BodyError::Cut(Code::StreamCut.error(format!("the connection ended in the middle of the answer: {said}")))
        })?;
        let size = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        self.left = self.left.checked_sub(size).ok_or_else(|| {
            let message = format!("the answer has more than {} bytes", self.max_bytes);
            BodyError::TooLarge(Code::AnswerTooLarge.error(message))
        })?;
        Ok(piece)
    }

    /// The whole body.
    ///
    /// # Errors
    /// As of [`Body::next`].
    pub(crate) async fn whole(mut self) -> Result<Vec<u8>, BodyError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(piece.as_ref());
        }
        Ok(whole)
    }

    /// As much of a body as explains an error; what does not arrive soon is left out.
    pub(crate) async fn explanation(mut self) -> String {
        const SOON: Duration = Duration::from_secs(5);
        const MOST: usize = 64 << 10;
        let mut said = Vec::new();
        let reading = async {
            while let Ok(Some(piece)) = self.next().await {
                said.extend_from_slice(piece.as_ref());
                if said.len() >= MOST {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(SOON, reading).await;
        said.truncate(MOST);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Lets the server end a body of which everything was read that counts, so that the connection can be used again.
    pub(crate) async fn settle(mut self) {
        const SETTLED: Duration = Duration::from_millis(50);
        let rest = async { while let Ok(Some(_)) = self.next().await {} };
        let _ = tokio::time::timeout(SETTLED, rest).await;
    }
}
