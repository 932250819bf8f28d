use kneo_core::Timestamp;
use kneo_core::clock::Clock;
use tokio::time::Instant;

/// Tells tokio's time as wall-clock time: it stands still while a paused runtime works, and jumps when it waits.
#[derive(Debug, Clone, Copy)]
pub struct VirtualClock {
    origin: Instant,
    start: Timestamp,
}

impl VirtualClock {
    /// A clock that reads `start` now.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> VirtualClock {
        VirtualClock { origin: Instant::now(), start }
    }
}

/// A clock that reads 2026-01-01T00:00:00Z now.
impl Default for VirtualClock {
    fn default() -> VirtualClock {
        VirtualClock::starting_at(Timestamp::from_unix_millis(1_767_225_600_000))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.start.after(self.origin.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_moves_when_nothing_is_left_to_do() {
        let clock = VirtualClock::default();
        assert_eq!(clock.now(), "2026-01-01T00:00:00Z".parse().unwrap());
        tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
        assert_eq!(clock.now(), "2026-01-01T01:00:00Z".parse().unwrap());
    }
}
