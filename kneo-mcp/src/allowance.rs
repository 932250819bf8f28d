//! How often a server may ask for something.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests that a server may make at once.
const BURST: u32 = 256;

/// After which a server may make one more.
const EACH: Duration = Duration::from_millis(20);

/// Counts the requests of a server: each is answered, and an answer that the server does not take in waits in memory.
/// One that asks for more than anybody would is not listened to any more.
#[derive(Debug)]
pub(crate) struct Allowance(Mutex<(u32, Instant)>);

impl Allowance {
    pub(crate) fn new() -> Allowance {
        Allowance(Mutex::new((BURST, Instant::now())))
    }

    /// Takes one request, if there is one left.
    pub(crate) fn take(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *state;
        let earned = u32::try_from(since.elapsed().as_millis() / EACH.as_millis()).unwrap_or(BURST);
        let left = left.saturating_add(earned).min(BURST);
        let since = if left == BURST { Instant::now() } else { since + EACH * earned };
        *state = (left.saturating_sub(1), since);
        left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_a_steady_few_are_allowed() {
        let allowance = Allowance::new();
        let taken = |times: u32| (0..times).filter(|_| allowance.take()).count();
        assert_eq!(taken(1_000), 256);
        tokio::time::advance(Duration::from_millis(19)).await;
        assert_eq!(taken(5), 0);
        tokio::time::advance(Duration::from_millis(41)).await;
        assert_eq!(taken(5), 3);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(taken(1_000), 256);
    }
}
