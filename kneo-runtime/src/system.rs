//! The machine's own time and randomness: the only place of the crate that asks for them.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use kneo_core::Timestamp;
use kneo_core::clock::{Clock, Entropy};

/// Tells the machine's wall-clock time.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to configure")]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock for hosts that give none")]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Timestamp::from_unix_micros(micros)
    }
}

/// Gives the operating system's randomness.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SystemEntropy {
    fallback: Mutex<u64>,
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_ok() {
            return;
        }
        // A machine without randomness still needs ids that differ: time and a counter, mixed.
        let mut counter = self.fallback.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in buffer.chunks_mut(8) {
            *counter = counter.wrapping_add(1);
            let time = SystemClock.now().as_unix_micros().unsigned_abs();
            let bytes = crate::draw::mix(time ^ counter.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_le_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_and_time_is_after_the_first_release() {
        let entropy = SystemEntropy::default();
        assert_ne!(entropy.id_bytes(), entropy.id_bytes());
        assert!(SystemClock.now() > "2026-01-01T00:00:00Z".parse().unwrap());
    }
}
