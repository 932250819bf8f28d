//! How servers fail, with the code and the remedy of each.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::ValueError;
use kneo_core::call::CallError;
use kneo_core::secret::SecretError;

/// Why a server cannot be bound, or something that it was asked for failed.
///
/// Each text goes on from “the MCP server `…`”, and holds no secret: whatever a server said is redacted before it is
/// put in here.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("cannot be started on this system: {0}")]
    Unsupported(Cow<'static, str>),
    #[error("cannot be used as it is written: {0}")]
    Definition(String),
    #[error(
        "has the command `{0}`, which this host does not allow; use one that it allows, or let the host allow it with \
         `allow_command`"
    )]
    CommandNotAllowed(String),
    #[error("has an address that this host does not allow: {0}")]
    HostNotAllowed(String),
    #[error("cannot be reached without a secret: {0}; add it to the host's secrets")]
    Secret(SecretError),
    #[error("cannot be started: {reason}")]
    Spawn { reason: String, passing: Passing },
    #[error("cannot be reached: {0}; see that it runs, and that its `url` is right")]
    Unreachable(String),
    #[error(
        "cannot be trusted: {0}; correct its certificate, or name who signed it in `ca_bundle`, and see `client_cert`"
    )]
    Tls(String),
    #[error("answers HTTP {status}, which asks for other credentials{}; correct `bearer_ref` or `headers`", after(.text))]
    Unauthorized { status: u16, text: String },
    #[error(
        "answers HTTP {status}, a redirect{}, which is not followed, so that no credential goes elsewhere; write the \
         final address in `url`", toward(.to)
    )]
    Redirect { status: u16, to: String },
    #[error("answers HTTP {status}{}", after(.text))]
    Http { status: u16, text: String, retry_after: Option<Duration> },
    #[error("{what} within {}{hint}", seconds(.limit))]
    Timeout { what: &'static str, limit: Duration, hint: &'static str },
    #[error("sent an answer of more than {cap} bytes; ask for less, or raise `max_response_bytes` and the host's cap")]
    TooLarge { cap: usize },
    #[error("offers more than is taken: {0}; let it offer less, or raise the host's caps")]
    OfferTooLarge(String),
    #[error("does not keep to the protocol: {0}; see its documentation for a version that does")]
    Protocol(String),
    #[error("was lost, and whether a call acted is unknown: {0}")]
    Lost(String),
    #[error("refuses the request: {message} (JSON-RPC error {code}); correct the tool's name and arguments")]
    Refused { code: i32, message: String },
    #[error("failed: {message} (JSON-RPC error {code})")]
    Failed { code: i32, message: String },
    /// What the tool itself calls an error: its text alone, for the model.
    #[error("{0}")]
    Tool(String),
    #[error("asks for {0} before it goes on, which this host does not give; use a tool that needs none")]
    InputRequired(String),
    #[error("takes a map of arguments, and was given {0}")]
    Arguments(&'static str),
    #[error("gave an answer that no value can hold: {0}; let it give less, or as text")]
    Answer(ValueError),
    #[error("was not asked to the end: the call was cancelled")]
    Cancelled,
    #[error("cannot be asked any more: the host has closed its connector")]
    Closed,
}

/// Whether something that failed can succeed later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Passing {
    Yes,
    No,
}

