//! Calls that end when they are told to.

use std::time::Duration;

use kneo_core::Cancel;
use kneo_core::call::CallError;

/// Waits, unless the call is cancelled before or meanwhile.
pub(crate) async fn wait(delay: Duration, cancel: &Cancel) -> Result<(), CallError> {
    let waited = async {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(CallError::fatal("provider_cancelled", "the exchange was cancelled")),
        () = waited => Ok(()),
    }
}
