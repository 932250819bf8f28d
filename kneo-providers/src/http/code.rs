//! The codes of what goes wrong between a provider and its server.

use std::fmt;
use std::sync::Arc;

use kneo_core::call::CallError;

use crate::cancelled;

/// What is known about one code of the errors of a provider that speaks to a server: for programs that explain them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ErrorCode {
    /// The stable code, as in [`CallError::code`].
    pub code: &'static str,
    /// Whether the same request can succeed later. A server may say otherwise of a single error.
    pub retryable: bool,
    /// When it is given: a sentence without its full stop.
    pub meaning: &'static str,
    /// What to do: a clause in the imperative.
    pub remedy: &'static str,
}

impl ErrorCode {
    /// Every code, in the order of the documentation.
    pub const ALL: &'static [ErrorCode] = ALL;

    /// What is known about a code; `None` if it is of another's making.
    #[must_use]
    pub fn of(code: &str) -> Option<&'static ErrorCode> {
        ErrorCode::ALL.iter().find(|known| known.code == code)
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $again:ident $meaning:literal, $remedy:literal;)*) => {
        /// What went wrong, by what the caller does next.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// The stable code.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// Whether the same request can succeed later.
            pub(crate) const fn is_retryable(self) -> bool {
                match self { $(Code::$name => codes!(@ $again),)* }
            }

            /// What to do.
            pub(crate) const fn remedy(self) -> &'static str {
                match self { $(Code::$name => $remedy,)* }
            }
        }

        const ALL: &[ErrorCode] = &[
            $(ErrorCode { code: $code, retryable: codes!(@ $again), meaning: $meaning, remedy: $remedy },)*
            ErrorCode {
                code: cancelled::CODE,
                retryable: false,
                meaning: "The call was cancelled",
                remedy: "nothing: somebody wanted it, or its time was over",
            },
        ];
    };
    (@ retry) => { true };
    (@ fatal) => { false };
}