fn after(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn toward(to: &str) -> String {
    if to.is_empty() { String::new() } else { format!(" to `{to}`") }
}

fn seconds(limit: &Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

/// HTTP answers after which the same request can succeed later.
pub(crate) fn passes(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

impl Problem {
    fn code(&self) -> &'static str {
        match self {
            Problem::Unsupported(_) => "mcp_unsupported",
            Problem::Definition(_) => "mcp_server_invalid",
            Problem::CommandNotAllowed(_) => "mcp_command_not_allowed",
            Problem::HostNotAllowed(_) => "mcp_host_not_allowed",
            Problem::Secret(error) => error.code(),
            Problem::Spawn { .. } => "mcp_spawn_failed",
            Problem::Unreachable(_) => "mcp_unreachable",
            Problem::Tls(_) => "mcp_tls_failed",
            Problem::Unauthorized { .. } => "mcp_unauthorized",
            Problem::Redirect { .. } => "mcp_redirect_refused",
            Problem::Http { .. } => "mcp_http_error",
            Problem::Timeout { .. } => "mcp_timeout",
            Problem::TooLarge { .. } => "mcp_answer_too_large",
            Problem::OfferTooLarge(_) => "mcp_offer_too_large",
            Problem::Protocol(_) => "mcp_protocol_error",
            Problem::Lost(_) => "mcp_connection_lost",
            Problem::Refused { .. } => "mcp_request_refused",
            Problem::Failed { .. } => "mcp_server_error",
            Problem::Tool(_) => "mcp_tool_error",
            Problem::InputRequired(_) => "mcp_input_required",
            Problem::Arguments(_) => "mcp_arguments_invalid",
            Problem::Answer(_) => "mcp_answer_invalid",
            Problem::Cancelled => "mcp_cancelled",
            Problem::Closed => "mcp_closed",
        }
    }

    /// Whether the same request can succeed later. That it may act twice is for the plan to weigh.
    fn is_retryable(&self) -> bool {
        match self {
            Problem::Secret(error) => matches!(error, SecretError::Unavailable { .. }),
            Problem::Spawn { passing, .. } => *passing == Passing::Yes,
            Problem::Http { status, .. } => passes(*status),
            Problem::Unreachable(_)
            | Problem::Timeout { .. }
            | Problem::Lost(_)
            | Problem::Failed { .. }
            | Problem::Tool(_) => true,
            Problem::Unsupported(_)
            | Problem::Definition(_)
            | Problem::CommandNotAllowed(_)
            | Problem::HostNotAllowed(_)
            | Problem::Tls(_)
            | Problem::Unauthorized { .. }
            | Problem::Redirect { .. }
            | Problem::TooLarge { .. }
            | Problem::OfferTooLarge(_)
            | Problem::Protocol(_)
            | Problem::Refused { .. }
            | Problem::InputRequired(_)
            | Problem::Arguments(_)
            | Problem::Answer(_)
            | Problem::Cancelled
            | Problem::Closed => false,
        }
    }

    /// The error that callers get, in the words of the server's name.
    pub(crate) fn of(self, server: &str) -> CallError {
        let message: Arc<str> = match &self {
            Problem::Tool(text) => text.as_str().into(),
            other => format!("the MCP server `{server}` {other}").into(),
        };
        let error = if self.is_retryable() { CallError::retryable } else { CallError::fatal }(self.code(), message);
        match self {
            Problem::Http { retry_after: Some(wait), .. } => error.with_retry_after(wait),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn a_message_names_the_server_and_a_tools_own_words_stand_alone() {
        let limit = Duration::from_millis(1_500);
        let timeout = Problem::Timeout { what: "gave no answer", limit, hint: "; raise `timeout_seconds`" }.of("files");
        assert_eq!(&*timeout.message, "the MCP server `files` gave no answer within 1.5 s; raise `timeout_seconds`");
        assert_eq!((&*timeout.code, timeout.retryable), ("mcp_timeout", true));
        let tool = Problem::Tool("no such file".to_owned()).of("files");
        assert_eq!((&*tool.code, &*tool.message), ("mcp_tool_error", "no such file"));
    }

    /// One of each kind.
    fn all() -> Vec<Problem> {
        let text = || "x".to_owned();
        let limit = Duration::from_secs(1);
        let secret = SecretError::Missing { name: kneo_core::Name::new("api").unwrap() };
        let mut all = vec![
            Problem::Unsupported("x".into()),
            Problem::Definition(text()),
            Problem::CommandNotAllowed(text()),
            Problem::HostNotAllowed(text()),
            Problem::Secret(secret),
            Problem::Spawn { reason: text(), passing: Passing::Yes },
            Problem::Spawn { reason: text(), passing: Passing::No },
            Problem::Unreachable(text()),
            Problem::Tls(text()),
            Problem::Unauthorized { status: 401, text: text() },
            Problem::Redirect { status: 302, to: text() },
            Problem::Timeout { what: "x", limit, hint: "" },
            Problem::TooLarge { cap: 1 },
            Problem::OfferTooLarge(text()),
            Problem::Protocol(text()),
            Problem::Lost(text()),
            Problem::Refused { code: 1, message: text() },
            Problem::Failed { code: 1, message: text() },
            Problem::Tool(text()),
            Problem::InputRequired(text()),
            Problem::Arguments("string"),
            Problem::Answer(kneo_core::Value::from_json_text("{").unwrap_err()),
            Problem::Cancelled,
            Problem::Closed,
        ];
        all.extend([404, 503].map(|status| Problem::Http { status, text: text(), retry_after: None }));
        all
    }

    #[test]
    fn every_code_is_explained_as_it_is() {
        let mut explained = std::collections::BTreeSet::new();
        for problem in all() {
            let error = problem.of("files");
            if error.code.starts_with("secret_") {
                continue;
            }
            let known = ErrorCode::of(&error.code).unwrap_or_else(|| panic!("`{}` is not explained", error.code));
            assert!(known.retryable.is_none_or(|retryable| retryable == error.retryable), "{error:?}");
            explained.insert(known.code);
        }
        let known = ErrorCode::ALL.iter().map(|known| known.code);
        assert_eq!(explained, known.collect());
    }

    #[test]
    fn http_answers_that_pass_are_retryable_and_carry_their_wait() {
        for (status, retryable) in
            [(400, false), (404, false), (408, true), (425, true), (429, true), (500, true), (503, true)]
        {
            let retry_after = Some(Duration::from_secs(7));
            let error = Problem::Http { status, text: String::new(), retry_after }.of("x");
            assert_eq!((error.retryable, error.retry_after), (retryable, retry_after), "{status}");
        }
    }
}
