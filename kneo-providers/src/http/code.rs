//! The codes of what goes wrong between a provider and its server.

use std::fmt;
use std::sync::Arc;

use kneo_core::call::CallError;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $again:ident;)*) => {
        /// What went wrong, by what the caller does next.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            #[cfg(test)]
            pub(crate) const ALL: &[Code] = &[$(Code::$name,)*];

            /// The stable code.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// Whether the same request can succeed later.
            pub(crate) const fn is_retryable(self) -> bool {
                match self { $(Code::$name => codes!(@ $again),)* }
            }
        }
    };
    (@ retry) => { true };
    (@ fatal) => { false };
}

codes! {
    /// The server asks for a slower pace.
    RateLimited "provider_rate_limited" retry;
    /// The server has too much to do.
    Overloaded "provider_overloaded" retry;
    /// The server failed.
    ServerError "provider_server_error" retry;
    /// Another request stands in the way of this one.
    Conflict "provider_conflict" retry;
    /// No connection came about.
    Unreachable "provider_unreachable" retry;
    /// The connection ended before the answer had begun.
    ConnectionLost "provider_connection_lost" retry;
    /// The whole exchange took too long.
    Timeout "provider_timeout" retry;
    /// No byte arrived for too long.
    Stalled "provider_stalled" retry;
    /// The answer ended before it was whole.
    StreamCut "provider_stream_cut" retry;
    /// The answer is not what the API describes.
    MalformedAnswer "provider_malformed_answer" retry;
    /// The source of secrets does not answer.
    KeyUnavailable "provider_key_unavailable" retry;
    /// The answer has more bytes than the host allows.
    AnswerTooLarge "provider_answer_too_large" fatal;
    /// The head of the answer has more bytes than the host allows.
    HeaderTooLarge "provider_header_too_large" fatal;
    /// The server's certificate is not trusted.
    Untrusted "provider_untrusted" fatal;
    /// The server sends the request elsewhere.
    Redirected "provider_redirected" fatal;
    /// The key is wrong, or there is none.
    Authentication "provider_authentication" fatal;
    /// The key may not do this.
    Permission "provider_permission" fatal;
    /// The account has nothing left to spend.
    QuotaExhausted "provider_quota_exhausted" fatal;
    /// The server has no such model.
    ModelNotFound "provider_model_not_found" fatal;
    /// There is no such API at the address.
    EndpointNotFound "provider_endpoint_not_found" fatal;
    /// The conversation is longer than the model can take.
    ContextTooLong "provider_context_too_long" fatal;
    /// The request has more bytes than the server takes.
    RequestTooLarge "provider_request_too_large" fatal;
    /// A filter refused the conversation.
    ContentFilter "provider_content_filter" fatal;
    /// The server does not accept the request.
    InvalidRequest "provider_invalid_request" fatal;
    /// There is no secret of the name that is to be the key.
    KeyMissing "provider_key_missing" fatal;
    /// The secret that is to be the key cannot be one.
    KeyUnusable "provider_key_unusable" fatal;
    /// The spec names an address that the host does not allow.
    AddressRefused "provider_address_refused" fatal;
    /// The spec names a parameter that is not passed on.
    ParameterRefused "provider_parameter_refused" fatal;
    /// Nobody says which model to ask.
    ModelMissing "provider_model_missing" fatal;
}

impl Code {
    /// An error of this code. The message holds no secret.
    pub(crate) fn error(self, message: impl Into<Arc<str>>) -> CallError {
        match self.is_retryable() {
            true => CallError::retryable(self.as_str(), message),
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
    use super::Code;

    #[test]
    fn codes_are_stable_words_of_providers() {
        let mut codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(codes.iter().all(|code| code.starts_with("provider_")));
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
