use std::sync::atomic::{AtomicU64, Ordering};

use kneo_core::clock::Entropy;

use crate::draw::mix;

/// Gives the same bytes for the same seed, in the order in which it is asked.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// Entropy of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let word = mix(self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed));
            chunk.iter_mut().zip(word.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_every_byte() {
        let draw = |seed| [SeededEntropy::new(seed).id_bytes(), SeededEntropy::new(seed).id_bytes()];
        let [a, b] = draw(7);
        assert_eq!(a, b);
        assert_ne!(draw(7), draw(8));
        let one = SeededEntropy::new(7);
        assert_ne!(one.id_bytes(), one.id_bytes());
    }
}
