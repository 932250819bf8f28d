//! What a server says when it does not answer.

use kneo_core::call::CallError;
use kneo_core::retry_after::retry_after;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use serde_json::Value as Json;

use super::target::Target;
use crate::http::code::Code;
use crate::http::redact::redact;

/// An error as servers write it, in whichever of their forms.
#[derive(Debug, Default, PartialEq)]
struct Said {
    /// `code` and `type`, in lower case.
    words: Vec<String>,
    message: String,
}

/// The error that an answer with a status beyond 299 means.
pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, body: &str, target: &Target) -> CallError {
    if status.is_redirection() {
        return redirected(status, headers, target);
    }
    let said = Said::read(body);
    let code = said.code(status.as_u16());
    let mut message = format!("`{}` answered {}", target.address, status.as_u16());
    said.add_to(&mut message, target.key());
    if let Some(id) = headers.get("x-request-id").and_then(|id| id.to_str().ok()) {
        message.push_str(&format!("; request `{}`", redact(id, target.key())));
    }
    match code {
        Code::Authentication if target.key.is_none() => {
            message.push_str("; no key was sent: the spec names one with `api_key_ref`, or the host gives one");
            if !target.is_own {
                message.push_str(" (the host's own goes only to its own address)");
            }
        }
        // What waiting does not mend, the reader does. What it may mend says so by itself.
        _ if !code.is_retryable() => {
            message.push_str("; ");
            message.push_str(code.remedy());
        }
        _ => {}
    }
    let mut error = code.error(message);
    match headers.get("x-should-retry").map(|value| value.as_bytes()) {
        Some(b"true") => error.retryable = true,
        Some(b"false") => error.retryable = false,
        Some(_) | None => {}
    }
    match retry_after(|name| headers.get(name)?.to_str().ok()) {
        Some(wait) if error.retryable => error.with_retry_after(wait),
        Some(_) | None => error,
    }
}

/// The error that stands in place of an answer, or of its end.
pub(super) fn of_answer(error: &Json, key: Option<&str>) -> CallError {
    let said = Said::of(error);
    // Gateways give the status that they got.
    let status = said.words.iter().find_map(|word| word.parse::<u16>().ok()).unwrap_or(0);
    let mut message = "the server sent an error in place of an answer".to_owned();
    said.add_to(&mut message, key);
    said.code(status).error(message)
}

fn redirected(status: StatusCode, headers: &HeaderMap, target: &Target) -> CallError {
    let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
    // Only the origin: the rest may hold a token.
    let to = to.and_then(|to| target.address.join(&[]).join(to).ok()).map(|to| to.origin().ascii_serialization());
    let to = to.map_or_else(|| "elsewhere".to_owned(), |to| format!("to `{}`", redact(&to, target.key())));
    let (address, status) = (&target.address, status.as_u16());
    Code::Redirected
        .error(format!("`{address}` answered {status} and redirects {to}, and a key does not follow: see `base_url`"))
}

impl Said {
    fn read(body: &str) -> Said {
        match serde_json::from_str::<Json>(body) {
            Ok(json) => Said::of(&json),
            // A page says nothing to a reader of errors.
            Err(_) if body.trim_start().starts_with('<') => Said::default(),
            Err(_) => Said { words: Vec::new(), message: body.to_owned() },
        }
    }

