//! Time and randomness, injected so that tests decide both.

use std::fmt;

use crate::time::Timestamp;

/// Tells the time.
///
/// # Contract
/// Returns the wall-clock time, without blocking, from any thread at any time. It may run backwards: the engine never
/// lets event times do so within a run.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes.
///
/// # Contract
/// Ids and jitter come from here; two calls never return the same bytes except by chance, from whichever threads they
/// are made and in whichever process. It does not block.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// Ten random bytes, as an id needs.
    fn id_bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        bytes
    }
}
