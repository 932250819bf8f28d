//! Calls that end when they are told to.

use std::time::Duration;

use kneo_core::Cancel;
use kneo_core::call::CallError;

/// The code of a call that was told to stop.
pub(crate) const CODE: &str = "provider_cancelled";

/// What a call says that was told to stop.
pub(crate) fn error() -> CallError {
    CallError::fatal(CODE, "the exchange was cancelled")
}

/// Waits, unless the call is cancelled before or meanwhile.
pub(crate) async fn wait(delay: Duration, cancel: &Cancel) -> Result<(), CallError> {
    let waited = async {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(error()),
        () = waited => Ok(()),
    }
}
