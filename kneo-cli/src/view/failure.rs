//! Failures in words.

use std::sync::Arc;

use kneo::{Failure, RunStatus};

use crate::remedy;

/// A failure, its kind said once: `function (tool_exit): …` or `rejected by …`.
pub(crate) fn failure(failure: &Failure) -> String {
    let message = &*failure.message;
    let kind = failure.kind.as_str();
    match &failure.code {
        Some(code) => Failure::new(failure.kind, remedy::worded(code, message)).with_code(Arc::clone(code)).to_string(),
        None if message.to_lowercase().starts_with(kind) => {
            let mut letters = message.chars();
            letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
        }
        None => failure.to_string(),
    }
}

/// What became of a run that did not complete, such as `failed: function: …` or `expired: nobody decided in time`.
pub(crate) fn ended(status: RunStatus, error: &Failure) -> String {
    let text = failure(error);
    match text.strip_prefix(status.as_str()) {
        Some(rest) if rest.starts_with(':') => format!("{status}{rest}"),
        _ => format!("{status}: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use kneo::FailureKind;

    use super::*;

    #[test]
    fn no_word_is_said_twice() {
        let expired = Failure::new(FailureKind::Expired, "nobody decided in time");
        let rejected = Failure::new(FailureKind::Rejected, "Rejected by human reviewer (ana): no");
        let exit = Failure::new(FailureKind::Function, "it exited with 1").with_code("tool_exit");
        for (status, error, text) in [
            (RunStatus::Expired, &expired, "expired: nobody decided in time"),
            (RunStatus::Failed, &expired, "failed: expired: nobody decided in time"),
            (RunStatus::Failed, &rejected, "failed: rejected by human reviewer (ana): no"),
            (RunStatus::Failed, &exit, "failed: function (tool_exit): it exited with 1"),
        ] {
            assert_eq!(ended(status, error), text);
        }
    }
}
