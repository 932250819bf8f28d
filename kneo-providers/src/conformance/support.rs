//! What the cases share.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kneo_core::call::{CallContext, CallError, Deltas};
use kneo_core::provider::{ModelAnswer, ModelRequest};
use kneo_core::{Attempt, Cancel, Namespace, Path, RunId, RunKey};

use super::fixture::Setup;

/// How soon a call must end once it is cancelled, and any other call of the suite.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// Asks for an answer.
pub(super) async fn ask(setup: &Setup, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, String> {
    match tokio::time::timeout(SOON, setup.provider.generate(request, context)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("the call failed: {} ({error})", error.code)),
        Err(_) => Err(format!("the call went on for {SOON:?}")),
    }
}

/// Asks for an error.
pub(super) async fn fail(setup: &Setup, context: &CallContext) -> Result<CallError, String> {
    match tokio::time::timeout(SOON, setup.provider.generate(only(setup)?, context)).await {
        Ok(Err(error)) => has_providers_code(&error).map(|()| error),
        Ok(Ok(_)) => Err("the request was to fail and gave an answer".to_owned()),
        Err(_) => Err(format!("the request was to fail and went on for {SOON:?}")),
    }
}

pub(super) fn has_providers_code(error: &CallError) -> Result<(), String> {
    let snake = error.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !snake || !error.code.starts_with("provider_") {
        Err(format!("the code `{}` is not like `provider_rate_limited`", error.code))
    } else if error.message.is_empty() {
        Err(format!("`{}` has no message", error.code))
    } else {
        Ok(())
    }
}

pub(super) fn requests(setup: &Setup, count: usize) -> Result<&[ModelRequest], String> {
    let has = setup.requests.len();
    if has == count { Ok(&setup.requests) } else { Err(format!("the fixture made {has} requests instead of {count}")) }
}

pub(super) fn only(setup: &Setup) -> Result<&ModelRequest, String> {
    requests(setup, 1)?.first().ok_or_else(|| "the fixture made no request".to_owned())
}

pub(super) fn expect<T: PartialEq + fmt::Debug + ?Sized>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("the {what} is {found:?} instead of {wanted:?}")) }
}

pub(super) fn context() -> CallContext {
    let run = RunKey::new(Namespace::default(), RunId::from_bytes([1; 16]));
    CallContext::new(run, Path::root(), Attempt::FIRST, Cancel::new())
}

/// Text that arrives while a model generates it.
#[derive(Clone, Default)]
pub(super) struct Received(Arc<Mutex<String>>);

impl Received {
    /// A sink that keeps what it is given, and tells so.
    pub(super) fn sink(&self, told: impl Fn() + Send + Sync + 'static) -> Deltas {
        let received = Arc::clone(&self.0);
        Deltas::new(move |piece| {
            received.lock().unwrap_or_else(PoisonError::into_inner).push_str(piece);
            told();
        })
    }

    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
