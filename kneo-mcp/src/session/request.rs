//! One request: sent, waited for within its bounds, and called off.

use kneo_core::call::CallContext;
use rmcp::model::{ClientRequest, ErrorCode, ErrorData, JsonObject, RequestId, RequestMetaObject, ServerResult};
use rmcp::service::{PeerRequestOptions, RequestHandle, ServiceError};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use tokio::time::{Instant, sleep_until};

use super::Session;
use crate::http::{HttpFailure, failure_of};
use crate::problem::Problem;

/// Under which a server that knows it finds the idempotency key of a call.
const KEY: &str = "io.github.kneo-project/idempotency-key";

/// What the SDK says in the server's place to a request that was on its way when another one found that the session is
/// forgotten.
const FORGOTTEN: &str = "streamable HTTP session was re-initialized before the response arrived";

impl Session {
    /// Asks the server once. There is no second try here: a request that broke off may have acted.
    ///
    /// # Errors
    /// Whatever keeps the server from a result.
    ///
    /// # Cancel safety
    /// Dropping the future tells the server that its answer is not wanted.
    pub(crate) async fn ask(&self, request: ClientRequest, context: &CallContext) -> Result<ServerResult, Problem> {
        if context.cancel.is_cancelled() {
            return Err(Problem::Cancelled);
        }
        let until = Instant::now() + self.bounds.total;
        let options = PeerRequestOptions::no_options().with_meta(meta(context));
        let handle = tokio::select! {
            biased;
            handle = self.peer.send_request_with_option(request, options) => handle,
            () = context.cancel.cancelled() => return Err(Problem::Cancelled),
            () = sleep_until(until) => return Err(self.timed_out("gave no answer", self.bounds.total)),
        };
        let handle = handle.map_err(|error| self.problem(error, None))?;
        let RequestHandle { mut rx, id, progress_token, .. } = handle;
        let waiting = self.courier.waits_for(id.clone());
        let progress = self.inbox.watch(&progress_token);
        let silent_until = |now: Instant| self.bounds.idle.map_or(until, |idle| (now + idle).min(until));
        let mut idle = silent_until(Instant::now());
        let ended = async {
            match self.channel.ended() {
                Some(ended) => ended.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(ended);
        loop {
            tokio::select! {
                // An answer that is there counts, whatever else happens in the same moment.
                biased;
                answer = &mut rx => {
                    waiting.finish();
                    let answer = answer.unwrap_or(Err(ServiceError::TransportClosed));
                    return answer.map_err(|error| self.problem(error, Some(&id)));
                }
                () = &mut ended => {
                    waiting.finish();
                    return Err(self.channel.closed(Some(&id)));
                }
                () = context.cancel.cancelled() => {
                    waiting.call_off("the call was cancelled");
                    return Err(Problem::Cancelled);
                }
                () = sleep_until(idle) => {
                    waiting.call_off("the answer did not come in time");
                    let silent = self.bounds.idle.filter(|_| idle < until);
                    return Err(match silent {
                        Some(limit) => self.timed_out("gave no sign of progress", limit),
                        None => self.timed_out("gave no answer", self.bounds.total),
                    });
                }
                () = progress.told() => idle = silent_until(Instant::now()),
            }
        }
    }

    fn timed_out(&self, what: &'static str, limit: std::time::Duration) -> Problem {
        let hint = if self.channel.is_stuck() {
            // What is half written cannot be taken back: nothing can follow it.
            self.give_up();
            ", and does not read what it is sent; it is ended, and started again for the next call"
        } else {
            "; see what it does, or raise `timeout_seconds`"
        };
        Problem::Timeout { what, limit, hint }
    }

    fn problem(&self, error: ServiceError, request: Option<&RequestId>) -> Problem {
        match error {
            ServiceError::McpError(error) if error.message == FORGOTTEN => {
                Problem::Lost("it forgot the session that the request was sent in".to_owned())
            }
            ServiceError::McpError(error) => refusal(error),
            ServiceError::TransportSend(error) => {
                match error.error.downcast_ref::<StreamableHttpError<HttpFailure>>() {
                    Some(failure) => failure_of(failure),
                    None => self.channel.closed(request),
                }
            }
            ServiceError::TransportClosed => self.channel.closed(request),
            ServiceError::Cancelled { .. } => Problem::Cancelled,
            other => Problem::Protocol(other.to_string()),
        }
    }
}

/// What a JSON-RPC error says: the request is wrong, or the server failed at it.
pub(super) fn refusal(error: ErrorData) -> Problem {
    let message = error.message.into_owned();
    match error.code {
        ErrorCode::PARSE_ERROR => Problem::Protocol(message),
        ErrorCode::INVALID_REQUEST | ErrorCode::METHOD_NOT_FOUND | ErrorCode::INVALID_PARAMS => {
            Problem::Refused { code: error.code.0, message }
        }
        code => Problem::Failed { code: code.0, message },
    }
}

/// Where the call stands, for a server that wants to know: its place in a trace, as
/// [SEP-414](https://modelcontextprotocol.io/seps/414) has it, and its idempotency key.
fn meta(context: &CallContext) -> RequestMetaObject {
    let mut fields = JsonObject::new();
    fields.insert("traceparent".to_owned(), context.trace().to_string().into());
    fields.insert(KEY.to_owned(), context.key().as_str().into());
    RequestMetaObject(fields.into())
}
