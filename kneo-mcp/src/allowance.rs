//! How often something may be done that a server decides about.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many at once, and one more after each of some times.
#[derive(Debug)]
pub(crate) struct Allowance {
    burst: u32,
    each: Duration,
    /// How many are left, and since when the next is earned.
    state: Mutex<(u32, Instant)>,
}

impl Allowance {
    /// For the requests of a server: each is answered, and an answer that the server does not take in waits in memory.
    /// One that asks for more than anybody would is not listened to any more.
    pub(crate) fn of_requests() -> Allowance {
        Allowance::new(256, Duration::from_millis(20))
    }

    /// For the streams that are opened because a server ended the one before.
    pub(crate) fn of_streams() -> Allowance {
        Allowance::new(8, Duration::from_secs(1))
    }

    fn new(burst: u32, each: Duration) -> Allowance {
        Allowance { burst, each, state: Mutex::new((burst, Instant::now())) }
    }

    /// Takes one, if there is one left.
    pub(crate) fn take(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *state;
        let earned = u32::try_from(since.elapsed().as_millis() / self.each.as_millis()).unwrap_or(self.burst);
        let left = left.saturating_add(earned).min(self.burst);
        let since = if left == self.burst { Instant::now() } else { since + self.each * earned };
        *state = (left.saturating_sub(1), since);
        left > 0
    }

    /// Takes one as soon as there is one.
    ///
    /// # Cancel safety
    /// Dropping the future takes none.
    pub(crate) async fn wait(&self) {
        while !self.take() {
            tokio::time::sleep(self.each).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_a_steady_few_are_allowed() {
        let allowance = Allowance::of_requests();
        let taken = |times: u32| (0..times).filter(|_| allowance.take()).count();
        assert_eq!(taken(1_000), 256);
        tokio::time::advance(Duration::from_millis(19)).await;
        assert_eq!(taken(5), 0);
        tokio::time::advance(Duration::from_millis(41)).await;
        assert_eq!(taken(5), 3);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(taken(1_000), 256);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_next() {
        let allowance = Allowance::of_streams();
        let start = Instant::now();
        for _ in 0..11 {
            allowance.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }
}