    fn of(json: &Json) -> Said {
        let inner = match json {
            Json::Array(errors) => return errors.first().map(Said::of).unwrap_or_default(),
            Json::String(message) => return Said { words: Vec::new(), message: message.clone() },
            Json::Object(object) => object,
            Json::Null | Json::Bool(_) | Json::Number(_) => return Said::default(),
        };
        if let Some(error) = inner.get("error").filter(|error| error.is_object() || error.is_string()) {
            return Said::of(error);
        }
        let word = |key: &str| match inner.get(key) {
            Some(Json::String(word)) if !word.is_empty() => Some(word.to_lowercase()),
            Some(Json::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let text = |key: &str| match inner.get(key) {
            Some(Json::String(text)) => Some(text.clone()),
            Some(other @ (Json::Array(_) | Json::Object(_))) => Some(other.to_string()),
            _ => None,
        };
        let mut words: Vec<String> = ["code", "type", "status"].into_iter().filter_map(word).collect();
        words.dedup();
        Said { words, message: text("message").or_else(|| text("detail")).unwrap_or_default() }
    }

    fn add_to(&self, message: &mut String, key: Option<&str>) {
        if let Some(word) = self.words.first() {
            message.push_str(&format!(" (`{}`)", redact(word, key)));
        }
        let text = redact(&self.message, key);
        if !text.is_empty() {
            message.push_str(": ");
            message.push_str(text.trim_end_matches('.'));
        }
    }

    /// What the server means: its own words first, then its sentence, then the status; 0 where there is none.
    fn code(&self, status: u16) -> Code {
        self.code_of_words().or_else(|| self.code_of_sentence(status)).unwrap_or_else(|| code_of_status(status))
    }

    /// <https://platform.openai.com/docs/guides/error-codes>, and what servers like it write.
    fn code_of_words(&self) -> Option<Code> {
        self.words.iter().find_map(|word| match word.as_str() {
            "context_length_exceeded" | "exceed_context_size_error" => Some(Code::ContextTooLong),
            "insufficient_quota"
            | "quota_exceeded"
            | "billing_hard_limit_reached"
            | "billing_not_active"
            | "credit_balance_exhausted"
            | "insufficient_balance" => Some(Code::QuotaExhausted),
            "content_filter" | "content_policy_violation" | "responsibleaipolicyviolation" => Some(Code::ContentFilter),
            "model_not_found" | "deploymentnotfound" | "unknown_model" => Some(Code::ModelNotFound),
            "invalid_api_key" | "authentication_error" | "invalid_authentication" => Some(Code::Authentication),
            "permission_error" | "permission_denied" | "unsupported_country_region_territory" => Some(Code::Permission),
            "rate_limit_exceeded" | "rate_limit_error" | "too_many_requests" | "throttling_error" => {
                Some(Code::RateLimited)
            }
            "overloaded_error"
            | "overloaded"
            | "engine_overloaded"
            | "server_is_overloaded"
            | "slow_down"
            | "service_unavailable_error" => Some(Code::Overloaded),
            _ => None,
        })
    }

    fn code_of_sentence(&self, status: u16) -> Option<Code> {
        let sentence = self.message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|words| sentence.contains(words));
        match status {
            0 | 400 | 413 | 422 | 500
                if says(&["context length", "context window", "context size", "prompt is too long"]) =>
            {
                Some(Code::ContextTooLong)
            }
            400 if sentence.contains("api key") && says(&["invalid", "not valid", "incorrect"]) => {
                Some(Code::Authentication)
            }
            400 if says(&["invalid model name", "unknown model", "no such model", "model not found"]) => {
                Some(Code::ModelNotFound)
            }
            404 if sentence.contains("model") => Some(Code::ModelNotFound),
            0 if says(&["overloaded", "at capacity"]) => Some(Code::Overloaded),
            0 if says(&["rate limit"]) => Some(Code::RateLimited),
            _ => None,
        }
    }
}

fn code_of_status(status: u16) -> Code {
    match status {
        401 => Code::Authentication,
        402 => Code::QuotaExhausted,
        403 => Code::Permission,
        404 | 405 | 501 => Code::EndpointNotFound,
        408 | 504 => Code::Timeout,
        409 => Code::Conflict,
        413 => Code::RequestTooLarge,
        425 | 429 => Code::RateLimited,
        503 | 529 => Code::Overloaded,
        400..=499 => Code::InvalidRequest,
        // Without a status the error came in place of an answer: the request was good enough to begin one.
        _ => Code::ServerError,
    }
}

#[cfg(test)]
mod tests;