codes! {
    RateLimited "provider_rate_limited" retry
        "The server asks for a slower pace (429)",
        "let the step wait and try again (`max_retries`, `retry`), or run fewer at a time";
    Overloaded "provider_overloaded" retry
        "The server has too much to do (503, 529, or an error that says so)",
        "let the step wait and try again (`max_retries`, `retry`)";
    ServerError "provider_server_error" retry
        "The server failed (any other 5xx but 501), also in the middle of a stream",
        "let the step try again (`max_retries`), and tell the server's owner if it stays so";
    Conflict "provider_conflict" retry
        "Another request stands in the way of this one (409)",
        "let the step try again (`max_retries`)";
    Unreachable "provider_unreachable" retry
        "No connection came about: the name, the network or TLS",
        "see that `base_url` is right, that the server is up, and that this machine may speak to it";
    ConnectionLost "provider_connection_lost" retry
        "The connection ended before the answer had begun",
        "let the step try again (`max_retries`); if it stays so, see that `base_url` names an HTTP server";
    Timeout "provider_timeout" retry
        "The whole exchange took too long (the host's `deadline`, 408 or 504)",
        "ask for a shorter answer, or raise the host's `deadline`";
    Stalled "provider_stalled" retry
        "No byte arrived for too long",
        "let the step try again (`max_retries`), or raise the host's `idle_timeout` for a model that thinks long";
    StreamCut "provider_stream_cut" retry
        "The answer ended before it was whole",
        "let the step try again (`max_retries`); if it stays so, look for a gateway with a time limit in between";
    MalformedAnswer "provider_malformed_answer" retry
        "The answer is not what the API describes",
        "see that the server speaks OpenAI's chat completions at `base_url`";
    KeyUnavailable "provider_key_unavailable" retry
        "The source of secrets does not answer",
        "see that the secret source can be reached";
    AnswerTooLarge "provider_answer_too_large" fatal
        "The answer, or one event of it, has more bytes than the host allows",
        "ask for a shorter answer, or raise the host's `max_answer_bytes` or `max_event_bytes`";
    HeaderTooLarge "provider_header_too_large" fatal
        "The headers of the answer have more bytes than the host allows",
        "see what stands in front of the server, or raise the host's `max_header_bytes`";
    Untrusted "provider_untrusted" fatal
        "The server's certificate is not trusted",
        "give the host the certificates of the server's authority (`root_certificates`)";
    Redirected "provider_redirected" fatal
        "The server sends the request elsewhere, where a key does not follow",
        "write the address that it redirects to as `base_url`, if it is the right one";
    Authentication "provider_authentication" fatal
        "The key is wrong, or there is none (401)",
        "see that the key is the right one for this address and still counts";
    Permission "provider_permission" fatal
        "The key may not do this (403)",
        "see what the key's owner may use, and from where";
    QuotaExhausted "provider_quota_exhausted" fatal
        "The account has nothing left to spend (402, or 429 that says so)",
        "see the account's credit and limits";
    ModelNotFound "provider_model_not_found" fatal
        "The server has no such model",
        "see the model's `name` in the spec, or the host's `default_model`";
    EndpointNotFound "provider_endpoint_not_found" fatal
        "There is no such API at the address (404, 405, 501)",
        "see that `base_url` ends before `/chat/completions`";
    ContextTooLong "provider_context_too_long" fatal
        "The conversation is longer than the model can take",
        "give the agent less to read, or a model with a larger context";
    RequestTooLarge "provider_request_too_large" fatal
        "The request has more bytes than the server takes (413)",
        "give the agent less to read";
    ContentFilter "provider_content_filter" fatal
        "A filter refused the conversation",
        "change the prompt or the input";
    InvalidRequest "provider_invalid_request" fatal
        "The server does not accept the request (400, 422 and the like)",
        "see the server's own words, and what the spec says in `extra`";
    KeyMissing "provider_key_missing" fatal
        "There is no secret of the name that is to be the key",
        "give the secret source a secret of this name";
    KeyUnusable "provider_key_unusable" fatal
        "The secret that is to be the key cannot be one",
        "see that the secret holds the key alone, without a line feed";
    AddressRefused "provider_address_refused" fatal
        "The spec names an address that the host does not allow",
        "take `base_url` out of the spec, or have the host allow it (`allow_base_url`)";
    ParameterRefused "provider_parameter_refused" fatal
        "The spec names a parameter that is not passed on",
        "take it out of `extra`, or have the host allow it (`allow_parameter`)";
    ModelMissing "provider_model_missing" fatal
        "Neither the spec nor the host names a model",
        "write the model's `name` in the spec, or have the host give a `default_model`";
}

impl Code {
    /// An error of this code. The message holds no secret.
    ///
    /// One that may pass may be the last of its step as well: what to do stands behind it. Of the others whoever makes
    /// them knows more.
    pub(crate) fn error(self, message: impl Into<Arc<str>>) -> CallError {
        let message = message.into();
        match self.is_retryable() {
            true if message.contains(self.remedy()) => CallError::retryable(self.as_str(), message),
            true => CallError::retryable(self.as_str(), format!("{message}; {}", self.remedy())),
            false => CallError::fatal(self.as_str(), message),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Code, ErrorCode};

    #[test]
    fn codes_are_stable_words_of_providers_with_a_remedy() {
        let mut codes: Vec<&str> = ErrorCode::ALL.iter().map(|known| known.code).collect();
        for known in ErrorCode::ALL {
            assert!(known.code.starts_with("provider_"), "{known:?}");
            assert!(known.meaning.starts_with(char::is_uppercase) && known.remedy.starts_with(char::is_lowercase));
            assert!(!known.meaning.ends_with('.') && !known.remedy.ends_with('.'), "{known:?}");
            assert_eq!(ErrorCode::of(known.code), Some(known));
        }
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert_eq!(ErrorCode::of("tool_failed"), None);
    }

    #[test]
    fn an_error_is_what_its_code_says() {
        let error = Code::RateLimited.error("slow down");
        let known = ErrorCode::of(&error.code).unwrap();
        assert_eq!((known.retryable, known.remedy), (error.retryable, Code::RateLimited.remedy()));
        assert_eq!(*error.message, format!("slow down; {}", known.remedy));
        assert_eq!(Code::RateLimited.error(Arc::clone(&error.message)).message, error.message);
        assert_eq!(&*Code::ModelMissing.error("no model").message, "no model");
    }
}
